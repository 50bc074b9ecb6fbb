"""Compares what is stored and what the CRMs show with what the CRMs' own state says, after a sync."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from tests.recompute import Truth
from tests.stage import Stage

from leadline.app.bootstrap import load_mapping_file, load_model_file
from leadline.store import tables

MIN_POINTS = 5  # settings: push.min_points
MAX_AGE = 168 * 3_600  # settings: push.max_age_hours

# What the CRM shows, by canonical output, and how its field is called.
NUMBERS = ("score", "fit", "intent")
TEXTS = ("group", "reasons", "sort_key", "action")
OUTPUTS = (*NUMBERS, *TEXTS)
WRITTEN: Mapping[str, Callable[[str], str]] = {
    "salesforce": lambda name: f"Leadline_{name.title()}__c",
    "hubspot": lambda name: f"leadline_{name}",
}


class Checker:
    """Compares store and CRMs with the truth after each sync. Remembers the groups of the sync before."""

    def __init__(self, on: Stage) -> None:
        self.stage = on
        self.model = load_model_file(on.folder / "models" / "b2b.yaml")
        self.mappings = {name: load_mapping_file(on.folder / "mappings" / f"{name}.yaml") for name in on.crms}
        self.before: dict[str, str] = {}
        self.looked_at = 0

    def check(self, step: str) -> None:
        """Everything that must hold right after a sync at the stage's time."""
        told = {row["uid"]: row["pushed"] for row in self.stage.rows(tables.pushes)}
        stored = {row["uid"]: {**row, "pushed": told.get(row["uid"])} for row in self.stage.rows(tables.scores)}
        for system in self.stage.crms:
            mine = {uid: row for uid, row in stored.items() if uid.startswith(f"{system}/")}
            self._check_system(step, system, mine)
        self.before = {uid: row["group"] for uid, row in stored.items()}

    def _check_system(self, step: str, system: str, stored: Mapping[str, Mapping[str, Any]]) -> None:
        truth = Truth.of(system, self.stage.crms[system].vendor.state(), self.mappings[system])
        assert_same(step, "subjects", set(truth.records_of()), set(stored))
        for moment in sorted({row["scored_at"] for row in stored.values()}):
            then = [uid for uid, row in stored.items() if row["scored_at"] == moment]
            for uid, wanted in truth.scores(self.model, moment, self.before, then).items():
                self._check_stored(step, stored[uid], wanted, fresh=moment == self.stage.now)
        groups = {uid: row["group"] for uid, row in stored.items()}
        today = truth.scores(self.model, self.stage.now, groups, groups)
        shown = self._shown(system)
        for subject, uids in truth.records_of().items():
            self._check_close(step, stored[subject], today[subject])
            for uid in uids:
                if uid in shown:
                    pushed = orjson.loads(stored[subject]["pushed"])
                    assert shown[uid] == {name: pushed[name] for name in OUTPUTS}, (step, uid)

    def _shown(self, system: str) -> dict[str, dict[str, Any]]:
        """What the CRM shows of each record that we write to, by uid."""
        found = {}
        for name, mapping in self.mappings[system].objects.items():
            if not mapping.write:
                continue
            for record_id, fields in self.stage.records(system, name).items():
                values = {output: fields.get(WRITTEN[system](output)) for output in OUTPUTS}
                numbers = {output: int(float(str(values[output]))) for output in NUMBERS}
                texts = {output: values[output] or "" for output in TEXTS}
                found[f"{system}/{name}/{record_id}"] = numbers | texts
        return found

    def _check_stored(self, step: str, row: Mapping[str, Any], wanted: Any, *, fresh: bool) -> None:
        """A stored score is what the reference made of the facts at the moment of scoring."""
        names = ("score", "fit_max", "completeness")
        found = {name: row[name] for name in (*names, *wanted.parts)}
        found |= {"reasons": row["disqualify_reasons"], "missing": row["missing_fields"]}
        expected = {name: getattr(wanted, name) for name in names} | dict(wanted.parts)
        expected |= {"reasons": ";".join(wanted.reasons), "missing": ";".join(wanted.missing)}
        assert found == expected, (step, row["uid"], row["scored_at"])
        if fresh:
            assert row["group"] == wanted.group, (step, row["uid"])
        self.looked_at += 1

    def _check_close(self, step: str, row: Mapping[str, Any], today: Any) -> None:
        """What was pushed last is still close enough to the truth, or a wake-up was missed."""
        pushed = orjson.loads(row["pushed"])["score"]
        where = (step, row["uid"], row["scored_at"], row["due_at"], today.score, pushed)
        assert today.group == row["group"], where
        assert row["pushed_score"] == pushed * 1_000, where
        off = abs(today.score // 1_000 - pushed)
        assert off < MIN_POINTS, where
        if self.stage.now - row["pushed_at"] >= MAX_AGE:
            assert off == 0, where


def assert_same(step: str, what: str, wanted: set[str], found: set[str]) -> None:
    """Two sets are equal; the message shows what is missing and what is extra."""
    assert found == wanted, (step, what, "missing", sorted(wanted - found)[:5], "extra", sorted(found - wanted)[:5])
