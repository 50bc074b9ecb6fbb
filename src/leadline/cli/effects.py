"""Effects of the outbox as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from leadline.cli import output

_PLAIN = (
    "key", "connection", "kind", "object", "record_id", "subject", "state", "attempts", "reason_code", "reason",
    "actor", "fix", "result_id",
)  # fmt: skip
_TIMES = ("planned_at", "sent_at", "finished_at")


def effect_answer(row: Mapping[str, Any]) -> dict[str, Any]:
    """An effect: what it does to which record (`payload`), where it stands, and why."""
    payload = json.loads(row["payload"])
    payload.pop("key")
    return {
        **{name: row[name] for name in _PLAIN},
        **{name: None if row[name] is None else output.moment(row[name]) for name in _TIMES},
        "payload": payload,
    }
