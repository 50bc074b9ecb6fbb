"""Batch writes with one result per row.

Every input carries a unique trace id, so that HubSpot lets the good rows through and names the bad
ones. Where it refuses a whole batch nevertheless, the rows that it blames are taken out and the others
sent again; where it blames nobody, the batch is halved until the culprit stands alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias

from leadline.sdk.errors import LeadlineError, UnknownOutcomeError
from leadline_hubspot.answers import results_of
from leadline_hubspot.client import Answer, Client
from leadline_hubspot.errors import BARS_A_PROPERTY, code_of

SIZE = 100  # inputs in one batch
TRACE = "objectWriteTraceId"
# Refusals of a whole batch that one of its rows may be to blame for.
_ROW_REFUSALS = frozenset({400, 404, 409, 413})
SIDE_BY_SIDE = 6
"""Batches under way at the same time. HubSpot takes 19 calls a second and a third of a second for a batch, or less."""
Input: TypeAlias = Mapping[str, Any]
_Part: TypeAlias = tuple[str, list[Input]]


@dataclass(frozen=True, slots=True)
class Result:
    """How one row ended: the row as it is now, or why it was refused, or neither when nobody knows."""

    row: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None


_UNKNOWN = Result()


def write_batches(client: Client, jobs: Sequence[tuple[str, Sequence[Input]]]) -> dict[str, Result]:
    """Write batches, each (path, inputs), and give a result for every trace id.

    Several go side by side, unless a record comes twice: the order of its writes is kept. Raises what the
    client raises as long as nothing has been sent; once something has, the rest is unknown.
    """
    parts = [(path, list(part)) for path, inputs in jobs for part in _parts(inputs)]
    records = [(path, each["id"]) for path, inputs in parts for each in inputs if "id" in each]
    if len(parts) > 1 and len(set(records)) == len(records):
        return _side_by_side(client, parts)
    return _in_turn(client, parts)


def _side_by_side(client: Client, parts: Sequence[_Part]) -> dict[str, Result]:
    """Each batch in a thread of its own. None is begun after one has failed."""
    failures: list[LeadlineError] = []

    def written(part: _Part) -> dict[str, Result]:
        if failures:
            return {}
        try:
            return _in_turn(client, [part])
        except LeadlineError as error:
            failures.append(error)
            return {}

    with ThreadPoolExecutor(min(SIDE_BY_SIDE, len(parts)), thread_name_prefix="hubspot-batch") as threads:
        results = {trace: result for ended in threads.map(written, parts) for trace, result in ended.items()}
    if failures and not results:
        raise failures[0]
    return {each[TRACE]: results.get(each[TRACE], _UNKNOWN) for _, inputs in parts for each in inputs}


def _in_turn(client: Client, parts: Sequence[_Part]) -> dict[str, Result]:
    waiting = list(parts)
    results: dict[str, Result] = {}
    while waiting:
        path, inputs = waiting.pop(0)
        try:
            answer = client.write(path, {"inputs": inputs}, accept=_ROW_REFUSALS)
        except UnknownOutcomeError:
            results.update((each[TRACE], _UNKNOWN) for each in inputs)
            continue
        except LeadlineError:
            if not results:
                raise
            left = [*inputs, *(each for _, part in waiting for each in part)]
            results.update((each[TRACE], _UNKNOWN) for each in left)
            break
        if answer.status < 300:
            results.update(_settled(inputs, answer))
        elif len(inputs) == 1:
            results[inputs[0][TRACE]] = Result(error=answer.body)
        elif blamed := _blamed(inputs, answer.body or {}):
            results.update(blamed)
            rest = [each for each in inputs if each[TRACE] not in blamed]
            waiting[:0] = [(path, rest)] if rest else []
        else:
            middle = len(inputs) // 2
            waiting[:0] = [(path, inputs[:middle]), (path, inputs[middle:])]
    return results


def _blamed(inputs: Sequence[Input], body: Mapping[str, Any]) -> dict[str, Result]:
    """The rows that a refusal of their whole batch names: by trace, by id, or by a property that none may set."""
    found: dict[str, Result] = {}
    details = [each for each in _listed(body.get("errors")) if isinstance(each, dict)]
    # Each detail as an error of its own, then the whole for what its own context names.
    for context_of, error in [*((each, {**body, "errors": [each]}) for each in details), (body, body)]:
        context = context_of.get("context")
        context = context if isinstance(context, dict) else {}
        names = {str(each) for name in (TRACE, "ids", "id") for each in _listed(context.get(name))}
        barred = set(_listed(context.get("propertyName"))) if code_of(error) in BARS_A_PROPERTY else set()
        for each in inputs:
            hit = each[TRACE] in names or str(each.get("id", "")) in names or barred & set(each.get("properties") or ())
            if hit:
                found.setdefault(each[TRACE], Result(error=error))
    return found


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _parts(inputs: Sequence[Input]) -> Iterator[Sequence[Input]]:
    """Parts of a batch's size in which no record comes twice, which HubSpot refuses."""
    left = list(inputs)
    while left:
        part: list[Input] = []
        later: list[Input] = []
        ids: set[object] = set()
        for each in left:
            record_id = each.get("id")
            if len(part) >= SIZE or (record_id is not None and record_id in ids):
                later.append(each)
            else:
                ids.add(record_id)
                part.append(each)
        yield part
        left = later


def _settled(inputs: Sequence[Input], answer: Answer) -> Iterator[tuple[str, Result]]:
    """Results of an accepted batch. A row that is neither among the results nor among the errors is unknown."""
    body = answer.body or {}
    traces = {str(each["id"]): each[TRACE] for each in inputs if "id" in each}
    found: dict[str, Result] = {}
    for row in body.get("results") or ():
        trace = row.get(TRACE) or traces.get(str(row.get("id")))
        if trace:
            found[trace] = Result(row=row)
    for error in body.get("errors") or ():
        context = error.get("context") or {}
        ids = [str(each) for each in _listed(context.get("ids"))]
        named = [*_listed(context.get(TRACE)), *(traces[each] for each in ids if each in traces)]
        found.update((trace, Result(error=error)) for trace in named)
    return ((each[TRACE], found.get(each[TRACE], _UNKNOWN)) for each in inputs)


def read_batch(
    client: Client, path: str, keys: Sequence[str], properties: Sequence[str], id_property: str | None = None
) -> dict[str, Mapping[str, Any]]:
    """Live records by id, or by the value of a unique property; those that do not exist are left out."""
    found: dict[str, Mapping[str, Any]] = {}
    distinct = list(dict.fromkeys(keys))
    asked = list(dict.fromkeys([*properties, *([id_property] if id_property else [])]))
    for start in range(0, len(distinct), SIZE):
        body: dict[str, Any] = {
            "inputs": [{"id": key} for key in distinct[start : start + SIZE]],
            "properties": asked,
            "propertiesWithHistory": [],
        }
        if id_property:
            body["idProperty"] = id_property
        for row in results_of(client.read(f"{path}/batch/read", body).body):
            found[row["properties"][id_property] if id_property else row["id"]] = row
    return found
