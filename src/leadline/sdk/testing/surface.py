"""A sandbox as a user and an operator see it: its control surface, spoken to over HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

_DELETED = frozenset({"deleted", "isdeleted", "archived", "isarchived"})


class Refused(Exception):  # noqa: N818 - an answer of the sandbox, not a fault
    """The sandbox would not do it, with its reason."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What the sandbox holds of one object: its rows by id, living and deleted apart."""

    living: Mapping[str, Mapping[str, Any]]
    deleted: Mapping[str, Mapping[str, Any]]


class Surface:
    """The control surface of the sandbox at `base_url`. Everything raises Refused for what makes no sense there."""

    def __init__(self, base_url: str) -> None:
        self._base = f"{base_url}/__sandbox__"
        self._opener = build_opener(ProxyHandler({}))

    def ask(self, path: str, body: object = None, *, method: str | None = None) -> Any:
        """One request. A body makes it a POST."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self._base}/{path}", data, method=method)  # noqa: S310 - loopback
        try:
            with self._opener.open(request, timeout=60) as answer:
                return json.load(answer)
        except HTTPError as error:
            with error:
                raise Refused(json.load(error)["error"]) from None

    def edit(self, action: str, object: str, record_id: str = "", **fields: Any) -> str:
        """A user edits. Returns the record's id."""
        command = {"action": action, "object": object, "id": record_id, "fields": fields}
        return str(self.ask("records", command)["id"])

    def edit_all(self, object: str, record_ids: Sequence[str], field: str, value: str) -> None:
        """A user sets one field of many records."""
        commands = [{"action": "update", "object": object, "id": each, "fields": {field: value}} for each in record_ids]
        self.ask("records", commands)

    def fault(self, **rule: Any) -> None:
        """Put a fault in force."""
        self.ask("faults", rule)

    def behave(self) -> None:
        """No faults from now on."""
        self.ask("faults", method="DELETE")

    def state(self) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """All rows of all objects."""
        return cast("Mapping[str, Sequence[Mapping[str, Any]]]", self.ask("state"))

    def count(self) -> int:
        """How many living records there are, of any kind."""
        return sum(not is_deleted(row) for rows in self.state().values() for row in rows)

    def truth(self, object: str) -> Truth:
        """What there is of one object."""
        living: dict[str, Mapping[str, Any]] = {}
        deleted: dict[str, Mapping[str, Any]] = {}
        for row in self.ask(f"state?object={object}")[object]:
            (deleted if is_deleted(row) else living)[row_id(row)] = row
        return Truth(living, deleted)


def row_id(row: Mapping[str, Any]) -> str:
    """The id of a row of the state: what it has under `id`, in any case."""
    return str(next(value for name, value in row.items() if name.lower() == "id"))


def is_deleted(row: Mapping[str, Any]) -> bool:
    """Whether a row of the state is of a deleted record: `deleted`, `isDeleted` or `archived`, in any case, is true."""
    return any(value is True for name, value in row.items() if name.lower().replace("_", "") in _DELETED)


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a row of the state, those one level down included."""
    found = {name: value for name, value in row.items() if not isinstance(value, Mapping)}
    for value in row.values():
        if isinstance(value, Mapping):
            found.update(value)
    return found
