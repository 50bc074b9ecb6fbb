"""The model in pandas, vectorised: merges, one grouping by person, boolean masks; no apply.

    python pandas_frames.py WORLD OUT NOW [arrow|tuned]

Columns have the types that pandas gives them by itself, or with `arrow` and `tuned` those of Arrow. With `tuned` the
activities go through NumPy and PyArrow rather than through pandas: tables instead of merges, and what cannot count is
left out by the reader.
"""

import sys
from pathlib import Path

import figures as m
import numpy as np
import pandas as pd

SHARED = ["industry", "employees", "annual_revenue", "country"]
WRITTEN = {"compression": "zstd", "compression_level": 1, "write_statistics": False, "index": False}
OWN = ["business_model", "ready_to_automate", "target_account", "former_customer"]
SUMS = [*(f"sum.{name}" for name in m.SIGNALS), *(f"count.{name}" for name in m.MIN_COUNT)]


def points(test, value):
    """The points where the test is true; 0 where it is false or open."""
    return np.where(test.fillna(False).astype(bool), np.asarray(value, dtype=np.int32), np.int32(0))


def by_segment(segment, value, others):
    """The value, in some segments another."""
    table = np.full(len(m.SEGMENTS), value, dtype=np.int32)
    for place, other in (others or {}).items():
        table[place] = other
    return table[segment]


def segment_of(frame):
    """The number of the segment that the facts lead to."""
    staff = frame["employees"]
    tests = [staff >= m.LARGE, staff < m.SMALL, frame["industry"].isin(m.FINANCE)]
    return np.select([test.fillna(False).to_numpy(dtype=bool) for test in tests], [1, 2, 3], default=0)


def bits(tests, first=0):
    return sum(test.astype(np.int32) * (1 << first + place) for place, test in enumerate(tests))


def read(world, name, columns, types, **more):
    return pd.read_parquet(world / f"{name}.parquet", columns=columns, **types, **more)


COUNTED = ["person", "account", "kind", "asset", "at"]


def by_merging(world, now, types):
    """Events that count, with signal and points: tables of kinds and of days, as one joins them in SQL."""
    signals = enumerate(m.SIGNALS.items())
    rows = [(kind, place, numbers[3]) for place, (_, numbers) in signals for kind in numbers[0]]
    kinds = pd.DataFrame(rows, columns=["kind", "signal", "window"])
    days = [(at, day, m.worth(name, day)) for at, name in enumerate(m.SIGNALS) for day in range(m.SIGNALS[name][3])]
    worth = pd.DataFrame(days, columns=["signal", "day", "value"]).astype({"value": np.int32})
    events = read(world, "events", COUNTED, types)
    events = events.merge(kinds.astype({"kind": events["kind"].dtype}), on="kind")
    events["day"] = (now - events["at"]).clip(lower=0) // m.DAY
    events = events[events["day"] < events["window"]]
    events = events[(events["kind"] != "content_download") | asked_for(events["asset"])]
    return events.astype({"day": np.int64}).merge(worth, on=["signal", "day"])


def by_tables(world, now, types):
    """The same with tables of NumPy instead of merges; PyArrow leaves out what cannot count while it reads."""
    kinds = {kind: place for place, (kinds, *_) in enumerate(m.SIGNALS.values()) for kind in kinds}
    windows = np.array([numbers[3] for numbers in m.SIGNALS.values()])
    longest = int(windows.max())
    worth = np.zeros((len(m.SIGNALS), longest), dtype=np.int32)
    for place, name in enumerate(m.SIGNALS):
        worth[place, : windows[place]] = [m.worth(name, day) for day in range(windows[place])]
    filters = [("at", ">", now - longest * m.DAY), ("kind", "in", list(kinds))]
    events = read(world, "events", COUNTED, types, filters=filters)
    signal = events["kind"].map(kinds).to_numpy(dtype=np.int64)
    day = np.maximum(now - events["at"].to_numpy(dtype=np.int64), 0) // m.DAY
    inside = day < windows[signal]
    download = signal == list(m.SIGNALS).index("decision_content")
    inside[download] &= asked_for(events["asset"][download])
    events, signal = events.loc[inside, ["person", "account"]], signal[inside]
    return events.assign(signal=signal, value=worth[signal, day[inside]])


def asked_for(assets):
    """Whether an asset is one that decides."""
    named = assets.str.contains("|".join(m.ASSETS["decision_content"]), case=False, regex=True)
    return named.fillna(False).to_numpy(dtype=bool)


def counting(found):
    """A column of points for each signal, beside person and account."""
    signal, value = found["signal"].to_numpy(), found["value"].to_numpy()
    events = found[["person", "account"]].copy()
    for place, name in enumerate(m.SIGNALS):
        events[f"sum.{name}"] = np.where(signal == place, value, 0)
    for name in m.MIN_COUNT:
        events[f"count.{name}"] = (signal == list(m.SIGNALS).index(name)).astype(np.int32)
    return events


def towards_zero(values, cap):
    return np.minimum(values, cap) if cap > 0 else np.maximum(values, cap)


def accounts_of(world, types):
    """Accounts with the points, the openness and the missing facts that they do not share with people."""
    columns = [
        "uid", *SHARED, "business_model", "technologies", "maturity", "target_tier", "lifecycle", "previous_group",
    ]  # fmt: skip
    frame = read(world, "accounts", columns, types)
    technologies = frame["technologies"]
    if types:
        technologies = technologies.array._pa_array.to_pylist()
    system = np.array([words is not None and any(word in words for word in m.SYSTEMS) for words in technologies])
    no_systems = np.array([words is None or len(words) == 0 for words in technologies])
    immature = frame["maturity"].isna()
    ready = frame["maturity"].isin(["medium", "high"]) | system
    still_open = ~ready & (immature | no_systems)
    frame["points.business_model"] = points(frame["business_model"] == "b2b", m.FIT["business_model"])
    frame["points.ready_to_automate"] = points(ready, m.FIT["ready_to_automate"])
    frame["points.target_account"] = points(frame["target_tier"].notna(), m.FIT["target_account"])
    frame["points.former_customer"] = points(frame["lifecycle"] == "former_customer", m.FIT["former_customer"])
    no_model = frame["business_model"].isna()
    frame["gain"] = points(no_model, m.GAIN["business_model"]) + points(still_open, m.FIT["ready_to_automate"])
    frame["gain"] += points(frame["target_tier"].isna(), m.GAIN["target_tier"])
    frame["segment"] = segment_of(frame)
    missing = [no_model, immature, pd.Series(no_systems), frame["lifecycle"].isna()]
    frame["missing"] = bits(missing, len(SHARED))
    frame["competitor"] = (frame["lifecycle"] == "competitor").fillna(False).astype(bool)
    return frame.drop(columns=["business_model", "technologies", "maturity", "target_tier", "lifecycle"])


def with_fit(frame):
    """All fit rules, what missing facts could add, and which are missing."""
    industry, staff, revenue = frame["industry"], frame["employees"], frame["annual_revenue"]
    tests = {
        "core_industry": industry.isin(m.CORE),
        "near_industry": industry.isin(m.NEAR),
        "core_size": (staff >= 200) & (staff < 2000),
        "small_size": (staff >= 50) & (staff < 200),
        "large_size": staff >= 2000,
        "tiny_size": staff < 10,
        "revenue": (revenue >= 10_000_000) & (revenue < 1_000_000_000),
        "served_country": frame["country"].isin(m.COUNTRIES),
    }
    segment = frame["segment"].to_numpy()
    for name, test in tests.items():
        frame[f"points.{name}"] = points(test, by_segment(segment, m.FIT[name], m.SEGMENT_POINTS.get(name)))
    missing = [frame[name].isna() for name in SHARED]
    for name, test in zip(SHARED, missing, strict=True):
        frame["gain"] = frame["gain"] + points(test, by_segment(segment, m.GAIN[name], m.SEGMENT_GAIN.get(name)))
    frame["missing"] = frame["missing"] + bits(missing)
    return frame


def people_of(world, accounts, sums, types):
    """People with their account's facts, their own points, and their sums of signals."""
    columns = [
        "uid", "account", *SHARED, "seniority", "function", "lead_source", "buying_stage", "email_class", "urgency",
        "budget", "opted_out", "previous_group",
    ]  # fmt: skip
    frame = read(world, "people", columns, types)
    own = segment_of(frame)
    theirs = accounts.drop(columns="previous_group").rename(columns={"uid": "home"})
    frame = frame.merge(theirs, left_on="account", right_on="home", how="left", suffixes=("", "_of"))
    frame["segment"] = np.where(frame["home"].notna(), frame["segment"].fillna(0), own).astype(np.int64)
    for name in SHARED:
        frame[name] = frame[f"{name}_of"].fillna(frame[name])
    unlinked = m.FIT["ready_to_automate"] + m.GAIN["business_model"] + m.GAIN["target_tier"]
    fill = {"gain": unlinked, "missing": 0b1111 << len(SHARED), **{f"points.{name}": 0 for name in OWN}}
    frame = frame.fillna(fill).astype(dict.fromkeys(fill, np.int32))
    frame["competitor"] = frame["competitor"].fillna(False).astype(bool)
    function, seniority = frame["function"], frame["seniority"]
    tests = {
        "buying_function": function.isin(["finance", "procurement"]),
        "referred": frame["lead_source"].isin(["referral", "partner"]),
        "late_stage": frame["buying_stage"].isin(["evaluation", "decision"]),
        "work_mail": frame["email_class"] == "corporate",
        "urgent": frame["urgency"] == "high",
        "budget_stated": frame["budget"].notna(),
        "opted_out": frame["opted_out"],
    }
    for name, test in tests.items():
        frame[f"points.{name}"] = points(test, m.OF_PEOPLE[name])
    frame["buys"] = function.isin(m.BUYING).fillna(False).astype(bool)
    by = [seniority.map(table).fillna(0).to_numpy(dtype=np.int32) for table in (m.PERSONA, m.ELSEWHERE)]
    frame["points.persona"] = np.where(frame["buys"], *by)
    frame["decides"] = seniority.isin(m.DECIDING)
    frame["missing"] += bits([seniority.isna(), function.isna()], len(m.ASKED))
    frame["student"] = (seniority == "student").fillna(False).astype(bool)
    frame["competitor_mail"] = (frame["email_class"] == "competitor").fillna(False).astype(bool)
    frame = frame.merge(sums, left_on="uid", right_index=True, how="left")
    frame = frame.fillna(dict.fromkeys(SUMS, 0)).astype(dict.fromkeys(SUMS, np.int32))
    for name, numbers in m.SIGNALS.items():
        frame[f"kept.{name}"] = towards_zero(frame[f"sum.{name}"], numbers[4])
    return with_fit(frame)


def people_file(frame):
    for name in m.SIGNALS:
        frame[f"points.{name}"] = gated(frame, name, frame[f"kept.{name}"])
    frame["reasons"] = bits([frame["competitor"], frame["competitor_mail"], frame["student"]])
    persona = ["persona", *(name for name in m.OF_PEOPLE if name != "opted_out")]
    parts = {"fit": m.FIT, "persona": persona, "intent": m.POSITIVE, "negative": ["opted_out", "unsubscribed"]}
    return scored(frame, parts, m.ASKED_OF_PEOPLE, m.PERSON_RULES)


def accounts_file(accounts, people, nobody):
    """The accounts' scores: their own facts, the best of their people, everybody's signals."""
    at_work = np.logical_or.reduce([people[f"sum.{name}"] > 0 for name in m.POSITIVE])
    people["engaged"] = (people["buys"] & at_work).astype(np.int32)
    best = ["points.persona", *(f"points.{name}" for name in m.OF_ANYBODY if name != "decision_maker")]
    summed = [*(f"kept.{name}" for name in m.SIGNALS), *(f"count.{name}" for name in m.MIN_COUNT)]
    how = {
        **dict.fromkeys([*best, "decides", "competitor_mail"], "max"),
        **dict.fromkeys([*summed, "engaged"], "sum"),
    }
    people[["decides", "competitor_mail"]] = people[["decides", "competitor_mail"]].astype(np.int32)
    staff = people[people["home"].notna()].groupby("home", sort=False)[list(how)].agg(how)
    own = pd.DataFrame(
        {f"kept.{name}": towards_zero(nobody[f"sum.{name}"], numbers[4]) for name, numbers in m.SIGNALS.items()}
        | {f"count.{name}": nobody[f"count.{name}"] for name in m.MIN_COUNT}
    )
    frame = with_fit(accounts).merge(staff, left_on="uid", right_index=True, how="left")
    frame = frame.merge(own, left_on="uid", right_index=True, how="left", suffixes=("", "_own"))
    filled = [*how, *(f"{name}_own" for name in summed)]
    frame = frame.fillna(dict.fromkeys(filled, 0)).astype(dict.fromkeys(filled, np.int32))
    for name in summed:
        frame[name] += frame[f"{name}_own"]
    for name, numbers in m.SIGNALS.items():
        frame[f"points.{name}"] = gated(frame, name, towards_zero(frame[f"kept.{name}"], numbers[5]))
    frame["points.decision_maker"] = points(frame["decides"] > 0, m.OF_ANYBODY["decision_maker"])
    worth = by_segment(frame["segment"].to_numpy(), m.COMMITTEE, m.SEGMENT_POINTS["buying_group"])
    frame["points.buying_group"] = points(frame["engaged"] >= m.COMMITTEE_PEOPLE, worth)
    frame["reasons"] = bits([frame["competitor"], frame["competitor_mail"] > 0])
    intent, negative = [*m.POSITIVE, "buying_group"], ["unsubscribed"]
    parts = {"fit": m.FIT, "persona": ["persona", *m.OF_ANYBODY], "intent": intent, "negative": negative}
    return scored(frame, parts, m.ASKED, m.ACCOUNT_RULES)


def gated(frame, name, values):
    if name in m.MIN_COUNT:
        return np.where(frame[f"count.{name}"] >= m.MIN_COUNT[name], values, 0).astype(np.int32)
    return values


def scored(frame, parts, asked, rules):
    """From the points of rules to the score and the group."""

    def limited(value, part):
        low, high = m.LIMITS[part]
        others = {place: limits[1] for place, limits in m.SEGMENT_LIMITS.get(part, {}).items()}
        most = by_segment(frame["segment"].to_numpy(), high, others) if others else high
        return value.clip(low, most) // m.POINT * m.POINT

    totals = {part: frame[[f"points.{name}" for name in names]].sum(axis=1) for part, names in parts.items()}
    for part, total in totals.items():
        frame[part] = limited(total, part)
    frame["fit_max"] = limited(totals["fit"] + frame["gain"], "fit")
    frame["score"] = frame[list(parts)].sum(axis=1).clip(*m.TOTAL)
    every = range(1 << len(asked))
    missing, reasons = frame["missing"].to_numpy(), frame["reasons"].to_numpy()
    percent = np.array([(len(asked) - each.bit_count()) * 100 // len(asked) for each in every], dtype=np.int32)
    frame["completeness"] = percent[missing]
    frame["missing_fields"] = pd.Categorical.from_codes(missing, [m.joined(asked, each) for each in every])
    texts = [m.joined(m.REASONS, each) for each in range(1 << len(m.REASONS))]
    frame["disqualify_reasons"] = pd.Categorical.from_codes(reasons, texts)
    frame["disqualified"] = reasons > 0
    frame["group"] = group(frame)
    frame["segment"] = pd.Categorical.from_codes(frame["segment"] - 1, m.SEGMENTS[1:])
    return frame[[*m.SCORES, *(f"points.{name}" for name in rules)]]


def inside(frame, bands, give):
    test = np.ones(len(frame), dtype=bool)
    for name, (low, high) in bands.items():
        unit = 1 if name == "completeness" else m.POINT
        if low is not None:
            test &= (frame[name] >= (low - give) * unit).to_numpy(dtype=bool)
        if high is not None:
            test &= (frame[name] < high * unit).to_numpy(dtype=bool)
    return test


def group(frame):
    """The last for the disqualified, else what the segment's bands say."""
    names, segment = [name for name, _ in m.GROUPS], frame["segment"].to_numpy()
    place = np.zeros(len(frame), dtype=np.int64)
    for number in range(len(m.SEGMENTS)):
        rows = segment == number
        place[rows] = placed(frame[rows], *m.placing(number))
    place[frame["disqualified"].to_numpy()] = len(names) - 1
    return pd.Categorical.from_codes(place, names)


def placed(frame, groups, hysteresis):
    """The place of the first group that fits, or of the present one while it holds with hysteresis before it."""
    tests = [
        inside(frame, bands, 0)
        | ((frame["previous_group"] == name).fillna(False).to_numpy(dtype=bool) & inside(frame, bands, hysteresis))
        for name, bands in groups[:-1]
    ]
    return np.select(tests, list(range(len(tests))), default=len(tests))


def main(world, out, now, how):
    types = {"dtype_backend": "pyarrow"} if how else {}
    events = counting((by_tables if how == "tuned" else by_merging)(world, now, types))
    accounts = accounts_of(world, types)
    sums = events.groupby("person", sort=False)[SUMS].sum()
    people = people_of(world, accounts, sums, types)
    strays = events[events["account"].notna()]
    strays = strays[~strays["person"].isin(people["uid"])]
    nobody = strays.groupby("account", sort=False)[SUMS].sum()
    del events
    people_file(people).to_parquet(out / "people.parquet", **WRITTEN)
    accounts_file(accounts, people, nobody).to_parquet(out / "accounts.parquet", **WRITTEN)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), "".join(sys.argv[4:]))
