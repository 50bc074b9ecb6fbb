"""Errors, grouped by what to do about them.

    LeadlineError                 base: one line for a person, parts as attributes
    ├── ConfigError               the user acts: a setting, file, credential or permission is wrong
    │   ├── CredentialsError      sign-in was refused; trying again would lock the account
    │   └── MissingExtraError     an optional package is not installed
    ├── TransientError            wait and try again; `retry_after` says how long where known
    │   └── BudgetError           the quota that this deployment may use is spent until `retry_after`
    ├── WebhookError              a request that arrived is not proved, too old or unreadable: believe nothing of it
    ├── PermanentError            the vendor understood and said no; the same call will fail again
    └── UnknownOutcomeError       a write may or may not have happened: reconcile by reading

A refused *row* is not an exception: it is a `RowOutcome`. Exit codes are in `docs/commands.md`.
"""

from __future__ import annotations


class LeadlineError(Exception):
    """Base of everything that Leadline raises on purpose.

    `fix` is one sentence telling the reader what to do next; `place` is a file:line, a setting's
    name or a path, where there is one.
    """

    exit_code = 1

    def __init__(self, message: str, *, fix: str = "", place: str = "") -> None:
        self.message = message
        self.fix = fix
        self.place = place
        super().__init__(message)

    def __str__(self) -> str:
        head = f"{self.place}: {self.message}" if self.place else self.message
        if not self.fix:
            return head
        stop = "" if head.endswith((".", "!", "?", ":")) else "."
        return f"{head}{stop} {self.fix}"


class ConfigError(LeadlineError):
    """A setting, file or permission is wrong. Nothing was written."""

    exit_code = 2


class CredentialsError(ConfigError):
    """Sign-in was refused. Never retried."""

    exit_code = 3


class MissingExtraError(ConfigError):
    """A connector or feature needs a package that is not installed."""


class TransientError(LeadlineError):
    """The far side could not answer now. `retry_after` is in seconds, None when it did not say."""

    exit_code = 4

    def __init__(self, message: str, *, retry_after: float | None = None, fix: str = "", place: str = "") -> None:
        self.retry_after = retry_after
        super().__init__(message, fix=fix, place=place)


class BudgetError(TransientError):
    """The daily quota given to this deployment is spent."""

    exit_code = 5


class PermanentError(LeadlineError):
    """The vendor refused the call as a whole. `code` is the vendor's code."""

    exit_code = 6

    def __init__(self, message: str, *, code: str = "", fix: str = "", place: str = "") -> None:
        self.code = code
        super().__init__(message, fix=fix, place=place)


class UnknownOutcomeError(LeadlineError):
    """A write was sent and no answer came back. The caller reads before it decides."""

    exit_code = 4


class WebhookError(LeadlineError):
    """A webhook request is not believed. `status` is the HTTP status to answer it with."""

    def __init__(self, message: str, *, status: int = 401, fix: str = "", place: str = "") -> None:
        self.status = status
        super().__init__(message, fix=fix, place=place)
