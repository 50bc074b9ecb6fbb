"""Several failures told as one: which kind of error a run ends with."""

from __future__ import annotations

from itertools import pairwise

import pytest

from leadline.app.failures import as_one, most_urgent, told
from leadline.sdk.errors import (
    BudgetError,
    ConfigError,
    CredentialsError,
    LeadlineError,
    MissingExtraError,
    PermanentError,
    TransientError,
    UnknownOutcomeError,
)

FROM_URGENT = (CredentialsError, ConfigError, PermanentError, BudgetError, TransientError)


def test_no_failure_is_none() -> None:
    assert as_one({}) is None
    assert told({}) == ""


def test_one_failure_stays_what_it_is() -> None:
    error = TransientError("down", fix="Wait.", place="crm")

    assert as_one({"crm": error}) is error


@pytest.mark.parametrize(("worse", "better"), [*pairwise(FROM_URGENT)])
def test_of_several_the_one_that_needs_a_person_most_decides(
    worse: type[LeadlineError], better: type[LeadlineError]
) -> None:
    failures = {"b": worse("worse", place="b"), "a": better("better", place="a")}

    found = as_one(failures)

    assert most_urgent([failures["a"], failures["b"]]) is failures["b"]
    assert type(found) is worse
    assert found.message == "2 connections could not be finished: a: better; b: worse"
    assert "the next run goes on" in found.fix


def test_kinds_that_are_not_listed_count_as_what_they_are_made_of() -> None:
    assert type(as_one({"a": MissingExtraError("m"), "b": PermanentError("p")})) is ConfigError
    assert type(as_one({"a": UnknownOutcomeError("u"), "b": TransientError("t")})) is TransientError
