"""The calls of a day, the same on each database."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from leadline.app.spending import Spending
from leadline.sdk.errors import BudgetError
from leadline.sdk.http import Action, HttpPolicy, Reply, Verdict
from leadline.sdk.ports import CallMade, Runtime
from leadline.store.spending import add_calls, calls_made

DAY = 20_000
NOON = DAY * 86_400 + 43_200


def spending(engine: Engine) -> Spending:
    made = Spending(lambda: NOON)
    made.open(engine)
    return made


def call(name: str) -> CallMade:
    return CallMade(name, "GET", "/things", 200, 0.0)


def test_calls_add_up_by_connection_and_day_and_yesterday_is_forgotten(engine: Engine) -> None:
    with engine.begin() as connection:
        add_calls(connection, "crm", DAY - 1, 7)
        add_calls(connection, "crm", DAY, 2)
        add_calls(connection, "crm", DAY, 3)
        add_calls(connection, "other", DAY, 1)
        assert calls_made(connection, "crm", DAY) == 5
        assert calls_made(connection, "other", DAY) == 1
        assert calls_made(connection, "crm", DAY - 1) == 0


def test_a_second_process_goes_on_counting_where_the_first_ended(engine: Engine) -> None:
    first, second = spending(engine), spending(engine)
    for _ in range(3):
        first(call("crm"))
    assert first.spent("crm") == 3
    assert second.spent("crm") == 0
    first.flush()
    assert (first.spent("crm"), second.spent("crm"), second.spent("other")) == (3, 3, 0)


def test_a_killed_process_leaves_few_calls_uncounted(engine: Engine) -> None:
    killed = spending(engine)
    for _ in range(99):
        killed(call("crm"))
    assert spending(engine).spent("crm") >= 80


def test_the_budget_of_a_day_counts_what_others_have_spent(engine: Engine) -> None:
    before = spending(engine)
    for _ in range(2):
        before(call("crm"))
    before.flush()
    ours = spending(engine)
    runtime = Runtime(
        "crm", now=lambda: NOON, sleep=lambda _: None, daily_calls=3, on_call=ours, spent=lambda: ours.spent("crm")
    )
    policy = HttpPolicy(runtime, classify=lambda _: Verdict(Action.OK))

    def one() -> Reply:
        return policy.call(lambda _: Reply(200, {}, b""), method="GET", path="/things", safe=True)

    assert one().status == 200
    with pytest.raises(BudgetError):
        one()
