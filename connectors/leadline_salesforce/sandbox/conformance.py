"""What the suite of `leadline.sdk.testing` has to know of an org that it cannot find out by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leadline_salesforce.sandbox.store import Org


def told(org: Org) -> Mapping[str, Any]:
    """A person, a cadence and a campaign to try effects on, and how callouts are proved."""
    tables = org.tables
    person = next(
        row for row in tables["Contact"].rows.values() if row.get("Email") and not row.get("HasOptedOutOfEmail")
    )
    found: dict[str, Any] = {
        "person": ("Contact", person["Id"]),
        "owner": next(row["Id"] for row in tables["User"].rows.values() if row.get("IsActive")),
        "sequence": next(iter(tables["ActionCadence"].rows)),
        "webhook_options": {"webhook_secret": "of-the-suite-0123456789", "webhook_token": "of-the-suite-9876543210"},
        "webhook_headers": ("x-leadline-signature", "x-leadline-timestamp", "x-leadline-token"),
    }
    for campaign in tables["Campaign"].rows:
        found.setdefault("list", campaign)
    return found
