"""The base server over real sockets: control surface, faults, lost replies, TLS."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator

import httpx
import pytest
from tests.shop import NOW, Shop, fault, logged, rows

from leadline.sdk.errors import ConfigError
from leadline.sdk.sandbox.clock import SandboxClock
from leadline.sdk.sandbox.server import RunningSandbox, running
from leadline.sdk.sandbox.world import World


@pytest.fixture
def shop() -> Iterator[RunningSandbox]:
    with running(Shop, World(now=NOW)) as sandbox:
        yield sandbox


@pytest.fixture
def http(shop: RunningSandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=shop.base_url, timeout=10) as client:
        yield client


def test_the_log_has_every_call_with_its_records_and_the_sandbox_time(http: httpx.Client) -> None:
    http.post("/things?dry=1", json=rows("a", "b"))
    http.get("/nowhere")

    first, second = logged(http)

    assert (first["method"], first["path"], first["query"]) == ("POST", "/things", "dry=1")
    assert (first["status"], first["records"], first["time"]) == (200, 2, NOW)
    assert first["seconds"] > 0
    assert (second["status"], second["records"]) == (404, None)


def test_the_log_is_read_from_an_index_and_cleared_without_reusing_indices(http: httpx.Client) -> None:
    http.get("/things")
    http.get("/things")
    assert [entry["index"] for entry in logged(http, since=1)] == [1]

    assert http.delete("/__sandbox__/requests").json() == {"requests": [], "next": 2}

    assert logged(http) == []
    http.get("/things")
    assert [entry["index"] for entry in logged(http, since=1)] == [2]


def test_a_status_fault_answers_in_the_vendors_words_and_does_not_handle_the_call(http: httpx.Client) -> None:
    fault(http, {"path": "/things", "status": 503, "code": "DOWN", "headers": {"Retry-After": "7"}})

    refused = http.post("/things", json=rows("a"))
    accepted = http.post("/things", json=rows("b"))

    assert (refused.status_code, refused.json(), refused.headers["retry-after"]) == (503, {"shop_error": "DOWN"}, "7")
    assert accepted.status_code == 200
    assert [thing["id"] for thing in http.get("/things").json()] == ["b"]
    assert [entry["fault"] for entry in logged(http)] == ["status 503", "", ""]


def test_a_fault_skips_and_counts_matching_calls_only(http: httpx.Client) -> None:
    fault(http, {"method": "post", "path": "/thi*", "status": 500, "skip": 1, "times": 2})

    statuses = [http.get("/things").status_code]
    statuses += [http.post("/things", json=[]).status_code for _ in range(4)]

    assert statuses == [200, 200, 500, 500, 200]


@pytest.mark.parametrize(
    ("path", "hit"), [("/things", True), ("*ing*", True), ("^ing", False), ("^/t.*s$", True), ("/thing", False)]
)
def test_a_path_is_a_glob_or_with_a_caret_a_regular_expression(http: httpx.Client, path: str, hit: bool) -> None:
    fault(http, {"path": path, "status": 418})

    assert (http.get("/things").status_code == 418) is hit


def test_a_dropped_reply_is_lost_after_the_call_was_applied(http: httpx.Client) -> None:
    fault(http, {"path": "/things", "drop_reply": True})

    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        http.post("/things", json=rows("a"))

    assert [thing["id"] for thing in http.get("/things").json()] == ["a"]
    assert [(entry["status"], entry["fault"]) for entry in logged(http)] == [(0, "drop_reply"), (200, "")]


def test_a_dropped_request_is_lost_before_it_was_applied(http: httpx.Client) -> None:
    fault(http, {"path": "/things", "drop_request": True})

    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        http.post("/things", json=rows("a"))

    assert http.get("/things").json() == []


def test_rows_are_refused_by_id_until_cleared(http: httpx.Client) -> None:
    fault(http, {"object": "thing", "ids": ["b"], "code": "NO_B"})

    codes = [[row["error"] for row in http.post("/things", json=rows("a", "b")).json()] for _ in range(2)]
    http.delete("/__sandbox__/faults")
    after = [row["error"] for row in http.post("/things", json=rows("b")).json()]

    assert codes == [[None, "NO_B"], [None, "NO_B"]]
    assert after == [None]


def test_every_nth_row_is_refused_a_number_of_times(http: httpx.Client) -> None:
    fault(http, {"object": "thing", "every": 2, "times": 2, "code": "EVEN"})

    answers = http.post("/things", json=rows(*"abcdefgh")).json()

    assert [row["id"] for row in answers if row["error"]] == ["b", "d"]


def test_the_clock_moves_records_and_the_date_header(http: httpx.Client) -> None:
    moved = http.post("/__sandbox__/clock", json={"set": "2031-02-03T04:05:06Z"}).json()
    advanced = http.post("/__sandbox__/clock", json={"advance_seconds": 60}).json()
    answer = http.post("/things", json=rows("a"))

    assert (moved["iso"], moved["running"]) == ("2031-02-03T04:05:06+00:00", False)
    assert advanced["epoch"] == moved["epoch"] + 60
    assert http.get("/__sandbox__/clock").json() == advanced
    assert answer.headers["date"] == "Mon, 03 Feb 2031 04:06:06 GMT"
    assert http.get("/things").json()[0]["at"] == advanced["epoch"]


def test_a_user_edits_one_record_or_several(http: httpx.Client) -> None:
    command = {"action": "create", "object": "thing", "fields": {"id": "a"}}

    one = http.post("/__sandbox__/records", json=command).json()
    several = http.post("/__sandbox__/records", json=[command, command]).json()

    assert (one, several) == ({"id": "a"}, {"results": [{"id": "a"}, {"id": "a"}]})
    assert len(http.get("/__sandbox__/state").json()["thing"]) == 3
    assert logged(http) == []


def test_a_delay_comes_first_and_the_call_is_handled(http: httpx.Client) -> None:
    fault(http, {"path": "/things", "delay": 0.02})

    assert http.post("/things", json=rows("a")).status_code == 200

    (entry,) = logged(http)
    assert entry["seconds"] >= 0.015
    assert entry["fault"] == "delay"


def test_latency_is_added_to_the_vendors_calls() -> None:
    with running(Shop, World(now=NOW), latency_ms=20) as sandbox, httpx.Client(base_url=sandbox.base_url) as client:
        client.get("/things")

        assert logged(client)[0]["seconds"] >= 0.015


def test_a_standing_clock_is_let_run(http: httpx.Client) -> None:
    before = http.get("/__sandbox__/clock").json()
    after = http.post("/__sandbox__/clock", json={"running": True}).json()

    assert (before["running"], after["running"]) == (False, True)
    assert after["epoch"] >= before["epoch"] == NOW


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("faults", {"path": "/x"}, "needs one of"),
        ("faults", {"paht": "/x", "status": 500}, "'paht'"),
        ("faults", {"status": 42}, "'status'"),
        ("faults", {"status": 500, "times": 0}, "'times'"),
        ("faults", {"path": "^(", "status": 500}, "regular expression"),
        ("faults", {"object": "thing", "code": "X"}, "ids"),
        ("faults", [], "JSON object"),
        ("clock", {"set": "yesterday"}, "yesterday"),
        ("clock", {}, "advance_seconds"),
        ("records", {"action": "sing"}, "only creates"),
    ],
)
def test_a_senseless_control_request_is_a_400_with_a_message(
    http: httpx.Client, path: str, body: object, says: str
) -> None:
    answer = http.post(f"/__sandbox__/{path}", json=body)

    assert answer.status_code == 400
    assert says in answer.json()["error"]


def test_a_control_request_that_is_no_json_is_a_400(http: httpx.Client) -> None:
    assert http.post("/__sandbox__/faults", content=b"{").status_code == 400
    assert http.get("/__sandbox__/state", params={"object": "no"}).status_code == 400


def test_replies_are_not_held_back_by_the_kernel(http: httpx.Client) -> None:
    """Otherwise every call on a kept connection takes 40 ms."""
    assert http.get("/delay").json() is False


def test_tls_is_trusted_through_the_ca_file_only() -> None:
    with running(Shop, World(now=NOW), tls=True) as sandbox:
        assert sandbox.base_url.startswith("https://127.0.0.1:")
        trusting = ssl.create_default_context(cafile=sandbox.credentials["ca_file"])
        with httpx.Client(base_url=sandbox.base_url, verify=trusting) as client:
            assert client.get("/things").status_code == 200
        with httpx.Client(base_url=sandbox.base_url) as client, pytest.raises(httpx.ConnectError):
            client.get("/things")
    assert sandbox.ca_file is not None
    assert not sandbox.ca_file.exists()


def test_a_taken_port_is_a_setting_to_change(shop: RunningSandbox) -> None:
    port = int(shop.base_url.rpartition(":")[2])

    with pytest.raises(ConfigError, match=f"Port {port}"), running(Shop, World(now=NOW), port=port):
        pass


def test_a_new_clock_runs_and_a_set_clock_stands() -> None:
    clock = SandboxClock(offset=3600)
    assert clock.running
    assert clock.now() >= time.time() + 3599

    clock.set(NOW)
    assert (clock.now(), clock.running) == (NOW, False)
    clock.advance(-10)
    assert clock.now() == NOW - 10
    clock.set(NOW, running=True)
    assert clock.running
    assert clock.now() >= NOW
