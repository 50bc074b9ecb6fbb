"""The Singer tap for HubSpot: syncs the streams that stdin names. Prints the records it emitted.

Its address is a constant, set here; everything else is as it comes.
"""

import contextlib
import io
import json
import sys

import tap_hubspot
from singer import metadata


def main(told):
    """Schemas, selection, one sync; what a Singer target would be given."""
    tap_hubspot.BASE_URL = told["credentials"]["base_url"]
    given = {
        "redirect_uri": "https://leadline.example/callback",
        "start_date": told["start_date"],
        "hapikey": None,
        "api_key": None,
        "token_expires": None,
        **told["oauth"],
    }
    tap_hubspot.CONFIG.update(given)
    streams = []
    for stream in tap_hubspot.STREAMS:
        if stream.tap_stream_id not in told["streams"]:
            continue
        schema, mdata = tap_hubspot.load_discovered_schema(stream)
        chosen = metadata.to_map(mdata)
        for place in list(chosen):
            chosen = metadata.write(chosen, place, "selected", True)
        name = stream.tap_stream_id
        streams.append({"stream": name, "tap_stream_id": name, "schema": schema, "metadata": metadata.to_list(chosen)})
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        tap_hubspot.do_sync({}, {"streams": streams})
    messages = [json.loads(line) for line in said.getvalue().splitlines() if line.startswith("{")]
    return {"records": [[each["stream"], each["record"]] for each in messages if each["type"] == "RECORD"]}


print(json.dumps(main(json.load(sys.stdin))))
