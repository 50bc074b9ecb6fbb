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
    REVENUES,
    SENIORITIES,
    TECHNOLOGIES,
    TIERS,
    TIMES,
    TITLES,
)

__all__ = ["ALL", "DAY", "FEATURES", "NOW", "Records", "models", "records"]


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
    "person": st.sampled_from((None, "p0", "p0", "p1", "p1", "p2", "p3", "p4", "nobody")),
    "account": st.sampled_from((None, "a0", "a1", "a2", "gone")),
    "kind": st.sampled_from(KINDS), "asset": maybe(ASSETS), "at": st.sampled_from(TIMES),
}  # fmt: skip
_account, _person, _event = (st.fixed_dictionaries(fields) for fields in (ACCOUNT, PERSON, EVENT))


@st.composite
def records(draw: st.DrawFn) -> Records:
    """Up to three accounts, five people, fourteen events; some links lead nowhere."""
    accounts = [{"uid": f"a{n}", **draw(_account)} for n in range(draw(st.sampled_from((1, 2, 0, 3))))]
    people = [{"uid": f"p{n}", **draw(_person)} for n in range(draw(st.sampled_from((2, 1, 3, 0, 4, 5))))]
    events = [draw(_event) for _ in range(draw(st.sampled_from((3, 6, 1, 0, 10, 14))))]
    return Records(accounts, people, events)
