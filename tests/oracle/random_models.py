"""Hypothesis strategies for models, with every feature of the language or with those that are named."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

from hypothesis import note
from hypothesis import strategies as st
from tests.oracle.random_words import (
    ACCOUNT_EXTRAS,
    ACCOUNT_LEAVES,
    ASSET_WORDS,
    GROUPS,
    KINDS,
    PARTS,
    PERSON_EXTRAS,
    PERSON_LEAVES,
    Leaf,
)

from leadline.core.scoring.model import Model

# What a test can leave out of random models.
FEATURES = (
    "matches", "days_since", "fired", "pick", "min_people", "caps", "weights", "readiness", "flags", "needs", "matrix",
    "stay", "segments", "interval", "qualification",
)  # fmt: skip
ALL = frozenset(FEATURES)
Content = dict[str, Any]

POINTS = (1, -1, 2, 5, -5, 7, 10, -10, 15, 20, -20, 30, 40, -40, 2.5, -0.125, 7.999, 33.333, 0)
POSITIVE = (1, 2, 5, 8, 12, 15, 20, 40, 0.001, 2.5, 12.345)
SHAPES: tuple[Any, ...] = (
    "x", "x", "x", ("not", "x"), ("all", "x", "x"), ("any", "x", "x"), ("all", "x", ("not", "x")),
    ("not", ("all", "x", "x")), ("any", ("all", "x", "x"), "x"), ("all", ("any", "x", "x"), "x", "x"),
    ("not", ("any", "x", ("not", "x"))), ("any", "x", "x", "x"),
)  # fmt: skip
LIMITS = (
    (None, None), (None, 5), (None, 20), (None, 40), (0, None), (-5, None), (-50, 60), (0, 10), (-3, 7), (3, None),
    (2, 30), (None, 3), (-10, 4),
)  # fmt: skip
CAPS = ((None, 5), (None, -3), (0, None), (4, None), (-10, 10), (2, 2), (None, 0), (-5, -1), (None, 20))
BANDS = (
    *((low, None) for low in (-5, 0, 1, 5, 10, 20, 30, 50)),
    (None, 0), (None, 10), (None, 30), (0, 10), (-10, 5), (5, 25), (10, 100),
)  # fmt: skip
FINE = tuple((low, None) for low in (1, 3, 5, 8, 10, 15, 20, 25, 30, 40, -5, -10))
WEIGHTS = (0, 1, 33, 50, 99, 100, 150, 1000)
EDGES = (-10, 0, 1, 5, 10, 20, 40)


@cache
def index(count: int) -> st.SearchStrategy[int]:
    """A position in a list of so many."""
    return st.integers(0, count - 1)


class _Maker:
    """The parts of one random model, in the order in which they name one another."""

    def __init__(self, draw: st.DrawFn, features: frozenset[str]) -> None:
        self.draw, self.features = draw, features
        # A third of the models is about little else than behaviour, so that many records change as time goes by.
        self.lively = self.some(False, False, True)
        segmented = self.maybe("segments", False, not self.lively)
        self.segments = [f"segment_{n}" for n in range(self.some(1, 2, 2, 3))] if segmented else []
        account, person = list(ACCOUNT_LEAVES), list(PERSON_LEAVES)
        for feature in ("matches", "days_since"):
            if feature in features:
                account += ACCOUNT_EXTRAS[feature]
                person += PERSON_EXTRAS[feature]
        self.pools = {"account": account, "person": person, "mixed": account + person}
        self.simple: list[str] = []  # ids that `fired` of rules may name
        self.part: dict[str, str] = {}  # of everything that gives points
        self.signs: dict[str, int] = {}  # of signals without steps
        self.allowed: dict[str, list[str] | None] = {}  # the segments in which an id counts

    def some(self, *options: Any) -> Any:
        """One of these."""
        return options[self.draw(index(len(options)))]

    def several(self, options: Sequence[Any], low: int, high: int) -> list[Any]:
        """Some of these, each once."""
        left = list(dict.fromkeys(options))
        count = min(self.some(*range(low, high + 1)), len(left))
        return [left.pop(self.draw(index(len(left)))) for _ in range(count)]

    def maybe(self, feature: str, *odds: bool) -> bool:
        """Whether a feature is used here, if it may be."""
        return feature in self.features and self.some(*(odds or (False, True)))

    def many(self, make: Callable[[int], Content], *counts: int) -> list[Content]:
        """So many of something."""
        return [make(number) for number in range(self.some(*counts))]

    # Conditions

    def condition(self, pool: Sequence[Leaf], fired: Sequence[str] = ()) -> Content:
        """A condition of tests of the pool, and on what fired."""
        if self.some(False, False, True):  # of one fact alone
            field = self.some(*pool)["field"]
            pool = [leaf for leaf in pool if leaf["field"] == field]
        return self._filled(self.some(*SHAPES), pool, fired)

    def _filled(self, shape: Any, pool: Sequence[Leaf], fired: Sequence[str]) -> Content:
        if shape == "x":
            if fired and self.some(False, True):
                return {"fired": self.some(*fired)}
            return dict(self.some(*pool))
        join, *inner = shape
        found = [self._filled(each, pool, fired) for each in inner]
        return {join: found[0] if join == "not" else found}

    def conditional(self, fired: Sequence[str] = ()) -> Content:
        """`when` and `applies_to` that go together."""
        pool = self.some("account", "person", "mixed")
        applies_to = self.some(None, None, "account", "person", "both")
        when = self.condition(self.pools[pool], fired)
        if "fired" in repr(when) and "'person." in repr(when):
            applies_to = self.some(None, "person")
        return {"when": when, "applies_to": applies_to}

    def of_segments(self, name: str) -> Content:
        """The segments in which an entry counts."""
        chosen = self.several(self.segments, 1, 2) if self.segments and self.some(False, False, True) else None
        self.allowed[name] = chosen
        return {"segments": chosen} if chosen else {}

    def tags(self) -> Content:
        """Parts of BANT and MEDDIC."""
        if "qualification" not in self.features:
            return {}
        tag = self.some(None, None, "bant.need", "bant.timing", "meddic.champion")
        return {"qualification": [tag]} if tag else {}

    # What gives points

    def rule(self, number: int, fired: Sequence[str] = ()) -> Content:
        """A rule on facts, and on what fired."""
        parts = [part for part in PARTS if part != "readiness" or "readiness" in self.features]
        name, part = f"{'asking' if fired else 'rule'}_{number}", self.some("fit", "fit", *parts)
        self.part[name] = part
        if not fired:
            self.simple.append(name)
        found = {"id": name, "name": name, "part": part, "points": self.some(*POINTS)}
        return {**found, **self.conditional(fired), **self.of_segments(name), **self.tags()}

    def behaviour_part(self) -> str:
        """A part to which behaviour gives."""
        return str(self.some("intent", "intent", "negative", *(["readiness"] if "readiness" in self.features else [])))

    def signal(self, number: int) -> Content:
        """A signal with some decay, caps and gates."""
        sign, name, part = self.some(1, 1, -1), f"signal_{number}", self.behaviour_part()
        self.part[name] = part
        self.simple.append(name)
        found: Content = {
            "id": name, "name": name, "part": part, "kinds": self.several(KINDS[: self.some(2, 2, 3, 5)], 1, 3),
            "points": sign * self.some(*POSITIVE), "window_days": self.some(10, 40, 365, 1, 3),
            "min_count": self.some(1, 1, 1, 2, 3), "alone": sign < 0 and self.some(True, False),
            **self.of_segments(name), **self.tags(),
        }  # fmt: skip
        if "pick" in self.features:
            found["pick"] = self.some("all", "first", "last", "strongest")
        if "min_people" in self.features:
            found["min_people"] = self.some(1, 1, 1, 2, 3)
        if self.some(False, False, False, True):
            found["assets"] = self.several(ASSET_WORDS, 1, 2)
        decay = self.some("none", "half", "steps")
        if decay == "half":
            found["half_life_days"] = self.some(1, 5, 14, 90)
        elif decay == "steps":
            found["steps"] = [[day, sign * self.some(0, 1, 3, 25)] for day in self.some([1], [3, 10], [2, 5, 30])]
        if decay != "steps":
            self.signs[name] = sign
        for cap in ("cap", "account_cap"):
            if self.some(False, True):
                found[cap] = sign * self.some(*POSITIVE)
        return found

    def committee(self, number: int) -> Content:
        """Enough engaged people."""
        name, part = f"committee_{number}", self.behaviour_part()
        self.part[name] = part
        self.simple.append(name)
        functions = self.some(None, ["it", "finance"], ["sales", "it", "procurement"])
        found = {"id": name, "name": name, "part": part, "people": self.some(1, 1, 2, 3), "functions": functions}
        return {**found, "points": self.some(*POINTS), **self.of_segments(name), **self.tags()}

    def persona(self) -> Content:
        """Points by seniority."""
        own = self.some({}, {"functions": ["finance", "procurement"]}, {"functions": ["it"], "points": {"vp": 12}})
        return {**own, "elsewhere": self.some({"c_suite": 10, "student": -5}, {"vp": 12}, {}), **self.tags()}

    def caps(self) -> list[Content]:
        """Limits of what several entries give together."""
        free, found = dict(self.part), []
        for number in range(self.some(0, 1, 2, 3)):
            if not free:
                break
            part = self.some(*dict.fromkeys(free.values()))
            of = self.several([name for name, given in free.items() if given == part], 1, 3)
            free = {name: given for name, given in free.items() if name not in of}
            low, high = self.some(*CAPS)
            name = f"cap_{number}"
            cap = {"id": name, "name": name, "of": of, "min": low, "max": high}
            found.append({**cap, **self.of_segments(name)})
        return found

    # Where records land

    def dimensions(self) -> list[str]:
        """What groups may look at."""
        found = ["score", "intent", "score", "negative"]
        if self.lively:
            return found
        found += ["fit", "persona", "fit_max", "completeness"]
        found += ["readiness"] if "readiness" in self.features else []
        return found + (["score_min", "score_max"] if "interval" in self.features else [])

    def groups(self, needed: Sequence[str]) -> Content:
        """A list of groups, or a matrix."""
        if self.maybe("matrix", False, False, True):
            return {"matrix": self.matrix()}
        entries = []
        for name in self.several([*GROUPS[:5], "nurture "], 1, 5):
            needs = self.several(needed, 1, 2) if needed and self.maybe("needs", False, False, True) else []
            least = 0 if needs else 1
            bands = FINE if self.lively else BANDS
            when = {dimension: self.some(*bands) for dimension in self.several(self.dimensions(), least, 2)}
            entries.append({"group": name.strip(), "when": when, "needs": needs})
        return {"groups": [*entries, {"group": self.some("poor_fit", "poor_fit", "poor_fit", *GROUPS)}]}

    def matrix(self) -> Content:
        """A matrix of two or three bands each way."""
        rows, columns = self.several(self.dimensions(), 2, 2)
        names = GROUPS[:5]
        axes = [self.axis(rows), self.axis(columns)]
        cells = {row: {column: self.some(*names) for column in axes[1]["bands"]} for row in axes[0]["bands"]}
        return {"rows": axes[0], "columns": axes[1], "cells": cells}

    def axis(self, dimension: str) -> Content:
        """Bands that touch, in either order."""
        edges = [None, *sorted(self.several(EDGES, 1, 2)), None]
        bands = [[low, high] for low, high in pairwise(edges)]
        if self.some(False, True):
            bands.reverse()
        return {"dimension": dimension, "bands": {f"band {number}": band for number, band in enumerate(bands)}}

    def limits(self) -> Content:
        """Of the total, or of a part."""
        low, high = self.some((None, None), (0, 100)) if self.lively else self.some(*LIMITS)
        return {key: value for key, value in (("min", low), ("max", high)) if value is not None}

    def parts(self) -> Content:
        """Limits and weights of parts."""
        if self.lively and self.some(True, False):
            return {}
        parts = [part for part in PARTS if part != "readiness" or "readiness" in self.features]
        found = {part: self.limits() for part in self.several(parts, 0, 3)}
        for part in self.several(parts, 0, 2) if "weights" in self.features else ():
            found.setdefault(part, {})["weight"] = self.some(*WEIGHTS)
        return found

    # Segments

    def segment(self, name: str, idle: bool, needed: Sequence[str]) -> Content:
        """What differs for some accounts."""
        found: Content = {"id": name, "name": name, "when": self.condition(ACCOUNT_LEAVES), "parts": self.parts()}
        if self.some(False, True):
            found["points"] = self.overrides(name, idle)
        if self.some(False, False, True):
            found["total"] = self.limits()
        if self.some(False, False, True):
            found["persona"] = self.persona()
        if self.some(False, True):
            found |= self.groups(needed)
        if self.some(False, True):
            found["hysteresis"] = self.some(0, 2, 20)
        if self.maybe("stay"):
            found["minimum_stay_days"] = self.some(0, 2, 30)
        return found

    def overrides(self, segment: str, idle: bool) -> Content:
        """Points in place of the model's."""
        able = [n for n, of in self.allowed.items() if n in self.part and (of is None or segment in of)]
        able = [n for n in able if not n.startswith("signal") or n in self.signs]
        chosen = self.several([*able, *(["idle"] if idle else [])], 0, 3) if able or idle else []
        return {n: self.signs[n] * self.some(*POSITIVE) if n in self.signs else self.some(*POINTS) for n in chosen}

    def content(self) -> Content:
        """The whole file."""
        rules = self.many(self.rule, 0, 2, 3, 4, 5)
        found: Content = {
            "name": "random", "signals": self.many(self.signal, *((3, 4, 5) if self.lively else (0, 1, 2, 3))),
            "committee": self.many(self.committee, 0, 0, 1, 2), "parts": self.parts(), "total": self.limits(),
            "hysteresis": self.some(3, 0, 1, 6, 20),
        }  # fmt: skip
        if self.some(False, True):
            found["idle"] = {"after_days": self.some(2, 20, 60), "points": self.some(-20, -5, -2.5, 3)}
            self.part["idle"] = "negative"
            self.simple.append("idle")
        if self.some(False, True):
            found["persona"] = self.persona()
            self.part["persona"] = "persona"
            self.simple.append("persona")
        asking = self.asking()
        found["rules"] = [*asking, *rules] if self.some(False, True) else [*rules, *asking]
        found["disqualify"] = self.many(lambda n: self.entry(f"out_{n}", "reason"), 0, 0, 0, 1, 2)
        needed = list(self.part)
        if "flags" in self.features:
            found["flags"] = self.many(lambda n: self.entry(f"flag_{n}", "name"), 0, 1, 2)
            needed += [flag["id"] for flag in found["flags"]]
        if "caps" in self.features:
            found["caps"] = self.caps()
        found |= self.groups(needed)
        if self.maybe("stay"):
            found["minimum_stay_days"] = self.some(1, 2, 7, 30)
        found["segments"] = [self.segment(name, "idle" in found, needed) for name in self.segments]
        return found

    def asking(self) -> list[Content]:
        """Rules that ask what fired."""
        if not self.simple or "fired" not in self.features:
            return []
        simple = tuple(self.simple)
        return self.many(lambda number: self.rule(number, simple), 0, 1, 2)

    def entry(self, name: str, label: str) -> Content:
        """A flag, or a disqualification."""
        fired = tuple(self.part) if "fired" in self.features and self.some(False, True) else ()
        return {"id": name, label: f"{label} of {name}", **self.conditional(fired), **self.of_segments(name)}


@st.composite
def models(draw: st.DrawFn, features: frozenset[str] = ALL) -> Model:
    """A whole model of these features."""
    content = _Maker(draw, features).content()
    note(f"model: {json.dumps(content)}")
    return Model.model_validate(content)
