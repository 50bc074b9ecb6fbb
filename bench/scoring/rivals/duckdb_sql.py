"""The model as SQL for DuckDB: events to sums, people, accounts, each a statement; two COPYs write.

    python duckdb_sql.py WORLD OUT NOW

Statements are put together from the numbers of figures.py, because thirty columns times three are
better generated than typed. What they compute is worked out in one pass over the events as well.
"""

import os
import sys
from pathlib import Path

import duckdb
import figures as m

SHARED = ("industry", "employees", "annual_revenue", "country")
OWN = ("business_model", "ready_to_automate", "target_account", "former_customer")


def words(values):
    """A list of texts in SQL."""
    return "(" + ", ".join(f"'{value}'" for value in values) + ")"


def by_segment(value, others):
    """The value, in some segments another."""
    cases = " ".join(f"WHEN {segment} THEN {other}" for segment, other in (others or {}).items())
    return f"CASE segment {cases} ELSE {value} END" if cases else str(value)


def points(test, value, name):
    """The points where the test is true; 0 where it is false or open."""
    value = by_segment(value, m.SEGMENT_POINTS.get(name))
    return f'CASE WHEN {test} THEN {value} ELSE 0 END AS "points.{name}"'


def column(name):
    return f'"{name}"'


def total(names):
    return "(" + " + ".join(f'"points.{name}"' for name in names) + ")"


def capped(value, cap):
    return f"least({value}, {cap})" if cap > 0 else f"greatest({value}, {cap})"


def bits(tests, first=0):
    return (
        "("
        + " + ".join(f"CASE WHEN {test} THEN {1 << first + place} ELSE 0 END" for place, test in enumerate(tests))
        + ")"
    )


def tables(database):
    """Small tables: the points of a signal by age, and what bits mean."""
    worth = [
        (kind, name, day, m.worth(name, day))
        for name, (kinds, *_) in m.SIGNALS.items()
        for kind in kinds
        for day in range(m.SIGNALS[name][3])
    ]
    rows = ", ".join(f"('{kind}', '{name}', {day}, {points})" for kind, name, day, points in worth)
    database.execute(f"CREATE TABLE worth AS SELECT * FROM (VALUES {rows}) AS t(kind, signal, day, points)")
    for table, asked in (("told_of_people", m.ASKED_OF_PEOPLE), ("told_of_accounts", m.ASKED)):
        cells = ", ".join(
            f"({each}, {(len(asked) - each.bit_count()) * 100 // len(asked)}, '{m.joined(asked, each)}')"
            for each in range(1 << len(asked))
        )
        database.execute(
            f"CREATE TABLE {table} AS SELECT * FROM (VALUES {cells}) AS t(missing, completeness, missing_fields)"
        )
    cells = ", ".join(f"({each}, '{m.joined(m.REASONS, each)}')" for each in range(1 << len(m.REASONS)))
    database.execute(f"CREATE TABLE told_reasons AS SELECT * FROM (VALUES {cells}) AS t(reasons, disqualify_reasons)")


SUMS = ", ".join(
    [f"sum(points) FILTER (signal = '{name}') AS \"sum.{name}\"" for name in m.SIGNALS]
    + [f"count(*) FILTER (signal = '{name}') AS \"count.{name}\"" for name in m.MIN_COUNT]
)
TOGETHER = [*(f"kept.{name}" for name in m.SIGNALS), *(f"count.{name}" for name in m.MIN_COUNT)]


def sums_of(now):
    """Statement: sums per person (and account, where an event names one), before caps."""
    longest = max(numbers[3] for numbers in m.SIGNALS.values())
    asked_for = "|".join(m.ASSETS["decision_content"])
    return f"""
        CREATE TEMP TABLE sums AS
        SELECT person, account, {SUMS}
        FROM read_parquet(getvariable('events')) AS e
        JOIN worth AS w ON w.kind = e.kind AND w.day = greatest({now} - e.at, 0) // {m.DAY}
        WHERE e.at > {now} - {longest} * {m.DAY}
          AND (e.kind <> 'content_download' OR regexp_matches(e.asset, '{asked_for}', 'i'))
        GROUP BY person, account
    """


def kept_of(source):
    """Columns: signals of one holder after the cap, and counts."""
    kept = [
        capped(f'coalesce({source}."sum.{name}", 0)', numbers[4]) + f'::INTEGER AS "kept.{name}"'
        for name, numbers in m.SIGNALS.items()
    ]
    return ", ".join(
        kept + [f'coalesce({source}."count.{name}", 0)::INTEGER AS "count.{name}"' for name in m.MIN_COUNT]
    )


def segment_of(table):
    """The number of the segment that facts of this table lead to."""
    return (
        f"CASE WHEN {table}employees >= {m.LARGE} THEN 1 WHEN {table}employees < {m.SMALL} THEN 2 "
        f"WHEN {table}industry IN {words(m.FINANCE)} THEN 3 ELSE 0 END"
    )


def accounts_of():
    """Statement: accounts with what they do not share with people."""
    systems = "CASE WHEN len(technologies) > 0 THEN list_has_any(technologies, [" + words(m.SYSTEMS)[1:-1] + "]) END"
    ready = f"(maturity IN ('medium', 'high') OR {systems})"
    missing = ["business_model IS NULL", "maturity IS NULL", "coalesce(len(technologies), 0) = 0", "lifecycle IS NULL"]
    return f"""
        CREATE TEMP TABLE accounts AS
        SELECT uid, {", ".join(SHARED)}, previous_group,
            {points("business_model = 'b2b'", m.FIT["business_model"], "business_model")},
            {points(ready, m.FIT["ready_to_automate"], "ready_to_automate")},
            {points("target_tier IS NOT NULL", m.FIT["target_account"], "target_account")},
            {points("lifecycle = 'former_customer'", m.FIT["former_customer"], "former_customer")},
            CASE WHEN business_model IS NULL THEN {m.GAIN["business_model"]} ELSE 0 END
              + CASE WHEN {ready} IS NULL THEN {m.FIT["ready_to_automate"]} ELSE 0 END
              + CASE WHEN target_tier IS NULL THEN {m.GAIN["target_tier"]} ELSE 0 END AS own_gain,
            {segment_of("")} AS segment,
            {bits(missing, len(SHARED))} AS own_missing,
            coalesce(lifecycle = 'competitor', false) AS competitor
        FROM read_parquet(getvariable('accounts'))
    """


def fit_of():
    """Columns: fit rules on facts that a person may have too, what missing ones could add, which are missing."""
    tests = {
        "core_industry": f"industry IN {words(m.CORE)}",
        "near_industry": f"industry IN {words(m.NEAR)}",
        "core_size": "employees >= 200 AND employees < 2000",
        "small_size": "employees >= 50 AND employees < 200",
        "large_size": "employees >= 2000",
        "tiny_size": "employees < 10",
        "revenue": "annual_revenue >= 10000000 AND annual_revenue < 1000000000",
        "served_country": f"country IN {words(m.COUNTRIES)}",
    }
    gains = [
        f"CASE WHEN {name} IS NULL THEN {by_segment(m.GAIN[name], m.SEGMENT_GAIN.get(name))} ELSE 0 END"
        for name in SHARED
    ]
    return f"""
        {", ".join(points(test, m.FIT[name], name) for name, test in tests.items())},
        own_gain + {" + ".join(gains)} AS gain,
        own_missing + {bits([f"{name} IS NULL" for name in SHARED])} AS missing
    """


def people_of():
    """Statement: people with their account's facts, their own points, and their signals."""
    tests = {
        "buying_function": "p.\"function\" IN ('finance', 'procurement')",
        "referred": "p.lead_source IN ('referral', 'partner')",
        "late_stage": "p.buying_stage IN ('evaluation', 'decision')",
        "work_mail": "p.email_class = 'corporate'",
        "urgent": "p.urgency = 'high'",
        "budget_stated": "p.budget IS NOT NULL",
        "opted_out": "p.opted_out",
    }
    buys = f'coalesce(p."function" IN {words(m.BUYING)}, false)'
    by = [
        "CASE p.seniority " + " ".join(f"WHEN '{word}' THEN {value}" for word, value in table.items()) + " ELSE 0 END"
        for table in (m.PERSONA, m.ELSEWHERE)
    ]
    without_account = m.FIT["ready_to_automate"] + m.GAIN["business_model"] + m.GAIN["target_tier"]
    at_work = " OR ".join(f'coalesce(s."sum.{name}", 0) > 0' for name in m.POSITIVE)
    return f"""
        CREATE TEMP TABLE people AS
        WITH of_people AS (
            SELECT person, {", ".join(f'sum("{name}") AS "{name}"' for name in sum_columns())}
            FROM sums WHERE person IS NOT NULL GROUP BY person
        ), linked AS (
            SELECT p.uid, a.uid AS account, p.previous_group,
                CASE WHEN a.uid IS NULL THEN {segment_of("p.")} ELSE a.segment END AS segment,
                {", ".join(f"coalesce(a.{name}, p.{name}) AS {name}" for name in SHARED)},
                {", ".join(f'coalesce(a."points.{name}", 0) AS "points.{name}"' for name in OWN)},
                coalesce(a.own_gain, {without_account}) AS own_gain,
                coalesce(a.own_missing, {0b1111 << len(SHARED)})
                  + {bits(["p.seniority IS NULL", 'p."function" IS NULL'], len(m.ASKED))} AS own_missing,
                {", ".join(points(test, m.OF_PEOPLE[name], name) for name, test in tests.items())},
                CASE WHEN {buys} THEN {by[0]} ELSE {by[1]} END AS "points.persona",
                {buys} AND ({at_work}) AS engaged,
                coalesce(p.seniority IN {words(m.DECIDING)}, false) AS decides,
                coalesce(a.competitor, false) AS competitor,
                coalesce(p.email_class = 'competitor', false) AS competitor_mail,
                coalesce(p.seniority = 'student', false) AS student,
                {kept_of("s")}
            FROM read_parquet(getvariable('people')) AS p
            LEFT JOIN accounts AS a ON a.uid = p.account
            LEFT JOIN of_people AS s ON s.person = p.uid
        )
        SELECT *, {fit_of()} FROM linked
    """


def sum_columns():
    return [*(f"sum.{name}" for name in m.SIGNALS), *(f"count.{name}" for name in m.MIN_COUNT)]


def highest(part):
    """The most that a part can be."""
    others = {segment: high for segment, (_, high) in m.SEGMENT_LIMITS.get(part, {}).items()}
    return by_segment(m.LIMITS[part][1], others)


def written(name, rows, told, parts, rules):
    """Statement: a table of points, bits and facts to the file of scores."""
    limited = {
        part: f"greatest(least({total(names)}, {highest(part)}), {m.LIMITS[part][0]}) // {m.POINT} * {m.POINT}"
        for part, names in parts.items()
    }
    # `//` rounds towards zero: parts below zero are rounded from a number that is not.
    low, high = m.LIMITS["negative"]
    limited["negative"] = (
        f"(greatest(least({total(parts['negative'])}, {high}), {low}) - {low}) // {m.POINT} * {m.POINT} + {low}"
    )
    best = f"greatest(least({total(parts['fit'])} + gain, {m.LIMITS['fit'][1]}), {m.LIMITS['fit'][0]})"
    names = " ".join(f"WHEN {place} THEN '{name}'" for place, name in enumerate(m.SEGMENTS) if name)
    made = {"group": group(), "segment": f"CASE segment {names} END"}
    scores = ", ".join(f"{made[name]} AS {column(name)}" if name in made else column(name) for name in m.SCORES)
    return f"""
        COPY (
            WITH limited AS (
                SELECT *, {", ".join(f"{value} AS {part}" for part, value in limited.items())},
                    {best} // {m.POINT} * {m.POINT} AS fit_max
                FROM ({rows})
            ), placed AS (
                SELECT *, greatest(least(fit + persona + intent + negative, {m.TOTAL[1]}), {m.TOTAL[0]}) AS score,
                    reasons > 0 AS disqualified
                FROM limited JOIN {told} USING (missing) JOIN told_reasons USING (reasons)
            )
            SELECT {scores},
                {", ".join(column(f"points.{rule}") for rule in rules)}
            FROM placed
        ) TO '{name}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)
    """


def inside(bands, give):
    tests = ["true"]
    for name, (low, high) in bands.items():
        unit = 1 if name == "completeness" else m.POINT
        tests += [f"{name} >= {(low - give) * unit}"] if low is not None else []
        tests += [f"{name} < {high * unit}"] if high is not None else []
    return "(" + " AND ".join(tests) + ")"


def group():
    """The last for the disqualified, else what the segment's bands say."""
    cases = " ".join(f"WHEN {segment} THEN {placed(*m.placing(segment))}" for segment in range(len(m.SEGMENTS)))
    return f"CASE WHEN disqualified THEN '{m.GROUPS[-1][0]}' ELSE CASE segment {cases} END END"


def placed(groups, hysteresis):
    """The first group that fits, or the present one while it holds with hysteresis and none before does."""
    cases = [
        f"WHEN {inside(bands, 0)} OR (previous_group = '{name}' AND {inside(bands, hysteresis)}) THEN '{name}'"
        for name, bands in groups
    ]
    return f"CASE {' '.join(cases)} END"


def people_rows():
    signals = [
        f'CASE WHEN "count.{name}" >= {m.MIN_COUNT[name]} THEN "kept.{name}" ELSE 0 END AS "points.{name}"'
        if name in m.MIN_COUNT
        else f'"kept.{name}" AS "points.{name}"'
        for name in m.SIGNALS
    ]
    return (
        f"SELECT *, {', '.join(signals)}, {bits(['competitor', 'competitor_mail', 'student'])} AS reasons FROM people"
    )


def accounts_rows():
    best = ["persona", *(name for name in m.OF_ANYBODY if name != "decision_maker")]
    signals = []
    for name, numbers in m.SIGNALS.items():
        value = capped(f'(coalesce(s."kept.{name}", 0) + coalesce(n."kept.{name}", 0))', numbers[5])
        if name in m.MIN_COUNT:
            count = f'coalesce(s."count.{name}", 0) + coalesce(n."count.{name}", 0)'
            value = f"CASE WHEN {count} >= {m.MIN_COUNT[name]} THEN {value} ELSE 0 END"
        signals.append(f'({value})::INTEGER AS "points.{name}"')
    return f"""
        WITH staff AS (
            SELECT account, {", ".join(f'max("points.{name}") AS "points.{name}"' for name in best)},
                bool_or(decides) AS decides, bool_or(competitor_mail) AS competitor_mail,
                count(*) FILTER (engaged) AS engaged,
                {", ".join(f'sum("{name}") AS "{name}"' for name in TOGETHER)}
            FROM people WHERE account IS NOT NULL GROUP BY account
        ), nobody AS (
            SELECT account, {", ".join(f'sum("{name}") AS "{name}"' for name in sum_columns())}
            FROM sums WHERE account IS NOT NULL AND (person IS NULL OR person NOT IN (SELECT uid FROM people))
            GROUP BY account
        ), own AS (
            SELECT account, {kept_of("nobody")} FROM nobody
        )
        SELECT a.*, {fit_of()},
            {", ".join(f'coalesce(s."points.{name}", 0) AS "points.{name}"' for name in best)},
            {points("s.decides", m.OF_ANYBODY["decision_maker"], "decision_maker")},
            {points(f"s.engaged >= {m.COMMITTEE_PEOPLE}", m.COMMITTEE, "buying_group")},
            {", ".join(signals)},
            {bits(["a.competitor", "s.competitor_mail"])} AS reasons
        FROM accounts AS a LEFT JOIN staff AS s ON s.account = a.uid LEFT JOIN own AS n ON n.account = a.uid
    """


def main(world, out, now):
    database = duckdb.connect()
    database.execute(f"SET threads = {len(os.sched_getaffinity(0))}")
    database.execute("SET preserve_insertion_order = false")
    for name in ("accounts", "people", "events"):
        database.execute(f"SET VARIABLE {name} = '{world / name}.parquet'")
    tables(database)
    database.execute(sums_of(now))
    database.execute(accounts_of())
    database.execute(people_of())
    fit, positive = list(m.FIT), list(m.POSITIVE)
    persona = ["persona", *(name for name in m.OF_PEOPLE if name != "opted_out")]
    parts = {"fit": fit, "persona": persona, "intent": positive, "negative": ["opted_out", "unsubscribed"]}
    database.execute(written(out / "people.parquet", people_rows(), "told_of_people", parts, m.PERSON_RULES))
    intent = [*positive, "buying_group"]
    parts = {"fit": fit, "persona": ["persona", *m.OF_ANYBODY], "intent": intent, "negative": ["unsubscribed"]}
    database.execute(written(out / "accounts.parquet", accounts_rows(), "told_of_accounts", parts, m.ACCOUNT_RULES))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
