"""Reading a CRM in bad weather, with a worker that dies, and what must be stored afterwards.

The proof goes around everything between CRM and store: the sandbox's own state is normalized in
`tests/recompute.py`, and every living row of both sides is hashed here.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice, product
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Engine, select
from tests.recompute import Truth
from tests.stage import DAY, NOW, sandbox_factory
from tests.storm import Exposed, Keyboard, OrgKeyboard, PortalKeyboard, Storm, exposed

from leadline import config, registry
from leadline.app.bootstrap import LiveConnection, Project, load_mapping_file, load_model_file
from leadline.app.events import Event, PageStored
from leadline.app.pull import pull_all
from leadline.app.scaffold import scaffold
from leadline.core.entities import FIELDS, Entity, Kind
from leadline.core.normalize.mapping import Mapping as FieldMapping
from leadline.sdk.ports import CallMade, Runtime
from leadline.sdk.sandbox.bundle import generate
from leadline.sdk.sandbox.crowd import crowd
from leadline.sdk.sandbox.server import RunningSandbox, running
from leadline.sdk.sandbox.world import World
from leadline.store.database import open_engine
from leadline.store.tables import ENTITY_TABLES

OVERLAP = 60
"""Seconds of both connectors' overlap here: how long a change may stay unseen after its stamp."""
CHUNK = 5_000
REREAD = 10_000
"""Records that one pull of HubSpot reads again for the sake of their associations."""

OPTIONS: dict[str, dict[str, Any]] = {
    "salesforce": {"overlap_seconds": OVERLAP},
    "hubspot": {
        "rates": {"calls_per_10_seconds": 10**6, "searches_per_second": 10**6},
        "overlap_seconds": OVERLAP,
        "links_reread_hours": 24,
    },
}
LINKS = {entity: {each.name for each in fields if each.kind is Kind.LINK} for entity, fields in FIELDS.items()}
_LISTS = {entity: {each.name for each in fields if each.kind is Kind.LIST} for entity, fields in FIELDS.items()}
_MARKS = frozenset(
    {"digest", "row_digest", "modified_at", "read_at", "known_since", "deleted", "merged_into", "connection"}
)


class DiedError(Exception):
    """The process was killed."""


@dataclass
class Fate:
    """How many steps a worker lives, for ever when None.

    A step is a reading of its clock (before a call, before or within a transaction) or a page stored. Once
    dead, no thread of it gets any further.
    """

    steps: int | None = None

    def meet(self) -> None:
        if self.steps is None:
            return
        self.steps -= 1
        if self.steps <= 0:
            raise DiedError


Contents = dict[str, dict[str, bytes]]
Allowed = dict[str, dict[str, set[bytes]]]


@dataclass
class Reader:
    """A project that reads one CRM. A worker that died is followed by a new one.

    `credentials` are those that the sandbox gives out, `now` is the time of the worker, in seconds.
    """

    folder: Path
    system: str
    credentials: Mapping[str, Any]
    now: Callable[[], float]
    chance: random.Random
    engine: Engine = field(init=False)
    mapping: FieldMapping = field(init=False)
    deaths: int = 0
    pages: int = 0
    calls: int = 0

    def __post_init__(self) -> None:
        scaffold(self.folder, force=True)
        self._settings = config.load(self.folder, environ={})
        self.engine = open_engine(self._settings.database_url, folder=self.folder)
        self.mapping = mapping_of(self.folder, self.system)

    def pull(self, *, deaths: int = 0) -> None:
        """Read what is new to the end; the worker dies so many times before."""
        for _ in range(deaths):
            with suppress(DiedError):
                self._life(Fate(self.chance.randint(4, 40)))
                return
            self.deaths += 1
        self._life(Fate())

    def _life(self, fate: Fate) -> None:
        def now() -> int:
            fate.meet()
            return int(self.now())

        def hear(event: Event) -> None:
            if isinstance(event, PageStored):
                self.pages += 1
                fate.meet()

        with self._project(now) as project:
            read = pull_all(project, hear)
            assert read == [self.system]

    @contextmanager
    def _project(self, now: Callable[[], int]) -> Iterator[Project]:
        """The project as a new process opens it."""
        connector = registry.load(self.system)
        runtime = Runtime(self.system, lambda: int(self.now()), lambda _: None, on_call=self._count)
        connection = registry.connect(self.system, {**self.credentials, **OPTIONS[self.system]}, runtime)
        live = LiveConnection(self.system, connector, connection, self.mapping, "digest")
        model = load_model_file(self.folder / "models/b2b.yaml")
        try:
            yield Project(self._settings, self.engine, model, {self.system: live}, now, lambda _: None)
        finally:
            connection.close()

    def _count(self, _call: CallMade) -> None:
        self.calls += 1

    def stored(self, *, links: bool = True) -> Contents:
        """Living rows of the store: their contents' hashes by uid, by object; without `links`, of all but those."""
        found: Contents = {name: {} for name in self.mapping.objects}
        with self.engine.begin() as connection:
            for entity, table in ENTITY_TABLES.items():
                living = select(table).where(table.c.deleted.is_(False)).execution_options(yield_per=CHUNK)
                for row in connection.execute(living).mappings():
                    plain = {str(name): value for name, value in row.items()}
                    found[plain["object"]][plain["uid"]] = content(plain, entity, links=links)
        return found


def mapping_of(folder: Path, system: str) -> FieldMapping:
    """The mapping of a project for that system."""
    return load_mapping_file(folder / "mappings" / f"{system}.yaml")


def contents(
    system: str,
    state: Mapping[str, Iterable[Mapping[str, Any]]],
    mapping: FieldMapping,
    merged: Mapping[str, str],
    *,
    links: bool = True,
) -> Allowed:
    """What should be stored of a CRM in this state. `merged`: see `merges_of`."""
    found: Allowed = {name: {} for name in mapping.objects}
    for name in mapping.objects:
        rows = iter(state[name])
        while chunk := list(islice(rows, CHUNK)):
            for entity, made in Truth.of(system, {name: chunk}, mapping).rows.items():
                for uid, row in made.items():
                    found[name][uid] = {content(led, entity, links=links) for led in followed(row, entity, merged)}
    return found


def differing(stored: Contents, there: Allowed) -> dict[str, dict[str, Any]]:
    """By object: what is missing, what is too much, what is not the same. Empty when all is well."""
    assert sum(map(len, there.values())) > 0
    found = {}
    for name, rows in there.items():
        held = stored[name]
        parts = {
            "missing": sorted(rows.keys() - held.keys()),
            "too much": sorted(held.keys() - rows.keys()),
            "wrong": sorted(uid for uid in rows.keys() & held.keys() if held[uid] not in rows[uid]),
        }
        if any(parts.values()):
            found[name] = {what: (len(uids), uids[:3]) for what, uids in parts.items() if uids}
    return found


def merges_of(system: str, state: Mapping[str, Iterable[Mapping[str, Any]]]) -> dict[str, str]:
    """What merged records were merged into, by uid, in a CRM that keeps them."""
    return {
        f"{system}/{name}/{row['Id']}": f"{system}/{name}/{row['MasterRecordId']}"
        for name, rows in state.items()
        for row in rows
        if row.get("MasterRecordId")
    }


def followed(row: Mapping[str, Any], entity: Entity, merged: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The row, and the same with links to merged records led on.

    Not every link to a merged record is moved by the CRM: a row that was in the recycle bin then keeps its own.
    The store leads such links towards the survivor, as far as it knows the records on the way.
    """
    ways = []
    for link in LINKS[entity]:
        way = [row[link]]
        while way[-1] in merged:
            way.append(merged[way[-1]])
        ways.append([(link, uid) for uid in way])
    for led in product(*ways):
        yield {**row, **dict(led)}


def content(row: Mapping[str, Any], entity: Entity, *, links: bool = True) -> bytes:
    """Hash of what a canonical row says: all but times of reading, and lists and write-back fields in one spelling."""
    said = {}
    left_out = _MARKS if links else _MARKS | LINKS[entity]
    for name, value in row.items():
        if name in left_out:
            continue
        if name in _LISTS[entity] or name == "crm":
            said[name] = orjson.loads(value) if isinstance(value, str) else value
        else:
            said[name] = value
    return hashlib.blake2b(orjson.dumps(said, option=orjson.OPT_SORT_KEYS), digest_size=12).digest()


@dataclass
class Weather:
    """A CRM that is being read in a storm."""

    reader: Reader
    storm: Storm
    crm: RunningSandbox

    def live_through(self, pulls: int, *, deaths: int = 3) -> None:
        """So many pulls in the storm: the first from nothing, each from where the one before ended.

        In each the worker dies up to `deaths` times: less often where it reads to the end before.
        """
        self.storm.blowing = True
        for _ in range(pulls):
            self.reader.pull(deaths=deaths)
        self.storm.blowing = False

    def differences(self, *, links: bool = True) -> dict[str, dict[str, Any]]:
        """How the store differs from the CRM. Empty when all is well."""
        system, state = self.reader.system, self.crm.vendor.state()
        there = contents(system, state, self.reader.mapping, merges_of(system, state), links=links)
        return differing(self.reader.stored(links=links), there)

    def calm(self, seconds: float = OVERLAP) -> None:
        """The storm is over, and time has passed: late transactions are committed, search has caught up."""
        self.crm.clock.advance(seconds)

    def read_again(self) -> int:
        """Let the time come at which HubSpot's associations are read again, and read. The pulls that it took."""
        self.crm.clock.advance(DAY)
        pulls = rereads(self.reader.stored())
        for _ in range(pulls):
            self.reader.pull()
        return pulls


def rereads(stored: Contents) -> int:
    """How many pulls of HubSpot it takes to read all of the largest object again."""
    return max(map(len, stored.values())) // REREAD + 1


def keyboard(system: str, exposed_vendor: Exposed, *, silent: bool = False) -> Keyboard:
    """Where people of that CRM sit."""
    inner: Any = exposed_vendor.inner
    return OrgKeyboard(inner) if system == "salesforce" else PortalKeyboard(inner, silent=silent)


def mixed(records: int, *, seed: int) -> World:
    """A world of about so many records (3,000 at least) with leads, deals and activities among them."""
    rich = generate(120, seed=seed, now=NOW)
    plain = crowd(records // 7, records - records // 7 - sum(rich.counts().values()), seed=seed, now=NOW)
    return World(
        now=NOW,
        companies=[*rich.companies, *plain.companies],
        contacts=[*rich.contacts, *plain.contacts],
        leads=rich.leads,
        deals=rich.deals,
        activities=rich.activities,
        reps=[*{rep.id: rep for rep in (*plain.reps, *rich.reps)}.values()],
    )


@contextmanager
def weather(
    folder: Path,
    system: str,
    world: World,
    *,
    seed: int,
    options: Mapping[str, Any] | None = None,
    lag: float = 0.0,
    skew: float = 0.0,
    silent: bool = False,
    page: int | None = None,
    every: int = 1,
    edits: int = 4,
) -> Iterator[Weather]:
    """Serve the world in a storm that is not blowing yet, and a reader that has read nothing.

    `lag`: seconds that search trails behind; `skew`: seconds that the vendor's clock is ahead;
    `page`: rows that Salesforce puts on a page, if it likes to put fewer than 2,000.
    """
    with ExitStack() as stack:
        crm = stack.enter_context(running(exposed(sandbox_factory(system)), world))
        crm.clock.skew = skew
        crm.clock.advance(max(0.0, -skew))  # no record is younger than its vendor's clock
        vendor: Any = crm.vendor  # what is behind the weather is the system's own sandbox
        if lag:
            vendor.inner.search_lag = lag
        if page:
            vendor.inner.page_size = page
        storm = Storm(keyboard(system, vendor, silent=silent), crm.clock, seed=seed, every=every, edits=edits)
        vendor.after_a_call = storm.after_a_call
        credentials = {**crm.credentials, **(options or {})}
        reader = Reader(folder, system, credentials, crm.clock.unskewed, random.Random(f"fate {seed}"))
        stack.callback(reader.engine.dispose)
        yield Weather(reader, storm, crm)
