"""Every minute of some days, one by one: what the walk says is coming is what a look at each minute finds.

A record that is scored some minutes later comes to the same as one whose times all lie that many minutes further in the
past and that is scored now. So a frame holds a copy of each record for every minute, and the frame engine scores all
of them together: nothing is skipped, and nothing of the walk is used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import polars as pl
from tests.oracle.agreement import same, subjects
from tests.oracle.random_scoring import DAY, NOW, Records, partitions, shifted
from tests.oracle.walking import MINUTE, Outing, Seen, woken

from leadline.core.entities import FIELDS, Entity, Kind
from leadline.core.scoring.compile import score, score_plans
from leadline.core.scoring.course import course_of
from leadline.core.scoring.due import Due, Watch, due_all, first_change, next_due, reference_score, standing_of
from leadline.core.scoring.evaluate import evaluate
from leadline.core.scoring.model import POINT, Model
from leadline.core.scoring.plan import Plan, compile_model
from leadline.core.scoring.subject import Evaluation, Subject
from leadline.frames import local

HORIZON = 400 * DAY  # of a walk
DAYS = 3  # that are looked at minute by minute
NEAR = 12 * 3600  # seconds before something happens at which many records start
AT_ONCE = 300_000  # rows of people, accounts and events scored in one call
TIMES = {
    entity: [field.name for field in FIELDS[entity] if field.kind is Kind.TIME and field.scored]
    for entity in (Entity.ACCOUNT, Entity.PERSON)
}


@dataclass(frozen=True)
class Asked:
    """How a walk is asked about one record: `n` points from `pushed` (thousandths), any from `aged` (seconds) on."""

    n: int
    pushed: int | None = None
    aged: int | None = None

    def reference(self, score: int) -> int:
        """The score from which a move is measured."""
        return reference_score(score, self.pushed, self.n * POINT)


Walk = Callable[[Plan, Evaluation, Asked], Due]


def walked(plan: Plan, evaluation: Evaluation, asked: Asked) -> Due:
    """The walk of one record from now on."""
    if asked.aged is None:
        return next_due(plan, evaluation, NOW, pushed=asked.pushed, n=asked.n, horizon=HORIZON)
    return by_steps(plan, evaluation, asked, fades=True)


def by_steps(plan: Plan, evaluation: Evaluation, asked: Asked, *, fades: bool = False) -> Due:
    """The same without passing over stretches, unless told."""
    course = course_of(plan.of(evaluation.segment), evaluation.subject.entity)
    watch = Watch(asked.reference(evaluation.score), asked.n * POINT, asked.aged)
    course = replace(course, fades=course.fades and fades)
    return first_change(course, standing_of(course, evaluation, NOW), NOW, watch, end=NOW + HORIZON)


# Where records stand, and their copies


@dataclass(frozen=True)
class Stance:
    """A record after the offset `after` (seconds from now): its group, since when, and the score a move counts from."""

    uid: str
    after: int
    group: str
    since: int | None
    reference: int


STANCE = {
    "uid": pl.String(), "after": pl.Int64(), "previous_group": pl.String(), "group_since": pl.Int64(),
    "reference": pl.Int64(),
}  # fmt: skip


def looked_at(plan: Plan, worlds: Sequence[Records], stances: Iterable[Stance], offsets: Sequence[set[int]]) -> Any:
    """Scores of every record at all offsets of its world: columns uid, offset, score, group; previous_group, reference.

    What the record is held against is its latest stance that began before.
    """
    rows = [(each.uid, each.after, each.group, each.since, each.reference) for each in stances]
    stood = pl.DataFrame(rows, schema=STANCE, orient="row").sort("after")
    found = [_looked_at(plan, batch, stood) for batch in _batches(worlds, offsets)]
    return pl.concat(found).sort("uid", "offset")


def _batches(worlds: Sequence[Records], offsets: Sequence[set[int]]) -> Iterator[list[tuple[Records, set[int]]]]:
    batch: list[tuple[Records, set[int]]] = []
    rows = 0
    for world, mine in zip(worlds, offsets, strict=True):
        more = len(mine) * (len(world.accounts) + len(world.people) + len(world.events))
        if batch and rows + more > AT_ONCE:
            yield batch
            batch, rows = [], 0
        batch.append((world, mine))
        rows += more
    yield batch


def _looked_at(plan: Plan, batch: Sequence[tuple[Records, set[int]]], stood: pl.DataFrame) -> pl.DataFrame:
    moments = [(number, offset) for number, (_, offsets) in enumerate(batch) for offset in sorted(offsets)]
    times = pl.DataFrame(moments, schema={"world": pl.Int64(), "offset": pl.Int64()}, orient="row")
    pieces: list[pl.DataFrame] = []

    def copies(section: str, schema: Mapping[str, pl.DataType], links: Sequence[str], ats: Sequence[str]) -> Any:
        rows = [{**row, "world": number} for number, (world, _) in enumerate(batch) for row in getattr(world, section)]
        frame = pl.DataFrame(rows, schema={**schema, "world": pl.Int64()}).join(times, on="world").sort("offset")
        if "previous_group" in schema:
            frame = frame.drop("previous_group", "group_since")
            frame = frame.join_asof(
                stood, left_on="offset", right_on="after", by="uid", allow_exact_matches=False, check_sortedness=False
            )
            pieces.append(frame.select("uid", "offset", "previous_group", "reference"))
            ats = [*ats, "group_since"]
        suffix = pl.concat_str(pl.lit("@"), pl.col("offset"))
        moved = [pl.col(name) + suffix for name in links] + [pl.col(name) - pl.col("offset") for name in ats]
        return frame.with_columns(moved).select(*schema)

    facts = local.from_frames(
        copies("accounts", local.account_schema(), ["uid"], TIMES[Entity.ACCOUNT]),
        copies("people", local.person_schema(), ["uid", "account"], TIMES[Entity.PERSON]),
        copies("events", local.event_schema(), ["person", "account"], ["at"]),
    )
    scores, _ = score_plans(plan, facts, NOW)
    (scored,) = local.ENGINE.collect([scores.select("uid", "score", "group")])
    halves = pl.col("uid").str.split_exact("@", 1)
    names = halves.struct.field("field_0").alias("uid"), halves.struct.field("field_1").cast(pl.Int64).alias("offset")
    found = scored.select(*names, "score", "group").join(pl.concat(pieces), on=["uid", "offset"])
    assert len(found) == len(scored)
    return found


def every_minute(days: int) -> set[int]:
    """Offsets of whole minutes, now among them."""
    return set(range(0, days * DAY, MINUTE))


def _around(instant: int | None, days: int) -> set[int]:
    """The offset of an instant and the second before, where they lie in these days."""
    if instant is None:
        return set()
    return {offset for offset in (instant - NOW - 1, instant - NOW) if 0 < offset < days * DAY}


# What the walk says against every minute


def minutes_agree(
    model: Model, worlds: Sequence[Records], asked: Mapping[str, Asked], *, days: int = DAYS, walk: Walk = walked
) -> Counter[str]:
    """Each record's change, group and due instant are what the minutes of these days show; due in bulk is the same.

    The seconds that a walk names are looked at as well, and those before them: so the second has to be right.
    """
    plan = compile_model(model)
    stances, dues, evaluations, offsets = [], {}, {}, []
    for world in worlds:
        mine = every_minute(days)
        for subject in subjects(world):
            found = evaluations[subject.uid] = evaluate(model, subject, NOW, plan=plan)
            due = dues[subject.uid] = walk(plan, found, asked[subject.uid])
            mine |= _around(due.due_at, days) | _around(due.next_change_at, days)
            stances.append(started(found, asked[subject.uid].reference(found.score)))
        offsets.append(mine)
    seen = looked_at(plan, worlds, stances, offsets)
    counts = Counter(pairs=len(dues), models=1, looks=len(seen), minutes=len(dues) * len(every_minute(days)))
    for (uid,), rows in seen.group_by("uid", maintain_order=True):
        counts.update(_compared(rows, dues[str(uid)], asked[str(uid)], days))
    in_bulk_too(model, worlds, asked, dues)
    same({uid: by_steps(plan, evaluations[uid], asked[uid]) for uid in dues}, dues)
    return counts


def started(evaluation: Evaluation, reference: int) -> Stance:
    """Where an evaluated record stands from now on."""
    subject = evaluation.subject
    since = subject.group_since if evaluation.group == subject.previous_group else NOW
    return Stance(subject.uid, -1, evaluation.group, since, reference)


def moved(asked: Asked) -> pl.Expr:
    """Whether a record is due at a look."""
    off = (pl.col("score") - pl.col("reference")).abs()
    due = (pl.col("group") != pl.col("previous_group")) | (off >= asked.n * POINT)
    return due if asked.aged is None else due | ((pl.col("offset") >= asked.aged - NOW) & (off > 0))


def _compared(rows: pl.DataFrame, due: Due, asked: Asked, days: int) -> Counter[str]:
    """One record's looks beside what its walk said."""
    uid, counts = str(rows["uid"][0]), Counter[str]()
    changes, dues = rows.filter(pl.col("group") != pl.col("previous_group")), rows.filter(moved(asked))
    for name, said, found in (("change", due.next_change_at, changes), ("due", due.due_at, dues)):
        # A write may have grown old before: then the record is due now.
        wanted = None if said is None or said >= NOW + days * DAY else max(said - NOW, 0)
        first: Any = found["offset"].min()
        assert first == wanted, f"{uid}: {name} is seen after {first} s, and said to come after {wanted} s"
        if wanted is None:
            continue
        counts[name] += 1
        minute = -(-wanted // MINUTE) * MINUTE
        whole = found.filter(pl.col("offset") % MINUTE == 0)
        # Something that ends within its minute shows at the second that the walk names, and at no whole minute.
        counts[f"{name}, over within the minute"] += minute < days * DAY and whole["offset"].min() != minute
        if name == "change":
            group = found["group"][0]
            assert group == due.next_group, f"{uid}: change to {group} is seen, and said to be to {due.next_group}"
            counts["change, to another group within the minute"] += (
                len(whole) > 0 and whole["offset"][0] == minute and whole["group"][0] != due.next_group
            )
    counts["nothing happens"] += not changes.height and not dues.height
    return counts


def in_bulk_too(model: Model, worlds: Sequence[Records], asked: Mapping[str, Asked], dues: Mapping[str, Due]) -> None:
    """Whole tables come to the same, whether records to which nothing happens are looked for or not."""
    facts = local.facts(*([row for world in worlds for row in getattr(world, name)] for name in SECTIONS))
    scored = score(model, facts, NOW)
    (n,) = {each.n for each in asked.values()}
    pushed = {uid: each.pushed for uid, each in asked.items() if each.pushed is not None}
    aged = {uid: each.aged for uid, each in asked.items() if each.aged is not None}
    for few in (0, 10_000):
        found = due_all(model, facts, scored, NOW, pushed=pushed, n=n, horizon_seconds=HORIZON, aged=aged, few=few)
        same(found, dues)


SECTIONS = ("accounts", "people", "events")


# A month of a worker


Worker = Callable[[Plan, Subject, Outing], tuple[list[Seen], int]]


def nothing_is_missed_in_a_month(
    plan: Plan, worlds: Sequence[Records], n: int, *, days: int = 30, worker: Worker = woken
) -> Counter[str]:
    """A worker that sleeps until records are due sees all there is to see, minute by minute; how often it woke."""
    stances: list[Stance] = []
    offsets, seen_by_worker, counts = [], set(), Counter[str]()
    outing = Outing(NOW, NOW + days * DAY, n, {})
    for world in worlds:
        mine = every_minute(days)
        for subject in subjects(world):
            seen, wakings = worker(plan, subject, outing)
            stances += _stances(plan, subject, [(each.at, each.group, each.score) for each in seen])
            for each in seen:
                mine |= _around(each.at, days)
                seen_by_worker.add((subject.uid, each.at - NOW, each.group, each.score))
            counts.update({"records": 1, "wake-ups": wakings, "due": len(seen)})
        offsets.append(mine)
    looks = looked_at(plan, worlds, stances, offsets)
    found = set(looks.filter(moved(Asked(n))).select("uid", "offset", "group", "score").iter_rows())
    assert found == seen_by_worker, sorted(found ^ seen_by_worker)[:5]
    counts["looks"] = len(looks)
    return counts


def _stances(plan: Plan, subject: Subject, seen: Sequence[tuple[int, str, int]]) -> Iterator[Stance]:
    evaluation = evaluate(plan.model, subject, NOW, plan=plan)
    now = started(evaluation, evaluation.score)
    yield now
    for at, group, score_then in seen:
        since = now.since if group == now.group else at
        now = Stance(subject.uid, at - NOW, group, since, score_then)
        yield now


# From when on


def on_their_way(model: Model, records: Records, asked: Asked, random: Random) -> list[Records]:
    """Clusters of the records, each moved in time: to some hours or days before a group changes or a score moves.

    Most random records come to nothing: for every two whose group changes there is one that only moves and one that
    never does; where there are none, mostly none at all.
    """
    plan = compile_model(model)
    sorts: dict[str, list[Records]] = {"change": [], "move": [], "stay": []}
    for world in partitions(records):
        found = {s.uid: walked(plan, evaluate(model, s, NOW, plan=plan), asked) for s in subjects(world)}
        changes = {uid: due.next_change_at for uid, due in found.items() if due.next_change_at is not None}
        moves = changes or {uid: due.due_at for uid, due in found.items() if due.due_at < NOW + HORIZON}
        if moves:
            uid = random.choice(list(moves))
            start = moves[uid] - NOW - random.randrange(1, random.choice((NEAR, DAYS * DAY)))
            sorts["change" if changes else "move"].append(shifted(_without_colleagues(world, uid), start))
        else:
            sorts["stay"].append(shifted(world, random.randrange(40 * DAY)))
    others = (len(sorts["change"]) + 1) // 2 or int(random.random() < 0.2)
    return sorts["change"] + sorts["move"][:others] + sorts["stay"][:others]


def _without_colleagues(world: Records, uid: str) -> Records:
    """A person's cluster without the other people, on whom the person's score does not depend; an account's whole."""
    one = [row for row in world.people if row["uid"] == uid]
    others = {row["uid"] for row in world.people if one and row["uid"] != uid}
    events = [event for event in world.events if event["person"] not in others]
    return Records(world.accounts, one or world.people, events)
