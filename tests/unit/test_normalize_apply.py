"""Raw records become canonical rows; what cannot be placed is counted, what is left out is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from leadline.core.entities import FIELDS, Entity
from leadline.core.normalize.apply import Normalized, normalize, request
from leadline.core.normalize.mapping import ObjectMapping, load
from leadline.core.normalize.write import OUTPUTS, vendor_values
from leadline.sdk.records import Json, RawRecord, Scalar

MAPPINGS = Path(__file__).parents[2] / "mappings"
READ_AT = 1_700_000_000


def object_mapping(body: str, *, entity: str = "account", head: str = "") -> ObjectMapping:
    """One object `X` with the given lines, beside objects of every entity to link to."""
    text = f"system: crm\n{head}objects:\n  X:\n    entity: {entity}\n" + "".join(
        f"    {line}\n" for line in body.splitlines()
    )
    text += "  Acc: {entity: account, fields: {name: N}}\n"
    text += "  Per: {entity: person, set: {kind: lead}, fields: {name: N}}\n"
    text += "  Con: {entity: person, set: {kind: contact}, fields: {name: N}}\n"
    text += "  Usr: {entity: owner, fields: {name: N}}\n"
    return load(text, "crm.yaml").objects["X"]


def record(fields: Mapping[str, Json], id: str = "1", **more: Any) -> RawRecord:
    return RawRecord(id, fields, 1_600_000_000, **more)


def apply(mapping: ObjectMapping, records: Sequence[RawRecord]) -> Normalized:
    return normalize(mapping, "crm", "X", records, READ_AT)


def values(mapping: ObjectMapping, field: str, *raws: Mapping[str, Json]) -> list[Any]:
    return [row[field] for row in apply(mapping, [record(raw) for raw in raws]).rows]


def test_a_row_has_identity_every_canonical_field_and_the_crms_values() -> None:
    mapping = object_mapping("fields: {name: N}\nwrite: {score: S}")
    (row,) = apply(mapping, [record({"N": " Acme ", "S": "12"}, id="7", merged_into="8")]).rows

    assert row == {field.name: None for field in FIELDS[Entity.ACCOUNT]} | {
        "uid": "crm/X/7",
        "connection": "crm",
        "object": "X",
        "source_id": "7",
        "modified_at": 1_600_000_000,
        "read_at": READ_AT,
        "deleted": False,
        "merged_into": "crm/X/8",
        "name": "Acme",
        "crm": {"score": 12},
    }


def test_a_deleted_record_keeps_its_identity_only_and_its_place() -> None:
    mapping = object_mapping("fields: {name: N}\nskip_when: {field: N, known: false}\nwrite: {score: S}")
    rows = apply(mapping, [record({"N": "A"}), record({}, id="2", deleted=True), record({"N": "B"}, id="3")]).rows

    assert [row["deleted"] for row in rows] == [False, True, False]
    assert [row.get("name") for row in rows] == ["A", None, "B"]
    assert set(rows[1]) == {
        "uid", "connection", "object", "source_id", "modified_at", "read_at", "deleted", "merged_into",
    }  # fmt: skip


def test_no_records_make_no_rows() -> None:
    assert apply(object_mapping("fields: {name: N}"), []) == Normalized([], 0, Counter())


def test_the_first_source_that_is_not_missing_after_the_transform_counts() -> None:
    mapping = object_mapping("fields: {name: N, employees: {from: [A, B], transform: employees}}")

    raws: list[tuple[Json, Json]] = [(10, "51-200"), (None, "51-200"), ("n/a", "~30"), ("many", "1k+"), (None, None)]

    assert values(mapping, "employees", *({"A": a, "B": b} for a, b in raws)) == [10, 125, 30, 1000, None]


def test_a_fallback_gives_way_to_a_source_that_is_placed() -> None:
    mapping = object_mapping("fields: {name: N, industry: {from: [A, B], transform: industry}}")
    result = apply(mapping, [record({"A": "Widgets", "B": "Banking"}), record({"A": "Widgets", "B": None})])

    assert [row["industry"] for row in result.rows] == ["financial_services", "other"]
    assert result.unmapped == {("industry", "Widgets"): 2}


def test_a_value_map_comes_first_whatever_the_case_and_then_the_transform() -> None:
    mapping = object_mapping(
        "fields:\n  name: N\n"
        '  country: {from: C, transform: country, values: {Blighty: United Kingdom, "N/A": Spain, x: null}}'
    )

    assert values(mapping, "country", {"C": "BLIGHTY"}, {"C": "n/a"}, {"C": "X"}, {"C": "Norge"}) == [
        "GB",
        "ES",
        None,
        "NO",
    ]


def test_a_value_map_of_fixed_words_is_final() -> None:
    mapping = object_mapping("fields: {name: N, industry: {from: I, transform: industry, values: {Software: retail}}}")

    assert values(mapping, "industry", {"I": "software"}, {"I": "SaaS"}) == ["retail", "software"]


def test_a_boolean_is_read_through_a_value_map() -> None:
    mapping = object_mapping(
        'fields: {name: N, active: {from: A, values: {"true": false, "false": true}}}', entity="owner"
    )

    assert values(mapping, "active", {"A": True}, {"A": "false"}, {"A": None}) == [False, True, None]


def test_joined_texts_leave_missing_parts_out() -> None:
    mapping = object_mapping(
        'set: {kind: lead}\nfields:\n  name: {join: [F, L], with: " "}\n'
        "  status: {join: [A, B], values: {a/b: both, a: one}, default: none}",
        entity="person",
    )
    raws: list[dict[str, Json]] = [
        {"F": "Ann", "L": "Lee", "A": "A", "B": "b"},
        {"F": None, "L": "Lee", "A": "a"},
        {"F": "-", "L": " ", "B": None},
    ]

    assert values(mapping, "name", *raws) == ["Ann Lee", "Lee", None]
    assert values(mapping, "status", *raws) == ["both", "one", "none"]


def test_a_default_stands_in_and_what_could_not_be_placed_is_still_counted() -> None:
    mapping = object_mapping("fields: {name: N, lifecycle: {from: L, default: prospect, values: {Client: customer}}}")
    result = apply(mapping, [record({"L": each}) for each in ("Client", "Partner", "Alien", "Alien", None, "Select")])

    assert [row["lifecycle"] for row in result.rows] == [
        "customer", "partner", "prospect", "prospect", "prospect", "prospect",
    ]  # fmt: skip
    assert result.unmapped == {("lifecycle", "Alien"): 2}


def test_links_become_uids_by_object_prefix_and_association() -> None:
    mapping = object_mapping(
        'set: {kind: call}\nfields:\n  at: T\n  person: {from: Who, link: {"00Q": Per, "003": Con, "00G": null}}\n'
        "  account: {association: Acc}",
        entity="activity",
    )
    records = [
        record({"Who": "00Q1"}, links={"Acc": ("5", "6")}),
        record({"Who": "0032"}, links={"Acc": ()}),
        record({"Who": "00G3"}),
        record({"Who": "9994"}),
        record({"Who": None}),
    ]
    result = apply(mapping, records)

    assert [row["person"] for row in result.rows] == ["crm/Per/00Q1", "crm/Con/0032", None, None, None]
    assert [row["account"] for row in result.rows] == ["crm/Acc/5", None, None, None, None]
    assert result.unmapped == {("person", "9994"): 1}


def test_the_first_association_that_has_any_counts() -> None:
    mapping = object_mapping("fields: {name: N, person: {association: [Per, Con]}}", entity="opportunity")
    records = [record({}, links={"Con": ("2",)}), record({}, links={"Per": ("1",), "Con": ("2",)})]

    assert [row["person"] for row in apply(mapping, records).rows] == ["crm/Con/2", "crm/Per/1"]
    assert request(mapping) == (("N",), ("Per", "Con"))


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        ("{field: A, known: true}", ["nothing", "dash"]),
        ("{field: A, known: false}", ["open", "done", "false"]),
        ("{field: A, in: [OPEN, false]}", ["done", "nothing", "dash"]),
        ("{field: A, not_in: [done]}", ["done"]),
        ("[{field: A, in: [open]}, {field: A, in: [done]}]", ["nothing", "dash", "false"]),
    ],
)
def test_skipped_records_are_counted(rule: str, kept: list[str]) -> None:
    mapping = object_mapping(f"skip_when: {rule}\nfields: {{name: N}}")
    raws: dict[str, Json] = {"open": "Open", "done": "Done", "nothing": None, "dash": "-", "false": False}
    result = apply(mapping, [record({"N": name, "A": raw}) for name, raw in raws.items()])

    assert [row["name"] for row in result.rows if not row["deleted"]] == [name for name in raws if name in kept]
    assert result.skipped == len(raws) - len(kept)
    assert request(mapping)[0] == ("N", "A")


def test_unplaced_values_are_counted_as_they_were_written() -> None:
    mapping = object_mapping(
        "fields: {name: N, country: {from: C, transform: country}, owner: {from: O, link: {a: Usr}}}"
    )
    result = apply(mapping, [record({"C": " Middle  Earth ", "O": "b1"}), record({"C": "EMEA"}), record({"C": ["Oz"]})])

    assert result.unmapped == {
        ("country", "Middle Earth"): 1,
        ("country", "EMEA"): 1,
        ("country", '["Oz"]'): 1,
        ("owner", "b1"): 1,
    }
    assert [row["country"] for row in result.rows] == [None, None, None]


def test_equal_numbers_of_different_types_are_different_values() -> None:
    mapping = object_mapping("fields: {name: N}")

    assert values(mapping, "name", {"N": 1}, {"N": True}, {"N": 1.0}, {"N": "1"}) == ["1", "true", "1", "1"]


def test_competitors_and_currency_of_the_file_are_used() -> None:
    mapping = object_mapping(
        "set: {kind: lead}\nfields:\n  name: N\n  email_class: {from: E, transform: email_class}\n"
        "  annual_revenue: {from: R, transform: money}",
        entity="person",
        head="currency: EUR\ncompetitor_domains: [www.rival.co.uk]\n",
    )
    (row,) = apply(mapping, [record({"E": "a@mail.rival.co.uk", "R": 100})]).rows

    assert (row["email_class"], row["annual_revenue"]) == ("competitor", 108)


def test_the_crms_values_are_read_as_we_would_write_them() -> None:
    mapping = object_mapping(
        "fields: {name: N}\n"
        "write: {score: S, group: {to: G, values: {priority: A1}}, scored_at: T, reasons: R,"
        " action: C, fit: F, intent: I}"
    )
    raw: dict[str, Json] = {
        "S": "85", "G": "A1", "T": "2024-01-05T10:00:00.000+0000", "R": "a\r\nb", "C": "", "F": 12.0, "I": "many",
    }  # fmt: skip

    assert values(mapping, "crm", raw) == [
        {
            "score": 85, "group": "priority", "scored_at": "2024-01-05T10:00:00Z", "reasons": "a\nb", "action": None,
            "fit": 12, "intent": "many",
        }
    ]  # fmt: skip


def test_vendor_values_map_cut_and_leave_out() -> None:
    mapping = object_mapping(
        "fields: {name: N}\n"
        "write: {score: S, group: {to: G, values: {priority: A1}}, scored_at: T, action: C, status: W}"
    )
    given: dict[str, Scalar] = {
        "score": 85, "group": "priority", "scored_at": 1_704_448_800, "action": "x" * 300, "status": None,
        "reasons": "y",
    }  # fmt: skip

    assert vendor_values(mapping, given) == {
        "S": 85, "G": "A1", "T": "2024-01-05T10:00:00Z", "C": "x" * 254 + "…", "W": None,
    }  # fmt: skip
    assert vendor_values(mapping, {"group": "nurture", "scored_at": "2024-01-05T10:00:00Z"}) == {
        "G": "nurture",
        "T": "2024-01-05T10:00:00Z",
    }


def test_what_is_written_reads_back_as_itself() -> None:
    mapping = object_mapping(
        "fields: {name: N}\nwrite: {score: S, group: {to: G, values: {priority: A1}}, scored_at: T}"
    )
    ours: dict[str, Scalar] = {"score": 85, "group": "priority", "scored_at": "2024-01-05T10:00:00Z"}

    assert values(mapping, "crm", vendor_values(mapping, ours)) == [ours]


@pytest.mark.parametrize(("name", "limit"), [("reasons", 1000), ("action", 255), ("sort_key", 20), ("score", None)])
def test_limits_of_what_is_written(name: str, limit: int | None) -> None:
    assert OUTPUTS[name].max_length == limit


def shipped(system: str, object: str) -> ObjectMapping:
    file = MAPPINGS / f"{system}.yaml"
    return load(file.read_text(encoding="utf-8"), str(file)).objects[object]


@pytest.mark.parametrize(
    ("object", "fields", "kind"),
    [
        ("Task", {"TaskSubtype": "Call", "Direction__c": "Inbound", "IsClosed": True}, "call_inbound"),
        ("Task", {"TaskSubtype": "Call", "Direction__c": "Outbound", "IsClosed": True}, "call"),
        ("Task", {"TaskSubtype": "Email", "Direction__c": "Inbound", "IsClosed": True}, "email_reply"),
        ("Task", {"TaskSubtype": "Email", "Direction__c": None, "IsClosed": True}, "email_sent"),
        ("Task", {"TaskSubtype": "LinkedIn", "Direction__c": "Inbound", "IsClosed": True}, "social_reply"),
        ("Task", {"TaskSubtype": "LinkedIn", "Direction__c": "Outbound", "IsClosed": True}, "social_message"),
        ("Event", {"Type": "Demo"}, "meeting"),
        ("Web_Event__c", {"Type__c": "pricing_page"}, "pricing_page_view"),
        ("Web_Event__c", {"Type__c": "careers_page"}, "careers_page_view"),
    ],
)
def test_activity_kinds_of_the_first_shipped_mapping(object: str, fields: dict[str, Json], kind: str) -> None:
    result = normalize(shipped("salesforce", object), "sf", object, [record(fields)], READ_AT)

    assert [row["kind"] for row in result.rows] == [kind]
    assert not result.unmapped


@pytest.mark.parametrize(
    "fields", [{"Leadline_Key__c": "k", "IsClosed": True}, {"Leadline_Key__c": None, "IsClosed": False}]
)
def test_our_tasks_and_open_ones_are_no_activities(fields: dict[str, Json]) -> None:
    assert normalize(shipped("salesforce", "Task"), "sf", "Task", [record(fields)], READ_AT).skipped == 1


@pytest.mark.parametrize(
    ("object", "fields", "kind"),
    [
        ("calls", {"hs_call_direction": "INBOUND"}, "call_inbound"),
        ("calls", {"hs_call_direction": None}, "call"),
        ("emails", {"hs_email_direction": "INCOMING_EMAIL"}, "email_reply"),
        ("emails", {"hs_email_direction": "EMAIL"}, "email_sent"),
        ("communications", {"direction": "INBOUND"}, "social_reply"),
        ("communications", {"direction": "OUTBOUND"}, "social_message"),
        ("meetings", {"hs_activity_type": "Demo"}, "meeting"),
        ("web_events", {"event_type": "demo_request"}, "demo_request"),
        ("web_events", {"event_type": "website"}, "web_session"),
    ],
)
def test_activity_kinds_of_the_second_shipped_mapping(object: str, fields: dict[str, Json], kind: str) -> None:
    result = normalize(shipped("hubspot", object), "hs", object, [record(fields)], READ_AT)

    assert [row["kind"] for row in result.rows] == [kind]
    assert not result.unmapped


def test_the_same_person_is_the_same_whichever_way_it_entered() -> None:
    """[F9] A form, a list upload and a hand-typed record of one person give one reading."""
    form = {
        "Title": "Chief Financial Officer",
        "Industry": "Manufacturing",
        "Country": "DE",
        "Employee_Range__c": "51-200",
    }
    upload = {"Title": "C.F.O.", "Industry": "mfg", "Country": "DEU", "Employee_Range__c": "51 to 200 employees"}
    typed = {
        "Title": "cheif financial officer",
        "Industry": "Manufactoring",
        "Country": "Germny",
        "Employee_Range__c": "51–200",
    }
    mapping = shipped("salesforce", "Lead")
    rows = normalize(mapping, "sf", "Lead", [record(raw) for raw in (form, upload, typed)], READ_AT).rows

    facts = {tuple(row[name] for name in ("seniority", "function", "industry", "country", "employees")) for row in rows}
    assert facts == {("c_suite", "finance", "manufacturing", "DE", 125)}
