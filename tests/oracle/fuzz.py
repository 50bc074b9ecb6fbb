"""Thousands of random pairs of model and record, more than a test has time for: `make fuzz`.

A pair is one model and one record (an account or a person, with everything behind it). Every ledger row and column
of scores of the frame engine and of the evaluator is compared with the reference; every walk with asking again and
again, and with a look at every minute of three days; every interval with what the score becomes. A difference is
shrunk, printed, and ends the run with status 1.

    make fuzz                       10,000 pairs of each
    make fuzz FUZZ="--pairs 100000 --seed 7 --only walk"
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from tests.oracle import coverage, random_scoring
from tests.oracle import reference_scorer as reference
from tests.oracle.agreement import adds_up, evaluator_agrees, frames_agree, subjects, world_of
from tests.oracle.minutes import Asked, minutes_agree, nothing_is_missed_in_a_month, on_their_way
from tests.oracle.random_scoring import DAY, NOW, Records
from tests.oracle.walking import Outing, nothing_is_missed, walk_agrees

from leadline.core.scoring.evaluate import evaluate
from leadline.core.scoring.model import Model
from leadline.core.scoring.plan import compile_model

Counts = Counter[str]
WAKEUPS = 1.1  # for each true due event, at most
PHASES = (Phase.generate, Phase.shrink)
AT_ONCE = 50  # models of one piece of work
# One in so many models: which features decide is asked; a walk is asked every minute.
SAMPLE, MINUTELY = 5, 40
MONTHLY = 10  # one in so many models: a month is looked at minute by minute


@dataclass(frozen=True)
class Piece:
    """A piece of work: so many models from a seed."""

    kind: str
    seed: int


def scoring(number: int, model: Model, records: Records, _data: st.DataObject) -> Counts:
    """Frames, evaluator and reference come to the same, and it adds up."""
    world = world_of(records)
    results = reference.score_all(model, world, NOW)
    for result in results.values():
        adds_up(result)
    counts = Counter(pairs=len(results), models=1)
    counts["ledger rows of frames"] = frames_agree(model, records, results)
    counts["ledger rows of the evaluator"] = evaluator_agrees(model, records, results)
    if number % SAMPLE == 0:
        counts["asked"] = 1
        counts.update({f"decided: {name}": 1 for name in coverage.decisive(model, world, results, NOW)})
    return counts


def walk(number: int, model: Model, records: Records, data: st.DataObject) -> Counts:
    """The walk sees what asking again and again sees."""
    minutely = number % MINUTELY == 0
    n = data.draw(st.sampled_from((1, 3, 5, 200)))
    days = 1 if minutely else data.draw(st.sampled_from((30, 7, 90, 1)))
    drift = data.draw(st.sampled_from((None, 0, 2000, -4000, 90_000)))
    now_scores = reference.score_all(model, world_of(records), NOW)
    pushed = {} if drift is None else {uid: found.score + drift for uid, found in now_scores.items()}
    first = walk_agrees(model, records, Outing(NOW, NOW + days * DAY, n, pushed, minutely=minutely))
    month = nothing_is_missed(model, records, Outing(NOW, NOW + 30 * DAY, n, {}))
    counts = Counter(pairs=len(now_scores), models=1, minutely=len(now_scores) if minutely else 0)
    counts.update({f"walk: {name}": count for name, count in first.items()})
    counts.update({f"month: {name}": count for name, count in month.items()})
    return counts


def interval(_number: int, model: Model, records: Records, data: st.DataObject) -> Counts:
    """Facts that become known leave a score inside its interval."""
    before = reference.score_all(model, world_of(records), NOW)
    later = data.draw(random_scoring.known_after_all(records))
    counts = Counter(pairs=len(before), models=1)
    for uid, found in reference.score_all(model, world_of(later), NOW).items():
        was = before[uid]
        if found.segment != was.segment:
            counts["moved to another segment"] += 1
            continue
        assert was.score_min <= found.score <= was.score_max, uid
        assert found.parts["fit"] <= was.fit_max, uid
        counts["moved inside the interval"] += found.score != was.score
        counts["reached an end of it"] += found.score != was.score and found.score in (was.score_min, was.score_max)
    return counts


def minutes(number: int, model: Model, records: Records, data: st.DataObject) -> Counts:
    """The walk sees what a look at every minute sees; now and then, a worker misses no minute of a month."""
    plan, random = compile_model(model), Random(data.draw(st.integers(0, 2**32 - 1)))
    n, drift = data.draw(st.sampled_from((1, 3, 5, 200))), data.draw(st.sampled_from((None, 0, 2000, -4000, 90_000)))
    old = data.draw(st.sampled_from((None, None, -5, 1, 3600, DAY + 7)))
    worlds = on_their_way(model, records, Asked(n), random)
    asked = {}
    for subject in (subject for world in worlds for subject in subjects(world)):
        pushed = None if drift is None else evaluate(model, subject, NOW, plan=plan).score + drift
        asked[subject.uid] = Asked(n, pushed, None if old is None else NOW + old)
    if not worlds:
        return Counter(models=1)
    counts = minutes_agree(model, worlds, asked)
    if number % MONTHLY == 0:
        month = nothing_is_missed_in_a_month(plan, worlds[:2], n)
        counts.update({f"month: {name}": count for name, count in month.items()})
    return counts


KINDS: dict[str, Callable[[int, Model, Records, st.DataObject], Counts]] = {
    "scoring": scoring,
    "walk": walk,
    "interval": interval,
    "minutes": minutes,
}
RECORDS = {"minutes": random_scoring.many_records(16, 4)}  # a model is worked out once for many


def run(piece: Piece) -> tuple[Counts, str]:
    """Do a piece of work: what was counted, and the shrunk failure if there is one."""
    usual = settings(database=None, deadline=None, suppress_health_check=list(HealthCheck))
    check, counts, said = KINDS[piece.kind], Counts(), ""

    @seed(piece.seed)
    @settings(usual, max_examples=AT_ONCE, phases=PHASES)
    @given(model=random_scoring.models(), records=RECORDS.get(piece.kind, random_scoring.records()), data=st.data())
    def pairs(model: Model, records: Records, data: Any) -> None:
        counts.update(check(counts["models"], model, records, data))

    try:
        pairs()
    except Exception as error:  # noqa: BLE001 - whatever went wrong with a random pair is the finding
        notes = "\n".join(getattr(error, "__notes__", ()))
        said = f"{piece.kind}, seed {piece.seed}: {type(error).__name__}: {error}\n{notes}"
    return counts, said


def pieces(kind: str, first: int) -> Iterator[Piece]:
    """Pieces of work without end."""
    return (Piece(kind, first + number) for number in range(sys.maxsize))


def fuzz(kind: str, pairs: int, first: int, pool: Any, progress: Progress) -> tuple[Counts, str]:
    """Work until so many pairs are done or one of them fails."""
    total, task = Counts(), progress.add_task(kind, total=pairs)
    work = pieces(kind, first)
    running: list[Any] = []
    while total["pairs"] < pairs:
        while len(running) < pool._processes:
            running.append(pool.apply_async(run, (next(work),)))
        counts, failure = running.pop(0).get()
        total.update(counts)
        progress.update(task, completed=min(total["pairs"], pairs))
        if failure:
            return total, failure
    return total, ""


def wakeups(counts: Counts) -> float:
    """For each true due event of the simulated months."""
    return counts["month: wake-ups"] / max(counts["month: due"], 1)


def report(kind: str, counts: Counts, seconds: float) -> str:
    """What was done, as lines."""
    lines = [f"{kind}: {counts['pairs']:,} pairs of {counts['models']:,} models in {seconds:.0f} s, 0 differences"]
    decided = {name: count for name, count in counts.items() if name.startswith("decided: ")}
    lines += [
        f"  {name:32s}{count:12,}"
        for name, count in counts.items()
        if name not in ("pairs", "models", "asked") and name not in decided
    ]
    if counts["month: due"]:
        lines.append(f"  wake-ups per true due event {wakeups(counts):16.3f}, at most {WAKEUPS}")
    if decided:
        lines.append(f"  what decided a record, of {counts['asked']:,} models:")
        names = [*coverage.ABLATIONS, *sorted(name.removeprefix("decided: ") for name in decided)]
        for name in dict.fromkeys(names):
            lines.append(f"    {name:30s}{100 * decided.get(f'decided: {name}', 0) / counts['asked']:10.1f} %")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="make fuzz", description="Compare scoring with its reference on random pairs."
    )
    parser.add_argument("--pairs", type=int, default=10_000, help="pairs of model and record, of each kind")
    parser.add_argument("--seed", type=int, default=0, help="the first seed; the same one gives the same pairs")
    parser.add_argument("--only", choices=KINDS, action="append", help="one kind; may be repeated")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    options = parser.parse_args(arguments)
    os.environ["POLARS_MAX_THREADS"] = "1"  # the processes share the cores
    console, failed = Console(), False
    columns = (
        TextColumn("{task.description:10s}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        for kind in options.only or KINDS:
            start = time.monotonic()
            with Progress(*columns, console=Console(stderr=True)) as progress:
                counts, failure = fuzz(kind, options.pairs, options.seed, pool, progress)
            if failure:
                console.print(failure, markup=False, highlight=False)
                failed = True
            else:
                console.print(report(kind, counts, time.monotonic() - start), markup=False, highlight=False)
                failed |= wakeups(counts) > WAKEUPS
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
