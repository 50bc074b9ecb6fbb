"""Hypothesis strategies for the facts that random models score, and the models themselves."""

from __future__ import annotations

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
    "ALL", "DAY", "FEATURES", "NOW", "Records", "known_after_all", "many_records", "models", "records", "together",
]  # fmt: skip


@dataclass(frozen=True)
class Records:
    """Rows of facts."""

    accounts: list[dict[str, Any]]
    people: list[dict[str, Any]]
    events: list[dict[str, Any]]


def maybe(values: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    """One of the values, or missing (one in four)."""
    return st.sampled_from([value for value in (None, *values) for _ in range(3 if value is None else 1)][2:])


LISTS = ((), *((word,) for word in TECHNOLOGIES), TECHNOLOGIES[:2], TECHNOLOGIES[1:], TECHNOLOGIES)
STANDING = {"previous_group": maybe(GROUPS), "group_since": maybe(TIMES)}
COMPANY = {
    "industry": maybe(INDUSTRIES), "employees": maybe(EMPLOYEES), "annual_revenue": maybe(REVENUES),
    "country": maybe((*COUNTRIES, "FR")),
}  # fmt: skip
ACCOUNT = {
    **COMPANY, "technologies": maybe(tuple(list(words) for words in LISTS)), "domain": maybe(DOMAINS),
    "target_tier": maybe((*TIERS, "C")), "maturity": maybe(MATURITIES), "created_at": maybe(TIMES), **STANDING,
}  # fmt: skip
PERSON = {
    **COMPANY, "account": st.sampled_from((None, "a0", "a0", "a0", "a1", "a1", "a2", "gone")),
    "seniority": maybe(SENIORITIES), "function": maybe(FUNCTIONS), "email_class": maybe(EMAILS),
    "opted_out": maybe((True, False)), "title": maybe(TITLES), "created_at": maybe(TIMES), **STANDING,
}  # fmt: skip
EVENT = {
    "person": st.sampled_from((None, "p0", "p0", "p0", "p1", "p1", "p1", "p2", "p3", "p4", "nobody")),
    "account": st.sampled_from((None, "a0", "a1", "a2", "gone")),
    "kind": st.sampled_from((*KINDS[:2], *KINDS[:2], *KINDS[:3], *KINDS[:3], *KINDS)), "asset": maybe(ASSETS),
    "at": st.sampled_from((*RECENT, *RECENT, *TIMES)),
}  # fmt: skip
_account, _person, _event = (st.fixed_dictionaries(fields) for fields in (ACCOUNT, PERSON, EVENT))


@st.composite
def records(draw: st.DrawFn) -> Records:
    """Up to three accounts, five people, fourteen events; some links lead nowhere."""
    accounts = [{"uid": f"a{n}", **draw(_account)} for n in range(draw(st.sampled_from((1, 2, 0, 3))))]
    people = [{"uid": f"p{n}", **draw(_person)} for n in range(draw(st.sampled_from((2, 1, 3, 0, 2, 4, 5))))]
    events = [draw(_event) for _ in range(draw(st.sampled_from((4, 8, 1, 0, 12, 16, 24))))]
    return Records(accounts, people, events)


# Values that missing facts may turn out to have: those of random records, and words that no model mentions.
UNHEARD = {"industry": "energy", "seniority": "intern", "function": "legal", "email_class": "education"}


@st.composite
def known_after_all(draw: st.DrawFn, known: Records) -> Records:
    """The same records with some of the missing facts known. Links and events stay.

    Where a person's own value stands in for the account's, the account's stays missing: it would not
    fill a gap but take the place of what is known.
    """

    def fill(row: dict[str, Any], fields: dict[str, Any], kept: set[str]) -> dict[str, Any]:
        found = dict(row)
        for name, values in fields.items():
            if row[name] in (None, []) and name not in (*STANDING, "account", *kept):
                found[name] = draw(values)
                if name in UNHEARD and draw(st.integers(0, 3)) == 0:
                    found[name] = UNHEARD[name]
        return found

    accounts = []
    for row in known.accounts:
        staff = [person for person in known.people if person["account"] == row["uid"]]
        kept = {name for name in COMPANY if any(person[name] is not None for person in staff)}
        accounts.append(fill(row, ACCOUNT, kept))
    return Records(accounts, [fill(person, PERSON, set()) for person in known.people], known.events)


def together(worlds: list[Records]) -> Records:
    """Several worlds as one, in which they have nothing to do with one another."""
    named = ("uid", "account", "person")

    def rows(section: str) -> list[dict[str, Any]]:
        return [
            {key: f"{number}.{value}" if key in named and value is not None else value for key, value in row.items()}
            for number, world in enumerate(worlds)
            for row in getattr(world, section)
        ]

    return Records(rows("accounts"), rows("people"), rows("events"))


def many_records(count: int) -> st.SearchStrategy[Records]:
    """So many worlds, together: more records for one model."""
    return st.lists(records(), min_size=1, max_size=count).map(together)
