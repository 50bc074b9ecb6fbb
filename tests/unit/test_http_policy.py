"""The one policy for every client: what each answer leads to, how often it is tried, how long is waited."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import pytest

from leadline.sdk.errors import (
    BudgetError,
    ConfigError,
    CredentialsError,
    LeadlineError,
    PermanentError,
    TransientError,
    UnknownOutcomeError,
)
from leadline.sdk.http import (
    Action,
    ConnectFailed,
    HttpPolicy,
    Pace,
    Reply,
    ReplyLost,
    Verdict,
    redact,
    require_tls,
)
from leadline.sdk.ports import CallMade, Runtime

DAY = 86_400
WELL = Reply(200, {}, b"")
SAID = {
    400: Verdict(Action.FAIL, code="BAD", message="no such field"),
    401: Verdict(Action.CREDENTIALS, message="who are you"),
    402: Verdict(Action.BUDGET, wait=900.0, message="spent"),
    429: Verdict(Action.RETRY, wait=7.0, message="too fast"),
    500: Verdict(Action.RETRY, message="broken", applied=None),
    503: Verdict(Action.RETRY, message="busy"),
}


def classify(reply: Reply) -> Verdict:
    return SAID.get(reply.status, Verdict(Action.OK))


@dataclass
class Wire:
    """Answers exchanges one after another, and notes time: sleeping moves it, nothing else does."""

    answers: list[Reply | Exception]
    now: float = 1_000.0
    naps: list[float] = field(default_factory=list)
    timeouts: list[float] = field(default_factory=list)
    calls: list[CallMade] = field(default_factory=list)

    def send(self, timeout: float) -> Reply:
        self.timeouts.append(timeout)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds

    def policy(
        self,
        *,
        attempts: int | None = None,
        daily_calls: int | None = None,
        paces: Mapping[str, tuple[Pace, ...]] | None = None,
        lent: int | None = None,
    ) -> HttpPolicy:
        runtime = Runtime(
            "crm",
            lambda: int(self.now),
            self.sleep,
            12.0,
            daily_calls=daily_calls,
            on_call=self.calls.append,
        )
        runtime = runtime if lent is None else replace(runtime, attempts=lent)
        return HttpPolicy(runtime, classify=classify, paces=paces, attempts=attempts)


def call(wire: Wire, *, safe: bool, policy: HttpPolicy | None = None, bucket: str = "default") -> Reply:
    return (policy or wire.policy()).call(wire.send, method="POST", path="/things", bucket=bucket, safe=safe)


def replies(*statuses: int) -> list[Reply | Exception]:
    return [Reply(status, {}, b"") for status in statuses]


@pytest.mark.parametrize("safe", [True, False])
def test_a_good_answer_is_handed_over_with_the_deadline_kept(safe: bool) -> None:
    wire = Wire([WELL])

    assert call(wire, safe=safe) is WELL
    assert (wire.timeouts, wire.naps) == ([12.0], [])


@pytest.mark.parametrize(("status", "error"), [(400, PermanentError), (401, CredentialsError), (402, BudgetError)])
@pytest.mark.parametrize("safe", [True, False])
def test_a_no_is_never_repeated(status: int, error: type[LeadlineError], safe: bool) -> None:
    wire = Wire(replies(status))

    with pytest.raises(error) as caught:
        call(wire, safe=safe)

    assert (type(caught.value), caught.value.place, wire.naps) == (error, "crm", [])
    assert caught.value.message == f"POST /things: {SAID[status].message}"


def test_what_the_vendor_said_goes_on() -> None:
    with pytest.raises(PermanentError) as refused:
        call(Wire(replies(400)), safe=True)
    with pytest.raises(BudgetError) as spent:
        call(Wire(replies(402)), safe=True)
    with pytest.raises(CredentialsError) as unknown:
        call(Wire(replies(401)), safe=True)

    assert (refused.value.code, spent.value.retry_after) == ("BAD", 900.0)
    assert "leadline doctor" in unknown.value.fix


@pytest.mark.parametrize("safe", [True, False])
@pytest.mark.parametrize("status", [429, 503])
def test_what_was_certainly_not_applied_is_repeated_even_when_it_writes(status: int, safe: bool) -> None:
    wire = Wire([*replies(status, status), WELL])

    assert call(wire, safe=safe) is WELL
    assert len(wire.timeouts) == 3


def test_the_wait_that_the_vendor_asks_for_is_kept_to_the_second() -> None:
    wire = Wire([*replies(429, 429), WELL])

    call(wire, safe=True)

    assert wire.naps == [7.0, 7.0]


def test_a_wait_longer_than_a_minute_is_left_to_the_next_run() -> None:
    answers = {503: Verdict(Action.RETRY, wait=60.0), 429: Verdict(Action.RETRY, wait=61.0, message="in a while")}
    wire = Wire(replies(503, 429, 200))
    policy = HttpPolicy(Runtime("crm", lambda: 0, wire.sleep), classify=lambda reply: answers[reply.status])

    with pytest.raises(TransientError, match="failed 2 times: in a while") as caught:
        call(wire, safe=False, policy=policy)

    assert (caught.value.retry_after, wire.naps) == (61.0, [60.0])


def test_without_such_a_wait_it_grows_and_is_bounded() -> None:
    wire = Wire([*replies(*[503] * 11), WELL])

    call(wire, safe=True, policy=wire.policy(attempts=12))

    assert all(0.5 * 2**number <= nap <= 0.5 * 2**number + 0.5 for number, nap in enumerate(wire.naps[:6]))
    assert all(nap <= 30.5 for nap in wire.naps)
    assert wire.naps[-1] >= 30


def test_a_fault_that_may_have_come_after_the_write_is_repeated_only_where_that_is_safe() -> None:
    wire = Wire([*replies(500), WELL])
    assert call(wire, safe=True) is WELL

    wire = Wire(replies(500))
    with pytest.raises(UnknownOutcomeError, match=r"crm: POST /things was sent and not answered \(broken\)"):
        call(wire, safe=False)
    assert wire.naps == []


def test_a_lost_reply_is_repeated_only_where_that_is_safe() -> None:
    wire = Wire([ReplyLost("reset"), WELL])
    assert call(wire, safe=True) is WELL

    wire = Wire([ReplyLost("reset")])
    with pytest.raises(UnknownOutcomeError, match="reset"):
        call(wire, safe=False)
    assert wire.naps == []


@pytest.mark.parametrize("safe", [True, False])
def test_where_nothing_was_sent_it_is_repeated(safe: bool) -> None:
    wire = Wire([ConnectFailed("refused"), WELL])

    assert call(wire, safe=safe) is WELL


def test_attempts_that_are_used_up_say_so() -> None:
    wire = Wire(replies(503, 503, 429))

    with pytest.raises(TransientError) as caught:
        call(wire, safe=True, policy=wire.policy(attempts=3))

    assert caught.value.message == "POST /things failed 3 times: too fast"
    assert (caught.value.retry_after, caught.value.place) == (7.0, "crm")
    assert type(caught.value) is TransientError
    assert len(wire.naps) == 2  # nobody waits after the last


@pytest.mark.parametrize(("lent", "given", "tried"), [(2, None, 2), (2, 4, 4), (None, None, 5)])
def test_how_often_is_the_runtimes_unless_a_connector_knows_better(
    lent: int | None, given: int | None, tried: int
) -> None:
    wire = Wire([ConnectFailed("down")] * 9)

    with pytest.raises(TransientError, match="no connection: down"):
        call(wire, safe=True, policy=wire.policy(attempts=given, lent=lent))

    assert len(wire.timeouts) == tried


def test_one_attempt_is_called_once() -> None:
    wire = Wire([ConnectFailed("down")])

    with pytest.raises(TransientError, match="failed once: no connection"):
        call(wire, safe=True, policy=wire.policy(attempts=1))


def test_every_exchange_is_reported_also_those_that_failed() -> None:
    wire = Wire([ConnectFailed("down"), *replies(503), WELL])

    call(wire, safe=True)

    assert [(made.connection, made.method, made.path, made.status) for made in wire.calls] == [
        ("crm", "POST", "/things", status) for status in (0, 503, 200)
    ]
    assert all(made.seconds >= 0 for made in wire.calls)


# Pacing


def test_a_pace_lets_so_many_through_in_any_window() -> None:
    wire = Wire([])
    pace = Pace(3, 10.0, clock=lambda: wire.now)
    taken = []
    for _ in range(7):
        pace.take(wire.sleep)
        taken.append(wire.now)

    assert taken == [1_000.0] * 3 + [1_010.0] * 3 + [1_020.0]
    assert all(late - early >= 10 for early, late in zip(taken, taken[3:], strict=False))


def test_a_window_rolls_rather_than_starts_anew() -> None:
    wire = Wire([])
    pace = Pace(2, 10.0, clock=lambda: wire.now)
    pace.take(wire.sleep)
    wire.now += 6
    pace.take(wire.sleep)
    pace.take(wire.sleep)
    assert wire.now == 1_010
    pace.take(wire.sleep)
    assert wire.now == 1_016


def test_each_bucket_has_its_own_paces_and_a_call_waits_for_all_of_them() -> None:
    wire = Wire([WELL] * 6)
    slow, wide = Pace(1, 5.0, clock=lambda: wire.now), Pace(2, 60.0, clock=lambda: wire.now)
    policy = wire.policy(paces={"search": (slow, wide)})

    for _ in range(3):
        call(wire, safe=True, policy=policy)
    assert wire.naps == []  # the default bucket has none
    for _ in range(3):
        call(wire, safe=True, policy=policy, bucket="search")
    assert wire.now == 1_060


def test_a_repeat_takes_a_slot_like_a_first_attempt() -> None:
    wire = Wire([*replies(429), WELL])
    policy = wire.policy(paces={"default": (Pace(1, 60.0, clock=lambda: wire.now),)})

    call(wire, safe=True, policy=policy)

    assert wire.now == 1_060


# The day's calls


def test_a_days_calls_are_counted_exchange_by_exchange_and_begin_anew_at_midnight_utc() -> None:
    wire = Wire([*replies(503), WELL, WELL, WELL, WELL])
    policy = wire.policy(daily_calls=3)
    call(wire, safe=True, policy=policy)  # two exchanges
    call(wire, safe=True, policy=policy)
    wire.now = 1_000

    with pytest.raises(BudgetError, match="the 3 calls that this connection may make in a day are spent") as caught:
        call(wire, safe=True, policy=policy)
    assert caught.value.retry_after == DAY - 1_000
    assert "daily_calls" in caught.value.fix
    assert len(wire.answers) == 2  # nothing was sent

    wire.now = DAY
    assert call(wire, safe=True, policy=policy) is WELL


def test_a_budget_that_ends_between_two_attempts_ends_the_call() -> None:
    wire = Wire(replies(503, 503))

    with pytest.raises(BudgetError):
        call(wire, safe=True, policy=wire.policy(daily_calls=1))
    assert len(wire.answers) == 1


# Addresses and secrets


@pytest.mark.parametrize(
    "url", ["https://crm.example.com/", "http://127.0.0.1:80/", "http://localhost", "http://[::1]:8080"]
)
def test_an_address_with_tls_or_on_this_machine_is_taken_without_its_slash(url: str) -> None:
    assert require_tls(url, setting="s") == url.rstrip("/")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://crm.example.com", "would send credentials unencrypted"),
        ("http://127.0.0.1.example.com", "would send credentials unencrypted"),
        ("http://localhost@crm.example.com", "would send credentials unencrypted"),
        ("ftp://crm.example.com", "is not a web address"),
        ("crm.example.com", "is not a web address"),
        ("https://", "is not a web address"),
    ],
)
def test_any_other_address_is_refused_with_the_setting(url: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        require_tls(url, setting="crm.base_url")
    assert caught.value.place == "crm.base_url"


@pytest.mark.parametrize(
    "written",
    [
        "Authorization: Bearer {}",
        '{{"access_token": "{}", "scope": "api"}}',
        "client_id=x&client_secret={}&grant_type=y",
        "assertion={}",
        "ACCESS_TOKEN={}",
    ],
)
def test_tokens_are_taken_out_of_a_text(written: str) -> None:
    hidden = redact(written.format("s3cr3t.t0ken"))

    assert "s3cr3t" not in hidden
    assert "***" in hidden


@pytest.mark.parametrize(
    "address", ["ann.lee+x@acme.co.uk", "o'neil@acme.com", "ann%40acme.com", "jürgen@müller.example"]
)
def test_people_are_taken_out_of_a_text(address: str) -> None:
    assert redact(f"duplicate value {address} on record 001x") == "duplicate value *** on record 001x"


def test_other_words_stay() -> None:
    said = "field bearer_name is unknown; grant_type=y; 5 @ 3.50, @acme"

    assert redact(said) == said


def test_an_unknown_kind_of_exception_is_not_dressed_up() -> None:
    wire = Wire([ValueError("a defect")])
    unexpected: Callable[[], Reply] = lambda: call(wire, safe=True)  # noqa: E731

    with pytest.raises(ValueError, match="a defect"):
        unexpected()
    assert [made.status for made in wire.calls] == [0]
