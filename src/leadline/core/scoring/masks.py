"""Sets of yes-or-no answers as numbers of bits, and the names of those that are yes, joined.

A text that is put together per record costs more than all rules; a number that stands for one of 1024 texts costs
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import narwhals.stable.v2 as nw

from leadline.core.scoring.expressions import Expr, added, either, joined, number, text, total
from leadline.core.scoring.facts import Engine, Lazy

_BITS = 10
"""Answers in one number."""
_SEPARATOR = ";"


def spelt(engine: Engine[Any], frame: Lazy, name: str, words: Sequence[str], tests: Sequence[Expr]) -> Lazy:
    """Adds `name`: the words whose tests are true, in their order, joined by ';'; "" for none. No test is open."""
    if not words:
        return frame.with_columns(**{name: text("")})
    starts = range(0, len(words), _BITS)
    numbers = {
        f"{name}_{start}": total(
            either(test, number(1 << place), number(0)) for place, test in enumerate(tests[start : start + _BITS])
        )
        for start in starts
    }
    frame = added(frame, numbers)
    pieces = [name] if len(numbers) == 1 else [f"{column}_text" for column in numbers]
    for start, column, piece in zip(starts, numbers, pieces, strict=True):
        frame = engine.translate(frame, column, piece, _texts(tuple(words[start : start + _BITS])))
    if len(pieces) > 1:
        texts = [nw.col(piece).cast(nw.String()) for piece in pieces]
        together = [nw.when(each != "").then(each) for each in texts]
        frame = frame.with_columns(**{name: joined(together, _SEPARATOR).fill_null("")})
    return frame


@lru_cache(maxsize=256)
def _texts(words: tuple[str, ...]) -> tuple[str, ...]:
    """For each number the words of its bits."""
    numbers = range(1 << len(words))
    return tuple(_SEPARATOR.join(word for place, word in enumerate(words) if value >> place & 1) for value in numbers)
