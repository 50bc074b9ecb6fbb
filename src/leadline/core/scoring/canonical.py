"""Rows of scores and ledgers as lines of text that are the same wherever they are written.

The format is normative: `docs/scoring.md`, section Digest. It is written twice, for frames and for plain rows,
and tests hold the two equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import narwhals.stable.v2 as nw

from leadline.core.scoring.digest import Digest, of_messages
from leadline.core.scoring.expressions import Expr, text
from leadline.core.scoring.facts import LEDGER, SCORES, Engine, Lazy, Scored

Out = TypeVar("Out")
BREAK = "\n"
"""Stands between the lines of a record."""
Columns = tuple[tuple[str, bool], ...]
"""Names, and whether the value is a text."""
_SCORE_COLUMNS: Columns = tuple((name, kind == nw.String()) for name, kind in SCORES.items())
# The uid stands in the record's row of scores.
_LEDGER_COLUMNS: Columns = tuple((name, kind == nw.String()) for name, kind in LEDGER.items() if name != "uid")


def of_scored(engine: Engine[Out], scored: Scored[Out]) -> Digest:
    """The digest of scores and ledger, worked out where they are."""
    return engine.digest(lines(scored.scores, scored.ledger))


def of_rows(scores: Iterable[Mapping[str, Any]], ledger: Iterable[Mapping[str, Any]]) -> Digest:
    """The same, of rows with at least the columns of `SCORES` and `LEDGER`. KeyError where one is lacking."""
    found: dict[str, list[bytes]] = {}
    for columns, rows in ((_SCORE_COLUMNS, scores), (_LEDGER_COLUMNS, ledger)):
        for row in rows:
            line = "".join([_written(row[name], is_text) for name, is_text in columns])
            found.setdefault(row["uid"], []).append(line.encode())
    return of_messages(BREAK.encode().join(sorted(of_record)) for of_record in found.values())


def _written(value: Any, is_text: bool) -> str:
    if is_text:
        return "~:" if value is None else f"{len(value)}:{value}"
    return "~;" if value is None else f"{int(value)};"


def lines(scores: Any, ledger: Any) -> Lazy:
    """uid and line of every row, from native frames of one engine."""
    return nw.concat([_lines(scores, _SCORE_COLUMNS), _lines(ledger, _LEDGER_COLUMNS)])


def _lines(native: Any, columns: Columns) -> Lazy:
    frame: Lazy = nw.from_native(native).lazy()
    pieces = [piece for name, is_text in columns for piece in _pieces(nw.col(name), is_text)]
    return frame.select("uid", line=nw.concat_str(pieces))


def _pieces(value: Expr, is_text: bool) -> list[Expr]:
    if is_text:
        length = value.str.len_chars().cast(nw.String()).fill_null("~")
        return [length, text(":"), value.fill_null("")]
    return [value.cast(nw.Int64()).cast(nw.String()).fill_null("~"), text(";")]
