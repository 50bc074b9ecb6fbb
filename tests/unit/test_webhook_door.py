"""The door for webhooks over real HTTP: what is believed, what is answered, and what is stored by then."""

from __future__ import annotations

import dataclasses
import json
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from sqlalchemy import select
from starlette.applications import Starlette
from tests.fakes import FakeCRM
from tests.projects import fake_project

from leadline import config
from leadline.app.bootstrap import LiveConnection, Project
from leadline.app.schedule import Health
from leadline.app.webhooks import Receiver
from leadline.sdk.errors import ConfigError, WebhookError
from leadline.sdk.records import Notice, WebhookCall
from leadline.store import tables
from leadline.web.app import worker_app
from leadline.web.health import health_route
from leadline.web.serving import serving
from leadline.web.webhooks import MAX_BYTES, webhook_route

NOW = 1_700_000_000


@dataclass
class Reader:
    """Believes whoever knows the word; the body is a list of [object, id]."""

    calls: list[WebhookCall] = field(default_factory=list)

    def read(self, call: WebhookCall) -> list[Notice]:
        """The records that the body names."""
        self.calls.append(call)
        if call.headers.get("x-word") != "open sesame":
            raise WebhookError("the word is wrong", fix="Set `word` to the secret one.")
        try:
            return [Notice(*each) for each in json.loads(call.body)]
        except ValueError:
            raise WebhookError("the body is not JSON", status=400) from None


@dataclass
class Door:
    """A worker that serves, without its schedule."""

    project: Project
    receiver: Receiver
    reader: Reader
    base: str
    woken: list[int]

    def post(
        self, named: Any, *, name: str = "crm", word: str = "open sesame", query: str = "", **how: Any
    ) -> httpx.Response:
        content = named if isinstance(named, bytes) else json.dumps(named).encode()
        headers = [("x-word", word), *how.pop("headers", [])]
        return httpx.post(f"{self.base}/webhooks/{name}{query}", content=content, headers=headers, **how)

    def stored(self) -> list[tuple[str, str]]:
        with self.project.reading().begin() as connection:
            rows = connection.execute(select(tables.notices).order_by(tables.notices.c.record_id))
            return [(row.object, row.record_id) for row in rows]

    def health(self) -> tuple[int, dict[str, Any]]:
        answer = httpx.get(f"{self.base}/healthz")
        return answer.status_code, answer.json()


@contextmanager
def opened(folder: Path, *, public_url: str | None = None, deadline: float = 4.0) -> Iterator[Door]:
    """A door that waits for the database a fifth of a second; `deadline` seconds for an answer."""
    woken: list[int] = []
    reader = Reader()
    with fake_project(folder, FakeCRM()) as project:
        live = project.connections["crm"]
        project.connections["crm"] = dataclasses.replace(live, webhooks=lambda: reader)
        project.connections["silent"] = LiveConnection("silent", live.connector, live.connection, live.mapping, "")
        with closing(Receiver(project, wake=lambda: woken.append(1), patience=0.2, clock=lambda: 0.0)) as receiver:
            routes = [
                health_route(Health(), receiver, every_seconds=60),
                webhook_route(receiver, now=project.now, public_url=public_url, deadline=deadline),
            ]
            with serving(Starlette(routes=routes), host="127.0.0.1", port=0) as port:
                yield Door(project, receiver, reader, f"http://127.0.0.1:{port}", woken)


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with opened(tmp_path) as made:
        yield made


def test_what_a_proved_request_names_is_stored_when_it_is_answered(door: Door) -> None:
    answer = door.post([["Account", "1"], ["Contact", "2"], ["Account", "1"]])

    assert (answer.status_code, answer.json()) == (200, {"noticed": 2})
    assert door.stored() == [("Account", "1"), ("Contact", "2")]
    assert door.woken == [1]


def test_a_repetition_stores_nothing_more(door: Door) -> None:
    for _ in range(3):
        assert door.post([["Account", "1"]]).status_code == 200

    assert door.stored() == [("Account", "1")]


def test_what_the_mapping_does_not_read_is_counted_and_dropped(door: Door) -> None:
    assert door.post([["Ticket", "1"], ["Account", ""]]).json() == {"noticed": 0}

    assert (door.stored(), door.woken) == ([], [])
    assert door.health()[1]["webhooks"]["ignored"] == 2


@pytest.mark.parametrize(
    ("body", "name", "word", "status", "why"),
    [
        (b"[]", "crm", "guessed", 401, "the word is wrong"),
        (b"[", "crm", "open sesame", 400, "the body is not JSON"),
        (b"[]", "silent", "open sesame", 404, "this connection takes no webhooks"),
        (b"[]", "nobody", "open sesame", 404, "there is no such connection"),
        (b" " * (MAX_BYTES + 1), "crm", "open sesame", 413, f"the body is larger than {MAX_BYTES} bytes"),
    ],
)
def test_what_is_not_believed_is_refused_with_the_reason_and_stored_nowhere(
    door: Door, body: bytes, name: str, word: str, status: int, why: str
) -> None:
    answer = door.post(body, name=name, word=word)

    assert (answer.status_code, answer.json()) == (status, {"error": why})
    assert (door.stored(), door.woken) == ([], [])
    told = door.health()[1]["webhooks"]
    assert (told["refused"], told["received"]) == (1, 0)


def test_a_body_that_does_not_arrive_is_given_up(tmp_path: Path) -> None:
    with opened(tmp_path, deadline=0.2) as door, closing(socket.create_connection(_address(door), timeout=30)) as line:
        line.sendall(b"POST /webhooks/crm HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n[")
        answer = line.recv(10_000)

        assert answer.startswith(b"HTTP/1.1 408 ")
        assert door.health()[1]["webhooks"]["refused"] == 1


def test_a_sender_that_hangs_up_leaves_nothing(door: Door) -> None:
    with closing(socket.create_connection(_address(door), timeout=30)) as line:
        line.sendall(b"POST /webhooks/crm HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n[")

    assert door.post([["Account", "1"]]).status_code == 200
    assert door.stored() == [("Account", "1")]


def _address(door: Door) -> tuple[str, int]:
    host, port = door.base.removeprefix("http://").split(":")
    return host, int(port)


def test_with_a_busy_database_the_vendor_is_asked_to_send_it_again(door: Door) -> None:
    with door.project.engine.begin():
        busy = door.post([["Account", "1"]])
    again = door.post([["Account", "1"]])

    assert (busy.status_code, busy.headers["retry-after"], again.status_code) == (503, "5", 200)
    told = door.health()[1]["webhooks"]
    assert (told["busy"], told["received"], door.woken) == (1, 1, [1])


def test_an_answer_that_takes_too_long_asks_for_it_again(tmp_path: Path) -> None:
    with opened(tmp_path, deadline=0.05) as door, door.project.engine.begin():
        assert door.post([["Account", "1"]]).status_code == 503


# What the connector gets to see


def test_the_reader_sees_the_request_as_it_was_sent(door: Door) -> None:
    door.post(
        b'[["Account", "\xc3\xa9"]]', name="crm", query="?a=%2Fb&c=%20", headers=[("X-Twice", "1"), ("X-Twice", "2")]
    )

    (call,) = door.reader.calls
    assert (call.method, call.url) == ("POST", f"{door.base}/webhooks/crm?a=%2Fb&c=%20")
    assert (call.body, call.headers["x-twice"], call.received_at) == (b'[["Account", "\xc3\xa9"]]', "1, 2", NOW)


def test_the_address_is_the_public_one_where_a_proxy_stands_before_the_worker(tmp_path: Path) -> None:
    with opened(tmp_path, public_url="https://acme.com/leadline") as door:
        door.post([], query="?x=1")

        assert door.reader.calls[0].url == "https://acme.com/leadline/webhooks/crm?x=1"


def test_what_anybody_can_say_of_a_proxy_is_not_believed(door: Door) -> None:
    door.post([], headers=[("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.com")])

    assert door.reader.calls[0].url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_methods_are_none(door: Door, method: str) -> None:
    assert httpx.request(method, f"{door.base}/webhooks/crm").status_code == 405


# What people get to see


def test_health_counts_what_came_and_what_waits(door: Door) -> None:
    door.post([["Account", "1"], ["Account", "2"], ["Ticket", "1"]])
    door.post([["Account", "1"]], word="guessed")
    door.project.now = lambda: NOW + 90

    status, body = door.health()

    assert (status, body["status"]) == (200, "ok")
    assert body["webhooks"] == {
        "received": 1, "noticed": 2, "ignored": 1, "refused": 1, "busy": 0,
        "pending": 2, "oldest_pending_seconds": 90,
    }  # fmt: skip


def test_a_database_that_does_not_answer_is_no_health(door: Door) -> None:
    with door.project.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE notices RENAME TO lost")

    status, body = door.health()

    assert (status, body["status"], body["last_error"]) == (
        503,
        "failing",
        "the database does not answer: OperationalError",
    )


def test_the_log_says_why_and_what_to_do_but_once_for_a_kind(tmp_path: Path) -> None:
    times = iter([0.0, 1.0, 59.0, 61.0])
    with fake_project(tmp_path, FakeCRM()) as project, structlog.testing.capture_logs() as said:
        project.connections["crm"] = dataclasses.replace(project.connections["crm"], webhooks=Reader)
        with closing(Receiver(project, wake=lambda: None, clock=lambda: next(times))) as receiver:
            for _ in range(4):
                with pytest.raises(WebhookError):
                    receiver.take("crm", WebhookCall("POST", "http://x", {}, b"", NOW))

    assert [line["held_back"] for line in said] == [0, 2]
    assert said[0] == {
        "event": "webhook_refused", "log_level": "warning", "connection": "crm", "status": 401, "held_back": 0,
        "reason": "the word is wrong. Set `word` to the secret one.",
    }  # fmt: skip


def test_the_worker_serves_both_by_its_settings(tmp_path: Path) -> None:
    with fake_project(tmp_path, FakeCRM()) as project, closing(Receiver(project, wake=lambda: None)) as receiver:
        app = worker_app(project, Health(), receiver)
        with serving(app, host="127.0.0.1", port=0) as port:
            assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
            assert httpx.post(f"http://127.0.0.1:{port}/webhooks/crm").status_code == 404


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://leadline.acme.com/", "https://leadline.acme.com"),
        ("http://127.0.0.1:8686", "http://127.0.0.1:8686"),
        ("https://acme.com/crm/", "https://acme.com/crm"),
        ("leadline.acme.com", None),
        ("ftp://acme.com", None),
        ("https://acme.com/?x=1", None),
        ("https://user:word@acme.com", None),
    ],
)
def test_a_public_address_is_one_to_put_paths_behind(tmp_path: Path, given: str, kept: str | None) -> None:
    (tmp_path / "leadline.yaml").write_text(f"web: {{public_url: '{given}'}}\n")
    if kept is None:
        with pytest.raises(ConfigError, match="an address as vendors call it"):
            config.load(tmp_path, environ={})
    else:
        assert config.load(tmp_path, environ={}).web.public_url == kept
