"""Logs carry the run, and never a secret or a person."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from leadline import log


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where the log goes; the configuration of logging is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield io.StringIO()
    structlog.reset_defaults()
    root.handlers, root.level = handlers, level


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_carries_the_run_it_belongs_to(stream: io.StringIO) -> None:
    log.configure(format="json", stream=stream)

    with log.run("r-17", connection="hubspot"):
        log.get().info("page stored", records=100)
    log.get().info("after")

    within, after = lines(stream)
    assert (within["run"], within["connection"], within["records"]) == ("r-17", "hubspot", 100)
    assert within["level"] == "info"
    assert within["timestamp"].endswith("Z")
    assert "run" not in after


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("password", "hunter22"),
        ("access_token", "00Dxx!abc"),
        ("Authorization", "Bearer abc"),
        ("client_secret", "s3cr3t"),
        ("private_key", "-----BEGIN"),
        ("email", "ann@acme.com"),
        ("owner_email", "ann@acme.com"),
        ("first_name", "Ann"),
        ("lastname", "Lee"),
        ("account_name", "Acme"),
        ("jobtitle", "VP Sales"),
        ("phone", "+1 555 0100"),
    ],
)
def test_a_value_under_a_telling_key_is_replaced_whole(stream: io.StringIO, key: str, value: str) -> None:
    log.configure(format="json", stream=stream)

    log.get().info("happened", **{key: value})

    assert lines(stream)[0][key] == log.REDACTED
    assert value not in stream.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "no row for ann.lee+x@acme.co.uk today",
        "GET /contacts?email=ann%40acme.com",
        "sent Authorization: Bearer pat-na1-1234567890",
        "POST /oauth?grant_type=x&client_secret=abcdefgh",
        "postgresql://leadline:abcdefgh@db/leadline",
        "the secret is pa$$-w0rd(1)",
    ],
)
def test_secrets_and_addresses_inside_a_text_are_replaced(stream: io.StringIO, text: str) -> None:
    log.configure(format="json", stream=stream, secrets=["pa$$-w0rd(1)", "w0rd"])

    log.get().info(text, detail={"deep": [text]})

    printed = stream.getvalue()
    assert log.REDACTED in lines(stream)[0]["event"]
    assert log.REDACTED in lines(stream)[0]["detail"]["deep"][0]
    for leak in ("ann", "pat-na1", "abcdefgh", "w0rd", "pa$$"):
        assert leak not in printed


def test_a_secret_of_the_project_is_found_in_a_traceback(stream: io.StringIO) -> None:
    log.configure(format="json", stream=stream, secrets=["sesame-open"])

    try:
        raise ValueError("vendor echoed sesame-open to ann@acme.com")
    except ValueError:
        log.get().exception("failed")

    assert "ValueError" in stream.getvalue()
    assert "sesame-open" not in stream.getvalue()
    assert "ann@acme.com" not in stream.getvalue()


def test_ids_counts_and_ordinary_words_are_kept(stream: io.StringIO) -> None:
    """Redaction that ate everything would pass the tests above."""
    log.configure(format="json", stream=stream, secrets=["abc", ""])

    log.get().info("row refused abc", record="003xx000004TmiQ", field="Leadline_Score__c", rows=3, model="b2b")

    assert lines(stream)[0] | {"timestamp": ""} == {
        "event": "row refused abc",
        "record": "003xx000004TmiQ",
        "field": "Leadline_Score__c",
        "rows": 3,
        "model": "b2b",
        "logger": "leadline",
        "level": "info",
        "timestamp": "",
    }


def test_the_level_decides_what_is_shown(stream: io.StringIO) -> None:
    log.configure(level="warning", format="json", stream=stream)

    log.get().info("quiet")
    log.get().warning("loud")

    assert [line["event"] for line in lines(stream)] == ["loud"]


def test_a_librarys_warning_goes_the_same_way(stream: io.StringIO) -> None:
    log.configure(format="json", stream=stream)

    logging.getLogger("vendor.client").info("chatter")
    logging.getLogger("vendor.client").warning("lost connection for %s", "ann@acme.com")

    (line,) = lines(stream)
    assert (line["logger"], line["level"]) == ("vendor.client", "warning")
    assert line["event"] == f"lost connection for {log.REDACTED}"


def test_the_console_format_is_for_people(stream: io.StringIO) -> None:
    log.configure(format="console", stream=stream)

    log.get().info("page stored", records=100)

    assert "page stored" in stream.getvalue()
    assert "records=100" in stream.getvalue()


def test_a_traceback_on_the_console_shows_no_local_variables(stream: io.StringIO) -> None:
    log.configure(format="console", stream=stream)
    token = "t0ken-in-a-local"

    try:
        raise ValueError(len(token))
    except ValueError:
        log.get().exception("failed")

    assert "ValueError: 16" in stream.getvalue()
    assert token not in stream.getvalue()
