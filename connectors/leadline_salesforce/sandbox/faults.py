"""How the vendor says no: to a whole call, and to one row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class ApiError(Exception):
    """A refused call: HTTP status and the array body of the REST API."""

    def __init__(self, code: str, message: str, *, status: int = 400, fields: Sequence[str] | None = None) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.fields = None if fields is None else list(fields)
        super().__init__(f"{code}: {message}")

    def body(self) -> list[dict[str, Any]]:
        """`[{"message", "errorCode"}]`, with `fields` where the vendor gives them."""
        entry: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            entry["fields"] = self.fields
        return [entry]


class RowError(ApiError):
    """A refused row: the same words inside a batch's `errors` and as the body of a single call."""

    def __init__(self, code: str, message: str, fields: Sequence[str] = (), *, status: int = 400) -> None:
        super().__init__(code, message, status=status, fields=fields)

    def result(self, record_id: str | None = None) -> dict[str, Any]:
        """The row's place in the answer to a batch."""
        error = {"statusCode": self.code, "message": self.message, "fields": self.fields or []}
        row: dict[str, Any] = {} if record_id is None else {"id": record_id}
        return {**row, "success": False, "errors": [error]}


def not_found() -> ApiError:
    """The answer to an unknown path or record."""
    return ApiError("NOT_FOUND", "The requested resource does not exist", status=404)
