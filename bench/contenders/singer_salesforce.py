"""The Singer tap for Salesforce, by REST: one sync of one object. What it emits is counted and goes nowhere."""

import contextlib
import sys
from functools import partial
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent.parent / "tests" / "peers" / "scripts"))

import measured
import tap_salesforce
from emitted import Emitted
from tap_salesforce_sync import discovered, signed_in


def prepare(order):
    """Signed in, discovered, the same fields selected as all read."""
    sf = signed_in({"credentials": order["sign_ins"]["refresh_token"]})
    _, catalog = discovered(sf, [order["object"]], order["fields"])
    return partial(read, sf, catalog)


def read(sf, catalog):
    """One sync from the beginning."""
    said = Emitted()
    with contextlib.redirect_stdout(said):
        tap_salesforce.do_sync(sf, catalog, tap_salesforce.build_state({}, catalog))
    return {"rows": said.records}


if __name__ == "__main__":
    measured.main(prepare)
