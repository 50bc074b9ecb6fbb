"""Reading all records again from time to time, because a change of associations may move no stamp, nor may
a record that comes back from the recycle bin.

It follows the changes, in slices, so that news never waits behind it and a day's calls are spread. The
cursor of the changes carries where it stands:

    "relinked": ms                                       when the last one began, by the vendor's time
    "relink": {"mode": way, "began": ms, "after": id}    one that is under way
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from leadline.sdk.records import Cursor, Page, PullRequest
from leadline_hubspot import snapshot
from leadline_hubspot.client import Client

SLICE = 10_000
"""Records that one pull reads again: a hundred calls."""
KEPT = ("relinked", "relink")
"""What a cursor of changes carries along."""
Plan: TypeAlias = Callable[[PullRequest], tuple[str, int]]
_END = Cursor({})


def after_changes(client: Client, request: PullRequest, news: Iterator[Page], plan: Plan, every: int) -> Iterator[Page]:
    """The pages of changes, then a slice of records to read again where it is time.

    `plan(request)` gives the way to read them all and the vendor's time, both in one call; `every` is
    in milliseconds, 0 for never.
    """
    last: Page | None = None
    for page in news:
        if last is not None:
            yield last
        last = page
    if last is None:
        return
    begun = _begun(request, last.cursor.position, plan, every)
    if begun is None:
        yield last
        return
    kept = {name: value for name, value in last.cursor.position.items() if name not in KEPT}
    # Search trails behind: it may show what was archived a moment ago, so that has to be told once more.
    archived = kept["archived"]
    kept["archived"] = {**archived, "ids": []} if isinstance(archived, Mapping) else archived
    relinked = last.cursor.position.get("relinked", 0)
    yield Page(last.records, Cursor({**kept, "relinked": relinked, "relink": begun}))
    read = 0
    for page in snapshot.way(str(begun["mode"]))(client, request, begun, _END):
        read += len(page.records)
        if page.cursor is _END:
            yield Page(page.records, Cursor({**kept, "relinked": begun["began"]}))
            return
        yield Page(page.records, Cursor({**kept, "relinked": relinked, "relink": dict(page.cursor.position)}))
        if read >= SLICE:
            return


def _begun(request: PullRequest, position: Mapping[str, Any], plan: Plan, every: int) -> dict[str, Any] | None:
    """Where to go on, from the beginning when it is time for one; None when there is nothing to do."""
    under_way = position.get("relink")
    if under_way:
        return dict(under_way)
    if not every:
        return None
    # By our own clock, to spend no call; the portal's decides what is read.
    if request.now * 1000 - int(position.get("relinked") or 0) < every:
        return None
    mode, began = plan(request)
    return {"mode": mode, "began": began, "after": None}
