"""Structured logs on stderr, with the run they belong to, and without secrets or people in them.

The pipeline is the list `PROCESSORS`, top to bottom; each is a plain function that can be tried
alone. Every line says what happened (`event`), when, and in which run. Redaction comes last before
rendering, so that nothing which is added on the way escapes it:

- a value whose key names a secret or a person's data is replaced whole;
- in every other text, e-mail addresses, bearer tokens and the project's own secrets are replaced.

Record ids are kept: they say nothing to those who cannot sign in to the CRM.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Collection, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED = "[redacted]"
_SHORTEST_SECRET = 4  # shorter ones would blot out ordinary words

_SECRET_KEYS = re.compile(
    r"authorization|password|passphrase|secret|token|api_?key|private_key|credential|assertion|cookie", re.IGNORECASE
)
_PERSON_KEYS = re.compile(
    r"^(.*_)?e?-?mail$|^(first|last|full|person|account|company)_?name$"
    r"|^(company|(job_?)?title|phone|mobile|subject|body)$",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+(?:@|%40)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_BEARER = re.compile(r"\b(bearer|basic|oauth)\s+[A-Za-z0-9._~+/=!-]{8,}", re.IGNORECASE)
_QUERY_SECRET = re.compile(r"\b(access_token|token|client_secret|password|api_?key|sid)=[^&\s\"']+", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(://[^:/@\s]*:)[^@\s]+@")


class Redactor:
    """The processor that takes secrets and people out of an event."""

    def __init__(self, secrets: Collection[str] = ()) -> None:
        # Longest first, so that a secret within another does not leave the rest of it standing.
        known = sorted((secret for secret in secrets if len(secret) >= _SHORTEST_SECRET), key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        """Redact every value of the event, however deep."""
        return {key: self._value(key, value) for key, value in event.items()}

    def text(self, text: str) -> str:
        """`text` without secrets and e-mail addresses."""
        if self._known is not None:
            text = self._known.sub(REDACTED, text)
        text = _URL_PASSWORD.sub(rf"\1{REDACTED}@", text)
        text = _BEARER.sub(rf"\1 {REDACTED}", text)
        text = _QUERY_SECRET.sub(rf"\1={REDACTED}", text)
        return _EMAIL.sub(REDACTED, text)

    def _value(self, key: str, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if _SECRET_KEYS.search(key) or _PERSON_KEYS.match(key):
            return REDACTED
        if isinstance(value, Mapping):
            return {str(name): self._value(str(name), item) for name, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._value("", item) for item in value]
        return self.text(value if isinstance(value, str) else str(value))


def configure(
    *,
    level: str = "info",
    format: str = "console",
    secrets: Collection[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Set up logging for this process: `format` is console or json, `stream` stderr unless given.

    Logs of libraries go the same way, from warnings on.
    """
    threshold = logging.getLevelNamesMapping()[level.upper()]
    processors = pipeline(format=format, secrets=secrets, colors=(stream or sys.stderr).isatty())
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(stream or cast("TextIO", _Stderr())),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers = [_Bridge()]
    root.setLevel(max(threshold, logging.WARNING))


class _Stderr:
    """Stderr as it is when something is logged: progress bars put themselves in front of it while they are drawn."""

    def write(self, text: str) -> int:
        """Write to it."""
        return sys.stderr.write(text)

    def flush(self) -> None:
        """Flush it."""
        sys.stderr.flush()


def pipeline(*, format: str, secrets: Collection[str] = (), colors: bool = False) -> list[Processor]:
    """The steps that an event goes through, in order."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        Redactor(secrets),
        structlog.processors.JSONRenderer() if format == "json" else _console(colors=colors),
    ]


def _console(*, colors: bool) -> Processor:
    # Plain tracebacks: the pretty ones print local variables, and those hold secrets.
    return structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)


@contextmanager
def run(run_id: str, **values: object) -> Iterator[None]:
    """Bind the run's id, and `values`, to every line that is logged within."""
    with structlog.contextvars.bound_contextvars(run=run_id, **values):
        yield


def get(name: str = "leadline") -> Any:
    """A logger: `get().info("batch pushed", connection="crm", rows=100)`. Logs as `configure` does unless told."""
    if not structlog.is_configured():
        configure()
    return structlog.get_logger().bind(logger=name)


class _Bridge(logging.Handler):
    """Hands a library's log record to the pipeline."""

    def emit(self, record: logging.LogRecord) -> None:
        values: MutableMapping[str, Any] = {"logger": record.name}
        if record.exc_info:
            values["exc_info"] = record.exc_info
        structlog.get_logger().log(record.levelno, record.getMessage(), **values)
