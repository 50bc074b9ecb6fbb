"""Record ids: 15 case-sensitive characters, and the 18-character form that survives losing case."""

from __future__ import annotations

import hashlib
import re
import string
from functools import lru_cache

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_CHECK = string.ascii_uppercase + "012345"
_UPPER = str.maketrans({char: "1" if char in string.ascii_uppercase else "0" for char in _BASE62})
_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[A-Z0-5]{3})?\Z")


def suffix(id15: str) -> str:
    """The three check characters: one per five, bit n set when the n-th is an upper-case letter."""
    bits = id15.translate(_UPPER)
    return "".join(_CHECK[int(bits[start : start + 5][::-1], 2)] for start in (0, 5, 10))


def normal(record_id: str) -> str | None:
    """The 18-character form of either form, None when it is no id."""
    if not _SHAPE.match(record_id):
        return None
    id15 = record_id[:15]
    return id15 + suffix(id15)


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, rest = divmod(number, 62)
        digits.append(_BASE62[rest])
    return "".join(reversed(digits))


@lru_cache(maxsize=1 << 17)  # every record is named again by those that point at it
def from_world(prefix: str, world_id: str) -> str:
    """The id of a record that comes from the world: the same one in every run and on every machine."""
    number = int.from_bytes(hashlib.sha256(world_id.encode()).digest()[:8], "big")
    id15 = f"{prefix}Lw0{_base62(number, 9)}"
    return id15 + suffix(id15)


def counted(prefix: str, number: int) -> str:
    """The id of the `number`-th record made after the start; never equal to one from the world."""
    id15 = f"{prefix}Nw0{_base62(number, 9)}"
    return id15 + suffix(id15)
