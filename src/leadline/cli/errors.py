"""What goes wrong, for a person in one line or for a machine as one JSON object.

Exit codes: those of `leadline.sdk.errors`, 2 for a command line that makes no sense, 130 for an
interruption. A defect in Leadline is not caught: its traceback is the report.
"""

from __future__ import annotations

from collections.abc import Mapping

import typer
from typer.exceptions import TyperException

from leadline.cli import output
from leadline.sdk.errors import LeadlineError, TransientError

INTERRUPTED = 130

# Everything else that is raised is a defect.
HANDLED = (LeadlineError, TyperException, typer.Abort, OSError)


def report(error: BaseException, *, as_json: bool) -> int:
    """Say what went wrong and return the exit code. An `OSError` that names no file is raised again."""
    if isinstance(error, typer.Abort):
        return _say({"type": "Interrupted", "message": "stopped."}, INTERRUPTED, as_json=as_json)
    if isinstance(error, LeadlineError):
        return _say(_parts(error), error.exit_code, as_json=as_json)
    if isinstance(error, TyperException):
        return _usage(error, as_json=as_json)
    if isinstance(error, OSError) and error.filename is not None:
        what = (error.strerror or type(error).__name__).lower()
        return _say(
            {"type": type(error).__name__, "message": f"{what}.", "place": str(error.filename)}, 2, as_json=as_json
        )
    raise error


def _parts(error: LeadlineError) -> dict[str, object]:
    parts: dict[str, object] = {"type": type(error).__name__, "message": error.message}
    parts |= {"place": error.place} if error.place else {}
    parts |= {"fix": error.fix} if error.fix else {}
    if isinstance(error, TransientError) and error.retry_after is not None:
        parts["retry_after"] = error.retry_after
    return parts


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
