"""What HubSpot's answers mean: for a call as a whole, and for one row.

Statuses and policies are from HubSpot's error-handling and usage guidelines. Every field of an error
body is optional there, so none is relied upon here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from leadline.sdk import records
from leadline.sdk.http import Action, Reply, Verdict, redact
from leadline.sdk.records import Actor, Refusal

# Seconds to wait after a 429 that does not say, by the policy that it names.
_POLICY_WAIT = {"SECONDLY": 1.0, "TEN_SECONDLY_ROLLING": 10.0}
_DAY_WAIT = 3_600.0  # a spent day ends at midnight of the account's time zone, which no answer tells: look hourly
_MOVE_WAIT = 86_400.0  # the longest that HubSpot says an account's move takes
_LOCKED_WAIT = 2.0  # a record lock (423) lasts two seconds
_SHOWN = 300  # characters of a vendor's message that are worth showing


def error_of(body: bytes) -> dict[str, Any]:
    """The JSON object of an error body; empty when it is something else, such as a proxy's HTML."""
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return content if isinstance(content, dict) else {}


# A proxy's page in place of the answer: what became of the call is not known.
_NO_JSON = Verdict(
    Action.RETRY, None, "NO_JSON", "what came is no answer of HubSpot's API, see `base_url`", applied=None
)


def _whole(body: bytes) -> bool:
    """Whether a body is empty or has the ends of JSON; a look at both costs nothing."""
    return not body or (body[:1], body.rstrip()[-1:]) in {(b"{", b"}"), (b"[", b"]")}


def classify(reply: Reply) -> Verdict:
    """What to do about a reply."""
    status = reply.status
    if status < 300:
        return Verdict(Action.OK) if _whole(reply.body) else _NO_JSON
    error = error_of(reply.body)
    code, message = code_of(error) or str(status), message_of(error) or f"status {status}"
    if status == 429:
        return _rate_limited(reply, error, message)
    if status in {401, 403}:
        return Verdict(Action.CREDENTIALS, None, code, f"{message}{_missing_scopes(error)}")
    wait = reply.retry_after
    if status == 408 or status >= 500:
        # Nobody can say whether a write went through before the fault.
        return Verdict(Action.RETRY, wait, code, message, applied=None)
    match status:
        case 423:
            verdict = Verdict(Action.RETRY, wait or _LOCKED_WAIT, code, message)
        case 477:
            left = wait or _MOVE_WAIT
            told = f"HubSpot is moving the account to another home; try again in {_spoken(left)}"
            verdict = Verdict(Action.BUDGET, left, "MIGRATION_IN_PROGRESS", told)
        case _:
            verdict = Verdict(Action.FAIL, None, code, message)
    return verdict


def _rate_limited(reply: Reply, error: Mapping[str, Any], message: str) -> Verdict:
    policy, wait = str(error.get("policyName") or "").upper() or _policy_in(message), reply.retry_after
    if policy == "DAILY":
        return Verdict(Action.BUDGET, wait or _DAY_WAIT, policy, f"{message} The calls of the account's day are spent.")
    return Verdict(Action.RETRY, wait or _POLICY_WAIT.get(policy, 10.0), policy or "429", message)


def _policy_in(message: str) -> str:
    """The policy that a message speaks of where the body does not name it ("your secondly limit")."""
    words = message.lower()
    return next((policy for policy in ("DAILY", "TEN_SECONDLY_ROLLING", "SECONDLY") if policy.lower() in words), "")


def _spoken(seconds: float) -> str:
    return f"{seconds / 3_600:.0f} h" if seconds >= 5_400 else f"{max(seconds / 60, 1):.0f} min"


def _details(error: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The details of an error, each with a `context` that is an object or None."""
    given = error.get("errors")
    details = [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
    return [{**each, "context": each["context"] if isinstance(each.get("context"), dict) else None} for each in details]


def code_of(error: Mapping[str, Any]) -> str:
    """The most telling code of an error: of its first detail, else its sub-category, else its category."""
    first = next(iter(_details(error)), {})
    for code in (first.get("code"), error.get("subCategory"), error.get("category"), error.get("errorType")):
        if code:
            return str(code)
    return ""


def message_of(error: Mapping[str, Any]) -> str:
    """What the vendor says, short enough for one line: the details where there are any."""
    said = [str(each["message"]) for each in _details(error) if each.get("message")]
    return redact("; ".join(said) or str(error.get("message") or ""))[:_SHOWN]


def _missing_scopes(error: Mapping[str, Any]) -> str:
    scopes: list[str] = []
    for context in (each.get("context") for each in _details(error)):
        found = context.get("requiredGranularScopes") or context.get("requiredScopes") if context else None
        scopes += map(str, found if isinstance(found, list) else ())
    return f" (scopes: {', '.join(scopes)})" if scopes else ""


# Who must act on a refused row, and how, by the vendor's code.
_ROWS: dict[str, tuple[Actor, str]] = {
    "PROPERTY_DOESNT_EXIST": (
        Actor.LEADLINE_ADMIN,
        "Create the property in HubSpot, or correct the mapping's `write` section.",
    ),
    "READ_ONLY_VALUE": (Actor.LEADLINE_ADMIN, "Map this value to a property that can be written."),
    "INVALID_OPTION": (Actor.CRM_ADMIN, "Add the option to the property in HubSpot, or map the value to another one."),
    "INVALID_OWNER_ID": (Actor.CRM_ADMIN, "Reactivate the user in HubSpot, or take them out of the routing."),
    "INVALID_INTEGER": (Actor.LEADLINE_ADMIN, "Map a number to this property, or make it a text property."),
    "INVALID_LONG": (Actor.LEADLINE_ADMIN, "Map a whole number to this property."),
    "INVALID_DATE": (Actor.LEADLINE_ADMIN, "Map a time to this property, or make it a text property."),
    "INVALID_STRING_LENGTH": (Actor.LEADLINE_ADMIN, "Write a shorter text."),
    "INVALID_EMAIL": (Actor.RECORD_OWNER, "Correct the e-mail address of the record in HubSpot."),
    "REQUIRED_PROPERTY_MISSING": (Actor.CRM_ADMIN, "Let the property be empty, or map a value to it."),
    "INVALID_OBJECT_ID": (Actor.NOBODY, "The record was deleted or merged in HubSpot; there is nothing to do."),
    "CONDITIONAL_REQUIRED_PROPERTY": (
        Actor.CRM_ADMIN,
        "A validation rule wants these properties: fill them in HubSpot, map values to them, or relax the rule.",
    ),
    "PIPELINE_STAGE_MOVED_BACKWARD": (
        Actor.CRM_ADMIN,
        "A rule lets this stage move forward only: relax the rule, or leave the stage to people.",
    ),
    "ILS.INVALID_LIST_PROCESSING_TYPE": (Actor.CRM_ADMIN, "Use a static list, or make this one static in HubSpot."),
    "OBJECT_NOT_FOUND": (Actor.NOBODY, "The record was deleted in HubSpot; there is nothing to do."),
    "CONFLICT": (Actor.RECORD_OWNER, "Another record has this value: merge the two in HubSpot."),
    "CONFLICTING_UNIQUE_VALUE": (Actor.RECORD_OWNER, "Another record has this value: merge the two in HubSpot."),
}
# Every row that sets a property of which one of these is said is refused alike.
BARS_A_PROPERTY = frozenset({"PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE"})
_VALIDATION_RULE = (
    Actor.CRM_ADMIN,
    "A validation rule of the portal refuses it (HubSpot applies them to the API): change the rule or the record.",
)
_ANY_ROW = (Actor.CRM_ADMIN, "A rule of the portal refuses it: change the rule or the record, then retry.")


GONE = Refusal(
    "OBJECT_NOT_FOUND",
    "the record does not exist any more",
    Actor.NOBODY,
    "The record was deleted in HubSpot; there is nothing to do.",
)
NOT_APPLIED = Refusal(records.NOT_APPLIED, "HubSpot does not show it", Actor.NOBODY, "It is planned again.")


def refusal_of(error: Mapping[str, Any]) -> Refusal:
    """A refused row: the vendor's code and words, who must act, and what to do."""
    code = code_of(error) or "REFUSED"
    by_rule = str(error.get("subCategory") or "").startswith("ValidationError.")
    actor, fix = _ROWS.get(code, _VALIDATION_RULE if by_rule else _ANY_ROW)
    return Refusal(code, message_of(error) or "HubSpot refused it without a reason", actor, fix)


def names_a_duplicate(error: Mapping[str, Any]) -> bool:
    """Whether a row was refused because its unique value exists already."""
    return code_of(error) in {"CONFLICT", "CONFLICTING_UNIQUE_VALUE"} or "already exists" in str(error.get("message"))
