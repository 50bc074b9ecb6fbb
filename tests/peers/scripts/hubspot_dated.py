"""HubSpot's client for dated versions of the API, as its documentation uses it. Speaks JSON on stdin and stdout."""

import json
import sys

from hubspot_sdk import APIStatusError, HubSpot


def main(told):
    """Everything in one go: each step is a key of the answer."""
    client = HubSpot(access_token=told["credentials"]["access_token"], base_url=told["credentials"]["base_url"])
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


print(json.dumps(main(json.load(sys.stdin))))
