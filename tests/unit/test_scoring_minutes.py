"""The walk against a look at every minute, in small (`make fuzz` has thousands); such looks find a wrong walk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.oracle import fuzz
from tests.oracle.minutes import Asked, minutes_agree, nothing_is_missed_in_a_month, walked
from tests.oracle.random_scoring import DAY, NOW, Records
from tests.oracle.walking import MINUTE, Outing, Seen, woken

from leadline.core.scoring.due import Due
from leadline.core.scoring.model import Model
from leadline.core.scoring.plan import Plan, compile_model
from leadline.core.scoring.subject import Evaluation, Subject

MODEL = Model.model_validate(
    {
        "name": "meetings",
        "signals": [
            {"id": "met", "name": "Met", "kinds": ["meeting"], "points": 20, "steps": [[1, 18]], "window_days": 3}
        ],
        "groups": [{"group": "priority", "when": {"score": [10, None]}}, {"group": "poor_fit"}],
        "hysteresis": 0,
    }
)  # fmt: skip
# A score falls by 2 in an hour, 17 seconds past the minute, and the group changes two days later.
RECORDS = Records(
    [{"uid": "a", "previous_group": None, "group_since": None}],
    [],
    [{"person": None, "account": "a", "kind": "meeting", "asset": None, "at": NOW - DAY + 3600 + 17}],
)
ASKED = {"a": Asked(2)}


def test_the_minutes_of_some_random_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """What walks say of random records is what each minute shows; until enough has happened."""
    monkeypatch.setattr(fuzz, "AT_ONCE", 5)
    counts = fuzz.Counts()

    for seed in range(20):
        found, failure = fuzz.run(fuzz.Piece("minutes", seed))
        assert failure == ""
        counts.update(found)
        if counts["due"] >= 10 and counts["change"] >= 5:
            break

    assert counts["due"] >= 10
    assert counts["change"] >= 5
    assert counts["looks"] > 4000 * counts["pairs"]


def test_the_minutes_of_a_record() -> None:
    """One record, told to the second."""
    counts = minutes_agree(MODEL, [RECORDS], ASKED)

    assert counts["change"] == counts["due"] == 1
    assert counts["looks"] == 3 * 1440 + 4  # of whole minutes; and the two seconds named and those before


LIES: dict[str, Callable[[Due], Due]] = {
    "a minute too late": lambda due: replace(due, next_change_at=(due.next_change_at or 0) + MINUTE),
    "a minute too early": lambda due: replace(due, next_change_at=(due.next_change_at or 0) - MINUTE),
    "a second too late": lambda due: replace(due, next_change_at=(due.next_change_at or 0) + 1),
    "a second too early": lambda due: replace(due, next_change_at=(due.next_change_at or 0) - 1),
    "never": lambda due: replace(due, next_change_at=None, next_group=None),
    "to another group": lambda due: replace(due, next_group="nurture"),
    "due a minute too late": lambda due: replace(due, due_at=due.due_at + MINUTE),
    "due a minute too early": lambda due: replace(due, due_at=due.due_at - MINUTE),
    "due with the change": lambda due: replace(due, due_at=due.next_change_at or 0),
}


@pytest.mark.parametrize("lie", LIES)
def test_minutes_find_a_walk_that_is_wrong(lie: str) -> None:
    """Off by a minute or a second, or to another group: looking at every minute tells."""

    def lying(plan: Plan, evaluation: Evaluation, asked: Asked) -> Due:
        return LIES[lie](walked(plan, evaluation, asked))

    with pytest.raises(AssertionError, match=r"a: (change|due) .* said to"):
        minutes_agree(MODEL, [RECORDS], ASKED, walk=lying)


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        (Asked(3), 2 * DAY + 3617),  # the score does not move so far before the group changes
        (Asked(3, aged=NOW + 100), 3617),
        (Asked(3, aged=NOW + 5000), 5000),
        (Asked(3, pushed=21_000, aged=NOW + 100), 100),
        (Asked(3, pushed=21_000, aged=NOW - 100), -100),
        (Asked(3, pushed=21_000), 3617),
        (Asked(3, pushed=90_000), 2 * DAY + 3617),
    ],
)
def test_what_was_pushed_counts(asked: Asked, due: int) -> None:
    """Minutes know of pushed scores and of writes that have grown old; walks say the same."""
    counts = minutes_agree(
        MODEL, [RECORDS], {"a": asked}, walk=lambda *_: Due(NOW + due, NOW + 2 * DAY + 3617, "poor_fit")
    )

    assert counts["due"] == 1


def test_a_month_of_minutes() -> None:
    """A worker wakes for the score, and for the group; one that oversleeps is found out."""
    plan = compile_model(MODEL)

    def late(plan: Plan, subject: Subject, outing: Outing) -> tuple[list[Seen], int]:
        seen, wakings = woken(plan, subject, outing)
        return [replace(seen[0], at=seen[0].at + MINUTE), *seen[1:]], wakings

    counts = nothing_is_missed_in_a_month(plan, [RECORDS], 2, days=3)

    assert counts["wake-ups"] == counts["due"] == 2
    with pytest.raises(AssertionError):
        nothing_is_missed_in_a_month(plan, [RECORDS], 2, days=3, worker=late)
