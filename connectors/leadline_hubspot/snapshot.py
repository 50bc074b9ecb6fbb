"""The first read of an object: everything, by listing or by search, whichever is cheaper.

    way       calls per 1,000 rows       rows a second       carries links
    listing   10                         1,900 (190/10 s)    yes
    search    5 + 1 for each link kind   1,000 (5/s)         no

Both go on from the id of the last row, so rows that change or vanish meanwhile move nothing. What
changes behind the reader's back is caught by the first incremental read, which starts from the
vendor's time at which this one began.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import ceil
from typing import Any, TypeAlias

from leadline.sdk.records import Cursor, Page, PullRequest, RawRecord
from leadline_hubspot import answers, search
from leadline_hubspot.client import PATHS, Client
from leadline_hubspot.links import BATCH, is_type_id, listed_links, with_links
from leadline_hubspot.values import MERGED, stamp_of, to_records, wanted_properties

LIST_PAGE = 100
# A listing carries property names in its address. Longer lists go through search, whose body carries
# few as well, and then batch reads.
MAX_ADDRESS = 7_000
MAX_SEARCH_NAMES = 1_200
READ_BATCH = 100


def names_length(names: Sequence[str]) -> int:
    """Characters that property names take in a request."""
    return sum(len(name) + 3 for name in names)


def plan(request: PullRequest, rows: int, search_above: int) -> tuple[str, int]:
    """The way to read an object of that many rows, and the calls that it takes."""
    names = wanted_properties(request.object, request.fields)
    if rows <= search_above and names_length(names) <= MAX_ADDRESS:
        return "list", max(ceil(rows / LIST_PAGE), 1)
    batches = ceil(rows / READ_BATCH) if names_length(names) > MAX_SEARCH_NAMES else 0
    # One search more than full pages, to learn that there are no more.
    return "search", rows // search.PAGE + 1 + batches + ceil(rows / BATCH) * len(request.links)


Way: TypeAlias = "Callable[[Client, PullRequest, Mapping[str, Any], Cursor], Iterator[Page]]"


def way(mode: str) -> Way:
    """The function for a way that `plan` chose."""
    return listing if mode == "list" else searching


def listing(client: Client, request: PullRequest, position: Mapping[str, Any], last: Cursor) -> Iterator[Page]:
    """Pages by listing from `position` on. The last page carries the cursor `last`.

    Property names that do not fit into an address are left out of it, and the rows read again in batches.
    """
    path = PATHS["objects"].format(object=request.object)
    names = wanted_properties(request.object, request.fields)
    # A row names associated custom objects by their full name, which an id does not tell.
    carried = tuple(each for each in request.links if not is_type_id(each))
    after = position.get("after")
    while True:
        query = [("limit", str(LIST_PAGE)), ("archived", "false")]
        if names_length(names) <= MAX_ADDRESS:
            query.append(("properties", ",".join(names)))
        if carried:
            query.append(("associations", ",".join(carried)))
        if after:
            query.append(("after", after))
        body = client.get(path, query).body
        rows = answers.results_of(body)
        links = listed_links(client, request.object, request.links, rows, carried)
        after = answers.next_after(body)
        cursor = Cursor({**position, "after": str(after)}) if after else last
        if names_length(names) > MAX_ADDRESS:
            rows = complete(client, request.object, rows, names)
        yield Page(_records(request, rows, links), cursor)
        if not after:
            return


def searching(client: Client, request: PullRequest, position: Mapping[str, Any], last: Cursor) -> Iterator[Page]:
    """Pages of up to a thousand rows by search from `position` on. The last page carries the cursor `last`."""
    names = wanted_properties(request.object, request.fields)
    after = str(position.get("after") or "0")
    more = True
    while more:
        rows: list[Mapping[str, Any]] = []
        while more and len(rows) < BATCH:
            found = answers.results_of(run_search(client, request.object, search.behind(after, searchable(names))))
            more = len(found) == search.PAGE
            after = found[-1]["id"] if found else after
            rows += found
        rows = complete(client, request.object, rows, names)
        links = with_links(client, request.object, request.links, rows)
        yield Page(_records(request, rows, links), Cursor({**position, "after": after}) if more else last)


def searchable(names: Sequence[str]) -> Sequence[str]:
    """The names to put into a search: all, or none when they would not fit."""
    return names if names_length(names) <= MAX_SEARCH_NAMES else ()


def complete(
    client: Client, object: str, rows: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> list[Mapping[str, Any]]:
    """The rows with all properties: read again in batches when they were too many for a search."""
    if names_length(names) <= MAX_SEARCH_NAMES:
        return list(rows)
    path = f"{PATHS['objects'].format(object=object)}/batch/read"
    full: dict[str, Mapping[str, Any]] = {}
    for start in range(0, len(rows), READ_BATCH):
        inputs = [{"id": row["id"]} for row in rows[start : start + READ_BATCH]]
        body = {"inputs": inputs, "properties": list(names), "propertiesWithHistory": []}
        full.update((row["id"], row) for row in answers.results_of(client.read(path, body).body))
    # A row that was archived in between is told as deleted by the next incremental read.
    return [full[row["id"]] for row in rows if row["id"] in full]


def run_search(client: Client, object: str, request: Mapping[str, Any]) -> Any:
    """The body of a search's answer."""
    return client.read(f"{PATHS['objects'].format(object=object)}/search", request, bucket="search").body


def _records(
    request: PullRequest, rows: Sequence[Mapping[str, Any]], links: Mapping[str, Mapping[str, tuple[str, ...]]]
) -> tuple[RawRecord, ...]:
    """As `to_records` for rows of one answer, which all carry the same properties.

    A row's own dict is handed on, without what nobody asked for: copies cost a tenth of the CPU of a read.
    """
    first = rows[0]["properties"].keys() if rows else set()
    surplus = [name for name in first if name not in request.fields]
    carried = len(first) if first >= set(request.fields) else -1
    found: list[RawRecord] = []
    for row in rows:
        values, linked = row["properties"], links.get(row["id"], {})
        if len(values) != carried or values.get(MERGED) or "" in values.values():
            found += to_records(request.object, row, request.fields, linked)
            continue
        stamp = stamp_of(request.object, row)
        for name in surplus:
            del values[name]
        found.append(RawRecord(row["id"], values, stamp // 1000, linked))
    return tuple(found)
