"""Every kind of fault that a sandbox can be told to show, over real sockets. Takes about 3 seconds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.shop import NOW, Shop, fault, logged, rows

from leadline.sdk.sandbox.faults import Faults
from leadline.sdk.sandbox.latency import Latency
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


def control(http: httpx.Client, path: str, body: object) -> Any:
    answer = http.post(f"/__sandbox__/{path}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def things(http: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = http.get("/__sandbox__/state").json()["thing"]
    return found


# By chance


def hits(rule: dict[str, Any], calls: int = 2_000) -> list[int]:
    faults = Faults()
    faults.add(rule)
    return [number for number in range(calls) if faults.take("GET", "/x")]


def test_chance_hits_its_share_of_calls_and_the_same_ones_for_the_same_seed() -> None:
    rule = {"probability": 0.02, "seed": 7, "status": 503}

    assert hits(rule) == hits(rule) != hits({**rule, "seed": 8})
    assert 20 <= len(hits(rule)) <= 60
    assert hits({**rule, "probability": 0}) == []


def test_chance_lasts_until_cleared_unless_told_how_often() -> None:
    rule = {"probability": 0.5, "seed": 1, "status": 503}

    assert hits({**rule, "times": 3}) == hits(rule)[:3]


def test_only_matching_calls_are_draws() -> None:
    alone, mixed = Faults(), Faults()
    for faults in (alone, mixed):
        faults.add({"path": "/x", "probability": 0.3, "seed": 5, "status": 503})

    expected = [alone.take("GET", "/x") is not None for _ in range(100)]
    found = []
    for _ in range(100):
        mixed.take("GET", "/y")
        found.append(mixed.take("GET", "/x") is not None)

    assert found == expected


def test_a_call_that_one_rule_spares_may_be_hit_by_the_next() -> None:
    faults = Faults()
    faults.add({"probability": 0, "status": 500})
    faults.add({"status": 502, "times": None})

    hit = faults.take("GET", "/x")

    assert hit is not None
    assert hit.status == 502


def test_rows_are_refused_by_chance() -> None:
    def refused() -> list[int]:
        faults = Faults()
        faults.add({"object": "thing", "probability": 0.1, "seed": 3})
        return [n for n in range(500) if faults.refusal("thing", str(n))]

    assert refused() == refused()
    assert 25 <= len(refused()) <= 80


# On the wire


def test_a_page_of_html_instead_of_the_vendors_words(http: httpx.Client) -> None:
    fault(http, {"status": 502, "body": "<h1>Bad gateway</h1>"})
    fault(http, {"body": "{", "content_type": "application/json"})

    page, nonsense = http.post("/things", json=rows("a")), http.post("/things", json=rows("b"))

    assert (page.status_code, page.text) == (502, "<h1>Bad gateway</h1>")
    assert page.headers["content-type"].startswith("text/html")
    assert (nonsense.status_code, nonsense.text, nonsense.headers["content-type"]) == (200, "{", "application/json")
    assert things(http) == []


def test_a_truncated_reply_is_cut_off_after_the_call_was_applied(http: httpx.Client) -> None:
    fault(http, {"path": "/things", "truncate": 0.5})

    with http.stream("POST", "/things", json=rows("a", "b")) as answer:
        got = b""
        with pytest.raises(httpx.RemoteProtocolError, match="peer closed connection"):
            for piece in answer.iter_raw():
                got += piece

    assert len(got) == int(answer.headers["content-length"]) // 2
    assert [thing["id"] for thing in things(http)] == ["a", "b"]
    assert logged(http)[0]["fault"] == "truncate"


def test_a_dripping_reply_arrives_whole_and_slowly(http: httpx.Client) -> None:
    fault(http, {"path": "/things", "drip": 0.01, "drip_for": 0.05})

    with http.stream("POST", "/things", json=rows("a", "b")) as answer:
        pieces = list(answer.iter_raw())

    assert b"".join(pieces) == b'[{"id":"a","error":null},{"id":"b","error":null}]'
    (entry,) = logged(http)
    assert (entry["fault"], entry["seconds"] >= 0.04) == ("drip", True)


def test_a_refusal_can_drip_too(http: httpx.Client) -> None:
    fault(http, {"status": 503, "drip": 0.001, "drip_for": 0.01})

    answer = http.get("/things")

    assert (answer.status_code, answer.json()) == (503, {"shop_error": "BUSY"})
    assert logged(http)[0]["fault"] == "status 503, drip"


def test_who_hangs_up_on_a_dripping_reply_frees_the_sandbox(shop: RunningSandbox, http: httpx.Client) -> None:
    """Otherwise each such call would be held for the whole minute, and stopping the sandbox with it."""
    fault(http, {"drip": 0.01, "drip_for": 60})

    with http.stream("GET", "/things"):
        pass
    http.get("/things")

    while len(logged(http)) < 2:  # ends when the dripping call is given up
        pass


# Time


def test_a_skewed_vendor_stamps_by_its_own_clock(shop: RunningSandbox, http: httpx.Client) -> None:
    shown = control(http, "clock", {"skew_seconds": 90})
    answer = http.post("/things", json=rows("a"))

    assert (shown["epoch"], shown["skew_seconds"]) == (NOW + 90, 90)
    assert things(http)[0]["at"] == NOW + 90
    assert answer.headers["date"] == httpx.Headers({"date": "Thu, 09 Oct 2025 08:54:50 GMT"})["date"]
    assert shop.clock.unskewed() == NOW

    control(http, "clock", {"set": NOW + 1_000})
    assert (shop.clock.now(), shop.clock.unskewed()) == (NOW + 1_090, NOW + 1_000)


def test_jitter_repeats_itself_and_stays_within_its_bounds() -> None:
    latency, again = Latency(5, 20, seed=3), Latency()
    again.set(5, 20, seed=3)

    drawn = [latency.seconds() for _ in range(200)]

    assert drawn == [again.seconds() for _ in range(200)]
    assert 0.005 <= min(drawn) < 0.006
    assert 0.024 < max(drawn) <= 0.025


def test_latency_is_set_while_the_sandbox_runs(http: httpx.Client) -> None:
    assert control(http, "latency", {"ms": 15, "jitter_ms": 5, "seed": 1}) == {"ms": 15.0, "jitter_ms": 5.0}
    http.get("/things")

    assert http.get("/__sandbox__/latency").json() == {"ms": 15.0, "jitter_ms": 5.0}
    assert logged(http)[0]["seconds"] >= 0.012


def test_search_trails_behind_where_the_vendor_has_one(shop: RunningSandbox, http: httpx.Client) -> None:
    control(http, "search", {"lag_seconds": 10})
    http.post("/things", json=rows("a"))
    early = http.get("/things").json()
    shop.clock.advance(10)

    assert (early, [thing["id"] for thing in http.get("/things").json()]) == ([], ["a"])

    del shop.vendor.search_lag  # type: ignore[attr-defined] # of this vendor
    refused = http.post("/__sandbox__/search", json={"lag_seconds": 1})
    assert (refused.status_code, "no search index" in refused.json()["error"]) == (400, True)


# Automation


def thing(http: httpx.Client, **fields: Any) -> dict[str, Any]:
    """The thing "a" as a reader sees it after somebody set these fields."""
    answer = http.patch("/things/a", json=fields)
    assert answer.status_code == 200
    return things(http)[0]


@pytest.fixture
def stocked(http: httpx.Client) -> httpx.Client:
    http.post("/things", json=[{"id": "a", "size": "S", "name": "x"}])
    return http


def test_automation_sets_a_field_when_it_is_written(stocked: httpx.Client) -> None:
    fault(stocked, {"object": "thing", "field": "size", "set": "XL", "times": 2})

    found = [thing(stocked, size=size)["size"] for size in ("M", "XL", "M", "M", "L")]

    assert found == ["XL", "XL", "XL", "M", "L"]
    assert stocked.get("/__sandbox__/faults").json()["faults"][0]["remaining"] == 0


def test_automation_is_done_before_the_writer_has_its_answer(shop: RunningSandbox, stocked: httpx.Client) -> None:
    fault(stocked, {"object": "thing", "field": "size", "set": "XL"})

    stocked.patch("/things/a", json={"size": "M"})

    assert shop.vendor.state()["thing"][0]["size"] == "XL"


def test_automation_puts_the_old_value_back(stocked: httpx.Client) -> None:
    fault(stocked, {"object": "thing", "field": "size", "restore": True})

    assert thing(stocked, size="M")["size"] == "S"
    assert thing(stocked, name="y") == {"id": "a", "size": "S", "name": "y", "at": NOW}


def test_automation_that_comes_later_moves_the_modified_date(shop: RunningSandbox, stocked: httpx.Client) -> None:
    fault(stocked, {"object": "thing", "field": "size", "set": "XL", "after": 30})

    at_once = thing(stocked, size="M")
    shop.clock.advance(29)
    before = things(stocked)[0]
    shop.clock.advance(1)
    after = things(stocked)[0]

    assert (at_once["size"], before["size"]) == ("M", "M")
    assert (after["size"], after["at"]) == ("XL", NOW + 30)


def test_automation_hits_the_records_and_the_share_that_were_named(stocked: httpx.Client) -> None:
    fault(stocked, {"object": "thing", "field": "size", "set": "XL", "ids": ["b"]})
    fault(stocked, {"object": "thing", "field": "size", "set": "XS", "probability": 0})

    assert thing(stocked, size="M")["size"] == "M"


def test_what_automation_could_not_write_is_told(shop: RunningSandbox, stocked: httpx.Client) -> None:
    fault(stocked, {"object": "thing", "field": "size", "set": "XL", "after": 1})
    thing(stocked, size="M")
    shop.vendor.things.clear()  # type: ignore[attr-defined] # of this vendor
    shop.clock.advance(1)

    assert stocked.get("/__sandbox__/faults").json()["refused_automation"] == ["thing a: no thing a"]
    assert stocked.delete("/__sandbox__/faults").json() == {"faults": []}
    assert shop.faults.refused_automation == []


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("faults", {"status": 500, "probability": 2}, "from 0 to 1"),
        ("faults", {"status": 500, "probability": 0.1, "seed": -1}, "'seed'"),
        ("faults", {"drip": -1}, "'drip'"),
        ("faults", {"truncate": 1.5}, "from 0 to 1"),
        ("faults", {"drop_reply": "yes"}, "true or false"),
        ("faults", {"object": "thing", "ids": ["a"], "every": 2}, "one of the two"),
        ("faults", {"object": "thing", "field": "size"}, "restore"),
        ("faults", {"object": "thing", "field": "size", "set": "x", "restore": True}, "restore"),
        ("faults", {"object": "thing", "field": "size", "set": "x", "status": 500}, "'status'"),
        ("clock", {"skew_seconds": "much"}, "skew_seconds"),
        ("latency", {"ms": -1}, "'ms'"),
        ("latency", {"millis": 1}, "'millis'"),
    ],
)
def test_a_senseless_rule_is_a_400_with_a_message(http: httpx.Client, path: str, body: object, says: str) -> None:
    answer = http.post(f"/__sandbox__/{path}", json=body)

    assert answer.status_code == 400
    assert says in answer.json()["error"]
