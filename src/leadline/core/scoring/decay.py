"""What time does to points: the operators that change a score when nothing else happens.

Each operator answers `next_step(..., now)`: the first second after `now` at which its value changes.
Final points by whole days of age are worked out once, in decimal arithmetic, so that no engine needs
a power or a float while scoring.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache

from leadline.core.scoring.model import DAY, Idle, Signal

# 60 digits: whole half-lives come out exactly as long as anything is left to round, so that ties are ties.
_CONTEXT = Context(prec=60, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Curve:
    """Thousandths of one event by its age in whole days; the event counts on the days listed."""

    points: tuple[int, ...]
    next_day: tuple[int, ...]  # by day: the next day on which points change or the event stops counting

    def at(self, day: int) -> int:
        """Thousandths at `day` whole days of age; 0 once the window has passed."""
        return self.points[day] if day < len(self.points) else 0

    def next_step(self, at: int, now: int) -> int | None:
        """When an event of time `at` changes next after `now`; None when it never does again."""
        day = max(0, now - at) // DAY
        return at + self.next_day[day] * DAY if day < len(self.next_day) else None


def curve(signal: Signal) -> Curve:
    """The signal's points by age."""
    return _curve(signal.points, signal.half_life_days, signal.steps or (), signal.window_days)


@lru_cache(maxsize=1024)
def _curve(points: int, half_life: int | None, steps: tuple[tuple[int, int], ...], window: int) -> Curve:
    values = _halving(points, half_life, window) if half_life else _stepped(points, steps, window)
    next_day = [window] * window
    for day in range(window - 2, -1, -1):
        next_day[day] = next_day[day + 1] if values[day + 1] == values[day] else day + 1
    return Curve(tuple(values), tuple(next_day))


def _halving(points: int, half_life: int, window: int) -> list[int]:
    """points * 2^(-day / half_life), rounded half to even."""
    within = [
        _CONTEXT.power(Decimal(2), _CONTEXT.divide(Decimal(-day), Decimal(half_life)))
        for day in range(min(half_life, window))
    ]
    values = []
    for day in range(window):
        halvings, rest = divmod(day, half_life)
        exact = _CONTEXT.divide(_CONTEXT.multiply(Decimal(points), within[rest]), Decimal(2**halvings))
        values.append(int(exact.to_integral_value(ROUND_HALF_EVEN)))
    return values


def _stepped(points: int, steps: tuple[tuple[int, int], ...], window: int) -> list[int]:
    starts = dict(steps)
    values = []
    for day in range(window):
        points = starts.get(day, points)
        values.append(points)
    return values


def is_idle(idle: Idle, last_at: int, now: int) -> bool:
    """Whether the last event of a positive signal is long enough ago."""
    return now - last_at >= idle.after_days * DAY


def idle_step(idle: Idle, last_at: int, now: int) -> int | None:
    """When idleness begins, if that is after `now`."""
    begins = last_at + idle.after_days * DAY
    return begins if begins > now else None


def age_step(bounds: tuple[int | None, int | None], at: int, now: int) -> int | None:
    """When whole days since `at` next enter or leave the bounds [low, high), if they ever do after `now`."""
    edges = [at + days * DAY for days in bounds if days is not None and days > 0]
    return min((edge for edge in edges if edge > now), default=None)


def stay_step(ends: int, now: int) -> int | None:
    """When a minimum stay ends, if that is after `now`."""
    return ends if ends > now else None
