"""From rows to score and group, for all records at once: caps, parts, limits, rounding, weights, total, groups.

Each step is a horizontal expression over the wide form; what it takes or gives is a column of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import narwhals.stable.v2 as nw

from leadline.core.entities import Entity
from leadline.core.scoring import expressions as ex
from leadline.core.scoring.expressions import Expr, either, number, text
from leadline.core.scoring.facts import SCORES, Engine, Lazy
from leadline.core.scoring.group_columns import group_number
from leadline.core.scoring.groups import group_names
from leadline.core.scoring.interval import Reaching
from leadline.core.scoring.masks import spelt
from leadline.core.scoring.model import CAP, FLOOR, ROUNDING, TOTAL, WEIGHT, Limits, Part
from leadline.core.scoring.plan import CapPlan, SubjectPlan
from leadline.core.scoring.rowcolumns import adjustment
from leadline.core.scoring.rules import Conditional
from leadline.core.scoring.variants import SEGMENT, Merged, Variants
from leadline.core.scoring.wide import Rows

_FULL = 100  # percent
_NARROW = 2000  # columns of points whose sum 32 bits hold
_GAIN, _LOSS = "gain_", "loss_"


@dataclass(frozen=True, slots=True)
class Broken:
    """Scores with the wide form of their ledger: columns `SCORES`, and those of `rows`."""

    frame: Lazy
    rows: tuple[str, ...]


class Settling:
    """The way of one kind of record. `detail`: columns are null where there is no row; else some are 0."""

    def __init__(self, variants: Variants, rows: Rows, engine: Engine[Any], *, detail: bool) -> None:
        entity = rows.entity
        self._variants, self._entity, self._rows, self._engine = variants, entity, rows, engine
        self._detail = detail
        self._concerns: list[SubjectPlan] = [plan.subjects[entity] for plan in variants.plans]
        self._changes = self._gains_and_losses()
        self._flags = variants.merged(lambda plan: plan.model.flags_for(entity))

    def scored(self) -> Broken:
        """The records with their scores."""
        rows = self._rows
        frame = self._missing_facts(rows.frame)
        caps = self._caps()
        frame = ex.added(frame, {**caps, **self._changes})
        frame = ex.added(frame, self._sums())
        frame = ex.added(frame, self._limited())
        parts, rounding = self._parts()
        frame = ex.added(ex.added(frame, parts), rounding)
        entered = self._entered()
        frame = ex.added(frame, entered)
        total = self._total()
        frame = self._told(ex.added(frame, total))
        frame = self._placed(frame)
        columns = (*rows.columns, *(name for name in (*caps, *parts, *rounding, *entered, *total) if "/" in name))
        if self._detail:
            frame = ex.added(frame, {name: self._plainly(name) for name in columns if self._differs(name)})
        return Broken(frame.select(*SCORES, *columns), columns)

    def _differs(self, name: str) -> bool:
        return "/" in name or name in self._rows.asked.zeros or name in self._rows.narrow

    def _plainly(self, name: str) -> Expr:
        """64 bits, and null where there is no row."""
        value = nw.col(name).cast(nw.Int64()) if name in self._rows.narrow else nw.col(name)
        return nw.when(nw.col(name) != 0).then(value) if "/" in name or name in self._rows.asked.zeros else value

    def _placed(self, frame: Lazy) -> Lazy:
        """Adds group, segment and entity."""
        plans, now = self._variants.plans, self._rows.asked.now
        names = list(dict.fromkeys(name for plan in plans for name in group_names(plan.model)))
        place = self._variants.of_each(
            lambda plan: plan.model, lambda model: group_number(model, names, self._fired, now)
        )
        segments = [plan.segment for plan in plans]
        segment = nw.col(SEGMENT) if len(segments) > 1 else number(0)
        frame = frame.with_columns(group_number=place, segment_place=segment, entity=text(self._entity.value))
        frame = self._engine.translate(frame, "group_number", "group", names)
        return self._engine.translate(frame, "segment_place", "segment", segments)

    # Caps and sums

    def _caps(self) -> dict[str, Expr]:
        found: dict[str, Expr] = {}
        for merged in self._variants.merged(lambda plan: [_CapEntry(cap) for cap in plan.subjects[self._entity].caps]):
            plans = [entry.plan for entry in merged.by_variant if entry is not None]
            names = dict.fromkeys(name for plan in plans for name in plan.of)
            before = self._sum([self._rows.points[name] for name in names if name in self._rows.points])
            after = ex.clamped(before, plans[0].cap)
            has = [entry is not None for entry in merged.by_variant]
            taken = {True: after - before, False: number(0)}
            found[adjustment(plans[0].part, merged.any.id)] = self._variants.chosen(has, taken.__getitem__)
        return found

    def _sums(self) -> dict[str, Expr]:
        """Of each part, before limits."""
        caps = {adjustment(cap.part, cap.cap.id): cap.part for concerns in self._concerns for cap in concerns.caps}
        found = {}
        for part in Part:
            names = [self._rows.points[rule] for rule, of in self._rows.parts.items() if of is part]
            names += [name for name, of in caps.items() if of is part]
            found[f"sum_{part}"] = self._sum(names)
        return found

    def _sum(self, names: Sequence[str]) -> Expr:
        zeros, narrow = self._rows.asked.zeros, self._rows.narrow
        terms = {name: nw.col(name) if name in zeros or "/" in name else nw.col(name).fill_null(0) for name in names}
        small = [term for name, term in terms.items() if name in narrow]
        wide = [term for name, term in terms.items() if name not in narrow]
        if len(small) > _NARROW:
            small = [term.cast(nw.Int64()) for term in small]
        return ex.total([*wide, reduce(add, small).cast(nw.Int64())] if small else wide)

    # The interval

    def _gains_and_losses(self) -> dict[str, Expr]:
        """Columns of gains and losses of the parts that can have any."""
        gains, losses = Reaching(self._variants, self._entity, self._rows.asked).alone()
        joint = [by_part for concerns in self._concerns for by_part in concerns.reach.joint.values()]
        found: dict[str, Expr] = {}
        for part in Part:
            for prefix, alone, place in ((_GAIN, gains, 0), (_LOSS, losses, 1)):
                terms = [*alone.get(part, ())]
                if any(by_part[part][place] for by_part in joint if part in by_part):
                    terms.append(nw.col(f"missing_{prefix}{part}"))
                if terms:
                    found[f"{prefix}{part}"] = ex.total(terms)
        return found

    # Parts and total

    def _limited(self) -> dict[str, Expr]:
        """Every part within its limits, also with its gain and its loss."""
        found = {}
        for part in Part:
            before = nw.col(f"sum_{part}")
            found[f"limited_{part}"] = self._within(before, part)
            for prefix in (_GAIN, _LOSS):
                if f"{prefix}{part}" in self._changes:
                    found[f"{prefix}limited_{part}"] = self._within(before + nw.col(f"{prefix}{part}"), part)
        return found

    def _within(self, value: Expr, part: Part) -> Expr:
        return self._variants.of_each(
            lambda plan: (plan.model.limits(part).min, plan.model.limits(part).max),
            lambda limits: ex.clamped(value, Limits(min=limits[0], max=limits[1])),
        )

    def _parts(self) -> tuple[dict[str, Expr], dict[str, Expr]]:
        """Every part, limited and rounded, with the rows of limits; then the rows of rounding, and fit_max."""
        found: dict[str, Expr] = {}
        rounding: dict[str, Expr] = {}
        for part in Part:
            before, limited = nw.col(f"sum_{part}"), nw.col(f"limited_{part}")
            found[part.value] = ex.whole(limited)
            found |= _limit_rows(part, before, limited, self._limits(part))
            for prefix in (_GAIN, _LOSS):
                if f"{prefix}{part}" in self._changes:
                    found[f"{prefix}whole_{part}"] = ex.whole(nw.col(f"{prefix}limited_{part}"))
            rounding[adjustment(part, ROUNDING)] = nw.col(part.value) - limited
        reached = f"{_GAIN}{Part.FIT}" in self._changes
        rounding["fit_max"] = nw.col(f"{_GAIN}whole_{Part.FIT}" if reached else Part.FIT.value)
        return found, rounding

    def _entered(self) -> dict[str, Expr]:
        """What enters the score of each part; the rows of what does not; and the sums."""
        found: dict[str, Expr] = {}
        sums: dict[str, list[Expr]] = {"": [], _GAIN: [], _LOSS: []}
        for part in Part:
            weights = {plan.model.weight(part) for plan in self._variants.plans}
            if weights != {_FULL}:
                value = nw.col(part.value)
                found[adjustment(part, WEIGHT)] = self._weighted(part, value) - value
            if weights == {0}:
                continue
            for prefix, terms in sums.items():
                changed = prefix and f"{prefix}{part}" in self._changes
                terms.append(self._weighted(part, nw.col(f"{prefix}whole_{part}" if changed else part.value)))
        return found | {f"{prefix}entering": ex.total(terms) for prefix, terms in sums.items()}

    def _weighted(self, part: Part, value: Expr) -> Expr:
        return self._variants.of_each(
            lambda plan: plan.model.weight(part),
            lambda percent: value if percent == _FULL else ex.share(value, percent),
        )

    def _total(self) -> dict[str, Expr]:
        def limited(prefix: str) -> Expr:
            value = nw.col(f"{prefix}entering")
            return self._variants.of_each(lambda plan: plan.model.total, lambda limits: ex.clamped(value, limits))

        before, after = nw.col("entering"), limited("")
        found = {"score": ex.whole(after), "score_min": ex.whole(limited(_LOSS)), "score_max": ex.whole(limited(_GAIN))}
        found |= _limit_rows(TOTAL, before, after, [plan.model.total for plan in self._variants.plans])
        found[adjustment(TOTAL, ROUNDING)] = ex.whole(after) - after
        return found

    def _limits(self, part: Part) -> list[Limits]:
        return [plan.model.limits(part) for plan in self._variants.plans]

    # Missing facts, flags, reasons

    def _missing_facts(self, frame: Lazy) -> Lazy:
        """Adds `missing_fields`, `completeness`, and what missing facts could change by part."""
        asked = [concerns.asked for concerns in self._concerns]
        distinct = list(dict.fromkeys(asked))
        for place, facts in enumerate(distinct):
            tests = [ex.missing(fact, self._rows.asked) for fact in facts]
            frame = spelt(self._engine, frame, f"missing_{place}", facts, tests)
        texts = {facts: nw.col(f"missing_{place}") for place, facts in enumerate(distinct)}
        if len(texts) > 1:
            texts = {facts: column.cast(nw.String()) for facts, column in texts.items()}
        fields = self._variants.chosen(asked, texts.__getitem__)
        completeness = self._variants.chosen(asked, self._completeness)
        return frame.with_columns(missing_fields=fields, completeness=completeness, **self._of_missing())

    def _completeness(self, asked: Sequence[str]) -> Expr:
        """Percent of these facts that are there."""
        if not asked:
            return number(_FULL)
        absent = ex.total(either(ex.missing(f, self._rows.asked), number(1), number(0)) for f in asked)
        return ((number(len(asked)) - absent) * _FULL // len(asked)).cast(nw.Int64())

    def _of_missing(self) -> dict[str, Expr]:
        """What missing facts, each with the rules about it, could change."""
        found: dict[str, list[Expr]] = {}
        facts = dict.fromkeys(fact for concerns in self._concerns for fact in concerns.reach.joint)
        for fact in facts:
            absent = ex.missing(fact, self._rows.asked)
            for part in Part:
                spans = [c.reach.joint.get(fact, {}).get(part, (0, 0)) for c in self._concerns]
                for prefix, values in ((_GAIN, [gain for gain, _ in spans]), (_LOSS, [loss for _, loss in spans])):
                    if any(values):
                        change = either(absent, self._variants.chosen(values, number), number(0))
                        found.setdefault(f"missing_{prefix}{part}", []).append(change)
        return {name: ex.total(terms) for name, terms in found.items()}

    def _told(self, frame: Lazy) -> Lazy:
        """Adds flags, reasons and whether there are any."""
        flags = {f"flag_{entry.any.id}": self._is_so(entry) for entry in self._flags}
        frame = ex.added(frame, flags)
        up = [nw.col(name) for name in flags]
        frame = spelt(self._engine, frame, "flags", [entry.any.id for entry in self._flags], up)
        entries = self._variants.merged(lambda plan: [e for e in plan.model.disqualify if e.counts_for(self._entity)])
        reasons = {f"out_{entry.any.id}": self._is_so(entry) for entry in entries}
        frame = ex.added(frame, reasons)
        out = [nw.col(name) for name in reasons]
        frame = spelt(self._engine, frame, "disqualify_reasons", [entry.any.reason for entry in entries], out)
        return frame.with_columns(disqualified=ex.some(out))

    def _is_so(self, entry: Merged[Any]) -> Expr:
        one: Conditional = entry.any
        if self._entity is Entity.ACCOUNT and one.by_any_person:
            return self._variants.where(entry, nw.col(f"staff_hit_{one.id}").fill_null(0) > 0)
        return self._variants.where(entry, ex.fires(one.when, self._rows.asked))

    def _fired(self, name: str) -> Expr:
        """Whether a rule counts or a flag is up."""
        if any(flag.any.id == name for flag in self._flags):
            return nw.col(f"flag_{name}")
        return ex.has_row(name, self._rows.asked)


@dataclass(frozen=True, slots=True)
class _CapEntry:
    plan: CapPlan

    @property
    def id(self) -> str:
        return self.plan.cap.id


def _limit_rows(part: str, before: Expr, limited: Expr, limits: Sequence[Limits]) -> dict[str, Expr]:
    found: dict[str, Expr] = {}
    if any(each.max is not None for each in limits):
        found[adjustment(part, CAP)] = (limited - before).clip(None, 0)
    if any(each.min is not None for each in limits):
        found[adjustment(part, FLOOR)] = (limited - before).clip(0, None)
    return found
