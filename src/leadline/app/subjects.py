"""One subject's facts in the form that is scored record by record."""

from __future__ import annotations

from leadline.core.entities import Entity
from leadline.core.scoring.subject import Event, Subject
from leadline.store.facts import ClusterFacts


def subject_from(facts: ClusterFacts, entity: Entity, uid: str) -> Subject:
    """The facts of the account or person with this uid, which must be among them."""
    accounts = {row["uid"]: row for row in facts.accounts}
    people = {row["uid"]: row for row in facts.people}
    before = facts.scores.get(uid)
    account = accounts.get(uid) if entity is Entity.ACCOUNT else accounts.get(people[uid]["account"] or "")
    members = tuple(people.values()) if entity is Entity.ACCOUNT else (people[uid],)
    events = tuple(
        Event(row["kind"], row["at"], row["person"], row["account"], row["asset"], row["uid"])
        for row in facts.events
        if entity is Entity.ACCOUNT or row["person"] == uid
    )
    group, since = (before["group"], before["group_since"]) if before else (None, None)
    return Subject(entity, uid, account, members, events, group, since)
