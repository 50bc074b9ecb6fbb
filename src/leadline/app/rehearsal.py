"""A rehearsal: local CRMs as processes of their own, and a project folder that is connected to them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leadline import registry
from leadline.app.scaffold import scaffold
from leadline.sdk.errors import ConfigError, MissingExtraError

_STOP_SECONDS = 10


@dataclass(frozen=True, slots=True)
class LocalCrm:
    """One sandbox under way."""

    system: str
    base_url: str
    credentials: Mapping[str, str]
    records: Mapping[str, int]
    unassigned_owners: Sequence[str]

    def control(self, path: str, body: Any = None) -> Any:
        """Ask the sandbox's control surface: GET, or POST when there is a body. ConfigError when it says no."""
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{self.base_url}/__sandbox__/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310 - loopback
                return json.loads(reply.read())
        except urllib.error.HTTPError as error:
            raise ConfigError(f"the {self.system} sandbox refused: {error.read().decode()}") from error

    def calls(self) -> int:
        """How many calls the sandbox has answered."""
        return len(self.control("requests")["requests"])


def systems() -> list[str]:
    """The installed connectors that bring a sandbox."""
    found = []
    for name in registry.names():
        try:
            if registry.load(name).capabilities.brings_sandbox:
                found.append(name)
        except MissingExtraError:
            continue  # `leadline connectors` names the extra; the others can be shown without it
    if not found:
        raise MissingExtraError("no installed connector brings a sandbox", fix="pip install 'leadline[sandbox]'")
    return found


@contextmanager
def local_crms(names: Sequence[str], *, leads: int, seed: int) -> Iterator[dict[str, LocalCrm]]:
    """Start a sandbox per system, each with a world of its own, and stop them at the end."""
    with ExitStack() as stack:
        started = []
        for number, name in enumerate(names):
            process = _start(name, leads=leads, seed=seed + number)
            stack.callback(_stop, process)
            started.append((name, process))
        yield {name: _announced(name, process) for name, process in started}


def _start(system: str, *, leads: int, seed: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "leadline", "sandbox", system]
    command += ["--leads", str(leads), "--seed", str(seed), "--json"]
    return subprocess.Popen(  # noqa: S603 - our own command
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "LEADLINE_NOW": ""}
    )


def _announced(system: str, process: subprocess.Popen[str]) -> LocalCrm:
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise ConfigError(f"the {system} sandbox did not start", fix=f"Try it alone: leadline sandbox {system}")
    said = json.loads(line)
    if "error" in said:
        raise ConfigError(f"the {system} sandbox did not start: {said['error']['message']}")
    return LocalCrm(system, said["base_url"], said["credentials"], said["records"], said["unassigned_owners"])


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()


_MARK = "# Made by `leadline demo`."


def prepare_folder(folder: Path) -> None:
    """Empty the folder of an earlier demo. ConfigError when something else stands there."""
    settings = folder / "leadline.yaml"
    if folder.exists() and any(folder.iterdir()):
        if not settings.is_file() or not settings.read_text(encoding="utf-8").startswith(_MARK):
            raise ConfigError(
                "this folder holds something that is no demo", place=str(folder), fix="Name another with --folder."
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)


def write_project(folder: Path, crms: Mapping[str, LocalCrm]) -> None:
    """A project folder whose connections lead to these sandboxes; secrets stand in its `.env`."""
    scaffold(folder, force=True)
    blocks, variables = [], []
    for name, crm in crms.items():
        blocks += [f"  {name}:", f"    connector: {name}", "    options:"]
        for key, value in crm.credentials.items():
            variable = f"{name}_{key}".upper()
            blocks.append(f"      {key}: ${{{variable}}}")
            variables.append(f"{variable}={json.dumps(value)}")
    nobody = json.dumps([owner for crm in crms.values() for owner in crm.unassigned_owners])
    routing = ["routing:", "  pools:", "    sales: []", f"  unassigned_owners: {nobody}"]
    text = "\n".join([_MARK, "model: models/b2b.yaml", "connections:", *blocks, *routing, ""])
    (folder / "leadline.yaml").write_text(text, encoding="utf-8")
    (folder / ".env").write_text("\n".join(variables) + "\n", encoding="utf-8")
