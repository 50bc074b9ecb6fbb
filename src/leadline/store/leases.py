"""Leases: at most one process decides, and at most one writes to a connection.

A lease has an epoch that rises whenever it changes hands. A holder that lost its lease finds out at
the next statement that compares the epoch, and stops. Lease times are wall-clock seconds, not the
run's `--now`.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select, update

from leadline.store.database import upsert
from leadline.store.tables import leases


def _machine() -> str:
    """Where a pid means something: this boot of this machine, and on Linux this container's own pids."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    space = Path("/proc/self/ns/pid")
    if not boot.exists():
        return socket.gethostname()
    return f"{boot.read_text().strip()}/{space.stat().st_ino if space.exists() else 0}"


def holder_name() -> str:
    """A holder in this process: machine, pid, the moment the process began, and a mark of its own.

    The moment tells a reused pid from the holder's; the mark keeps two threads from holding one lease.
    """
    return f"{_machine()}:{os.getpid()}:{_started(os.getpid())}:{uuid.uuid4().hex[:12]}"


def _started(pid: int) -> str:
    """The kernel's start time of a process, '' where there is none to read or it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return ""
    return "" if fields[0] in {"Z", "X"} else fields[19]


def is_gone(holder: str) -> bool:
    """Whether the holder was a process of this machine that is certainly no more."""
    machine, pid, began, _ = holder.split(":")
    if machine != _machine() or not began:
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False  # another user's, and alive; its entry in /proc may be hidden
    return _started(int(pid)) != began


@dataclass(frozen=True, slots=True)
class Lease:
    """A held lease. `taken_over` is set when another holder had it before and may have been in the middle of a call.

    `former_until`: the last wall-clock second at which that holder may have begun a call; 0 without one.
    """

    name: str
    holder: str
    epoch: int
    taken_over: bool
    former_until: int = 0


def acquire(
    connection: Connection,
    name: str,
    *,
    seconds: int,
    holder: str | None = None,
    clock: Callable[[], float] = time.time,
) -> Lease | None:
    """Take the lease if it is free or expired, or its holder's process is gone. None when another holds it."""
    me = holder or holder_name()
    now = int(clock())
    row = connection.execute(select(leases).where(leases.c.name == name).with_for_update()).first()
    if row is not None and row.holder and row.expires_at > now and not is_gone(row.holder):
        return None
    taken_over = row is not None and row.holder != ""
    epoch = 1 if row is None else row.epoch + 1
    statement = upsert(connection, leases).values(name=name, holder=me, epoch=epoch, expires_at=now + seconds)
    held = statement.on_conflict_do_update(
        index_elements=["name"],
        set_={c: statement.excluded[c] for c in ("holder", "epoch", "expires_at")},
        # Two processes that saw no row insert at once: the second must not win as well.
        where=leases.c.epoch == (row.epoch if row is not None else -1),
    )
    # Not `rowcount`: on PostgreSQL it says nothing about an INSERT.
    if connection.execute(held.returning(leases.c.epoch)).first() is None:
        return None
    # A holder renews while it calls, so it was gone when its time ran out, or is since this moment.
    until = min(now, row.expires_at) if row is not None and taken_over else 0
    return Lease(name, me, epoch, taken_over, until)


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
