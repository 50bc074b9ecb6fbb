"""Keys in order, in a list of short lists: adding, removing and finding touch one of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from typing import TypeAlias

Key: TypeAlias = tuple[str, str]  # (SystemModstamp, Id)
_LONGEST = 1_024


class SortedKeys:
    """Distinct keys, ascending, in lists of at most `longest`. Do not change it while iterating."""

    def __init__(self, keys: Iterable[Key] = (), *, longest: int = _LONGEST) -> None:
        self._longest = longest
        ordered, half = sorted(keys), longest // 2
        self._parts = [ordered[at : at + half] for at in range(0, len(ordered), half)] or [[]]
        self._lowest = [part[0] for part in self._parts[1:]]  # of every part but the first

    def add(self, key: Key) -> None:
        """Put a key in its place."""
        at = bisect_right(self._lowest, key)
        part = self._parts[at]
        insort(part, key)
        if len(part) > self._longest:
            upper = part[self._longest // 2 :]
            del part[self._longest // 2 :]
            self._parts.insert(at + 1, upper)
            self._lowest.insert(at, upper[0])

    def remove(self, key: Key) -> None:
        """Take a key away. KeyError when it is not there."""
        at = bisect_right(self._lowest, key)
        part = self._parts[at]
        place = bisect_left(part, key)
        if place == len(part) or part[place] != key:
            raise KeyError(key)
        del part[place]
        if not part and len(self._parts) > 1:
            del self._parts[at]
            # Bounds only ever say where to look; a part may begin above its bound.
            del self._lowest[max(at - 1, 0)]

    def after(self, key: Key | None) -> Iterator[Key]:
        """The keys beyond `key`, all without one."""
        at = 0 if key is None else bisect_right(self._lowest, key)
        start = 0 if key is None else bisect_right(self._parts[at], key)
        for number in range(at, len(self._parts)):
            part = self._parts[number]
            for place in range(start, len(part)):
                yield part[place]
            start = 0

    def __len__(self) -> int:
        return sum(map(len, self._parts))
