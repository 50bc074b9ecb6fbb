"""Scoring and deciding: score, group, ledger and planned effects of a chunk in one transaction.

Only clusters with news or with something due are looked at, unless the model changed. They are taken
in the order of the names of what is marked in them, however many in a transaction, so that a run that
was killed and begun again makes the same decisions in the same order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from leadline.app.events import ChunkScored, Crossed, StageStarted
from leadline.app.fieldwrites import Chunk, FieldPlanner
from leadline.app.handover import give_way
from leadline.app.rescore import AT_ONCE, Rescorer
from leadline.app.survey import frames_of
from leadline.app.team import TeamBook
from leadline.app.view import ClusterView
from leadline.core.decisions.outputs import POINT, PushPolicy
from leadline.core.decisions.plays import Reaction, react, target, withheld
from leadline.core.scoring.canonical import of_scored
from leadline.core.scoring.compile import score
from leadline.core.scoring.due import due_all
from leadline.core.scoring.facts import Facts, Scored
from leadline.core.scoring.plan import compile_model
from leadline.frames import local
from leadline.frames.drift import Policy, with_hash
from leadline.frames.kept import Kept
from leadline.frames.wide import kept_to
from leadline.sdk.errors import TransientError
from leadline.store import leases, outbox
from leadline.store.concerns import DRIFTED
from leadline.store.contests import load_contests, save_contests
from leadline.store.dossiers import drop_dossiers, save_dossiers
from leadline.store.facts import ClusterFacts, clusters_of, load_facts, scored_in
from leadline.store.models import note_model
from leadline.store.outbox import Planned
from leadline.store.past_scores import keep_former, keep_removed
from leadline.store.pending import (
    any_outdated,
    count_marks,
    depths_of,
    mark_pending,
    marked_clusters,
    marks_within,
    next_marks,
)
from leadline.store.records import clear_marks, reading_digest
from leadline.store.scores import remove_scores, save_scores
from leadline.store.unfinished import last_updates, open_updates

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from leadline.app.bootstrap import Project
    from leadline.app.counts import Counts
    from leadline.app.events import Listener
    from leadline.store.leases import Lease

FIRST_ACTIVATION = "scored for the first time in a backfill"
_FOREVER = 400 * 86_400
"""Seconds within which every signal of usual length has run out; a record without signals is looked at then."""

CONVERTED = "the lead was converted, and its contact cannot be read"
NEW_MODEL = "moved by a new version of the model"
NEW_READING = "moved by another reading of the CRM: the mapping changed"


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
    with project.writing() as connection:
        lease = leases.acquire(connection, "decide", seconds=seconds)
    if lease is None:
        raise TransientError("another worker is scoring", fix="Wait for it to end; nothing is lost.")
    try:
        with project.writing() as connection:
            give_way(project, connection)
            mark_pending(connection, _versions(project, connection), now=project.now())
            model = project.model
            note_model(connection, model.digest, name=model.name, content=project.model_text, now=project.now())
        names = project.settings.connections
        with project.reading().begin() as connection:
            emit(StageStarted("score", total=count_marks(connection, names)))
        decider = _Decider(project, emit, counts, plays=plays)
        rescorer = _rescorer(project)
        last = ""
        while True:
            with project.writing() as connection:
                _keep(connection, lease, seconds=seconds)
                upto, report = _settle_marked(connection, rescorer, names, after=last)
            if report.marks:
                emit(report)
            if upto is None:
                break
            _decide_upto(project, decider, lease, emit, after=last, upto=upto)
            last = upto
    finally:
        with project.writing() as connection:
            leases.release(connection, lease)


def _keep(connection: Connection, lease: Lease, *, seconds: int) -> None:
    if not leases.renew(connection, lease, seconds=seconds):
        raise TransientError("another worker took over the scoring")


def _settle_marked(
    connection: Connection, rescorer: Rescorer, names: Iterable[str], *, after: str
) -> tuple[str | None, ChunkScored]:
    """Score the clusters of the next marks, settle what only drifts, and clear its marks.

    Returns the last mark looked at, too, None when there were none.
    """
    marks = next_marks(connection, names, after=after, limit=AT_ONCE)
    done = rescorer.settle(connection, depths_of(connection, marks))
    clear_marks(connection, {uid: marks[uid] for uid in done.marks})
    return max(marks, default=None), ChunkScored(done.clusters, done.subjects, 0, 0, len(done.marks), done.digest)


def _decide_upto(project: Project, decider: _Decider, lease: Lease, emit: Listener, *, after: str, upto: str) -> None:
    """Decide the clusters of the marks behind `after`, up to `upto`, so many subjects in a transaction."""
    names, chunk = project.settings.connections, project.settings.sync.chunk
    while True:
        with project.writing() as connection:
            _keep(connection, lease, seconds=project.settings.write.lease_seconds)
            marks = next_marks(connection, names, after=after, upto=upto, limit=chunk)
            if not marks:
                return
            after, report = _decide_marked(connection, decider, marks, subjects=chunk)
        emit(report)


def _decide_marked(
    connection: Connection, decider: _Decider, marks: Mapping[str, int], *, subjects: int
) -> tuple[str, ChunkScored]:
    """Decide the clusters of the first of these marks, in their order, and clear everybody's marks there.

    As many as have so many subjects, so that memory does not grow with the people of an account. Returns the last
    mark taken, too.
    """
    taken, clusters = marked_clusters(connection, marks, subjects=subjects)
    seen = {**marks_within(connection, clusters), **{uid: marks[uid] for uid in taken}}
    news = {uid for uid, depth in depths_of(connection, seen).items() if depth > DRIFTED}
    report = decider.decide(connection, clusters, news)
    clear_marks(connection, seen)
    return taken[-1], replace(report, marks=len(seen))


def _versions(project: Project, connection: Connection) -> dict[str, str]:
    """What the scores of each connection come from: the model, and how its mapping read the CRM."""
    names = project.settings.connections
    return {name: f"{project.model.digest}/{reading_digest(connection, name)}" for name in names}


def _home(cluster: str) -> str:
    return cluster.partition("/")[0]


def _keep_dossiers(connection: Connection, clusters: Sequence[str], facts: ClusterFacts, frames: Facts[Any]) -> None:
    """Let the next scoring find the facts of these clusters as lines."""
    # Who is in an account now may have been alone.
    drop_dossiers(connection, {*clusters, *(row["uid"] for row in facts.people)})
    accounts, people, events = (frame.collect() for frame in (frames.accounts, frames.people, frames.events))
    save_dossiers(connection, Kept.from_facts(accounts, people, events).rows())


def _rescorer(project: Project) -> Rescorer:
    """For everything that only drifts, now."""
    with project.reading().begin() as connection:
        versions = _versions(project, connection)
        outdated = any_outdated(connection, versions)
    push = project.settings.push
    shown = [
        (name, kind)
        for name in project.settings.connections
        for kind, mapping in project.mapping_of(name).objects.items()
        if "score" in mapping.write
    ]
    policy = Policy(push.min_points, push.max_age_hours * 3_600, project.now())
    return Rescorer(project.model, policy, versions, outdated=outdated, shown=shown, horizon=_FOREVER)


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
        push = project.settings.push
        self._policy = PushPolicy(push.min_points, push.max_age_hours * 3_600)
        self._fields = FieldPlanner(project, self._teams, self._policy)

    def decide(self, connection: Connection, clusters: Sequence[str], news: Collection[str]) -> ChunkScored:
        """Score, decide and store one chunk inside the caller's transaction. `news`: records that have changed."""
        now = self._project.now()
        facts = load_facts(connection, clusters)
        self._forget(connection, clusters, facts)
        frames = frames_of(facts)
        done = score(self._model, frames, now, plan=self._plan)
        _keep_dossiers(connection, clusters, facts, frames)
        ledger = done.ledger.to_dicts()
        lines: dict[str, list[dict[str, Any]]] = {}
        for line in ledger:
            lines.setdefault(line["uid"], []).append(line)
        view = ClusterView(self._model, facts, {row["uid"]: row for row in with_hash(done.scores).to_dicts()}, lines)
        self._teams.open(connection, view)
        chunk = Chunk(
            open=open_updates(connection, view.targets()),
            writers=last_updates(connection, view.targets(linked_only=True)),
            known=load_contests(connection, view.record_uids()),
        )
        place = {cluster: number for number, cluster in enumerate(clusters)}
        asked = [uid for uid in facts.subjects() if not self._bystands(view, uid, news)]
        for uid in sorted(asked, key=lambda uid: place[view.cluster(uid)]):
            self._subject(view, uid, chunk)
        done = kept_to(done, asked)
        self._set_due(frames, done, chunk)
        keep_former(connection, chunk.scores, facts.scores)
        save_scores(connection, chunk.scores, done.ledger)
        save_contests(connection, chunk.contests, now=now)
        outbox.supersede(connection, chunk.settled)
        new = outbox.plan(connection, chunk.planned, now=now)
        self._teams.close(connection)
        self._counts.add("unchanged", chunk.unchanged)
        self._counts.add("withheld", chunk.withheld)
        for crossing in chunk.crossings:
            self._emit(crossing)
        digest = of_scored(local.ENGINE, done)
        return ChunkScored(len(clusters), len(chunk.scores), chunk.crossed, new, digest=digest)

    def _bystands(self, view: ClusterView, uid: str, news: Collection[str]) -> bool:
        """Whether a person is here for the account's sake only: nothing is new about them, and they stay as is."""
        before, cluster, now = view.facts.scores.get(uid), view.cluster(uid), self._project.now()
        if before is None or before["pushed_at"] is None or cluster == uid or cluster in news:
            return False
        if before["cluster"] != cluster or any(record["uid"] in news for record in view.records(uid)):
            return False
        scored, policy = view.scored[uid], self._policy
        moved = abs(scored["score"] // POINT - before["pushed_score"] // POINT) >= policy.min_points
        old = before["due_at"] <= now or now - before["pushed_at"] >= policy.max_age
        other = before["group"] != scored["group"] or before["model"] != self._versions[_home(cluster)]
        return not (moved or old or other)

    def _set_due(self, frames: Facts[Any], done: Scored[Any], chunk: Chunk) -> None:
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
            found = due[row["uid"]]
            row["due_at"], row["next_change_at"], row["next_group"] = (
                found.due_at, found.next_change_at, found.next_group,
            )  # fmt: skip

    def _forget(self, connection: Connection, clusters: Sequence[str], facts: ClusterFacts) -> None:
        """Drop scores of records that are gone; a person who moved to another account keeps theirs."""
        stale = scored_in(connection, clusters).keys() - set(facts.subjects())
        home = clusters_of(connection, stale)
        elsewhere = load_facts(connection, sorted({home[uid] for uid in stale} - set(clusters)))
        gone = stale - set(elsewhere.subjects())
        keep_removed(connection, gone, now=self._project.now())
        remove_scores(connection, gone)

    def _subject(self, view: ClusterView, uid: str, chunk: Chunk) -> None:
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
        self._fields.plan(view, uid, scored, before, reaction=reaction, chunk=chunk)
        chunk.scores.append(scored)

    def _reaction(
        self,
        view: ClusterView,
        uid: str,
        scored: Mapping[str, Any],
        before: Mapping[str, Any] | None,
        chunk: Chunk,
    ) -> Reaction:
        """What follows from a change of group. Members of an account are shown, the account is acted on."""
        group = scored["group"]
        play = self._model.play_of(group, scored.get("segment"))
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
