"""What the process must settle before Polars is imported: little memory that lies unused, and little idle work."""

from __future__ import annotations

import gc
import os

_POLARS = ("_RJEM_MALLOC_CONF", "narenas:1")
"""Polars brings an allocator of its own, jemalloc, which reads this when it is loaded."""

_ALONE = ("POLARS_MAX_THREADS", "1")
_NEW_OBJECTS = 50_000  # Python's default of 700 is for programs that make objects which refer to each other in circles


def collect_seldom() -> None:
    """Let Python look for circles of unused objects less often: a tenth of the time that a plan takes to be made."""
    gc.set_threshold(_NEW_OBJECTS, *gc.get_threshold()[1:])


def one_thread() -> None:
    """Let Polars work in one thread; to be called before Polars is imported, by what scores batch by batch.

    Two take no less time for frames of some 50,000 records, and a tenth more CPU.
    """
    os.environ.setdefault(*_ALONE)


def share() -> None:
    """Let the threads of Polars use one heap; to be called before Polars is imported.

    By default each has several, and what is free in one is of no use to another. Scoring a million records takes
    100 MB less, and no longer.
    """
    os.environ.setdefault(*_POLARS)
