"""How far one object has been read, so that nothing is lost and little is read twice.

A row gets its stamp when its transaction begins to write and becomes visible when it commits, so a
row may appear behind rows that were already read, by up to `OVERLAP` seconds. Two facts bound what a
pass can have missed:

* the vendor's time at the start of a pass was at least `newest - duration of the pass`, because the
  newest row existed when the pass ended; so whatever it missed is newer than
  `newest - duration - OVERLAP`, and the next pass begins there;
* a pass that begins `OVERLAP` seconds after `newest` was first seen sees all rows up to it, so when it
  finds nothing newer the overlap is over (`settled`) and an idle object costs one call without rows.

Only differences of the engine's time are used, never a comparison with the vendor's clock.

    none ──▶ reading ──▶ done ──▶ settled
               ▲           │         │
               └───────────┴─────────┘   the next pull
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from leadline.sdk.records import Cursor, Json
from leadline_salesforce.query import After

OVERLAP = 60  # seconds between a row's stamp and its becoming visible


@dataclass(frozen=True, slots=True)
class Progress:
    """Where one pass over an object stands. Times in engine seconds; stamps as SOQL literals.

    `at` is the last row handed over, None when there was none. `began` is set while a pass is under
    way, also across a crash. `resume` is where the next pass begins, `seen_at` when `at` was first
    seen to be the newest row; both None once settled.
    """

    at: After | None = None
    began: int | None = None
    resume: str | None = None
    seen_at: int | None = None

    @classmethod
    def read(cls, cursor: Cursor | None) -> Progress:
        """The progress that a cursor holds."""
        if cursor is None:
            return cls()
        position = cursor.position
        stamp = _text(position, "stamp")
        return cls(
            at=After(stamp, _text(position, "id") or "") if stamp else None,
            began=_whole(position, "began"),
            resume=_text(position, "resume"),
            seen_at=_whole(position, "seen_at"),
        )

    def cursor(self) -> Cursor:
        """The progress as the engine stores it."""
        position: dict[str, Json] = {}
        if self.at is not None:
            position |= {"stamp": self.at.stamp, "id": self.at.id}
        for key, value in (("began", self.began), ("resume", self.resume), ("seen_at", self.seen_at)):
            if value is not None:
                position[key] = value
        return Cursor(position)

    def start(self) -> After | None:
        """The place behind which the next query reads."""
        if self.began is None and self.resume is not None:
            return After(self.resume)
        return self.at

    def reading(self, at: After, began: int) -> Progress:
        """After a page that is not the last."""
        return Progress(at=at, began=began)

    def finished(self, newest: After | None, began: int, now: int) -> Progress:
        """After the last page of a pass that began at `began`; `newest` is the furthest row seen by it or before."""
        if newest is None:
            return Progress()
        if self.began is None and newest == self.at:
            settled = self.seen_at is None or began - self.seen_at >= OVERLAP
            return Progress(at=newest) if settled else self
        return Progress(at=newest, resume=_earlier(newest.stamp, max(0, now - began) + OVERLAP), seen_at=now)


def literal(stamp: str) -> str:
    """A stamp of a reply (`...000+0000`) as a SOQL literal."""
    return stamp.replace("+0000", "Z")


def epoch(stamp: str) -> int:
    """Whole epoch seconds of a stamp in either spelling."""
    return int(datetime.fromisoformat(stamp.replace("+0000", "+00:00")).timestamp())


def _earlier(stamp: str, seconds: int) -> str:
    return datetime.fromtimestamp(epoch(stamp) - seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _text(position: Mapping[str, Json], key: str) -> str | None:
    value = position.get(key)
    return value if isinstance(value, str) else None


def _whole(position: Mapping[str, Json], key: str) -> int | None:
    value = position.get(key)
    return value if isinstance(value, int) else None
