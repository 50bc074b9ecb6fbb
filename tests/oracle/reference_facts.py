"""Facts and conditions as `docs/scoring.md` has them: who is there, what is known of them, and what that answers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from leadline.core.entities import FIELDS, Entity
from leadline.core.scoring.condition import Condition

Record = Mapping[str, Any]
Facts = Mapping[str, Any]
SHARED = ("industry", "employees", "annual_revenue", "country")
DAY = 86_400
UPPER, LOWER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
_SMALL = str.maketrans(UPPER, LOWER)


@dataclass
class World:
    """All facts, indexed."""

    accounts: Sequence[Record]
    people: Sequence[Record]
    events: Sequence[Record]
    account: dict[str, Record] = field(init=False)
    person: dict[str, Record] = field(init=False)

    def __post_init__(self) -> None:
        self.account = {row["uid"]: row for row in self.accounts}
        self.person = {row["uid"]: row for row in self.people}
        self._staff: dict[str, list[Record]] = {}
        self._done: dict[str, list[Record]] = {}
        self._nobodys: dict[str, list[Record]] = {}
        for row in self.people:
            self._staff.setdefault(row.get("account") or "", []).append(row)
        for event in self.events:
            if event["person"] in self.person:
                self._done.setdefault(event["person"], []).append(event)
            else:
                self._nobodys.setdefault(event["account"] or "", []).append(event)

    def staff(self, uid: str) -> list[Record]:
        """The people of an account."""
        return self._staff.get(uid, [])

    def employer(self, person: Record) -> Record | None:
        """A person's account, if there is such a row."""
        return self.account.get(person.get("account") or "")

    def events_of(self, person: str) -> list[Record]:
        """What a person did."""
        return self._done.get(person, [])

    def anonymous(self, account: str) -> list[Record]:
        """What happened at an account by nobody known."""
        return self._nobodys.get(account, [])


def facts_of(person: Record | None, account: Record | None) -> dict[str, Any]:
    """Facts by their names in a model; a missing one is absent. `account` is the row behind a person's link."""
    found: dict[str, Any] = {}
    for spec in FIELDS[Entity.ACCOUNT]:
        value = (account or {}).get(spec.name)
        if is_missing(value) and spec.name in SHARED:
            value = (person or {}).get(spec.name)
        if not is_missing(value):
            found[f"account.{spec.name}"] = value
    for spec in FIELDS[Entity.PERSON]:
        value = (person or {}).get(spec.name)
        if spec.name == "account" and account is None:
            continue  # a link to nowhere is no link
        if not is_missing(value):
            found[f"person.{spec.name}"] = value
    return found


def is_missing(value: Any) -> bool:
    """Nothing, or an empty list."""
    return value is None or (isinstance(value, list | tuple) and not value)


# Conditions


def walk(condition: Condition) -> Iterator[Condition]:
    """The single tests, left to right."""
    children = condition.all_ or condition.any_ or ((condition.not_,) if condition.not_ else ())
    if not children:
        yield condition
    for child in children:
        yield from walk(child)


def facts_read(condition: Condition) -> list[str]:
    """Facts read, each once, as mentioned."""
    return list(dict.fromkeys(leaf.field for leaf in walk(condition) if leaf.field))


def ids_named(condition: Condition) -> list[str]:
    """What `fired` asks about."""
    return [leaf.fired for leaf in walk(condition) if leaf.fired is not None]


def moves(condition: Condition) -> bool:
    """Whether time can change the answer."""
    return any(leaf.fired is not None or leaf.days_since is not None for leaf in walk(condition))


def holds(condition: Condition, facts: Facts, now: int, fired: Collection[str] = ()) -> bool | None:
    """Three answers; None when a missing fact decides."""
    if condition.not_ is not None:
        answer = holds(condition.not_, facts, now, fired)
        return None if answer is None else not answer
    if condition.all_ is not None:
        answers = [holds(child, facts, now, fired) for child in condition.all_]
        return False if False in answers else None if None in answers else True
    if condition.any_ is not None:
        answers = [holds(child, facts, now, fired) for child in condition.any_]
        return True if True in answers else None if None in answers else False
    if condition.fired is not None:
        return condition.fired in fired
    name = condition.field or ""
    if condition.known is not None:
        return condition.known is (name in facts)
    return _test(condition, facts[name], now) if name in facts else None


def _test(leaf: Condition, value: Any, now: int) -> bool:
    if leaf.in_ is not None:
        return value in leaf.in_
    if leaf.range is not None:
        return _lies(value, leaf.range)
    if leaf.days_since is not None:
        return _lies(max(0, now - value) // DAY, leaf.days_since)
    if leaf.matches is not None:
        return any(looks_like(value, glob) for glob in leaf.matches)
    if leaf.contains_any is not None:
        return bool(set(leaf.contains_any) & set(value))
    if leaf.contains_all is not None:
        return set(leaf.contains_all) <= set(value)
    return bool(value == leaf.equals)


def _lies(value: int, bounds: tuple[int | None, int | None]) -> bool:
    low, high = bounds
    return not ((low is not None and value < low) or (high is not None and value >= high))


def looks_like(text: str, glob: str) -> bool:
    """Whether the whole text is the pattern's pieces in their order, with anything where a star is."""
    text, pieces = text.translate(_SMALL), glob.translate(_SMALL).split("*")
    if len(pieces) == 1:
        return text == pieces[0]
    first, *middle, last = pieces
    if not text.startswith(first):
        return False
    place = len(first)
    for piece in middle:
        found = text.find(piece, place)
        if found < 0:
            return False
        place = found + len(piece)
    return len(text) - len(last) >= place and text.endswith(last)


def shown(condition: Condition, facts: Facts) -> str | None:
    """The values that were looked at, as text."""
    texts: dict[str, str] = {}
    for leaf in walk(condition):
        name = leaf.field or ""
        if name not in facts or name in texts:
            continue
        value = facts[name]
        if isinstance(value, list | tuple):
            wanted = leaf.contains_any or leaf.contains_all or ()
            texts[name] = ", ".join(word for word in wanted if word in value)
        elif isinstance(value, bool):
            texts[name] = "true" if value else "false"
        else:
            texts[name] = str(value)
    return ", ".join(text for text in texts.values() if text) or None
