"""A whole loop on a CRM in memory: what users do there, runs, and what stands where afterwards."""

from __future__ import annotations

import shutil
from contextlib import AbstractContextManager
from copy import copy
from pathlib import Path
from typing import Any

from sqlalchemy import select
from tests.fakes import FakeCRM
from tests.projects import fake_project

from leadline.app.bootstrap import Project
from leadline.app.sync import Report, perform
from leadline.store import outbox, tables
from leadline.store.scores import load_score

DAY = 86_400
START = 1_700_000_000


class Desk:
    """A CRM, a project on it and a clock that stands until it is moved."""

    def __init__(self, folder: Path, *, chunk: int = 500, database: str = "sqlite:///x.db") -> None:
        self.crm = FakeCRM(page_size=50)
        self.now = START
        self._folder = folder
        self._chunk = chunk
        self._database = database
        self.crm.put("User", "u1", Name="Ann", Email="ann@us.com", Active="true")
        self.crm.put("User", "u2", Name="Bob", Email="bob@us.com", Active="true")
        self.crm.put("User", "nobody", Name="Integration", Email="it@us.com", Active="true")

    def copied(self, folder: Path) -> Desk:
        """Another one in the same state, in this folder. Its database must be SQLite's."""
        shutil.copytree(self._folder, folder, dirs_exist_ok=True)
        other = copy(self)
        other.crm, other._folder = self.crm.copied(), folder
        return other

    def project(self) -> AbstractContextManager[Project]:
        return fake_project(self._folder, self.crm, self._database, now=lambda: self.now, chunk=self._chunk)

    def set_chunk(self, chunk: int) -> None:
        """From now on so many subjects in one transaction."""
        self._chunk = chunk
        (self._folder / "leadline.yaml").unlink()

    def set_model(self, text: str) -> None:
        """From now on this model."""
        (self._folder / "model.yaml").write_text(text)

    def account(self, name: str, **fields: Any) -> None:
        self.crm.put("Account", name, **{"Name": name.upper(), "Industry": "Software", "Owner": "nobody", **fields})

    def contact(self, name: str, account: str | None, **fields: Any) -> None:
        known = {"Name": name.title(), "Email": f"{name}@acme.com", "Owner": "u1"}
        self.crm.put("Contact", name, **{"Account": account, **known, **fields})

    def act(
        self, key: str, who: str | None, kind: str = "demo_request", *, at: int | None = None, **fields: Any
    ) -> None:
        self.crm.put("Activity", key, Kind=kind, Who=who, At=self.now)

    def run(self, *, plays: bool = True) -> Report:
        """One run, which ends as it should."""
        with self.project() as project:
            return perform(project, lambda _: None, kind="sync" if plays else "backfill", plays=plays)

    def backfill(self) -> Report:
        return self.run(plays=False)

    def score(self, uid: str) -> dict[str, Any] | None:
        with self.project() as project, project.reading().begin() as connection:
            return load_score(connection, uid)

    def scored(self) -> set[str]:
        """Who has a score, without `crm/` and the object."""
        with self.project() as project, project.reading().begin() as connection:
            return {uid.rsplit("/", 1)[1] for uid in connection.scalars(select(tables.scores.c.uid))}

    def effects(self) -> list[dict[str, Any]]:
        with self.project() as project, project.reading().begin() as connection:
            return outbox.list_effects(connection, limit=10_000)

    def shows(self, record_id: str, field: str = "Score") -> Any:
        kind = {"a": "Account", "c": "Contact", "l": "Lead"}[record_id[0]]
        return self.crm.value(kind, record_id, field)

    def assert_at_rest(self) -> None:
        """Another run reads nothing new, scores nobody, and writes nothing."""
        writes = len([verb for verb, _ in self.crm.calls if verb != "pull"])
        counts = self.run().counts
        assert {name: counts[name] for name in ("records_changed", "scored", "crossed", "planned", "written")} == {
            "records_changed": 0, "scored": 0, "crossed": 0, "planned": 0, "written": 0,
        }  # fmt: skip
        assert len([verb for verb, _ in self.crm.calls if verb != "pull"]) == writes
