"""Signals, idleness and committees of one record: what people did, and what it is worth now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from leadline.core.entities import Entity
from leadline.core.scoring.amounts import toward_zero
from leadline.core.scoring.decay import is_idle
from leadline.core.scoring.model import DAY, IDLE, Committee
from leadline.core.scoring.plan import Plan
from leadline.core.scoring.subject import Event, LedgerRow, Subject, Tally


def tally(plan: Plan, subject: Subject, now: int) -> tuple[Tally, ...]:
    """The events that count now, by signal and holder."""
    known = {str(person["uid"]) for person in subject.people}
    found: dict[tuple[int, str | None], list[Event]] = {}
    for event in subject.events:
        holder = event.person if event.person in known else None
        for timed in plan.matching(event.kind, event.asset):
            if _day(event, now) < timed.signal.window_days:
                found.setdefault((timed.index, holder), []).append(event)
    by_index = {timed.index: timed for timed in plan.signals}
    tallies = []
    for (index, holder), events in found.items():
        timed = by_index[index]
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
        signal = timed.signal
        count = sum(len(t.events) for t in mine)
        people = sum(t.holder is not None for t in mine)
        if not count or count < signal.min_count or (signal.min_people > 1 and people < signal.min_people):
            continue
        if signal.alone and positive:
            continue
        raw, worth = sum(t.raw for t in mine), sum(t.worth for t in mine)
        kept = sum(toward_zero(t.worth, signal.cap) for t in mine)
        kept = toward_zero(kept, signal.account_cap if of_account else None)
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


def engaged(subject: Subject, tallies: Sequence[Tally]) -> list[Mapping[str, Any]]:
    """The people who have an event of a positive signal that is worth something now."""
    holders = {t.holder for t in tallies if t.timed.positive and max(t.points) > 0}
    return [person for person in subject.people if person["uid"] in holders]


def engaged_functions(subject: Subject, tallies: Sequence[Tally]) -> list[str | None]:
    """The functions of the engaged people."""
    return [person.get("function") for person in engaged(subject, tallies)]


def members(entry: Committee, functions: Sequence[str | None]) -> int:
    """How many of the engaged count for a committee."""
    return sum(entry.functions is None or function in entry.functions for function in functions)


def committee_rows(plan: Plan, subject: Subject, tallies: Sequence[Tally]) -> Iterator[LedgerRow]:
    """Rows for enough people engaged now; of accounts only."""
    if subject.entity is not Entity.ACCOUNT:
        return
    functions = engaged_functions(subject, tallies)
    for entry in plan.model.committee:
        count = members(entry, functions)
        if count >= entry.people:
            yield LedgerRow(entry.id, entry.part, entry.points, entry.points, count=count)


def open_committees(plan: Plan, entity: Entity, functions: Sequence[str | None]) -> Iterator[Committee]:
    """Committees that have not fired, but would with engaged people whose function is missing."""
    if entity is not Entity.ACCOUNT:
        return
    unknown = functions.count(None)
    for entry in plan.model.committee:
        count = members(entry, functions)
        if entry.functions is not None and count < entry.people <= count + unknown:
            yield entry
