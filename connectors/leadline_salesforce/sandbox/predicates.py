"""WHERE clauses as functions from a row to yes or no, and what they say about the indexes.

Semantics are the vendor's: text compares without case, ids with it; `!=` and NOT IN let empty
values pass, `<` and `>` do not; a date literal is an interval of days.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from operator import ge, gt, le, lt
from typing import Any, TypeAlias, cast

from leadline_salesforce.sandbox import ids, moments
from leadline_salesforce.sandbox.faults import ApiError
from leadline_salesforce.sandbox.fields import FieldDef, ObjectDef
from leadline_salesforce.sandbox.paths import resolve
from leadline_salesforce.sandbox.soql import pointed, unquote
from leadline_salesforce.sandbox.soqltree import (
    Column,
    Comparison,
    Condition,
    DateRange,
    Every,
    Literal,
    Not,
    Query,
    Some,
    Within,
)
from leadline_salesforce.sandbox.sortedkeys import Key
from leadline_salesforce.sandbox.store import Org, Row

Predicate: TypeAlias = Callable[[Row], bool]

_TEXT = {"string", "textarea", "picklist", "multipicklist", "email", "url", "combobox", "phone"}
_ORDER = {"<": lt, ">": gt, "<=": le, ">=": ge}
_EXPECTED = {
    "instant": "dateTime and should not be enclosed in quotes",
    "day": "date and should not be enclosed in quotes",
    "number": "{type} and should not be enclosed in quotes",
    "boolean": "boolean and should not be enclosed in quotes",
    "text": "string and should be enclosed in quotes",
}


def _wanted(field: FieldDef) -> str:
    if field.type in _TEXT or field.type in ("id", "reference"):
        return "text"
    return {"datetime": "instant", "date": "day", "boolean": "boolean"}.get(field.type, "number")


@dataclass(frozen=True, slots=True)
class _Compiler:
    query: Query
    definition: ObjectDef
    org: Org
    now: float

    def condition(self, condition: Condition) -> Predicate:
        match condition:
            case Every(conditions):
                every = tuple(self.condition(c) for c in conditions)
                return lambda row: all(check(row) for check in every)
            case Some(conditions):
                some = tuple(self.condition(c) for c in conditions)
                return lambda row: any(check(row) for check in some)
            case Not(inner):
                check = self.condition(inner)
                return lambda row: not check(row)
            case Within():
                return self.within(condition)
            case Comparison():
                return self.comparison(condition)

    def within(self, condition: Within) -> Predicate:
        """`IN (SELECT ...)`: the inner query is run once, when the outer one is prepared."""
        inner = replace(condition.query, text=self.query.text)
        definition = self.org.schema.named(inner.object)
        item = inner.items[0]
        if definition is None or not isinstance(item, Column):
            raise ApiError("INVALID_TYPE", f"sObject type '{inner.object}' is not supported.")
        outer = resolve(self.query, self.definition, condition.path, self.org.schema)
        chosen = resolve(inner, definition, item.path, self.org.schema)
        if not {outer.field.type, chosen.field.type} <= {"id", "reference"}:
            raise ApiError("MALFORMED_QUERY", pointed(inner.text, item.path.at, "The inner select must name an id"))
        check, get = compile_where(inner, definition, self.org, self.now), chosen.getter(self.org)
        values = [
            value
            for row in self.org.table(definition).rows.values()
            if not row.get("IsDeleted") and (check is None or check(row)) and (value := get(row)) is not None
        ]
        return _membership(outer.getter(self.org), values, fold=False, negated=condition.negated)

    def comparison(self, comparison: Comparison) -> Predicate:
        resolved = resolve(self.query, self.definition, comparison.path, self.org.schema)
        field = resolved.field
        if not field.filterable:
            raise self._refuse(comparison, f"field '{field.name}' can not be filtered in a query call")
        get = resolved.getter(self.org)
        operator = comparison.operator
        if operator in ("includes", "excludes"):
            return self._multi(comparison, field, get)
        if operator == "like":
            return self._like(comparison, field, get)
        values = [self.value(comparison, field, literal) for literal in comparison.values]
        fold = field.type in _TEXT
        if operator in ("in", "not in"):
            return _membership(get, values, fold=fold, negated=operator == "not in")
        value = values[0]
        if isinstance(value, tuple):
            return _interval(get, operator, *value)
        return self._simple(comparison, get, value, fold=fold)

    def _simple(self, comparison: Comparison, get: Callable[[Row], Any], value: Any, *, fold: bool) -> Predicate:
        operator = comparison.operator
        if operator in ("=", "!="):
            return _membership(get, [value], fold=fold, negated=operator == "!=")
        if value is None or isinstance(value, bool):
            raise ApiError("INVALID_QUERY_FILTER_OPERATOR", self._at(comparison, "invalid operator"))
        compare = _ORDER[operator]
        if fold:
            folded = value.casefold()
            return lambda row: (found := get(row)) is not None and compare(str(found).casefold(), folded)
        return lambda row: (found := get(row)) is not None and compare(found, value)

    def value(self, comparison: Comparison, field: FieldDef, literal: Literal) -> Any:
        """A literal as rows hold it; a pair of texts (first, first after) for a date literal."""
        wanted = _wanted(field)
        if literal.kind == "null":
            return None
        if literal.kind == "range" and wanted in ("instant", "day"):
            return self._range(comparison, cast("DateRange", literal.value), wanted)
        if literal.kind != wanted:
            expected = _EXPECTED[wanted].format(type=field.type)
            raise self._refuse(
                comparison, f"value of filter criterion for field '{field.name}' must be of type {expected}"
            )
        if wanted == "text":
            plain = unquote(cast("str", literal.value))
            return self._id(comparison, field, plain) if field.type in ("id", "reference") else plain
        if wanted == "instant":
            try:
                return moments.parse_instant(cast("str", literal.value))
            except ValueError:
                raise self._refuse(comparison, f"Invalid datetime: {literal.value}") from None
        return literal.value

    def _id(self, comparison: Comparison, field: FieldDef, plain: str) -> str | None:
        normal = ids.normal(plain)
        if normal is None and plain:
            raise ApiError(
                "INVALID_QUERY_FILTER_OPERATOR",
                self._at(comparison, f"invalid ID field: {plain}"),
            )
        return normal

    def _range(self, comparison: Comparison, literal: DateRange, wanted: str) -> tuple[str, str]:
        try:
            first, after = moments.bounds(literal, self.now)
        except ValueError:
            raise self._refuse(comparison, f"unknown date literal {literal.name}") from None
        if wanted == "day":
            return first.isoformat(), after.isoformat()
        return f"{first.isoformat()}T00:00:00.000+0000", f"{after.isoformat()}T00:00:00.000+0000"

    def _like(self, comparison: Comparison, field: FieldDef, get: Callable[[Row], Any]) -> Predicate:
        if field.type not in _TEXT:
            raise ApiError("INVALID_QUERY_FILTER_OPERATOR", self._at(comparison, "invalid operator on id field"))
        pattern = like_pattern(cast("str", comparison.values[0].value))
        return lambda row: (found := get(row)) is not None and pattern.match(str(found)) is not None

    def _multi(self, comparison: Comparison, field: FieldDef, get: Callable[[Row], Any]) -> Predicate:
        if field.type != "multipicklist":
            raise ApiError(
                "INVALID_QUERY_FILTER_OPERATOR",
                self._at(comparison, f"{comparison.operator} operator only valid on multipicklist field"),
            )
        wanted = [
            frozenset(part.casefold() for part in str(self.value(comparison, field, literal)).split(";"))
            for literal in comparison.values
        ]

        def includes(row: Row) -> bool:
            held = frozenset(part.casefold() for part in str(get(row) or "").split(";"))
            return any(group <= held for group in wanted)

        if comparison.operator == "includes":
            return includes
        return lambda row: not includes(row)

    def _refuse(self, comparison: Comparison, message: str) -> ApiError:
        return ApiError("INVALID_FIELD", self._at(comparison, message))

    def _at(self, comparison: Comparison, message: str) -> str:
        return pointed(self.query.text, comparison.path.at, message)


def _membership(get: Callable[[Row], Any], values: list[Any], *, fold: bool, negated: bool) -> Predicate:
    wanted = frozenset(value.casefold() if fold and isinstance(value, str) else value for value in values)
    if fold:
        return lambda row: ((None if (v := get(row)) is None else str(v).casefold()) in wanted) != negated
    return lambda row: (get(row) in wanted) != negated


def _interval(get: Callable[[Row], Any], operator: str, first: str, after: str) -> Predicate:
    """A date literal covers [first, after)."""
    inside: dict[str, Callable[[str], bool]] = {
        "=": lambda v: first <= v < after,
        "<": lambda v: v < first,
        "<=": lambda v: v < after,
        ">": lambda v: v >= after,
        ">=": lambda v: v >= first,
    }
    if operator == "!=":
        return lambda row: (v := get(row)) is None or not first <= v < after
    check = inside[operator]
    return lambda row: (v := get(row)) is not None and check(v)


def like_pattern(quoted: str) -> re.Pattern[str]:
    """A LIKE pattern: % any text, _ one character, backslash before either takes it literally."""
    out: list[str] = []
    plain = iter(unquote(quoted, like=True))
    for char in plain:
        if char == "\\":
            out.append(re.escape(next(plain, "\\")))
        else:
            out.append({"%": ".*", "_": "."}.get(char) or re.escape(char))
    return re.compile("".join(out) + r"\Z", re.IGNORECASE | re.DOTALL)


def compile_where(query: Query, definition: ObjectDef, org: Org, now: float) -> Predicate | None:
    """The WHERE clause as a function, None without one. ApiError for what the vendor refuses."""
    return _Compiler(query, definition, org, now).condition(query.where) if query.where else None


def wanted_values(condition: Condition | None, name: str) -> list[str] | None:
    """Texts that field `name` must equal for the condition to hold; None when it does not say."""
    match condition:
        case Comparison(path, "=" | "in", values) if path.text.lower() == name.lower():
            plain = [unquote(cast("str", v.value)) for v in values if v.kind == "text"]
            return plain if len(plain) == len(values) else None
        case Every(conditions):
            return next((found for c in conditions if (found := wanted_values(c, name)) is not None), None)
        case _:
            return None


def lowest_id(condition: Condition | None) -> str | None:
    """An id such that only rows beyond it can match; None when there is none."""
    match condition:
        case Comparison(path, ">", (Literal("text", str(value)),)) if path.text.lower() == "id":
            return ids.normal(unquote(value))
        case Every(conditions):
            return max((found for c in conditions if (found := lowest_id(c)) is not None), default=None)
        case _:
            return None


_AFTER_ALL_IDS = "\x7f"


def lowest_key(condition: Condition | None) -> Key | None:
    """A (SystemModstamp, Id) such that only rows beyond it can match; None when there is none."""
    match condition:
        case Comparison(path, operator, (Literal("instant", str(value)),)) if path.text.lower() == "systemmodstamp":
            stamp = moments.parse_instant(value)
            return {">": (stamp, _AFTER_ALL_IDS), ">=": (stamp, ""), "=": (stamp, "")}.get(operator)
        case Every(conditions):
            keys = [key for c in conditions if (key := lowest_key(c)) is not None]
            best = max(keys, default=None)
            return _with_id(conditions, best)
        case Some(conditions):
            found = [lowest_key(c) for c in conditions]
            return min(key for key in found if key is not None) if all(found) else None
        case _:
            return None


def _with_id(conditions: tuple[Condition, ...], key: Key | None) -> Key | None:
    """`SystemModstamp = t AND Id > 'x'` begins at (t, x), not at (t, "")."""
    for condition in conditions:
        match condition:
            case Comparison(path, ">", (Literal("text", str(value)),)) if path.text.lower() == "id" and key:
                normal = ids.normal(unquote(value))
                return max(key, (key[0], normal)) if normal else key
            case _:
                continue
    return key
