"""Signals over all events at once: what every holder (a person, or nobody for an account's own events) has of each.

An event is looked at once: (kind, asset) finds its class, the set of signals that it belongs to, in a small table made
from the distinct pairs; (class, age in days) finds its points for each of them in another. One grouping makes a
tally, with columns per signal. No event is repeated, and no expression, per signal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import narwhals.stable.v2 as nw

from leadline.core.scoring.expressions import age, either, one_of, some, text
from leadline.core.scoring.facts import Cell, Facts, Gather, Lazy
from leadline.core.scoring.model import DAY, Pick
from leadline.core.scoring.plan import Plan, TimedSignal

_TEXT, _INT = nw.String(), nw.Int64()
# `pick: first` and `last` take the points of the highest or lowest day: both in one number, points in the lower bits.
_HALF = 2**20
_SPAN = 2 * _HALF


@dataclass(frozen=True, slots=True)
class EventClass:
    """Events of the same signals. Row `offset + day` of the table of slots is that day of age."""

    index: int
    members: tuple[TimedSignal, ...]
    offset: int
    window: int  # of its longest signal


@dataclass(frozen=True, slots=True)
class Classes:
    """The classes of some events, and the (kind, asset) pairs that belong to each."""

    every: tuple[EventClass, ...]
    pairs: tuple[tuple[str, str, EventClass], ...]
    asset_kinds: tuple[str, ...]


def classes_of(plan: Plan, facts: Facts[Any]) -> Classes:
    """The classes that occur, at whatever time: to read times as well would take longer."""
    signals = plan.all_signals()
    asset_kinds = tuple(sorted({kind for timed in signals if timed.signal.assets for kind in timed.signal.kinds}))
    pairs = {(kind, "") for timed in signals for kind in timed.signal.kinds}
    if asset_kinds:
        events: Lazy = nw.from_native(facts.events).lazy()
        named = events.filter(one_of(nw.col("kind"), asset_kinds) & ~nw.col("asset").is_null())
        (frame,) = facts.engine.collect([named.select("kind", "asset").unique()])
        columns = facts.engine.columns(frame)
        pairs.update(zip(columns["kind"], columns["asset"], strict=True))
    found: dict[tuple[int, ...], EventClass] = {}
    rows, offset = [], 0
    for kind, asset in sorted(pairs):
        members = tuple(timed for timed in signals if timed.matches(kind, asset))
        if not members:
            continue
        indexes = tuple(timed.index for timed in members)
        if indexes not in found:
            window = max(timed.signal.window_days for timed in members)
            found[indexes] = EventClass(len(found), members, offset, window)
            offset += window + 1
        rows.append((kind, asset, found[indexes]))
    return Classes(tuple(found.values()), tuple(rows), asset_kinds)


def _relevant(plan: Plan, facts: Facts[Any], now: int, *, any_age: bool) -> Lazy:
    """Events whose kind can count: those inside the longest window of their kind, or (`any_age`) all."""
    events: Lazy = nw.from_native(facts.events).lazy().select("person", "account", "kind", "asset", "at")
    windows: dict[str, int] = {}
    for timed in plan.all_signals():
        for kind in timed.signal.kinds:
            windows[kind] = max(windows.get(kind, 0), timed.signal.window_days)
    if any_age or not windows:
        return events.filter(one_of(nw.col("kind"), sorted(windows)))
    ordered = sorted(windows.items(), key=lambda item: (item[1], item[0]))
    tests = []
    for days, kinds in groupby(ordered, key=lambda item: item[1]):
        tests.append(one_of(nw.col("kind"), [kind for kind, _ in kinds]) & (nw.col("at") > now - days * DAY))
    longest = max(windows.values())
    return events.filter(nw.col("at") > now - longest * DAY).filter(some(tests))


def _classed(classes: Classes, facts: Facts[Any], events: Lazy, now: int) -> Lazy:
    """Adds event_class, day (of age, at most the window) and slot; events of no class fall out."""
    table: dict[str, list[Any]] = {
        "kind": [kind for kind, _, _ in classes.pairs],
        "asset_key": [asset for _, asset, _ in classes.pairs],
        "event_class": [found.index for _, _, found in classes.pairs],
        "offset": [found.offset for _, _, found in classes.pairs],
        "window": [found.window for _, _, found in classes.pairs],
    }
    schema = {"kind": _TEXT, "asset_key": _TEXT, "event_class": _INT, "offset": _INT, "window": _INT}
    keys = ["kind"]
    if classes.asset_kinds:
        named = one_of(nw.col("kind"), classes.asset_kinds) & ~nw.col("asset").is_null()
        events = events.with_columns(either(named, nw.col("asset"), text("")).alias("asset_key"))
        keys.append("asset_key")
    else:
        del table["asset_key"], schema["asset_key"]
    joined = events.join(facts.engine.constant(table, schema), on=keys, how="inner")
    joined = joined.with_columns((age(nw.col("at"), now) // DAY).cast(_INT).alias("day"))
    day = either(nw.col("day") < nw.col("window"), nw.col("day"), nw.col("window"))
    found: Lazy = joined.with_columns((nw.col("offset") + day).alias("slot"))
    return found


# Tallies


@dataclass(frozen=True, slots=True)
class Tallied:
    """What people did, and what nobody known did for accounts; no frames when no event belongs to a signal.

    `columns`: for each signal by its index `count_`, `worth_` (before caps), `last_` (time) and, where it differs from
    worth, `lively_`: the most that one event is worth. Besides there is `any_<class>`: the time of the last event of
    a class, however long ago. Where a signal is not `counted`, nobody asks whether it is there without points: worth
    may be 0 then, and there is no count.
    """

    frames: tuple[Lazy, Lazy] | None
    columns: Mapping[str, nw.Expr]
    signals: frozenset[int]
    counted: frozenset[int]
    classes: tuple[EventClass, ...]


def counted_signals(plan: Plan, *, detail: bool) -> frozenset[int]:
    """Signals of which it matters whether there are events when these are worth nothing. `detail`: all of them.

    What matters in one variant is counted in all, so that a signal is one column.
    """
    found = set()
    for variant in plan.every():
        model = variant.model
        conditions = [entry.when for entry in (*model.rules, *model.flags, *model.disqualify)]
        asked = {name for condition in conditions for name in condition.named()}
        asked |= {name for group in model.groups for name in group.needs}
        alone = any(timed.signal.alone for timed in variant.signals)
        for timed in variant.signals:
            signal = timed.signal
            gates = signal.min_count > 1 or signal.min_people > 1 or signal.alone
            if detail or gates or signal.id in asked or (alone and timed.positive):
                found.add(signal.id)
    return frozenset(timed.index for timed in plan.all_signals() if timed.signal.id in found)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One column of points for one class of events."""

    timed: TimedSignal
    role: str  # worth, or lively
    how: Gather
    values: tuple[int | None, ...]  # by day of age


def tallies(plan: Plan, facts: Facts[Any], now: int, *, detail: bool) -> Tallied:
    """What every holder has. `detail`: with all columns; else `last_` is
    left out, and `count_` where nobody asks for it."""
    idle = any(variant.model.idle for variant in plan.every())
    events = _relevant(plan, facts, now, any_age=idle)
    classes = classes_of(plan, facts)
    if not classes.every:
        return Tallied(None, {}, frozenset(), frozenset(), ())
    lively = any(variant.model.committee for variant in plan.every())
    entries = {found.index: list(_entries(found, lively=lively)) for found in classes.every}
    placed = _classed(classes, facts, events, now).join(_slots(classes, entries, facts), on="slot", how="inner")
    width = max(len(found) for found in entries.values())
    if not idle:
        placed = placed.filter(some([~nw.col(f"points_{place}").is_null() for place in range(width)]))
    if detail:
        inside = {
            f"at_{place}": nw.when(~nw.col(f"points_{place}").is_null()).then(nw.col("at")) for place in range(width)
        }
        placed = placed.with_columns(**inside)
    counted = counted_signals(plan, detail=detail)
    cells = list(_cells(entries, counted, detail=detail, idle=idle))
    people, accounts = (nw.from_native(frame).lazy().select("uid") for frame in (facts.people, facts.accounts))
    tally = facts.engine.tally(placed, cells, people, accounts)
    present = frozenset(timed.index for found in classes.every for timed in found.members)
    return Tallied(tally, _by_signal(cells), present, counted, classes.every)


def _entries(found: EventClass, *, lively: bool) -> Iterator[_Entry]:
    for timed in found.members:
        outside: list[int | None] = [None] * (found.window + 1 - timed.signal.window_days)
        points = (*timed.curve.points, *outside)
        pick = timed.signal.pick
        if pick is Pick.ALL:
            yield _Entry(timed, "worth", Gather.SUM, points)
        elif pick is Pick.STRONGEST:
            yield _Entry(timed, "worth", Gather.HIGHEST if timed.positive else Gather.LOWEST, points)
        else:
            coded = tuple(None if p is None else day * _SPAN + p + _HALF for day, p in enumerate(points))
            yield _Entry(timed, "worth", Gather.HIGHEST if pick is Pick.FIRST else Gather.LOWEST, coded)
            if lively and timed.positive:
                yield _Entry(timed, "lively", Gather.HIGHEST, points)


def _slots(classes: Classes, entries: dict[int, list[_Entry]], facts: Facts[Any]) -> Lazy:
    width = max(len(found) for found in entries.values())
    columns: dict[str, list[int | None]] = {"slot": [], **{f"points_{place}": [] for place in range(width)}}
    for found in classes.every:
        days = found.window + 1
        columns["slot"] += range(found.offset, found.offset + days)
        for place in range(width):
            mine = entries[found.index]
            columns[f"points_{place}"] += mine[place].values if place < len(mine) else [None] * days
    return facts.engine.constant(columns, dict.fromkeys(columns, _INT))


def _cells(entries: dict[int, list[_Entry]], counted: frozenset[int], *, detail: bool, idle: bool) -> Iterator[Cell]:
    for index, found in entries.items():
        for place, entry in enumerate(found):
            name, points = f"{entry.timed.index}_{index}", f"points_{place}"
            yield Cell(f"{entry.role}_{name}", points, index, entry.how)
            if entry.role == "worth":
                if entry.timed.index in counted:
                    yield Cell(f"count_{name}", points, index, Gather.COUNT)
                if detail:
                    yield Cell(f"last_{name}", f"at_{place}", index, Gather.HIGHEST)
        if idle:
            yield Cell(f"any_{index}", "at", index, Gather.HIGHEST)


def _by_signal(cells: Iterable[Cell]) -> dict[str, nw.Expr]:
    """Columns over classes together. Worth of picks by time is still coded with the day."""
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        name = cell.name.rpartition("_")[0]
        if name != "any":
            found.setdefault(name, []).append(cell)
    return {name: _together(mine) for name, mine in found.items()}


def _together(cells: Sequence[Cell]) -> nw.Expr:
    columns = [nw.col(cell.name) for cell in cells]
    if len(columns) == 1:
        return columns[0]
    match cells[0].how:
        case Gather.HIGHEST:
            return nw.max_horizontal(*columns)
        case Gather.LOWEST:
            return nw.min_horizontal(*columns)
        case _:
            return nw.sum_horizontal(*columns)


def decoded(timed: TimedSignal, worth: nw.Expr) -> nw.Expr:
    """Thousandths, from what a tally holds of a signal."""
    if timed.signal.pick in (Pick.ALL, Pick.STRONGEST):
        return worth
    return worth % _SPAN - _HALF


# For the walk through time


def counted_events(plan: Plan, facts: Facts[Any], people: Lazy, now: int) -> Lazy:
    """Events inside their signal's window: known (person or null), place (account or null), signal, at."""
    events = _relevant(plan, facts, now, any_age=False)
    classes = classes_of(plan, facts)
    table: dict[str, list[int]] = {"event_class": [], "signal": [], "days": []}
    for found in classes.every:
        for timed in found.members:
            table["event_class"].append(found.index)
            table["signal"].append(timed.index)
            table["days"].append(timed.signal.window_days)
    members = facts.engine.constant(table, dict.fromkeys(table, _INT))
    events = _classed(classes, facts, events, now).join(members, on="event_class", how="inner")
    return _located(events.filter(nw.col("day") < nw.col("days")), people).select("known", "place", "signal", "at")


def last_positive(plan: Plan, facts: Facts[Any], people: Lazy, now: int) -> Lazy:
    """uid of each person and account, and the time of the last event of a positive signal (positive_at)."""
    events = _relevant(plan, facts, now, any_age=True)
    classes = classes_of(plan, facts)
    positive = [found.index for found in classes.every if any(timed.positive for timed in found.members)]
    events = _classed(classes, facts, events, now).filter(nw.col("event_class").is_in(positive))
    events = _located(events, people)
    each = [events.select("at", uid=nw.col(name)).filter(~nw.col("uid").is_null()) for name in ("known", "place")]
    return nw.concat(each).group_by("uid").agg(nw.col("at").max().alias("positive_at"))


def _located(frame: Lazy, people: Lazy) -> Lazy:
    """Adds known (the person, if there is such a row) and place (their account, else the account given)."""
    known = people.select(nw.col("uid"), nw.col("uid").alias("known"), nw.col("person_account"))
    found = frame.join(known, left_on="person", right_on="uid", how="left")
    place = either(nw.col("known").is_null(), nw.col("account"), nw.col("person_account"))
    return found.with_columns(place.alias("place"))
