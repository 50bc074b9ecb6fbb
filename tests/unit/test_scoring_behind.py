"""An account's ledger names the people behind each point. Under 1 s."""

from __future__ import annotations

from leadline.core.entities import Entity
from leadline.core.scoring.explain import explain
from leadline.core.scoring.model import Model
from leadline.core.scoring.subject import Event, Subject

DAY, NOW = 86_400, 1_700_000_000
MODEL = Model.model_validate({
    "name": "people",
    "rules": [
        {"id": "trade", "name": "Industry", "points": 5, "when": {"field": "account.industry", "in": ["software"]}},
        {"id": "free", "name": "Free mail", "points": -3, "applies_to": "both",
         "when": {"field": "person.email_class", "in": ["free"]}},
    ],
    "persona": {"functions": ["finance"]},
    "signals": [{"id": "demo", "name": "Demo", "kinds": ["demo_request"], "points": 20, "window_days": 30}],
    "idle": {"after_days": 5, "points": -4},
    "committee": [{"id": "board", "name": "Buyers", "people": 2, "functions": ["finance", "it"], "points": 7}],
    "groups": [{"group": "poor_fit"}],
})  # fmt: skip
STAFF = (
    {"uid": "ann", "seniority": "vp", "function": "finance", "email_class": "free"},
    {"uid": "bob", "seniority": "vp", "function": "finance"},
    {"uid": "cyd", "seniority": "vp", "function": "sales", "email_class": "free"},
    {"uid": "dan", "seniority": "manager", "function": "it"},
)


def asked(person: str | None, days: int) -> Event:
    return Event("demo_request", NOW - days * DAY, person, "a", None, f"v-{person}")


def behind(subject: Subject) -> dict[str, tuple[str, ...]]:
    """The people behind each row, events not apart."""
    found: dict[str, tuple[str, ...]] = {}
    for line in explain(MODEL, subject, NOW).lines:
        found[line.rule] = tuple(sorted({*found.get(line.rule, ()), *line.people}))
    return found


def test_each_row_of_an_account_names_the_people_who_make_it_so() -> None:
    events = (asked("ann", 10), asked("dan", 8), asked("cyd", 20), asked(None, 12))
    told = behind(Subject(Entity.ACCOUNT, "a", {"uid": "a", "industry": "software"}, STAFF, events))
    assert {name: told[name] for name in ("trade", "free", "persona", "demo", "idle", "board")} == {
        "trade": (),
        "free": ("ann", "cyd"),
        "persona": ("ann", "bob"),
        "demo": ("ann", "cyd", "dan"),
        "idle": ("dan",),  # the last to do something
        "board": ("ann", "dan"),
    }


def test_a_line_with_one_person_behind_it_says_so_in_short() -> None:
    lines = explain(MODEL, Subject(Entity.ACCOUNT, "a", {"uid": "a"}, STAFF[2:3], (asked("cyd", 1),)), NOW).lines
    assert {line.rule: line.person for line in lines} == {"free": "cyd", "persona": "cyd", "demo": "cyd"}


def test_the_rows_of_a_person_are_about_that_person() -> None:
    lines = explain(MODEL, Subject(Entity.PERSON, "ann", None, STAFF[:1]), NOW).lines
    assert {line.rule: line.people for line in lines} == {"free": (), "persona": ()}
