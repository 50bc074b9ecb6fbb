"""The model record by record, as a program without frames does it; who answers the rules on facts is given.

`score` takes lists of dicts and gives lists of dicts. Reading and writing Parquet is left out of its
seconds: `run` prints them, and writes the files for the comparison.
"""

import json
import sys
import time
from collections import defaultdict
from pathlib import Path

import figures as m
import pyarrow as pa
import pyarrow.parquet as pq

SHARED = ("industry", "employees", "annual_revenue", "country")
LINKED = (*SHARED, "business_model", "technologies", "maturity", "target_tier", "lifecycle")
WORTH = {name: [m.worth(name, day) for day in range(numbers[3])] for name, numbers in m.SIGNALS.items()}
OF_KIND = {kind: name for name, (kinds, *_) in m.SIGNALS.items() for kind in kinds}
OF_PERSON = {
    "fit": m.FIT,
    "persona": ("persona", *(name for name in m.OF_PEOPLE if name != "opted_out")),
    "intent": m.POSITIVE,
    "negative": ("opted_out", "unsubscribed"),
}
OF_ACCOUNT = {
    "fit": m.FIT,
    "persona": ("persona", *m.OF_ANYBODY),
    "intent": (*m.POSITIVE, "buying_group"),
    "negative": ("unsubscribed",),
}
NO_ACCOUNT = dict.fromkeys(LINKED)


def score(accounts, people, events, now, rules):
    """Scores of people and of accounts. `rules` has two functions, `fit` and `of_person`: facts to points by rule."""
    by_account = {row["uid"]: row for row in accounts}
    home = {row["uid"]: row["account"] if row["account"] in by_account else None for row in people}
    worth, counts = counting(events, now, home)
    scores, staff = [], defaultdict(list)
    for row in people:
        uid, place = row["uid"], home[row["uid"]]
        theirs = by_account[place] if place is not None else NO_ACCOUNT
        facts = {**row, **{name: theirs[name] for name in LINKED}}
        for name in SHARED:
            if facts[name] is None:
                facts[name] = row[name]
        signals = {name: towards_zero(value, m.SIGNALS[name][4]) for name, value in worth[uid].items()}
        segment = segment_of(theirs if place is not None else row)
        points = {
            **rules.fit(facts),
            **rules.of_person(facts),
            "persona": persona(facts),
            **gated(signals, counts[uid]),
        }
        reasons = bits(
            facts["lifecycle"] == "competitor", row["email_class"] == "competitor", row["seniority"] == "student"
        )
        scores.append(
            scored(facts, points, OF_PERSON, segment, reasons=reasons, asked=m.ASKED_OF_PEOPLE, rules=m.PERSON_RULES)
        )
        if place is not None:
            staff[place].append((row, points, signals, uid))
    return scores, [of_account(row, staff[row["uid"]], worth, counts, rules) for row in accounts]


def counting(events, now, home):
    """Sums of counting events before caps, and their number, by holder and signal. Nobody's are under (account,)."""
    worth = defaultdict(lambda: defaultdict(int))
    counts = defaultdict(lambda: defaultdict(int))
    words = m.ASSETS["decision_content"]
    for event in events:
        name = OF_KIND.get(event["kind"])
        if name is None:
            continue
        day = max(now - event["at"], 0) // m.DAY
        table = WORTH[name]
        if day >= len(table):
            continue
        if name == "decision_content":
            asset = (event["asset"] or "").lower()
            if not any(word in asset for word in words):
                continue
        holder = event["person"]
        if holder not in home:
            holder = (event["account"],)
        worth[holder][name] += table[day]
        counts[holder][name] += 1
    return worth, counts


def of_account(row, staff, worth, counts, rules):
    """The score of an account, from the points of its people."""
    uid = row["uid"]
    points = dict(rules.fit(row))
    best = [persona["persona"] for _, persona, _, _ in staff]
    points["persona"] = max(best, default=0)
    for name in ("buying_function", "referred", "late_stage"):
        points[name] = max((theirs[name] for _, theirs, _, _ in staff), default=0)
    deciding = any(person["seniority"] in m.DECIDING for person, *_ in staff)
    points["decision_maker"] = m.OF_ANYBODY["decision_maker"] if deciding else 0
    kept, number, engaged = defaultdict(int), defaultdict(int), 0
    own = {name: towards_zero(value, m.SIGNALS[name][4]) for name, value in worth[uid,].items()}
    for holder, signals in [((uid,), own), *((person, signals) for _, _, signals, person in staff)]:
        for name, value in signals.items():
            kept[name] += value
            number[name] += counts[holder][name]
    for person, _, signals, _ in staff:
        if person["function"] in m.BUYING and any(signals.get(name, 0) > 0 for name in m.POSITIVE):
            engaged += 1
    capped = {name: towards_zero(value, m.SIGNALS[name][5]) for name, value in kept.items()}
    points |= gated(capped, number)
    points["buying_group"] = m.COMMITTEE if engaged >= m.COMMITTEE_PEOPLE else 0
    mail = any(person["email_class"] == "competitor" for person, *_ in staff)
    reasons = bits(row["lifecycle"] == "competitor", mail)
    return scored(row, points, OF_ACCOUNT, segment_of(row), reasons=reasons, asked=m.ASKED, rules=m.ACCOUNT_RULES)


def persona(facts):
    """Points of seniority and function."""
    table = m.PERSONA if facts["function"] in m.BUYING else m.ELSEWHERE
    return table.get(facts["seniority"], 0)


def towards_zero(value, cap):
    return min(value, cap) if cap > 0 else max(value, cap)


def gated(signals, counts):
    return {name: value if counts[name] >= m.MIN_COUNT.get(name, 1) else 0 for name, value in signals.items()}


def bits(*tests):
    return sum(1 << place for place, test in enumerate(tests) if test)


def segment_of(facts):
    """The number of the segment that the facts lead to."""
    staff = facts["employees"]
    if staff is not None and staff >= m.LARGE:
        return 1
    if staff is not None and staff < m.SMALL:
        return 2
    return 3 if facts["industry"] in m.FINANCE else 0


def scored(facts, points, parts, segment, *, reasons, asked, rules):
    """From points to the row of the file."""
    for name, others in m.SEGMENT_POINTS.items():
        if segment in others and points.get(name):
            points[name] = others[segment]
    limited = {}
    for part, names in parts.items():
        low, high = m.SEGMENT_LIMITS.get(part, {}).get(segment, m.LIMITS[part])
        limited[part] = min(max(sum(points.get(name, 0) for name in names), low), high) // m.POINT * m.POINT
    gain = sum(
        m.SEGMENT_GAIN.get(name, {}).get(segment, value) for name, value in m.GAIN.items() if facts[name] is None
    )
    if not points["ready_to_automate"] and (facts["maturity"] is None or not facts["technologies"]):
        gain += m.FIT["ready_to_automate"]
    low, high = m.LIMITS["fit"]
    best = min(max(sum(points.get(name, 0) for name in m.FIT) + gain, low), high) // m.POINT * m.POINT
    missing = [name for name in asked if not has(facts[name.split(".")[1]])]
    cells = {
        "uid": facts["uid"],
        "segment": m.SEGMENTS[segment],
        "score": min(max(sum(limited.values()), m.TOTAL[0]), m.TOTAL[1]),
        **limited,
        "fit_max": best,
        "completeness": (len(asked) - len(missing)) * 100 // len(asked),
        "missing_fields": ";".join(missing),
        "disqualified": reasons > 0,
        "disqualify_reasons": m.joined(m.REASONS, reasons),
    }
    cells["group"] = group(cells, facts["previous_group"], segment)
    for name in rules:
        cells[f"points.{name}"] = points.get(name, 0)
    return cells


def has(value):
    return value is not None and value != []


def group(cells, previous, segment):
    """The first group that fits, or the present one while it holds with hysteresis and none before does."""
    groups, hysteresis = m.placing(segment)
    if not cells["disqualified"]:
        for name, bands in groups[:-1]:
            if inside(cells, bands, hysteresis if name == previous else 0):
                return name
    return groups[-1][0]


def inside(cells, bands, give):
    for name, (low, high) in bands.items():
        unit = 1 if name == "completeness" else m.POINT
        if (low is not None and cells[name] < (low - give) * unit) or (high is not None and cells[name] >= high * unit):
            return False
    return True


def run(rules):
    """Read the world, score, tell the seconds, write."""
    world, out, now = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    tables = [pq.read_table(world / f"{name}.parquet").to_pylist() for name in ("accounts", "people", "events")]
    began = time.perf_counter()
    people, accounts = score(*tables, now, rules)
    print(json.dumps({"engine": time.perf_counter() - began}))
    for name, rows in (("people", people), ("accounts", accounts)):
        pq.write_table(pa.Table.from_pylist(rows), out / f"{name}.parquet", compression="zstd")
