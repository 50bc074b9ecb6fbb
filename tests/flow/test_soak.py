"""Hours of operation with faults of every kind and killed workers end like undisturbed ones.

Nothing is lost, and nothing is done twice.

`make soak` lives through 24 hours. It prints what happened.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from tests.comparison import nothing_twice, same
from tests.soak import KILLS_PER_HOUR, SETTINGS, Day
from tests.stage import NOW, SYSTEMS, stage

from leadline.sdk.sandbox.bundle import generate
from leadline.store import tables

HOURS = int(os.environ.get("SOAK_HOURS", "2"))
SEED = int(os.environ.get("SOAK_SEED", "1"))


@pytest.mark.heavy
def test_it_ends_like_an_undisturbed_day(tmp_path: Path) -> None:
    world = generate(40, seed=SEED, now=NOW)
    ends, accounts = [], []
    for name, faulty in (("calm", False), ("disturbed", True)):
        with stage(tmp_path / name, dict.fromkeys(SYSTEMS, world), settings=SETTINGS) as on:
            day = Day(on, hours=HOURS, seed=SEED, disturbed=faulty)
            ends.append(day.live())
            accounts.append(day.account)
            nothing_twice(on, at_least=1)
            states = Counter(row["state"] for row in on.rows(tables.effects))
            print(f"{name}:", *day.account.lines(), f"outbox: {dict(states)}", sep="\n  ")
            assert not {"planned", "sending", "unknown"} & set(states)
    calm, disturbed = accounts
    assert disturbed.edits == calm.edits
    assert disturbed.kills == HOURS * KILLS_PER_HOUR
    assert disturbed.faults.total() >= disturbed.calls * 0.005
    same(ends[1], ends[0])
