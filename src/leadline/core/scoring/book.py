"""A record's ledger while time passes: rows that come, change and go, and the sums of parts that follow."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from leadline.core.entities import Entity
from leadline.core.scoring.amounts import within
from leadline.core.scoring.model import IDLE, PERSONA, Part
from leadline.core.scoring.plan import CapPlan, Plan


class Book:
    """Points by id of what fired (`points`), and thousandths of each part after caps (`sums`).

    `turned` is set when one of the watched ids comes or goes, and left to the reader to take back.
    """

    def __init__(self, plan: Plan, entity: Entity, watched: Collection[str]) -> None:
        self._parts = parts_of(plan)
        self._caps: dict[str, CapPlan] = {name: cap for cap in plan.subjects[entity].caps for name in cap.of}
        self._capped = dict.fromkeys((cap.cap.id for cap in self._caps.values()), 0)  # sums before caps
        self._watched = watched
        self.points: dict[str, int] = {}
        self.sums: dict[Part, int] = dict.fromkeys(Part, 0)
        self.turned = False
        for cap in {cap.cap.id: cap for cap in self._caps.values()}.values():
            self.sums[cap.part] += within(0, cap.cap)

    def put(self, name: str, points: int | None) -> None:
        """Write the row of an id, or (None) strike it."""
        before = self.points.get(name)
        if points == before:
            return
        if points is None:
            del self.points[name]
        else:
            self.points[name] = points
        if (points is None or before is None) and name in self._watched:
            self.turned = True
        change = (points or 0) - (before or 0)
        if change:
            self._add(name, change)

    def _add(self, name: str, change: int) -> None:
        cap = self._caps.get(name)
        if cap is not None:
            before = self._capped[cap.cap.id]
            self._capped[cap.cap.id] = after = before + change
            change = within(after, cap.cap) - within(before, cap.cap)
        self.sums[self._parts[name]] += change


def parts_of(plan: Plan) -> Mapping[str, Part]:
    """The part by the id of everything that can leave a row before caps, and of sums of such rows (`sum_id`)."""
    model = plan.model
    found = {rule.id: rule.part for rule in model.rules}
    found |= {signal.id: Part(signal.part) for signal in model.signals}
    found |= {entry.id: Part(entry.part) for entry in model.committee}
    found[PERSONA] = Part.PERSONA
    if model.idle:
        found[IDLE] = Part(model.idle.part)
    return found | {sum_id(part): part for part in Part}


def sum_id(part: Part) -> str:
    """Stands for all rows of a part that never change and that nobody asks about, as one."""
    return f"={part}"
