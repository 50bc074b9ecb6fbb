"""The suite for connectors catches each way of cheating by the check that is about it. Takes about 25 seconds."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.acme import lay_out
from tests.hostile import Hostile, Way

from leadline.sdk.testing import ConnectorSuite

if TYPE_CHECKING:
    from leadline.sdk.ports import Connector

CHECKS = {name.removeprefix("test_") for name in dir(ConnectorSuite) if name.startswith("test_")}
# Half a second and more: run for the ways that they are about only.
SLOW = {
    "an_error_is_not_an_empty_answer", "check_never_raises", "memory_does_not_grow_with_rows",
    "outcomes_of_tasks_are_the_truth", "outcomes_of_updates_are_the_truth", "the_deadline_of_a_call_is_kept",
}  # fmt: skip

# way -> the checks that catch it, all of them but slow ones, with some of their words.
CAUGHT: dict[Way, dict[str, str]] = {
    Way.NONE: {},
    Way.DROPPED_ROW: {
        "a_full_read_is_complete": "were not read",
        "a_reader_may_die_after_any_page": "were not read",
        "edits_during_a_read_are_not_lost": "were not read",
        "edits_during_each_call_are_not_lost": "were not read",
        "many_records_may_share_a_second": "were never read",
        "trouble_that_passes_is_sat_out": "lost",
    },
    Way.EARLY_CURSOR: {"a_reader_may_die_after_any_page": "were not read"},
    Way.WORKER_CLOCK: {"clocks_may_differ": "were never read"},
    Way.NO_OVERLAP: {
        "a_reader_may_die_after_any_page": "were not read",
        "edits_during_each_call_are_not_lost": "were not read",
        "late_commits_are_seen": "were never read",
    },
    Way.NO_LAST_PAGE: {
        "edits_during_each_call_are_not_lost": "were not read",
        "late_commits_are_seen": "were never read",
        "the_last_page_is_always_yielded": "must still yield a page",
    },
    Way.UNTOLD_DELETES: {
        "a_reader_may_die_after_any_page": "read as living and are not",
        "deletes_are_told": "does not say so",
        "edits_during_a_read_are_not_lost": "read as living and are not",
        "edits_during_each_call_are_not_lost": "read as living and are not",
    },
    Way.LOCAL_TIME: {"times_are_whole_seconds_utc": "-43200 seconds off"},
    Way.HOARDING: {"memory_does_not_grow_with_rows": "bytes at the peak"},
    Way.SWALLOWED_ERROR: {
        "an_error_is_not_an_empty_answer": "a status 500 from call 1 on must raise LeadlineError, and raised nothing",
        "errors_say_what_to_do": "must raise CredentialsError, and raised nothing",
    },
    Way.BLIND_FETCH: {"fetch_gives_records_as_they_are": "one per id is due"},
    Way.RAISING_CHECK: {"check_never_raises": "check() raised TransientError"},
    Way.RESIGNED: {"errors_say_what_to_do": "must raise CredentialsError, and raised TransientError"},
    Way.PATIENT: {"the_deadline_of_a_call_is_kept": "and raised nothing"},
    Way.DISORDER: {
        "a_refused_row_stands_alone": "wrong places",
        "an_outcome_for_each_effect_in_order": "wrong places",
        "an_update_of_a_deleted_record_is_refused": "wrong places",
        "the_same_update_again_harms_nothing": "wrong places",
    },
    Way.OPTIMIST: {
        "a_refused_row_stands_alone": "the outcomes say none",
        "an_update_of_a_deleted_record_is_refused": "the middle one was of a deleted record",
    },
    Way.HOPEFUL: {"outcomes_of_updates_are_the_truth": "it was not applied"},
    Way.CARELESS: {"outcomes_of_updates_are_the_truth": "which says that nothing was applied; it was"},
    Way.GUESSING: {
        "a_task_is_created_once": "find() says of a task that is there",
        "outcomes_of_updates_are_the_truth": "it was applied",
    },
    Way.TWICE: {
        "a_task_is_created_once": "one task pushed twice made 2 records",
        "outcomes_of_tasks_are_the_truth": "is there 2 times",
        "tasks_come_in_batches": "made 2 records",
    },
    Way.TALKATIVE: {"secrets_are_not_shown": "token is shown"},
    Way.GULLIBLE: {"forged_webhooks_are_refused": "must raise WebhookError, and raised nothing"},
}


@pytest.fixture(scope="module")
def honest(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connector]:
    """The connector of docs/connectors.md."""
    folder = tmp_path_factory.mktemp("acme")
    lay_out(root / "docs/connectors.md", folder)
    sys.path.insert(0, str(folder))
    try:
        connector: Connector = importlib.import_module("acme_leadline").connector
        yield connector
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.partition(".")[0] == "acme_leadline"]:
            del sys.modules[name]


def failures(connector: Connector, checks: set[str]) -> dict[str, str]:
    """What each check that fails says of the connector."""
    suite: ConnectorSuite = type("Suite", (ConnectorSuite,), {"connector": connector})()
    found = {}
    for check in sorted(checks):
        with suite.opened() as lab:
            try:
                getattr(suite, f"test_{check}")(lab)
            except AssertionError as error:
                found[check] = str(error)
            except pytest.skip.Exception:
                pass
    return found


def test_every_way_of_cheating_is_listed() -> None:
    assert set(CAUGHT) == set(Way)
    assert set().union(*CAUGHT.values()) | SLOW <= CHECKS


@pytest.mark.parametrize("way", Way, ids=lambda way: way.name.lower())
def test_a_way_of_cheating_fails_the_checks_that_are_about_it_and_no_other(honest: Connector, way: Way) -> None:
    expected = CAUGHT[way]

    found = failures(Hostile(honest, way), (CHECKS - SLOW) | set(expected))

    assert set(found) == set(expected)
    assert {check: words for check, words in expected.items() if words not in found[check]} == {}


def test_pytest_is_imported_by_the_suite_alone(root: Path) -> None:
    """A worker runs without it."""
    importing = set()
    for path in [*(root / "src").rglob("*.py"), *(root / "connectors").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name == "pytest" or name.startswith("leadline.sdk.testing") for name in names):
                importing.add(path.parent.relative_to(root).as_posix())

    assert importing == {"src/leadline/sdk/testing"}
