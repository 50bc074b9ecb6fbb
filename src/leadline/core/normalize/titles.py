"""Job titles as people write them -> seniority and function.

Seniority is read segment by segment (`/`, `|`, `+`, `&`, `and` part a title into several roles). Within
one segment the first word that tells a level wins, so "Director, CEO Communications" is a director;
between segments the highest level wins, so "Sales Manager & Co-Founder" is c_suite. Function is the
last function word before the first break, because English puts the head noun last: "IT Procurement
Manager" buys.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import lru_cache

from leadline.core.entities import FUNCTIONS, SENIORITIES
from leadline.core.normalize.text import fold
from leadline.core.normalize.titlewords import (
    AIDED,
    ASSISTANT,
    DEPARTMENTS,
    FORMER,
    LEVELS,
    NO_DEPARTMENT,
    OCCUPATION_ENDINGS,
    OCCUPATIONS,
    OFFICE_OF,
    OFFICER,
    OFFICERS,
    OFTEN_MISSPELT,
    OUTSIDE_RANKS,
    WEAK_FUNCTIONS,
)

_RANK = {name: place for place, name in enumerate(SENIORITIES)}
_SEGMENTS = re.compile(r"[/|+;•·\n]|\s&\s|\s(?:and|und|et|y|e|en|og|och)\s", re.IGNORECASE)
_BREAKS = re.compile(r"[/|+;,•·\n(]|\s&\s|\s-\s|\s–\s|\s(?:and|und|et)\s|\s(?:at|bei|chez|@)\s", re.IGNORECASE)


@lru_cache(maxsize=16_384)
def seniority(text: str) -> str | None:
    """One of `entities.SENIORITIES`; None when the title tells no level and names no occupation."""
    whole = fold(text)
    if whole.replace(" ", "_") in _RANK:
        return whole.replace(" ", "_")
    if FORMER.search(whole):
        return None
    return _level(text) or _level(_mended(text)) or ("individual" if _names_occupation(text, whole) else None)


def _level(text: str) -> str | None:
    outside = _outside_ranks(fold(text))
    if outside:
        return outside
    ranks = [rank for segment in _SEGMENTS.split(_without_aided(text)) if (rank := _rank(fold(segment)))]
    return min(ranks, key=_RANK.__getitem__) if ranks else None


def _outside_ranks(whole: str) -> str | None:
    for name, pattern in OUTSIDE_RANKS:
        if pattern.search(whole) and not (name == "student" and _rank(whole)):
            return name
    return None


def _names_occupation(text: str, whole: str) -> bool:
    named = any(pattern.search(whole) for pattern in (OCCUPATIONS, OCCUPATION_ENDINGS, ASSISTANT, OFFICE_OF))
    return named or function(text) not in (None, "other")


def _without_aided(text: str) -> str:
    """The title up to "assistant to ...": who is aided may be several people."""
    cut = re.search(r"\b(?:to|for|of|der|des|du|del|della)\b", text, re.IGNORECASE)
    folded = fold(text)
    aide = AIDED.search(folded)
    if cut is None or aide is None:
        return text
    return folded[: aide.start()] + " " + aide[0].split(" ", 1)[0]


def _rank(segment: str) -> str | None:
    """Level of one role: the first word that tells one, after aides and offices are taken out."""
    segment = OFFICE_OF.sub(" ", ASSISTANT.sub(" individually ", segment))
    if "individually" in segment:
        return None
    found = [(match.start(), order, name) for order, (name, p) in enumerate(LEVELS) if (match := p.search(segment))]
    return min(found)[2] if found else None


def _mended(text: str) -> str:
    """The folded title with slips of frequent words put right: "Vice Presidant", "Procurment Manger"."""
    return " ".join(_mended_word(word) for word in fold(text).split())


def _mended_word(word: str) -> str:
    if len(word) <= len("chief"):
        return "chief" if word == "cheif" else word
    near = get_close_matches(word, OFTEN_MISSPELT, n=1, cutoff=0.85)
    return near[0] if near else word


@lru_cache(maxsize=16_384)
def function(text: str) -> str | None:
    """One of `entities.FUNCTIONS`; None when no word of the title tells a department.

    `other` is for those who are in none: interns, students and freelancers whose title says no more.
    """
    named = _function(text) or _function(_mended(text))
    return named or ("other" if _outside_ranks(fold(text)) or _outside_ranks(_mended(text)) else None)


def _function(text: str) -> str | None:
    whole = fold(text)
    if whole.replace(" ", "_") in FUNCTIONS:
        return whole.replace(" ", "_")
    best_weak: str | None = None
    for part in _BREAKS.split(_without_aided(text)):
        found = _departments_in(fold(part))
        if found and found[-1] not in WEAK_FUNCTIONS:
            return found[-1]
        if best_weak in (None, "general_management") and found:
            best_weak = found[-1]
    return best_weak or next(iter(_departments_in(whole)), None)


def _departments_in(part: str) -> list[str]:
    """Functions named in one part of a title, the telling ones last: general management, operations, the others."""
    part = NO_DEPARTMENT.sub(" ", part)
    spans = [(*match.span(), office) for match in OFFICER.finditer(part) if (office := OFFICERS[match[0]])]
    for department in DEPARTMENTS:
        spans += [(*match.span(), department.function) for match in department.words.finditer(part)]
    outer = sorted(span for span in spans if not any(_hides(other, span) for other in spans))
    return sorted((name for _, _, name in outer), key=_strength)


def _strength(name: str) -> int:
    return 0 if name == "general_management" else 1 if name in WEAK_FUNCTIONS else 2


def _hides(outer: tuple[int, int, str], inner: tuple[int, int, str]) -> bool:
    """A longer match hides one inside it: "sales operations" is neither sales nor operations."""
    inside = outer[0] <= inner[0] and inner[1] <= outer[1]
    return inside and outer[1] - outer[0] > inner[1] - inner[0]
