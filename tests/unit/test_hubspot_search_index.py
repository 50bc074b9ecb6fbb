"""The sandbox's search index gives what a plain scan of the records gives, whatever was edited before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from leadline.sdk.sandbox.clock import SandboxClock
from leadline.sdk.sandbox.faults import Faults
from leadline_hubspot.sandbox.limits import Limits
from leadline_hubspot.sandbox.portal import Portal
from leadline_hubspot.sandbox.records import Record
from leadline_hubspot.sandbox.search import parse

LIMITS = Limits(search_body=10**6)
COMPARE = {
    "EQ": lambda have, want: have == want,
    "GT": lambda have, want: have > want,
    "GTE": lambda have, want: have >= want,
    "LT": lambda have, want: have < want,
    "LTE": lambda have, want: have <= want,
}

edits = st.lists(st.tuples(st.sampled_from(["update", "archive", "create"]), st.integers(0, 11)), max_size=12)
whole = st.integers(0, 14)
conditions = st.lists(
    st.tuples(st.sampled_from(["id", "modified", "score"]), st.sampled_from(sorted(COMPARE)), whole), max_size=4
)
sorts = st.sampled_from(["hs_object_id", "hs_lastmodifieddate", "leadline_score"])


def portal() -> Portal:
    """Twelve companies, made a millisecond apart."""
    clock = SandboxClock()
    clock.set(1_000)
    made = Portal(clock, Faults(), LIMITS)
    for _ in range(12):
        made.prepare_create(made.tables["companies"], {"name": "Acme"}, (), made.stamp())()
    return made


def fact(record: Record, name: str) -> float | None:
    """What a condition compares: ids and stamps relative to the first record's."""
    if name == "id":
        return record.id - 30_000_000_001
    if name == "modified":
        return record.modified - 1_000_000
    score = record.values.get("leadline_score")
    return None if score is None else float(score)


def filter_of(name: str, operator: str, value: int) -> dict[str, Any]:
    names = {"id": "hs_object_id", "modified": "hs_lastmodifieddate", "score": "leadline_score"}
    offset = {"id": 30_000_000_001, "modified": 1_000_000, "score": 0}[name]
    return {"propertyName": names[name], "operator": operator, "value": str(value + offset)}


def change(made: Portal, changes: Sequence[tuple[str, int]]) -> None:
    table = made.tables["companies"]
    for action, number in changes:
        record = table.store.get(30_000_000_001 + number)
        if action == "create":
            made.prepare_create(table, {"leadline_score": str(number)}, (), made.stamp())()
        elif record is not None and action == "update":
            made.prepare_update(table, str(record.id), {"leadline_score": str(number)}, made.stamp())()
        elif record is not None:
            made.archive(table, record, made.stamp())


def expected(made: Portal, wanted: Sequence[tuple[str, str, int]], sort: str, *, descending: bool) -> list[int]:
    live = [record for record in made.tables["companies"].store.all() if record.archived_at is None]
    found = [
        record
        for record in live
        if all((have := fact(record, name)) is not None and COMPARE[op](have, value) for name, op, value in wanted)
    ]
    key = {"hs_object_id": "id", "hs_lastmodifieddate": "modified", "leadline_score": "score"}[sort]

    def order(record: Record) -> tuple[bool, float, int]:
        value = fact(record, key)
        return value is None, value or 0, record.id

    ids = [record.id for record in sorted(found, key=order)]
    return ids[::-1] if descending else ids


@settings(max_examples=150, deadline=None)
@given(changes=edits, wanted=conditions, sort=sorts, descending=st.booleans())
def test_a_search_finds_what_a_scan_finds(
    changes: Sequence[tuple[str, int]], wanted: Sequence[tuple[str, str, int]], sort: str, descending: bool
) -> None:
    made = portal()
    table = made.tables["companies"]
    change(made, changes)
    body: Mapping[str, Any] = {
        "filterGroups": [{"filters": [filter_of(*each) for each in wanted]}],
        "sorts": [{"propertyName": sort, "direction": "DESCENDING" if descending else "ASCENDING"}],
        "limit": 200,
    }

    total, found = table.index.find(parse(body, 0, LIMITS, table.properties), made.now() + 10**6)

    ids = expected(made, wanted, sort, descending=descending)
    assert ([record.id for record in found], total) == (ids, len(ids))
