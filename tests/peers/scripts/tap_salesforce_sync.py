"""The Singer tap for Salesforce: discovers, then syncs the streams that stdin names. Prints the records it emitted.

Its sign-in host is written into it, so that one address is led to the org; everything else is as it comes.
"""

import contextlib
import io
import json
import sys
import tempfile
from urllib.parse import urlsplit

import requests
import tap_salesforce
from singer import metadata
from tap_salesforce.salesforce import Salesforce


class ToTheOrg(requests.adapters.HTTPAdapter):
    """Sends what is meant for the vendor's sign-in host to another one."""

    def __init__(self, base_url):
        super().__init__()
        self.base_url = base_url

    def send(self, request, **given):
        request.url = self.base_url + urlsplit(request.url).path
        return super().send(request, **given)


def signed_in(told):
    """The tap's client."""
    credentials = told["credentials"]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as config:
        sf = Salesforce(
            refresh_token=credentials["refresh_token"],
            sf_client_id=credentials["consumer_key"],
            sf_client_secret=credentials["consumer_secret"],
            quota_percent_total=80,
            quota_percent_per_run=25,
            is_sandbox=False,
            select_fields_by_default=True,
            default_start_date="2000-01-01T00:00:00Z",
            api_type="REST",
            config_path=config.name,
        )
        sf.session.mount("https://login.salesforce.com", ToTheOrg(credentials["base_url"]))
        sf.login()
        sf.login_timer.cancel()
    return sf


def discovered(sf, streams, fields=None):
    """All names of streams, and the catalog of these with every field selected, or those named."""
    found = io.StringIO()
    with contextlib.redirect_stdout(found):
        tap_salesforce.do_discover(sf)
    catalog = json.loads(found.getvalue())
    names = [each["stream"] for each in catalog["streams"]]
    catalog["streams"] = [each for each in catalog["streams"] if each["stream"] in streams]
    for stream in catalog["streams"]:
        mdata = metadata.to_map(stream["metadata"])
        keys = mdata[()].get("valid-replication-keys")
        mdata = metadata.write(mdata, (), "selected", True)
        mdata = metadata.write(mdata, (), "replication-method", "INCREMENTAL" if keys else "FULL_TABLE")
        if keys:
            mdata = metadata.write(mdata, (), "replication-key", keys[0])
        for place in [each for each in mdata if each and fields is not None]:
            mdata = metadata.write(mdata, place, "selected", place[-1] in fields)
        stream["metadata"] = metadata.to_list(mdata)
    return names, catalog


def main(told):
    """Discovery, selection of all fields, one sync; what a Singer target would be given."""
    sf = signed_in(told)
    names, catalog = discovered(sf, told["streams"])
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        tap_salesforce.do_sync(sf, catalog, tap_salesforce.build_state({}, catalog))
    messages = [json.loads(line) for line in said.getvalue().splitlines() if line.startswith("{")]
    records = [[each["stream"], each["record"]] for each in messages if each["type"] == "RECORD"]
    return {"discovered": names, "records": records}


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin))))
