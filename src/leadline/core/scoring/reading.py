"""Facts of one record by the names that a model uses, and what a condition saw of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from leadline.core.entities import Kind
from leadline.core.scoring.condition import SCORED_FIELDS, SHARED, Condition
from leadline.core.scoring.operators import is_missing

Read = Callable[[str], Any]
"""Gives the value of `account.<field>` or `person.<field>`; None when it is missing."""


def account_read(account: Mapping[str, Any] | None) -> Read:
    """Facts of an account by the names of the model."""
    facts = account or {}
    return lambda name: facts.get(name.removeprefix("account.")) if name.startswith("account.") else None


def person_read(person: Mapping[str, Any], account: Mapping[str, Any] | None) -> Read:
    """Facts of a person and their account; shared facts fall back to the person's own."""
    facts = account or {}

    def read(name: str) -> Any:
        entity, _, short = name.partition(".")
        if entity == "person":
            # A link to an account that does not exist is no link.
            return None if short == "account" and account is None else person.get(short)
        value = facts.get(short)
        return person.get(short) if is_missing(value) and short in SHARED else value

    return read


def shown(condition: Condition, read: Read) -> str | None:
    """The values that a condition looked at, as text; None when there are none."""
    texts: dict[str, str] = {}
    for leaf in condition.leaves():
        name = str(leaf.field)
        value = read(name)
        if name in texts or is_missing(value):
            continue
        if SCORED_FIELDS[name].kind is Kind.LIST:
            wanted = leaf.contains_any or leaf.contains_all or ()
            texts[name] = ", ".join(word for word in wanted if word in value)
        elif isinstance(value, bool):
            texts[name] = "true" if value else "false"
        else:
            texts[name] = str(value)
    return ", ".join(text for text in texts.values() if text) or None
