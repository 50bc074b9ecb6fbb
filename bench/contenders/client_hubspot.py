"""A plain loop over hubspot-api-client with its typed models, as one would write it: no retries beyond its own."""

from functools import partial

import hubspot
import measured
from hubspot.crm.contacts import (
    BatchInputSimplePublicObjectBatchInput,
    SimplePublicObjectBatchInput,
    SimplePublicObjectInput,
)

BATCH = 100


def prepare(order):
    """One client, with the token."""
    given = order["credentials"]
    client = hubspot.HubSpot(access_token=given["access_token"], host=given["base_url"])
    return partial(JOBS[order["job"]], client, order)


def read(client, order):
    """Everything, by the client's own paging."""
    found = client.crm.contacts.get_all(properties=order["fields"], associations=["companies"])
    return {"rows": len(found)}


def write_each(client, order):
    """One call a record. The API object is taken once: each access makes a new connection pool."""
    api, written = client.crm.contacts.basic_api, 0
    for row in order["rows"]:
        try:
            given = SimplePublicObjectInput(properties=row["fields"])
            written += bool(api.update(row["id"], simple_public_object_input=given).id)
        except Exception:  # noqa: BLE001 - a loop that goes on with the next record
            continue
    return _said(order, written)


def write(client, order):
    """Batches of 100."""
    api, written, rows = client.crm.contacts.batch_api, 0, order["rows"]
    for start in range(0, len(rows), BATCH):
        inputs = [
            SimplePublicObjectBatchInput(id=row["id"], properties=row["fields"]) for row in rows[start : start + BATCH]
        ]
        try:
            written += len(api.update(BatchInputSimplePublicObjectBatchInput(inputs=inputs)).results)
        except Exception:  # noqa: BLE001 - a loop that goes on with the next batch
            continue
    return _said(order, written)


def _said(order, written):
    return {"rows": len(order["rows"]), "written": written, "failed": len(order["rows"]) - written}


JOBS = {"read": read, "each": write_each, "write": write}

if __name__ == "__main__":
    measured.main(prepare)
