"""Sorted keys of the HubSpot sandbox are what a plain sorted list is, across many chunks."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from random import Random

import pytest

from leadline_hubspot.sandbox.sortedkeys import SortedKeys


def test_keys_are_added_removed_counted_and_walked_as_in_a_sorted_list() -> None:
    rng = Random(5)
    keys: SortedKeys[int] = SortedKeys(range(0, 9_000, 3))
    plain = list(range(0, 9_000, 3))
    for step in range(8_000):
        key = rng.randrange(12_000) if step % 2 else rng.choice(plain)
        if key in keys_of(plain, key):
            keys.remove(key)
            plain.remove(key)
        else:
            keys.add(key)
            plain.insert(bisect_left(plain, key), key)
        if step % 500 == 0:
            compare(keys, plain, rng)
    compare(keys, plain, rng)


def keys_of(plain: list[int], key: int) -> list[int]:
    return plain[bisect_left(plain, key) : bisect_right(plain, key)]


def compare(keys: SortedKeys[int], plain: list[int], rng: Random) -> None:
    assert list(keys) == plain
    assert len(keys) == len(plain)
    for _ in range(20):
        key = rng.randrange(-5, 12_005)
        assert (keys.below(key), keys.up_to(key)) == (bisect_left(plain, key), bisect_right(plain, key))
        start, stop = sorted(rng.randrange(len(plain) + 5) for _ in range(2))
        assert list(keys.between(start, stop)) == plain[start:stop]
        inside = min(stop, len(plain))
        assert list(keys.backwards(start, inside)) == plain[start:inside][::-1]


def test_a_key_that_is_not_there_cannot_be_removed() -> None:
    keys: SortedKeys[int] = SortedKeys()
    with pytest.raises(KeyError):
        keys.remove(1)
    keys.add(1)
    keys.remove(1)
    assert (len(keys), list(keys.between(0, 5)), keys.below(9)) == (0, [], 0)
