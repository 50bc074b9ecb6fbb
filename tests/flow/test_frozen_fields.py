"""A CRM's own automation takes a score back each time: it is left alone, told of, and written again when asked."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.edits import user_of
from tests.stage import DAY, NOW, Stage, stage
from tests.traces import Ended, Terminal

from leadline.sdk.sandbox.bundle import generate
from leadline.store import tables

FIELD = "Leadline_Score__c"


def type_(on: Stage, capsys: pytest.CaptureFixture[str], *words: str) -> Ended:
    now = datetime.fromtimestamp(on.now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Terminal(on.folder, capsys, now).type(*words)


def test_doctor_and_outbox_tell_of_a_fight_and_end_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with stage(tmp_path, {"salesforce": generate(30, seed=2, now=NOW)}) as on:
        on.backfill()
        person = next(row for row in on.rows(tables.people) if row["kind"] == "contact" and row["account"])
        account = person["account"].rpartition("/")[2]
        on.crms["salesforce"].faults.add({"object": "Account", "field": FIELD, "ids": [account], "set": -1})
        for _ in range(4):
            on.advance(DAY)
            user_of("salesforce", on).visit(person["uid"], "pricing_page")
            user_of("salesforce", on).visit(person["uid"], "demo_request")
            on.sync()
            on.advance(9 * DAY)
            on.sync()

        assert on.records("salesforce", "Account")[account][FIELD] == -1
        told = type_(on, capsys, "doctor")
        assert told.code != 0
        assert "'score' of 1 records is left alone" in " ".join((told.out + told.err).split())
        listed = type_(on, capsys, "outbox", "list", "--json").answer
        ((record, output),) = {(row["uid"], row["output"]) for row in listed["frozen"]}
        assert (record, output) == (f"salesforce/Account/{account}", "score")

        on.crms["salesforce"].faults.clear()
        assert type_(on, capsys, "outbox", "unfreeze", record, "--json").answer == {"unfrozen": 1}
        on.sync()
        assert on.records("salesforce", "Account")[account][FIELD] >= 0
        assert type_(on, capsys, "outbox", "list", "--json").answer["frozen"] == []
        assert type_(on, capsys, "outbox", "unfreeze", record, "--json").answer == {"unfrozen": 0}
