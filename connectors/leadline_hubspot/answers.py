"""Bodies of accepted calls, looked at before they are believed.

Between the portal and Leadline stand proxies and maintenance pages, some of which answer 200 to everything.
What has not the form of HubSpot's answer is none: a read asks again by the next run and moves no cursor, and
what became of a write is found by reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from leadline.sdk.errors import TransientError, UnknownOutcomeError

FIX = "Look for a proxy or a maintenance page between Leadline and HubSpot; the next run asks again."
# What going through JSON of another form raises.
_ODD = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def results_of(body: Any, name: str = "results") -> list[Any]:
    """The list of that name in a body. TransientError without one: no list is not an empty list."""
    found = body.get(name) if isinstance(body, dict) else None
    if not isinstance(found, list):
        raise TransientError(f"a call was accepted and its answer holds no list of {name}", fix=FIX)
    return found


def next_after(body: Mapping[str, Any]) -> str | None:
    """Where the next page starts; None when there is none."""
    after = ((body.get("paging") or {}).get("next") or {}).get("after")
    return str(after) if after else None


@contextmanager
def reading(place: str) -> Iterator[None]:
    """While answers are read: TransientError for one of another form, never naming what it holds."""
    try:
        yield
    except _ODD as error:
        raise TransientError(_said(error), place=place, fix=FIX) from error


@contextmanager
def writing(place: str) -> Iterator[None]:
    """The same while something is written: UnknownOutcomeError, because it may have been applied."""
    try:
        yield
    except _ODD as error:
        raise UnknownOutcomeError(_said(error), place=place, fix=FIX) from error


def _said(error: Exception) -> str:
    return f"a call was accepted and its answer has not the form of HubSpot's ({type(error).__name__})"
