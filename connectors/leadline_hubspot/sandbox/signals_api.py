"""The calls that read forms with their submissions, e-mail events, and events of records."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from leadline_hubspot.sandbox.failures import bad_request, not_found
from leadline_hubspot.sandbox.gate import Answer, Call
from leadline_hubspot.sandbox.paths import Paths
from leadline_hubspot.sandbox.signals import EmailEvent, Form, Occurrence, position_of, position_text
from leadline_hubspot.sandbox.values import iso, millis

_PORTAL_ID = 62_515
_SINCE_MS = 1_577_836_800_000  # 2020-01-01
_SINCE = "2020-01-01T00:00:00Z"
_FOREVER = 1 << 62


def add_signals(paths: Paths) -> None:
    """Put the calls behind their paths."""
    paths.add("forms", "", "GET", list_forms, scope="forms")
    paths.add("forms", "{id}", "GET", read_form, scope="forms")
    paths.add("forms_v2", "", "GET", list_forms_v2, scope="forms")
    paths.add("submissions", "forms/{id}", "GET", list_submissions, scope="forms")
    paths.add("email_events", "events", "GET", list_email_events, scope="content")
    paths.add("email_events", "campaigns/by-id", "GET", list_campaigns, scope="content")
    paths.add("email_events", "campaigns", "GET", list_campaigns, scope="content")
    paths.add("email_events", "campaigns/{id}", "GET", read_campaign, scope="content")
    paths.add("email_events", "subscriptions/timeline", "GET", list_subscription_changes, scope="content")
    paths.add("marketing_emails", "", "GET", list_marketing_emails, scope="content")
    paths.add("marketing_emails", "{id}", "GET", read_marketing_email, scope="content")
    paths.add("events", "", "GET", list_occurrences)
    paths.add("events", "event-types", "GET", list_event_types)


# --- forms


def _form(form: Form) -> dict[str, Any]:
    return {
        "id": form.guid,
        "name": form.name,
        "formType": "hubspot",
        "createdAt": _SINCE,
        "updatedAt": _SINCE,
        "archived": False,
        "fieldGroups": [
            {
                "groupType": "default_group",
                "richTextType": "text",
                "fields": [
                    {
                        "objectTypeId": "0-1",
                        "name": name,
                        "label": name,
                        "required": name == "email",
                        "hidden": False,
                        "fieldType": "email" if name == "email" else "single_line_text",
                    }
                    for name in form.fields
                ],
            }
        ],
        "configuration": {"language": "en", "archivable": True, "editable": True, "cloneable": True},
        "displayOptions": {},
        "legalConsentOptions": {"type": "none"},
    }


def list_forms(call: Call) -> Answer:
    """All forms, page by page in order of name."""
    limit, after = call.whole("limit", 20, 1, 1_000), call.whole("after", 0, 0, 1 << 31)
    forms = [] if call.flag("archived") else sorted(call.portal.signals.forms.values(), key=lambda each: each.name)
    body: dict[str, Any] = {"results": [_form(each) for each in forms[after : after + limit]]}
    if after + limit < len(forms):
        following = str(after + limit)
        body["paging"] = {"next": {"after": following, "link": call.link(after=following)}}
    return body


def read_form(call: Call) -> Answer:
    """One form."""
    return _form(call.portal.signals.form(call.path["id"]))


def list_forms_v2(call: Call) -> Answer:
    """All forms in the older style: an array."""
    return [
        {
            "portalId": _PORTAL_ID,
            "guid": form.guid,
            "name": form.name,
            "formType": "HUBSPOT",
            "method": "POST",
            "createdAt": _SINCE_MS,
            "updatedAt": _SINCE_MS,
            "deletable": True,
            "editable": True,
            "cloneable": True,
            "formFieldGroups": [
                {"fields": [{"name": name, "label": name, "type": "string", "fieldType": "text"}]}
                for name in form.fields
            ],
        }
        for form in call.portal.signals.forms.values()
    ]


def list_submissions(call: Call) -> Answer:
    """Submissions of one form, newest first, at most fifty in a page."""
    form = call.portal.signals.form(call.path["id"])
    limit, after = call.whole("limit", 20, 1, 50), position_of(call.text("after"))
    line = call.portal.signals.submissions[form.guid]
    page = list(islice(line.walk(0, _FOREVER, after, newest_first=True), limit + 1))
    call.count(len(page[:limit]))
    body: dict[str, Any] = {
        "results": [
            {
                "conversionId": each.id,
                "submittedAt": each.at,
                "values": [
                    {"name": name, "value": value, "objectTypeId": "0-1"} for name, value in each.values.items()
                ],
                "pageUrl": each.page_url,
            }
            for _, each in page[:limit]
        ]
    }
    if len(page) > limit:
        following = position_text(page[limit - 1][0])
        body["paging"] = {"next": {"after": following, "link": call.link(after=following)}}
    return body


# --- e-mail


def _email_event(event: EmailEvent) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": event.id,
        "created": event.at,
        "type": event.kind,
        "recipient": event.recipient,
        "emailCampaignId": event.campaign,
        "emailCampaignGroupId": event.campaign,
        "portalId": _PORTAL_ID,
        "appId": 113,
        "appName": "Batch",
        "sentBy": {"id": event.id, "created": event.at},
    }
    if event.kind in {"OPEN", "CLICK"}:
        body |= {"deviceType": "COMPUTER", "filteredEvent": False, "browser": {"name": "Firefox", "type": "Browser"}}
    if event.url:
        body["url"] = event.url
    return body


def list_email_events(call: Call) -> Answer:
    """E-mail events of a span of time, newest first, at most a thousand in a page, on from an `offset`."""
    start, end = call.whole("startTimestamp", 0, 0, _FOREVER), call.whole("endTimestamp", _FOREVER, 0, _FOREVER)
    limit, after = call.whole("limit", 10, 1, 1_000), position_of(call.text("offset"))
    kind, recipient, campaign = call.text("eventType"), call.text("recipient"), call.text("campaignId")
    found = (
        (position, each)
        for position, each in call.portal.signals.email_events.walk(start, end, after, newest_first=True)
        if (not kind or each.kind == kind)
        and (not recipient or each.recipient == recipient.lower())
        and (not campaign or str(each.campaign) == campaign)
    )
    page = list(islice(found, limit + 1))
    call.count(len(page[:limit]))
    body: dict[str, Any] = {
        "hasMore": len(page) > limit,
        "events": [_email_event(each) for _, each in page[:limit]],
    }
    body["offset"] = position_text(page[:limit][-1][0]) if page else call.text("offset") or ""
    return body


def list_campaigns(call: Call) -> Answer:
    """Campaigns of e-mails, by id."""
    found = [
        {"id": number, "lastUpdatedTime": _SINCE_MS, "appId": 113, "appName": "Batch"}
        for number in call.portal.signals.campaigns
    ]
    return {"hasMore": False, "offset": "", "campaigns": found}


def read_campaign(call: Call) -> Answer:
    """One campaign."""
    key, campaigns = call.path["id"], call.portal.signals.campaigns
    if not key.isdigit() or int(key) not in campaigns:
        raise not_found("campaign", key)
    name = campaigns[int(key)]
    return {"id": int(key), "appId": 113, "appName": "Batch", "name": name, "subject": name, "counters": {}}


def list_subscription_changes(call: Call) -> Answer:
    """Who unsubscribed in a span of time."""
    start, end = call.whole("startTimestamp", 0, 0, _FOREVER), call.whole("endTimestamp", _FOREVER, 0, _FOREVER)
    limit, after = call.whole("limit", 10, 1, 1_000), position_of(call.text("offset"))
    line = call.portal.signals.email_events.walk(start, end, after, newest_first=True)
    page = list(islice(((place, each) for place, each in line if each.kind == "STATUSCHANGE"), limit + 1))
    return {
        "hasMore": len(page) > limit,
        "offset": position_text(page[:limit][-1][0]) if page else "",
        "timeline": [
            {
                "timestamp": each.at,
                "portalId": _PORTAL_ID,
                "recipient": each.recipient,
                "changes": [{"change": "UNSUBSCRIBED", "source": "SOURCE_RECIPIENT", "changeType": "PORTAL_STATUS"}],
            }
            for _, each in page[:limit]
        ],
    }


def list_marketing_emails(call: Call) -> Answer:
    """Marketing e-mails: one for each campaign."""
    found = [_marketing_email(number, name) for number, name in call.portal.signals.campaigns.items()]
    return {"total": len(found), "results": found}


def read_marketing_email(call: Call) -> Answer:
    """One marketing e-mail."""
    found = read_campaign(call)
    return _marketing_email(found["id"], found["name"])


def _marketing_email(number: int, name: str) -> dict[str, Any]:
    return {
        "id": str(number),
        "name": name,
        "subject": name,
        "type": "BATCH_EMAIL",
        "state": "PUBLISHED",
        "sendOnPublish": True,
        "isPublished": True,
        "archived": False,
        "createdAt": _SINCE,
        "updatedAt": _SINCE,
        "publishDate": _SINCE,
        "emailCampaignGroupId": str(number),
        "allEmailCampaignIds": [str(number)],
    }


# --- events of records


def _moment(call: Call, name: str, default: int) -> int:
    text = call.text(name)
    if not text:
        return default
    found = millis(text)
    if found is None:
        raise bad_request(f"{name} must be an ISO 8601 time, was {text!r}.")
    return found


def list_occurrences(call: Call) -> Answer:
    """Events, newest first unless sorted otherwise, at most a hundred in a page, on from `after`."""
    portal = call.portal
    limit = call.whole("limit", 20, 1, 100)
    newest_first = (call.text("sort") or "-occurredAt") not in {"occurredAt", "ASCENDING"}
    object_type, record_id = _object_of(call)
    kind, wanted = call.text("eventType"), set(call.listed("id"))
    line = portal.signals.occurrences(kind, object_type, record_id).walk(
        _moment(call, "occurredAfter", 0),
        _moment(call, "occurredBefore", _FOREVER),
        position_of(call.text("after")),
        newest_first=newest_first,
    )
    found: Iterable[Any] = (
        (place, each)
        for place, each in line
        if (not kind or each.kind == kind)
        and (not object_type or each.object == object_type)
        and (not wanted or each.id in wanted)
    )
    page = list(islice(found, limit + 1))
    call.count(len(page[:limit]))
    body: dict[str, Any] = {"results": [_occurrence(call, each) for _, each in page[:limit]]}
    if len(page) > limit:
        following = position_text(page[limit - 1][0])
        body["paging"] = {"next": {"after": following, "link": call.link(after=following)}}
    return body


def _object_of(call: Call) -> tuple[str | None, str | None]:
    """The object type and record that are asked for, a contact also by its address."""
    named, record_id = call.text("objectType"), call.text("objectId")
    object_type = call.portal.table(named).kind.name if named else None
    email = call.text("objectProperty.email")
    if email:
        table = call.portal.tables["contacts"]
        found = call.portal.find(table, email, "email")
        return "contacts", str(found.id) if found else "0"
    if record_id and not object_type:
        raise bad_request("objectId needs objectType beside it.")
    return object_type, record_id


def _occurrence(call: Call, event: Occurrence) -> dict[str, Any]:
    return {
        "id": event.id,
        "objectType": call.portal.tables[event.object].kind.singular.upper(),
        "objectId": str(event.record_id),
        "eventType": event.kind,
        "occurredAt": iso(event.at),
        "properties": dict(event.properties),
    }


def list_event_types(call: Call) -> Answer:
    """The kinds of events that there are."""
    return {"eventTypes": call.portal.signals.kinds()}
