"""Several failures told as one: the one that needs a person most decides what kind of error a run ends with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from leadline.sdk.errors import (
    BudgetError,
    ConfigError,
    CredentialsError,
    LeadlineError,
    PermanentError,
    TransientError,
)

_BY_URGENCY = (CredentialsError, ConfigError, PermanentError, BudgetError)


def most_urgent(errors: Iterable[LeadlineError]) -> LeadlineError:
    """Of some errors, at least one, the first of those that need a person most."""
    return min(errors, key=_rank)


def _rank(error: LeadlineError) -> int:
    return next((rank for rank, kind in enumerate(_BY_URGENCY) if isinstance(error, kind)), len(_BY_URGENCY))


def told(failures: Mapping[str, LeadlineError]) -> str:
    """Failures by connection on one line; empty when there are none."""
    return "; ".join(f"{name}: {str(error).removeprefix(f'{name}: ')}" for name, error in sorted(failures.items()))


def as_one(failures: Mapping[str, LeadlineError]) -> LeadlineError | None:
    """Failures by connection as one error; None when there are none."""
    if len(failures) < 2:
        return next(iter(failures.values()), None)
    rank = _rank(most_urgent(failures.values()))
    kind = _BY_URGENCY[rank] if rank < len(_BY_URGENCY) else TransientError
    return kind(
        f"{len(failures)} connections could not be finished: {told(failures)}",
        fix="What was read and written is kept; the next run goes on from there.",
    )
