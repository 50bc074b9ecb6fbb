"""Contacts by e-mail address, for events that know a person by nothing else."""

from __future__ import annotations

from collections.abc import Iterable

from leadline_hubspot.batches import read_batch
from leadline_hubspot.client import PATHS, Client


def contacts_by_email(client: Client, emails: Iterable[str]) -> dict[str, str]:
    """Contact ids by address in lower case; addresses that no contact has are left out. One call for a hundred."""
    distinct = sorted({each.strip().lower() for each in emails if each.strip()})
    found = read_batch(client, PATHS["objects"].format(object="contacts"), distinct, (), "email")
    return {email.lower(): row["id"] for email, row in found.items()}
