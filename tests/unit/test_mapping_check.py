"""A mapping against a CRM's schema: every way in which the two can disagree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from leadline.app.mappings import check_mapping
from leadline.core.normalize.check import Problem, check_live
from leadline.core.normalize.mapping import load
from leadline.sdk.errors import CredentialsError, LeadlineError, PermanentError
from leadline.sdk.records import (
    Effect,
    Estimate,
    FieldSchema,
    FieldType,
    Finding,
    ObjectSchema,
    Page,
    PullRequest,
    RowOutcome,
)

TEXT = """\
system: crm
objects:
  Company:
    entity: account
    skip_when: {field: Kind, in: [Dead]}
    fields:
      name: Name
      employees: {from: Staff, transform: employees}
      created_at: Created
      lifecycle: {from: Kind, values: {Client: customer}}
      target_tier: {join: [Kind, Tier], values: {Client/One: A, Client: B}}
      owner: {from: OwnerId, link: User}
      technologies: Owner.Tools
    write:
      score: Score
      group: {to: Group, values: {priority: Hot}}
      reasons: Reasons
      scored_at: ScoredAt
      action: Action
  User:
    entity: owner
    fields: {name: Name}
"""
GROUPS = ("Hot", "qualified_review", "nurture", "investigate", "research", "poor_fit")


def field(name: str, type: FieldType = FieldType.TEXT, **more: Any) -> FieldSchema:
    return FieldSchema(name, name, type, **more)


COMPANY = {
    each.name: each
    for each in (
        field("Name", length=255),
        field("Staff", FieldType.NUMBER),
        field("Created", FieldType.DATETIME, writable=False),
        field("Kind", FieldType.PICKLIST, options=("Client", "Dead"), restricted=True),
        field("Tier", FieldType.PICKLIST, options=("One",), restricted=True),
        field("OwnerId", FieldType.REFERENCE, references=("User",)),
        field("Score", FieldType.NUMBER),
        field("Group", FieldType.PICKLIST, options=GROUPS, restricted=True),
        field("Reasons", length=1000),
        field("ScoredAt", FieldType.DATETIME),
        field("Action", length=255),
    )
}
USER = ObjectSchema("User", "User", {"Name": field("Name"), "Tools": field("Tools", FieldType.MULTIPICKLIST)})


def schemas(*changed: FieldSchema, without: str = "", **flags: bool) -> dict[str, ObjectSchema]:
    fields = {name: each for name, each in COMPANY.items() if name != without} | {each.name: each for each in changed}
    return {"Company": ObjectSchema("Company", "Company", fields, **flags), "User": USER}


def check(live: dict[str, ObjectSchema]) -> list[Problem]:
    return check_live(load(TEXT, "crm.yaml"), live)


def test_a_mapping_that_fits_has_no_problem() -> None:
    assert check(schemas()) == []


PROBLEMS: list[tuple[str, dict[str, ObjectSchema], int, str, str, str]] = [
    ("field missing", schemas(field("Naem"), without="Name"), 7, "Name", "has no field 'Name'", "'Naem'"),
    (
        "wrong type",
        schemas(field("Staff", FieldType.BOOLEAN)),
        8,
        "Staff",
        "transform 'employees' cannot read",
        "number",
    ),
    ("wrong type by default", schemas(field("Created", FieldType.BOOLEAN)), 9, "Created", "'time' cannot read", "date"),
    (
        "value of a value map",
        schemas(replace(COMPANY["Kind"], options=("Customer", "Dead", "Clint"))),
        10,
        "Kind",
        "picklist 'Kind' has no value 'Client'",
        "'Clint'",
    ),
    ("value in a join", schemas(replace(COMPANY["Tier"], options=("Uno",))), 11, "Tier", "no value 'One'", "Uno"),
    ("not a link", schemas(field("OwnerId", FieldType.DATE)), 12, "OwnerId", "not the id of another record", ""),
    (
        "another object's id",
        schemas(field("OwnerId", FieldType.REFERENCE, references=("Queue",))),
        12,
        "OwnerId",
        "refers to Queue, not to User",
        "",
    ),
    (
        "value of a skip rule",
        schemas(replace(COMPANY["Kind"], options=("Client",))),
        5,
        "Kind",
        "no value 'dead'",
        "Client",
    ),
    ("target missing", schemas(without="Score"), 15, "Score", "has no field 'Score'", "'ScoredAt'"),
    ("target read-only", schemas(replace(COMPANY["Score"], writable=False)), 15, "Score", "is read-only", "Grant edit"),
    ("target of another type", schemas(field("Score")), 15, "Score", "score needs number", ""),
    ("target a date", schemas(field("ScoredAt", FieldType.DATE)), 18, "ScoredAt", "scored_at needs datetime", ""),
    (
        "target too short",
        schemas(field("Reasons", length=255)),
        17,
        "Reasons",
        "holds 255 characters; reasons needs 1000",
        "1000",
    ),
    ("group too short", schemas(field("Group", length=10)), 16, "Group", "group needs 16", ""),
    (
        "mapped group that is no option",
        schemas(replace(COMPANY["Group"], options=("hot", *GROUPS[1:]))),
        16,
        "Group",
        "has no value 'Hot', which is written for group 'priority'",
        "'hot'",
    ),
    (
        "group that is no option",
        schemas(replace(COMPANY["Group"], options=GROUPS[:5])),
        16,
        "Group",
        "has no value 'poor_fit'",
        "Possible",
    ),
    ("not readable", schemas(readable=False), 3, "", "may not read 'Company'", "Grant read"),
    ("not updatable", schemas(updatable=False), 14, "", "may not change 'Company'", "remove `write`"),
    ("object missing", {"User": USER, "Compny": USER}, 3, "", "no object 'Company'", "'Compny'"),
]


@pytest.mark.parametrize(
    ("live", "line", "name", "message", "fix"), [row[1:] for row in PROBLEMS], ids=[r[0] for r in PROBLEMS]
)
def test_problem_is_told(live: dict[str, ObjectSchema], line: int, name: str, message: str, fix: str) -> None:
    found = check(live)

    assert [
        problem
        for problem in found
        if problem.place == f"crm.yaml:{line}"
        and problem.object == "Company"
        and problem.field == name
        and message in problem.message
        and fix in problem.fix
    ], found


def test_a_value_outside_an_open_picklist_is_no_problem() -> None:
    open_list = replace(COMPANY["Kind"], options=("Other",), restricted=False)

    assert check(schemas(open_list)) == []


def test_a_dotted_field_is_followed_through_the_lookup() -> None:
    bare = ObjectSchema("User", "User", {"Name": field("Name")})

    assert [problem.field for problem in check(schemas() | {"User": bare})] == ["Owner.Tools"]


class Crm:
    """A connection that only describes; objects that it does not know are refused."""

    def __init__(self, known: dict[str, ObjectSchema], refusal: LeadlineError) -> None:
        self._known = known
        self._refusal = refusal

    def schema(self, object: str) -> ObjectSchema:
        if object not in self._known:
            raise self._refusal
        return self._known[object]

    def check(self) -> list[Finding]:
        return []

    def count(self, request: PullRequest) -> Estimate:
        return Estimate(request.object, 0, 0)

    def pull(self, request: PullRequest) -> Iterator[Page]:
        return iter(())

    def push(self, effects: Sequence[Effect]) -> list[RowOutcome]:
        return []

    def find(self, effects: Sequence[Effect]) -> list[RowOutcome]:
        return []

    def close(self) -> None:
        pass


def test_an_object_that_the_crm_refuses_to_describe_is_a_problem() -> None:
    found = check_mapping(TEXT, "crm.yaml", Crm({"Company": schemas()["Company"]}, PermanentError("no such object")))

    assert ("crm.yaml:20", "User") in {(problem.place, problem.object) for problem in found}


def test_a_refused_sign_in_is_raised() -> None:
    with pytest.raises(CredentialsError):
        check_mapping(TEXT, "crm.yaml", Crm({}, CredentialsError("wrong password")))


def test_a_broken_file_is_told_without_asking_the_crm() -> None:
    found = check_mapping(TEXT.replace("name: Name", "nmae: Name", 1), "crm.yaml", Crm({}, CredentialsError("asked")))

    assert found[0].place == "crm.yaml:3"
    assert any("no canonical field 'nmae'" in problem.message for problem in found)


def test_a_good_file_alone_has_no_problem() -> None:
    assert check_mapping(TEXT, "crm.yaml", None) == []
