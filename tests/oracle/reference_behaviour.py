"""What people did, and what it is worth as time goes by: signals, idleness, committees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from functools import cache

from tests.oracle.reference_facts import DAY, Record, World
from tests.oracle.reference_variants import Variant

from leadline.core.scoring.model import Signal


@dataclass(frozen=True)
class Row:
    """One line of a ledger."""

    rule: str
    part: str
    points: int
    raw: int
    lost_decay: int = 0
    lost_cap: int = 0
    count: int = 1
    last_at: int | None = None
    value: str | None = None


@dataclass(frozen=True)
class Holder:
    """A person, or (uid None) nobody known: the times of their events by signal, counting or not."""

    uid: str | None
    function: str | None
    times: dict[str, tuple[int, ...]]


def holders_of(variant: Variant, world: World, uid: str) -> list[Holder]:
    """The people whose events belong to a record, and for an account nobody known."""
    if uid in world.person:
        people = [world.person[uid]]
        return [_holder(variant, world.events_of(uid), people[0])]
    found = [_holder(variant, world.events_of(person["uid"]), person) for person in world.staff(uid)]
    return [*found, _holder(variant, world.anonymous(uid), None)]


def _holder(variant: Variant, events: Sequence[Record], person: Record | None) -> Holder:
    times = {s.id: tuple(event["at"] for event in events if is_of(s, event)) for s in variant.signals}
    if person is None:
        return Holder(None, None, times)
    return Holder(person["uid"], person.get("function"), times)


def is_of(signal: Signal, event: Record) -> bool:
    """Whether the event belongs to the signal."""
    if event["kind"] not in signal.kinds:
        return False
    asset = (event.get("asset") or "").lower()
    return signal.assets is None or any(word.lower() in asset for word in signal.assets)


@cache
def points_at(points: int, half_life: int | None, steps: tuple[tuple[int, int], ...], day: int) -> int:
    """Thousandths of one event at a whole number of days of age."""
    if half_life is not None:
        with localcontext() as context:
            context.prec = 60
            exact = Decimal(points) * Decimal(2) ** (Decimal(-day) / Decimal(half_life))
            return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
    for from_day, value in reversed(steps):
        if day >= from_day:
            return value
    return points


def nearest_zero(value: int, limit: int | None) -> int:
    """`value`, no further from zero than `limit` (of the same sign)."""
    if limit is None:
        return value
    return min(value, limit) if limit > 0 else max(value, limit)


class Behaviour:
    """The behaviour that belongs to one record."""

    def __init__(self, variant: Variant, world: World, uid: str) -> None:
        self.variant = variant
        self.of_account = uid in world.account
        self.holders = holders_of(variant, world, uid)
        times = [at for s in variant.signals if s.points > 0 for holder in self.holders for at in holder.times[s.id]]
        self.last_positive = max(times, default=None)

    def counting(self, signal: Signal, holder: Holder, now: int) -> list[tuple[int, int]]:
        """(time, thousandths) of the holder's events that are inside the signal's window."""
        found = []
        for at in holder.times[signal.id]:
            day = max(0, now - at) // DAY
            if day < signal.window_days:
                points = self.variant.points[signal.id]
                found.append((at, points_at(points, signal.half_life_days, signal.steps or (), day)))
        return found

    def rows(self, now: int) -> Iterator[Row]:
        """Rows of signals and of idleness."""
        positive = any(
            self.counting(signal, holder, now)
            for signal in self.variant.signals
            if signal.points > 0
            for holder in self.holders
        )
        for signal in self.variant.signals:
            if not (signal.alone and positive):
                yield from self._signal(signal, now)
        idle = self.variant.idle
        if idle and self.last_positive is not None and now - self.last_positive >= idle.after_days * DAY:
            points = self.variant.points["idle"]
            yield Row("idle", str(idle.part), points, points, last_at=self.last_positive)

    def _signal(self, signal: Signal, now: int) -> Iterator[Row]:
        count, people, raw, decayed, kept = 0, 0, 0, 0, 0
        last: list[int] = []
        for holder in self.holders:
            mine = self.counting(signal, holder, now)
            if not mine:
                continue
            chosen = picked(signal, mine)
            worth = sum(points for _, points in chosen)
            raw += self.variant.points[signal.id] * len(chosen)
            decayed += worth
            kept += nearest_zero(worth, signal.cap)
            count += len(mine)
            people += holder.uid is not None
            last.append(max(mine)[0])
        if self.of_account:
            kept = nearest_zero(kept, signal.account_cap)
        enough = count >= signal.min_count and (signal.min_people == 1 or people >= signal.min_people)
        if count and enough:
            yield Row(signal.id, str(signal.part), kept, raw, raw - decayed, decayed - kept, count, max(last))

    def engaged(self, now: int) -> list[str | None]:
        """Functions of the people of whom an event of a positive signal is worth something now."""
        return [
            holder.function
            for holder in self.holders
            if holder.uid is not None
            and any(
                points > 0
                for signal in self.variant.signals
                if signal.points > 0
                for _, points in self.counting(signal, holder, now)
            )
        ]

    def committees(self, now: int) -> tuple[list[Row], set[str]]:
        """Rows for enough engaged people, and the ids of those that people of unknown function could complete."""
        rows: list[Row] = []
        unsettled: set[str] = set()
        if not (self.of_account and self.variant.committee):
            return rows, unsettled
        functions = self.engaged(now)
        for entry in self.variant.committee:
            count = sum(entry.functions is None or function in entry.functions for function in functions)
            if count >= entry.people:
                points = self.variant.points[entry.id]
                rows.append(Row(entry.id, str(entry.part), points, points, count=count))
            elif entry.functions is not None and count + functions.count(None) >= entry.people:
                unsettled.add(entry.id)
        return rows, unsettled


def picked(signal: Signal, counting: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those of one holder's counting events that give points."""
    match signal.pick.value:
        case "strongest":
            return [max(counting, key=lambda event: abs(event[1]))]
        case "first":
            return [min(counting)]
        case "last":
            return [max(counting)]
    return counting
