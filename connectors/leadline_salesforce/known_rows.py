"""Known rows, whole: as many in a query as its URI holds, and more fields than one URI holds in several.

A row whose fields come in several queries may change between them. Its stamp has moved then, so a pull
reads it again; a single record is as torn as one that is read a moment too early.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from leadline.sdk.records import RawRecord
from leadline_salesforce import query
from leadline_salesforce.client import Client
from leadline_salesforce.rows import reader


def whole(client: Client, object: str, fields: Sequence[str], ids: Sequence[str]) -> Mapping[str, RawRecord]:
    """The rows of these ids that there are, deleted ones included, by id. Ids must be of the 18-character form."""
    found: dict[str, RawRecord] = {}
    for group in query.groups(object, fields):
        for record in _rows(client, object, group, ids):
            before = found.get(record.id)
            found[record.id] = record if before is None else _joined(before, record)
    return found


def _rows(client: Client, object: str, fields: Sequence[str], ids: Sequence[str]) -> list[RawRecord]:
    record = reader(fields)
    read: list[RawRecord] = []
    for soql in query.by_ids(object, fields, ids):
        page = client.query(soql, include_deleted=True)
        read += map(record, page["records"])
        while not page["done"]:  # wide rows: fewer on a page than were asked for
            page = client.more(page["nextRecordsUrl"])
            read += map(record, page["records"])
    return read


def _joined(one: RawRecord, other: RawRecord) -> RawRecord:
    return replace(other, fields={**one.fields, **other.fields}, modified_at=min(one.modified_at, other.modified_at))
