"""`--verbose`: every step of a run as a log line, with its run, and without people."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from tests.stage import NOW, SYSTEMS, stage

from leadline import log
from leadline.app.events import ConnectionFailed, Crossed
from leadline.app.journal import journal
from leadline.sdk.errors import CredentialsError
from leadline.sdk.sandbox.bundle import generate


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What is logged at level debug, as JSON."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    logged = io.StringIO()
    log.configure(level="debug", format="json", stream=logged)
    yield logged
    structlog.reset_defaults()
    root.handlers, root.level = handlers, level


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_every_step_is_logged_with_its_run(tmp_path: Path, stream: io.StringIO) -> None:
    with stage(tmp_path, dict.fromkeys(SYSTEMS, generate(40, seed=3, now=NOW))) as on:
        on.backfill()
        on.sync()

    runs = list(dict.fromkeys(line["run"] for line in lines(stream)))
    assert [run.partition("-")[0] for run in runs] == ["backfill", "sync"]
    first = [line for line in lines(stream) if line["run"] == runs[0]]
    steps = {"StageStarted", "CallMade", "PageStored", "ObjectRead", "ChunkScored", "BatchPushed"}
    assert steps <= {line["event"] for line in first}
    assert {line["connection"] for line in first if line["event"] == "CallMade"} == set(SYSTEMS)


def test_a_step_is_told_by_ids_not_by_names(stream: io.StringIO) -> None:
    note = journal("sync-1")
    note(Crossed("crm/Contact/003x", "Ann Lee", "nurture", "priority", 91, "Assigned to Bo Ek."))
    note(ConnectionFailed("crm", "read", CredentialsError("who are you", place="crm")))

    crossed, failed = lines(stream)
    assert crossed["event"] == "Crossed"
    assert (crossed["run"], crossed["uid"], crossed["was"]) == ("sync-1", "crm/Contact/003x", "nurture")
    assert failed["error"] == "crm: who are you"
    assert not {"Ann", "Bo"} & set(stream.getvalue().replace('"', " ").split())
