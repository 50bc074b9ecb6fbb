"""Finds the handler of a call that travels inside another one, as composite requests carry them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

from leadline_salesforce.sandbox.calls import Answer, Call, Handler
from leadline_salesforce.sandbox.faults import ApiError, not_found

_PARAMETER = re.compile(r"\{(\w+)(:path)?\}")
_VERSIONED = re.compile(r"(?:/services/data)?/?(v\d+\.\d)(/.*)?\Z")


class Dispatcher:
    """The paths of the REST API below `/services/data/vXX.X`, first match first."""

    def __init__(self, table: Sequence[tuple[str, str, Handler]]) -> None:
        self._table = [(method, _pattern(path), handler) for method, path, handler in table]

    def call(self, outer: Call, method: str, url: str, body: Any, headers: Mapping[str, str]) -> Answer:
        """The answer to an inner call, a refusal included. It has the outer call's session and headers."""
        try:
            return self._handled(outer, method, url, body, headers)
        except ApiError as error:
            return Answer(error.body(), error.status)

    def _handled(self, outer: Call, method: str, url: str, body: Any, headers: Mapping[str, str]) -> Answer:
        split = urlsplit(url)
        versioned = _VERSIONED.match(split.path)
        if versioned is None:
            raise not_found()
        path = (versioned[2] or "").rstrip("/")
        for known, pattern, handler in self._table:
            found = pattern.match(path) if known == method.upper() else None
            if found is not None:
                call = replace(
                    outer,
                    params={name: unquote(value) for name, value in found.groupdict().items()},
                    query=dict(parse_qsl(split.query, keep_blank_values=True)),
                    headers={**outer.headers, **{name.lower(): str(value) for name, value in headers.items()}},
                    base=f"/services/data/{versioned[1]}",
                    raw=b"" if body is None else orjson.dumps(body),
                )
                return handler(call)
        raise not_found()


def _pattern(path: str) -> re.Pattern[str]:
    out, at = [], 0
    for found in _PARAMETER.finditer(path):
        out += [re.escape(path[at : found.start()]), f"(?P<{found[1]}>{'.+' if found[2] else '[^/]+'})"]
        at = found.end()
    return re.compile("".join([*out, re.escape(path[at:])]) + r"\Z")
