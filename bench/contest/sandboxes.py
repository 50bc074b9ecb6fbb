"""Sandboxes for measuring: each a process of its own, with a crowd in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from leadline.app.bootstrap import load_mapping_file
from leadline.app.rehearsal import LocalCrm
from leadline.core.normalize.apply import request
from leadline.core.normalize.write import vendor_values
from leadline.sdk.records import Scalar

ROOT = Path(__file__).parent.parent.parent
OBJECTS = {"salesforce": "Contact", "hubspot": "contacts"}


class Crm:
    """A sandbox in a process of its own, and what stands in it."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.system: str = told["system"]
        self.sign_ins: Mapping[str, Any] = told["sign_ins"]
        self._crm = LocalCrm(self.system, told["base_url"], told["credentials"], told["records"], ())
        self.object = OBJECTS[self.system]
        mapping = load_mapping_file(ROOT / "mappings" / f"{self.system}.yaml").objects[self.object]
        key = ["Id"] if self.system == "salesforce" else []
        self.fields = [*key, *request(mapping)[0]]
        self._write = mapping
        self.people = self._people()

    def _people(self) -> list[tuple[str, str]]:
        """(id, e-mail) of everybody who has one, in the CRM's order."""
        rows = self.control(f"state?object={self.object}")[self.object]
        known = [
            (row.get("Id") or row["id"], row.get("Email") or row.get("properties", {}).get("email")) for row in rows
        ]
        return [(uid, email) for uid, email in known if email]

    def control(self, path: str, body: Any = None) -> Any:
        """Ask the sandbox's control surface."""
        return self._crm.control(path, body)

    def forget_faults(self) -> None:
        """Remove all rules."""
        asked = urllib.request.Request(f"{self._crm.base_url}/__sandbox__/faults", method="DELETE")
        urllib.request.urlopen(asked, timeout=60).close()

    def order(self, rows: int, score: int) -> dict[str, Any]:
        """What contenders are told of it, and so many rows to write. `score` tells one run's writes from another's."""
        given = {"system": self.system, "credentials": dict(self._crm.credentials), "sign_ins": self.sign_ins}
        values = self.values(score)
        written = [{"id": uid, "email": email, "fields": values} for uid, email in self.people[:rows]]
        return {**given, "object": self.object, "fields": self.fields, "rows": written}

    def values(self, score: int) -> dict[str, Scalar]:
        """What is written to every record; as text where the vendor takes nothing else."""
        reasons = "Pricing page twice in a week (+20); Head of Finance (+15)"
        values: dict[str, Scalar] = {"score": score, "fit": 50, "intent": 21, "group": "nurture", "reasons": reasons}
        given = vendor_values(self._write, values)
        return {name: str(value) for name, value in given.items()} if self.system == "hubspot" else dict(given)

    def written(self, score: int) -> int:
        """How many records hold this score."""
        (name, value) = next(iter(self.values(score).items()))
        rows = self.control(f"state?object={self.object}")[self.object]
        held = [row.get("properties", row).get(name) for row in rows]
        return sum(str(each).removesuffix(".0") == str(value) for each in held)


@contextmanager
def served(system: str, contacts: int) -> Iterator[Crm]:
    """A sandbox with a crowd, its rates lifted where it has any."""
    command = [sys.executable, "-m", "leadline", "sandbox", system, "--json"]
    command += ["--accounts", str(contacts // 5), "--contacts", str(contacts), "--seed", "7"]
    environment = {**os.environ, "LEADLINE_NOW": ""}  # its clock runs
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            crm = Crm(json.loads(process.stdout.readline()))
            if system == "hubspot":
                crm.control("settings", {"unlimited": True})
            yield crm
        finally:
            process.terminate()
