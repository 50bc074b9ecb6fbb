"""Fields worked out from other records: a roll-up summary and a cross-object formula.

As at the vendor their change is nobody's edit: it moves no SystemModstamp, so a cursor never meets it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leadline_salesforce.sandbox.store import Org

PIPELINE = "Open_Pipeline__c"  # on Account: the sum of Amount over open opportunities
TIER = "Account_Tier__c"  # on Contact: the account's Target_Tier__c
_TIER_SOURCE = "Target_Tier__c"


def on_itself(name: str, row: dict[str, Any], old: dict[str, Any] | None, org: Org) -> dict[str, Any]:
    """The row with its own calculated fields."""
    if name == "Contact":
        account = org.row(row.get("AccountId"))
        tier = account.get(_TIER_SOURCE) if account is not None else None
        if row.get(TIER) != tier:
            row = {field: value for field, value in (row | {TIER: tier}).items() if value is not None}
    elif name == "Account" and PIPELINE not in row:
        row = row | {PIPELINE: 0.0 if old is None else old.get(PIPELINE, 0.0)}
    return row


def on_others(name: str, old: dict[str, Any] | None, new: dict[str, Any] | None, org: Org) -> Iterator[dict[str, Any]]:
    """Rows of other objects that this change calculates anew."""
    if name == "Account" and old is not None and new is not None:
        if old.get(_TIER_SOURCE) != new.get(_TIER_SOURCE):
            for contact in org.tables["Contact"].having("AccountId", new["Id"]):
                yield on_itself("Contact", contact, contact, org)
    elif name == "Opportunity":
        accounts = {row["AccountId"] for row in (old, new) if row is not None and row.get("AccountId")}
        for account_id in sorted(accounts):
            account, total = org.row(account_id), _pipeline(account_id, org)
            if account is not None and account.get(PIPELINE) != total:
                yield account | {PIPELINE: total}


def _pipeline(account_id: str, org: Org) -> float:
    return float(
        sum(
            deal.get("Amount") or 0.0
            for deal in org.tables["Opportunity"].having("AccountId", account_id)
            if not deal.get("IsClosed") and not deal.get("IsDeleted")
        )
    )
