"""drt-core's Salesforce destination: all rows staged, then one Bulk 2.0 job. Its poll interval is set to a second."""

import os
from functools import partial

import measured
from drt.config.models import SalesforceBulkDestinationConfig, SyncOptions
from drt.destinations.salesforce_bulk import SalesforceBulkDestination


def prepare(order):
    """The destination, which signs in by user name and password when it sends."""
    given = order["sign_ins"]["password"]
    secrets = {
        "SF_CLIENT_ID": given["consumer_key"],
        "SF_CLIENT_SECRET": given["consumer_secret"],
        "SF_USERNAME": given["username"],
        "SF_PASSWORD": given["password"] + given["security_token"],
    }
    os.environ.update(secrets)
    config = SalesforceBulkDestinationConfig(
        type="salesforce_bulk",
        instance_url=given["base_url"],
        object_name=order["object"],
        operation="upsert",
        external_id_field="Id",
        poll_interval_seconds=1,
        **{f"{name[3:].lower()}_env": name for name in secrets},
    )
    return partial(write, SalesforceBulkDestination(), config, order)


def write(destination, config, order):
    """All rows in one job. An exception is all that it says of a job that failed."""
    options = SyncOptions(on_error="skip")
    destination.stage([{"Id": row["id"], **row["fields"]} for row in order["rows"]], config, options)
    try:
        result = destination.finalize(config, options)
    except Exception as error:  # noqa: BLE001 - what its engine would report
        return {"rows": len(order["rows"]), "written": 0, "failed": len(order["rows"]), "ended": repr(error)[:200]}
    return {"rows": len(order["rows"]), "written": result.success, "failed": result.failed}


if __name__ == "__main__":
    measured.main(prepare)
