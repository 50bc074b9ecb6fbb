"""One policy for every client: budget, pacing, classifying, retrying.

A connector performs a single HTTP exchange in a `send` function and lets `HttpPolicy.call` decide
what the answer means. Nothing here knows a vendor: the meaning of a status or code is a table that
the connector brings (`classify`), and waiting is tenacity's.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_exponential_jitter

from leadline.sdk.errors import (
    BudgetError,
    ConfigError,
    CredentialsError,
    PermanentError,
    TransientError,
    UnknownOutcomeError,
)
from leadline.sdk.ports import CallMade, Runtime

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

LONGEST_WAIT = 60.0
"""Seconds that a call sits out when the vendor asks for them. A longer wait ends it: that is for the next run."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer, whatever its status. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def retry_after(self) -> float | None:
        """Seconds that the answer asks to wait, None when it names none. A date, which servers may send too, is none:
        it would have to be believed against another clock."""
        text = self.headers.get("retry-after", "")
        return float(text) if text.replace(".", "", 1).isdigit() else None


class ConnectFailed(Exception):  # noqa: N818 - names what happened
    """Nothing was sent: the far side could not be reached."""


class ReplyLost(Exception):  # noqa: N818 - names what happened
    """Something was sent and no complete answer came back."""


class Action(StrEnum):
    """What to do about a reply."""

    OK = "ok"
    RETRY = "retry"
    FAIL = "fail"
    CREDENTIALS = "credentials"
    BUDGET = "budget"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A reply's meaning. `wait` in seconds where the vendor said; `applied` None when a write may have taken effect."""

    action: Action
    wait: float | None = None
    code: str = ""
    message: str = ""
    applied: bool | None = False


class Pace:
    """At most `calls` in any `seconds`, a rolling window shared by all threads."""

    def __init__(self, calls: int, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._calls = calls
        self._seconds = seconds
        self._clock = clock
        self._taken: deque[float] = deque()
        self._lock = threading.Lock()

    def take(self, sleep: Callable[[float], None]) -> None:
        """Wait for a free slot and take it."""
        while True:
            with self._lock:
                now = self._clock()
                while self._taken and now - self._taken[0] >= self._seconds:
                    self._taken.popleft()
                if len(self._taken) < self._calls:
                    self._taken.append(now)
                    return
                wait = self._seconds - (now - self._taken[0])
            sleep(max(wait, 0.001))


class _TryAgainError(Exception):
    """Carries a verdict through tenacity."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        super().__init__(verdict.message)


@dataclass
class _DayCount:
    day: int = -1
    calls: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class HttpPolicy:
    """Every call of one connection goes through `call`; `attempts` are the runtime's unless given."""

    def __init__(
        self,
        runtime: Runtime,
        *,
        classify: Callable[[Reply], Verdict],
        paces: Mapping[str, tuple[Pace, ...]] | None = None,
        attempts: int | None = None,
    ) -> None:
        self._runtime = runtime
        self._classify = classify
        self._paces = dict(paces or {})
        self._attempts = runtime.attempts if attempts is None else attempts
        self._today = _DayCount()
        self._backoff = wait_exponential_jitter(multiplier=0.5, max=30, jitter=0.5)

    def call(
        self,
        send: Callable[[float], Reply],
        *,
        method: str,
        path: str,
        bucket: str = "default",
        safe: bool,
    ) -> Reply:
        """Perform one logical call, with as many exchanges as it takes.

        `send(timeout)` does one exchange. `safe` says that sending again cannot do anything twice.
        Raises CredentialsError, BudgetError, PermanentError, TransientError (certainly not applied,
        attempts used up or a wait beyond LONGEST_WAIT asked for) or UnknownOutcomeError (a write that
        may have taken effect).
        """

        tried = 0

        def attempt() -> Reply:
            nonlocal tried
            tried += 1
            return self._once(send, method=method, path=path, bucket=bucket, safe=safe)

        retrying = Retrying(
            retry=retry_if_exception(_worth_waiting_for),
            stop=stop_after_attempt(self._attempts),
            wait=self._wait,
            sleep=self._runtime.sleep,
            reraise=True,
        )
        try:
            return retrying(attempt)
        except _TryAgainError as error:
            verdict = error.verdict
            raise TransientError(
                f"{method} {path} failed {_times(tried)}: {verdict.message or verdict.code}",
                retry_after=verdict.wait,
                fix="Nothing of it was applied; the next run tries again.",
                place=self._runtime.name,
            ) from error

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, _TryAgainError) and error.verdict.wait is not None:
            return error.verdict.wait
        return float(self._backoff(state))

    def _once(self, send: Callable[[float], Reply], *, method: str, path: str, bucket: str, safe: bool) -> Reply:
        for pace in self._paces.get(bucket, ()):
            pace.take(self._runtime.sleep)
        self._spend()
        started = time.monotonic()
        status = 0
        try:
            reply = send(self._runtime.timeout)
            status = reply.status
        except ConnectFailed as error:
            raise _TryAgainError(Verdict(Action.RETRY, message=f"no connection: {error}")) from error
        except ReplyLost as error:
            if safe:
                raise _TryAgainError(Verdict(Action.RETRY, message=f"no answer: {error}")) from error
            raise self._unknown(method, path, str(error)) from error
        finally:
            self._report(method, path, status, started)
        return self._judge(reply, method=method, path=path, safe=safe)

    def _judge(self, reply: Reply, *, method: str, path: str, safe: bool) -> Reply:
        verdict = self._classify(reply)
        place = self._runtime.name
        said = f"{method} {path}: {verdict.message or reply.status}"
        match verdict.action:
            case Action.OK:
                return reply
            case Action.RETRY if safe or verdict.applied is False:
                raise _TryAgainError(verdict)
            case Action.RETRY:
                raise self._unknown(method, path, verdict.message)
            case Action.CREDENTIALS:
                raise CredentialsError(
                    said,
                    place=place,
                    fix="Check this connection's credentials and permissions, then run `leadline doctor`.",
                )
            case Action.BUDGET:
                raise BudgetError(
                    said,
                    retry_after=verdict.wait,
                    place=place,
                    fix="The system's own quota is spent; wait for it, or give other programs less of it.",
                )
            case Action.FAIL:
                raise PermanentError(said, code=verdict.code, place=place)

    def _unknown(self, method: str, path: str, why: str) -> UnknownOutcomeError:
        return UnknownOutcomeError(
            f"{method} {path} was sent and not answered ({why})",
            place=self._runtime.name,
            fix="Leadline reads the records back before it decides.",
        )

    def _spend(self) -> None:
        cap = self._runtime.daily_calls
        if cap is None:
            return
        now = self._runtime.now()
        with self._today.lock:
            day = now // 86_400
            if day != self._today.day:
                self._today.day, self._today.calls = day, self._runtime.spent()
            if self._today.calls >= cap:
                raise BudgetError(
                    f"the {cap} calls that this connection may make in a day are spent",
                    retry_after=86_400 - now % 86_400,
                    place=self._runtime.name,
                    fix="Raise `daily_calls` in leadline.yaml or wait for the next day (UTC).",
                )
            self._today.calls += 1

    def _report(self, method: str, path: str, status: int, started: float) -> None:
        self._runtime.on_call(CallMade(self._runtime.name, method, path, status, time.monotonic() - started))


def _worth_waiting_for(error: BaseException) -> bool:
    return isinstance(error, _TryAgainError) and (error.verdict.wait or 0.0) <= LONGEST_WAIT


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def require_tls(base_url: str, *, setting: str) -> str:
    """The URL without a trailing slash; ConfigError unless it is https, or http on loopback."""
    parts = urlsplit(base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigError(f"{base_url!r} is not a web address", place=setting, fix="Write it as https://host.")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ConfigError(
            f"{base_url!r} would send credentials unencrypted",
            place=setting,
            fix="Use https; plain http is for a sandbox on this machine only.",
        )
    return base_url.rstrip("/")


_SECRET = re.compile(
    r"(?i)(bearer\s+|access_token[\"'=:\s]+|client_secret[\"'=:\s]+|assertion[\"'=:\s]+)([^\s\"'&,}]+)"
)
# Vendors repeat the value that they refuse.
_EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+")


def redact(text: str) -> str:
    """The text with tokens, secrets and e-mail addresses replaced, safe to show and to log."""
    return _EMAIL.sub("***", _SECRET.sub(lambda match: f"{match.group(1)}***", text))
