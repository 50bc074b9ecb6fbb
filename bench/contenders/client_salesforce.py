"""A plain loop over simple-salesforce, as one would write it: no models, no retries, a note of what was refused."""

import csv
import io
from functools import partial

import measured
import requests
from simple_salesforce import Salesforce

VERSION = "66.0"
COLLECTION = 200  # rows that a call of composite/sobjects takes


class Plain(requests.adapters.HTTPAdapter):
    """The client insists on https; the sandbox is asked over http, like by all others."""

    def send(self, request, *positional, **named):
        """Send by http."""
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, *positional, **named)


def prepare(order):
    """Sign in by client credentials."""
    given = order["credentials"]
    form = {
        "grant_type": "client_credentials",
        "client_id": given["consumer_key"],
        "client_secret": given["consumer_secret"],
    }
    session = requests.Session()
    session.mount("https://", Plain())
    token = session.post(f"{given['base_url']}/services/oauth2/token", form, timeout=30).json()["access_token"]
    host = given["base_url"].partition("//")[2]
    client = Salesforce(session_id=token, instance=host, session=session, version=VERSION)
    return partial(JOBS[order["job"]], client, order)


def read(client, order):
    """Page through a query, row by row."""
    query = f"SELECT {', '.join(order['fields'])} FROM {order['object']}"
    rows = 0
    for row in client.query_all_iter(query):
        rows += bool(row["Id"])
    return {"rows": rows}


def read_bulk(client, order):
    """A Bulk 2.0 query, its CSV read into dicts."""
    query = f"SELECT {', '.join(order['fields'])} FROM {order['object']}"
    rows = 0
    for page in getattr(client.bulk2, order["object"]).query(query):
        for row in csv.DictReader(io.StringIO(page)):
            rows += bool(row["Id"])
    return {"rows": rows}


def write_each(client, order):
    """One call a record."""
    kind = getattr(client, order["object"])
    written = 0
    for row in order["rows"]:
        try:
            written += kind.update(row["id"], row["fields"]) == 204
        except Exception:  # noqa: BLE001 - a loop that goes on with the next record
            continue
    return _said(order, written)


def write(client, order):
    """Collections of 200 rows."""
    written, rows, kind = 0, order["rows"], {"type": order["object"]}
    for start in range(0, len(rows), COLLECTION):
        records = [{"attributes": kind, "id": row["id"], **row["fields"]} for row in rows[start : start + COLLECTION]]
        try:
            body = {"allOrNone": False, "records": records}
            answers = client.restful("composite/sobjects", method="PATCH", json=body)
            written += sum(each["success"] for each in answers)
        except Exception:  # noqa: BLE001 - a loop that goes on with the next batch
            continue
    return _said(order, written)


def write_bulk(client, order):
    """One Bulk 2.0 job; the answer has counts."""
    records = [{"Id": row["id"], **row["fields"]} for row in order["rows"]]
    written = 0
    try:
        for job in getattr(client.bulk2, order["object"]).update(records=records, wait=1):
            written += job["numberRecordsProcessed"] - job["numberRecordsFailed"]
    except Exception as error:  # noqa: BLE001 - what the loop could tell is that it failed
        return {**_said(order, written), "ended": repr(error)[:200]}
    return _said(order, written)


def _said(order, written):
    return {"rows": len(order["rows"]), "written": written, "failed": len(order["rows"]) - written}


JOBS = {"read": read, "read_bulk": read_bulk, "each": write_each, "write": write, "bulk": write_bulk}

if __name__ == "__main__":
    measured.main(prepare)
