"""What Salesforce's answers mean: for a whole call, and for one row of a batch.

Two tables. `CALLS` maps a vendor code to what the HTTP policy does; `ROWS` maps a row's code to who
must act and what to do. A status decides where there is no known code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leadline.sdk.http import Action, Reply, Verdict, redact
from leadline.sdk.records import NOT_APPLIED, Actor, Refusal

EXPIRED = "INVALID_SESSION_ID"
NOT_MODIFIED = 304  # the answer to If-Modified-Since: what was read before still holds
# The daily quota is a rolling 24 hours: some of it comes back all the time.
_QUOTA_PAUSE = 900.0
_CONCURRENT_PAUSE = 30.0


@dataclass(frozen=True, slots=True)
class _Meaning:
    action: Action
    applied: bool | None = False
    wait: float | None = None


CALLS: Mapping[str, _Meaning] = {
    # Passed on: the client signs in again and repeats the call with the same headers.
    EXPIRED: _Meaning(Action.OK),
    "REQUEST_LIMIT_EXCEEDED": _Meaning(Action.BUDGET, wait=_QUOTA_PAUSE),
    "SERVER_UNAVAILABLE": _Meaning(Action.RETRY),
    "UNABLE_TO_LOCK_ROW": _Meaning(Action.RETRY),
    "QUERY_TIMEOUT": _Meaning(Action.RETRY),
    "TXN_SECURITY_METERING_ERROR": _Meaning(Action.RETRY),
    "API_DISABLED_FOR_ORG": _Meaning(Action.CREDENTIALS),
    "API_CURRENTLY_DISABLED": _Meaning(Action.CREDENTIALS),
    "INVALID_AUTH_HEADER": _Meaning(Action.CREDENTIALS),
    "INSUFFICIENT_ACCESS": _Meaning(Action.FAIL),
}

STATUSES: Mapping[int, _Meaning] = {
    401: _Meaning(Action.CREDENTIALS),
    408: _Meaning(Action.RETRY, applied=None),
    500: _Meaning(Action.RETRY, applied=None),
    502: _Meaning(Action.RETRY, applied=None),
    503: _Meaning(Action.RETRY, applied=None),
    504: _Meaning(Action.RETRY, applied=None),
}
# Said by the servers in front of the API: the call never got through, whatever the body says.
_EDGE = frozenset({406, 420, 429})
# Errors of the token endpoint that are not about the credentials.
_OAUTH_TRANSIENT = frozenset({"temporarily_unavailable", "server_error", "unknown_error"})


@dataclass(frozen=True, slots=True)
class _Row:
    actor: Actor
    fix: str


_SHARING = _Row(
    Actor.CRM_ADMIN,
    "Give the integration user edit access to this record: sharing, record type and the fields written.",
)
_AUTOMATION = _Row(
    Actor.CRM_ADMIN, "A trigger or flow of the org failed on this record; correct it, then retry the row."
)
_SCHEMA = _Row(Actor.LEADLINE_ADMIN, "Run `leadline mappings check`: the mapping and the org's fields do not agree.")
_FIELD_SECURITY = _Row(Actor.CRM_ADMIN, "Make the field editable for the integration user's permission set.")
_GONE = _Row(Actor.NOBODY, "The record was deleted or merged in the CRM; the next sync forgets it.")
_LATER = _Row(Actor.NOBODY, "Salesforce was busy with the record; it is tried again with the next sync.")
_INACTIVE = _Row(Actor.LEADLINE_ADMIN, "Take the inactive user out of the routing, or activate it.")
_PICKLIST = _Row(Actor.CRM_ADMIN, "Add the value to the picklist, or take the restriction off it.")

ROWS: Mapping[str, _Row] = {
    "STRING_TOO_LONG": _Row(Actor.CRM_ADMIN, "Lengthen the field in Salesforce, or map a shorter text to it."),
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": _Row(
        Actor.CRM_ADMIN, "A validation rule refuses the record; exempt the integration user or correct the record."
    ),
    "REQUIRED_FIELD_MISSING": _Row(Actor.RECORD_OWNER, "Fill the named fields on the record in Salesforce."),
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": _PICKLIST,
    "BAD_VALUE_FOR_RESTRICTED_PICKLIST": _PICKLIST,
    "NUMBER_OUTSIDE_VALID_RANGE": _Row(Actor.CRM_ADMIN, "Give the number field more digits."),
    "DUPLICATES_DETECTED": _Row(
        Actor.CRM_ADMIN, "A duplicate rule blocks the record; let it alert instead, or merge the duplicates."
    ),
    "DUPLICATE_VALUE": _Row(Actor.CRM_ADMIN, "Another record holds this unique value; see the record it names."),
    "INVALID_EMAIL_ADDRESS": _Row(Actor.RECORD_OWNER, "Correct the e-mail address on the record."),
    "CANNOT_UPDATE_CONVERTED_LEAD": _Row(
        Actor.NOBODY, "The lead was converted; Leadline goes on with its contact and account."
    ),
    "INACTIVE_OWNER_OR_USER": _INACTIVE,
    "OP_WITH_INACTIVE_USER_EXCEPTION": _INACTIVE,
    "OWNER_NOT_KEPT": _Row(
        Actor.CRM_ADMIN,
        "A flow, trigger or assignment rule of the org gives the record to somebody else; exempt the integration user. "
        "The other fields of the row were written.",
    ),
    "TRANSFER_REQUIRES_READ": _Row(
        Actor.CRM_ADMIN, "Let the new owner read records of this kind, or take the user out of the routing."
    ),
    "ENTITY_IS_DELETED": _GONE,
    "ENTITY_IS_LOCKED": _Row(Actor.CRM_ADMIN, "The record is locked by an approval; finish it or allow edits."),
    "INVALID_CROSS_REFERENCE_KEY": _Row(
        Actor.LEADLINE_ADMIN, "The record or the owner does not exist or is not visible to the integration user."
    ),
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": _SHARING,
    "INSUFFICIENT_ACCESS_OR_READONLY": _SHARING,
    "INSUFFICIENT_ACCESS": _SHARING,
    "INVALID_FIELD_FOR_INSERT_UPDATE": _FIELD_SECURITY,
    "INVALID_FIELD": _SCHEMA,
    "INVALID_TYPE": _SCHEMA,
    "INVALID_TYPE_ON_FIELD_IN_RECORD": _SCHEMA,
    "INVALID_CROSS_REFERENCE_TYPE_FOR_FIELD": _SCHEMA,
    "JSON_PARSER_ERROR": _SCHEMA,
    "MALFORMED_ID": _SCHEMA,
    "MISSING_ARGUMENT": _SCHEMA,
    "NOT_FOUND": _GONE,
    "FIELD_INTEGRITY_EXCEPTION": _Row(Actor.CRM_ADMIN, "Two fields of the record contradict each other; see the text."),
    "FIELD_FILTER_VALIDATION_EXCEPTION": _Row(Actor.CRM_ADMIN, "A lookup filter refuses the value."),
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": _AUTOMATION,
    "CANNOT_EXECUTE_FLOW_TRIGGER": _AUTOMATION,
    "APEX_ERROR": _AUTOMATION,
    "INVALID_STATUS": _Row(Actor.CRM_ADMIN, "Activate the sales cadence."),
    "CADENCE_NOT_FOUND": _Row(
        Actor.LEADLINE_ADMIN,
        "Name an existing cadence under `sequences` in the mapping, or share it with the integration user.",
    ),
    "CADENCE_NO_ACCESS": _Row(
        Actor.CRM_ADMIN, "Assign a Sales Engagement permission set to the integration user, or map no sequences."
    ),
    "CAMPAIGN_NOT_FOUND": _Row(
        Actor.LEADLINE_ADMIN, "Name an existing campaign by its id, or share it with the integration user."
    ),
    "LIST_TAKES_PEOPLE": _Row(Actor.LEADLINE_ADMIN, "Put the lead or contact on the campaign instead."),
    "DUPLICATE_EXTERNAL_ID": _Row(
        Actor.CRM_ADMIN, "Several records hold this key; make Leadline_Key__c unique and delete the copies."
    ),
    "LIMIT_EXCEEDED": _Row(Actor.CRM_ADMIN, "A limit of the org is reached; see the text."),
    "REQUIRED_FEATURE_MISSING": _Row(Actor.CRM_ADMIN, "The org lacks a feature that this write needs; see the text."),
    "UNABLE_TO_LOCK_ROW": _LATER,
    "SERVER_UNAVAILABLE": _LATER,
    "QUERY_TIMEOUT": _LATER,
    "ALL_OR_NONE_OPERATION_ROLLED_BACK": _LATER,
    "PROCESSING_HALTED": _LATER,
    "STORAGE_LIMIT_EXCEEDED": _Row(Actor.CRM_ADMIN, "Free or buy data storage in the org."),
}
_UNKNOWN_ROW = _Row(Actor.CRM_ADMIN, "Look the code up in Salesforce's list of status codes, then retry the row.")

LOCKED = "UNABLE_TO_LOCK_ROW"
# Refusals that a repeat some moments later may not get: the row itself is in order.
ROW_RETRIES = frozenset(
    {LOCKED, "SERVER_UNAVAILABLE", "QUERY_TIMEOUT", "ALL_OR_NONE_OPERATION_ROLLED_BACK", "PROCESSING_HALTED"}
)
# What the org's automation says when a batch is too large for it (limits count per batch, not per row).
_TOO_MUCH_AT_ONCE = ("System.LimitException", "CPU time limit", "Too many SOQL queries", "Too many DML")


def busy(code: str, message: str) -> bool:
    """Whether the row was in order and the org too busy with it, also where a trigger passes that on."""
    return code in ROW_RETRIES or LOCKED in message


def smaller_may_do(code: str, message: str) -> bool:
    """Whether the row may be taken in a smaller batch: automation ran into a limit that counts per batch."""
    return busy(code, message) or any(words in message for words in _TOO_MUCH_AT_ONCE)


def refusal(code: str, message: str) -> Refusal:
    """A refused row in the words that `outbox list` shows."""
    row = ROWS.get(code, _UNKNOWN_ROW)
    return Refusal(code, one_line(message), row.actor, row.fix)


def first_error(answer: Mapping[str, Any]) -> tuple[str, str]:
    """Code and message of a refused row of a collection or action, with the fields that the message leaves out."""
    errors = answer.get("errors")
    error = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    message = str(error.get("message") or "no reason was given")
    fields = error.get("fields")
    unnamed = [str(name) for name in fields if str(name) not in message] if isinstance(fields, list) else []
    if unnamed:
        message = f"{message} (fields: {', '.join(unnamed)})"
    return str(error.get("statusCode") or error.get("errorCode") or "UNKNOWN_EXCEPTION"), message


def vendor_refusal(answer: Mapping[str, Any]) -> Refusal:
    """The refusal in a vendor's answer to one row."""
    return refusal(*first_error(answer))


def not_applied() -> Refusal:
    """The refusal of an effect that was looked for and is not there."""
    return Refusal(NOT_APPLIED, "Salesforce does not show it.", Actor.NOBODY, "It is planned again.")


def classify(reply: Reply) -> Verdict:
    """A reply's meaning by the tables above. A redirect fails: the token is for this host only."""
    if reply.status == NOT_MODIFIED or (reply.status < 300 and _credible(reply)):
        return Verdict(Action.OK)
    if reply.status < 300:
        return Verdict(Action.RETRY, message="something that is not Salesforce answered", applied=None)
    body = _body(reply)
    if reply.status == 400 and _is_action_result(body):
        return Verdict(Action.OK)
    code, message = _words(body)
    if isinstance(body, dict) and "error" in body:
        action = Action.RETRY if code in _OAUTH_TRANSIENT else Action.CREDENTIALS
        return Verdict(action, code=code, message=f"{code}: {message}")
    meaning = CALLS.get(code) or STATUSES.get(reply.status) or _Meaning(Action.FAIL)
    if reply.status in _EDGE:
        meaning = _Meaning(Action.RETRY)
    elif code == "REQUEST_LIMIT_EXCEEDED" and "concurrent" in message.lower():
        meaning = _Meaning(Action.RETRY, wait=_CONCURRENT_PAUSE)
    said = f"{code}: {message}" if code else f"HTTP {reply.status}"
    wait = reply.retry_after or meaning.wait
    return Verdict(meaning.action, wait=wait, code=code, message=said, applied=meaning.applied)


def expired(reply_status: int, body: bytes) -> bool:
    """Whether the reply says that the session has ended."""
    return reply_status == 401 and _words(_body(Reply(reply_status, {}, body)))[0] == EXPIRED


def one_line(message: str) -> str:
    """A message of several lines (the vendor points at places in queries) as one, without secrets."""
    lines = [line.strip() for line in message.splitlines()]
    if any(line.startswith("ERROR at Row:") for line in lines):
        lines = lines[-1:]  # the three lines before repeat the query
    return redact(" ".join(line for line in lines if line))


def _body(reply: Reply) -> Any:
    try:
        return json.loads(reply.body)
    except ValueError:
        return None  # an HTML page of a load balancer


def _words(body: Any) -> tuple[str, str]:
    """Code and message of an error body, empty when it is none: `[{errorCode, message}]` or `{error, ...}`."""
    entry = body[0] if isinstance(body, list) and body else body
    if not isinstance(entry, dict):
        return "", ""
    code = entry.get("errorCode") or entry.get("error") or ""
    message = entry.get("message") or entry.get("error_description") or ""
    return str(code), one_line(str(message))


def _is_action_result(body: Any) -> bool:
    """Invocable actions answer 400 with one result per input as soon as one of them failed."""
    return isinstance(body, list) and bool(body) and all(isinstance(row, dict) and "isSuccess" in row for row in body)


def _credible(reply: Reply) -> bool:
    """Whether an accepted call was answered by the API: not a page of HTML, and no JSON without an end.

    A look at both ends of the body, because reading it twice would cost more than all else.
    """
    kind = reply.headers.get("content-type", "")
    if "json" in kind and reply.body:
        return reply.body[:1] + reply.body.rstrip()[-1:] in (b"{}", b"[]")
    return "html" not in kind
