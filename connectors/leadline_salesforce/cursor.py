"""How far one object has been read, so that nothing is lost and little is read twice.

A row gets its stamp when its transaction begins to write and becomes visible when it commits, so a
row may appear behind rows that were already read, by up to `overlap` seconds (the option
`overlap_seconds`). Two facts bound what a
pass can have missed:

* the vendor's time at the start of a pass was at least `newest - duration of the pass`, because the
  newest row existed when the pass ended; so whatever it missed is newer than
  `newest - duration - overlap`, and the next pass begins there;
* a pass that begins `overlap` seconds after `newest` was first seen sees all rows up to it, so when it
  finds nothing newer the overlap is over (`settled`) and an idle object costs one call without rows.

Only differences of the engine's time are used, never a comparison with the vendor's clock.

    none ──▶ reading ──▶ done ──▶ settled
               ▲  │ ▲      │         │
               │  ▼ │      │         │
               │  job      │         │     many rows: a bulk query, whose rows come in no order
               └───────────┴─────────┘     the next pull

A bulk query shows what was committed when its job was made, by the vendor's clock. Whatever changes
later, or became visible late, is newer than `created - overlap`: there reading goes on behind the job.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from leadline.sdk.records import Cursor, Json
from leadline_salesforce.query import After


@dataclass(frozen=True, slots=True)
class JobPlace:
    """Where the results of a bulk query stand.

    `created` is the vendor's stamp of the job. `locator` names the page of results, empty for the
    first; `skip` counts its rows that were handed over. `newest` is the furthest row seen so far.
    """

    id: str
    created: str
    locator: str = ""
    skip: int = 0
    newest: After | None = None

    @classmethod
    def read(cls, position: Json) -> JobPlace | None:
        """The place that a cursor holds, None for none."""
        if not isinstance(position, Mapping):
            return None
        job, created = _text(position, "id"), _text(position, "created")
        if job is None or created is None:
            return None
        return cls(
            job, created, _text(position, "locator") or "", _whole(position, "skip") or 0, _after(position, "newest_")
        )

    def position(self) -> Json:
        """The place as JSON."""
        place: dict[str, Json] = {"id": self.id, "created": self.created, "locator": self.locator, "skip": self.skip}
        return place | _told(self.newest, "newest_")


@dataclass(frozen=True, slots=True)
class Progress:
    """Where one pass over an object stands. Times in engine seconds; stamps as SOQL literals.

    `at` is the last row handed over in order, None when there was none. `began` is set while a pass is
    under way, also across a crash. `resume` is where the next pass begins, `seen_at` when `at` was first
    seen to be the newest row; both None once settled. `job` is the bulk query that reads what is behind
    `at`. `full_at` is when the last pass over all rows began.
    """

    at: After | None = None
    began: int | None = None
    resume: str | None = None
    seen_at: int | None = None
    job: JobPlace | None = None
    full_at: int | None = None

    @classmethod
    def read(cls, cursor: Cursor | None) -> Progress:
        """The progress that a cursor holds."""
        if cursor is None:
            return cls()
        position = cursor.position
        return cls(
            at=_after(position),
            began=_whole(position, "began"),
            resume=_text(position, "resume"),
            seen_at=_whole(position, "seen_at"),
            job=JobPlace.read(position.get("job")),
            full_at=_whole(position, "full_at"),
        )

    def cursor(self) -> Cursor:
        """The progress as the engine stores it."""
        position: dict[str, Json] = _told(self.at)
        job = self.job.position() if self.job else None
        for key, value in (
            ("began", self.began),
            ("resume", self.resume),
            ("seen_at", self.seen_at),
            ("job", job),
            ("full_at", self.full_at),
        ):
            if value is not None:
                position[key] = value
        return Cursor(position)

    def start(self) -> After | None:
        """The place behind which the next query reads."""
        if self.began is None and self.resume is not None:
            return After(self.resume)
        return self.at

    def reading(self, at: After | None, began: int) -> Progress:
        """After a page that is not the last."""
        return Progress(at=at, began=began, full_at=self.full_at)

    def anew(self, now: int) -> Progress:
        """The start of a pass over all rows."""
        return Progress(began=now, full_at=now)

    def collected(self, now: int, overlap: int) -> Progress:
        """After the last row of the job: reading goes on with what its snapshot may lack."""
        if self.job is None:
            return self
        newest = later(self.at, self.job.newest)
        return Progress(at=newest, resume=_earlier(self.job.created, overlap), seen_at=now, full_at=self.full_at)

    def finished(self, newest: After | None, began: int, now: int, overlap: int) -> Progress:
        """After the last page of a pass that began at `began`; `newest` is the furthest row seen by it or before."""
        if newest is None:
            return Progress(full_at=self.full_at)
        if self.began is None and newest == self.at:
            settled = self.seen_at is None or began - self.seen_at >= overlap
            return Progress(at=newest, full_at=self.full_at) if settled else self
        resume = _earlier(newest.stamp, max(0, now - began) + overlap)
        return Progress(at=newest, resume=resume, seen_at=now, full_at=self.full_at)


def later(one: After | None, other: After | None) -> After | None:
    """The further of two places."""
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda after: (epoch(after.stamp), after.id))


def literal(stamp: str) -> str:
    """A stamp of a reply (`...000+0000`, `...000Z` in CSV) as a SOQL literal."""
    return stamp.replace("+0000", "Z")


def epoch(stamp: str) -> int:
    """Whole epoch seconds of a stamp in either spelling."""
    return int(datetime.fromisoformat(stamp.replace("+0000", "+00:00")).timestamp())


def stamp(seconds: int) -> str:
    """Epoch seconds as a SOQL literal."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _earlier(literal: str, seconds: int) -> str:
    return stamp(epoch(literal) - seconds)


def _text(position: Mapping[str, Json], key: str) -> str | None:
    value = position.get(key)
    return value if isinstance(value, str) else None


def _whole(position: Mapping[str, Json], key: str) -> int | None:
    value = position.get(key)
    return value if isinstance(value, int) else None


def _after(position: Mapping[str, Json], prefix: str = "") -> After | None:
    stamp = _text(position, f"{prefix}stamp")
    return After(stamp, _text(position, f"{prefix}id") or "") if stamp else None


def _told(after: After | None, prefix: str = "") -> dict[str, Json]:
    return {} if after is None else {f"{prefix}stamp": after.stamp, f"{prefix}id": after.id}
