"""What the suite of `leadline.sdk.testing` has to know of a portal that it cannot find out by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leadline_hubspot.sandbox.portal import Portal

_FAST = 10**6


def told(portal: Portal) -> Mapping[str, Any]:
    """Options for a connection without a pace, and a person, an owner, a sequence and a list to try effects on."""
    contacts = portal.tables["contacts"].store.all()
    person = next(
        each for each in contacts if each.values.get("email") and each.values.get("hs_email_optout") != "true"
    )
    return {
        "options": {"rates": {"calls_per_10_seconds": _FAST, "searches_per_second": _FAST}},
        "person": ("contacts", str(person.id)),
        "owner": str(next(owner.id for owner in portal.owners.values() if owner.active)),
        "sequence": str(next(iter(portal.sequences.all))),
        "list": next(str(each.id) for each in portal.lists.all() if each.kind == "MANUAL"),
        "webhook_options": {"webhook_secret": "of-the-suite-0123456789"},
        "webhook_headers": ("x-hubspot-signature-v3", "x-hubspot-request-timestamp"),
    }
