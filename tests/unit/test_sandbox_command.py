"""`leadline sandbox` as a process: a connector found by entry point, one line of JSON, a clean stop."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

CONNECTOR = """
from starlette.routing import Route
from leadline.sdk.sandbox.control import json_response

class Shop:
    name = "shop"
    def __init__(self, world, clock, faults):
        self.world = world
    async def leads(self, request):
        return json_response([lead.id for lead in self.world.leads])
    def routes(self):
        return [Route("/leads", self.leads)]
    def fault_response(self, status, code):
        return json_response({}, status)
    def credentials(self, base_url):
        return {"url": base_url}
    def unassigned_owners(self) -> tuple[str, ...]:
        return ("nobody@example.com",)

    def state(self):
        return {}
    def edit(self, command):
        raise ValueError("no")

class Connector:
    name = title = "shop"
    def sandbox(self):
        return Shop

connector = Connector()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A folder for PYTHONPATH with an installed connector called shop."""
    (tmp_path / "shop_connector.py").write_text(CONNECTOR)
    info = tmp_path / "shop_connector-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shop-connector\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[leadline.connectors]\nshop = shop_connector:connector\n")
    return tmp_path


def command(path: Path, *arguments: str, **environ: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "leadline", "sandbox", *arguments],
        env={**os.environ, "PYTHONPATH": str(path), **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def served(path: Path, *arguments: str, **environ: str) -> Iterator[tuple[dict[str, Any], subprocess.Popen[str]]]:
    process = command(path, "shop", "--leads", "5", "--json", *arguments, **environ)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline()), process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_one_line_serves_and_stops_cleanly(path: Path, stop: signal.Signals) -> None:
    with served(path, "--now", "2031-02-03T04:05:06Z") as (printed, process):
        leads = httpx.get(printed["base_url"] + "/leads").json()
        clock = httpx.get(printed["base_url"] + "/__sandbox__/clock").json()
        process.send_signal(stop)
        rest, errors = process.communicate(timeout=30)

        assert (process.returncode, rest, errors) == (0, "", "")
    assert printed["credentials"] == {"url": printed["base_url"]}
    assert printed["records"]["leads"] == len(leads) == 5
    assert (clock["iso"], clock["running"]) == ("2031-02-03T04:05:06+00:00", False)


def test_tls_and_the_environments_time(path: Path) -> None:
    with served(path, "--tls", LEADLINE_NOW="2031-02-03T04:05:06Z") as (printed, _):
        assert printed["base_url"].startswith("https://")
        assert printed["now"] == 1927857906
        assert Path(printed["credentials"]["ca_file"]).exists()


def test_a_folder_that_is_no_bundle_is_one_line_with_its_name(path: Path) -> None:
    process = command(path, "shop", "--world", str(path), "--json")
    out, _ = process.communicate(timeout=60)

    assert process.returncode == 2
    assert json.loads(out)["error"]["place"] == str(path / "accounts.parquet")
