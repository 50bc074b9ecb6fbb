"""The scoring rules once more, plainly: one record at a time, from the typed model alone.

Written from `docs/scoring.md` and sharing no code with the engine's compiler, its per-record
evaluator or its decay tables, so that agreement means something. Slow on purpose.

Facts are lists of dicts: accounts have `uid`, their fields and `previous_group`; people (one row
per human) also `account`; events have `person`, `account`, `kind`, `asset`, `at`. Points are
thousandths, times seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from functools import cache
from typing import Any

from leadline.core.entities import FIELDS, Entity, Kind
from leadline.core.scoring.condition import Condition
from leadline.core.scoring.model import Disqualification, Model, Rule, Signal

Record = Mapping[str, Any]
PARTS = ("fit", "persona", "intent", "negative")
SHARED = ("industry", "employees", "annual_revenue", "country")
DAY = 86_400


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
class Result:
    """What the model makes of one record at one instant."""

    uid: str
    entity: str
    score: int
    parts: Mapping[str, int]
    fit_max: int
    completeness: int
    missing: tuple[str, ...]
    reasons: tuple[str, ...]
    group: str
    ledger: tuple[Row, ...]


@dataclass
class World:
    """All facts, indexed."""

    accounts: Sequence[Record]
    people: Sequence[Record]
    events: Sequence[Record]
    account: dict[str, Record] = field(init=False)
    person: dict[str, Record] = field(init=False)

    def __post_init__(self) -> None:
        self.account = {row["uid"]: row for row in self.accounts}
        self.person = {row["uid"]: row for row in self.people}

    def staff(self, uid: str) -> list[Record]:
        """The people of an account."""
        return [row for row in self.people if row.get("account") == uid]

    def events_of(self, person: str) -> list[Record]:
        """What a person did."""
        return [event for event in self.events if event["person"] == person]

    def anonymous(self, account: str) -> list[Record]:
        """What happened at an account by nobody known."""
        return [e for e in self.events if e["person"] not in self.person and e["account"] == account]


def score_all(model: Model, world: World, now: int) -> dict[str, Result]:
    """Every account and person, by uid."""
    results = [score_account(model, world, row, now) for row in world.accounts]
    results += [score_person(model, world, row, now) for row in world.people]
    return {result.uid: result for result in results}


def score_account(model: Model, world: World, account: Record, now: int) -> Result:
    """One account with its people and events."""
    staff = world.staff(account["uid"])
    own = facts_of(None, account)
    theirs = [facts_of(person, account) for person in staff]
    rows = []
    for rule in model.rules:
        if not belongs(rule, "account"):
            continue
        if asks_people(rule):
            hits = [facts for facts in theirs if holds(rule.when, facts) is True]
            if hits:
                value = min((text for f in hits if (text := shown(rule.when, f)) is not None), default=None)
                rows.append(Row(rule.id, rule.part, rule.points, rule.points, count=len(hits), value=value))
        elif holds(rule.when, own) is True:
            rows.append(Row(rule.id, rule.part, rule.points, rule.points, value=shown(rule.when, own)))
    if model.persona:
        scored = [(persona_points(model, facts), persona_text(facts)) for facts in theirs]
        best = max((points for points, _ in scored), default=0)
        if best:
            texts = [text for points, text in scored if points == best]
            rows.append(Row("persona", "persona", best, best, count=len(texts), value=min(texts)))
    holders = [world.events_of(person["uid"]) for person in staff]
    rows += behaviour(model, [*holders, world.anonymous(account["uid"])], now, cap_all=True)
    rows += committees(model, staff, holders, now)
    reasons = []
    for entry in model.disqualify:
        if belongs(entry, "account"):
            seen = theirs if asks_people(entry) else [own]
            if any(holds(entry.when, facts) is True for facts in seen):
                reasons.append(entry.reason)
    return finish(model, "account", account, own, rows, reasons)


def committees(model: Model, staff: Sequence[Record], holders: Sequence[Sequence[Record]], now: int) -> Iterator[Row]:
    """Rows for enough engaged people."""
    for committee in model.committee:
        engaged = 0
        for person, events in zip(staff, holders, strict=True):
            wanted = committee.functions is None or person.get("function") in committee.functions
            engaged += wanted and is_engaged(model, events, now)
        if engaged >= committee.people:
            yield Row(committee.id, committee.part, committee.points, committee.points, count=engaged)


def score_person(model: Model, world: World, person: Record, now: int) -> Result:
    """One person with their account's facts and their own events."""
    facts = facts_of(person, world.account.get(person.get("account") or ""))
    rows = [
        Row(rule.id, rule.part, rule.points, rule.points, value=shown(rule.when, facts))
        for rule in model.rules
        if belongs(rule, "person") and holds(rule.when, facts) is True
    ]
    if model.persona and (points := persona_points(model, facts)):
        rows.append(Row("persona", "persona", points, points, value=persona_text(facts)))
    rows += behaviour(model, [world.events_of(person["uid"])], now, cap_all=False)
    reasons = [d.reason for d in model.disqualify if belongs(d, "person") and holds(d.when, facts) is True]
    return finish(model, "person", person, facts, rows, reasons)


# Facts and conditions


def facts_of(person: Record | None, account: Record | None) -> dict[str, Any]:
    """Facts by their names in the model; a missing one is absent."""
    found: dict[str, Any] = {}
    for spec in FIELDS[Entity.ACCOUNT]:
        value = (account or {}).get(spec.name)
        if is_missing(value) and spec.name in SHARED:
            value = (person or {}).get(spec.name)
        if not is_missing(value):
            found[f"account.{spec.name}"] = value
    for spec in FIELDS[Entity.PERSON]:
        value = (person or {}).get(spec.name)
        if not is_missing(value):
            found[f"person.{spec.name}"] = value
    return found


def is_missing(value: Any) -> bool:
    """Nothing, or an empty list."""
    return value is None or (isinstance(value, list | tuple) and not value)


def leaf_names(condition: Condition) -> list[str]:
    """Facts read, each once, as mentioned."""
    return list(dict.fromkeys(leaf.field for leaf in walk(condition) if leaf.field))


def walk(condition: Condition) -> Iterator[Condition]:
    """The single tests, left to right."""
    children = condition.all_ or condition.any_ or ((condition.not_,) if condition.not_ else ())
    if not children:
        yield condition
    for child in children:
        yield from walk(child)


def holds(condition: Condition, facts: Record) -> bool | None:
    """Three answers; None when a missing fact decides."""
    if condition.not_ is not None:
        answer = holds(condition.not_, facts)
        return None if answer is None else not answer
    if condition.all_ is not None:
        answers = [holds(child, facts) for child in condition.all_]
        return False if False in answers else None if None in answers else True
    if condition.any_ is not None:
        answers = [holds(child, facts) for child in condition.any_]
        return True if True in answers else None if None in answers else False
    name = condition.field or ""
    if condition.known is not None:
        if name in facts:
            return condition.known
        return not condition.known
    if name not in facts:
        return None
    value = facts[name]
    if condition.in_ is not None:
        return value in condition.in_
    if condition.range is not None:
        low, high = condition.range
        return not ((low is not None and value < low) or (high is not None and value >= high))
    if condition.contains_any is not None:
        return bool(set(condition.contains_any) & set(value))
    if condition.contains_all is not None:
        return set(condition.contains_all) <= set(value)
    return bool(value == condition.equals)


def shown(condition: Condition, facts: Record) -> str | None:
    """The values that were looked at, as text."""
    texts: dict[str, str] = {}
    for leaf in walk(condition):
        name = leaf.field or ""
        if name not in facts or name in texts:
            continue
        value = facts[name]
        if isinstance(value, list | tuple):
            wanted = leaf.contains_any or leaf.contains_all or ()
            texts[name] = ", ".join(word for word in wanted if word in value)
        elif isinstance(value, bool):
            texts[name] = "true" if value else "false"
        else:
            texts[name] = str(value)
    return ", ".join(text for text in texts.values() if text) or None


def belongs(entry: Rule | Disqualification, entity: str) -> bool:
    """Whether the entry is about records of this entity."""
    if entry.applies_to is None:
        return entity == "person" or not asks_people(entry)
    return entry.applies_to.value in ("both", entity)


def asks_people(entry: Rule | Disqualification) -> bool:
    """Whether a person's fact is read."""
    return any(name.startswith("person.") for name in leaf_names(entry.when))


def persona_points(model: Model, facts: Record) -> int:
    """Seniority by function."""
    assert model.persona is not None
    buys = facts.get("person.function") in model.persona.functions
    table = model.persona.points if buys else model.persona.elsewhere
    return table.get(facts.get("person.seniority", ""), 0)


def persona_text(facts: Record) -> str:
    """Seniority, then function."""
    return ", ".join(facts[name] for name in ("person.seniority", "person.function") if name in facts)


# Behaviour over time


@cache
def points_at(points: int, half_life: int | None, steps: tuple[tuple[int, int], ...], day: int) -> int:
    """Points of one event at a whole number of days of age."""
    if half_life is not None:
        with localcontext() as context:
            context.prec = 60
            exact = Decimal(points) * Decimal(2) ** (Decimal(-day) / Decimal(half_life))
            return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
    for from_day, value in reversed(steps):
        if day >= from_day:
            return value
    return points


def matches(signal: Signal, event: Record) -> bool:
    """Whether the event is of the signal."""
    if event["kind"] not in signal.kinds:
        return False
    asset = (event.get("asset") or "").lower()
    return signal.assets is None or any(word.lower() in asset for word in signal.assets)


def age_days(event: Record, now: int) -> int:
    """Whole days since the event; one in the future is new."""
    return int(max(0, now - event["at"]) // DAY)


def counted(signal: Signal, events: Sequence[Record], now: int) -> list[Record]:
    """The signal's events that are inside its window."""
    return [e for e in events if matches(signal, e) and age_days(e, now) < signal.window_days]


def event_points(signal: Signal, event: Record, now: int) -> int:
    """Decayed points of one event."""
    return points_at(signal.points, signal.half_life_days, signal.steps or (), age_days(event, now))


def nearest_zero(first: int, limit: int | None) -> int:
    """`first`, no further from zero than `limit` (of the same sign)."""
    if limit is None:
        return first
    return min(first, limit) if limit > 0 else max(first, limit)


def is_engaged(model: Model, events: Sequence[Record], now: int) -> bool:
    """Whether any event of a positive signal is worth something now."""
    return any(
        event_points(signal, event, now) > 0
        for signal in model.signals
        if signal.points > 0
        for event in counted(signal, events, now)
    )


def behaviour(model: Model, holders: Sequence[Sequence[Record]], now: int, *, cap_all: bool) -> list[Row]:
    """Rows of signals and idleness over the holders (each person, or nobody) of one record."""
    positive = sum(len(counted(s, events, now)) for s in model.signals if s.points > 0 for events in holders)
    rows = []
    for signal in model.signals:
        count, raw, decayed, kept, last = 0, 0, 0, 0, None
        for events in holders:
            mine = counted(signal, events, now)
            if not mine:
                continue
            values = [event_points(signal, event, now) for event in mine]
            if signal.once:
                worth = max(values, key=abs)
                raw += signal.points
            else:
                worth = sum(values)
                raw += signal.points * len(values)
            count += len(mine)
            decayed += worth
            kept += nearest_zero(worth, signal.cap)
            last = max([event["at"] for event in mine] + ([] if last is None else [last]))
        if cap_all:
            kept = nearest_zero(kept, signal.account_cap)
        if count and count >= signal.min_count and not (signal.alone and positive):
            rows.append(Row(signal.id, signal.part, kept, raw, raw - decayed, decayed - kept, count, last))
    if model.idle:
        seen = [e["at"] for s in model.signals if s.points > 0 for events in holders for e in events if matches(s, e)]
        if seen and now - max(seen) >= model.idle.after_days * DAY:
            rows.append(Row("idle", model.idle.part, model.idle.points, model.idle.points, last_at=max(seen)))
    return rows


# Sums, limits, groups


def finish(model: Model, entity: str, record: Record, facts: Record, rows: list[Row], reasons: Sequence[str]) -> Result:
    """Limit and round each part, then the total; find the group."""
    ledger = list(rows)
    parts = {}
    for part in PARTS:
        total = sum(row.points for row in rows if row.part == part)
        parts[part], extra = limited(model, part, total)
        ledger += extra
    total = sum(parts.values())
    score, extra = clamp("total", total, model.total.min, model.total.max)
    ledger += extra
    gain = best_gain(model, entity, facts)
    fit_sum = sum(row.points for row in rows if row.part == "fit")
    fit_max = limited(model, "fit", fit_sum + gain)[0]
    asked = asked_facts(model, entity)
    missing = tuple(name for name in asked if name not in facts)
    completeness = 100 if not asked else 100 * (len(asked) - len(missing)) // len(asked)
    dimensions = {**{name: points // 1000 for name, points in parts.items()}}
    dimensions |= {"score": score // 1000, "fit_max": fit_max // 1000, "completeness": completeness}
    group = find_group(model, dimensions, record.get("previous_group"), bool(reasons))
    return Result(
        record["uid"], entity, score, parts, fit_max, completeness, missing, tuple(reasons), group, tuple(ledger)
    )


def limited(model: Model, part: str, total: int) -> tuple[int, list[Row]]:
    """A part's limits, then whole points towards minus infinity."""
    limits = {str(name): limits for name, limits in model.parts.items()}.get(part)
    value, rows = clamp(part, total, limits.min if limits else None, limits.max if limits else None)
    whole = value // 1000 * 1000
    if whole != value:
        rows.append(Row("rounding", part, whole - value, whole - value, count=0))
    return whole, rows


def clamp(part: str, value: int, low: int | None, high: int | None) -> tuple[int, list[Row]]:
    """Into [low, high] whole points, with the row that says so."""
    if high is not None and value > high * 1000:
        cut = high * 1000 - value
        return high * 1000, [Row("cap", part, cut, cut, count=0)]
    if low is not None and value < low * 1000:
        lift = low * 1000 - value
        return low * 1000, [Row("floor", part, lift, lift, count=0)]
    return value, []


def fit_rules(model: Model, entity: str) -> list[Rule]:
    """The fit rules that look at this record itself."""
    rules = [rule for rule in model.rules if rule.part == "fit" and belongs(rule, entity)]
    return [rule for rule in rules if entity == "person" or not asks_people(rule)]


def asked_facts(model: Model, entity: str) -> list[str]:
    """Facts that completeness is measured over."""
    leaves = [leaf for rule in fit_rules(model, entity) for leaf in walk(rule.when)]
    names = [leaf.field or "" for leaf in leaves if leaf.known is None]
    if entity == "person" and model.persona:
        names += ["person.seniority", "person.function"]
    return list(dict.fromkeys(names))


def best_gain(model: Model, entity: str, facts: Record) -> int:
    """How much fit could rise if missing facts turned out best."""
    gain = 0
    by_fact: dict[str, list[Rule]] = {}
    for rule in fit_rules(model, entity):
        names = leaf_names(rule.when)
        if len(names) == 1:
            by_fact.setdefault(names[0], []).append(rule)
            continue
        if holds(rule.when, facts) is None:
            gain += max(rule.points, 0)
    for name, rules in by_fact.items():
        if name not in facts and name in asked_facts(model, entity):
            worths = [sum(r.points for r in rules if holds(r.when, one)) for one in candidate_facts(name, rules)]
            gain += max(worths) - sum(r.points for r in rules if holds(r.when, {}))
    return gain


def candidate_facts(name: str, rules: Sequence[Rule]) -> list[dict[str, Any]]:
    """Facts that tell the rules of one fact apart, and that of its being missing."""
    entity, _, short = name.partition(".")
    spec = next(spec for spec in FIELDS[Entity(entity)] if spec.name == short)
    leaves = [leaf for rule in rules for leaf in walk(rule.when)]
    words = [word for leaf in leaves for word in (leaf.in_ or leaf.contains_any or leaf.contains_all or ())]
    words += [leaf.equals for leaf in leaves if isinstance(leaf.equals, str)]
    if spec.kind is Kind.ENUM:
        values: list[Any] = list(spec.values)
    elif spec.kind is Kind.BOOLEAN:
        values = [True, False]
    elif spec.kind is Kind.LIST:
        values = [["\0"], *([word] for word in words), words or ["\0"]]
    elif spec.kind is Kind.INTEGER:
        edges = [edge for leaf in leaves for edge in (leaf.range or ()) if edge is not None]
        edges += [leaf.equals for leaf in leaves if isinstance(leaf.equals, int)]
        values = [edge + step for edge in edges for step in (-1, 0, 1)] or [0]
    else:
        values = [*words, "\0"]
    return [{}, *({name: value} for value in values)]


def find_group(model: Model, dimensions: Mapping[str, int], previous: str | None, disqualified: bool) -> str:
    """First fit wins; a move down waits until the relaxed bands fail too."""
    last = model.groups[-1].group.value
    if disqualified:
        return last
    names = [group.group.value for group in model.groups]
    target = next(g.group.value for g in model.groups if inside(g.when, dimensions, 0))
    if previous not in names or names.index(target) <= names.index(previous):
        return target
    stays = any(inside(g.when, dimensions, model.hysteresis) for g in model.groups if g.group == previous)
    return previous if stays and previous is not None else target


def inside(bands: Mapping[str, tuple[int | None, int | None]], dimensions: Mapping[str, int], give: int) -> bool:
    """Whether all dimensions lie in [low - give, high)."""
    return all(
        (low is None or dimensions[name] >= low - give) and (high is None or dimensions[name] < high)
        for name, (low, high) in bands.items()
    )


# Time


def simulate(
    model: Model, world: World, uid: str, instants: Sequence[int], group: str, reference: int, step: int
) -> int | None:
    """The first of the (rising) instants at which the group changes or the score is `step` off `reference`."""
    for now in instants:
        result = score_one(model, world, uid, now, group)
        if result.group != group or abs(result.score - reference) >= step:
            return now
    return None


def score_one(model: Model, world: World, uid: str, now: int, previous: str | None) -> Result:
    """One record by uid, coming from group `previous`."""
    if uid in world.account:
        return score_account(model, world, {**world.account[uid], "previous_group": previous}, now)
    return score_person(model, world, {**world.person[uid], "previous_group": previous}, now)
