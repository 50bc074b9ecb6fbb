"""Reasons as salespeople read them: in the CRM, in a task, in the queue. Half a second of work."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.desk import Desk
from tests.projects import MAPPING, MODEL

from leadline.app.lookup import ranked

SEGMENTS = """
persona: {name: Somebody who decides, points: {c_suite: 25}}
segments:
  - id: makers
    name: Makers of software
    when: {field: account.industry, in: [software]}
    persona: {name: Somebody who builds, points: {c_suite: 35}, elsewhere: {c_suite: 35}}
"""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    (tmp_path / "mapping.yaml").write_text(MAPPING.replace("score: Score", "score: Score, reasons: Reasons"))
    desk.set_model(MODEL + SEGMENTS)
    return desk


def test_a_role_is_called_as_the_segment_calls_it(desk: Desk) -> None:
    """The name of the persona by which a record was scored is what everybody reads."""
    desk.account("a1")
    desk.account("a2", Industry="Retail")
    desk.contact("c1", "a1", Title="CEO")
    desk.contact("c2", "a2", Title="CEO")
    desk.act("t1", "c1")
    desk.act("t2", "c2")

    desk.run()

    for one, name in (("a1", "builds"), ("c1", "builds"), ("a2", "decides"), ("c2", "decides")):
        assert f"Somebody who {name}: " in str(desk.shows(one, "Reasons")), one
    with desk.project() as project:
        told = {line.uid.rpartition("/")[2]: line.why for line in ranked(project, all_groups=True)}
    assert "Somebody who builds: c suite (+35)" in desk.crm.tasks[0].body
    assert "Somebody who builds" in told["a1"]
    assert "Somebody who decides" in told["a2"]
