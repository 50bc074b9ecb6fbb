"""Leases: at most one process decides, and at most one writes to a connection.

A lease has an epoch that rises whenever it changes hands. A holder that lost its lease finds out at
the next statement that compares the epoch, and stops. Lease times are wall-clock seconds, not the
run's `--now`.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select, update

from leadline.store.database import upsert
from leadline.store.tables import leases


def _boot_id() -> str:
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.exists() else socket.gethostname()


def holder_name() -> str:
    """This process: boot, pid and the moment the process began, so that a reused pid is another holder."""
    return f"{_boot_id()}:{os.getpid()}:{_started(os.getpid())}"


def _started(pid: int) -> str:
    """The kernel's start time of a process, '' where there is none to read."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except (OSError, IndexError):
        return ""


def _is_gone(holder: str) -> bool:
    """Whether the holder was a process of this machine that is certainly no more."""
    boot, pid, started = holder.split(":")
    return boot == _boot_id() and started != "" and _started(int(pid)) != started


@dataclass(frozen=True, slots=True)
class Lease:
    """A held lease. `taken_over` is set when another holder had it before and may have been in the middle of a call."""

    name: str
    holder: str
    epoch: int
    taken_over: bool


def acquire(
    connection: Connection,
    name: str,
    *,
    seconds: int,
    holder: str | None = None,
    clock: Callable[[], float] = time.time,
) -> Lease | None:
    """Take the lease if it is free, expired, ours, or its holder's process is gone. None when another holds it."""
    me = holder or holder_name()
    now = int(clock())
    row = connection.execute(select(leases).where(leases.c.name == name).with_for_update()).first()
    if row is not None and row.holder not in {me, ""} and row.expires_at > now and not _is_gone(row.holder):
        return None
    taken_over = row is not None and row.holder not in {me, ""}
    epoch = 1 if row is None else row.epoch + (0 if row.holder == me else 1)
    statement = upsert(connection, leases).values(name=name, holder=me, epoch=epoch, expires_at=now + seconds)
    held = statement.on_conflict_do_update(
        index_elements=["name"],
        set_={c: statement.excluded[c] for c in ("holder", "epoch", "expires_at")},
        # Two processes that saw no row insert at once: the second must not win as well.
        where=leases.c.epoch == (row.epoch if row is not None else -1),
    )
    if connection.execute(held).rowcount != 1:
        return None
    return Lease(name, me, epoch, taken_over)


def renew(connection: Connection, lease: Lease, *, seconds: int, clock: Callable[[], float] = time.time) -> bool:
    """Extend a held lease; False when it was lost."""
    done = connection.execute(
        update(leases)
        .where(leases.c.name == lease.name, leases.c.epoch == lease.epoch, leases.c.holder == lease.holder)
        .values(expires_at=int(clock()) + seconds)
    )
    return done.rowcount == 1


def release(connection: Connection, lease: Lease) -> None:
    """Give a lease back; the epoch stays."""
    connection.execute(
        update(leases)
        .where(leases.c.name == lease.name, leases.c.epoch == lease.epoch, leases.c.holder == lease.holder)
        .values(holder="", expires_at=0)
    )
