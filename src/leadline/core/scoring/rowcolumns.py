"""The wide form of a ledger: one row per record, columns per rule.

`part:rule` holds points, null where the record has no such row; `part/rule` those of caps, limits, rounding and weight.
What else a row says stands in columns of its name and a suffix; where there is none, it is what `Told` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw

from leadline.core.scoring.expressions import Expr, number, text
from leadline.core.scoring.facts import LEDGER

RAW, DECAY, LIMIT, COUNT, LAST, VALUE = ":raw", ":decay", ":limit", ":count", ":last", ":value"
_SUFFIXES = (RAW, DECAY, LIMIT, COUNT, LAST, VALUE)


def row(part: str, rule: str) -> str:
    """The column of points of a rule, signal, committee, persona or idle."""
    return f"{part}:{rule}"


def adjustment(part: str, rule: str) -> str:
    """The column of points of a cap, limit, rounding or weight."""
    return f"{part}/{rule}"


@dataclass(frozen=True, slots=True)
class Told:
    """A column of points, taken apart."""

    part: str
    rule: str
    adjusts: bool


def told(name: str) -> Told | None:
    """What a column of points is about; None of any other column."""
    if "/" in name:
        part, _, rule = name.partition("/")
        return Told(part, rule, adjusts=True)
    part, _, rule = name.partition(":")
    return Told(part, rule, adjusts=False) if rule and ":" not in rule else None


def is_row_column(name: str) -> bool:
    """Whether the column is of the wide ledger."""
    return told(name) is not None or (":" in name and name.endswith(_SUFFIXES))


def ledger_rows(columns: Iterable[str]) -> list[Mapping[str, Expr]]:
    """For each column of points, its row of the ledger as expressions over `uid` and the columns given."""
    given = set(columns)
    found = []
    for name in columns:
        about = told(name)
        if about is not None:
            found.append(_ledger_row(name, about, given))
    return found


def _ledger_row(name: str, about: Told, given: set[str]) -> Mapping[str, Expr]:
    def also(suffix: str, otherwise: Expr) -> Expr:
        return nw.col(name + suffix) if name + suffix in given else otherwise

    points = nw.col(name)
    cells = {
        "uid": nw.col("uid"),
        "rule": text(about.rule),
        "part": text(about.part),
        "points": points,
        "raw_points": also(RAW, points),
        "lost_to_decay": also(DECAY, number(0)),
        "lost_to_cap": also(LIMIT, number(0)),
        "count": also(COUNT, number(0 if about.adjusts else 1)),
        "last_at": also(LAST, number(None)),
        "value": also(VALUE, text(None)),
    }
    return {column: cells[column] for column in LEDGER}


def lines_of(wide: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of one record's ledger, from its row of the wide form."""
    found = []
    for name, points in wide.items():
        about = told(name)
        if about is None or points is None:
            continue
        plain = {RAW: points, DECAY: 0, LIMIT: 0, COUNT: 0 if about.adjusts else 1}
        also = {suffix: wide.get(name + suffix) for suffix in _SUFFIXES}
        # Null, too, where only the other kind of record has such a column.
        also |= {suffix: value for suffix, value in plain.items() if also[suffix] is None}
        line = {
            "uid": wide["uid"],
            "rule": about.rule,
            "part": about.part,
            "points": points,
            "raw_points": also[RAW],
            "lost_to_decay": also[DECAY],
            "lost_to_cap": also[LIMIT],
            "count": also[COUNT],
            "last_at": also[LAST],
            "value": also[VALUE],
        }
        found.append({column: line[column] for column in LEDGER})
    return found
