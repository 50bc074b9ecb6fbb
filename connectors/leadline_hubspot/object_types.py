"""HubSpot's object types: ids such as `0-1` and words such as `contact`, and the names that we read them by.

The ids are HubSpot's own ("Object type IDs" in its guide to the CRM APIs). Ids of custom objects start
with `2-` and are the portal's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from leadline.sdk.errors import LeadlineError
from leadline_hubspot.client import PATHS, Client

TYPE_IDS: Mapping[str, str] = {
    "contacts": "0-1", "companies": "0-2", "deals": "0-3", "tickets": "0-5", "communications": "0-18", "tasks": "0-27",
    "notes": "0-46", "meetings": "0-47", "calls": "0-48", "emails": "0-49", "leads": "0-136",
}  # fmt: skip
_NAMES = {type_id: name for name, type_id in TYPE_IDS.items()}
_SINGULARS = {"company": "companies", "communication": "communications", **{n.removesuffix("s"): n for n in TYPE_IDS}}
_AGAIN = 300  # seconds before schemas that could not be read are asked for again


def named(word: str) -> str | None:
    """The object of a type id or of a word for one of it, such as `0-1`, `contact` or `CONTACT`; None when unknown."""
    return _NAMES.get(word) or _SINGULARS.get(word.lower())


class CustomObjects:
    """Names of the portal's custom objects by type id, read once and again when an id is new."""

    def __init__(self, client: Client, now: Callable[[], int]) -> None:
        self._client = client
        self._now = now
        self._names: dict[str, str] = {}
        self._tried: int | None = None

    def name(self, type_id: str) -> str:
        """The object's name; the id itself while the portal does not tell.

        The portal is asked at most once in five minutes, so that neither strange ids nor a portal that is
        down make calls pile up.
        """
        now = self._now()
        if type_id not in self._names and (self._tried is None or now - self._tried >= _AGAIN):
            self._tried = now
            self._names |= self._read()
        return self._names.get(type_id, type_id)

    def _read(self) -> dict[str, str]:
        try:
            body: Mapping[str, Any] = self._client.get(PATHS["schemas"]).body
        except LeadlineError:  # the next new id asks again; the record is found by its type id meanwhile
            return {}
        return {str(each["objectTypeId"]): str(each["name"]) for each in body.get("results") or ()}
