"""Signals, idleness and committees over all events at once.

An event is looked at once per signal that it belongs to: (kind, asset) finds the signals in a small
table, (signal, age in days) finds the points in another, and one grouping makes a tally per holder
and signal. No expression is repeated per rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw

from leadline.core.scoring.expressions import either, number, text, towards_zero
from leadline.core.scoring.facts import LEDGER, Facts, Lazy
from leadline.core.scoring.model import DAY, IDLE
from leadline.core.scoring.plan import Plan

_TEXT, _INT, _BOOL = nw.String(), nw.Int64(), nw.Boolean()


@dataclass(frozen=True, slots=True)
class Tallies:
    """`by_holder`: person (null: nobody known), account, signal and sums. `parameters`: one row per signal."""

    by_holder: Lazy
    parameters: Lazy


def matched_events(plan: Plan, facts: Facts[Any], now: int) -> Lazy:
    """Events of any signal: person, account, signal, at, day (of age), window, slot (row in the table of points)."""
    events: Lazy = nw.from_native(facts.events).lazy()
    asset_kinds = sorted({kind for timed in plan.signals if timed.signal.assets for kind in timed.signal.kinds})
    has_asset = nw.col("kind").is_in(asset_kinds) & ~nw.col("asset").is_null()
    keyed = events.select(
        "person", "account", "kind", "at", either(has_asset, nw.col("asset"), text("")).alias("asset_key")
    )
    table = _match_table(plan, facts, keyed, asset_kinds)
    age = either(number(now) > nw.col("at"), number(now) - nw.col("at"), number(0))
    found: Lazy = keyed.join(table, on=["kind", "asset_key"], how="inner").with_columns((age // DAY).alias("day"))
    day = either(nw.col("day") < nw.col("window"), nw.col("day"), nw.col("window"))
    slot = (nw.col("offset") + day).cast(_INT).alias("slot")
    return found.select("person", "account", "signal", "at", "day", "window", slot)


def counted_events(plan: Plan, facts: Facts[Any], people: Lazy, now: int) -> Lazy:
    """Events inside their signal's window: known (person or null), place (account or null), signal, at."""
    events = matched_events(plan, facts, now).filter(nw.col("day") < nw.col("window"))
    return _located(events, people).select("known", "place", "signal", "at")


def _match_table(plan: Plan, facts: Facts[Any], keyed: Lazy, asset_kinds: list[str]) -> Lazy:
    pairs = {(kind, "") for timed in plan.signals for kind in timed.signal.kinds}
    if asset_kinds:
        distinct = keyed.filter(nw.col("kind").is_in(asset_kinds)).select("kind", "asset_key").unique()
        (frame,) = facts.engine.collect([distinct])
        columns = facts.engine.columns(frame)
        pairs.update(zip(columns["kind"], columns["asset_key"], strict=True))
    rows = [(*pair, timed) for pair in sorted(pairs) for timed in plan.matching(*pair)]
    table: dict[str, list[Any]] = {
        "kind": [kind for kind, _, _ in rows],
        "asset_key": [asset for _, asset, _ in rows],
        "signal": [timed.index for _, _, timed in rows],
        "offset": [timed.offset for _, _, timed in rows],
        "window": [timed.signal.window_days for _, _, timed in rows],
    }
    schema = {"kind": _TEXT, "asset_key": _TEXT, "signal": _INT, "offset": _INT, "window": _INT}
    return facts.engine.constant(table, schema)


def _slots(plan: Plan, facts: Facts[Any]) -> Lazy:
    points, counted = [], []
    for timed in plan.signals:
        points += [*timed.curve.points, 0]
        counted += [1] * timed.signal.window_days + [0]
    columns = {"slot": list(range(len(points))), "points": points, "counted": counted}
    return facts.engine.constant(columns, {"slot": _INT, "points": _INT, "counted": _INT})


def _parameters(plan: Plan, facts: Facts[Any]) -> Lazy:
    signals = [timed.signal for timed in plan.signals]
    columns: dict[str, list[Any]] = {
        "signal": [timed.index for timed in plan.signals],
        "rule": [signal.id for signal in signals],
        "part": [signal.part.value for signal in signals],
        "base": [signal.points for signal in signals],
        "cap": [signal.cap for signal in signals],
        "account_cap": [signal.account_cap for signal in signals],
        "min_count": [signal.min_count for signal in signals],
        "once": [signal.once for signal in signals],
        "alone": [signal.alone for signal in signals],
    }
    schema = {
        "signal": _INT, "rule": _TEXT, "part": _TEXT, "base": _INT, "cap": _INT, "account_cap": _INT,
        "min_count": _INT, "once": _BOOL, "alone": _BOOL,
    }  # fmt: skip
    return facts.engine.constant(columns, schema)


def tallies(plan: Plan, facts: Facts[Any], people: Lazy, accounts: Lazy, now: int) -> Tallies:
    """Sums per holder and signal. `people`: uid, person_account (existing accounts only); `accounts`: uid."""
    events = matched_events(plan, facts, now).join(_slots(plan, facts), on="slot", how="inner")
    counted_at = nw.when(nw.col("counted") == 1).then(nw.col("at"))
    first = events.with_columns(counted_at.alias("counted_at"))
    sums = first.group_by("person", "account", "signal").agg(
        nw.col("points").sum().alias("sum"),
        nw.col("points").min().alias("low"),
        nw.col("points").max().alias("high"),
        nw.col("counted").sum().alias("count"),
        nw.col("counted_at").max().alias("last_at"),
        nw.col("at").max().alias("last_any"),
    )
    parameters = _parameters(plan, facts)
    by_holder = _resolve(sums, people, accounts).join(parameters, on="signal", how="inner")
    return Tallies(facts.engine.share(by_holder), parameters)


def _resolve(sums: Lazy, people: Lazy, accounts: Lazy) -> Lazy:
    """To known people and existing accounts; what is left of nobody and nowhere falls out."""
    found = _located(sums, people)
    exists = accounts.select(nw.col("uid"), nw.col("uid").alias("exists"))
    found = found.join(exists, left_on="place", right_on="uid", how="left").with_columns(place=nw.col("exists"))
    found = found.filter(~nw.col("known").is_null() | ~nw.col("place").is_null())
    return found.group_by("known", "place", "signal").agg(
        nw.col("sum").sum(),
        nw.col("low").min(),
        nw.col("high").max(),
        nw.col("count").sum(),
        nw.col("last_at").max(),
        nw.col("last_any").max(),
    )


def _located(frame: Lazy, people: Lazy) -> Lazy:
    """Adds known (the person, if there is such a row) and place (their account, else the account given)."""
    known = people.select(nw.col("uid"), nw.col("uid").alias("known"), nw.col("person_account"))
    found = frame.join(known, left_on="person", right_on="uid", how="left")
    place = either(nw.col("known").is_null(), nw.col("account"), nw.col("person_account"))
    return found.with_columns(place.alias("place"))


def last_positive(plan: Plan, facts: Facts[Any], people: Lazy, now: int) -> Lazy:
    """uid of each person and account, and the time of the last event of a positive signal (positive_at)."""
    positive = [timed.index for timed in plan.signals if timed.positive]
    events = _located(matched_events(plan, facts, now).filter(nw.col("signal").is_in(positive)), people)
    each = [events.select("at", uid=nw.col(name)).filter(~nw.col("uid").is_null()) for name in ("known", "place")]
    return nw.concat(each).group_by("uid").agg(nw.col("at").max().alias("positive_at"))


def signal_rows(plan: Plan, tally: Tallies, now: int) -> list[Lazy]:
    """Ledger rows of signals and idleness, of people and accounts."""
    subjects = nw.concat([_of_people(tally), _of_accounts(tally)])
    positive = subjects.filter(nw.col("base") > 0)
    active = positive.group_by("uid").agg(
        nw.col("count").sum().alias("positive_count"), nw.col("last_any").max().alias("positive_at")
    )
    gated = subjects.join(active, on="uid", how="left")
    silenced = nw.col("alone") & (nw.col("positive_count").fill_null(0) > 0)
    enough = (nw.col("count") > 0) & (nw.col("count") >= nw.col("min_count"))
    rows = gated.filter(enough & ~silenced).select(
        "uid",
        "rule",
        "part",
        nw.col("kept").alias("points"),
        nw.col("raw").alias("raw_points"),
        (nw.col("raw") - nw.col("worth")).alias("lost_to_decay"),
        (nw.col("worth") - nw.col("kept")).alias("lost_to_cap"),
        nw.col("count"),
        nw.col("last_at"),
        text(None).alias("value"),
    )
    idle = plan.model.idle
    if idle is None:
        return [rows]
    quiet = active.filter(number(now) - nw.col("positive_at") >= idle.after_days * DAY)
    return [rows, plain_rows(quiet, IDLE, idle.part.value, number(idle.points), last_at=nw.col("positive_at"))]


_TALLY = ("uid", "rule", "part", "base", "min_count", "alone", "count", "last_at", "last_any", "raw", "worth", "kept")


def _valued(tally: Tallies) -> Lazy:
    """Adds raw, worth (before caps) and kept (after the cap of one holder)."""
    strongest = either(nw.col("base") > 0, nw.col("high"), nw.col("low"))
    times = either(nw.col("once") & (nw.col("count") > 1), number(1), nw.col("count"))
    valued = tally.by_holder.with_columns(
        (nw.col("base") * times).alias("raw"), either(nw.col("once"), strongest, nw.col("sum")).alias("worth")
    )
    return valued.with_columns(towards_zero(nw.col("worth"), nw.col("cap")).alias("kept"))


def _of_people(tally: Tallies) -> Lazy:
    return _valued(tally).filter(~nw.col("known").is_null()).with_columns(nw.col("known").alias("uid")).select(*_TALLY)


def _of_accounts(tally: Tallies) -> Lazy:
    own = _valued(tally).filter(~nw.col("place").is_null())
    sums = own.group_by("place", "signal").agg(
        nw.col("count").sum(),
        nw.col("raw").sum(),
        nw.col("worth").sum(),
        nw.col("kept").sum(),
        nw.col("last_at").max(),
        nw.col("last_any").max(),
    )
    rows = sums.join(tally.parameters, on="signal", how="inner")
    capped = towards_zero(nw.col("kept"), nw.col("account_cap"))
    return rows.with_columns(capped.alias("kept"), nw.col("place").alias("uid")).select(*_TALLY)


def committee_rows(plan: Plan, tally: Tallies, people: Lazy) -> list[Lazy]:
    """Ledger rows for enough people engaged now. `people`: uid, person_function."""
    if not plan.model.committee:
        return []
    at_work = (nw.col("base") > 0) & (nw.col("high") > 0) & ~nw.col("known").is_null() & ~nw.col("place").is_null()
    engaged = tally.by_holder.filter(at_work).select("known", "place").unique()
    engaged = engaged.join(people.select("uid", "person_function"), left_on="known", right_on="uid", how="inner")
    rows = []
    for entry in plan.model.committee:
        wanted = engaged
        if entry.functions is not None:
            wanted = engaged.filter(nw.col("person_function").is_in(list(entry.functions)))
        counts = wanted.group_by("place").agg(nw.col("known").count().alias("count"))
        enough = counts.filter(nw.col("count") >= entry.people).with_columns(nw.col("place").alias("uid"))
        rows.append(plain_rows(enough, entry.id, entry.part.value, number(entry.points), count=nw.col("count")))
    return rows


def plain_rows(
    frame: Lazy,
    rule: str,
    part: str,
    points: nw.Expr,
    *,
    count: nw.Expr | None = None,
    last_at: nw.Expr | None = None,
    value: nw.Expr | None = None,
) -> Lazy:
    """One ledger row per row of `frame` (which has `uid`), for points that neither age nor are capped."""
    cells = {
        "uid": nw.col("uid"),
        "rule": text(rule),
        "part": text(part),
        "points": points,
        "raw_points": points,
        "lost_to_decay": number(0),
        "lost_to_cap": number(0),
        "count": number(1) if count is None else count.cast(_INT),
        "last_at": number(None) if last_at is None else last_at,
        "value": text(None) if value is None else value,
    }
    return frame.select(**{name: cells[name] for name in LEDGER})
