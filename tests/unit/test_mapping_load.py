"""A mapping file: what it becomes, and that every mistake in it is told with its line and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadline.core.entities import Entity
from leadline.core.normalize.mapping import load
from leadline.sdk.errors import ConfigError
from leadline.yamlfile import FileError

BASE = """\
system: crm
objects:
  Company:
    entity: account
    fields:
      name: Name
      industry: {from: Ind, transform: industry}
      owner: {from: OwnerId, link: User}
    write:
      score: Score
  Person:
    entity: person
    set: {kind: contact}
    fields:
      name: Name
      email: {from: Mail, transform: email}
      account: {from: CompanyId, link: Company}
  User:
    entity: owner
    fields: {name: Name}
"""


def mistakes(text: str) -> FileError:
    with pytest.raises(FileError) as caught:
        load(text, "crm.yaml")
    return caught.value


def edited(old: str, new: str) -> str:
    assert BASE.count(old) >= 1
    return BASE.replace(old, new, 1)


def test_a_file_becomes_objects_readings_and_writes() -> None:
    mapping = load(BASE, "crm.yaml")
    company = mapping.objects["Company"]

    assert (mapping.system, list(mapping.objects)) == ("crm", ["Company", "Person", "User"])
    assert company.entity is Entity.ACCOUNT
    assert [reading.field.name for reading in company.readings] == ["name", "industry", "owner"]
    assert [reading.transform_name for reading in company.readings] == ["text", "industry", "text"]
    assert company.write["score"].field == "Score"
    assert mapping.objects["Person"].constants == {"kind": "contact"}
    assert mapping.place(("objects", "Company", "fields", "industry")) == "crm.yaml:7"


MISTAKES = [
    (
        "unknown canonical field",
        ("name: Name\n      ind", "nmae: Name\n      ind"),
        6,
        "no canonical field 'nmae'",
        "'name'",
    ),
    (
        "unknown transform",
        ("transform: industry", "transform: indstry"),
        7,
        "unknown transform 'indstry'",
        "'industry'",
    ),
    ("transform of another kind", ("transform: industry", "transform: money"), 7, "makes no industry (enum)", "option"),
    ("transform of another enum", ("transform: industry", "transform: seniority"), 7, "makes no industry", "industry"),
    ("unknown entity", ("entity: account", "entity: acount"), 4, "unknown value 'acount'", "'account'"),
    (
        "enum value in a value map",
        ("transform: industry}", "transform: industry, values: {Fin: financal_services}}"),
        7,
        "unknown value 'financal_services' of industry",
        "'financial_services'",
    ),
    ("default of an enum", ("transform: industry}", "default: softwear}"), 7, "'softwear' of industry", "'software'"),
    ("constant of an enum", ("{kind: contact}", "{kind: contakt}"), 13, "unknown value 'contakt' of kind", "'contact'"),
    (
        "constant of another type",
        ("{kind: contact}", "{kind: contact, opted_out: nein}"),
        13,
        "should be a boolean",
        "",
    ),
    (
        "constant that is a link",
        ("{kind: contact}", "{kind: contact, owner: x}"),
        13,
        "cannot be written as a value",
        "",
    ),
    ("set and filled", ("{kind: contact}", "{kind: contact, name: x}"), 13, "'name' is under `fields` too", "Keep one"),
    ("unknown constant", ("{kind: contact}", "{kind: contact, nam: x}"), 13, "no canonical field 'nam'", "'name'"),
    ("unknown output", ("score: Score", "scoer: Score"), 10, "unknown output 'scoer'", "'score'"),
    (
        "two outputs, one field",
        ("score: Score", "score: Score\n      fit: Score"),
        11,
        "written by 'score' already",
        "own",
    ),
    (
        "group that is none of the groups",
        ("score: Score", "group: {to: G, values: {priorty: A}}"),
        10,
        "unknown value 'priorty' of group",
        "'priority'",
    ),
    ("value map of a number", ("score: Score", "score: {to: S, values: {a: b}}"), 10, "takes no value map", ""),
    ("link to a missing object", ("link: User", "link: Usr"), 8, "object 'Usr' is not in this file", "'User'"),
    ("link to another entity", ("link: User", "link: Person"), 8, "links to owner, but object 'Person' is person", ""),
    ("link without an object", ("{from: OwnerId, link: User}", "OwnerId"), 8, "is a link to another record", "`link:`"),
    (
        "link of joined texts",
        ("{from: OwnerId, link: User}", "{join: [A, B], link: User}"),
        8,
        "one id, not several",
        "",
    ),
    ("transform of a link", ("link: User}", "link: User, transform: text}"), 8, "does not go with a link", ""),
    (
        "link of a text",
        ("name: Name\n      ind", "name: {from: N, link: User}\n      ind"),
        6,
        "not a link to another",
        "",
    ),
    ("association of a text", ("name: Name\n      ind", "name: {association: User}\n      ind"), 6, "not a link", ""),
    (
        "association and link",
        ("{from: OwnerId, link: User}", "{association: User, link: User}"),
        8,
        "names its object",
        "",
    ),
    ("no source", ("{from: Ind, transform: industry}", "{transform: industry}"), 7, "exactly one of `from`", ""),
    ("two sources", ("{from: Ind, tr", "{from: Ind, join: [A, B], tr"), 7, "exactly one of `from`", ""),
    ("with without join", ("{from: Ind, tr", "{from: Ind, with: x, tr"), 7, "`with` goes with `join` only", ""),
    ("currency of no money", ("{from: Ind, tr", "{from: Ind, currency: EUR, tr"), 7, "`currency` goes with", ""),
    ("unknown currency", ("system: crm", "system: crm\ncurrency: EURO"), 2, "unknown currency 'EURO'", "'EUR'"),
    (
        "competitor",
        ("system: crm", "system: crm\ncompetitor_domains: [rival]"),
        2,
        "'rival' is not a web domain",
        "acme.com",
    ),
    (
        "writing to an owner",
        ("fields: {name: Name}", "fields: {name: Name}\n    write: {score: S}"),
        21,
        "nothing is",
        "Remove",
    ),
    ("a person without a kind", ("    set: {kind: contact}\n", ""), 11, "entity person needs 'kind'", "`fields`"),
    ("unknown key", ("entity: account", "entity: account\n    feilds: {}"), 5, "unknown key 'feilds'", "'fields'"),
    ("unknown key of a field", ("{from: Ind, tr", "{form: Ind, tr"), 7, "unknown key 'form'", "'from'"),
    (
        "skip rule without a test",
        ("entity: account", "entity: account\n    skip_when: {field: X}"),
        5,
        "exactly one of `known`",
        "",
    ),
    (
        "skip rule with two tests",
        ("entity: account", "entity: account\n    skip_when: [{field: X, known: true, in: [a]}]"),
        5,
        "skip_when[0]: exactly one",
        "",
    ),
    ("malformed", ("fields:\n      name", "fields:\n     - name"), 7, "not valid YAML", "indentation"),
    (
        "twice",
        ("name: Name\n      ind", "name: Name\n      name: Other\n      ind"),
        7,
        "'name' is given twice",
        "Keep one",
    ),
]


@pytest.mark.parametrize(
    ("change", "line", "message", "fix"), [row[1:] for row in MISTAKES], ids=[r[0] for r in MISTAKES]
)
def test_mistake_is_told(change: tuple[str, str], line: int, message: str, fix: str) -> None:
    error = mistakes(edited(*change))
    told = [(one.place, f"{one.path}: {one.message}", one.fix) for one in error.mistakes]

    assert any(place == f"crm.yaml:{line}" and message in text and fix in how for place, text, how in told), told
    assert isinstance(error, ConfigError)


def test_all_mistakes_are_found_at_once_in_the_order_of_the_file() -> None:
    text = (
        edited("transform: industry", "transform: indstry")
        .replace("link: User", "link: Usr")
        .replace("score:", "scoer:")
    )

    assert [one.place for one in mistakes(text).mistakes] == ["crm.yaml:7", "crm.yaml:8", "crm.yaml:10"]


@pytest.mark.parametrize("entity", list(Entity))
def test_every_entity_says_what_it_needs(entity: Entity) -> None:
    error = mistakes(f"system: crm\nobjects:\n  X:\n    entity: {entity}\n    fields: {{}}\n")

    assert all(f"entity {entity} needs" in one.message for one in error.mistakes)


def test_longer_id_prefixes_go_first() -> None:
    text = edited("link: User", 'link: {"0": User, "00Q": User}')

    link = load(text, "f").objects["Company"].readings[2].link

    assert link is not None
    assert [prefix for prefix, _ in link.objects] == ["00Q", "0"]


SHIPPED = sorted((Path(__file__).parents[2] / "mappings").glob("*.yaml"))


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_mapping_loads_and_covers_every_entity(file: Path) -> None:
    mapping = load(file.read_text(encoding="utf-8"), str(file))

    assert mapping.system == file.stem
    assert {each.entity for each in mapping.objects.values()} == set(Entity)
    assert len(mapping.sequences) == 3


def test_two_mappings_are_shipped() -> None:
    assert len(SHIPPED) == 2
