"""The Singer tap for HubSpot: discovers, then syncs the streams that stdin names. Prints the records it emitted.

Its address is a constant, set here; everything else is as it comes.
"""

import contextlib
import io
import json
import sys

import tap_hubspot
from singer import metadata

YEAR = 365 * 24 * 3600 * 1000  # e-mail events are asked for by windows of so many milliseconds


def configure(told):
    """Address and sign-in."""
    tap_hubspot.BASE_URL = told["credentials"]["base_url"]
    given = {
        "redirect_uri": "https://leadline.example/callback",
        "start_date": told["start_date"],
        "hapikey": None,
        "api_key": None,
        "token_expires": None,
        "email_chunk_size": YEAR,
        "subscription_chunk_size": YEAR,
        **told["oauth"],
    }
    tap_hubspot.CONFIG.update(given)


def discovered(streams, properties=None):
    """The catalog of these streams with every field selected, of properties only those named, if any are."""
    catalog = tap_hubspot.discover_schemas()
    names = [each["stream"] for each in catalog["streams"]]
    catalog["streams"] = [each for each in catalog["streams"] if each["tap_stream_id"] in streams]
    for stream in catalog["streams"]:
        chosen = metadata.to_map(stream["metadata"])
        for place in list(chosen):
            name = place[-1] if place else ""
            wanted = properties is None or not name.startswith("property_") or name[9:] in properties
            chosen = metadata.write(chosen, place, "selected", wanted and not (properties and name == "properties"))
        stream["metadata"] = metadata.to_list(chosen)
    return names, catalog


def main(told):
    """Schemas, selection, one sync; what a Singer target would be given."""
    configure(told)
    names, catalog = discovered(told["streams"])
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        tap_hubspot.do_sync({}, catalog)
    messages = [json.loads(line) for line in said.getvalue().splitlines() if line.startswith("{")]
    records = [[each["stream"], each["record"]] for each in messages if each["type"] == "RECORD"]
    return {"discovered": names, "records": records}


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin))))
