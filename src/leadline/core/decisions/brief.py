"""The text of a task: why now, what is missing, what happened lately, what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_WORDS = {
    "pricing_page_view": "viewed the pricing page",
    "demo_page_view": "viewed the demo page",
    "demo_request": "asked for a demo",
    "comparison_page_view": "compared us with others",
    "content_download": "downloaded a document",
    "generic_content": "read something of ours",
    "trial_signup": "signed up for a trial",
    "web_session": "visited the website",
    "email_reply": "replied to an e-mail",
    "email_click": "clicked in an e-mail",
    "webinar": "attended a webinar",
    "event_attendance": "attended an event",
    "form_submission": "filled in a form",
    "generic_form": "filled in a form",
    "meeting": "had a meeting",
    "call": "was called",
    "call_inbound": "called us",
    "email_sent": "was sent an e-mail",
    "careers_page_view": "viewed the careers page",
    "email_open": "opened an e-mail",
    "product_usage": "used the product",
    "social_message": "was sent a message",
    "social_reply": "replied to a message",
    "unsubscribe": "unsubscribed",
}
_LATELY = 5
_ROUTING = "Routing: "


@dataclass(frozen=True, slots=True)
class Brief:
    """Everything a salesperson needs before reaching out. `ask`: the missing fact that would change the group."""

    group: str
    was: str | None
    score: int
    fit: int
    intent: int
    reasons: Sequence[str]
    missing: Sequence[str]
    events: Sequence[Mapping[str, Any]]
    names: Mapping[str, str]
    person: Mapping[str, Any] | None
    routed: str
    next_step: str
    ask: str = ""


def words(name: str) -> str:
    """A canonical name as a person would write it."""
    return name.replace("_", " ")


def task_body(brief: Brief) -> str:
    """The text, plain, most important first."""
    moved = f", was {words(brief.was)}" if brief.was else ""
    lines = [
        f"Why now: {words(brief.group)}{moved}. Score {brief.score} (fit {brief.fit}, intent {brief.intent}).",
        *(f"- {reason}" for reason in brief.reasons),
    ]
    if brief.missing:
        lines.append(f"Not known yet: {', '.join(words(name) for name in brief.missing)}.")
    if brief.ask:
        lines.append(f"Worth asking: {brief.ask}.")
    recent = sorted(brief.events, key=lambda row: (-row["at"], str(row["uid"])))[:_LATELY]
    if recent:
        lines += ["Lately:", *(f"- {_event(row, brief.names)}" for row in recent)]
    lines.append(f"Next: {_next_step(brief)}")
    if brief.routed:
        lines.append(_routing(brief.routed))
    return "\n".join(lines)


def rerouted(body: str, routed: str) -> str:
    """A task's text for another owner than the one it was written for: only the line that says why it is theirs."""
    lines = body.splitlines()
    kept = lines[:-1] if lines[-1:] and lines[-1].startswith(_ROUTING) else lines
    return "\n".join([*kept, _routing(routed)])


def _routing(why: str) -> str:
    return f"{_ROUTING}{why}."


def _event(row: Mapping[str, Any], names: Mapping[str, str]) -> str:
    day = datetime.fromtimestamp(row["at"], UTC).strftime("%d %b %H:%M")
    who = names.get(row["person"] or "", "somebody there")
    what = _WORDS.get(row["kind"], words(row["kind"]))
    asset = f" ({row['asset']})" if row.get("asset") else ""
    return f"{day}: {who} {what}{asset}"


def _next_step(brief: Brief) -> str:
    if brief.person is None:
        return f"find the right person there, then {brief.next_step} them."
    title = f", {brief.person['title']}" if brief.person.get("title") else ""
    return f"{brief.next_step} {brief.person.get('name') or 'the contact'}{title}."
