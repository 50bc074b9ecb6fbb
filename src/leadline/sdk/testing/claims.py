"""How a check says that a connector breaks its contract."""

from __future__ import annotations

from collections.abc import Iterable


def claim(holds: bool, message: str) -> None:
    """AssertionError with this message for the connector's author, unless it holds."""
    if not holds:
        raise AssertionError(message)


def some(ids: Iterable[object]) -> str:
    """A few of them, to be named in a message."""
    listed = sorted(map(str, ids))
    shown = ", ".join(listed[:5])
    return shown if len(listed) <= 5 else f"{shown} and {len(listed) - 5} more"
