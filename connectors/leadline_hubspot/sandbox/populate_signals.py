"""Fills forms, e-mail events and events of contacts from a world.

They tell again what `web_events` and `emails` tell as records, in the places where HubSpot's own tools
leave it; a mapping reads one or the other. `docs/sandbox.md` has the table.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from leadline_hubspot.sandbox.signals import Form, Occurrence, Signals, fixed_uuid

if TYPE_CHECKING:
    from leadline.sdk.sandbox.world import Activity
    from leadline_hubspot.sandbox.portal import Portal
    from leadline_hubspot.sandbox.records import Record

FORMS = {"demo_request": "Request a demo", "generic_form": "Contact us", "trial_signup": "Start a trial"}
CAMPAIGN = 555_001  # the newsletter that all e-mails of the world stand for
PAGES = frozenset({"website", "pricing_page", "demo_page", "comparison_page", "careers_page"})
VISIT, SUBMITTED, OPENED, CLICKED = (
    "e_visited_page", "e_form_submission", "e_mta_opened_email_v2", "e_mta_clicked_email_v2",
)  # fmt: skip
_FIELDS = ("email", "firstname", "lastname", "company")


def add_forms(signals: Signals) -> None:
    """The forms of the web site, and the one campaign."""
    for kind, name in FORMS.items():
        signals.add_form(Form(fixed_uuid(f"form {kind}"), name, kind, _FIELDS))
    signals.campaigns[CAMPAIGN] = "Newsletter"


class SignalFiller:
    """Turns activities into signals. `person` finds the contact behind an activity."""

    def __init__(self, portal: Portal, person: Callable[[Activity], int | None]) -> None:
        self._portal = portal
        self._signals = portal.signals
        self._person = person
        self._forms = {form.kind: form.guid for form in self._signals.forms.values()}

    def add(self, activity: Activity) -> None:
        """What an activity leaves behind: at least a known contact is needed, for forms and mail an address too."""
        person = self._person(activity)
        contact = None if person is None else self._portal.tables["contacts"].store.get(person)
        if contact is None:
            return
        if activity.kind in PAGES:
            self._visit(activity, contact)
        elif activity.kind in self._forms and contact.values.get("email"):
            self._submit(activity, contact)
        elif activity.kind in {"email", "unsubscribe"} and contact.values.get("email"):
            self._mail(activity, contact)

    def _occur(self, activity: Activity, contact: Record, kind: str, at: int, **properties: str) -> None:
        self._signals.occur(
            Occurrence(fixed_uuid(f"{kind} {activity.id}"), at, kind, "contacts", contact.id, properties)
        )

    def _visit(self, activity: Activity, contact: Record) -> None:
        url = f"https://www.example.com/{activity.kind.removesuffix('_page')}"
        self._occur(activity, contact, VISIT, activity.at * 1000, hs_url=url, hs_title=activity.kind)

    def _submit(self, activity: Activity, contact: Record) -> None:
        values = {name: value for name in _FIELDS if (value := contact.values.get(name))}
        guid, at = self._forms[activity.kind], activity.at * 1000
        made = self._signals.submit(guid, at, values, f"form {activity.id}")
        self._occur(activity, contact, SUBMITTED, at, hs_form_id=guid, hs_form_submission_id=made.id)

    def _mail(self, activity: Activity, contact: Record) -> None:
        """A sent e-mail is delivered; six of ten are opened a minute later, two of ten clicked after another."""
        email, at = contact.values["email"] or "", activity.at * 1000
        if activity.kind == "unsubscribe":
            self._signals.mail("STATUSCHANGE", at, email, CAMPAIGN, f"STATUSCHANGE {activity.id}")
            return
        if activity.direction != "outbound":
            return
        lot, now = zlib.crc32(activity.id.encode()) % 10, self._portal.now()
        for kind, event, offset, wanted in (
            ("DELIVERED", "", 0, True), ("OPEN", OPENED, 60_000, lot < 6), ("CLICK", CLICKED, 120_000, lot < 2),
        ):  # fmt: skip
            if not wanted or at + offset > now:
                continue
            self._signals.mail(kind, at + offset, email, CAMPAIGN, f"{kind} {activity.id}")
            if event:
                self._occur(activity, contact, event, at + offset, hs_email_campaign_id=str(CAMPAIGN))
