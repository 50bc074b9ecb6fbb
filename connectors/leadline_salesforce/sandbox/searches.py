"""SOSL's FIND and the parameterized search: words in the texts of records, by reading every one of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leadline.sdk.sandbox.clock import SandboxClock
from leadline_salesforce.sandbox.calls import Answer, Call
from leadline_salesforce.sandbox.evaluate import Evaluator
from leadline_salesforce.sandbox.faults import ApiError
from leadline_salesforce.sandbox.soql import parse, unquote
from leadline_salesforce.sandbox.store import Org, Row

MOST = 2000
_FIND = re.compile(
    r"\s*FIND\s+(?:\{(?P<braced>(?:\\.|[^{}\\])*)\}|(?P<quoted>'(?:\\.|[^'\\])*'))"
    r"(?:\s+IN\s+(?P<scope>ALL|NAME|EMAIL|PHONE)\s+FIELDS)?"
    r"(?:\s+RETURNING\s+(?P<returning>.+?))?(?:\s+LIMIT\s+(?P<limit>\d+))?\s*\Z",
    re.IGNORECASE | re.DOTALL,
)
_OBJECT = re.compile(r"\s*(?P<name>\w+)\s*(?:\((?P<inside>[^()]*(?:\([^()]*\)[^()]*)*)\))?\s*(?:,|\Z)")
_CLAUSE = re.compile(r"\b(?:WHERE|ORDER|LIMIT)\b", re.IGNORECASE)
_SCOPES = {
    "ALL": ("string", "email", "phone", "url", "picklist", "textarea", "combobox"),
    "NAME": ("string",),
    "EMAIL": ("email",),
    "PHONE": ("phone", "string"),
}
_NAMES = ("Name", "FirstName", "LastName", "Subject", "Company")
_USUAL = ("Account", "Contact", "Lead", "Opportunity")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What to return of one object: a SOQL query without its FROM, in parts."""

    name: str
    fields: str
    rest: str


class Searches:
    """Handlers of `/search` and `/parameterizedSearch`."""

    def __init__(self, org: Org, clock: SandboxClock) -> None:
        self._org = org
        self._clock = clock

    def sosl(self, call: Call) -> Answer:
        found = _FIND.match(call.query.get("q", ""))
        if found is None:
            raise ApiError("MALFORMED_SEARCH", "unexpected token: the search must begin with FIND {...}")
        words = re.sub(r"\\(.)", r"\1", found["braced"]) if found["braced"] is not None else unquote(found["quoted"])
        wanted = _returning(found["returning"])
        rows = self._search(call, words, (found["scope"] or "ALL").upper(), wanted)
        return _answer(rows, int(found["limit"] or MOST))

    def parameterized(self, call: Call) -> Answer:
        body: Mapping[str, Any] = call.body if isinstance(call.body, Mapping) else call.query
        words = body.get("q")
        if not isinstance(words, str) or not words:
            raise ApiError("MALFORMED_SEARCH", "The search needs a 'q'")
        objects = body.get("sobjects") or body.get("sobject") or list(_USUAL)
        if isinstance(objects, str):
            objects = objects.split(",")
        fields = body.get("fields") or ["Id"]
        fields = fields.split(",") if isinstance(fields, str) else fields
        wanted = [
            _Wanted(item, ", ".join(fields), "")
            if isinstance(item, str)
            else _Wanted(str(item.get("name")), ", ".join(item.get("fields") or fields), _limited(item))
            for item in objects
        ]
        limit = body.get("overallLimit", body.get("defaultLimit", MOST))
        return _answer(self._search(call, words, str(body.get("in", "ALL")).upper(), wanted), int(limit))

    def _search(self, call: Call, words: str, scope: str, wanted: Sequence[_Wanted]) -> Iterator[dict[str, Any]]:
        if len(words.strip("*?")) < 2:
            raise ApiError("MALFORMED_SEARCH", "search term must be longer than one character")
        match = _matcher(words)
        for part in wanted:
            where = part.rest
            query = parse(f"SELECT {part.fields} FROM {part.name} {where}")  # noqa: S608 - SOQL, over made-up data
            evaluator = Evaluator(self._org, self._clock.now(), call.base)
            definition = evaluator.object_of(query)
            names = [
                field.name
                for field in definition.fields.values()
                if field.type in _SCOPES.get(scope, _SCOPES["ALL"]) and (scope != "NAME" or field.name in _NAMES)
            ]
            found = evaluator.run(query, include_deleted=False)
            yield from (found.render(row) for row in found.rows if _hit(row, names, match))


def _matcher(words: str) -> re.Pattern[str]:
    """Every word as the beginning of one, in any case; * and ? as everywhere."""
    parts = [re.escape(word.strip('"')).replace(r"\*", r"\S*").replace(r"\?", r"\S") for word in words.split()]
    return re.compile("".join(rf"(?=.*\b{part})" for part in parts), re.IGNORECASE | re.DOTALL)


def _hit(row: Row, names: Sequence[str], match: re.Pattern[str]) -> bool:
    return match.match(" ".join(str(row[name]) for name in names if name in row)) is not None


def _returning(text: str | None) -> list[_Wanted]:
    if text is None:
        return [_Wanted(name, "Id", "") for name in _USUAL]
    wanted, at = [], 0
    while at < len(text):
        found = _OBJECT.match(text, at)
        if found is None:
            raise ApiError("MALFORMED_SEARCH", f"unexpected token: {text[at : at + 20]}")
        inside = found["inside"] or "Id"
        clause = _CLAUSE.search(inside)
        cut = len(inside) if clause is None else clause.start()
        wanted.append(_Wanted(found["name"], inside[:cut], inside[cut:]))
        at = found.end()
    return wanted


def _limited(item: Mapping[str, Any]) -> str:
    where = f"WHERE {item['where']}" if item.get("where") else ""
    return f"{where} LIMIT {item['limit']}" if item.get("limit") else where


def _answer(rows: Iterator[dict[str, Any]], limit: int) -> Answer:
    found = [row for row, _ in zip(rows, range(min(limit, MOST)), strict=False)]
    return Answer({"searchRecords": found}, records=len(found))
