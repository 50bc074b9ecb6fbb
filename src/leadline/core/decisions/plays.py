"""What follows when a record enters a group: owner, task, sequence, list, status, and the reason in words."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from leadline.core.decisions.brief import Brief, task_body, words
from leadline.core.decisions.routing import Assignment, Pool, assign, keep
from leadline.core.decisions.suppression import enrolment_held_back, held_back, listing_held_back
from leadline.core.scoring.model import Play, Suppress, TaskPlay
from leadline.sdk.records import CreateTask, Effect, Enrol, JoinList, RecordRef, Scalar, UpdateFields

HOUR = 3_600

_NEXT_STEPS = {
    "priority": "call",
    "qualified_review": "find out what is missing, then talk to",
    "nurture": "send something useful to",
    "investigate": "check the need and the fit with",
    "research": "follow what interests",
    "poor_fit": "leave it to",
}


@dataclass(frozen=True, slots=True)
class Situation:
    """One decided record at the moment it enters a group. Rows are canonical; `person` is who to approach.

    `asks` gives the missing facts worth asking for; it takes work, so it is called for tasks only.
    """

    uid: str
    connection: str
    row: Mapping[str, Any]
    scored: Mapping[str, Any]
    was: str | None
    crossing: int
    account: Mapping[str, Any] | None
    person: Mapping[str, Any] | None
    people: Sequence[Mapping[str, Any]]
    opportunities: Sequence[Mapping[str, Any]]
    events: Sequence[Mapping[str, Any]]
    reasons: Sequence[str]
    missing: Sequence[str]
    now: int
    asks: Callable[[], Sequence[str]] = tuple


@dataclass(frozen=True, slots=True)
class Team:
    """Who can be given work in one connection, and which sequences and lists it has."""

    owners: Mapping[str, Mapping[str, Any]]
    unassigned: frozenset[str]
    pools: Mapping[str, Pool]
    sequences: Mapping[str, str]
    enrolled: frozenset[tuple[str, str]]
    lists: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Reaction:
    """What follows: effects to plan, canonical values to write on the record itself, and a line for the CRM.

    `notes` say what of the play is left out, and why.
    """

    action: str
    effects: list[Effect] = field(default_factory=list)
    values: dict[str, Scalar] = field(default_factory=dict)
    echo: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def ref(row: Mapping[str, Any]) -> RecordRef:
    """The CRM record behind a canonical row."""
    return RecordRef(row["object"], row["source_id"])


def target(effect: Effect) -> RecordRef:
    """The record that an effect is about, for lists and for finding earlier ones."""
    match effect:
        case UpdateFields() | JoinList():
            return effect.target
        case CreateTask():
            return effect.person or effect.account or RecordRef("", "")
        case Enrol():
            return effect.person


def effect_key(kind: str, uid: str, crossing: int, since: int) -> str:
    """The same for the same crossing however often it is planned; 80 characters at most, as CRM key fields are."""
    text = f"{kind}|{uid}|{crossing}|{since}"
    return f"{kind}-{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}"


def withheld(group: str, why: str) -> Reaction:
    """Nothing is done, and the CRM says why."""
    return Reaction(f"No action on {words(group)}: {why}.")


def react(play: Play | None, situation: Situation, team: Team, rules: Suppress) -> Reaction:
    """What the play of the new group comes to for this record."""
    group = situation.scored["group"]
    if play is None:
        return Reaction(f"Moved to {words(group)}.")
    reason = held_back(
        rules,
        account=situation.account,
        opportunities=situation.opportunities,
        events=situation.events,
        now=situation.now,
    )
    if reason:
        return Reaction(f"Held back: {reason}.")
    reaction = Reaction("")
    owner = _route(play, situation, team, reaction)
    planned: list[str] = []
    if owner.changed and owner.owner:
        planned.append(f"assign to {team.owners[owner.owner]['name']}")
    if play.status and situation.row.get("status") != play.status and "status" in situation.row:
        reaction.values["status"] = reaction.echo["status"] = play.status
        planned.append(f"status {play.status}")
    if play.task:
        reaction.effects.append(_task(play.task, situation, team, owner))
        planned.append(f"task due in {play.task.due_hours} h")
    for each in (
        _enrol(play.sequence, situation, team, owner, rules=rules) if play.sequence else _Followed(),
        _join(play.list_, situation, team, rules=rules) if play.list_ else _Followed(),
    ):
        reaction.effects += each.effects
        planned += each.planned
        reaction.notes += each.notes
    # In words of intent: what came of each is known later, and shown where it happened.
    head = f", planned: {', '.join(planned)}" if planned else "" if reaction.notes else ": nothing to do"
    said = (f"{_sentence(words(group))}{head}", *map(_sentence, (*reaction.notes, owner.why)))
    reaction.action = ". ".join(said) + "."
    return reaction


@dataclass(frozen=True, slots=True)
class _Followed:
    """What one key of a play comes to: an effect and its words, or why there is none."""

    effects: tuple[Effect, ...] = ()
    planned: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def _route(play: Play, situation: Situation, team: Team, reaction: Reaction) -> Assignment:
    present = situation.row.get("owner")
    if play.assign is None:
        return keep(present, team.owners, team.unassigned)
    owner = assign(present, team.pools.get(play.assign), team.owners, team.unassigned)
    if owner.changed and owner.owner:
        reaction.values["owner"] = team.owners[owner.owner]["source_id"]
        reaction.echo["owner"] = owner.owner
    return owner


def _sentence(text: str) -> str:
    """With a capital first letter, names left as they are."""
    return text[:1].upper() + text[1:]


def _owner_id(owner: Assignment, team: Team) -> str | None:
    return team.owners[owner.owner]["source_id"] if owner.owner and owner.owner in team.owners else None


def _task(asked: TaskPlay, situation: Situation, team: Team, owner: Assignment) -> CreateTask:
    scored = situation.scored
    brief = Brief(
        group=scored["group"],
        was=situation.was,
        score=scored["score"] // 1_000,
        fit=scored["fit"] // 1_000,
        intent=scored["intent"] // 1_000,
        reasons=situation.reasons,
        missing=situation.missing,
        events=[row for row in situation.events if row["at"] <= situation.now],
        names={row["uid"]: row["name"] for row in situation.people if row.get("name")},
        person=situation.person,
        routed=owner.why,
        next_step=_NEXT_STEPS.get(scored["group"], "talk to"),
        ask=next(iter(situation.asks()), ""),
    )
    name = situation.row.get("name") or "this record"
    return CreateTask(
        key=effect_key("task", situation.uid, situation.crossing, scored["group_since"]),
        subject=f"{asked.subject}: {name}"[:250],
        body=task_body(brief),
        due_at=situation.now + asked.due_hours * HOUR,
        owner_id=_owner_id(owner, team),
        person=ref(situation.person) if situation.person else None,
        account=ref(situation.account) if situation.account else None,
    )


def _enrol(name: str, situation: Situation, team: Team, owner: Assignment, *, rules: Suppress) -> _Followed:
    sequence = team.sequences.get(name)
    if sequence is None:
        return _Followed(notes=(f"not enrolled: the mapping names no sequence {name!r}",))
    person = situation.person
    enrolled = person is not None and (person["source_id"], sequence) in team.enrolled
    reason = enrolment_held_back(rules, person=person, enrolled=enrolled)
    if reason is None and _owner_id(owner, team) is None:
        reason = "nobody owns the record"
    if reason or person is None:
        return _Followed(notes=(f"not enrolled: {reason}",))
    sender = team.owners[owner.owner or ""]
    effect = Enrol(
        key=effect_key("enrol", situation.uid, situation.crossing, situation.scored["group_since"]),
        person=ref(person),
        sequence=sequence,
        owner_id=sender["source_id"],
        sender_email=sender["email"],
    )
    return _Followed((effect,), (f"enrol in {words(name)}",))


def _join(name: str, situation: Situation, team: Team, *, rules: Suppress) -> _Followed:
    list_id = team.lists.get(name)
    if list_id is None:
        return _Followed(notes=(f"not added to a list: the mapping names no list {name!r}",))
    person = situation.person
    reason = listing_held_back(rules, person=person)
    if reason or person is None:
        return _Followed(notes=(f"not added to list {words(name)}: {reason}",))
    key = effect_key("list", situation.uid, situation.crossing, situation.scored["group_since"])
    return _Followed((JoinList(key, ref(person), list_id),), (f"add to list {words(name)}",))
