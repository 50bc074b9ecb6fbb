"""What a worker has loaded is left out of garbage collections."""

from __future__ import annotations

import subprocess
import sys

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


def test_what_is_loaded_is_frozen_once() -> None:
    done = subprocess.run([sys.executable, "-c", _LOOK], capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 0, done.stderr
