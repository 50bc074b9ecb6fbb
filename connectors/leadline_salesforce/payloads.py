"""Effects as the bodies of Salesforce rows, and written values compared with what the org shows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from leadline.sdk.records import CreateTask, Scalar, UpdateFields

LEAD = "Lead"
TASK_KEY = "Leadline_Key__c"
"""Text(80), external id, unique: what keeps a task from being made twice."""


def update_body(effect: UpdateFields) -> dict[str, Any]:
    """A row of a Collections update."""
    return {"attributes": {"type": effect.target.object}, "id": effect.target.id, **effect.values}


def task_body(effect: CreateTask) -> dict[str, Any]:
    """A row of a Collections upsert by Leadline_Key__c.

    `ActivityDate` is a date only, so the hour goes into the reminder. A lead's task cannot be
    related to an account as well.
    """
    due = datetime.fromtimestamp(effect.due_at, UTC)
    body: dict[str, Any] = {
        "attributes": {"type": "Task"},
        TASK_KEY: effect.key,
        "Subject": effect.subject,
        "Description": effect.body,
        "ActivityDate": due.strftime("%Y-%m-%d"),
        "ReminderDateTime": due.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "IsReminderSet": True,
        "Priority": "High" if effect.high_priority else "Normal",
        "Status": "Not Started",
    }
    if effect.owner_id:
        body["OwnerId"] = effect.owner_id
    if effect.person is not None:
        body["WhoId"] = effect.person.id
    if effect.account is not None and (effect.person is None or effect.person.object != LEAD):
        body["WhatId"] = effect.account.id
    return body


def same(held: Any, written: Scalar) -> bool:
    """Whether the org shows what was written: instants as instants, numbers as numbers, empty as None.

    The vendor trims texts and gives ids in their 18-character form.
    """
    if isinstance(written, bool) or isinstance(held, bool):
        return bool(held) == bool(written)
    if isinstance(held, int | float) or isinstance(written, int | float):
        return _number(held) is not None and _number(held) == _number(written)
    left, right = (held or "").strip(), (written or "").strip()
    if left == right:
        return True
    if len(left) == 18 and len(right) == 15 and left.startswith(right):
        return True
    one, other = _instant(left), _instant(right)
    return one is not None and one == other


def _number(value: Any) -> float | None:
    try:
        return None if value is None or value == "" else float(value)
    except ValueError:
        return None


def _instant(text: str) -> datetime | None:
    """The instant of a date-time; dates alone and other texts are none."""
    if "T" not in text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
