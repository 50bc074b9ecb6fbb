"""Planning writes of fields: what each CRM record of a subject should show, where that is worth a write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from leadline.app.events import Crossed
from leadline.app.view import ClusterView, addressed, never_written, reasons
from leadline.core.decisions.contests import Contest, contested
from leadline.core.decisions.outputs import PushPolicy, differences, outputs, worth_writing
from leadline.core.decisions.plays import Reaction, effect_key, ref
from leadline.core.decisions.routing import stays
from leadline.core.entities import Entity
from leadline.core.normalize.write import OUTPUTS, vendor_values
from leadline.core.scoring.groups import every_group
from leadline.sdk.records import RecordRef, Scalar, UpdateFields
from leadline.store.outbox import Planned
from leadline.store.unfinished import OpenUpdate

if TYPE_CHECKING:
    from leadline.app.bootstrap import Project
    from leadline.app.team import TeamBook

HANDED_OVER = ("owner", "status")
"""Outputs that a play sets once, when a group is entered; the others are stated again with every write."""


@dataclass(slots=True)
class Chunk:
    """What one transaction gathers before it writes."""

    scores: list[dict[str, Any]] = field(default_factory=list)
    planned: list[Planned] = field(default_factory=list)
    settled: list[tuple[str, RecordRef]] = field(default_factory=list)
    open: Mapping[tuple[str, RecordRef], Sequence[OpenUpdate]] = field(default_factory=dict)
    writers: Mapping[tuple[str, RecordRef], tuple[int, str]] = field(default_factory=dict)
    known: Mapping[str, Mapping[str, Contest]] = field(default_factory=dict)
    contests: dict[str, dict[str, Contest]] = field(default_factory=dict)
    crossings: list[Crossed] = field(default_factory=list)
    crossed: int = 0
    unchanged: int = 0
    withheld: int = 0


class FieldPlanner:
    """Plans the writes of a subject's fields by the push policy and the CRM's present values."""

    def __init__(self, project: Project, teams: TeamBook, policy: PushPolicy) -> None:
        self._project = project
        self._model = project.model
        self._groups = every_group(project.model)
        self._teams = teams
        self._policy = policy

    def plan(
        self,
        view: ClusterView,
        uid: str,
        scored: dict[str, Any],
        before: Mapping[str, Any] | None,
        *,
        reaction: Reaction | None,
        chunk: Chunk,
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
            reasons=reasons(
                self._model,
                scored["segment"],
                view.lines.get(uid, []),
                max_length=OUTPUTS["reasons"].max_length or 0,
            ),
            action=action,
            now=now,
        )
        pushed_at = before["pushed_at"] if before else None
        aged = pushed_at is not None and now - pushed_at >= self._policy.max_age
        due = worth_writing(values, pushed, pushed_at, self._policy, now) or _thawed(view.records(uid), chunk)
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
                # What this record was told last; one that showed another subject's score was told something else.
                told = pushed if own or writer == uid else None
                self._contest(record, told, sent, chunk)
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
        chunk: Chunk,
    ) -> None:
        mapping = self._project.mapping_of(record["connection"]).objects.get(record["object"])
        if mapping is None or not mapping.write:
            return
        if record.get("converted"):
            chunk.settled.append(addressed(record))  # it takes no more changes, nor those that wait or were refused
            return
        values, echo, crm = self._with_open(record, values, echo, chunk)
        frozen = {name for name, contest in chunk.contests.get(record["uid"], {}).items() if contest.frozen}
        written = {name: value for name, value in values.items() if name in mapping.write and name not in frozen}
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
        self, record: Mapping[str, Any], values: Mapping[str, Scalar], echo: Mapping[str, Any], chunk: Chunk
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

    def _contest(
        self, record: Mapping[str, Any], told: Mapping[str, Scalar] | None, values: Mapping[str, Scalar], chunk: Chunk
    ) -> None:
        """Look which fields something else has changed back since they were written."""
        known = chunk.known.get(record["uid"], {})
        if told is None or addressed(record) in chunk.open:
            found = dict(known)  # nothing was written yet, or nobody knows how it ended
        else:
            crm = orjson.loads(record["crm"])
            mapping = self._project.mapping_of(record["connection"]).objects.get(record["object"])
            names = {name for name in told if mapping is not None and name in mapping.write}
            told = {name: told[name] for name in names}
            found = contested(told, values, crm, known, limit=self._project.settings.push.freeze_after)
        if found or known:
            chunk.contests[record["uid"]] = found


def _thawed(records: Sequence[Mapping[str, Any]], chunk: Chunk) -> bool:
    """Whether somebody has unfrozen a field of these records since they were looked at last."""
    of_records = (chunk.known.get(record["uid"], {}) for record in records)
    return any(contest.reversals == 0 for of_record in of_records for contest in of_record.values())
