"""Webhooks that a sandbox sends: batches of events, signed in the vendor's way, over real HTTP to loopback.

    vendor: tell(event) ──▶ waiting ──▶ batches of up to `batch` ──▶ POST, signed ──▶ 2xx: done
                                                                        └─ else: again, `attempts` times

A vendor gives two functions: what a batch looks like, and how it is signed. How badly the deliveries
behave is said at the control surface: doubled, lost or shuffled by chance with a seed, or held back until
told. A thread lives while there is something to deliver, and no longer.
"""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

from leadline.sdk.sandbox import rulekeys

if TYPE_CHECKING:
    from leadline.sdk.sandbox.clock import SandboxClock

Event: TypeAlias = Mapping[str, Any]
# (events, number of the attempt from 0) -> body
Encode: TypeAlias = Callable[[Sequence[Event], int], bytes]
# (method, url, body, secret, epoch seconds of the sandbox's clock) -> headers
Sign: TypeAlias = Callable[[str, str, bytes, str, float], Mapping[str, str]]

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_TIMEOUT = 5.0  # seconds that a receiver has to answer
_SHOWN = 100  # deliveries kept for the control surface
_KEYS = ("url", "secret", "batch", "attempts", "retry_seconds", "seed", "double", "lose", "shuffle", "hold", "flush")


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send, and how well. `double` and `lose` are chances of one event, from 0 to 1.

    `retry_seconds` are real ones between two attempts, where vendors take minutes. With `hold` events
    wait until a flush.
    """

    url: str
    secret: str
    batch: int = 100
    attempts: int = 10
    retry_seconds: float = 0.05
    seed: int = 0
    double: float = 0.0
    lose: float = 0.0
    shuffle: bool = False
    hold: bool = False

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Target:
        """A target as it is sent to the control surface. ValueError when it makes no sense."""
        rulekeys.only(given, _KEYS)
        url = rulekeys.text(given, "url", "")
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname not in _LOOPBACK:
            raise ValueError(f"webhooks go to http://127.0.0.1 and nowhere else, not to {url!r}")
        return cls(
            url=url,
            secret=rulekeys.text(given, "secret", ""),
            batch=rulekeys.count(given, "batch", 100) or 100,
            attempts=rulekeys.count(given, "attempts", 10) or 10,
            retry_seconds=rulekeys.number(given, "retry_seconds", 0.05),
            seed=rulekeys.count(given, "seed", 0, lowest=0) or 0,
            double=rulekeys.number(given, "double", 0.0),
            lose=rulekeys.number(given, "lose", 0.0),
            shuffle=bool(given.get("shuffle", False)),
            hold=bool(given.get("hold", False)),
        )


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request that was sent. `status` is 0 when nobody answered."""

    events: int
    attempt: int
    status: int


@dataclass
class _Counts:
    told: int = 0
    lost: int = 0
    doubled: int = 0
    delivered: int = 0
    given_up: int = 0


@dataclass
class _State:
    """Everything that both threads touch, under one lock."""

    target: Target | None = None
    waiting: list[Event] = field(default_factory=list)
    counts: _Counts = field(default_factory=_Counts)
    sent: list[Delivery] = field(default_factory=list)
    busy: bool = False


class WebhooksOut:
    """Delivers what a vendor tells of to the one address that was named."""

    def __init__(self, clock: SandboxClock, encode: Encode, sign: Sign) -> None:
        self._clock = clock
        self._encode = encode
        self._sign = sign
        self._state = _State()
        self._change = threading.Condition()
        self._random = random.Random(0)  # noqa: S311 - misbehaviour that can be repeated, nothing secret

    @property
    def wanted(self) -> bool:
        """Whether anybody listens: a vendor may spare itself the telling."""
        return self._state.target is not None

    def tell(self, event: Event) -> None:
        """Something happened. It is delivered soon, if anybody listens, and if it is not to be lost."""
        with self._change:
            target = self._state.target
            if target is None:
                return
            self._state.counts.told += 1
            if self._random.random() < target.lose:
                self._state.counts.lost += 1
                return
            self._state.waiting.append(event)
            if self._random.random() < target.double:
                self._state.counts.doubled += 1
                self._state.waiting.append(event)
            if not target.hold:
                self._wake()

    def send_to(self, target: Target | None) -> None:
        """Deliver to this address from now on; None to nobody, and forget what waits."""
        with self._change:
            self._state.target = target
            self._random.seed(target.seed if target else 0)
            if target is None:
                self._state.waiting.clear()

    def flush(self) -> None:
        """Deliver what was held back."""
        with self._change:
            self._wake()

    def wait(self, timeout: float = 10.0) -> None:
        """Return when nothing is being delivered. TimeoutError when that takes longer than `timeout` real seconds."""
        with self._change:
            if not self._change.wait_for(lambda: not self._state.busy, timeout):
                raise TimeoutError(f"webhooks are still being delivered after {timeout} seconds")

    def control(self, method: str, body: Any) -> dict[str, Any]:
        """The control surface: POST names a target or says {"flush": true}, DELETE stops, GET tells."""
        if method == "DELETE":
            self.send_to(None)
        elif method == "POST":
            if not isinstance(body, Mapping):
                raise ValueError('send {"url": ..., "secret": ...} or {"flush": true}')
            if "url" in body:
                self.send_to(Target.read(body))
            if body.get("flush"):
                self.flush()
        with self._change:
            state = self._state
            target = asdict(replace(state.target, secret="***")) if state.target else None  # noqa: S106 - hides it
            return {
                "target": target,
                "waiting": len(state.waiting),
                **asdict(state.counts),
                "deliveries": [asdict(each) for each in state.sent[-_SHOWN:]],
            }

    # --- the thread

    def _wake(self) -> None:
        """Start the thread unless it lives. The lock is held."""
        if not self._state.busy and self._state.waiting:
            self._state.busy = True
            threading.Thread(target=self._deliver, name="webhooks-out", daemon=True).start()

    def _deliver(self) -> None:
        while True:
            with self._change:
                target, batch = self._state.target, self._next()
                if target is None or not batch:
                    self._state.busy = False
                    self._change.notify_all()
                    return
            self._send(target, batch)

    def _next(self) -> list[Event]:
        """The next events to send, shuffled where that is wanted. The lock is held."""
        state = self._state
        if state.target is None:
            return []
        if state.target.shuffle:
            self._random.shuffle(state.waiting)
        batch = state.waiting[: state.target.batch]
        del state.waiting[: state.target.batch]
        return batch

    def _send(self, target: Target, batch: Sequence[Event]) -> None:
        """Send one batch until it is taken, or given up."""
        for attempt in range(target.attempts):
            status = self._post(target, self._encode(batch, attempt))
            with self._change:
                self._state.sent.append(Delivery(len(batch), attempt, status))
                del self._state.sent[:-_SHOWN]
                if 200 <= status < 300:
                    self._state.counts.delivered += len(batch)
                    return
                if self._state.target is not target:
                    return
            time.sleep(target.retry_seconds)
        with self._change:
            self._state.counts.given_up += len(batch)

    def _post(self, target: Target, body: bytes) -> int:
        """One signed request; its status, 0 when there was no answer in time."""
        parts = urlsplit(target.url)
        path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        headers = {"Content-Type": "application/json", "User-Agent": "sandbox-webhooks"}
        headers |= self._sign("POST", target.url, body, target.secret, self._clock.now())
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=_TIMEOUT)
        try:
            connection.request("POST", path, body, headers)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()
