"""Nothing but reading the columns that the model looks at, without keeping them.

python floor.py WORLD
"""

import sys
from pathlib import Path

import polars as pl

COLUMNS = {
    "accounts": [
        "uid", "industry", "employees", "annual_revenue", "country", "business_model", "technologies", "maturity",
        "lifecycle", "target_tier", "previous_group",
    ],
    "people": [
        "uid", "account", "email_class", "seniority", "function", "opted_out", "lead_source", "industry", "employees",
        "annual_revenue", "country", "buying_stage", "budget", "urgency", "previous_group",
    ],
    "events": ["person", "account", "kind", "asset", "at"],
}  # fmt: skip

if __name__ == "__main__":
    world = Path(sys.argv[1])
    scans = [pl.scan_parquet(world / f"{name}.parquet").select(columns) for name, columns in COLUMNS.items()]
    pl.collect_all([scan.select(pl.all().null_count()) for scan in scans], engine="streaming")
