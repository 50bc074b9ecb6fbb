"""Which Java Spark is given, and what is said where there is none. Half a second."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadline.frames.java import find_java
from leadline.sdk.errors import ConfigError

WORDS = {
    17: 'openjdk version "17.0.15" 2025-04-15',
    21: 'java version "21" 2023-09-19 LTS',
    8: 'java version "1.8.0_402"',
}


def java(home: Path, release: int) -> Path:
    """Something that answers like a Java of this release."""
    (home / "bin").mkdir(parents=True)
    said = WORDS.get(release, f'openjdk version "{release}.0.1"')
    program = home / "bin" / "java"
    program.write_text(f"#!/bin/sh\n[ \"$1\" = -version ] || exit 2\necho '{said}' >&2\n")
    program.chmod(0o755)
    return home


def test_java_home_comes_first(tmp_path: Path) -> None:
    chosen, other = java(tmp_path / "chosen", 21), java(tmp_path / "other", 17)
    environ = {"JAVA_HOME": str(chosen), "PATH": f"{other / 'bin'}:/usr/bin:/bin"}

    assert find_java(environ, installed=tmp_path / "none") == chosen


def test_a_java_that_is_too_old_or_too_new_is_passed_over(tmp_path: Path) -> None:
    old, on_path = java(tmp_path / "old", 8), java(tmp_path / "new", 25)
    java(tmp_path / "jvm" / "a", 11)
    fitting = java(tmp_path / "jvm" / "b", 17)
    environ = {"JAVA_HOME": str(old), "PATH": f"{on_path / 'bin'}:/usr/bin:/bin"}

    assert find_java(environ, installed=tmp_path / "jvm") == fitting


def test_the_java_on_the_path_is_taken_through_its_links(tmp_path: Path) -> None:
    home = java(tmp_path / "jdk", 17)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").symlink_to(home / "bin" / "java")

    assert find_java({"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"}, installed=tmp_path / "none") == home


def test_without_a_java_one_line_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        find_java({"PATH": str(tmp_path)}, installed=tmp_path / "none")

    said = str(raised.value)
    assert said.startswith("frames: Spark needs Java 17 or 21: there is no Java on this machine. Install it")
    assert "openjdk-17-jre-headless" in said
    assert "`frames: local`" in said
    assert "\n" not in said


def test_a_java_that_does_not_fit_is_named(tmp_path: Path) -> None:
    new = java(tmp_path / "new", 25)

    with pytest.raises(ConfigError, match=rf"found is 25 in {new}"):
        find_java({"JAVA_HOME": str(new), "PATH": str(tmp_path)}, installed=tmp_path / "none")
