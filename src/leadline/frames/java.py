"""Finding a Java that Spark runs on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from leadline.sdk.errors import ConfigError

VERSIONS = (17, 21)
"""The long-term releases that Spark 4 is made for."""
_INSTALLED = "/usr/lib/jvm"
_SECONDS = 30


def find_java(environ: Mapping[str, str] | None = None, *, installed: Path = Path(_INSTALLED)) -> Path:
    """The home of a Java 17 or 21: `JAVA_HOME`, that of `java` on the path, or one of those in `installed`.

    ConfigError saying what to install where there is none.
    """
    seen = []
    for home in _homes(os.environ if environ is None else environ, installed):
        version = _version(home / "bin" / "java")
        if version in VERSIONS:
            return home
        if version is not None:
            seen.append(f"{version} in {home}")
    wanted = " or ".join(map(str, VERSIONS))
    found = f"found is {', '.join(seen)}" if seen else "there is no Java on this machine"
    raise ConfigError(
        f"Spark needs Java {wanted}: {found}",
        place="frames",
        fix="Install it (Debian, Ubuntu: openjdk-17-jre-headless) and set JAVA_HOME where it is not found, "
        "or set `frames: local`.",
    )


def _homes(environ: Mapping[str, str], installed: Path) -> Iterator[Path]:
    given = environ.get("JAVA_HOME")
    if given:
        yield Path(given)
    on_path = shutil.which("java", path=environ.get("PATH", os.defpath))
    if on_path:
        yield Path(on_path).resolve().parent.parent
    if installed.is_dir():
        yield from sorted(path for path in installed.iterdir() if path.is_dir() and not path.is_symlink())


def _version(java: Path) -> int | None:
    """The release; None for what is no Java."""
    if not os.access(java, os.X_OK):
        return None
    # The path comes from the machine's own installation of Java, or from whoever set JAVA_HOME.
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=_SECONDS, check=False)  # noqa: S603
    told = re.search(r'version "(\d+)', answer.stderr + answer.stdout)
    return int(told.group(1)) if told else None


if __name__ == "__main__":
    # For the Makefile, which installs one where there is none.
    try:
        sys.stdout.write(f"{find_java()}\n")
    except ConfigError as error:
        sys.exit(str(error))
