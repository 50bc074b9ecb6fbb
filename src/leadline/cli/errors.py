"""What goes wrong, for a person in one line or for a machine as one JSON object.

Exit codes: those of `leadline.sdk.errors`, 2 for a command line that makes no sense, 130 for an
interruption. A defect in Leadline is not caught: its traceback is the report.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer
from typer.exceptions import TyperException

from leadline.cli import options, output
from leadline.sdk.errors import LeadlineError, TransientError

if TYPE_CHECKING:
    from rich.console import RenderableType

INTERRUPTED = 130


def handled() -> tuple[type[BaseException], ...]:
    """What is answered in one line. Everything else that is raised is a defect."""
    database = sys.modules.get("sqlalchemy.exc")  # what was never imported cannot have been raised
    own = (LeadlineError, TyperException, typer.Abort, OSError)
    return own if database is None else (*own, database.OperationalError)


def failing(answer: Mapping[str, Any], error: LeadlineError, *lines: RenderableType) -> int:
    """End a command that has an answer although it failed: one object with both under `--json`, else the lines and
    the error."""
    if options.current().json:
        output.print_json({**answer, "error": {**_parts(error), "exit_code": error.exit_code}})
        return error.exit_code
    output.show(answer, *lines)
    raise error


def report(error: BaseException, *, as_json: bool) -> int:
    """Say what went wrong and return the exit code. An `OSError` that names no file is raised again."""
    if isinstance(error, typer.Abort):
        told = {"type": "Interrupted", "message": "stopped.", "fix": "What was done is kept; run it again to go on."}
        return _say(told, INTERRUPTED, as_json=as_json)
    if isinstance(error, LeadlineError):
        return _say(_parts(error), error.exit_code, as_json=as_json)
    if isinstance(error, TyperException):
        return _usage(error, as_json=as_json)
    if isinstance(error, OSError) and error.filename is not None:
        what = (error.strerror or type(error).__name__).lower()
        return _say(
            {"type": type(error).__name__, "message": f"{what}.", "place": str(error.filename)}, 2, as_json=as_json
        )
    if isinstance(error, OSError):
        raise error
    return _say(_parts(_of_database(error)), TransientError.exit_code, as_json=as_json)


def _of_database(error: BaseException) -> LeadlineError:
    """A database that was opened and then failed: locked for a minute, the disk full, the server gone."""
    return TransientError(
        f"the database failed: {getattr(error, 'orig', error)}",
        place="database",
        fix="What was done until then is kept; mend the cause and run it again.",
    )


def _parts(error: LeadlineError) -> dict[str, object]:
    parts: dict[str, object] = {"type": _documented(type(error)), "message": error.message}
    parts |= {"place": error.place} if error.place else {}
    parts |= {"fix": error.fix} if error.fix else {}
    if isinstance(error, TransientError) and error.retry_after is not None:
        parts["retry_after"] = error.retry_after
    return parts


def _documented(kind: type[BaseException]) -> str:
    """The name under which docs/errors.md tells of this kind of error."""
    return next(base.__name__ for base in kind.__mro__ if base.__module__ == LeadlineError.__module__)


def _usage(error: TyperException, *, as_json: bool) -> int:
    message = error.format_message()
    if not message.strip():  # a group without a command: its help has been shown
        return error.exit_code
    context = getattr(error, "ctx", None)
    fix = f"See: {context.command_path} --help" if context is not None else ""
    return _say({"type": "UsageError", "message": message, "fix": fix}, error.exit_code, as_json=as_json)


def _say(parts: Mapping[str, object], code: int, *, as_json: bool) -> int:
    if as_json:
        output.print_json({"error": {**parts, "exit_code": code}})
    else:
        place = f"{parts['place']}: " if parts.get("place") else ""
        output.complain(f"{place}{_sentence(str(parts['message']))}", fix=str(parts.get("fix") or ""))
    return code


def _sentence(text: str) -> str:
    text = text.rstrip()
    return text if text.endswith((".", "!", "?", ":")) else f"{text}."
