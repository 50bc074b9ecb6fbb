"""Hypothesis strategies for the facts that random models score, and the models themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from tests.oracle.random_models import ALL, FEATURES, models
from tests.oracle.random_words import (
    ASSETS,
    COUNTRIES,
    DAY,
    DOMAINS,
    EMAILS,
    EMPLOYEES,
    FUNCTIONS,
    GROUPS,
    INDUSTRIES,
    KINDS,
    MATURITIES,
    NOW,
    RECENT,
    REVENUES,
    SENIORITIES,
    TECHNOLOGIES,
    TIERS,
    TIMES,
    TITLES,
)

__all__ = [
    "ALL", "DAY", "FEATURES", "NOW", "Records", "known_after_all", "many_records", "models", "partitions", "records",
    "shifted", "together",
]  # fmt: skip


@dataclass(frozen=True)
class Records:
    """Rows of facts."""

    accounts: list[dict[str, Any]]
    people: list[dict[str, Any]]
    events: list[dict[str, Any]]


MOMENTS = ("created_at", "group_since", "at")
LISTS = ((), *((word,) for word in TECHNOLOGIES), TECHNOLOGIES[:2], TECHNOLOGIES[1:], TECHNOLOGIES)
STANDING = {"previous_group": GROUPS, "group_since": TIMES}
COMPANY = {
    "industry": INDUSTRIES, "employees": EMPLOYEES, "annual_revenue": REVENUES, "country": (*COUNTRIES, "FR"),
}  # fmt: skip
ACCOUNT: dict[str, tuple[Any, ...]] = {
    **COMPANY, "technologies": tuple(list(words) for words in LISTS), "domain": DOMAINS, "target_tier": (*TIERS, "C"),
    "maturity": MATURITIES, "created_at": TIMES,
}  # fmt: skip
PERSON: dict[str, tuple[Any, ...]] = {
    **COMPANY, "seniority": SENIORITIES, "function": FUNCTIONS, "email_class": EMAILS, "opted_out": (True, False),
    "title": TITLES, "created_at": TIMES,
}  # fmt: skip
EVENT = {
    "kind": st.sampled_from((*KINDS[:2], *KINDS[:2], *KINDS[:3], *KINDS[:3], *KINDS)),
    "asset": st.sampled_from((None, None, *ASSETS)), "at": st.sampled_from((*RECENT, *RECENT, *TIMES)),
}  # fmt: skip


def links(uids: Sequence[str], nowhere: str) -> st.SearchStrategy[str | None]:
    """The uid of one of these; seldom none, or one that no row has."""
    return st.sampled_from((*uids[:1], *uids, *uids, *uids, None, nowhere))


def rows(fields: dict[str, tuple[Any, ...]], missing: int) -> st.SearchStrategy[dict[str, Any]]:
    """Rows of which so many percent of the facts are missing."""

    def maybe(values: tuple[Any, ...]) -> st.SearchStrategy[Any]:
        gaps = max(1, len(values) * missing // (100 - missing))
        return st.sampled_from((None,) * gaps + values)

    facts = {name: maybe(values) for name, values in fields.items()}
    standing = {name: st.sampled_from((None, None, *values)) for name, values in STANDING.items()}
    return st.fixed_dictionaries({**facts, **standing})


# Most facts are there, or most are missing.
SORTS = [(rows(ACCOUNT, missing), rows(PERSON, missing)) for missing in (25, 60)]


@st.composite
def records(draw: st.DrawFn) -> Records:
    """Up to three accounts, five people, two dozen events; some links lead nowhere."""
    account, person = SORTS[draw(st.integers(0, len(SORTS) - 1))]
    accounts = [{"uid": f"a{n}", **draw(account)} for n in range(draw(st.sampled_from((1, 2, 0, 3))))]
    people = [{"uid": f"p{n}", **draw(person)} for n in range(draw(st.sampled_from((2, 1, 3, 0, 2, 4, 5))))]
    places = links([row["uid"] for row in accounts], "gone")
    for row in people:
        row["account"] = draw(places)
    names = links([row["uid"] for row in people], "nobody")
    event = st.fixed_dictionaries({"person": names, "account": places, **EVENT})
    events = [draw(event) for _ in range(draw(st.sampled_from((4, 8, 1, 0, 12, 16, 24))))]
    return Records(accounts, people, events)


# Values that missing facts may turn out to have: those of random records, and words that no model mentions.
UNHEARD = {
    "industry": ("energy",), "seniority": ("intern",), "function": ("legal",), "email_class": ("education",),
}  # fmt: skip


@st.composite
def known_after_all(draw: st.DrawFn, known: Records) -> Records:
    """The same records with some of the missing facts known. Links and events stay.

    Where a person's own value stands in for the account's, the account's stays missing: it would not
    fill a gap but take the place of what is known.
    """

    def fill(row: dict[str, Any], fields: dict[str, tuple[Any, ...]], kept: set[str]) -> dict[str, Any]:
        gaps = [name for name in fields if row[name] in (None, []) and name not in kept]
        found = {name: (*fields[name], *UNHEARD.get(name, ()), row[name]) for name in gaps}
        return {**row, **{name: draw(st.sampled_from(values)) for name, values in found.items()}}

    accounts = []
    for row in known.accounts:
        staff = [person for person in known.people if person["account"] == row["uid"]]
        kept = {name for name in COMPANY if any(person[name] is not None for person in staff)}
        accounts.append(fill(row, ACCOUNT, kept))
    return Records(accounts, [fill(person, PERSON, set()) for person in known.people], known.events)


def together(worlds: list[Records]) -> Records:
    """Several worlds as one, in which they have nothing to do with one another."""
    named = ("uid", "account", "person")

    def of(section: str) -> list[dict[str, Any]]:
        return [
            {key: f"{number}.{value}" if key in named and value is not None else value for key, value in row.items()}
            for number, world in enumerate(worlds)
            for row in getattr(world, section)
        ]

    return Records(of("accounts"), of("people"), of("events"))


def many_records(count: int, least: int = 1) -> st.SearchStrategy[Records]:
    """So many worlds, together: more records for one model."""
    return st.lists(records(), min_size=least, max_size=count).map(together)


def partitions(records: Records) -> list[Records]:
    """The records in parts that have nothing to do with one another."""
    accounts = {row["uid"] for row in records.accounts}
    known = {row["uid"] for row in records.people}
    parts = {row["uid"]: Records([row], [], []) for row in records.accounts}
    home = {}
    for person in records.people:
        home[person["uid"]] = place = person["account"] if person["account"] in accounts else person["uid"]
        parts.setdefault(place, Records([], [], [])).people.append(person)
    for event in records.events:
        place = home[event["person"]] if event["person"] in known else event["account"]
        if place in parts:
            parts[place].events.append(event)
    return list(parts.values())


def shifted(records: Records, seconds: int) -> Records:
    """The records as they are so many seconds later: all their times lie that much further in the past."""

    def of(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {name: value - seconds if name in MOMENTS and value is not None else value for name, value in row.items()}
            for row in rows
        ]

    return Records(of(records.accounts), of(records.people), of(records.events))
