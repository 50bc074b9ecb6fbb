"""Programs around clients written by others: started in their own environment, spoken to in JSON.

`make peers` installs the environments under `.peers/`. Without one its tests are skipped, or fail when
LEADLINE_PEERS=required.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

ROOT = Path(__file__).parent.parent
HOME = ROOT / ".peers"
SCRIPTS = ROOT / "tests" / "peers" / "scripts"
REQUIRED = os.environ.get("LEADLINE_PEERS") == "required"
STUCK = 120  # seconds after which a program that should end is stuck


def needs(environment: str) -> pytest.MarkDecorator:
    """Skips a test, or a module, whose environment is not installed."""
    missing = not (HOME / environment / ".installed").is_file()
    return pytest.mark.skipif(missing and not REQUIRED, reason=f"{environment} is not installed: make peers")


def node(script: str, given: Mapping[str, Any]) -> Any:
    """What a script for Node answers."""
    environment = os.environ | {"NODE_PATH": str(HOME / "js" / "node_modules")}
    return _answer(["node", str(SCRIPTS / script)], given, environment)


def python(environment: str, script: str, given: Mapping[str, Any]) -> Any:
    """What a script answers in the environment of this name."""
    interpreter = HOME / environment / "bin" / "python"
    return _answer([str(interpreter), "-W", "ignore", str(SCRIPTS / script)], given, dict(os.environ))


def _answer(command: list[str], given: Mapping[str, Any], environment: Mapping[str, str]) -> Any:
    done = subprocess.run(
        command, input=orjson.dumps(given), capture_output=True, timeout=STUCK, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr.decode()[-4_000:]
    # Some clients print advice on stdout; the answer is the last line.
    return orjson.loads(done.stdout.strip().rpartition(b"\n")[2])
