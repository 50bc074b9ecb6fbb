"""The objects that the shipped Salesforce mapping offers behind marks, read from the sandbox. 3 seconds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.salesforce_reader import NOW, Org, read, rows, serving

from leadline.app.mappings import check_mapping
from leadline.core.normalize.apply import Normalized, normalize, request
from leadline.core.normalize.mapping import Mapping, load
from leadline.sdk.records import PullRequest
from leadline.sdk.sandbox.bundle import generate

OFFERED = ("CampaignMember", "OpportunityContactRole")


@pytest.fixture(scope="module")
def text(root: Path) -> str:
    """The mapping with the marks taken off what begins with an object's name."""
    shipped = (root / "mappings/salesforce.yaml").read_text(encoding="utf-8")
    lines, open_ = [], False
    for line in shipped.splitlines():
        opens = re.match(r"  # (\w+):$", line)
        open_ = opens is not None or (open_ and line.startswith("  #   "))
        lines.append(f"  {line[4:]}" if open_ else line)
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def mapping(text: str) -> Mapping:
    return load(text, "salesforce.yaml")


@pytest.fixture(scope="module")
def org() -> Iterator[Org]:
    with serving(generate(40, seed=7, now=NOW)) as served:
        yield served


def normalized(org: Org, mapping: Mapping, object: str) -> Normalized:
    connection = org.connect()
    fields, links = request(mapping.objects[object])
    asked = PullRequest(object, fields, links, now=NOW)
    return normalize(
        mapping.objects[object], "crm", object, [r for p in connection.pull(asked) for r in p.records], NOW
    )


def test_what_is_offered_fits_the_org(org: Org, mapping: Mapping) -> None:
    assert set(OFFERED) <= mapping.objects.keys()
    assert check_mapping(mapping, "salesforce.yaml", org.connect()) == []


def test_answers_to_campaigns_are_activities_of_the_person_that_a_lead_became(org: Org, mapping: Mapping) -> None:
    members = rows(read(org.connect(), "CampaignMember", "HasResponded"))
    answered = {member.id for member in members if member.fields["HasResponded"]}
    assert answered
    found = normalized(org, mapping, "CampaignMember")
    assert not found.unmapped
    assert {row["source_id"] for row in found.rows} == answered
    assert {row["kind"] for row in found.rows} == {"webinar"}
    assert all(row["at"] and row["person"] and row["asset"] for row in found.rows)


def test_contact_roles_link_a_deal_to_everybody_in_it(org: Org, mapping: Mapping) -> None:
    found = normalized(org, mapping, "OpportunityContactRole")
    assert not found.unmapped
    assert found.rows
    assert all(row["person"] and row["stage"] and row["closed"] is not None for row in found.rows)
