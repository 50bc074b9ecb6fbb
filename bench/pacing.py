"""How much of HubSpot's rates is used, and whether a refusal for too many calls is provoked.

    python -m bench.pacing [--seconds N] [--latency MS]

The sandbox keeps the vendor's limits of a Professional portal: 190 calls in any ten seconds, 5 searches in
any second. A worker of ours does nothing but read and write for so many seconds, with readers and writers
as the engine has them; the figures come from the sandbox's log. *Used* is the share of what the limit
allows over whole windows: the time between the first call and the one that opens the last full window.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.contest.programs import Contender, run
from bench.contest.sandboxes import Crm, served
from rich.console import Console
from rich.table import Table

LIMIT, WINDOW = 190, 10.0
SEARCHES = 5.0  # a second
TARGET = 0.9
READERS = 2  # objects of one connection that the engine reads at the same time, unless told otherwise


@dataclass(frozen=True)
class Work:
    """What is done all the time, and which rates it should use up."""

    name: str
    contender: Contender
    rows: int
    searches: bool = False
    calls: bool = True
    ours: bool = True


def _ours(name: str, *, readers: int, writers: int, search: bool, calls: bool = True) -> Work:
    options = {"search_above_rows": 0 if search else 10**9}
    order = {"options": options, "readers": readers, "writers": writers}
    return Work(name, Contender("hubspot", name, "ours.py", "pace", order=order), 1_800, searches=search, calls=calls)


WORK = [
    _ours("Leadline, reading by list", readers=READERS, writers=0, search=False),
    _ours("Leadline, writing", readers=0, writers=1, search=False),
    _ours("Leadline, reading by search", readers=READERS, writers=0, search=True, calls=False),
    _ours("Leadline, reading by search and writing", readers=READERS, writers=1, search=True),
]
DRT = Contender("hubspot", "drt-core, update only", "drt_hubspot.py", "update_only", environment="drt-core")


@dataclass(frozen=True)
class Used:
    """Shares of the limits, and refusals."""

    work: Work
    calls: float
    searches: float
    refused: int
    seconds: float


def measured(crm: Crm, work: Work, seconds: float, latency: int) -> Used:
    """Keep busy for so long; what the sandbox saw of it."""
    time.sleep(WINDOW + 1)  # what was done before fills no window of it
    since = crm.control("requests?since=999999999")["next"]
    run(crm, work.contender, {**work.contender.told(crm, work.rows, 50), "seconds": seconds}, latency)
    made = crm.control(f"requests?since={since}")["requests"]
    plain = [each["time"] for each in made if not _is_search(each) and "/oauth" not in each["path"]]
    found = [each["time"] for each in made if _is_search(each)]
    refused = sum(each["status"] == 429 for each in made)
    return Used(work, _share(plain, LIMIT / WINDOW, LIMIT), _share(found, SEARCHES, 1), refused, seconds)


def _is_search(call: Mapping[str, Any]) -> bool:
    return str(call["path"]).endswith("/search")


def _share(times: Sequence[float], rate: float, window: int) -> float:
    """Calls of whole windows by what the rate allows in that time; 0 where not one window was filled."""
    ordered = sorted(times)
    last = (len(ordered) - 1) // window * window
    return last / (rate * (ordered[last] - ordered[0])) if last > 0 else 0.0


def main() -> None:
    """Print the figures, and whether the targets are met."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=33.0, help="of each kind of work; a window is 10.5 seconds")
    parser.add_argument("--latency", type=int, default=80, help="milliseconds of each call")
    told = parser.parse_args()
    with served("hubspot", 2_000) as crm:
        crm.control("settings", {"burst": LIMIT, "search_per_second": int(SEARCHES)})
        everything = [measured(crm, work, told.seconds, told.latency) for work in WORK]
        if DRT.python.exists():
            peer = Work(DRT.name, DRT, int(told.seconds * 6), ours=False)
            everything.append(measured(crm, peer, told.seconds, told.latency))
    table = Table(title=f"share of HubSpot's rates used, {told.seconds:.0f} s each, {told.latency} ms a call")
    for column in ("", "of 190 calls in 10 s", "of 5 searches a second", "refused (429)"):
        table.add_column(column, justify="right" if column else "left")
    for used in everything:
        searches = f"{used.searches:.0%}" if used.work.searches else ""
        calls = f"{used.calls:.0%}" if used.work.calls else ""
        table.add_row(used.work.name, calls, searches, str(used.refused))
    console = Console(width=120)
    console.print(table)
    for used in (each for each in everything if each.work.ours):
        shares = [used.calls] * used.work.calls + [used.searches] * used.work.searches
        good = min(shares) >= TARGET and not used.refused
        console.print(
            f"{'met' if good else 'MISSED'}: {used.work.name}: {min(shares):.0%} used, {used.refused} refused, "
            f"target {TARGET:.0%} and none"
        )


if __name__ == "__main__":
    main()
