"""Scoring and deciding: score, group, ledger and planned effects of a chunk in one transaction.

Only clusters with news or with something due are looked at, unless the model changed. They are taken
in the order of the names of what is marked in them, however many in a transaction, so that a run that
was killed and begun again makes the same decisions in the same order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import orjson

from leadline.app.events import ChunkScored, Crossed, StageStarted
from leadline.app.handover import give_way
from leadline.app.team import TeamBook
from leadline.app.view import ClusterView, addressed, never_written, reasons
from leadline.core.decisions.outputs import (
    PushPolicy,
    differences,
    outputs,
    worth_writing,
)
from leadline.core.decisions.plays import Reaction, effect_key, react, ref, target, withheld
from leadline.core.decisions.routing import stays
from leadline.core.entities import Entity
from leadline.core.normalize.write import OUTPUTS, vendor_values
from leadline.core.scoring.compile import score
from leadline.core.scoring.due import due_all
from leadline.core.scoring.facts import Facts, Scored
from leadline.core.scoring.groups import group_names
from leadline.core.scoring.plan import compile_model
from leadline.frames import local
from leadline.sdk.errors import TransientError
from leadline.sdk.records import RecordRef, Scalar, UpdateFields
from leadline.store import leases, outbox
from leadline.store.facts import ClusterFacts, clusters_of, load_facts, scored_in
from leadline.store.outbox import Planned
from leadline.store.pending import any_outdated, count_marks, mark_pending, marked_clusters, marks_within, next_marks
from leadline.store.records import clear_marks, reading_digest
from leadline.store.scores import remove_scores, save_scores
from leadline.store.unfinished import OpenUpdate, last_updates, open_updates

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from leadline.app.bootstrap import Project
    from leadline.app.counts import Counts
    from leadline.app.events import Listener

FIRST_ACTIVATION = "scored for the first time in a backfill"
_FOREVER = 400 * 86_400
"""Seconds within which every signal of usual length has run out; a record without signals is looked at then."""

HANDED_OVER = ("owner", "status")
"""Outputs that a play sets once, when a group is entered; the others are stated again with every write."""

CONVERTED = "the lead was converted, and its contact cannot be read"
NEW_MODEL = "moved by a new version of the model"
NEW_READING = "moved by another reading of the CRM: the mapping changed"


@dataclass(slots=True)
class _Chunk:
    """What one transaction gathers before it writes."""

    scores: list[dict[str, Any]] = field(default_factory=list)
    planned: list[Planned] = field(default_factory=list)
    settled: list[tuple[str, RecordRef]] = field(default_factory=list)
    open: Mapping[tuple[str, RecordRef], Sequence[OpenUpdate]] = field(default_factory=dict)
    writers: Mapping[tuple[str, RecordRef], tuple[int, str]] = field(default_factory=dict)
    crossings: list[Crossed] = field(default_factory=list)
    crossed: int = 0
    unchanged: int = 0
    withheld: int = 0


def settle_versions(project: Project, emit: Listener, counts: Counts, *, plays: bool) -> None:
    """Before anything is read: score by a new version of the model what an older one scored.

    What moves now is moved by the model alone, and causes no action; what moves after reading is moved by
    what was read, and does.
    """
    with project.reading().begin() as connection:
        old = any_outdated(connection, _versions(project, connection))
    if old:
        score_all(project, emit, counts, plays=plays)


def score_all(project: Project, emit: Listener, counts: Counts, *, plays: bool) -> None:
    """Score everything that has news or is due, decide, and plan what follows. `plays` False plans fields only.

    Raises TransientError when another process is deciding.
    """
    seconds = project.settings.write.lease_seconds
    with project.engine.begin() as connection:
        lease = leases.acquire(connection, "decide", seconds=seconds)
    if lease is None:
        raise TransientError("another worker is scoring", fix="Wait for it to end; nothing is lost.")
    try:
        with project.engine.begin() as connection:
            give_way(project, connection)
            mark_pending(connection, _versions(project, connection), now=project.now())
        names = project.settings.connections
        with project.reading().begin() as connection:
            emit(StageStarted("score", total=count_marks(connection, names)))
        decider = _Decider(project, emit, counts, plays=plays)
        last = ""
        while True:
            with project.engine.begin() as connection:
                if not leases.renew(connection, lease, seconds=seconds):
                    raise TransientError("another worker took over the scoring")
                marks = next_marks(connection, names, after=last, limit=project.settings.sync.chunk)
                if not marks:
                    break
                report = _decide_marked(connection, decider, marks)
            last = max(marks)
            emit(report)
    finally:
        with project.engine.begin() as connection:
            leases.release(connection, lease)


def _decide_marked(connection: Connection, decider: _Decider, marks: Mapping[str, int]) -> ChunkScored:
    """Decide the clusters of some marks, in the order of their first marks, and clear everybody's marks there."""
    clusters = marked_clusters(connection, marks)
    seen = {**marks_within(connection, clusters), **marks}
    report = decider.decide(connection, clusters)
    clear_marks(connection, seen)
    return replace(report, marks=len(seen))


def _versions(project: Project, connection: Connection) -> dict[str, str]:
    """What the scores of each connection come from: the model, and how its mapping read the CRM."""
    names = project.settings.connections
    return {name: f"{project.model.digest}/{reading_digest(connection, name)}" for name in names}


def _home(cluster: str) -> str:
    return cluster.partition("/")[0]


def _frames(facts: ClusterFacts) -> Facts[Any]:
    groups = {uid: {"previous_group": row["group"]} for uid, row in facts.scores.items()}
    return local.facts(
        [{**row, **groups.get(row["uid"], {})} for row in facts.accounts],
        [{**row, **groups.get(row["uid"], {})} for row in facts.people],
        facts.events,
    )


class _Decider:
    """Turns the facts of some clusters into scores and plans."""

    def __init__(self, project: Project, emit: Listener, counts: Counts, *, plays: bool) -> None:
        self._project = project
        self._model = project.model
        self._emit = emit
        self._counts = counts
        self._plan = compile_model(project.model)
        with project.reading().begin() as connection:
            self._versions = _versions(project, connection)
        self._plays = plays
        self._teams = TeamBook(project)
        self._groups = group_names(project.model)
        push = project.settings.push
        self._policy = PushPolicy(push.min_points, push.max_age_hours * 3_600)

    def decide(self, connection: Connection, clusters: Sequence[str]) -> ChunkScored:
        """Score, decide and store one chunk inside the caller's transaction."""
        now = self._project.now()
        facts = load_facts(connection, clusters)
        self._forget(connection, clusters, facts)
        frames = _frames(facts)
        done = score(self._model, frames, now, plan=self._plan)
        ledger = done.ledger.to_dicts()
        lines: dict[str, list[dict[str, Any]]] = {}
        for line in ledger:
            lines.setdefault(line["uid"], []).append(line)
        view = ClusterView(self._model, facts, {row["uid"]: row for row in done.scores.to_dicts()}, lines)
        self._teams.open(connection, view)
        chunk = _Chunk(
            open=open_updates(connection, view.targets()),
            writers=last_updates(connection, view.targets(linked_only=True)),
        )
        place = {cluster: number for number, cluster in enumerate(clusters)}
        for uid in sorted(facts.subjects(), key=lambda uid: place[view.cluster(uid)]):
            self._subject(view, uid, chunk)
        self._set_due(frames, done, chunk)
        save_scores(connection, chunk.scores, ledger)
        outbox.supersede(connection, chunk.settled)
        new = outbox.plan(connection, chunk.planned, now=now)
        self._teams.close(connection)
        self._counts.add("unchanged", chunk.unchanged)
        self._counts.add("withheld", chunk.withheld)
        for crossing in chunk.crossings:
            self._emit(crossing)
        return ChunkScored(len(clusters), len(chunk.scores), chunk.crossed, new)

    def _set_due(self, frames: Facts[Any], done: Scored[Any], chunk: _Chunk) -> None:
        """When each record must be looked at again: when age alone changes its group or moves it by the policy's
        points, or when it is off by anything at all and its last write has grown old."""
        policy, now = self._policy, self._project.now()
        due = due_all(
            self._model,
            frames,
            done,
            now,
            pushed={row["uid"]: row["pushed_score"] for row in chunk.scores},
            n=policy.min_points,
            horizon_seconds=_FOREVER,
            aged={row["uid"]: row["pushed_at"] + policy.max_age for row in chunk.scores},
        )
        for row in chunk.scores:
            row["due_at"] = due[row["uid"]]

    def _forget(self, connection: Connection, clusters: Sequence[str], facts: ClusterFacts) -> None:
        """Drop scores of records that are gone; a person who moved to another account keeps theirs."""
        stale = scored_in(connection, clusters).keys() - set(facts.subjects())
        home = clusters_of(connection, stale)
        elsewhere = load_facts(connection, sorted({home[uid] for uid in stale} - set(clusters)))
        remove_scores(connection, stale - set(elsewhere.subjects()))

    def _subject(self, view: ClusterView, uid: str, chunk: _Chunk) -> None:
        now = self._project.now()
        before = view.facts.scores.get(uid)
        scored = dict(view.scored[uid])
        crossed = before is None or before["group"] != scored["group"]
        scored["cluster"] = view.cluster(uid)
        scored["group_since"] = now if crossed else (before or {})["group_since"]
        scored["crossing"] = ((before or {}).get("crossing") or 0) + int(crossed)
        scored["model"] = self._versions[_home(view.cluster(uid))]
        scored["scored_at"] = now
        reaction = self._reaction(view, uid, scored, before, chunk) if crossed else None
        chunk.crossed += int(crossed)
        self._plan_fields(view, uid, scored, before, reaction=reaction, chunk=chunk)
        chunk.scores.append(scored)

    def _reaction(
        self,
        view: ClusterView,
        uid: str,
        scored: Mapping[str, Any],
        before: Mapping[str, Any] | None,
        chunk: _Chunk,
    ) -> Reaction:
        """What follows from a change of group. Members of an account are shown, the account is acted on."""
        group = scored["group"]
        play = self._model.plays.get(group)
        if view.cluster(uid) != uid:
            return Reaction("")
        if not self._plays:
            chunk.withheld += play is not None
            return withheld(group, FIRST_ACTIVATION)
        if before is not None and before["model"] != scored["model"]:
            chunk.withheld += play is not None
            same_model = before["model"].partition("/")[0] == self._model.digest
            return withheld(group, NEW_READING if same_model else NEW_MODEL)
        if view.is_converted(uid):
            chunk.withheld += play is not None
            return withheld(group, CONVERTED)
        situation = view.situation(uid, scored, before, self._project.now())
        team = self._teams.team(situation.connection)
        reaction = react(play, situation, team, self._model.suppress)
        for effect in reaction.effects:
            chunk.planned.append(Planned(effect, situation.connection, uid, target(effect), {}))
        chunk.crossings.append(
            Crossed(
                uid,
                str(situation.row.get("name") or uid),
                situation.was,
                group,
                scored["score"] // 1_000,
                reaction.action,
            )
        )
        return reaction

    def _plan_fields(
        self,
        view: ClusterView,
        uid: str,
        scored: dict[str, Any],
        before: Mapping[str, Any] | None,
        *,
        reaction: Reaction | None,
        chunk: _Chunk,
    ) -> None:
        """Plan the write of a subject's fields where the push policy and the CRM's present values ask for it."""
        now = self._project.now()
        pushed = orjson.loads(before["pushed"]) if before and before["pushed"] else None
        kept = (pushed or {}).get("action", "")
        action = reaction.action[: OUTPUTS["action"].max_length or None] if reaction else kept
        values = outputs(
            scored,
            rank=self._groups.index(scored["group"]),
            groups=len(self._groups),
            reasons=reasons(self._model, view.lines.get(uid, []), max_length=OUTPUTS["reasons"].max_length or 0),
            action=action,
            now=now,
        )
        pushed_at = before["pushed_at"] if before else None
        aged = pushed_at is not None and now - pushed_at >= self._policy.max_age
        due = worth_writing(values, pushed, pushed_at, self._policy, now)
        scored["push_no"] = ((before or {}).get("push_no") or 0) + int(due)
        sent = values if due or pushed is None else pushed
        scored["pushed"] = orjson.dumps(sent).decode()
        scored["pushed_score"] = scored["score"] if due else (before or {})["pushed_score"]
        # A write that has grown old and still says the truth counts as made anew.
        scored["pushed_at"] = now if due or aged else pushed_at
        extra = reaction.values if reaction else {}
        echo = reaction.echo if reaction else {}
        for record in view.records(uid):
            own = record["uid"] == uid
            number, writer = (scored["group_since"], uid) if own else chunk.writers.get(addressed(record), (0, ""))
            if due or extra or (never_written(record) if own else writer != uid):
                # A record may come to show another subject's score, and a subject may come back: both count anew.
                key = effect_key("update", f"{uid}>{record['uid']}", scored["push_no"], number)
                self._plan_record(
                    view,
                    uid,
                    record,
                    {**sent, **(extra if own else {})},
                    key=key,
                    echo=echo if own else {},
                    chunk=chunk,
                )

    def _plan_record(
        self,
        view: ClusterView,
        uid: str,
        record: Mapping[str, Any],
        values: Mapping[str, Scalar],
        *,
        key: str,
        echo: Mapping[str, Any],
        chunk: _Chunk,
    ) -> None:
        mapping = self._project.mapping_of(record["connection"]).objects.get(record["object"])
        if mapping is None or not mapping.write:
            return
        if record.get("converted"):
            chunk.settled.append(addressed(record))  # it takes no more changes, nor those that wait or were refused
            return
        values, echo, crm = self._with_open(record, values, echo, chunk)
        written = {name: value for name, value in values.items() if name in mapping.write}
        changed = differences(written, crm)
        if not changed:
            chunk.unchanged += 1
            chunk.settled.append(addressed(record))
            return
        effect = UpdateFields(key=key, target=ref(record), values=vendor_values(mapping, changed))
        entity = Entity.ACCOUNT if record["uid"] in view.account_uids else Entity.PERSON
        copy = {
            "entity": entity.value,
            "uid": record["uid"],
            "changes": {**{name: value for name, value in echo.items() if name in changed}, "crm": changed},
        }
        chunk.planned.append(Planned(effect, record["connection"], uid, effect.target, copy))

    def _with_open(
        self, record: Mapping[str, Any], values: Mapping[str, Scalar], echo: Mapping[str, Any], chunk: _Chunk
    ) -> tuple[dict[str, Scalar], dict[str, Any], dict[str, Any]]:
        """Values, echo and the CRM's present values, seen together with writes that have not ended well yet.

        What such a write hands over (an owner, a status) goes with the write that replaces it; what it
        may have changed already is not taken for the CRM's present value.
        """
        handed: dict[str, Scalar] = {}
        echoed: dict[str, Any] = {}
        crm = orjson.loads(record["crm"])
        for update in chunk.open.get(addressed(record), ()):
            changes = update.echo["changes"]
            handed.update({name: changes["crm"][name] for name in HANDED_OVER if name in changes["crm"]})
            echoed.update({name: changes[name] for name in HANDED_OVER if name in changes})
            if update.under_way:
                crm = {name: value for name, value in crm.items() if name not in changes["crm"]}
        if "owner" in handed:
            team = self._teams.team(record["connection"])
            if stays(record["owner"], team.owners, team.unassigned):
                handed.pop("owner")
        return {**handed, **values}, {**echoed, **echo}, crm
