"""The Singer tap for HubSpot: one sync of one object. What it emits is counted and goes nowhere."""

import contextlib
import sys
from functools import partial
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent.parent / "tests" / "peers" / "scripts"))

import measured
import tap_hubspot
from emitted import Emitted
from tap_hubspot_sync import configure, discovered


def prepare(order):
    """Signed in, discovered, the same properties selected as all read."""
    configure({**order, "start_date": "2000-01-01T00:00:00Z", "oauth": order["sign_ins"]["oauth"]})
    _, catalog = discovered([order["object"]], order["fields"])
    return partial(read, catalog)


def read(catalog):
    """One sync from the beginning."""
    said = Emitted()
    with contextlib.redirect_stdout(said):
        tap_hubspot.do_sync({}, catalog)
    return {"rows": said.records}


if __name__ == "__main__":
    measured.main(prepare)
