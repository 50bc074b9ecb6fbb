"""Leases: one holder at a time, an epoch that rises, and a dead process that holds nobody up."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import PIPE
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, select

from leadline.store import tables
from leadline.store.database import open_engine
from leadline.store.leases import Lease, acquire, holder_name, release, renew

if TYPE_CHECKING:
    from tests.databases import NewDatabase

NOW = 1_000


@pytest.fixture
def engine(new_database: NewDatabase, tmp_path: Path) -> Iterator[Engine]:
    opened = open_engine(new_database(), folder=tmp_path)
    yield opened
    opened.dispose()


def take(engine: Engine, *, at: float = NOW, seconds: int = 90, holder: str | None = None) -> Lease | None:
    with engine.begin() as connection:
        return acquire(connection, "write:crm", seconds=seconds, holder=holder, clock=lambda: at)


def held(engine: Engine, *, at: float = NOW, seconds: int = 90, holder: str | None = None) -> Lease:
    lease = take(engine, at=at, seconds=seconds, holder=holder)
    assert lease is not None
    return lease


def give_back(engine: Engine, lease: Lease) -> None:
    with engine.begin() as connection:
        release(connection, lease)


def extend(engine: Engine, lease: Lease, *, at: float = NOW) -> bool:
    with engine.begin() as connection:
        return renew(connection, lease, seconds=90, clock=lambda: at)


def on_another_machine() -> str:
    """A holder of which this machine can know nothing."""
    return f"another-machine:{os.getpid()}:1:mark"


def test_a_free_lease_is_taken_and_a_held_one_is_not(engine: Engine) -> None:
    first = held(engine)
    assert (first.epoch, first.taken_over) == (1, False)
    assert take(engine) is None
    give_back(engine, first)
    second = held(engine)
    assert (second.epoch, second.taken_over) == (2, False)


def test_other_names_are_other_leases(engine: Engine) -> None:
    held(engine)
    with engine.begin() as connection:
        assert acquire(connection, "write:other", seconds=90) is not None


def test_two_threads_of_a_process_do_not_share_a_lease(engine: Engine) -> None:
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda _: take(engine), range(8)))
    assert len([lease for lease in taken if lease is not None]) == 1


def test_threads_that_race_for_an_expired_lease_get_it_once(engine: Engine) -> None:
    held(engine, holder=on_another_machine())
    gate = threading.Barrier(6)

    def race(_: int) -> Lease | None:
        gate.wait()
        return take(engine, at=NOW + 91)

    with ThreadPoolExecutor(6) as threads:
        taken = list(threads.map(race, range(6)))
    [lease] = [lease for lease in taken if lease is not None]
    assert (lease.epoch, lease.taken_over) == (2, True)


def test_a_lease_ends_by_itself(engine: Engine) -> None:
    old = held(engine, holder=on_another_machine())
    assert take(engine, at=NOW + 89) is None
    new = held(engine, at=NOW + 90)
    assert (new.epoch, new.taken_over) == (2, True)
    assert not extend(engine, old, at=NOW + 90)
    assert extend(engine, new, at=NOW + 90)


def test_a_renewed_lease_lasts_longer(engine: Engine) -> None:
    lease = held(engine, holder=on_another_machine())
    assert extend(engine, lease, at=NOW + 60)
    assert take(engine, at=NOW + 149) is None
    assert take(engine, at=NOW + 150) is not None


def test_who_lost_the_lease_cannot_give_it_back(engine: Engine) -> None:
    old = held(engine, holder=on_another_machine())
    new = held(engine, at=NOW + 90)
    give_back(engine, old)
    assert extend(engine, new, at=NOW + 90)
    assert take(engine, at=NOW + 90) is None


def test_a_lease_that_was_given_back_cannot_be_renewed(engine: Engine) -> None:
    lease = held(engine)
    give_back(engine, lease)
    assert not extend(engine, lease)


HOLD = """
import sys, time
from pathlib import Path
from leadline.store.database import open_engine
from leadline.store.leases import acquire
engine = open_engine(sys.argv[1], folder=Path(sys.argv[2]))
with engine.begin() as connection:
    print(acquire(connection, "write:crm", seconds=3600), flush=True)
sys.stdin.readline()
"""


def test_a_killed_process_holds_nobody_up(engine: Engine, tmp_path: Path) -> None:
    url = engine.url.render_as_string(hide_password=False)
    holder = subprocess.Popen([sys.executable, "-c", HOLD, url, str(tmp_path)], stdin=PIPE, stdout=PIPE, text=True)
    assert holder.stdin is not None
    assert holder.stdout is not None
    with holder, holder.stdin, holder.stdout:
        assert "epoch=1" in holder.stdout.readline()
        with engine.begin() as connection:
            assert acquire(connection, "write:crm", seconds=90) is None
        holder.kill()
        # Not reaped yet: a zombie is as dead as can be, and containers keep them for long.
        os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)
        with engine.begin() as connection:
            lease = acquire(connection, "write:crm", seconds=90)
    assert lease is not None
    assert (lease.epoch, lease.taken_over) == (2, True)


def test_a_pid_that_means_another_process_now_is_not_the_holder(engine: Engine) -> None:
    machine, pid, began, mark = holder_name().split(":")
    held(engine, holder=f"{machine}:{pid}:{int(began) - 1}:{mark}")
    assert take(engine) is not None


@pytest.mark.parametrize("where", ["machine", "container"])
def test_a_pid_of_elsewhere_tells_nothing(engine: Engine, where: str) -> None:
    machine, _, began, mark = holder_name().split(":")
    boot, space = machine.split("/")
    elsewhere = f"other/{space}" if where == "machine" else f"{boot}/{int(space) + 1}"
    held(engine, holder=f"{elsewhere}:{2**22 + 1}:{began}:{mark}")
    assert take(engine) is None


def test_a_process_whose_beginning_cannot_be_read_is_not_called_dead(engine: Engine) -> None:
    machine, _, _, mark = holder_name().split(":")
    held(engine, holder=f"{machine}:{2**22 + 1}::{mark}")
    assert take(engine) is None


def test_the_database_names_the_holder(engine: Engine) -> None:
    lease = held(engine)
    with engine.begin() as connection:
        row = connection.execute(select(tables.leases)).one()
    assert (row.name, row.holder, row.epoch, row.expires_at) == ("write:crm", lease.holder, 1, NOW + 90)
