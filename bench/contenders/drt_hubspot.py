"""drt-core's HubSpot destination, given batches of 100 as its engine does. Its address is a constant, set here."""

from functools import partial

import measured
from drt.config.models import HubSpotDestinationConfig, SyncOptions
from drt.destinations import hubspot

BATCH = 100


def prepare(order):
    """The destination, keyed by e-mail as its documentation shows."""
    given = order["credentials"]
    hubspot._HUBSPOT_API = f"{given['base_url']}/crm/v3/objects"
    hubspot._HUBSPOT_PROPERTIES_API = f"{given['base_url']}/crm/v3/properties"
    auth = {"type": "bearer", "token": given["access_token"]}
    unpaced = {"rate_limit": {"requests_per_second": 0}} if order.get("unpaced") else {}
    config = HubSpotDestinationConfig(type="hubspot", object_type=order["object"], auth=auth, **unpaced)
    options = SyncOptions(on_error="skip", match_policy=order["job"])
    return partial(write, hubspot.HubSpotDestination(), config, options, order)


def write(destination, config, options, order):
    """All rows; the e-mail is the key and stands among the values."""
    records = [{"email": row["email"], **row["fields"]} for row in order["rows"]]
    written = failed = 0
    for start in range(0, len(records), BATCH):
        result = destination.load(records[start : start + BATCH], config, options)
        written += result.success
        failed += result.failed + result.skipped
    return {"rows": len(records), "written": written, "failed": failed}


if __name__ == "__main__":
    measured.main(prepare)
