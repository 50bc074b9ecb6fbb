"""One record at a time, in plain Python: what `explain`, worked examples and `due` start from.

The frame engine does the same for whole tables; tests hold the two and the reference scorer equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from leadline.core.entities import Entity, Kind
from leadline.core.scoring.condition import SCORED_FIELDS, SHARED, Condition
from leadline.core.scoring.decay import is_idle
from leadline.core.scoring.groups import assign
from leadline.core.scoring.model import (
    CAP,
    DAY,
    FLOOR,
    IDLE,
    PERSONA,
    POINT,
    ROUNDING,
    Disqualification,
    Limits,
    Model,
    Part,
    Persona,
    Rule,
)
from leadline.core.scoring.operators import is_missing
from leadline.core.scoring.plan import Plan, TimedSignal, compile_model

Read = Callable[[str], Any]
TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. `uid` names the activity's record."""

    kind: str
    at: int
    person: str | None = None
    account: str | None = None
    asset: str | None = None
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """The facts behind one record.

    `account` is the account itself or the person's (None when there is none); `people` are an
    account's people, or the one person. `events` are theirs, and those of the account alone.
    Every mapping has `uid` and fields of `core.entities`.
    """

    entity: Entity
    uid: str
    account: Mapping[str, Any] | None
    people: tuple[Mapping[str, Any], ...] = ()
    events: tuple[Event, ...] = ()
    previous_group: str | None = None


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One contribution. points = raw_points - lost_to_decay - lost_to_cap, all in thousandths.

    `count` is how many events or people stand behind it; `last_at` the last event's time.
    """

    rule: str
    part: str
    points: int
    raw_points: int
    lost_to_decay: int = 0
    lost_to_cap: int = 0
    count: int = 1
    last_at: int | None = None
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """The counted events of one signal by one holder (a person's uid; None: nobody known)."""

    timed: TimedSignal
    holder: str | None
    events: tuple[Event, ...]
    points: tuple[int, ...]  # of each event, decayed

    @property
    def worth(self) -> int:
        """Thousandths before caps."""
        return max(self.points, key=abs) if self.timed.signal.once else sum(self.points)

    @property
    def raw(self) -> int:
        """Thousandths had nothing aged."""
        return self.timed.signal.points * (1 if self.timed.signal.once else len(self.events))

    @property
    def kept(self) -> int:
        """Thousandths after the cap of one person."""
        return limit(self.worth, self.timed.signal.cap)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A scored record. The ledger's points sum to `score`."""

    subject: Subject
    score: int
    parts: Mapping[str, int]
    fit_max: int
    completeness: int
    missing: tuple[str, ...]
    reasons: tuple[str, ...]
    group: str
    ledger: tuple[LedgerRow, ...]
    tallies: tuple[Tally, ...] = field(default=())


def evaluate(model: Model, subject: Subject, now: int, *, plan: Plan | None = None) -> Evaluation:
    """Score one record at `now`."""
    plan = plan or compile_model(model)
    reads = people_reads(subject)
    own = reads[0] if subject.entity is Entity.PERSON else account_read(subject.account)
    tallies = tally(plan, subject, now)
    rows = [
        *fact_rows(plan, subject.entity, own, reads),
        *signal_rows(plan, tallies, of_account=subject.entity is Entity.ACCOUNT),
        *idle_rows(plan, subject, now),
        *committee_rows(plan, subject, tallies),
    ]
    parts, ledger = limit_parts(model, rows)
    total = sum(parts.values())
    score, last = clamp(TOTAL, total, model.total)
    fit_sum = sum(row.points for row in rows if row.part == Part.FIT)
    fit_max = whole(clamp(Part.FIT, fit_sum + best_gain(plan, subject.entity, own), model.limits(Part.FIT))[0])
    asked = plan.subjects[subject.entity].asked
    missing = tuple(name for name in asked if is_missing(own(name)))
    completeness = 100 * (len(asked) - len(missing)) // len(asked) if asked else 100
    reasons = tuple(disqualified(model, subject.entity, own, reads))
    dimensions = {str(name): points // POINT for name, points in parts.items()}
    dimensions |= {"score": score // POINT, "fit_max": fit_max // POINT, "completeness": completeness}
    group = assign(model, dimensions, subject.previous_group, disqualified=bool(reasons))
    return Evaluation(
        subject, score, parts, fit_max, completeness, missing, reasons, group, (*rows, *ledger, *last), tallies
    )


# Facts


def account_read(account: Mapping[str, Any] | None) -> Read:
    """Facts of an account by the names of the model."""
    facts = account or {}
    return lambda name: facts.get(name.removeprefix("account.")) if name.startswith("account.") else None


def person_read(person: Mapping[str, Any], account: Mapping[str, Any] | None) -> Read:
    """Facts of a person and their account; shared facts fall back to the person's own."""
    facts = account or {}

    def read(name: str) -> Any:
        entity, _, short = name.partition(".")
        if entity == "person":
            return person.get(short)
        value = facts.get(short)
        return person.get(short) if is_missing(value) and short in SHARED else value

    return read


def people_reads(subject: Subject) -> list[Read]:
    """One reader per person of the subject."""
    return [person_read(person, subject.account) for person in subject.people]


def shown(condition: Condition, read: Read) -> str | None:
    """The values that a condition looked at, as text; None when there are none."""
    texts: dict[str, str] = {}
    for leaf in condition.leaves():
        name = str(leaf.field)
        value = read(name)
        if name in texts or is_missing(value):
            continue
        if SCORED_FIELDS[name].kind is Kind.LIST:
            wanted = leaf.contains_any or leaf.contains_all or ()
            texts[name] = ", ".join(word for word in wanted if word in value)
        elif isinstance(value, bool):
            texts[name] = "true" if value else "false"
        else:
            texts[name] = str(value)
    return ", ".join(text for text in texts.values() if text) or None


def persona_points(persona: Persona, read: Read) -> int:
    """Thousandths for a person's seniority and function."""
    table = persona.points if read("person.function") in persona.functions else persona.elsewhere
    return table.get(read("person.seniority") or "", 0)


def persona_text(read: Read) -> str:
    """The seniority and function that were read."""
    return ", ".join(value for name in ("person.seniority", "person.function") if (value := read(name)))


def fact_rows(plan: Plan, entity: Entity, own: Read, reads: Sequence[Read]) -> Iterator[LedgerRow]:
    """Rows that do not depend on time."""
    model, concerns = plan.model, plan.subjects[entity]
    for rule in concerns.own_rules:
        if rule.when.holds(own, 0):
            yield _rule_row(rule, 1, shown(rule.when, own))
    for rule in concerns.people_rules:
        hits = [read for read in reads if rule.when.holds(read, 0)]
        if hits:
            texts = [text for read in hits if (text := shown(rule.when, read)) is not None]
            yield _rule_row(rule, len(hits), min(texts, default=None))
    if model.persona:
        scored = [(persona_points(model.persona, read), persona_text(read)) for read in reads]
        best = max((points for points, _ in scored), default=0)
        if best:
            texts = [text for points, text in scored if points == best]
            yield LedgerRow(PERSONA, Part.PERSONA, best, best, count=len(texts), value=min(texts))


def _rule_row(rule: Rule, count: int, value: str | None) -> LedgerRow:
    return LedgerRow(rule.id, rule.part, rule.points, rule.points, count=count, value=value)


def disqualified(model: Model, entity: Entity, own: Read, reads: Sequence[Read]) -> Iterator[str]:
    """The reasons that take the record out."""
    for entry in model.disqualify:
        if entry.counts_for(entity) and any(entry.when.holds(read, 0) for read in _asked(entry, entity, own, reads)):
            yield entry.reason


def _asked(entry: Disqualification, entity: Entity, own: Read, reads: Sequence[Read]) -> Sequence[Read]:
    return reads if entity is Entity.ACCOUNT and entry.by_any_person else [own]


def best_gain(plan: Plan, entity: Entity, own: Read) -> int:
    """Thousandths by which fit could rise if missing facts turned out best."""
    interval = plan.subjects[entity].interval
    gain = sum(points for name, points in interval.by_fact.items() if is_missing(own(name)))
    for rule in interval.several:
        if rule.when.holds(own, 0) is None:
            gain += max(rule.points, 0)
    return gain


# Behaviour


def tally(plan: Plan, subject: Subject, now: int) -> tuple[Tally, ...]:
    """The events that count now, by signal and holder."""
    known = {str(person["uid"]) for person in subject.people}
    found: dict[tuple[int, str | None], list[Event]] = {}
    for event in subject.events:
        holder = event.person if event.person in known else None
        for timed in plan.matching(event.kind, event.asset):
            if _day(event, now) < timed.signal.window_days:
                found.setdefault((timed.index, holder), []).append(event)
    tallies = []
    for (index, holder), events in found.items():
        timed = plan.signals[index]
        points = tuple(timed.curve.at(_day(event, now)) for event in events)
        tallies.append(Tally(timed, holder, tuple(events), points))
    return tuple(tallies)


def _day(event: Event, now: int) -> int:
    return max(0, now - event.at) // DAY


def signal_rows(plan: Plan, tallies: Sequence[Tally], *, of_account: bool) -> Iterator[LedgerRow]:
    """One row per signal that counts."""
    positive = any(t.timed.positive for t in tallies)
    for timed in plan.signals:
        mine = [t for t in tallies if t.timed is timed]
        count = sum(len(t.events) for t in mine)
        signal = timed.signal
        if not count or count < signal.min_count or (signal.alone and positive):
            continue
        raw, worth = sum(t.raw for t in mine), sum(t.worth for t in mine)
        kept = limit(sum(t.kept for t in mine), signal.account_cap if of_account else None)
        last_at = max(event.at for t in mine for event in t.events)
        yield LedgerRow(signal.id, signal.part, kept, raw, raw - worth, worth - kept, count, last_at)


def last_positive(plan: Plan, events: Iterable[Event]) -> int | None:
    """The time of the last event of any positive signal, however long ago."""
    times = [e.at for e in events if any(timed.positive for timed in plan.matching(e.kind, e.asset))]
    return max(times, default=None)


def idle_rows(plan: Plan, subject: Subject, now: int) -> Iterator[LedgerRow]:
    """The row of idleness, once it has begun."""
    idle = plan.model.idle
    last_at = last_positive(plan, subject.events) if idle else None
    if idle and last_at is not None and is_idle(idle, last_at, now):
        yield LedgerRow(IDLE, idle.part, idle.points, idle.points, last_at=last_at)


def committee_rows(plan: Plan, subject: Subject, tallies: Sequence[Tally]) -> Iterator[LedgerRow]:
    """Rows for enough people engaged now; of accounts only."""
    if subject.entity is not Entity.ACCOUNT:
        return
    engaged = {t.holder for t in tallies if t.timed.positive and max(t.points) > 0}
    functions = [person.get("function") for person in subject.people if person["uid"] in engaged]
    for entry in plan.model.committee:
        count = sum(entry.functions is None or function in entry.functions for function in functions)
        if count >= entry.people:
            yield LedgerRow(entry.id, entry.part, entry.points, entry.points, count=count)


# Limits


def limit(value: int, cap: int | None) -> int:
    """`value`, no further from zero than `cap`, which has its sign."""
    if cap is None:
        return value
    return min(value, cap) if cap > 0 else max(value, cap)


def whole(value: int) -> int:
    """Down to a whole point."""
    return value // POINT * POINT


def clamp(part: str, value: int, limits: Limits) -> tuple[int, list[LedgerRow]]:
    """Into the limits, with the row that says so."""
    if limits.max is not None and value > limits.max * POINT:
        return limits.max * POINT, [_adjustment(CAP, part, limits.max * POINT - value)]
    if limits.min is not None and value < limits.min * POINT:
        return limits.min * POINT, [_adjustment(FLOOR, part, limits.min * POINT - value)]
    return value, []


def limit_parts(model: Model, rows: Sequence[LedgerRow]) -> tuple[dict[str, int], list[LedgerRow]]:
    """Every part, limited and rounded, with the rows that this adds."""
    parts: dict[str, int] = {}
    added: list[LedgerRow] = []
    for part in Part:
        value, extra = clamp(part, sum(row.points for row in rows if row.part == part), model.limits(part))
        parts[part.value] = whole(value)
        added += extra
        if parts[part.value] != value:
            added.append(_adjustment(ROUNDING, part, parts[part.value] - value))
    return parts, added


def _adjustment(rule: str, part: str, points: int) -> LedgerRow:
    return LedgerRow(rule, str(part), points, points, count=0)
