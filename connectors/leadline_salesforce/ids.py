"""Record ids: 15 characters in which case counts, or those with three check characters behind them."""

from __future__ import annotations

import re
import string

_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?\Z")
_CHECK = string.ascii_uppercase + "012345"


def normal(text: str) -> str | None:
    """The 18-character form, as replies have it, of either form; None for what is no id.

    The vendor refuses a whole query that compares an id with a text that is none.
    """
    if not _SHAPE.match(text):
        return None
    full = text[:15] + _suffix(text[:15])
    return full if len(text) == 15 or text == full else None


def _suffix(id15: str) -> str:
    """One check character per five: bit n is set when the n-th of them is an upper-case letter."""
    upper = [char in string.ascii_uppercase for char in id15]
    return "".join(_CHECK[sum(is_upper << n for n, is_upper in enumerate(upper[at : at + 5]))] for at in (0, 5, 10))
