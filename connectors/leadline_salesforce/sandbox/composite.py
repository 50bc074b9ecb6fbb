"""Several calls in one: composite, batch and graph. Inner calls count as none against the daily limit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from leadline_salesforce.sandbox.calls import Answer, Call
from leadline_salesforce.sandbox.dispatch import Dispatcher
from leadline_salesforce.sandbox.faults import ApiError
from leadline_salesforce.sandbox.writes import Writes

MAX_CALLS, MAX_READS = 25, 5
MAX_GRAPHS, MAX_NODES, MAX_FAILED_GRAPHS = 75, 500, 14
_REFERENCE = re.compile(r"@\{([^}]*)\}")
_PART = re.compile(r"\w+|\[\d+\]")
_NAME = re.compile(r"[A-Za-z]\w*\Z")


class Composite:
    """Handlers of `/composite`, `/composite/batch` and `/composite/graph`."""

    def __init__(self, dispatcher: Dispatcher, writes: Writes) -> None:
        self._dispatcher = dispatcher
        self._writes = writes

    def composite(self, call: Call) -> Answer:
        """Calls in order; one may use what an earlier one answered. With allOrNone all or none of them hold."""
        body = _object(call)
        requests = _list(body, "compositeRequest")
        if len(requests) > MAX_CALLS:
            raise ApiError("LIMIT_EXCEEDED", f"The Composite request exceeds the maximum of {MAX_CALLS} subrequests")
        reads = sum(1 for request in requests if re.search(r"/(query|composite/sobjects)", str(request.get("url", ""))))
        if reads > MAX_READS:
            raise ApiError("LIMIT_EXCEEDED", f"At most {MAX_READS} subrequests may be queries or collections")
        answers, good = self._chain(call, requests, all_or_none=bool(body.get("allOrNone", False)))
        return Answer({"compositeResponse": answers}, records=len(answers) if good else None)

    def batch(self, call: Call) -> Answer:
        """Independent calls."""
        body = _object(call)
        requests = _list(body, "batchRequests")
        if len(requests) > MAX_CALLS:
            raise ApiError("LIMIT_EXCEEDED", f"The batch exceeds the maximum of {MAX_CALLS} subrequests")
        results: list[dict[str, Any]] = []
        for request in requests:
            if body.get("haltOnError") and any(result["statusCode"] >= 400 for result in results):
                error = ApiError("BATCH_PROCESSING_HALTED", "Batch processing halted per request")
                results.append({"statusCode": 412, "result": error.body()})
                continue
            method, url = str(request.get("method", "")), str(request.get("url", ""))
            answer = self._dispatcher.call(call, method, url, request.get("richInput"), {})
            results.append({"statusCode": answer.status, "result": answer.content})
        failed = any(result["statusCode"] >= 400 for result in results)
        return Answer({"hasErrors": failed, "results": results})

    def graph(self, call: Call) -> Answer:
        """Chains of calls; each holds as a whole or not at all, whatever becomes of the others."""
        graphs = _list(_object(call), "graphs")
        if len(graphs) > MAX_GRAPHS:
            raise ApiError("LIMIT_EXCEEDED", f"At most {MAX_GRAPHS} graphs are allowed in one payload")
        chains = [_list(graph, "compositeRequest") for graph in graphs]
        if sum(map(len, chains)) > MAX_NODES:
            raise ApiError("LIMIT_EXCEEDED", f"At most {MAX_NODES} nodes are allowed in one payload")
        shown, failed = [], 0
        for graph, chain in zip(graphs, chains, strict=True):
            if failed >= MAX_FAILED_GRAPHS:
                answers, good = [_halted(request) for request in chain], False
            else:
                answers, good = self._chain(call, chain, all_or_none=True)
            failed += not good
            response = {"graphId": graph.get("graphId"), "graphResponse": {"compositeResponse": answers}}
            shown.append(response | {"isSuccessful": good})
        return Answer({"graphs": shown})

    def _chain(
        self, call: Call, requests: list[dict[str, Any]], *, all_or_none: bool
    ) -> tuple[list[dict[str, Any]], bool]:
        answered: dict[str, Any] = {}
        shown: list[dict[str, Any]] = []
        with self._writes.transaction() as transaction:
            for request in requests:
                name = str(request.get("referenceId", ""))
                if not _NAME.match(name) or name in answered:
                    raise ApiError("JSON_PARSER_ERROR", f"Provided referenceId ('{name}') is missing, invalid or used")
                answer = self._one(call, request, answered)
                answered[name] = answer.content if answer.status < 400 else None
                headers = {}
                if answer.status == 201 and isinstance(answer.content, Mapping) and "id" in answer.content:
                    headers = {"Location": f"{str(request['url']).rstrip('/')}/{answer.content['id']}"}
                shown.append(
                    {"body": answer.content, "httpHeaders": headers, "httpStatusCode": answer.status,
                     "referenceId": name}
                )  # fmt: skip
                if all_or_none and answer.status >= 400:
                    break
            good = all(one["httpStatusCode"] < 400 for one in shown)
            if all_or_none and not good:
                transaction.roll_back()
                failed = shown[-1]
                shown = [
                    failed if request.get("referenceId") == failed["referenceId"] else _halted(request)
                    for request in requests
                ]
        return shown, good

    def _one(self, call: Call, request: Mapping[str, Any], answered: Mapping[str, Any]) -> Answer:
        try:
            url, body = _filled(request.get("url", ""), answered), _filled(request.get("body"), answered)
        except ApiError as error:
            return Answer(error.body(), error.status)
        headers = request.get("httpHeaders") or {}
        return self._dispatcher.call(call, str(request.get("method", "")), str(url), body, headers)


def _halted(request: Mapping[str, Any]) -> dict[str, Any]:
    words = "The transaction was rolled back since another operation in the same transaction failed."
    return {
        "body": ApiError("PROCESSING_HALTED", words).body(),
        "httpHeaders": {},
        "httpStatusCode": 400,
        "referenceId": request.get("referenceId"),
    }


def _filled(value: Any, answered: Mapping[str, Any]) -> Any:
    """The value with `@{reference.field}` replaced; a text that is one reference becomes what it names."""
    if isinstance(value, Mapping):
        return {name: _filled(item, answered) for name, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, answered) for item in value]
    if not isinstance(value, str):
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole is not None:
        return _looked_up(whole[1], answered)
    return _REFERENCE.sub(lambda found: str(_looked_up(found[1], answered)), value)


def _looked_up(expression: str, answered: Mapping[str, Any]) -> Any:
    current: Any = answered
    try:
        for part in _PART.findall(expression):
            current = current[int(part[1:-1])] if part.startswith("[") else current[part]
    except (KeyError, IndexError, TypeError):
        raise ApiError("PROCESSING_HALTED", f"Invalid reference specified. No value for {expression} found.") from None
    return current


def _object(call: Call) -> Mapping[str, Any]:
    body = call.body
    if not isinstance(body, Mapping):
        raise ApiError("JSON_PARSER_ERROR", "The HTTP entity body is required, but this request has no entity body.")
    return body


def _list(body: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = body.get(name)
    if not isinstance(found, list) or not found or not all(isinstance(item, dict) for item in found):
        raise ApiError("MISSING_ARGUMENT", f"{name} must be a list of at least one object")
    return found
