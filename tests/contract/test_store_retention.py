"""What ended long ago goes, and nothing that makes things happen once only; the same on each database."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, select

from leadline.sdk.records import Actor, CreateTask, Enrol, Outcome, RecordRef, Refusal, RowOutcome, UpdateFields
from leadline.store import leases, outbox, retention, runs
from leadline.store.outbox import Planned
from leadline.store.records import list_unmapped, save_unmapped
from leadline.store.tables import runs as run_log


def planned(key: str, record: str) -> Planned:
    target = RecordRef("Contact", record)
    match key[0]:
        case "u":
            return Planned(UpdateFields(key, target, {"Score": 1}), "crm", "s", target, {})
        case "t":
            return Planned(CreateTask(key, "Call", "Why", 1, None, target, None), "crm", "s", target, {})
        case _:
            return Planned(Enrol(key, target, "seq", None), "crm", "s", target, {})


def keys(connection: Connection) -> set[str]:
    return {line["key"] for line in outbox.list_effects(connection, limit=1_000)}


def purge(connection: Connection, before: int, *, limit: int = 100) -> int:
    gone, position = 0, 0
    while page := retention.purge_effects(connection, before=before, after=position, limit=limit):
        position, gone = page[0], gone + page[1]
    return gone


def end_all(connection: Connection, outcomes: dict[str, Outcome]) -> None:
    lease = leases.acquire(connection, "write:crm", seconds=90)
    assert lease is not None
    for kind in outbox.KINDS:
        while claimed := outbox.claim(connection, lease, "crm", kind, limit=lambda _: 100, wall_clock=1):
            refusal = Refusal("NO", "no", Actor.NOBODY)
            ends = [
                RowOutcome(
                    item.effect.key,
                    outcome := outcomes.get(item.effect.key, Outcome.WRITTEN),
                    refusal if outcome is Outcome.REFUSED else None,
                )
                for item in claimed
            ]
            outbox.finish(connection, lease, ends, now=1)
    leases.release(connection, lease)


def test_ended_effects_go_page_by_page_and_what_is_needed_stays(engine: Engine) -> None:
    with engine.begin() as connection:
        first = ["u1 p", "u2 q", "u3 r", "t1 p", "t2 q", "e1 p", "e2 q"]
        outbox.plan(connection, [planned(*text.split()) for text in first], now=10)
        refused = dict.fromkeys(("u3", "t2", "e2"), Outcome.REFUSED)
        end_all(connection, {**refused, "t1": Outcome.UNCHANGED})
        outbox.plan(connection, [planned("u4", "p")], now=20)
        end_all(connection, {})
        outbox.plan(connection, [planned("t9", "p")], now=30)
        assert purge(connection, before=10) == 0
        assert purge(connection, before=20, limit=2) == 2
        # u2 is the newest write of its record, e1 was made, u3, t2 and e2 were refused, u4 and t9 are young.
        assert keys(connection) == {"u2", "u3", "t2", "e1", "e2", "u4", "t9"}


def test_the_newest_number_is_never_given_out_again(engine: Engine) -> None:
    with engine.begin() as connection:
        outbox.plan(connection, [planned("t1", "p"), planned("t2", "p")], now=1)
        end_all(connection, {})
        assert purge(connection, before=100) == 1
        outbox.plan(connection, [planned("t3", "p")], now=2)
        numbers = [line["sequence_no"] for line in outbox.list_effects(connection)]
        assert numbers == [2, 3]


def test_old_runs_go_and_backfills_stay(engine: Engine) -> None:
    with engine.begin() as connection:
        for name, kind in (("a", "sync"), ("b", "backfill"), ("c", "sync"), ("d", "webhook")):
            runs.begin_run(connection, name, kind, now=1, wall_clock=1)
        runs.end_run(connection, "a", {}, wall_clock=10, error=None)
        runs.end_run(connection, "b", {"read": {"crm/Account": 1}}, wall_clock=10, error=None)
        runs.end_run(connection, "c", {}, wall_clock=30, error="x")
        assert retention.purge_runs(connection, before=20) == 1
        assert set(connection.scalars(select(run_log.c.id))) == {"b", "c", "d"}
        assert runs.backfilled(connection) == {"crm"}


def test_the_most_frequent_unplaced_values_of_each_field_stay(engine: Engine) -> None:
    with engine.begin() as connection:
        save_unmapped(
            connection, "crm", "Account", {("industry", f"v{n}"): n for n in range(1, 6)} | {("size", "x"): 1}
        )
        assert retention.purge_unmapped(connection, keep=2) == 3
        left = {(line["field"], line["value"]) for line in list_unmapped(connection)}
        assert left == {("industry", "v5"), ("industry", "v4"), ("size", "x")}
