"""Which path leads where: the versions of each API in one table, and a tree of what stands behind them.

The vendor has published the same calls under several roots over the years: `/crm/v3/objects/contacts`
is `/crm/objects/2026-09/contacts`. A handler is added once, below the name of its API.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from leadline_hubspot.sandbox.failures import Refused

if TYPE_CHECKING:
    from leadline_hubspot.sandbox.gate import Call, Handler

ScopeOf: TypeAlias = "Callable[[Call], str]"
DATED = ("2026-09", "2026-03")
_V1, _V2, _V3, _V4 = ("v1",), ("v2",), ("v3",), ("v4",)
_Roots: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]


def _crm(name: str, *legacy: str) -> _Roots:
    return ((f"crm/{name}/{{v}}", DATED), (f"crm/{{v}}/{name}", legacy or _V3))


# API -> its roots, each with the versions that exist there.
APIS: Mapping[str, _Roots] = {
    "objects": _crm("objects", "v3", "v4"),
    "associations": _crm("associations", "v3", "v4"),
    "properties": _crm("properties"),
    "pipelines": _crm("pipelines"),
    "owners": _crm("owners"),
    "lists": _crm("lists"),
    "limits": _crm("limits"),
    "schemas": (("crm-object-schemas/{v}/schemas", DATED + _V3), ("crm/{v}/schemas", _V3), ("crm/schemas/{v}", DATED)),
    "sequences": (("automation/sequences/{v}", DATED), ("automation/{v}/sequences", _V4)),
    "account": (("account-info/{v}", DATED + _V3),),
    "oauth": (("oauth/{v}", DATED + _V1 + _V3),),
    "webhooks": (("app-webhooks/{v}", DATED), ("webhooks/{v}", ("2026-03", "v3"))),
    "events": (("events/event-occurrences/{v}", DATED), ("events/{v}/events", _V3)),
    "forms": (("marketing/forms/{v}", DATED), ("marketing/{v}/forms", _V3)),
    "marketing_emails": (("marketing/emails/{v}", DATED), ("marketing/{v}/emails", _V3)),
    "forms_v2": (("forms/{v}/forms", _V2),),
    "submissions": (("form-integrations/{v}/submissions", _V1),),
    "email_events": (("email/public/{v}", _V1),),
    "engagements_v1": (("engagements/{v}", _V1),),
    "companies_v2": (("companies/{v}", _V2),),
    "deals_v1": (("deals/{v}", _V1),),
    "properties_v1": (("properties/{v}", _V1),),
    "workflows": (("automation/{v}/workflows", _V3),),
}
_ROOTS: Mapping[str, tuple[str, str]] = {
    root.replace("{v}", version): (api, version)
    for api, roots in APIS.items()
    for root, versions in roots
    for version in versions
}


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands behind one method of one path. `scope` is what the token needs; `open` needs no token."""

    handler: Handler
    names: tuple[str, ...]
    bucket: str
    scope: ScopeOf | str | None
    open: bool


@dataclass(slots=True)
class _Node:
    named: dict[str, _Node] = field(default_factory=dict)
    variable: _Node | None = None
    entries: dict[str, Entry] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """Where a path leads: the entry, the version of the API, and the variable parts by name."""

    entry: Entry
    version: str
    values: Mapping[str, str]


class Paths:
    """All calls of a portal."""

    def __init__(self) -> None:
        self._apis = {name: _Node() for name in APIS}

    def add(
        self,
        api: str,
        rest: str,
        method: str,
        handler: Handler,
        *,
        bucket: str = "default",
        scope: ScopeOf | str | None = None,
        open: bool = False,
    ) -> None:
        """Put a handler behind `rest` (such as "{type}/batch/read") of an API, in all its versions."""
        node, names = self._apis[api], []
        for part in filter(None, rest.split("/")):
            if part.startswith("{"):
                names.append(part.strip("{}"))
                node.variable = node = node.variable or _Node()
            else:
                node = node.named.setdefault(part, _Node())
        node.entries[method] = Entry(handler, tuple(names), bucket, scope, open)

    def find(self, method: str, path: str) -> Found:
        """Where a path leads; a slash at its end does not matter. Refused (404, 405) when nowhere."""
        parts = path.strip("/").split("/")
        for length in (4, 3, 2):
            known = _ROOTS.get("/".join(parts[:length]))
            if known is not None:
                break
        else:
            raise Refused(404, "OBJECT_NOT_FOUND", f"No route found for {path}")
        api, version = known
        node, values = _walk(self._apis[api], parts[length:], ())
        if node is None:
            raise Refused(404, "OBJECT_NOT_FOUND", f"No route found for {path}")
        entry = node.entries.get(method)
        if entry is None:
            raise Refused(405, "METHOD_NOT_ALLOWED", f"HTTP 405 Method Not Allowed: {method} {path}")
        return Found(entry, version, dict(zip(entry.names, values, strict=True)))


def _walk(node: _Node, parts: Sequence[str], values: tuple[str, ...]) -> tuple[_Node | None, tuple[str, ...]]:
    """The node at the end of the parts and what its variables are; names are tried before variables."""
    if not parts:
        return (node, values) if node.entries else (None, values)
    following = node.named.get(parts[0])
    if following is not None:
        found, taken = _walk(following, parts[1:], values)
        if found is not None:
            return found, taken
    if node.variable is None:
        return None, values
    return _walk(node.variable, parts[1:], (*values, parts[0]))
