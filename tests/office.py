"""A desk of sales people at which anything may happen: late, changed and deleted activities, moves, merges."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.desk import DAY, Desk

# Everything that takes time: decay in steps and by half, idleness, committees, points of an account's people.
MODEL = """
name: drifting
total: {min: 0, max: 200}
hysteresis: 2
rules:
  - {id: industry, name: Industry, part: fit, points: 30, when: {field: account.industry, in: [software]}}
  - {id: boss, name: Chief, part: fit, points: 7, applies_to: both, when: {field: person.seniority, in: [c_suite]}}
signals:
  - {id: demo, name: Demo, kinds: [demo_request], points: 40, steps: [[5, 21]], window_days: 12, cap: 60}
  - {id: web, name: Web, kinds: [web_session], points: 9, half_life_days: 4, window_days: 30, account_cap: 50}
  - {id: gone, name: Left, kinds: [unsubscribe], points: -15, window_days: 6}
idle: {points: -5, after_days: 9}
groups:
  - {group: priority, label: Now, when: {score: [80, null]}}
  - {group: nurture, label: Later, when: {score: [30, 80]}}
  - {group: poor_fit, label: Not for us}
"""
KINDS = ("demo_request", "web_session", "web_session", "web_session", "unsubscribe")
ACCOUNTS, PEOPLE, EVENTS = 6, 14, 30


class Office:
    """A desk at which anything may happen, drawn from `drawn`."""

    def __init__(self, folder: Path, drawn: random.Random, database: str = "sqlite:///x.db") -> None:
        self.desk = Desk(folder, database=database)
        self._drawn = drawn
        self._made = 0
        with self.desk.project():
            pass
        self.desk.set_model(MODEL)
        for number in range(ACCOUNTS):
            self.desk.account(f"a{number}")
        for number in range(PEOPLE):
            self._put(f"c{number}" if number % 3 else f"l{number}")
        for _ in range(EVENTS):
            self.visit()

    def _put(self, who: str) -> None:
        work = self._drawn.choice([*(f"a{number}" for number in range(ACCOUNTS)), None, "a99"])
        title = self._drawn.choice(["Chief Financial Officer", "Clerk", None])
        if who.startswith("l"):
            behind = self._drawn.choice([None, None, *(f"c{number}" for number in range(PEOPLE) if number % 3)])
            self.desk.crm.put("Lead", who, Name=who, Account=work, Contact=behind, Title=title, Owner="u1")
        else:
            self.desk.contact(who, work, Title=title)

    def _anybody(self) -> str:
        number = self._drawn.randrange(PEOPLE)
        return f"c{number}" if number % 3 else f"l{number}"

    def visit(self, key: str | None = None) -> None:
        """Somebody did something: late, or again, or for an account, or by a person whom nobody knows."""
        self._made += key is None
        at = self.desk.now - self._drawn.choice([0, 60, DAY, 7 * DAY, 20 * DAY])
        who = self._drawn.choice([self._anybody(), self._anybody(), None, "c77"])
        work = self._drawn.choice([None, f"a{self._drawn.randrange(ACCOUNTS)}"])
        kind = self._drawn.choice(KINDS)
        self.desk.crm.put("Activity", key or f"t{self._made}", Kind=kind, Who=who, Account=work, At=at)

    def edit(self) -> None:
        """One of the things that people do."""
        account = f"a{self._drawn.randrange(ACCOUNTS)}"
        acts: list[Callable[[], Any]] = [
            self.visit,
            self.visit,
            lambda: self.visit(f"t{self._drawn.randint(1, self._made)}"),
            lambda: self.desk.crm.delete("Activity", f"t{self._drawn.randint(1, self._made)}"),
            lambda: self._put(self._anybody()),
            lambda: self.desk.account(account, Industry=self._drawn.choice(["Software", "Retail"])),
            lambda: self.desk.crm.delete("Account", account),
            lambda: self.desk.account(account),
            lambda: self.desk.contact("c77", account),
        ]
        self._drawn.choice(acts)()
