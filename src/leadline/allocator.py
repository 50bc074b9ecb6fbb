"""The memory of the process: little that lies unused, and little looking after it. Comes before Polars is imported."""

from __future__ import annotations

import gc
import os

_POLARS = ("_RJEM_MALLOC_CONF", "narenas:1")
"""Polars brings an allocator of its own, jemalloc, which reads this when it is loaded."""

_NEW_OBJECTS = 50_000  # Python's default of 700 is for programs that make objects which refer to each other in circles


def collect_seldom() -> None:
    """Let Python look for circles of unused objects less often: a tenth of the time that a plan takes to be made."""
    gc.set_threshold(_NEW_OBJECTS, *gc.get_threshold()[1:])


def share() -> None:
    """Let the threads of Polars use one heap; to be called before Polars is imported.

    By default each has several, and what is free in one is of no use to another. Scoring a million records takes
    100 MB less, and no longer.
    """
    os.environ.setdefault(*_POLARS)
