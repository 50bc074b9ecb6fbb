"""The model as an expert in Polars writes it: one pass over the events, both files from one plan.

    python polars_by_hand.py WORLD OUT NOW

Events that cannot count any more fall out before anything else is done with them. A small table finds the signal
of a kind and another one the points of a day; one grouping by person makes all sums. What an account
means for its people's fit is worked out once per account. Which facts are missing is a number of
bits, whose text stands in a table.
"""

import sys
from collections.abc import Iterable, Sequence
from functools import reduce
from pathlib import Path

import figures as m
import polars as pl

Expr = pl.Expr
INT = pl.Int32
# The lowest level makes the smallest files of these columns, and nobody asks for statistics of scores.
WRITTEN = {"compression": "zstd", "compression_level": 1, "statistics": False}
SIGNALS = list(m.SIGNALS)


def points(test: Expr, value: int, others: dict[int, int] | None = None) -> Expr:
    """The points where the test is true, in some segments others; 0 where it is false or open."""
    return pl.when(test).then(by_segment(value, others)).otherwise(pl.lit(0, INT))


def by_segment(value: int, others: dict[int, int] | None) -> Expr:
    """The value, in some segments another."""
    chosen: Expr = pl.lit(value, INT)
    for segment, other in (others or {}).items():
        chosen = pl.when(pl.col("segment") == segment).then(pl.lit(other, INT)).otherwise(chosen)
    return chosen


def total(names: Iterable[str]) -> Expr:
    return pl.sum_horizontal(f"points.{name}" for name in names)


def bits(tests: list[Expr]) -> Expr:
    return pl.sum_horizontal(
        pl.when(test).then(pl.lit(1 << place, pl.Int32)).otherwise(0) for place, test in enumerate(tests)
    )


def told(places: Expr, words: Sequence[str]) -> Expr:
    """The word at each place: no text is made, the file keeps the words once."""
    return places.cast(pl.UInt8 if len(words) < 256 else pl.UInt16).cat.to(pl.Enum(words))


def combinations(words: tuple[str, ...]) -> list[str]:
    """The text of every number of bits."""
    return [m.joined(words, each) for each in range(1 << len(words))]


def shared_facts() -> dict[str, Expr]:
    """Facts that a person may have too, as what the rules tell apart in them: small numbers, null when missing."""
    industry, staff, revenue = pl.col("industry"), pl.col("employees"), pl.col("annual_revenue")
    sector = (
        pl.when(industry.is_in(m.CORE))
        .then(1)
        .when(industry.is_in(m.NEAR))
        .then(2)
        .when(industry.is_not_null())
        .then(0)
    )
    size = pl.when(staff >= 2000).then(3).when(staff >= 200).then(2).when(staff >= 50).then(1).when(staff < 10).then(4)
    return {
        "industry": sector.cast(pl.Int8),
        "employees": size.when(staff.is_not_null()).then(0).cast(pl.Int8),
        "annual_revenue": (revenue >= 10_000_000) & (revenue < 1_000_000_000),
        "country": pl.col("country").is_in(m.COUNTRIES),
        "segment": pl.when(staff >= m.LARGE)
        .then(1)
        .when(staff < m.SMALL)
        .then(2)
        .when(industry.is_in(m.FINANCE))
        .then(3)
        .otherwise(0)
        .cast(pl.UInt8),
    }


def shared_fit() -> dict[str, Expr]:
    """Fit rules on them."""
    industry, staff = pl.col("industry"), pl.col("employees")
    sizes = {"small_size": 1, "core_size": 2, "large_size": 3, "tiny_size": 4}
    return {
        "core_industry": industry == 1,
        "near_industry": industry == 2,
        **{name: staff == size for name, size in sizes.items()},
        "revenue": pl.col("annual_revenue"),
        "served_country": pl.col("country"),
    }


SHARED = ("industry", "employees", "annual_revenue", "country")
OWN = ("business_model", "ready_to_automate", "target_account", "former_customer")


def accounts_of(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Accounts with the points, the openness and the missing facts that they do not share with people."""
    systems = pl.when(pl.col("technologies").list.len() > 0).then(pl.col("technologies"))
    mature = pl.col("maturity").is_in(("medium", "high"))
    has_system = reduce(lambda left, right: left | right, [systems.list.contains(word) for word in m.SYSTEMS])
    ready = mature | has_system
    tests = {
        "business_model": pl.col("business_model") == "b2b",
        "ready_to_automate": ready,
        "target_account": pl.col("target_tier").is_not_null(),
        "former_customer": pl.col("lifecycle") == "former_customer",
    }
    missing = [
        pl.col("business_model").is_null(),
        pl.col("maturity").is_null(),
        systems.is_null(),
        pl.col("lifecycle").is_null(),
    ]
    return frame.select(
        "uid",
        "previous_group",
        *[points(tests[name], m.FIT[name]).alias(f"points.{name}") for name in OWN],
        **shared_facts(),
        gain=points(pl.col("business_model").is_null(), m.GAIN["business_model"])
        + points(ready.is_null(), m.FIT["ready_to_automate"])
        + points(pl.col("target_tier").is_null(), m.GAIN["target_tier"]),
        own_missing=bits(missing) * (1 << len(SHARED)),
        competitor=(pl.col("lifecycle") == "competitor").fill_null(False),
    )


def with_fit(frame: pl.LazyFrame, also_missing: list[Expr]) -> pl.LazyFrame:
    """All fit rules, what missing facts could add, and which are missing."""
    missing = [pl.col(name).is_null() for name in SHARED]
    gains = [points(test, m.GAIN[name], m.SEGMENT_GAIN.get(name)) for name, test in zip(SHARED, missing, strict=True)]
    further = bits(also_missing) * (1 << len(m.ASKED)) if also_missing else 0
    return frame.with_columns(
        *[
            points(test, m.FIT[name], m.SEGMENT_POINTS.get(name)).alias(f"points.{name}")
            for name, test in shared_fit().items()
        ],
        gain=pl.col("gain") + pl.sum_horizontal(gains),
        missing=bits(missing) + pl.col("own_missing") + further,
    )


def counting(events: pl.LazyFrame, now: int) -> pl.LazyFrame:
    """Events inside the window of a signal: person, account, and a column of points for each signal."""
    kinds = [(kind, place, numbers[3]) for place, numbers in enumerate(m.SIGNALS.values()) for kind in numbers[0]]
    longest = max(window for *_, window in kinds)
    table = pl.LazyFrame(kinds, schema={"kind": pl.String, "signal": pl.UInt8, "window": pl.UInt32}, orient="row")
    days = [(place, day, m.worth(name, day)) for place, name in enumerate(SIGNALS) for day in range(m.SIGNALS[name][3])]
    worth = pl.LazyFrame(days, schema={"signal": pl.UInt8, "day": pl.UInt32, "points": INT}, orient="row")
    asked_for = pl.col("asset").str.contains_any(list(m.ASSETS["decision_content"]), ascii_case_insensitive=True)
    found = (
        events.filter(pl.col("kind").is_in([kind for kind, *_ in kinds]), pl.col("at") > now - longest * m.DAY)
        .with_columns(day=(now - pl.col("at")).clip(0).cast(pl.UInt32) // m.DAY)
        .join(table, on="kind")
        .filter(pl.col("day") < pl.col("window"))
        .filter((pl.col("kind") != "content_download") | asked_for)
        .join(worth, on=["signal", "day"])
    )
    masked = [
        pl.when(pl.col("signal") == place).then("points").otherwise(0).alias(f"sum.{name}")
        for place, name in enumerate(SIGNALS)
    ]
    counts = [(pl.col("signal") == SIGNALS.index(name)).alias(f"count.{name}") for name in m.MIN_COUNT]
    return found.select("person", "account", *masked, *counts)


SUMS = [pl.col("^sum\\..*$").sum(), pl.col("^count\\..*$").sum().cast(INT)]


def of_nobody(events: pl.LazyFrame, people: pl.LazyFrame) -> pl.LazyFrame:
    """Sums of events that no known person did, by account. Few events name an account: the small side is hashed."""
    strays = events.filter(pl.col("account").is_not_null()).group_by("person", "account").agg(SUMS)
    known = people.select("uid").join(strays.select("person"), left_on="uid", right_on="person", how="semi")
    return strays.join(known, left_on="person", right_on="uid", how="anti").group_by("account").agg(SUMS)


def kept(name: str) -> Expr:
    """Of one holder, after the cap."""
    cap = m.SIGNALS[name][4]
    value = pl.col(f"sum.{name}")
    return value.clip(upper_bound=cap) if cap > 0 else value.clip(lower_bound=cap)


def enough(name: str, value: Expr) -> Expr:
    if name in m.MIN_COUNT:
        return pl.when(pl.col(f"count.{name}") >= m.MIN_COUNT[name]).then(value).otherwise(0)
    return value


def people_of(people: pl.LazyFrame, accounts: pl.LazyFrame, sums_of: pl.LazyFrame) -> pl.LazyFrame:
    """People with their account's facts, their own points, and their sums of signals."""
    theirs = accounts.drop("previous_group").rename({name: f"of_{name}" for name in (*SHARED, "segment")})
    seniority, function = pl.col("seniority"), pl.col("function")
    buys = function.is_in(m.BUYING).fill_null(False)
    table = [
        seniority.replace_strict(list(by), list(by.values()), default=0, return_dtype=INT)
        for by in (m.PERSONA, m.ELSEWHERE)
    ]
    tests = {
        "buying_function": function.is_in(("finance", "procurement")),
        "referred": pl.col("lead_source").is_in(("referral", "partner")),
        "late_stage": pl.col("buying_stage").is_in(("evaluation", "decision")),
        "work_mail": pl.col("email_class") == "corporate",
        "urgent": pl.col("urgency") == "high",
        "budget_stated": pl.col("budget").is_not_null(),
        "opted_out": pl.col("opted_out"),
    }
    unlinked = [f"points.{name}" for name in OWN]
    without = m.FIT["ready_to_automate"] + m.GAIN["business_model"] + m.GAIN["target_tier"]
    joined = (
        people.select(
            "uid",
            "account",
            "previous_group",
            *[points(test, m.OF_PEOPLE[name]).alias(f"points.{name}") for name, test in tests.items()],
            **shared_facts(),
            buys=buys,
            decides=seniority.is_in(m.DECIDING).fill_null(False),
            person_missing=bits([seniority.is_null(), function.is_null()]),
            student=(seniority == "student").fill_null(False),
            competitor_mail=(pl.col("email_class") == "competitor").fill_null(False),
            **{"points.persona": pl.when(buys).then(table[0]).otherwise(table[1])},
        )
        .join(theirs.with_columns(exists=pl.lit(True)), left_on="account", right_on="uid", how="left")
        .with_columns(
            *[pl.coalesce(f"of_{name}", name).alias(name) for name in SHARED],
            *[pl.col(name).fill_null(0) for name in unlinked],
            gain=pl.col("gain").fill_null(without),
            own_missing=pl.col("own_missing").fill_null(0b1111 << len(SHARED)),
            competitor=pl.col("competitor").fill_null(False),
            account=pl.when("exists").then("account"),
            segment=pl.when("exists").then("of_segment").otherwise("segment"),
        )
        .join(sums_of, left_on="uid", right_on="person", how="left")
        .with_columns(pl.col("^(sum|count)\\..*$").fill_null(0))
        .with_columns(kept(name).alias(f"kept.{name}") for name in SIGNALS)
    )
    return with_fit(joined, []).with_columns(missing=pl.col("missing") + pl.col("person_missing") * (1 << len(m.ASKED)))


def people_file(people: pl.LazyFrame) -> pl.LazyFrame:
    """The people's scores."""
    frame = people.with_columns(
        *[enough(name, pl.col(f"kept.{name}")).alias(f"points.{name}") for name in SIGNALS],
        reasons=bits([pl.col("competitor"), pl.col("competitor_mail"), pl.col("student")]),
    )
    persona = ["persona", *(name for name in m.OF_PEOPLE if name != "opted_out")]
    parts = {"fit": list(m.FIT), "persona": persona, "intent": m.POSITIVE, "negative": ["opted_out", "unsubscribed"]}
    return scored(frame, parts, m.ASKED_OF_PEOPLE, m.PERSON_RULES)


def accounts_file(accounts: pl.LazyFrame, people: pl.LazyFrame, nobody: pl.LazyFrame) -> pl.LazyFrame:
    """The accounts' scores: their own facts, the best of their people, everybody's signals."""
    at_work = pl.any_horizontal(pl.col(f"sum.{name}") > 0 for name in m.POSITIVE)
    staff = (
        people.filter(pl.col("account").is_not_null())
        .group_by("account")
        .agg(
            pl.col("points.persona", *(f"points.{name}" for name in m.OF_ANYBODY if name != "decision_maker")).max(),
            points(pl.col("decides").any(), m.OF_ANYBODY["decision_maker"]).alias("points.decision_maker"),
            pl.col("competitor_mail").any(),
            (pl.col("buys") & at_work).sum().alias("engaged"),
            pl.col("^(kept|count)\\..*$").sum(),
        )
    )
    own = nobody.select(
        "account",
        *[kept(name).alias(f"own.kept.{name}") for name in SIGNALS],
        *[pl.col(f"count.{name}").alias(f"own.count.{name}") for name in m.MIN_COUNT],
    )
    together = [f"kept.{name}" for name in SIGNALS] + [f"count.{name}" for name in m.MIN_COUNT]
    frame = (
        with_fit(accounts, [])
        .join(staff, left_on="uid", right_on="account", how="left")
        .join(own, left_on="uid", right_on="account", how="left")
        .with_columns((pl.col(name).fill_null(0) + pl.col(f"own.{name}").fill_null(0)).alias(name) for name in together)
        .with_columns(
            *[enough(name, capped(name)).alias(f"points.{name}") for name in SIGNALS],
            *[pl.col(f"points.{name}").fill_null(0) for name in ("persona", *m.OF_ANYBODY)],
            points(pl.col("engaged") >= m.COMMITTEE_PEOPLE, m.COMMITTEE, m.SEGMENT_POINTS["buying_group"]).alias(
                "points.buying_group"
            ),
            reasons=bits([pl.col("competitor"), pl.col("competitor_mail")]),
        )
    )
    intent, negative = [*m.POSITIVE, "buying_group"], ["unsubscribed"]
    parts = {"fit": list(m.FIT), "persona": ["persona", *m.OF_ANYBODY], "intent": intent, "negative": negative}
    return scored(frame, parts, m.ASKED, m.ACCOUNT_RULES)


def capped(name: str) -> Expr:
    """Of an account, after its own cap."""
    cap = m.SIGNALS[name][5]
    value = pl.col(f"kept.{name}")
    return value.clip(upper_bound=cap) if cap > 0 else value.clip(lower_bound=cap)


def scored(frame: pl.LazyFrame, parts: dict, asked: tuple[str, ...], rules: tuple[str, ...]) -> pl.LazyFrame:
    """From the points of rules to the score and the group."""

    def limited(value: Expr, part: str) -> Expr:
        low, high = m.LIMITS[part]
        others = {segment: limits[1] for segment, limits in m.SEGMENT_LIMITS.get(part, {}).items()}
        return value.clip(low, by_segment(high, others)) // m.POINT * m.POINT

    fit = total(parts["fit"])
    return (
        frame.with_columns(
            **{part: limited(total(names), part) for part, names in parts.items()},
            fit_max=limited(fit + pl.col("gain"), "fit"),
            completeness=(len(asked) - pl.col("missing").bitwise_count_ones().cast(INT)) * 100 // len(asked),
            missing_fields=told(pl.col("missing"), combinations(asked)),
            disqualified=pl.col("reasons") > 0,
            disqualify_reasons=told(pl.col("reasons"), combinations(m.REASONS)),
        )
        .with_columns(score=pl.sum_horizontal("fit", "persona", "intent", "negative").clip(*m.TOTAL))
        .with_columns(group=group())
        .with_columns(segment=told(pl.when(pl.col("segment") > 0).then(pl.col("segment") - 1), m.SEGMENTS[1:]))
        .select(*m.SCORES, *[f"points.{name}" for name in rules])
    )


def inside(bands: dict, give: int) -> Expr:
    tests = [pl.lit(True)]
    for name, (low, high) in bands.items():
        unit = 1 if name == "completeness" else m.POINT
        tests += [pl.col(name) >= (low - give) * unit] if low is not None else []
        tests += [pl.col(name) < high * unit] if high is not None else []
    return reduce(lambda left, right: left & right, tests)


def group() -> Expr:
    """The last for the disqualified, else what the segment's bands say."""
    names = [name for name, _ in m.GROUPS]
    chosen = placed(*m.placing(0))
    for segment in range(1, len(m.SEGMENTS)):
        chosen = pl.when(pl.col("segment") == segment).then(placed(*m.placing(segment))).otherwise(chosen)
    return told(pl.when("disqualified").then(pl.lit(len(names) - 1, pl.UInt8)).otherwise(chosen), names)


def placed(groups: tuple, hysteresis: int) -> Expr:
    """The place of the first group that fits, or of the present one while it holds with hysteresis before it."""
    chosen: Expr = pl.lit(len(groups) - 1, pl.UInt8)
    for place, (name, bands) in reversed(list(enumerate(groups[:-1]))):
        fits = inside(bands, 0) | ((pl.col("previous_group") == name) & inside(bands, hysteresis))
        chosen = pl.when(fits).then(pl.lit(place, pl.UInt8)).otherwise(chosen)
    return chosen


def main(world: Path, out: Path, now: int) -> None:
    accounts = accounts_of(pl.scan_parquet(world / "accounts.parquet"))
    people = pl.scan_parquet(world / "people.parquet")
    events = counting(pl.scan_parquet(world / "events.parquet"), now)
    everybody = people_of(people, accounts, events.group_by("person").agg(SUMS))
    pl.collect_all(
        [
            people_file(everybody).sink_parquet(out / "people.parquet", lazy=True, **WRITTEN),
            accounts_file(accounts, everybody, of_nobody(events, people)).sink_parquet(
                out / "accounts.parquet", lazy=True
            ),
        ],
        engine="streaming",
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
