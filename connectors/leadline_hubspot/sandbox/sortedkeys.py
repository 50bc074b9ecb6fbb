"""Keys in order, a million of them, where adding, removing and counting stay cheap.

A plain sorted list moves half of itself for every change. Here the list is cut into chunks, so a change
moves a chunk, and a rank is found by halving over the chunks and then within one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Generic, TypeVar

K = TypeVar("K", int, tuple[int, int])
_CHUNK = 1_000


class SortedKeys(Generic[K]):
    """Different keys in ascending order."""

    def __init__(self, keys: Iterable[K] = ()) -> None:
        self._chunks: list[list[K]] = []
        self._lasts: list[K] = []
        self._starts: list[int] | None = None
        self._length = 0
        self.load(keys)

    def load(self, keys: Iterable[K]) -> None:
        """Hold these keys instead of those before, in whatever order they come."""
        ordered = sorted(keys)
        self._chunks = [ordered[start : start + _CHUNK] for start in range(0, len(ordered), _CHUNK)]
        self._lasts = [chunk[-1] for chunk in self._chunks]
        self._starts = None
        self._length = len(ordered)

    def __len__(self) -> int:
        return self._length

    def add(self, key: K) -> None:
        """Put in a key that is not there."""
        self._starts = None
        self._length += 1
        if not self._chunks:
            self._chunks, self._lasts = [[key]], [key]
            return
        place = min(bisect_left(self._lasts, key), len(self._chunks) - 1)
        chunk = self._chunks[place]
        insort(chunk, key)
        if len(chunk) > 2 * _CHUNK:
            self._chunks[place : place + 1] = [chunk[:_CHUNK], chunk[_CHUNK:]]
            self._lasts[place : place + 1] = [chunk[_CHUNK - 1], chunk[-1]]
        else:
            self._lasts[place] = chunk[-1]

    def remove(self, key: K) -> None:
        """Take out a key that is there. KeyError when it is not."""
        place = bisect_left(self._lasts, key)
        chunk = self._chunks[place] if place < len(self._chunks) else []
        at = bisect_left(chunk, key)
        if at == len(chunk) or chunk[at] != key:
            raise KeyError(key)
        chunk.pop(at)
        self._starts = None
        self._length -= 1
        if chunk:
            self._lasts[place] = chunk[-1]
        else:
            del self._chunks[place], self._lasts[place]

    def below(self, key: K) -> int:
        """How many keys are lower than this one."""
        place = bisect_left(self._lasts, key)
        return (
            self._length if place == len(self._chunks) else self._start(place) + bisect_left(self._chunks[place], key)
        )

    def up_to(self, key: K) -> int:
        """How many keys are lower than this one or equal to it."""
        place = bisect_left(self._lasts, key)
        return (
            self._length if place == len(self._chunks) else self._start(place) + bisect_right(self._chunks[place], key)
        )

    def _start(self, place: int) -> int:
        """The rank of a chunk's first key."""
        if self._starts is None:
            self._starts = [0, *accumulate(map(len, self._chunks))]
        return self._starts[place]

    def between(self, start: int, stop: int) -> Iterator[K]:
        """Keys from one rank up to before another, in order."""
        if start >= stop:
            return
        self._start(0)
        place = bisect_right(self._starts or [0], start) - 1
        at, left = start - self._start(place), stop - start
        while left > 0 and place < len(self._chunks):
            for key in self._chunks[place][at : at + left]:
                yield key
                left -= 1
            place, at = place + 1, 0

    def backwards(self, start: int, stop: int) -> Iterator[K]:
        """The same keys, the last one first."""
        if start >= stop:
            return
        self._start(0)
        place = bisect_left(self._starts or [0], stop) - 1
        upto, left = stop - self._start(place), stop - start
        while left > 0 and place >= 0:
            chunk = self._chunks[place]
            for key in reversed(chunk[max(upto - left, 0) : upto]):
                yield key
                left -= 1
            place -= 1
            upto = len(self._chunks[place]) if place >= 0 else 0

    def __iter__(self) -> Iterator[K]:
        for chunk in self._chunks:
            yield from chunk
