"""Hypothesis strategies for models and the facts that they score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from leadline.core.scoring.model import Model

DAY = 86_400
NOW = 1_700_000_000
KINDS = ("pricing_page_view", "demo_request", "content_download", "webinar", "careers_page_view", "email_sent")
ASSETS = ("ROI Guide", "security whitepaper", "Case study: AP", "spec sheet", "Ökobilanz", "")
INDUSTRIES = ("manufacturing", "software", "retail")
TECHNOLOGIES = ("sap", "netsuite", "coupa")
SENIORITIES = ("c_suite", "vp", "manager", "student")
FUNCTIONS = ("finance", "procurement", "it", "sales")
EMAILS = ("corporate", "free", "competitor")
PARTS = ("fit", "persona", "intent", "negative")
GROUPS = ("priority", "qualified_review", "nurture", "investigate", "research")

points = st.one_of(st.integers(-40, 40), st.sampled_from([2.5, -0.125, 7.999, 33.333])).filter(bool)
positive = st.one_of(st.integers(1, 40), st.sampled_from([0.001, 2.5, 12.345]))


def leaf() -> st.SearchStrategy[dict[str, Any]]:
    """A test of one fact."""
    texts = {
        "account.industry": INDUSTRIES, "person.seniority": SENIORITIES, "person.function": FUNCTIONS,
        "person.email_class": EMAILS, "account.country": ("US", "GB", "NO"),
    }  # fmt: skip
    by_field = [
        st.fixed_dictionaries(
            {"field": st.just(name), "in": st.lists(st.sampled_from(words), min_size=1, max_size=2, unique=True)}
        )
        for name, words in texts.items()
    ]
    edges = st.sampled_from([(None, 10), (10, 200), (200, None), (100, 1000)])
    words = st.lists(st.sampled_from(TECHNOLOGIES), min_size=1, max_size=2, unique=True)
    every = (*texts, "account.employees", "account.technologies", "person.opted_out")
    return st.one_of(
        *by_field,
        edges.map(lambda pair: {"field": "account.employees", "range": list(pair)}),
        words.map(lambda found: {"field": "account.technologies", "contains_any": found}),
        words.map(lambda found: {"field": "account.technologies", "contains_all": found}),
        st.booleans().map(lambda yes: {"field": "person.opted_out", "equals": yes}),
        st.tuples(st.sampled_from(every), st.booleans()).map(lambda p: {"field": p[0], "known": p[1]}),
    )


conditions = st.recursive(
    leaf(),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda found: {"all": found}),
        st.lists(inner, min_size=1, max_size=3).map(lambda found: {"any": found}),
        inner.map(lambda found: {"not": found}),
    ),
    max_leaves=4,
)
applies_to = st.sampled_from([None, None, "account", "person", "both"])


@st.composite
def rules(draw: st.DrawFn, number: int) -> dict[str, Any]:
    """A rule on facts."""
    return {
        "id": f"rule_{number}", "name": f"Rule {number}", "part": draw(st.sampled_from(PARTS)),
        "when": draw(conditions), "points": draw(points), "applies_to": draw(applies_to),
    }  # fmt: skip


@st.composite
def signals(draw: st.DrawFn, number: int) -> dict[str, Any]:
    """A signal with some decay, caps and gates."""
    sign = draw(st.sampled_from([1, 1, 1, -1]))
    found: dict[str, Any] = {
        "id": f"signal_{number}", "name": f"Signal {number}", "part": draw(st.sampled_from(["intent", "negative"])),
        "kinds": draw(st.lists(st.sampled_from(KINDS[:5]), min_size=1, max_size=3, unique=True)),
        "points": sign * draw(positive), "window_days": draw(st.sampled_from([1, 3, 10, 40, 365])),
        "min_count": draw(st.sampled_from([1, 1, 2, 3])), "pick": draw(st.sampled_from(["all", "strongest"])),
        "alone": sign < 0 and draw(st.booleans()),
    }  # fmt: skip
    if draw(st.booleans()):
        found["assets"] = draw(
            st.lists(st.sampled_from(["guide", "case STUDY", "sheet", "öko"]), min_size=1, max_size=2)
        )
    decay = draw(st.sampled_from(["none", "half", "steps"]))
    if decay == "half":
        found["half_life_days"] = draw(st.sampled_from([1, 5, 14, 90]))
    elif decay == "steps":
        days = sorted(draw(st.sets(st.integers(1, 30), min_size=1, max_size=3)))
        found["steps"] = [[day, sign * draw(st.integers(0, 30))] for day in days]
    for cap in ("cap", "account_cap"):
        if draw(st.booleans()):
            found[cap] = sign * draw(positive)
    return found


limits = st.tuples(st.one_of(st.none(), st.integers(-50, 0)), st.one_of(st.none(), st.integers(5, 60))).map(
    lambda pair: {"min": pair[0], "max": pair[1]}
)
bands = st.one_of(
    st.integers(-10, 50).map(lambda low: [low, None]),
    st.integers(-10, 50).map(lambda high: [None, high]),
    st.tuples(st.integers(-10, 30), st.integers(1, 30)).map(lambda pair: [pair[0], pair[0] + pair[1]]),
)


@st.composite
def models(draw: st.DrawFn) -> Model:
    """A whole model."""
    dimensions = st.sampled_from(["score", *PARTS, "fit_max", "completeness"])
    groups = [
        {"group": name, "when": draw(st.dictionaries(dimensions, bands, min_size=1, max_size=3))}
        for name in draw(st.lists(st.sampled_from(GROUPS), min_size=0, max_size=4))
    ]
    content: dict[str, Any] = {
        "name": "random",
        "parts": draw(st.dictionaries(st.sampled_from(PARTS), limits, max_size=4)),
        "total": draw(limits),
        "rules": [draw(rules(number)) for number in range(draw(st.integers(0, 5)))],
        "signals": [draw(signals(number)) for number in range(draw(st.integers(0, 4)))],
        "groups": [*groups, {"group": "poor_fit"}],
        "hysteresis": draw(st.integers(0, 6)),
        "disqualify": [
            {
                "id": f"out_{number}", "reason": f"Reason {number}", "when": draw(conditions),
                "applies_to": draw(applies_to),
            }
            for number in range(draw(st.sampled_from([0, 0, 1, 2])))
        ],
        "committee": [
            {
                "id": f"committee_{number}", "name": "Committee", "people": draw(st.integers(1, 3)),
                "points": draw(points),
                "functions": draw(st.one_of(st.none(), st.just(["it", "finance"]))),
            }
            for number in range(draw(st.integers(0, 2)))
        ],
    }  # fmt: skip
    if draw(st.booleans()):
        content["persona"] = {"functions": ["finance", "procurement"], "elsewhere": {"c_suite": 10, "student": -5}}
    if draw(st.booleans()):
        content["idle"] = {"after_days": draw(st.sampled_from([2, 20, 60])), "points": draw(points)}
    return Model.model_validate(content)


@dataclass(frozen=True)
class Records:
    """Rows of facts."""

    accounts: list[dict[str, Any]]
    people: list[dict[str, Any]]
    events: list[dict[str, Any]]


def maybe(values: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    """One of the values, or missing."""
    return st.one_of(st.none(), st.sampled_from(values))


company = {
    "industry": maybe(INDUSTRIES), "employees": maybe((5, 9, 10, 150, 200, 5000)), "country": maybe(("US", "NO", "FR")),
}  # fmt: skip
previous_group = st.one_of(st.none(), st.sampled_from([*GROUPS, "poor_fit"]))


@st.composite
def records(draw: st.DrawFn) -> Records:
    """Up to three accounts, five people, a dozen events; some links lead nowhere."""
    accounts = [
        {
            "uid": f"a{number}",
            **draw(st.fixed_dictionaries(company)),
            "technologies": draw(
                st.one_of(st.none(), st.lists(st.sampled_from(TECHNOLOGIES), unique=True, max_size=3))
            ),
            "previous_group": draw(previous_group),
        }
        for number in range(draw(st.integers(0, 3)))
    ]
    person = {
        **company, "account": maybe(("a0", "a1", "a2", "gone")), "seniority": maybe(SENIORITIES),
        "function": maybe(FUNCTIONS), "email_class": maybe(EMAILS), "opted_out": maybe((True, False)),
        "previous_group": previous_group,
    }  # fmt: skip
    people = [{"uid": f"p{number}", **draw(st.fixed_dictionaries(person))} for number in range(draw(st.integers(0, 5)))]
    days = st.one_of(st.integers(-1, 4), st.integers(0, 70), st.sampled_from([364, 365, 400]))
    event = {
        "person": maybe(("p0", "p1", "p2", "p3", "p4", "nobody")), "account": maybe(("a0", "a1", "gone")),
        "kind": st.sampled_from(KINDS), "asset": st.one_of(st.none(), st.sampled_from(ASSETS)),
        "at": st.builds(lambda d, s: NOW - d * DAY + s, days, st.sampled_from([0, 1, -1, 4000, -40_000])),
    }  # fmt: skip
    events = draw(st.lists(st.fixed_dictionaries(event), max_size=12))
    return Records(accounts, people, events)
