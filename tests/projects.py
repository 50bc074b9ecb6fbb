"""A project folder on a `FakeCRM`: settings, a mapping and a model small enough to reckon by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import BaseModel
from tests.fakes import FakeCRM

from leadline import config
from leadline.app.bootstrap import LiveConnection, Project, load_mapping_file, load_model_file
from leadline.sdk.capabilities import Capabilities
from leadline.sdk.ports import Runtime
from leadline.store.checks import save_check
from leadline.store.database import open_engine

SETTINGS = """
database: {database}
model: model.yaml
connections:
  crm: {{connector: fake, mapping: mapping.yaml}}
routing: {{unassigned_owners: [nobody]}}
push: {{min_points: 5, max_age_hours: 168}}
sync: {{chunk: {chunk}}}
"""

MAPPING = """
system: fake
objects:
  Account:
    entity: account
    fields: {name: Name, industry: Industry, lifecycle: Kind, owner: {from: Owner, link: User}}
    write: &write {score: Score, group: Group, action: Action, scored_at: ScoredAt, owner: Owner}
  Contact:
    entity: person
    set: {kind: contact}
    fields: &person
      account: {from: Account, link: Account}
      name: Name
      email: {from: Email, transform: email}
      seniority: {from: Title, transform: seniority}
      opted_out: OptedOut
      owner: {from: Owner, link: User}
    write: *write
  Lead:
    entity: person
    set: {kind: lead}
    fields:
      account: {from: Account, link: Account}
      contact: {from: Contact, link: Contact}
      converted: Converted
      name: Name
      email: {from: Email, transform: email}
      seniority: {from: Title, transform: seniority}
      status: Status
      owner: {from: Owner, link: User}
    write: {score: Score, group: Group, action: Action, owner: Owner, status: Status}
  Activity:
    entity: activity
    fields:
      kind: Kind
      person: {from: Who, link: {"l": Lead, "": Contact}}
      account: {from: Account, link: Account}
      at: At
  Deal:
    entity: opportunity
    fields: {account: {from: Account, link: Account}, closed: Closed, won: Won}
  User:
    entity: owner
    fields: {name: Name, email: Email, active: Active}
sequences: {fast: seq-fast}
lists: {keep: list-7}
"""

# A company that we serve has 30 points. A demo request gives 40, from day 10 on 10, from day 30 on none.
MODEL = """
name: tiny
total: {min: 0, max: 100}
hysteresis: 3
rules:
  - {id: industry, name: Industry we serve, part: fit, points: 30, when: {field: account.industry, in: [software]}}
  - {id: boss, name: Chief, part: fit, points: 5, applies_to: both, when: {field: person.seniority, in: [c_suite]}}
signals:
  - id: demo
    name: Asked for a demo
    kinds: [demo_request]
    points: 40
    steps: [[10, 10]]
    window_days: 30
  - {id: web, name: Was on the website, kinds: [web_session], points: 3, window_days: 30}
groups:
  - {group: priority, label: Now, when: {score: [60, null]}}
  - {group: nurture, label: Later, when: {score: [30, 60]}}
  - {group: poor_fit, label: Not for us}
plays:
  priority: {assign: sales, task: {subject: Call, due_hours: 2}, sequence: fast, status: Working}
suppress: {recent_contact_days: null}
"""


class NoOptions(BaseModel):
    """The fake asks for nothing."""


@dataclass(frozen=True, slots=True)
class FakeConnector:
    """The kind of system that a `FakeCRM` is."""

    crm: FakeCRM
    batches: tuple[int, int, int] = (2, 2, 1)
    list_batch: int = 2
    bulk: tuple[int, int, int] = (0, 0, 0)  # rows in a job, above how many, calls of a job
    name: str = "fake"
    title: str = "Fake CRM"
    options: type[BaseModel] = NoOptions

    @property
    def capabilities(self) -> Capabilities:
        """Small batches, so that there are several."""
        rows, above, calls = self.bulk
        return Capabilities(
            ("Account",),
            self.crm.page_size,
            *self.batches,
            partial_success=True,
            list_batch=self.list_batch,
            bulk_batch=rows,
            bulk_above=above,
            bulk_calls=calls,
        )

    def connect(self, options: Mapping[str, object], runtime: Runtime) -> FakeCRM:
        """The one CRM."""
        return self.crm

    def webhooks(self, options: Mapping[str, object], runtime: Runtime) -> None:
        """It sends none."""

    def sandbox(self) -> None:
        """It is one."""


DIGEST = "of the mapping and the options"


@cache
def _migrated() -> bytes:
    """An empty SQLite database with the newest schema."""
    with TemporaryDirectory(prefix="leadline-sqlite-") as name:
        open_engine("sqlite:///empty.db", folder=Path(name)).dispose()
        return (Path(name) / "empty.db").read_bytes()


def _lay_out(url: str, folder: Path) -> None:
    """A new SQLite database below the folder begins as a copy: schemas are migrated once."""
    name = url.partition("?")[0].removeprefix("sqlite:///")
    if url.startswith("sqlite:///") and not (folder / name).exists():
        (folder / name).write_bytes(_migrated())


@contextmanager
def fake_project(
    folder: Path,
    crm: FakeCRM,
    database: str = "sqlite:///leadline.db",
    *,
    now: Callable[[], int] = lambda: 1_700_000_000,
    chunk: int = 500,
    bulk: tuple[int, int, int] = (0, 0, 0),
) -> Iterator[Project]:
    """The project, opened. Files that stand in the folder already are kept."""
    files = {
        "leadline.yaml": SETTINGS.format(database=database, chunk=chunk),
        "mapping.yaml": MAPPING,
        "model.yaml": MODEL,
    }
    for name, content in files.items():
        if not (folder / name).exists():
            (folder / name).write_text(content)
    settings = config.load(folder, environ={})
    mapping = load_mapping_file(settings.mapping_file("crm"))
    connector = FakeConnector(crm, bulk=bulk)
    _lay_out(settings.database_url, settings.project)
    engine = open_engine(settings.database_url, folder=settings.project)
    with engine.begin() as connection:
        save_check(connection, "crm", DIGEST, now=now())  # the mapping fits; asking the CRM is tested elsewhere
    connections = {"crm": LiveConnection("crm", connector, crm, mapping, DIGEST)}
    try:
        model = load_model_file(settings.model_file)
        text = settings.model_file.read_text()
        yield Project(settings, engine, model, connections, now, crm.sleep, model_text=text)
    finally:
        engine.dispose()
