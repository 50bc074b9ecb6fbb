"""Sets of yes-or-no answers as numbers of bits, and what each number stands for: names joined, and sums.

A text that is put together per record costs more than all rules; a table of 1024 texts costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import narwhals.stable.v2 as nw

from leadline.core.scoring.expressions import Expr, added, either, joined, number, total
from leadline.core.scoring.facts import Engine, Lazy

_BITS = 10
"""Answers in one number: a table has 1024 rows at most, for each way of reading it."""
_SEPARATOR = ";"
TEXT, COUNT = "text", "count"


@dataclass(frozen=True, slots=True)
class Bit:
    """One answer: the name that a yes adds to the text ("": none, and it is not counted), and amounts by column."""

    name: str
    amounts: Mapping[str, int] = field(default_factory=dict)


class Mask:
    """Answers of one kind, in one or more ways of reading them. Its columns in a frame begin with `prefix`."""

    def __init__(self, prefix: str, readings: Sequence[Sequence[Bit]]) -> None:
        self._prefix = prefix
        self._size = len(readings[0])
        self._chunks = [
            tuple(tuple(bits[start : start + _BITS]) for bits in readings) for start in range(0, self._size, _BITS)
        ]

    def read(self, engine: Engine[Any], frame: Lazy, tests: Sequence[Expr], reading: Expr) -> Lazy:
        """Adds `<prefix>_text` ("" for none), `<prefix>_count`, and sums of amounts by column.

        A test per answer, none of them open. `reading`: which reading of each record, from 0.
        """
        numbers = {}
        for chunk, readings in enumerate(self._chunks):
            mine = tests[chunk * _BITS : (chunk + 1) * _BITS]
            bits = [either(test, number(1 << place), number(0)) for place, test in enumerate(mine)]
            if len(readings) > 1:
                bits.append(reading * (1 << len(mine)))
            numbers[f"{self._prefix}_{chunk}"] = total(bits)
        frame = added(frame, numbers)
        amounts = self._amounts()
        for name, readings in zip(numbers, self._chunks, strict=True):
            table = {f"{name}_{column}": values for column, values in _table(_frozen(readings), amounts).items()}
            schema = {column: nw.String() if column.endswith(TEXT) else nw.Int64() for column in table}
            frame = engine.translate(frame, name, table, schema)
        return added(frame, self._together(list(numbers)))

    def _amounts(self) -> tuple[str, ...]:
        every = (bit for readings in self._chunks for bits in readings for bit in bits)
        return tuple(sorted({column for bit in every for column in bit.amounts}))

    def _together(self, names: Sequence[str]) -> dict[str, Expr]:
        """Over all chunks."""
        texts = [nw.col(f"{name}_{TEXT}") for name in names]
        if len(texts) > 1:
            texts = [joined([nw.when(each != "").then(each) for each in texts], _SEPARATOR).fill_null("")]
        found = {f"{self._prefix}_{TEXT}": texts[0] if texts else nw.lit("")}
        for column in (COUNT, *self._amounts()):
            found[f"{self._prefix}_{column}"] = total(nw.col(f"{name}_{column}") for name in names)
        return found


_Frozen = tuple[tuple[tuple[str, tuple[tuple[str, int], ...]], ...], ...]


def _frozen(readings: Sequence[Sequence[Bit]]) -> _Frozen:
    return tuple(tuple((bit.name, tuple(sorted(bit.amounts.items()))) for bit in bits) for bits in readings)


@lru_cache(maxsize=256)
def _table(readings: _Frozen, columns: tuple[str, ...]) -> dict[str, list[Any]]:
    """By column, a value for each number."""
    found: dict[str, list[Any]] = {TEXT: [], COUNT: [], **{column: [] for column in columns}}
    for bits in readings:
        amounts = [dict(given) for _, given in bits]
        for value in range(1 << len(bits)):
            places = [place for place in range(len(bits)) if value >> place & 1]
            names = [bits[place][0] for place in places if bits[place][0]]
            found[TEXT].append(_SEPARATOR.join(names))
            found[COUNT].append(len(names))
            for column in columns:
                found[column].append(sum(amounts[place].get(column, 0) for place in places))
    return found
