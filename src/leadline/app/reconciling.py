"""The proof that nothing was lost, on a real CRM: what is stored, beside what the CRM shows now.

For each object that the mapping reads:

    its living records by the CRM's own count        against the stored living rows
    a sample of stored rows, read again by id        normalized, against their contents
    or, of everything, one whole read                against contents, and whatever is on one side only

What differs has not been lost when the next sync brings it. That is not judged by clocks: the next read is
made here, from where the last one ended, and thrown away. Nothing is written to a CRM. Whatever cannot be
proved is named, with the reason.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from leadline.app.failures import as_one
from leadline.app.pull import make_request
from leadline.core import entities
from leadline.core.entities import Entity
from leadline.core.normalize.apply import normalize
from leadline.sdk.errors import LeadlineError, PermanentError
from leadline.sdk.records import Cursor, Estimate, Notice, PullRequest, RawRecord
from leadline.store import notices
from leadline.store.comparing import Difference, compare_rows, count_living, distrust, living_ids, which_live
from leadline.store.records import load_cursor

if TYPE_CHECKING:
    from leadline.app.bootstrap import LiveConnection, Project

SAMPLE = 200
"""Rows of an object that are read again, unless told otherwise: with none of them wrong, fewer than 15 of 1,000
rows are, in 95 of 100 cases (0.05 ** (1 / 200))."""
EXAMPLES = 5
_INDEX_LAG = 900
"""Seconds within which a change may not be in a search index yet: too young to be missed by the next read."""
_BATCH = 500  # records read and compared at once
_MEND = "`leadline doctor --reconcile --mend`, then `leadline sync`, reads these records again."
_MEND_ALL = "There may be more outside the sample: `--sample all --mend`, then `leadline sync`, reads them all again."
_NAME = "`leadline doctor --reconcile --sample all` finds out which."


@dataclass(frozen=True, slots=True)
class Checked:
    """Some more records of an object were looked at; `total` of them are expected, None when nobody knows."""

    connection: str
    object: str
    records: int
    total: int | None


@dataclass(frozen=True, slots=True)
class Line:
    """One object. `in_crm`: living records by the CRM's count, None when it does not tell; the others count rows.

    `sampled` were compared: `equal` are, `changed` differ and will be read, `wrong` differ for good.
    """

    connection: str
    object: str
    in_crm: int | None
    stored: int
    sampled: int = 0
    equal: int = 0
    changed: int = 0
    wrong: int = 0


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong with `records` records of an object; `ids` names some of them, as the CRM does."""

    connection: str
    object: str
    what: str
    records: int
    ids: tuple[str, ...]
    detail: str
    fix: str


@dataclass(frozen=True, slots=True)
class Gap:
    """What could not be proved, and why."""

    connection: str
    object: str
    reason: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found. `seed` draws the same sample again; `mended` records are read by id by the next sync."""

    seed: int
    lines: list[Line] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    failures: dict[str, LeadlineError] = field(default_factory=dict)
    mended: int = 0

    @property
    def partial(self) -> bool:
        """Whether some rows were not looked at."""
        return any(line.sampled < line.stored for line in self.lines)

    @property
    def failure(self) -> LeadlineError | None:
        """Why connections could not be asked, as one error."""
        return as_one(self.failures)


Listener = Callable[[Checked], None]


def reconcile(
    project: Project, listener: Listener, *, sample: int | None = SAMPLE, seed: int = 0, mend: bool = False
) -> Proof:
    """Compare what is stored with the CRMs, object by object; `sample` None compares everything.

    `mend` has the records that are wrong read by id by the next sync. A connection that cannot be asked
    is told in `failures` and stops no other.
    """
    lines: list[Line] = []
    faults: list[Fault] = []
    gaps: list[Gap] = []
    failures: dict[str, LeadlineError] = {}
    mended = 0
    for name, live in project.connections.items():
        for kind in live.mapping.objects:
            chance = random.Random(f"{seed} {name}/{kind}")  # noqa: S311 - a sample, no secret
            examined = _Object(project, live, kind, listener, chance)
            try:
                lines.append(examined.prove(sample))
            except PermanentError as error:
                gaps.append(Gap(name, kind, f"the CRM refused to show it: {error}"))
            except LeadlineError as error:
                failures[name] = error
                gaps.append(
                    Gap(name, kind, f"the CRM could not be asked: {error}; the objects after it were not asked")
                )
                break
            faults += examined.faults
            gaps += examined.gaps
            mended += examined.mend() if mend else 0
    return Proof(seed, lines, faults, gaps, failures, mended)


class _Object:
    """The proof of one object."""

    def __init__(
        self, project: Project, live: LiveConnection, object: str, listener: Listener, chance: random.Random
    ) -> None:
        self._project = project
        self._live = live
        self._object = object
        self._mapping = live.mapping.objects[object]
        self._entity: Entity = self._mapping.entity
        self._prefix = entities.uid(live.name, object, "")
        self._listener = listener
        self._chance = chance
        self._asked, self._digest = make_request(project, live, object)
        self._wrong: dict[str, Difference] = {}
        self._drifted: set[str] = set()
        self._fix = _MEND
        self.faults: list[Fault] = []
        self.gaps: list[Gap] = []

    def prove(self, sample: int | None) -> Line:
        """Count, compare, judge. PermanentError when the CRM refuses, other errors when it cannot be asked."""
        with self._project.reading().begin() as connection:
            cursor = load_cursor(connection, self._live.name, self._object)
            stored = count_living(connection, self._entity, self._live.name, self._object)
        if cursor is None or not cursor.complete or cursor.request_digest != self._digest:
            self._gap("it has not been read to its end with this mapping yet; the next `leadline sync` does")
            return Line(self._live.name, self._object, None, stored)
        estimate = self._live.connection.count(self._asked)
        compared, differing = (0, self._whole(estimate)) if sample is None else self._sampled(sample, of=stored)
        coming: dict[str, bool] = {}
        if sample is None:
            compared = stored + sum(each.missing for each in differing.values())
        if differing or estimate.living not in (None, stored):
            coming = self._coming(replace(self._asked, cursor=Cursor(cursor.position)))
        settled = self._project.now() - _INDEX_LAG
        lost = {
            uid: each
            for uid, each in differing.items()
            if each.damaged or (uid not in coming and each.modified_at < settled)
        }
        self._drifted = {uid for uid, each in lost.items() if each.drifted}
        self._wrong = {uid: each for uid, each in lost.items() if not each.drifted}
        self._tell()
        self._counted(estimate, stored, coming, whole=sample is None)
        changed = len(differing) - len(self._wrong)
        equal = compared - len(differing)
        return Line(self._live.name, self._object, estimate.living, stored, compared, equal, changed, len(self._wrong))

    def mend(self) -> int:
        """Have what is wrong read by id by the next sync, and believed whatever is stored. Returns how many."""
        uids = {*self._wrong, *self._drifted}
        named = [Notice(self._object, uid.removeprefix(self._prefix)) for uid in sorted(uids)]
        with self._project.writing() as connection:
            distrust(connection, self._entity, uids)
            return notices.note(connection, self._live.name, named, now=self._project.now())

    def _gap(self, reason: str) -> None:
        self.gaps.append(Gap(self._live.name, self._object, reason))

    # --- comparing

    def _sampled(self, sample: int, *, of: int) -> tuple[int, dict[str, Difference]]:
        """(rows compared, differences by uid) of stored rows drawn at random, each as likely as any other."""
        with self._project.reading().begin() as connection:
            drawn = self._drawn(living_ids(connection, self._entity, self._live.name, self._object), sample)
        differing: dict[str, Difference] = {}
        compared = 0
        for ids in _batches(drawn):
            try:
                records = self._live.connection.fetch(self._asked, ids)
            except PermanentError as error:
                self._gap(
                    f"contents: its records cannot be read by id ({error.message}); `--sample all` reads it whole"
                )
                return 0, {}
            compared += len(records)
            differing |= self._compared(records)
            self._listener(Checked(self._live.name, self._object, len(records), len(drawn)))
        if len(drawn) < of:
            self._gap(f"the contents of {of - len(drawn):,} rows outside the sample")
            self._fix = _MEND_ALL
        return compared, differing

    def _drawn(self, ids: Iterable[str], size: int) -> list[str]:
        """Reservoir sampling: one walk, nothing else held."""
        drawn: list[str] = []
        for number, each in enumerate(ids):
            if number < size:
                drawn.append(each)
            elif (place := self._chance.randrange(number + 1)) < size:
                drawn[place] = each
        return drawn

    def _whole(self, estimate: Estimate) -> dict[str, Difference]:
        """Differences by uid of everything: one read of the object, and what is stored besides."""
        differing: dict[str, Difference] = {}
        seen: set[str] = set()
        for page in self._live.connection.pull(self._asked):
            differing |= self._compared(page.records)
            seen.update(record.id for record in page.records)
            self._listener(Checked(self._live.name, self._object, len(page.records), estimate.records or None))
        with self._project.reading().begin() as connection:
            stored = living_ids(connection, self._entity, self._live.name, self._object)
            unseen = [each for each in stored if each not in seen]
        try:
            for ids in _batches(unseen):
                differing |= self._compared(self._live.connection.fetch(self._asked, ids))
        except PermanentError:
            self._gap(f"{len(unseen)} stored rows that a whole read does not show: they cannot be read by id")
        return differing

    def _compared(self, records: Sequence[RawRecord]) -> dict[str, Difference]:
        rows = normalize(self._mapping, self._live.name, self._object, records, self._project.now()).rows
        with self._project.writing() as connection:
            return compare_rows(connection, self._entity, rows)

    def _coming(self, asked: PullRequest) -> dict[str, bool]:
        """Records that the next sync would read, by uid, each with whether it is living."""
        found: dict[str, bool] = {}
        for page in self._live.connection.pull(asked):
            rows = normalize(self._mapping, self._live.name, self._object, page.records, self._project.now()).rows
            found.update((row["uid"], not row["deleted"]) for row in rows)
        return found

    # --- judging

    def _tell(self) -> None:
        """One fault for each way in which records are wrong."""
        if self._drifted:
            self._gap(
                f"{len(self._drifted):,} rows whose associations have changed without moving a stamp: "
                "the connector finds those when it reads all of them again; `--mend` does so at once"
            )
        parts: dict[str, list[str]] = {"missing": [], "deleted in the CRM": [], "damaged": [], "differs": []}
        for uid, each in sorted(self._wrong.items()):
            kind = "damaged" if each.damaged and not each.gone else "differs"
            kind = "missing" if each.missing else "deleted in the CRM" if each.gone else kind
            parts[kind].append(uid.removeprefix(self._prefix))
        for what, ids in parts.items():
            if ids:
                self._fault(what, len(ids), ids, self._detail(what))

    def _detail(self, what: str) -> str:
        columns = sorted({name for each in self._wrong.values() for name in each.columns})
        shown = ", ".join(columns) or "none that the CRM shows"
        return {
            "missing": "living in the CRM and not stored; the next sync would not read it",
            "deleted in the CRM": "stored as living; the next sync would not notice",
            "damaged": f"changed in the database after it was stored; fields: {shown}",
            "differs": f"the CRM holds something else and the next sync would not notice; fields: {shown}",
        }[what]

    def _fault(self, what: str, records: int, ids: Iterable[str], detail: str, fix: str = "") -> None:
        some = tuple(ids)[:EXAMPLES]
        self.faults.append(Fault(self._live.name, self._object, what, records, some, detail, fix or self._fix))

    def _counted(self, estimate: Estimate, stored: int, coming: Mapping[str, bool], *, whole: bool) -> None:
        """Whether the CRM's count agrees with what is stored and what is on its way."""
        if whole:
            return  # every record was looked at
        if estimate.living is None:
            self._gap("the number of records: the CRM does not tell it")
            return
        if self._mapping.skips:
            self._gap("the number of records: the mapping leaves some out (skip_when), and the CRM counts them")
            return
        with self._project.reading().begin() as connection:
            here = which_live(connection, self._entity, coming)
        new = sum(living and uid not in here for uid, living in coming.items())
        gone = sum(not living and uid in here for uid, living in coming.items())
        off = estimate.living - (stored + new - gone)
        if off and not estimate.exact:
            self._gap(f"the number of records: the CRM's count of {estimate.living:,} is only its guess")
        elif off > 0:
            self._fault("missing", off, (), "the CRM counts more living records than are stored", _NAME)
        elif off < 0:
            self._fault("too many", -off, (), "more living records are stored than the CRM counts", _NAME)


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _BATCH):
        yield ids[start : start + _BATCH]
