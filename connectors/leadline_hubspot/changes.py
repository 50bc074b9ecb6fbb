"""Incremental reads: what changed, was archived or merged since a moment of the vendor's own time.

    {"mode": "changes", "since": ms, "archived": {"mark": ms, "ids": ["id@ms"]},     where a read starts
     "seen": n, "top": ms,                                                       what the last one saw from there on
     "began": ms, "stamp": ms, "held": [ids], "tie": id,                         where an unfinished one stands
     "relinked": ms, "relink": {...}}                                            see `relinks`

A read starts `overlap` before the vendor's time at which the last one began: whatever was stamped
earlier had reached the index by then. Each query goes on from the last stamp and leaves out the ids
already held at it; more rows at one millisecond than a query can leave out are walked by id.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from leadline.sdk.errors import PermanentError
from leadline.sdk.records import Cursor, Page, PullRequest, RawRecord
from leadline_hubspot import search
from leadline_hubspot.answers import next_after, results_of
from leadline_hubspot.client import PATHS, Answer, Client
from leadline_hubspot.links import BATCH, with_links
from leadline_hubspot.relinks import KEPT
from leadline_hubspot.snapshot import LIST_PAGE, complete, searchable
from leadline_hubspot.values import MERGEABLE, MERGED, merged_into, millis, stamp_of, to_records, wanted_properties

Row: TypeAlias = Mapping[str, Any]
_REMEMBERED = 500  # acts of archiving kept in a cursor so as not to tell of them twice
# A bin of more pages than this is not read by every pull: then its pages cost one call in three seconds.
_SMALL_BIN = 50
_BIN_MILLIS_A_PAGE = 3_000


def start(began: int, overlap: int) -> Cursor:
    """The cursor to hand over with the last page of a first read that began at `began` (milliseconds)."""
    # From the beginning of the bin: an earlier read, with another mapping, may have stored what is in it now.
    return Cursor(
        {
            "mode": "changes",
            "since": began - overlap,
            "archived": {"mark": 0, "ids": []},
            "seen": None,
            "relinked": began,
        }
    )


@dataclass(frozen=True, slots=True)
class _Walk:
    """How far a read has come: the stamp, ids held at it, and the last id of a walk through a tie."""

    stamp: int
    held: tuple[str, ...] = ()
    tie: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {"stamp": self.stamp, "held": list(self.held), "tie": self.tie}


@dataclass
class _Seen:
    """Stamps of the records of the window that the next read will look at again."""

    since: int
    stamps: dict[str, int] = field(default_factory=dict)
    whole: bool = True  # False when the read went on from the middle, so that a count would be short

    def add(self, record_id: str, stamp: int) -> None:
        if stamp >= self.since:
            self.stamps[record_id] = stamp

    def as_json(self) -> dict[str, Any]:
        if not self.whole:
            return {"seen": None}
        return {"seen": len(self.stamps), "top": max(self.stamps.values(), default=0)}


class Changes:
    """One incremental read of one object."""

    def __init__(self, client: Client, request: PullRequest, overlap: int) -> None:
        self._client = client
        self._request = request
        self._overlap = overlap
        self._position: Mapping[str, Any] = dict(request.cursor.position) if request.cursor else {}
        self._names = wanted_properties(request.object, request.fields)
        self._path = PATHS["objects"].format(object=request.object)
        self._began: int | None = self._position.get("began")
        self._resumed = self._position.get("stamp") is not None
        self._told_before = frozenset(self._position.get("archived", {}).get("ids", ()))
        self._bin_read = 0  # the vendor's time at which the recycle bin was read
        self._living: set[str] = set()  # ids that search told of; it may trail behind the recycle bin
        self._carried: dict[str, Any] = {name: self._position[name] for name in KEPT if name in self._position}

    def pages(self) -> Iterator[Page]:
        """Changed records in pages of up to a thousand, then archived ones, the last with the final cursor."""
        if self._nothing_new():
            looked_at: dict[str, Any] = {name: self._position[name] for name in ("since", "seen", "top")}
        else:
            seen = yield from self._changed()
            looked_at = {"since": seen.since, **seen.as_json()}
        yield from self._binned(looked_at)

    def _search(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = self._client.read(f"{self._path}/search", request, bucket="search")
        if self._began is None:
            self._began = answer.at if answer.at is not None else self._request.now * 1000
        body: Mapping[str, Any] = answer.body
        return body

    def _nothing_new(self) -> bool:
        """Whether the window that would be read again holds just what it held.

        Asked only when reading it again would take more than the one call that asking takes, and believed only
        until the index has caught up: of a record that changed twice it may show the second change after younger
        ones, which neither the number of records nor the newest of them tells.
        """
        seen = self._position.get("seen")
        if seen is None or seen < search.PAGE or self._position.get("stamp") is not None:
            return False
        body = self._search(search.latest_since(self._request.object, self._position["since"]))
        newest = [stamp_of(self._request.object, row) for row in results_of(body)]
        settled = (self._began or 0) >= int(self._position["top"]) + self._overlap
        return bool(not settled and body["total"] == seen and newest == [self._position["top"]])

    # --- changed

    def _changed(self) -> Generator[Page, None, _Seen]:
        """Pages of changed records. Returns what the next read must look at again."""
        walk = _Walk(int(self._position["since"]))
        if self._resumed:
            walk = _Walk(int(self._position["stamp"]), tuple(self._position["held"]), self._position["tie"])
        seen: _Seen | None = None
        more = True
        while more:
            rows: list[Row] = []
            while more and len(rows) < BATCH:
                found, walk, more = self._step(walk)
                rows += found
            if seen is None:
                seen = _Seen((self._began or 0) - self._overlap, whole=not self._resumed)
            for row in rows:
                seen.add(row["id"], stamp_of(self._request.object, row))
                self._living.add(row["id"])
            if rows:
                yield Page(self._records(rows), self._unfinished(walk))
        return seen or _Seen(int(self._position["since"]), whole=False)

    def _step(self, walk: _Walk) -> tuple[list[Row], _Walk, bool]:
        """One query: its rows, how far it came, and whether there may be more."""
        if walk.tie is not None:
            return self._step_in_tie(walk)
        kind = self._request.object
        rows = results_of(self._search(search.changed_since(kind, walk.stamp, walk.held, searchable(self._names))))
        if not rows:
            return rows, walk, False
        last = stamp_of(kind, rows[-1])
        held = tuple(row["id"] for row in rows if stamp_of(kind, row) == last)
        if last == walk.stamp:
            held = (*walk.held, *held)
        following = _Walk(last, held)
        if not search.fits(search.changed_since(kind, last, held, searchable(self._names))):
            following = _Walk(last, held, tie="0")
        return rows, following, len(rows) == search.PAGE

    def _step_in_tie(self, walk: _Walk) -> tuple[list[Row], _Walk, bool]:
        """One query through records of one millisecond, in order of id; those held came before."""
        tie = walk.tie or "0"
        request = search.changed_at(self._request.object, walk.stamp, tie, searchable(self._names))
        try:
            found = results_of(self._search(request))
        except PermanentError:
            return self._list_instead(walk)
        if found and int(found[-1]["id"]) <= int(tie):
            return self._list_instead(walk)
        rows = [row for row in found if row["id"] not in walk.held]
        if len(found) < search.PAGE:
            return rows, _Walk(walk.stamp + 1), True
        return rows, replace(walk, tie=found[-1]["id"]), True

    def _list_instead(self, walk: _Walk) -> tuple[list[Row], _Walk, bool]:
        """Leave a tie that search cannot be walked through to a listing of all records, which follows the changes."""
        self._carried["relink"] = {"mode": "list", "began": self._began, "after": None}
        return [], _Walk(walk.stamp + 1), True

    def _unfinished(self, walk: _Walk) -> Cursor:
        kept = {name: self._position[name] for name in ("since", "archived")}
        return Cursor(
            {"mode": "changes", **self._carried, **kept, "seen": None, "began": self._began, **walk.as_json()}
        )

    def _records(self, rows: list[Row]) -> tuple[RawRecord, ...]:
        request = self._request
        full = complete(self._client, request.object, rows, self._names)
        links = with_links(self._client, request.object, request.links, full)
        return tuple(
            record
            for row in full
            for record in to_records(request.object, row, request.fields, links.get(row["id"], {}))
        )

    # --- archived

    def _binned(self, looked_at: dict[str, Any]) -> Iterator[Page]:
        """Pages of archived records. Whoever dies before the last one reads the bin again."""
        before = self._position["archived"]

        def page(records: Sequence[RawRecord], archived: Mapping[str, Any]) -> Page:
            if records:  # what has left the window may hide from its count what comes into it late
                looked_at["seen"] = None
            return Page(
                tuple(records), Cursor({"mode": "changes", **self._carried, **looked_at, "archived": dict(archived)})
            )

        if self._too_soon(before):
            yield page((), before)
            return
        following, pages, remembered = int(before["mark"]), 0, set[str]()
        records: list[RawRecord] = []
        for answer in self._listing():
            if not pages:
                self._bin_read = answer.at if answer.at is not None else self._request.now * 1000
                following = self._bin_read - self._overlap
            pages += 1
            if len(records) >= BATCH:
                yield page(records, {**before, "ids": []})
                records = []
            for row in results_of(answer.body):
                records += self._news_of(row, following, remembered)
        mark: dict[str, Any] = {"mark": following}
        if pages > _SMALL_BIN:  # reads that leave it out may take what is in it for living
            yield page(records, {**mark, "ids": [], "pages": pages, "read": self._bin_read})
        else:
            yield page(records, {**mark, "ids": sorted(remembered) if len(remembered) <= _REMEMBERED else []})

    def _listing(self) -> Iterator[Answer]:
        """The recycle bin. It is in order of id, so all of it is read: one call when it is all but empty."""
        asked = MERGED if self._request.object in MERGEABLE else "hs_object_id"
        query = [("limit", str(LIST_PAGE)), ("archived", "true"), ("properties", asked)]
        after: str | None = None
        while True:
            answer = self._client.get(self._path, [*query, ("after", after)] if after else query)
            yield answer
            after = next_after(answer.body)
            if not after:
                return

    def _news_of(self, row: Row, following: int, remembered: set[str]) -> Iterator[RawRecord]:
        """What an archived record tells, unless a read before told it: that it is gone, and what was merged into it.

        What had been merged into it is in no listing.
        """
        if not row.get("archivedAt"):
            return
        before = self._position["archived"]
        at = millis(row["archivedAt"])
        once = f"{row['id']}@{at}"  # it may come back, and be archived again
        if at >= following and len(remembered) <= _REMEMBERED:
            remembered.add(once)
        # A read that was cut short may have taken records for living before it was.
        known = not self._resumed and once in self._told_before
        if at >= int(before["mark"]) and (not known or row["id"] in self._living):
            yield RawRecord(row["id"], {}, at // 1000, deleted=True)
            yield from merged_into(row, at // 1000)

    def _too_soon(self, before: Mapping[str, Any]) -> bool:
        """Whether a large bin was read so lately that reading it again would take too much of the day's calls."""
        if self._began is None or "pages" not in before:
            return False
        return self._began - int(before["read"]) < int(before["pages"]) * _BIN_MILLIS_A_PAGE
