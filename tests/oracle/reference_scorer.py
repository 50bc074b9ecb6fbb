"""The scoring rules once more, plainly: one record at a time, from the typed model alone.

Written from `docs/scoring.md` and sharing no code with the engine's compiler, its per-record
evaluator or its decay tables, so that agreement means something. Its siblings `reference_*` have
facts and conditions, segments, behaviour, and missing facts.

Facts are lists of dicts: accounts have `uid`, their fields, `previous_group` and `group_since`; people
(one row per human) also `account`; events have `person`, `account`, `kind`, `asset`, `at`. Points are
thousandths, times seconds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.oracle.reference_behaviour import Behaviour, Row
from tests.oracle.reference_facts import DAY, Facts, Record, World, facts_of, holds, ids_named, moves, shown
from tests.oracle.reference_interval import Interval, asked_facts, persona_points
from tests.oracle.reference_variants import (
    PARTS,
    Band,
    Limited,
    Variant,
    asks_people,
    belongs,
    can_count,
    segment_of,
    variant_of,
)

from leadline.core.entities import FIELDS, Kind
from leadline.core.scoring.model import Model
from leadline.core.scoring.rules import Conditional, Rule

__all__ = [
    "PARTS",
    "Case",
    "Outlook",
    "Result",
    "Row",
    "World",
    "case",
    "instants",
    "score_all",
    "score_one",
    "simulate",
]

POINT = 1000
TIMES = [f"{entity}.{field.name}" for entity, fields in FIELDS.items() for field in fields if field.kind is Kind.TIME]


@dataclass(frozen=True)
class Result:
    """What the model makes of one record at one instant. `segment` is empty outside of all."""

    uid: str
    entity: str
    segment: str
    score: int
    score_min: int
    score_max: int
    parts: Mapping[str, int]
    fit_max: int
    completeness: int
    missing: tuple[str, ...]
    reasons: tuple[str, ...]
    flags: tuple[str, ...]
    qualification: Mapping[str, int]
    group: str
    ledger: tuple[Row, ...]


def score_all(model: Model, world: World, now: int) -> dict[str, Result]:
    """Every account and person, by uid."""
    return {uid: case(model, world, uid).result(now) for uid in (*world.account, *world.person)}


def score_one(model: Model, world: World, uid: str, now: int, previous: str | None, since: int | None = None) -> Result:
    """One record by uid, coming from group `previous`, where it has been since `since`."""
    return case(model, world, uid).result(now, (previous, since))


def case(model: Model, world: World, uid: str) -> Case:
    """One record in its segment."""
    record = world.account.get(uid) or world.person[uid]
    return Case(variant_of(model, segment_of(model, world, record)), world, record)


@dataclass(frozen=True)
class Sums:
    """Parts as they are reported, the score, and the rows that limits, rounding and weights add."""

    parts: Mapping[str, int]
    score: int
    rows: tuple[Row, ...]


class Moment:
    """One record at one instant, worked out as far as is asked."""

    def __init__(self, case: Case, now: int) -> None:
        self.case, self.now = case, now
        variant, behaviour = case.variant, case.behaviour
        rows = [*case.still, *case.rule_rows(case.moving, now), *behaviour.rows(now)]
        seated, self.open_committees = behaviour.committees(now)
        rows += seated
        rows += case.rule_rows(case.asking, now, {row.rule for row in rows})
        self.fired = {row.rule for row in rows}
        rows += cap_rows(variant, case.entity, rows)
        self.rows = rows
        self.before = {part: sum(row.points for row in rows if row.part == part) for part in PARTS}
        self.sums = add_up(variant, self.before)
        self.reasons = tuple(entry.reason for entry in case.true_of(variant.disqualify, now, self.fired))
        self.flags = tuple(entry.id for entry in case.true_of(variant.flags, now, self.fired))
        self._spans: dict[str, list[int]] | None = None

    def reach(self, which: int) -> Sums:
        """The sums with all gains (0) or all losses (1)."""
        if self._spans is None:
            self._spans = self.case.interval.spans(self.now, self.fired, self.open_committees)
        return add_up(self.case.variant, {part: self.before[part] + self._spans[part][which] for part in PARTS})

    def dimension(self, name: str) -> int:
        """What a band is compared with: whole points, or percent."""
        if name == "completeness":
            return self.case.completeness
        if name in ("score_max", "fit_max"):
            most = self.reach(0)
            return (most.score if name == "score_max" else most.parts["fit"]) // POINT
        if name == "score_min":
            return self.reach(1).score // POINT
        return (self.sums.score if name == "score" else self.sums.parts[name]) // POINT

    def group(self, previous: str | None, since: int | None) -> str:
        """Where the record stands, coming from a group in which it has been since then."""
        variant = self.case.variant
        names = [place.group for place in variant.groups]
        if self.reasons:
            return names[-1]
        raised = self.fired | set(self.flags)
        target = next(p.group for p in variant.groups if self._inside(p.bands, 0) and raised.issuperset(p.needs))
        if previous not in names or names.index(target) <= names.index(previous):
            return target
        stays = any(
            self._inside(place.bands, variant.hysteresis) and raised.issuperset(place.needs)
            for place in variant.groups
            if place.group == previous
        )
        early = variant.stay_days > 0 and since is not None and self.now - since < variant.stay_days * DAY
        return previous if previous is not None and (stays or early) else target

    def _inside(self, bands: Mapping[str, Band], give: int) -> bool:
        return all(
            (low is None or self.dimension(name) >= low - give) and (high is None or self.dimension(name) < high)
            for name, (low, high) in bands.items()
        )


class Case:
    """One record with its people and events, in its segment."""

    def __init__(self, variant: Variant, world: World, record: Record) -> None:
        self.variant, self.world, self.record = variant, world, record
        self.uid: str = record["uid"]
        self.entity = "account" if self.uid in world.account else "person"
        if self.entity == "account":
            self.own: Facts = facts_of(None, record)
            self.theirs: list[Facts] = [facts_of(person, record) for person in world.staff(self.uid)]
        else:
            self.own = facts_of(record, world.employer(record))
            self.theirs = []
        mine = [rule for rule in variant.rules if belongs(rule, self.entity)]
        self.asking = [rule for rule in mine if ids_named(rule.when)]
        self.moving = [rule for rule in mine if rule not in self.asking and moves(rule.when)]
        at_rest = [rule for rule in mine if not moves(rule.when)]
        self.still = [*self.rule_rows(at_rest, 0), *self._persona()]
        self.behaviour = Behaviour(variant, world, self.uid)
        self.interval = Interval(variant, self.entity, self.own, self.theirs)
        asked = asked_facts(variant, self.entity)
        self.missing = tuple(name for name in asked if name not in self.own)
        self.completeness = 100 if not asked else 100 * (len(asked) - len(self.missing)) // len(asked)

    def result(self, now: int, standing: tuple[str | None, int | None] | None = None) -> Result:
        """Everything about the record at one instant. `standing`: its group and since when, if not the record's."""
        moment = Moment(self, now)
        previous, since = standing or (self.record.get("previous_group"), self.record.get("group_since"))
        return Result(
            uid=self.uid,
            entity=self.entity,
            segment=self.variant.segment,
            score=moment.sums.score,
            score_min=moment.reach(1).score,
            score_max=moment.reach(0).score,
            parts=moment.sums.parts,
            fit_max=moment.reach(0).parts["fit"],
            completeness=self.completeness,
            missing=self.missing,
            reasons=moment.reasons,
            flags=moment.flags,
            qualification=qualified(self.variant, moment.rows),
            group=moment.group(previous, since),
            ledger=(*moment.rows, *moment.sums.rows),
        )

    def rule_rows(self, rules: Iterable[Rule], now: int, fired: Collection[str] = ()) -> Iterator[Row]:
        """Rows of the rules that fire."""
        for rule in rules:
            hits = [facts for facts in self._seen(rule) if holds(rule.when, facts, now, fired) is True]
            if hits:
                value = min((text for facts in hits if (text := shown(rule.when, facts)) is not None), default=None)
                points = self.variant.points[rule.id]
                yield Row(rule.id, str(rule.part), points, points, count=len(hits), value=value)

    def true_of(self, entries: Sequence[Any], now: int, fired: Collection[str]) -> Iterator[Any]:
        """The flags or disqualifications that are so."""
        for entry in entries:
            if belongs(entry, self.entity) and any(holds(entry.when, f, now, fired) is True for f in self._seen(entry)):
                yield entry

    def _seen(self, entry: Conditional) -> Sequence[Facts]:
        return self.theirs if self.entity == "account" and asks_people(entry) else [self.own]

    def _persona(self) -> Iterator[Row]:
        persona = self.variant.persona
        people = [self.own] if self.entity == "person" else self.theirs
        if persona is None or not people:
            return
        best = max(persona_points(persona, facts) for facts in people)
        if best:
            texts = [persona_text(facts) for facts in people if persona_points(persona, facts) == best]
            yield Row("persona", "persona", best, best, count=len(texts), value=min(texts))


def persona_text(facts: Facts) -> str:
    """Seniority, then function."""
    return ", ".join(facts[name] for name in ("person.seniority", "person.function") if name in facts)


# Sums and limits


def cap_rows(variant: Variant, entity: str, rows: Sequence[Row]) -> list[Row]:
    """What caps over several rows take or add."""
    found = []
    for cap in variant.caps:
        counting = [name for name in cap.of if can_count(variant, name, entity)]
        if not counting:
            continue
        together = sum(row.points for row in rows if row.rule in cap.of)
        change = clamped(together, Limited(cap.min, cap.max)) - together
        if change:
            found.append(Row(cap.id, str(variant.part_of(counting[0])), change, change, count=0))
    return found


def clamped(value: int, limits: Limited) -> int:
    """Thousandths brought into limits of whole points."""
    if limits.high is not None and value > limits.high * POINT:
        return limits.high * POINT
    if limits.low is not None and value < limits.low * POINT:
        return limits.low * POINT
    return value


def add_up(variant: Variant, before: Mapping[str, int]) -> Sums:
    """From the sums of rows (after caps) to reported parts and score: limits, rounding, weights, total."""
    rows: list[Row] = []
    parts: dict[str, int] = {}
    entering = 0
    for part in PARTS:
        parts[part] = _finished(part, before[part], variant.parts[part], rows)
        share = parts[part] // POINT * variant.parts[part].weight * (POINT // 100)
        _change("weight", part, share - parts[part], rows)
        entering += share
    score = _finished("total", entering, variant.total, rows)
    return Sums(parts, score, tuple(rows))


def _finished(part: str, value: int, limits: Limited, rows: list[Row]) -> int:
    """Into the limits, then down to a whole point."""
    within = clamped(value, limits)
    _change("cap" if within < value else "floor", part, within - value, rows)
    whole = within // POINT * POINT
    _change("rounding", part, whole - within, rows)
    return whole


def _change(name: str, part: str, points: int, rows: list[Row]) -> None:
    if points:
        rows.append(Row(name, part, points, points, count=0))


def qualified(variant: Variant, rows: Sequence[Row]) -> dict[str, int]:
    """Points by part of BANT and MEDDIC, for the parts that the model tags."""
    tags = {item.id: item.qualification for item in variant.giving()}
    if variant.persona:
        tags["persona"] = variant.persona.qualification
    sums = {tag.value: 0 for tagged in tags.values() for tag in tagged}
    for row in rows:
        for tag in set(tags.get(row.rule, ())):
            sums[tag.value] += row.points
    return sums


# Time


@dataclass(frozen=True)
class Outlook:
    """What comes if nothing else happens; None where nothing does at any of the instants."""

    due_at: int | None = None
    next_change_at: int | None = None
    next_group: str | None = None


def simulate(
    record: Case, now: int, instants: Iterable[int], *, pushed: int | None, step: int, aged: int | None = None
) -> Outlook:
    """Ask at each of the (rising) instants. `pushed` and `step` are thousandths.

    From `aged` on, the score being off by anything at all is enough to be due.
    """
    start = Moment(record, now)
    previous, since = record.record.get("previous_group"), record.record.get("group_since")
    group = start.group(previous, since)
    since = since if group == previous else now
    score = start.sums.score
    base = score if pushed is None or abs(score - pushed) >= step else pushed
    due: int | None = None
    for instant in instants:
        moment = Moment(record, instant)
        following = moment.group(group, since)
        off = abs(moment.sums.score - base)
        if due is None and (following != group or off >= step or (aged is not None and instant >= aged and off)):
            due = instant
        if following != group:
            return Outlook(due, instant, following)
    return Outlook(due)


def instants(record: Case, now: int, end: int) -> list[int]:
    """Every second after `now` and before `end` at which anything about the record could step, and the one before.

    Whatever steps does so whole days after an event, a time among the facts, or the day on which the
    record came to its group; so every such day is asked, whether anything steps then or not.
    """
    times = {at for holder in record.behaviour.holders for found in holder.times.values() for at in found}
    times |= {facts[name] for facts in (record.own, *record.theirs) for name in TIMES if name in facts}
    since = record.record.get("group_since")
    times |= {now} if since is None else {now, since}
    found: set[int] = set()
    for at in times:
        first = at + max(0, now - at) // DAY * DAY
        found |= {second + shift for second in range(first, end, DAY) for shift in (-1, 0)}
    return sorted(second for second in found if now < second < end)
