"""HubSpot's client for dated versions of the API, as its documentation uses it. Speaks JSON on stdin and stdout."""

import json
import sys

from hubspot_sdk import APIStatusError, HubSpot


def reading(client, told):
    """Listing, searching, enrolling: each step is a key of the answer."""
    contacts = list(client.crm.objects.contacts.list(limit=100, properties=["email"], associations=["companies"]))
    half = contacts[len(contacts) // 2].id
    found = client.crm.objects.contacts.search(
        after="0",
        filter_groups=[{"filters": [{"propertyName": "hs_object_id", "operator": "GT", "value": half}]}],
        limit=100,
        properties=["email"],
        sorts=["hs_object_id"],
    )
    owner = next(each for each in client.crm.owners.list() if not each.archived)
    listed = client.automation.sequences.list(user_id=str(owner.user_id))
    sequences = list(getattr(listed, "results", None) or listed)
    person = next(each for each in contacts if each.properties.get("email"))
    enrolled = client.automation.sequences.create_enrollment(
        user_id=str(owner.user_id), contact_id=person.id, sequence_id=sequences[0].id, sender_email=owner.email
    )
    try:
        client.crm.objects.contacts.get("1")
        missing = None
    except APIStatusError as error:
        missing = error.status_code
    return {
        "contacts": [each.id for each in contacts],
        "half": half,
        "found": [each.id for each in found.results],
        "sequences": [each.name for each in sequences],
        "person": person.id,
        "enrolled": enrolled.id,
        "missing": missing,
    }


def writing(client, told):
    """A batch with a bad row, an upsert twice, associations, a list."""
    good, bad = told["contacts"]
    written = client.crm.objects.contacts.batch.update(
        inputs=[
            {"id": good, "properties": {"leadline_score": "7"}, "objectWriteTraceId": "good"},
            {"id": bad, "properties": {"leadline_score": "many"}, "objectWriteTraceId": "bad"},
        ]
    ).to_dict()
    task = {"hs_timestamp": "2026-01-01T00:00:00Z", "hs_task_subject": "Call"}
    tasks = [
        client.crm.objects.tasks.batch.upsert(
            inputs=[{"id": "dated/1", "idProperty": "leadline_key", "properties": task}]
        ).results[0]
        for _ in range(2)
    ]
    link = {"_from": {"id": good}, "to": {"id": told["company"]}}
    kind = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}
    client.crm.associations.batch.create(
        "companies", from_object_type="contacts", inputs=[{**link, "from": link.pop("_from"), "types": [kind]}]
    )
    linked = client.crm.associations.batch.get(
        "companies", from_object_type="contacts", inputs=[{"id": good}]
    ).to_dict()
    client.crm.lists.add_memberships("1", body=[good, bad])
    members = client.crm.lists.list_memberships("1")
    return {
        "written": [row["id"] for row in written["results"]],
        "errors": [error["context"]["objectWriteTraceId"] for error in written["errors"]],
        "tasks": [each.id for each in tasks],
        "linked": [str(to["toObjectId"]) for row in linked["results"] for to in row["to"]],
        "members": [each.record_id for each in members],
    }


def tokens(client, told):
    """A refresh token for an access token, and one call with it."""
    made = client.auth.oauth.create_token(grant_type="refresh_token", **told["oauth"])
    client.access_token = made.access_token
    return {"expires": made.expires_in, "contacts": len(list(client.crm.objects.contacts.list(limit=1).results))}


def main(told):
    """The job that stdin names."""
    client = HubSpot(access_token=told["credentials"]["access_token"], base_url=told["credentials"]["base_url"])
    return {"reading": reading, "writing": writing, "tokens": tokens}[told["job"]](client, told)


print(json.dumps(main(json.load(sys.stdin))))
