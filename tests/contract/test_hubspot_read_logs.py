"""Form submissions, e-mail events and event occurrences: read once, whole, from any page on. Seconds: 4."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.hubspot_lab import FIRST, NOW, Lab, Open, labs, records, request, world

from leadline.core.normalize.apply import normalize
from leadline.core.normalize.apply import request as wanted
from leadline.core.normalize.mapping import load
from leadline.sdk.errors import CredentialsError, PermanentError
from leadline.sdk.records import Cursor, FieldType, Page

ASKED: dict[str, tuple[str, ...]] = {
    "form_submissions": ("formId", "formName", "submittedAt", "pageUrl", "email", "company"),
    "email_events": ("type", "created", "recipient", "url"),
    "event_occurrences": ("eventType", "occurredAt", "hs_url", "objectId"),
}


@pytest.fixture
def opened() -> Iterator[Open]:
    with labs() as open_lab:
        yield open_lab


def happen(lab: Lab, object: str, number: int = 0) -> str:
    """Something that the contact of that number does."""
    contact, email = str(FIRST + number), f"ada{number}@acme.example"
    fields: dict[str, Any] = {
        "form_submissions": {"form": "Contact us", "email": email.upper(), "company": "Acme"},
        "email_events": {"type": "OPEN", "recipient": email},
        "event_occurrences": {"objectId": contact, "hs_url": "https://acme.example/pricing"},
    }[object]
    lab.later(1)
    return str(lab.sandbox.vendor.edit({"action": "create", "object": object, "fields": fields})["id"])


def pull(lab: Lab, object: str, cursor: Cursor | None = None) -> list[Page]:
    return lab.pull(cursor, object=object, fields=ASKED[object], links=("contacts", "companies"))


def told(pages: list[Page]) -> list[str]:
    return [each.id for page in pages for each in page.records]


@pytest.mark.parametrize("object", ASKED)
def test_what_happened_is_read_with_whose_it_was(opened: Open, object: str) -> None:
    lab = opened()
    made = happen(lab, object, 2)

    (record,) = records(pull(lab, object)).values()

    assert record.id.endswith(made)
    assert set(record.fields) == set(ASKED[object])
    assert record.links == {"contacts": (str(FIRST + 2),), "companies": ()}
    assert record.modified_at == NOW + 1
    assert not record.deleted


def test_a_form_tells_its_own_fields_and_its_name(opened: Open) -> None:
    lab = opened()
    happen(lab, "form_submissions")

    (record,) = records(pull(lab, "form_submissions")).values()

    assert (record.fields["formName"], record.fields["company"]) == ("Contact us", "Acme")
    assert record.fields["submittedAt"] == "2026-05-28T20:26:41.000Z"


def test_a_person_whom_nobody_knows_leaves_the_event_without_one(opened: Open) -> None:
    lab = opened()
    lab.sandbox.vendor.edit(
        {"action": "create", "object": "email_events", "fields": {"recipient": "nobody@else.example"}}
    )

    (record,) = records(pull(lab, "email_events")).values()

    assert record.links["contacts"] == ()


def test_e_mail_events_of_other_types_are_left_alone(opened: Open) -> None:
    lab = opened(email_event_types=("CLICK",))
    happen(lab, "email_events")

    assert records(pull(lab, "email_events")) == {}


@pytest.mark.parametrize("object", ASKED)
def test_news_are_told_and_old_ones_not_for_ever(opened: Open, object: str) -> None:
    lab = opened(world(contacts=5))
    old = [happen(lab, object, number) for number in range(3)]
    cursor = pull(lab, object)[-1].cursor
    lab.later(1_000)
    cursor = pull(lab, object, cursor)[-1].cursor
    new = happen(lab, object, 4)

    news = told(pull(lab, object, cursor))

    assert len(news) == 1
    assert news[0].endswith(new)
    assert not any(news[0].endswith(each) for each in old)


def test_old_submissions_of_a_form_are_not_paged_through_again(opened: Open) -> None:
    lab = opened()
    for _ in range(120):
        happen(lab, "form_submissions")
    cursor = pull(lab, "form_submissions")[-1].cursor
    lab.later(1_000)
    cursor = pull(lab, "form_submissions", cursor)[-1].cursor
    lab.calls.clear()

    pull(lab, "form_submissions", cursor)

    assert len(lab.calls) == 1 + 3  # the forms, and each of the three


@pytest.mark.parametrize("object", ASKED)
def test_what_the_log_shows_late_is_found_by_looking_back(opened: Open, object: str) -> None:
    lab = opened()
    cursor = pull(lab, object)[-1].cursor
    lab.sandbox.clock.advance(-200)
    late = happen(lab, object)
    lab.later(200)

    assert told(pull(lab, object, cursor))[0].endswith(late)


@pytest.mark.parametrize("object", ASKED)
def test_a_read_goes_on_from_any_page(opened: Open, object: str) -> None:
    lab = opened(email_event_types=("CLICK", "OPEN", "SENT"))
    made = [happen(lab, object, number % 5) for number in range(120)]
    if object == "form_submissions":
        for number in range(60):
            fields = {"form": "Start a trial", "email": f"ada{number % 5}@acme.example"}
            made.append(str(lab.sandbox.vendor.edit({"action": "create", "object": object, "fields": fields})["id"]))
    cursor: Cursor | None = None
    seen: set[str] = set()
    for _ in range(30):  # die after each page
        page = next(iter(lab.connection.pull(request(cursor, object=object, fields=(), links=()))))
        seen |= {each.id for each in page.records}
        cursor = page.cursor
        if "part" not in cursor.position:
            break

    assert len(seen) == len(made)


def test_a_place_that_the_log_has_forgotten_is_read_from_the_beginning(opened: Open) -> None:
    lab = opened()
    happen(lab, "email_events")
    stood = Cursor({"mode": "events", "since": 0, "began": NOW * 1000, "part": "OPEN", "after": "forgotten"})

    assert len(told(pull(lab, "email_events", stood))) == 1


@pytest.mark.parametrize("object", ASKED)
def test_their_fields_are_told_and_cannot_be_written(opened: Open, object: str) -> None:
    schema = opened().connection.schema(object)

    assert set(ASKED[object]) - {"company"} <= set(schema.fields)
    assert not schema.updatable
    assert not any(field.writable for field in schema.fields.values())
    moments = [name for name, field in schema.fields.items() if field.type is FieldType.DATETIME]
    assert len(moments) == 1


@pytest.mark.parametrize(("object", "scope"), [("form_submissions", "forms"), ("email_events", "content")])
def test_a_missing_permission_shows_when_the_mapping_is_checked(opened: Open, object: str, scope: str) -> None:
    lab = opened()
    lab.sandbox.vendor.portal.withheld.add(scope)  # type: ignore[attr-defined] # the sandbox's own class

    with pytest.raises(CredentialsError, match=scope):
        lab.connection.schema(object)


def test_they_have_no_ids_to_be_fetched_by(opened: Open) -> None:
    with pytest.raises(PermanentError, match="in order"):
        opened().connection.fetch(request(object="email_events"), ["1"])


@pytest.mark.parametrize(
    ("object", "kind"),
    [("form_submissions", "form_submission"), ("email_events", "email_open"), ("event_occurrences", "web_session")],
)
def test_the_mapping_that_ships_as_a_comment_places_them(opened: Open, object: str, kind: str) -> None:
    shipped = (Path(__file__).parents[2] / "mappings/hubspot.yaml").read_text("utf-8")
    mapping = load(re.sub(r"(?m)^  # ?(?=  |form_|email_|event_|$)", "  ", shipped), "hubspot.yaml").objects[object]
    lab = opened()
    happen(lab, object, 2)
    fields, links = wanted(mapping)

    (page,) = (page for page in lab.pull(object=object, fields=fields, links=links) if page.records)
    normalized = normalize(mapping, "portal", object, page.records, NOW + 10)

    (row,) = normalized.rows
    assert normalized.unmapped.total() == 0
    assert (row["kind"], row["at"]) == (kind, NOW + 1)
    assert str(FIRST + 2) in str(row["person"])
