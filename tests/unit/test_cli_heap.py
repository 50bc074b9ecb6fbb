"""What a worker has loaded is left out of garbage collections; what its threads free goes round. 1 second."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

_LOOK = """
import gc
from leadline.cli import heap
gc.disable()
heap.settle()
first = gc.get_freeze_count()
held = [[] for _ in range(10_000)]
heap.settle()
assert first > 1_000, first
assert gc.get_freeze_count() <= first, "only once: what comes later may become garbage"
"""

_THREAD = """
import ctypes, threading
from leadline.cli import heap
heap.share()
places = []
def work():
    for size in (100_000, 4_000_000, 2_000_000):  # each is freed before the next
        places.append(ctypes.addressof(ctypes.create_string_buffer(size)))
thread = threading.Thread(target=work)
thread.start()
thread.join()
[line] = [line for line in open("/proc/self/maps") if line.rstrip().endswith("[heap]")]
begin, end = (int(each, 16) for each in line.split()[0].split("-"))
assert begin <= places[0] < end, "a thread has a heap of its own"
assert not begin <= places[2] < end, "what is large lies in the heap, and stays there when it is freed"
"""


_POLARS = """
import gc, os, sys
from leadline import cli
assert "polars" not in sys.modules, "its allocator has been loaded before it could be told"
cli.main(["--help"])
assert os.environ["_RJEM_MALLOC_CONF"] == "narenas:1"
assert "polars" not in sys.modules
assert gc.get_threshold()[0] == 50_000
"""


_THREADS = """
import sys
from leadline import cli
cli.main(["--project", "no/such/folder", *sys.argv[1:]])
import polars
assert polars.thread_pool_size() == 1
"""


def test_what_is_loaded_is_frozen_once() -> None:
    assert _complaint(_LOOK) == ""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the allocator is another")
def test_what_threads_free_is_shared_or_given_back() -> None:
    assert _complaint(_THREAD) == ""


def test_the_allocator_of_polars_is_told_in_time() -> None:
    assert _complaint(_POLARS) == ""


@pytest.mark.parametrize("command", ["sync", "run", "backfill", "demo"])
def test_what_scores_batch_by_batch_has_one_thread_for_frames(command: str, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()  # so that the demo refuses to begin
    words = ["--folder", str(tmp_path)] if command == "demo" else []
    assert "Error" not in _complaint(_THREADS, command, *words)


def _complaint(program: str, *words: str) -> str:
    """What a fresh interpreter has to say against the program; nothing when it ends well."""
    environment = {
        name: value for name, value in os.environ.items() if name not in ("_RJEM_MALLOC_CONF", "POLARS_MAX_THREADS")
    }
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stderr if done.returncode else ""
