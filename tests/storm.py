"""Weather over a CRM: people edit it while it is read, between any two calls, whatever the reader holds by then.

The storm blows in the sandbox's own thread, right after a reply has left: what is read next is already
different. Nothing waits for anything, so a storm takes no longer than its edits.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from leadline.sdk.sandbox.clock import SandboxClock
    from leadline.sdk.sandbox.faults import Faults
    from leadline.sdk.sandbox.vendor import VendorFactory, VendorSandbox
    from leadline.sdk.sandbox.world import World
    from leadline_hubspot.sandbox import HubSpotSandbox
    from leadline_salesforce.sandbox.vendor import SalesforceSandbox

TITLES = ("CFO", "Intern", "VP Operations", "Student", None, "Head of Sales", "Procurement Manager")
INDUSTRIES = ("Retail", "Logistics", "Fin Serv", None, "Select", "Manufacturing")
VISITS = ("pricing_page", "demo_request", "website", "careers_page", "trial_signup")
LATE = (0, 0, 0, 5, 30, 55)
"""Seconds between the stamp of a write and its becoming visible; the connector is told to reckon with 60."""
IMPORTED = 230
"""Records that an import stamps with one moment: more than a page of a search, and than a query can leave out."""


class Keyboard(Protocol):
    """Where people sit. `act` does one thing and tells what; ValueError when the CRM does not let them."""

    def act(self, chance: random.Random, now: float) -> str: ...


class Crowded:
    """Ids by object, from which one is drawn in the same time however many there are."""

    def __init__(self, ids: Mapping[str, Sequence[str]]) -> None:
        self.living = {name: list(some) for name, some in ids.items()}
        self.binned: dict[str, list[str]] = {name: [] for name in ids}

    def one(self, chance: random.Random, object: str) -> str:
        if not self.living[object]:
            raise ValueError(f"no {object} is left")
        return chance.choice(self.living[object])

    def taken(self, chance: random.Random, object: str) -> str:
        """One that is gone from now on."""
        some = self.living[object]
        if len(some) < 4:
            raise ValueError(f"hardly a {object} is left")
        at = chance.randrange(len(some))
        some[at], some[-1] = some[-1], some[at]
        return some.pop()

    def back(self, chance: random.Random, object: str) -> str:
        """One that was put into the recycle bin, and is there no more."""
        some = self.binned[object]
        if not some:
            raise ValueError("the recycle bin is empty")
        return some.pop(chance.randrange(len(some)))


class OrgKeyboard:
    """People in a Salesforce org."""

    def __init__(self, vendor: SalesforceSandbox) -> None:
        self._vendor = vendor
        objects = ("Account", "Contact", "Lead", "Opportunity", "Task", "Web_Event__c")
        tables = vendor.org.tables
        self._ids = Crowded({name: list(tables[name].rows) for name in objects})
        self._owners = [row["Id"] for row in tables["User"].rows.values() if row.get("IsActive")]
        self._acts = (
            [self._update] * 8 + [self._create] * 4 + [self._delete] * 3 + [self._undelete, self._merge, self._merge]
            + [self._convert] * 2
        )  # fmt: skip

    def act(self, chance: random.Random, now: float) -> str:
        if chance.random() < 0.003:
            return self._import(chance)
        return chance.choice(self._acts)(chance, now)

    def _edit(self, action: str, object: str, id: str = "", *, late: int = 0, **fields: Any) -> str:
        command: dict[str, Any] = {"action": action, "object": object, "fields": fields, "late_seconds": late}
        return str(self._vendor.edit({**command, "id": id} if id else command)["id"])

    def _changes(self, chance: random.Random, object: str, now: float) -> dict[str, Any]:
        owner, account = chance.choice(self._owners), self._ids.one(chance, "Account")
        changes: dict[str, dict[str, Any]] = {
            "Account": {"Industry": chance.choice(INDUSTRIES), "OwnerId": owner, "Name": f"N{chance.random()}"},
            "Contact": {"Title": chance.choice(TITLES), "AccountId": account},
            "Lead": {"Title": chance.choice(TITLES), "OwnerId": owner, "Matched_Contact__c": None},
            "Opportunity": {"Amount": chance.randrange(9_999), "StageName": "negotiation"},
            "Task": {"Outcome__c": f"O{chance.random()}", "OwnerId": owner},
            "Web_Event__c": {"Type__c": chance.choice(VISITS), "Occurred_At__c": _iso(now - 60)},
        }
        return changes[object]

    def _update(self, chance: random.Random, now: float) -> str:
        kind = chance.choice([name for name, ids in self._ids.living.items() if ids])
        record = self._ids.one(chance, kind)
        self._edit("update", kind, record, late=chance.choice(LATE), **self._changes(chance, kind, now))
        return f"update {kind}"

    def _import(self, chance: random.Random) -> str:
        for _ in range(IMPORTED):
            self._edit("update", "Contact", self._ids.one(chance, "Contact"), Title=f"Imported {chance.random()}")
        return "import Contact"

    def _create(self, chance: random.Random, now: float) -> str:
        kind = chance.choice(["Account", "Contact", "Lead", "Web_Event__c"])
        account, contact = self._ids.one(chance, "Account"), self._ids.one(chance, "Contact")
        fields: dict[str, dict[str, Any]] = {
            "Account": {"Name": f"New {chance.random()}", "Industry": "Retail"},
            "Contact": {"LastName": "New", "Title": chance.choice(TITLES), "AccountId": account},
            "Lead": {"LastName": "New", "Company": "New", "Email": "new@new.example", "Matched_Contact__c": contact},
            "Web_Event__c": {"Type__c": "pricing_page", "Occurred_At__c": _iso(now), "Contact__c": contact},
        }
        self._ids.living[kind].append(self._edit("create", kind, late=chance.choice(LATE), **fields[kind]))
        return f"create {kind}"

    def _delete(self, chance: random.Random, now: float) -> str:
        # Deleting an account takes its contacts along; most accounts of a world have some.
        kind = chance.choice(["Account", "Contact", "Contact", "Lead", "Opportunity", "Task", "Web_Event__c"])
        record = self._ids.taken(chance, kind)
        self._edit("delete", kind, record)
        self._ids.binned[kind].append(record)
        return f"delete {kind}"

    def _undelete(self, chance: random.Random, now: float) -> str:
        kind = chance.choice([name for name, ids in self._ids.binned.items() if ids] or ["Contact"])
        record = self._ids.back(chance, kind)
        self._edit("undelete", kind, record)
        self._ids.living[kind].append(record)
        return f"undelete {kind}"

    def _merge(self, chance: random.Random, now: float) -> str:
        kind = chance.choice(["Account", "Contact", "Contact", "Lead"])
        loser = self._ids.taken(chance, kind)
        self._edit("merge", kind, self._ids.one(chance, kind), loser=loser)
        return f"merge {kind}"

    def _convert(self, chance: random.Random, now: float) -> str:
        known = {"account": self._ids.one(chance, "Account"), "contact": self._ids.one(chance, "Contact")}
        chosen: dict[str, Any] = known if chance.random() < 0.5 else {}
        if chance.random() < 0.5:
            chosen["opportunity"] = "Won"
        self._edit("convert", "Lead", self._ids.one(chance, "Lead"), **chosen)
        return "convert Lead"


class PortalKeyboard:
    """People in a HubSpot portal. `silent`: some associations change without moving a stamp."""

    def __init__(self, vendor: HubSpotSandbox, *, silent: bool = False) -> None:
        self._vendor = vendor
        self._silent = silent
        objects = ("companies", "contacts", "leads", "deals", "calls", "web_events")
        tables = vendor.portal.tables
        self._ids = Crowded({n: [str(row.id) for row in tables[n].store.page(0, 1 << 40)[0]] for n in objects})
        self._owners = [str(owner.id) for owner in vendor.portal.owners.values() if owner.active]
        self._acts = (
            [self._update] * 8 + [self._create] * 4 + [self._delete] * 3 + [self._restore, self._merge, self._merge]
            + [self._link] * 2
        )  # fmt: skip

    def act(self, chance: random.Random, now: float) -> str:
        if chance.random() < 0.003:
            return self._import(chance)
        return chance.choice(self._acts)(chance, now)

    def _edit(self, action: str, object: str, id: str = "", **more: Any) -> str:
        return str(self._vendor.edit({"action": action, "object": object, "id": id, **more})["id"])

    def _changes(self, chance: random.Random, object: str, now: float) -> dict[str, str]:
        owner = chance.choice(self._owners)
        return {
            "companies": {"industry": chance.choice(INDUSTRIES) or "", "name": f"N{chance.random()}"},
            "contacts": {"jobtitle": chance.choice(TITLES) or "", "hubspot_owner_id": owner},
            "leads": {"hs_lead_name": f"L{chance.random()}"},
            "deals": {"amount": str(chance.randrange(9_999))},
            "calls": {"hs_timestamp": _iso(now - 60)},
            "web_events": {"event_type": chance.choice(VISITS), "occurred_at": _iso(now - 60)},
        }[object]

    def _update(self, chance: random.Random, now: float) -> str:
        kind = chance.choice([name for name, ids in self._ids.living.items() if ids])
        self._edit("update", kind, self._ids.one(chance, kind), fields=self._changes(chance, kind, now))
        return f"update {kind}"

    def _import(self, chance: random.Random) -> str:
        for _ in range(IMPORTED):
            fields = {"jobtitle": f"Imported {chance.random()}"}
            self._edit("update", "contacts", self._ids.one(chance, "contacts"), fields=fields)
        return "import contacts"

    def _create(self, chance: random.Random, now: float) -> str:
        kind = chance.choice(["companies", "contacts", "leads", "web_events"])
        fields: dict[str, dict[str, str]] = {
            "companies": {"name": f"New {chance.random()}"},
            "contacts": {"lastname": "New", "email": f"n{chance.random()}@new.example"},
            "leads": {"hs_lead_name": "New"},
            "web_events": {"event_type": "pricing_page", "occurred_at": _iso(now)},
        }
        links = {"companies": [self._ids.one(chance, "companies")]} if kind == "contacts" else {}
        if kind in {"leads", "web_events"}:
            links = {"contacts": [self._ids.one(chance, "contacts")]}
        self._ids.living[kind].append(self._edit("create", kind, fields=fields[kind], links=links))
        return f"create {kind}"

    def _delete(self, chance: random.Random, now: float) -> str:
        kind = chance.choice(["companies", "contacts", "contacts", "leads", "deals", "calls", "web_events"])
        record = self._ids.taken(chance, kind)
        self._edit("delete", kind, record)
        self._ids.binned[kind].append(record)
        return f"delete {kind}"

    def _restore(self, chance: random.Random, now: float) -> str:
        kind = chance.choice([name for name, ids in self._ids.binned.items() if ids] or ["contacts"])
        record = self._ids.back(chance, kind)
        self._edit("restore", kind, record)
        self._ids.living[kind].append(record)
        return f"restore {kind}"

    def _merge(self, chance: random.Random, now: float) -> str:
        kind, new = chance.choice(["companies", "contacts", "contacts"]), chance.random() < 0.5
        loser = self._ids.taken(chance, kind)
        winner = self._ids.taken(chance, kind)
        self._ids.living[kind].append(self._edit("merge", kind, loser, into=winner, new_id=new))
        return f"merge {kind}{' into a new one' if new else ''}"

    def _link(self, chance: random.Random, now: float) -> str:
        contact, company = self._ids.one(chance, "contacts"), self._ids.one(chance, "companies")
        action, silent = chance.choice(["link", "unlink"]), self._silent and chance.random() < 0.7
        primary = action == "link" and chance.random() < 0.5
        if action == "unlink":
            held = self._vendor.portal.links.of("contacts", int(contact), "companies")
            company = str(chance.choice(list(held))) if held else company
        self._edit(action, "contacts", contact, links={"companies": [company]}, silent=silent, primary=primary)
        return f"{action} contacts{' silently' if silent else ''}"


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Storm:
    """After every `every`-th call `edits` things happen. It blows while `blowing` is set.

    Between two edits the vendor's clock stands or moves on by up to three seconds: many stamps are equal.
    """

    def __init__(
        self, keyboard: Keyboard, clock: SandboxClock, *, seed: object, every: int = 1, edits: int = 4
    ) -> None:
        self.blowing = False
        self.done: Counter[str] = Counter()
        self.refused = 0
        self._keyboard, self._clock = keyboard, clock
        self._chance = random.Random(f"storm {seed}")
        self._every, self._edits, self._calls = every, edits, 0

    def after_a_call(self) -> None:
        """A reply has left."""
        self._calls += 1
        if self.blowing and self._calls % self._every == 0:
            self.blow(self._edits)

    def blow(self, edits: int) -> None:
        """So many edits, at once."""
        for _ in range(edits):
            try:
                self.done[self._keyboard.act(self._chance, self._clock.now())] += 1
            except ValueError:  # the CRM does not let them: the record is gone, or converted
                self.refused += 1
            self._clock.advance(self._chance.choice((0, 0, 0, 0.001, 0.4, 1, 3)))


class Exposed:
    """A vendor whose calls are followed by a storm, once there is one."""

    def __init__(self, vendor: VendorSandbox) -> None:
        self.name = vendor.name
        self.inner = vendor
        self.after_a_call: Callable[[], None] = lambda: None
        self._app: ASGIApp = Starlette(routes=list(vendor.routes()))

    def routes(self) -> Sequence[BaseRoute]:
        return [Mount("", app=self._answer)]

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)
        self.after_a_call()

    def fault_response(self, status: int, code: str | None) -> Response:
        return self.inner.fault_response(status, code)

    def credentials(self, base_url: str) -> dict[str, str]:
        return self.inner.credentials(base_url)

    def unassigned_owners(self) -> Sequence[str]:
        return self.inner.unassigned_owners()

    def state(self) -> Mapping[str, list[dict[str, Any]]]:
        return self.inner.state()

    def edit(self, command: Mapping[str, Any]) -> dict[str, Any]:
        return self.inner.edit(command)


def exposed(factory: VendorFactory) -> VendorFactory:
    """The factory of the same sandbox, out in the weather."""

    def make(world: World, clock: SandboxClock, faults: Faults) -> VendorSandbox:
        return Exposed(factory(world, clock, faults))

    return make
