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
"""Answers in one number: a table has 1024 rows at most."""
_SEPARATOR = ";"
TEXT, COUNT = "text", "count"


@dataclass(frozen=True, slots=True)
class Bit:
    """One answer: the name that a yes adds to the text ("": none, and it is not counted), and amounts by column."""

    name: str
    amounts: Mapping[str, int] = field(default_factory=dict)


class Mask:
    """Answers of one kind. Its columns in a frame begin with `prefix`."""

    def __init__(self, prefix: str, bits: Sequence[Bit]) -> None:
        self._prefix = prefix
        self._chunks = [tuple(bits[start : start + _BITS]) for start in range(0, len(bits), _BITS)]

    def numbers(self, tests: Sequence[Expr]) -> dict[str, Expr]:
        """A number per chunk, from a test per answer; none of them may be open."""
        found = {}
        for chunk, bits in enumerate(self._chunks):
            mine = tests[chunk * _BITS : chunk * _BITS + len(bits)]
            found[f"{self._prefix}_{chunk}"] = total(
                either(test, number(1 << place), number(0)) for place, test in enumerate(mine)
            )
        return found

    def read(self, engine: Engine[Any], frame: Lazy) -> Lazy:
        """From numbers to `<prefix>_text` (null when empty), `<prefix>_count`, and sums of amounts by column."""
        amounts = sorted({name for bits in self._chunks for bit in bits for name in bit.amounts})
        for chunk, bits in enumerate(self._chunks):
            mine = f"{self._prefix}_{chunk}"
            table = _table(tuple((bit.name, tuple(sorted(bit.amounts.items()))) for bit in bits))
            named = {f"{mine}_{name}": values for name, values in table.items()}
            schema = {name: nw.String() if name.endswith(TEXT) else nw.Int64() for name in named}
            frame = engine.translate(frame, mine, named, schema)
        columns = {
            f"{self._prefix}_{TEXT}": joined(self._each(TEXT), _SEPARATOR),
            f"{self._prefix}_{COUNT}": total(self._each(COUNT)),
            **{f"{self._prefix}_{name}": total(self._each(name, amount=True)) for name in amounts},
        }
        return added(frame, columns)

    def _each(self, name: str, *, amount: bool = False) -> list[Expr]:
        return [
            nw.col(f"{self._prefix}_{chunk}_{name}")
            for chunk, bits in enumerate(self._chunks)
            if not amount or any(name in bit.amounts for bit in bits)
        ]


@lru_cache(maxsize=256)
def _table(bits: tuple[tuple[str, tuple[tuple[str, int], ...]], ...]) -> dict[str, list[Any]]:
    """By column, a value for each number."""
    numbers = range(1 << len(bits))
    chosen = [[bit for place, bit in enumerate(bits) if value >> place & 1] for value in numbers]
    columns: dict[str, list[Any]] = {
        TEXT: [_SEPARATOR.join(name for name, _ in bits if name) or None for bits in chosen],
        COUNT: [sum(bool(name) for name, _ in bits) for bits in chosen],
    }
    for column in sorted({column for _, amounts in bits for column, _ in amounts}):
        columns[column] = [sum(dict(amounts).get(column, 0) for _, amounts in bits) for bits in chosen]
    return columns
