"""The vendor's refusals, raised anywhere and turned into its error bodies in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson


class Refused(Exception):  # noqa: N818 - it is an answer, not a fault of ours
    """One refusal: HTTP status, category and details as the vendor words them.

    `context` tells which input of a batch it is about.
    """

    def __init__(
        self,
        status: int,
        category: str,
        message: str,
        *,
        errors: Sequence[Mapping[str, Any]] = (),
        sub_category: str | None = None,
        context: Mapping[str, list[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.category = category
        self.message = message
        self.errors = list(errors)
        self.sub_category = sub_category
        self.context = dict(context or {})
        self.headers = dict(headers or {})
        super().__init__(message)

    def as_json(self) -> dict[str, Any]:
        """The body without the correlation id, which belongs to the request."""
        body: dict[str, Any] = {"status": "error", "message": self.message, "category": self.category}
        if self.sub_category:
            body["subCategory"] = self.sub_category
        if self.errors:
            body["errors"] = self.errors
        if self.context:
            body["context"] = self.context
        return body


def bad_request(message: str, *, sub_category: str | None = None) -> Refused:
    """A request that makes no sense as a whole."""
    return Refused(400, "VALIDATION_ERROR", message, sub_category=sub_category)


def not_found(singular: str, record_id: str) -> Refused:
    """A record that does not exist or is archived."""
    return Refused(
        404,
        "OBJECT_NOT_FOUND",
        f"Object not found.  objectId {record_id} of type {singular} does not exist or is archived.",
        context={"ids": [record_id]},
    )


def invalid_properties(found: Sequence[tuple[str, str, str]]) -> Refused:
    """Values that were not valid; each is (property, code, message)."""
    listed = [{"isValid": False, "message": text, "error": code, "name": name} for name, code, text in found]
    return Refused(
        400,
        "VALIDATION_ERROR",
        f"Property values were not valid: {orjson.dumps(listed).decode()}",
        errors=[{"message": text, "code": code, "context": {"propertyName": [name]}} for name, code, text in found],
    )
