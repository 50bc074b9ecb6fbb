"""People at the keyboards of a CRM who do anything that it lets them do, by chance."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.edits import User
from tests.recompute import Truth
from tests.stage import DAY

from leadline.core.entities import Entity

VISITS = (
    "pricing_page", "demo_request", "website", "careers_page", "trial_signup", "comparison_page", "unsubscribe",
    "content_download",
)  # fmt: skip
FACTS: Sequence[Mapping[str, Any]] = (
    {"industry": "Retail"}, {"industry": "Logistics"}, {"industry": None}, {"employees": 5}, {"employees": 60},
    {"employees": 900}, {"lifecycle": "Competitor"}, {"lifecycle": "Prospect"},
)  # fmt: skip
TITLES = ("Student", "CFO", "Intern", "Procurement Manager", None)


class Crowd:
    """People at the keyboards of one CRM who do anything that it lets them do."""

    def __init__(self, user: User, truth: Truth, drawn: random.Random, now: int) -> None:
        people = truth.rows[Entity.PERSON]
        self._user, self._drawn, self._now = user, drawn, now
        self._people = sorted(people)
        self._accounts = sorted(truth.rows[Entity.ACCOUNT])
        self._contacts = [uid for uid in self._people if people[uid]["kind"] == "contact"]
        # In HubSpot whoever does something is a contact.
        self._visitors = [uid for uid in self._people if not uid.startswith("hubspot/leads/")]
        self._visits = sorted(uid for uid in truth.rows[Entity.ACTIVITY] if "web_event" in uid.lower())
        self._acts: list[Callable[[], object]] = [
            self._visit, self._visit, self._visit, self._state, self._state, self._promote, self._promote,
            self._delete, self._backdate, self._move, self._merge, self._appear,
        ]  # fmt: skip

    def act(self) -> str:
        """Somebody does something; what it was."""
        what = self._drawn.choice(self._acts)
        try:
            return f"{what.__name__}: {what()}"
        except ValueError as error:  # the CRM does not let them
            return f"refused {what.__name__}: {error}"

    def _visit(self) -> object:
        when = self._now - self._drawn.choice((0, 0, self._drawn.randint(0, 100 * DAY)))
        who, what = self._drawn.choice(self._visitors), self._drawn.choice(VISITS)
        self._user.visit(who, what, when)
        return who, what, when

    def _state(self) -> object:
        account, facts = self._drawn.choice(self._accounts), self._drawn.choice(FACTS)
        self._user.change(account, **facts)
        return account, facts

    def _promote(self) -> object:
        contact, title = self._drawn.choice(self._contacts), self._drawn.choice(TITLES)
        self._user.change(contact, title=title)
        return contact, title

    def _delete(self) -> object:
        record = self._drawn.choice(self._drawn.choice([self._people, self._accounts, self._visits]))
        self._user.delete(record)
        return record

    def _backdate(self) -> object:
        visit, when = self._drawn.choice(self._visits), self._now - self._drawn.randint(0, 100 * DAY)
        self._user.backdate(visit, when)
        return visit, when

    def _move(self) -> object:
        contact, account = self._drawn.choice(self._contacts), self._drawn.choice(self._accounts)
        self._user.move(contact, account)
        return contact, account

    def _merge(self) -> object:
        winner, loser = self._drawn.sample(self._drawn.choice([self._contacts, self._accounts]), 2)
        self._user.merge(winner, loser)
        return winner, loser

    def _appear(self) -> object:
        match self._drawn.choice(("hired", "met", "inquired")):
            case "hired":
                return self._user.hire(self._drawn.choice(self._accounts), "Chief Financial Officer")
            case "met":
                return self._user.meet("VP Finance")
            case _:
                return self._user.inquire("CFO")
