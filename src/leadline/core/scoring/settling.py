"""From rows to score and group, for all records at once: caps, parts, limits, rounding, weights, total, groups.

Each step is a horizontal expression over the wide form; what it takes or gives is a column of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw

from leadline.core.entities import Entity
from leadline.core.scoring import expressions as ex
from leadline.core.scoring.bands import Group
from leadline.core.scoring.expressions import Expr, either, number, text
from leadline.core.scoring.facts import SCORES, Engine, Lazy
from leadline.core.scoring.groups import group_names
from leadline.core.scoring.interval import Reaching
from leadline.core.scoring.masks import COUNT, TEXT, Bit, Mask
from leadline.core.scoring.model import CAP, DAY, FLOOR, POINT, ROUNDING, TOTAL, WEIGHT, Limits, Model, Part
from leadline.core.scoring.plan import Plan
from leadline.core.scoring.rowcolumns import adjustment
from leadline.core.scoring.rules import Conditional
from leadline.core.scoring.wide import Rows

_FULL = 100  # percent
GAIN, LOSS = "gain_", "loss_"


@dataclass(frozen=True, slots=True)
class Broken:
    """Scores with the wide form of their ledger: columns `SCORES`, and those of `rows`."""

    frame: Lazy
    rows: tuple[str, ...]


class Settling:
    """The way of one kind of record of one variant."""

    def __init__(self, plan: Plan, entity: Entity, rows: Rows, engine: Engine[Any]) -> None:
        self._plan, self._entity, self._rows, self._engine = plan, entity, rows, engine
        self._model = plan.model
        self._concerns = plan.subjects[entity]
        self._changes = self._gains_and_losses()

    def scored(self) -> Broken:
        """The records with their scores."""
        rows = self._rows
        frame = self._missing_facts(rows.frame)
        caps = self._caps()
        frame = ex.added(frame, {**caps, **self._changes})
        frame = frame.with_columns(**self._sums())
        parts = self._parts()
        frame = ex.added(frame, parts)
        total = self._total()
        frame = ex.added(frame, total)
        frame = self._told(frame)
        frame = frame.with_columns(group=_group(self._model, self._fired, rows.asked.now))
        added = [name for name in (*caps, *parts, *total) if "/" in name]
        constant = {"entity": text(self._entity.value), "segment": text(self._plan.segment)}
        columns = (*rows.columns, *added)
        frame = ex.added(frame, constant)
        return Broken(frame.select(*SCORES, *columns), columns)

    def _caps(self) -> dict[str, Expr]:
        found = {}
        for entry in self._concerns.caps:
            before = _sum([nw.col(self._rows.points[name]) for name in entry.of])
            found[adjustment(entry.part, entry.cap.id)] = _change(before, ex.clamped(before, entry.cap))
        return found

    def _sums(self) -> dict[str, Expr]:
        """Of each part, before limits."""
        found = {}
        caps = [(entry.part, adjustment(entry.part, entry.cap.id)) for entry in self._concerns.caps]
        for part in Part:
            names = [self._rows.points[rule] for rule, of in self._rows.parts.items() if of is part]
            names += [name for of, name in caps if of is part]
            found[f"sum_{part}"] = _sum([nw.col(name) for name in names])
        return found

    # The interval

    def _gains_and_losses(self) -> dict[str, Expr]:
        """Columns of gains and losses of the parts that can have any."""
        gains, losses = Reaching(self._plan, self._entity, self._rows.asked).alone()
        joint = self._concerns.reach.joint
        found: dict[str, Expr] = {}
        for part in Part:
            for prefix, alone, place in ((GAIN, gains, 0), (LOSS, losses, 1)):
                of_facts = any(by_part[part][place] for by_part in joint.values() if part in by_part)
                terms = [*alone.get(part, ())]
                if of_facts:
                    terms.append(nw.col(f"missing_{prefix}{part}"))
                if terms:
                    found[f"{prefix}{part}"] = ex.total(terms)
        return found

    # Parts and total

    def _parts(self) -> dict[str, Expr]:
        model, found = self._model, {}
        for part in Part:
            limits, before = model.limits(part), nw.col(f"sum_{part}")
            limited = ex.clamped(before, limits)
            value = ex.whole(limited)
            entering = _weighted(model, part, value)
            found[part.value] = value
            found |= _limit_rows(part, before, limited, limits)
            found[adjustment(part, ROUNDING)] = _change(limited, value)
            if model.weight(part) != _FULL:
                found[adjustment(part, WEIGHT)] = _change(value, entering)
            found[f"in_{part}"] = entering
            for prefix in (GAIN, LOSS):
                if f"{prefix}{part}" in self._changes:
                    reached = ex.whole(ex.clamped(before + nw.col(f"{prefix}{part}"), limits))
                    found[f"{prefix}in_{part}"] = _weighted(model, part, reached)
                    if part is Part.FIT and prefix == GAIN:
                        found["fit_max"] = reached
        found.setdefault("fit_max", found[Part.FIT.value])
        return found

    def _total(self) -> dict[str, Expr]:
        limits = self._model.total
        before = ex.total(nw.col(f"in_{part}") for part in self._entering())
        limited = ex.clamped(before, limits)
        score = ex.whole(limited)
        found = {"score": score, **_limit_rows(TOTAL, before, limited, limits)}
        found[adjustment(TOTAL, ROUNDING)] = _change(limited, score)
        for name, prefix in (("score_max", GAIN), ("score_min", LOSS)):
            reached = ex.total(nw.col(self._reached(prefix, part)) for part in self._entering())
            found[name] = ex.whole(ex.clamped(reached, limits))
        return found

    def _entering(self) -> list[Part]:
        return [part for part in Part if self._model.weight(part)]

    def _reached(self, prefix: str, part: Part) -> str:
        return f"{prefix}in_{part}" if f"{prefix}{part}" in self._changes else f"in_{part}"

    # Missing facts, flags, reasons

    def _missing_facts(self, frame: Lazy) -> Lazy:
        """Adds `missing_text`, `missing_count`, and what missing facts could change by part."""
        asked, joint = self._concerns.asked, self._concerns.reach.joint
        facts = tuple(dict.fromkeys((*asked, *joint)))
        bits = []
        for fact in facts:
            changes = joint.get(fact, {})
            amounts = {f"{GAIN}{part}": gain for part, (gain, _) in changes.items() if gain}
            amounts |= {f"{LOSS}{part}": loss for part, (_, loss) in changes.items() if loss}
            bits.append(Bit(fact if fact in asked else "", amounts))
        mask = Mask("missing", bits)
        frame = ex.added(frame, mask.numbers([ex.missing(fact, self._rows.asked) for fact in facts]))
        return mask.read(self._engine, frame)

    def _told(self, frame: Lazy) -> Lazy:
        asked = self._concerns.asked
        flags = list(self._model.flags_for(self._entity))
        reasons = [entry for entry in self._model.disqualify if entry.counts_for(self._entity)]
        frame = ex.added(frame, {f"flag_{entry.id}": self._is_so(entry) for entry in flags})
        masks = {
            "flags": (Mask("flags", [Bit(entry.id) for entry in flags]), [nw.col(f"flag_{e.id}") for e in flags]),
            "reasons": (Mask("reasons", [Bit(entry.reason) for entry in reasons]), [self._is_so(e) for e in reasons]),
        }
        for mask, tests in masks.values():
            frame = ex.added(frame, mask.numbers(tests))
            frame = mask.read(self._engine, frame)
        absent = nw.col(f"missing_{COUNT}")
        known = (number(len(asked)) - absent) * _FULL // max(len(asked), 1)
        return frame.with_columns(
            completeness=known.cast(nw.Int64()) if asked else number(_FULL),
            missing_fields=nw.col(f"missing_{TEXT}").fill_null(""),
            flags=nw.col(f"flags_{TEXT}").fill_null(""),
            disqualify_reasons=nw.col(f"reasons_{TEXT}").fill_null(""),
            disqualified=nw.col(f"reasons_{COUNT}") > 0,
        )

    def _is_so(self, entry: Conditional) -> Expr:
        if self._entity is Entity.ACCOUNT and entry.by_any_person:
            hits: Expr = nw.col(f"staff_hit_{entry.id}").fill_null(0) > 0
            return hits
        return ex.fires(entry.when, self._rows.asked)

    def _fired(self, name: str) -> Expr:
        """Whether a rule counts or a flag is up."""
        if any(flag.id == name for flag in self._model.flags_for(self._entity)):
            return nw.col(f"flag_{name}")
        return ex.has_row(name, self._rows.asked)


def _sum(values: Sequence[Expr]) -> Expr:
    return nw.sum_horizontal(*values) if values else number(0)


def _change(before: Expr, after: Expr) -> Expr:
    """What a step gives or takes; null where that is nothing."""
    return nw.when(before != after).then(after - before)


def _limit_rows(part: str, before: Expr, limited: Expr, limits: Limits) -> dict[str, Expr]:
    found: dict[str, Expr] = {}
    if limits.max is not None:
        found[adjustment(part, CAP)] = nw.when(limited < before).then(limited - before)
    if limits.min is not None:
        found[adjustment(part, FLOOR)] = nw.when(limited > before).then(limited - before)
    return found


def _weighted(model: Model, part: Part, value: Expr) -> Expr:
    """What enters the score of a part of whole points. A whole point has no remainder by 100."""
    weight = model.weight(part)
    return value if weight == _FULL else ex.share(value, weight)


# Groups


def _group(model: Model, fired: Any, now: int) -> Expr:
    """The group, from the dimensions, `previous_group`, `group_since` and `disqualified`."""
    names = group_names(model)
    last = model.groups[-1].group.value
    target: Expr = number(names.index(last))
    for entry in reversed(model.groups[:-1]):
        target = either(_inside(entry, 0, fired), number(names.index(entry.group.value)), target)
    previous: Expr = number(len(names))
    stays = nw.lit(value=False)
    for name in names:
        previous = either(nw.col("previous_group") == name, number(names.index(name)), previous)
    for entry in model.groups:
        here = (nw.col("previous_group") == entry.group.value).fill_null(value=False)
        stays = stays | (here & _inside(entry, model.hysteresis, fired))
    if model.minimum_stay_days:
        early = nw.col("group_since") > now - model.minimum_stay_days * DAY
        stays = stays | early.fill_null(value=False)
    rank = either((target > previous) & stays, previous, target)
    rank = either(nw.col("disqualified"), number(names.index(last)), rank)
    found: Expr = text(names[-1])
    for name in names[:-1]:
        found = either(rank == names.index(name), text(name), found)
    return found


def _inside(entry: Group, give: int, fired: Any) -> Expr:
    tests = []
    for name, (low, high) in entry.when.items():
        unit = 1 if name == "completeness" else POINT
        if low is not None:
            tests.append(nw.col(name) >= (low - give) * unit)
        if high is not None:
            tests.append(nw.col(name) < high * unit)
    return ex.every([*tests, *(fired(name) for name in entry.needs)])
