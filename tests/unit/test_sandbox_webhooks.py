"""Webhooks that a sandbox sends: to loopback only, signed, in batches, doubled, lost and sent again as told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
import pytest
from tests.receiver import Receiver, listening

from leadline.sdk.sandbox.clock import SandboxClock
from leadline.sdk.sandbox.webhooks_out import WebhooksOut


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as opened:
        yield opened


@pytest.fixture
def out() -> WebhooksOut:
    def encode(events: Sequence[Mapping[str, Any]], attempt: int) -> bytes:
        return orjson.dumps({"events": list(events), "attempt": attempt})

    def sign(method: str, url: str, body: bytes, secret: str, now: float) -> Mapping[str, str]:
        return {"X-Proof": f"{method} {url} {len(body)} {secret} {now:.0f}"}

    clock = SandboxClock()
    clock.set(1_000)
    return WebhooksOut(clock, encode, sign)


def tell(out: WebhooksOut, count: int, receiver: Receiver, **settings: Any) -> dict[str, Any]:
    """Send that many numbered events as the settings say; what the control surface then tells."""
    out.control("POST", {"url": receiver.url, "secret": "s", "hold": True, "retry_seconds": 0, **settings})
    for number in range(count):
        out.tell({"n": number})
    out.flush()
    out.wait()
    return out.control("GET", None)


def batches(receiver: Receiver) -> list[list[Any]]:
    return [orjson.loads(body)["events"] for _, _, body in receiver.requests]


def numbers(receiver: Receiver) -> list[int]:
    return [event["n"] for batch in batches(receiver) for event in batch]


def test_events_go_in_batches_signed_by_the_sandboxs_clock(out: WebhooksOut, receiver: Receiver) -> None:
    told = tell(out, 250, receiver)

    assert [len(batch) for batch in batches(receiver)] == [100, 100, 50]
    assert numbers(receiver) == list(range(250))
    path, headers, body = receiver.requests[0]
    assert path == "/hooks/crm?x=1"
    assert headers["x-proof"] == f"POST {receiver.url} {len(body)} s 1000"
    assert (told["told"], told["delivered"], told["waiting"], told["target"]["secret"]) == (250, 250, 0, "***")


def test_a_refused_batch_is_sent_again_and_says_so(out: WebhooksOut, receiver: Receiver) -> None:
    receiver.answers = [503, 500]

    told = tell(out, 2, receiver)

    assert [orjson.loads(body)["attempt"] for _, _, body in receiver.requests] == [0, 1, 2]
    assert [each["status"] for each in told["deliveries"]] == [503, 500, 204]


def test_a_batch_that_is_never_taken_is_given_up(out: WebhooksOut, receiver: Receiver) -> None:
    receiver.answers = [500] * 9

    told = tell(out, 2, receiver, attempts=3)

    assert (len(receiver.requests), told["given_up"], told["delivered"]) == (3, 2, 0)


def test_nobody_there_is_a_failed_attempt(out: WebhooksOut) -> None:
    with listening() as gone:
        pass

    told = tell(out, 1, gone, attempts=2)

    assert [each["status"] for each in told["deliveries"]] == [0, 0]


def test_events_are_doubled_lost_and_shuffled_the_same_way_for_a_seed(out: WebhooksOut, receiver: Receiver) -> None:
    told = tell(out, 200, receiver, double=0.3, lose=0.2, shuffle=True, seed=7)
    first = numbers(receiver)
    receiver.requests.clear()
    tell(out, 200, receiver, double=0.3, lose=0.2, shuffle=True, seed=7)

    assert told["lost"] > 0
    assert told["doubled"] > 0
    assert len(first) == 200 - told["lost"] + told["doubled"]
    assert first != sorted(first)
    assert numbers(receiver) == first


def test_without_hold_events_leave_by_themselves(out: WebhooksOut, receiver: Receiver) -> None:
    out.control("POST", {"url": receiver.url})
    out.tell({"n": 1})
    out.wait()

    assert numbers(receiver) == [1]


def test_nothing_is_kept_for_nobody(out: WebhooksOut, receiver: Receiver) -> None:
    out.tell({"n": 1})
    tell(out, 1, receiver)
    out.control("DELETE", None)
    out.tell({"n": 2})
    out.wait()

    assert (numbers(receiver), out.wanted, out.control("GET", None)["waiting"]) == ([0], False, 0)


@pytest.mark.parametrize(
    "given",
    [
        {"url": "http://example.com/hook"}, {"url": "https://127.0.0.1/hook"}, {"url": ""},
        {"url": "http://127.0.0.1:1/", "nonsense": 1}, {"url": "http://127.0.0.1:1/", "batch": 0}, [], None,
    ],
)  # fmt: skip
def test_a_target_that_makes_no_sense_or_is_elsewhere_is_refused(out: WebhooksOut, given: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        out.control("POST", given)
