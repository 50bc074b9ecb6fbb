"""Errors say where, what and what to do, and carry their parts."""

from __future__ import annotations

import pytest

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


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ConfigError("it is wrong."), "it is wrong."),
        (ConfigError("it is wrong.", fix="Mend it."), "it is wrong. Mend it."),
        (ConfigError("it is wrong", fix="Mend it."), "it is wrong. Mend it."),
        (ConfigError("is it wrong?", fix="Mend it."), "is it wrong? Mend it."),
        (ConfigError("it is wrong.", place="a.yaml:3"), "a.yaml:3: it is wrong."),
        (ConfigError("it is wrong.", fix="Mend it.", place="a.yaml:3"), "a.yaml:3: it is wrong. Mend it."),
    ],
)
def test_the_text_has_place_message_and_fix_as_sentences(error: LeadlineError, text: str) -> None:
    assert str(error) == text


def test_the_parts_are_kept() -> None:
    error = PermanentError("no such object", code="INVALID_TYPE", fix="Check the mapping.", place="crm")

    assert (error.message, error.code, error.fix, error.place) == (
        "no such object",
        "INVALID_TYPE",
        "Check the mapping.",
        "crm",
    )
    assert error.args == ("no such object",)


def test_waiting_knows_how_long_where_it_was_told() -> None:
    assert TransientError("busy", retry_after=2.5).retry_after == 2.5
    assert TransientError("busy").retry_after is None


@pytest.mark.parametrize(
    ("kind", "caught_as"),
    [
        (CredentialsError, ConfigError),
        (MissingExtraError, ConfigError),
        (BudgetError, TransientError),
        (ConfigError, LeadlineError),
        (TransientError, LeadlineError),
        (PermanentError, LeadlineError),
        (UnknownOutcomeError, LeadlineError),
    ],
)
def test_the_tree_groups_by_what_to_do(kind: type[LeadlineError], caught_as: type[LeadlineError]) -> None:
    assert issubclass(kind, caught_as)


@pytest.mark.parametrize("recoverable", [ConfigError, PermanentError, UnknownOutcomeError])
def test_only_transient_errors_invite_a_retry(recoverable: type[LeadlineError]) -> None:
    """An unknown write that were transient would be sent again blindly."""
    assert not issubclass(recoverable, TransientError)


def test_exit_codes_tell_the_kinds_apart() -> None:
    codes = {
        kind: kind.exit_code for kind in (ConfigError, CredentialsError, TransientError, BudgetError, PermanentError)
    }

    assert len(set(codes.values())) == len(codes)
    assert 0 not in codes.values()
