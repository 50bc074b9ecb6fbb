"""SOQL text to a typed query, by the grammar in `soql.lark`.

Only the language is judged here; whether a field exists is the evaluator's business, which has the
schema. Positions are kept so that both can point at the offending word as the vendor does.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken
from lark.exceptions import VisitError

from leadline_salesforce.sandbox.faults import ApiError
from leadline_salesforce.sandbox.soqltree import (
    Aggregate,
    AllFields,
    Children,
    Column,
    Comparison,
    Condition,
    CountAll,
    DateRange,
    Every,
    Item,
    Literal,
    Not,
    Path,
    Query,
    Some,
    SortKey,
    Total,
    Within,
)

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def unquote(quoted: str, *, like: bool = False) -> str:
    """The text of a quoted literal. In a LIKE pattern `\\%` and `\\_` stay escaped."""

    def plain(match: re.Match[str]) -> str:
        letter = match.group(1)
        if like and letter in "%_":
            return match.group(0)
        if letter in "%_":
            return letter
        if letter not in _ESCAPES:
            raise ApiError("MALFORMED_QUERY", f"Invalid string literal '{quoted[1:-1]}'. Illegal character sequence.")
        return _ESCAPES[letter]

    return _ESCAPED.sub(plain, quoted[1:-1])


class _Build(Transformer[Token, Any]):
    """Parse tree to `Query`, bottom up. One method per rule of the grammar."""

    def path(self, names: list[Token]) -> Path:
        return Path(tuple(str(name) for name in names), cast("int", names[0].start_pos))

    def count_all(self, _: list[Token]) -> CountAll:
        return CountAll()

    def all_fields(self, tokens: list[Token]) -> AllFields:
        return AllFields(str(tokens[-1]).upper())

    def function(self, tokens: list[Token]) -> str:
        return str(tokens[0]).upper()

    def aggregate(self, parts: list[Any]) -> Aggregate:
        function, path, alias = parts
        return Aggregate(str(function).upper(), path, str(alias) if alias else None)

    def column(self, parts: list[Any]) -> Column:
        *_, path, alias = parts  # perhaps behind toLabel
        return Column(path, str(alias) if alias else None)

    def selection(self, items: list[Item]) -> tuple[Item, ...]:
        return tuple(items)

    def text(self, tokens: list[Token]) -> Literal:
        return Literal("text", str(tokens[0]), cast("int", tokens[0].start_pos))

    def number(self, tokens: list[Token]) -> Literal:
        word = str(tokens[0])
        value: float | int = float(word) if re.search(r"[.eE]", word) else int(word)
        return Literal("number", value, cast("int", tokens[0].start_pos))

    def instant(self, tokens: list[Token]) -> Literal:
        return Literal("instant", str(tokens[0]), cast("int", tokens[0].start_pos))

    def day(self, tokens: list[Token]) -> Literal:
        return Literal("day", str(tokens[0]), cast("int", tokens[0].start_pos))

    def true(self, tokens: list[Token]) -> Literal:
        return Literal("boolean", True, cast("int", tokens[0].start_pos))

    def false(self, tokens: list[Token]) -> Literal:
        return Literal("boolean", False, cast("int", tokens[0].start_pos))

    def null(self, tokens: list[Token]) -> Literal:
        return Literal("null", None, cast("int", tokens[0].start_pos))

    def range(self, tokens: list[Token]) -> Literal:
        name, _, count = str(tokens[0]).upper().partition(":")
        return Literal("range", DateRange(name, int(count or 0)), cast("int", tokens[0].start_pos))

    def values(self, values: list[Literal]) -> tuple[Literal, ...]:
        return tuple(values)

    def operator(self, tokens: list[Token]) -> str:
        return "!=" if tokens[0] == "<>" else str(tokens[0])

    def compare(self, parts: list[Any]) -> Comparison:
        path, operator, value = parts
        return Comparison(path, operator, (value,))

    def like(self, parts: list[Any]) -> Comparison:
        path, _, pattern = parts
        return Comparison(path, "like", (Literal("text", str(pattern), pattern.start_pos),))

    def among(self, parts: list[Any]) -> Comparison:
        return Comparison(parts[0], "in", parts[-1])

    def not_among(self, parts: list[Any]) -> Comparison:
        return Comparison(parts[0], "not in", parts[-1])

    def includes(self, parts: list[Any]) -> Comparison:
        return Comparison(parts[0], "includes", parts[-1])

    def excludes(self, parts: list[Any]) -> Comparison:
        return Comparison(parts[0], "excludes", parts[-1])

    def within(self, parts: list[Any]) -> Within:
        return Within(parts[0], negated=False, query=parts[-1])

    def not_within(self, parts: list[Any]) -> Within:
        return Within(parts[0], negated=True, query=parts[-1])

    def inner(self, parts: list[Any]) -> Query:
        _, path, _, name, alias, where, limit = parts
        return _query((Column(path),), name, alias, where, limit=limit)

    def subquery(self, parts: list[Any]) -> Query:
        _, items, _, path, alias, where, order, limit, offset = parts
        return _query(items, path.text, alias, where, at=path.at, order=order, limit=limit, offset=offset)

    def children(self, parts: list[Any]) -> Children:
        return Children(parts[0])

    def negation(self, parts: list[Any]) -> Not:
        return Not(parts[-1])

    def conjunction(self, parts: list[Any]) -> Every:
        return Every(tuple(part for part in parts if not isinstance(part, Token)))

    def disjunction(self, parts: list[Any]) -> Some:
        return Some(tuple(part for part in parts if not isinstance(part, Token)))

    def where(self, parts: list[Any]) -> Condition:
        return cast("Condition", parts[-1])

    def group(self, parts: list[Any]) -> tuple[tuple[Path, ...], tuple[Total, ...]]:
        return tuple(part for part in parts if isinstance(part, Path)), parts[-1] or ()

    def having(self, parts: list[Any]) -> tuple[Total, ...]:
        return tuple(part for part in parts if isinstance(part, Total))

    def total(self, parts: list[Any]) -> Total:
        function, path, operator, value = parts
        return Total(str(function).upper(), path, operator, value)

    def total_all(self, parts: list[Any]) -> Total:
        _, operator, value = parts
        return Total("COUNT", None, operator, value)

    def direction(self, tokens: list[Token]) -> bool:
        return str(tokens[0]).upper() == "DESC"

    def nulls(self, tokens: list[Token]) -> str:
        return str(tokens[-1]).upper()

    def key(self, parts: list[Any]) -> SortKey:
        path, descending, nulls = parts
        return SortKey(path, bool(descending), nulls == "LAST")

    def total_key(self, parts: list[Any]) -> SortKey:
        function, path, descending, nulls = parts
        return SortKey(path, bool(descending), nulls == "LAST", str(function).upper())

    def order(self, parts: list[Any]) -> tuple[SortKey, ...]:
        return tuple(part for part in parts if isinstance(part, SortKey))

    def limit(self, tokens: list[Token]) -> int:
        return int(tokens[-1])

    def offset(self, tokens: list[Token]) -> int:
        return int(tokens[-1])

    def usage(self, _: list[Token]) -> None:
        return None

    def start(self, parts: list[Any]) -> Query:
        _, items, _, name, alias, where, group, order, limit, offset, _ = parts
        by, having = group or ((), ())
        return replace(
            _query(items, name, alias, where, order=order, limit=limit, offset=offset), group=by, having=having
        )


def _query(
    items: tuple[Item, ...],
    name: Token | str,
    alias: Token | None,
    where: Condition | None,
    *,
    at: int | None = None,
    order: tuple[SortKey, ...] | None = None,
    limit: int | None = None,
    offset: int | None = None,
) -> Query:
    return Query(
        text="",
        items=items,
        object=str(name),
        object_at=at if at is not None else cast("int", getattr(name, "start_pos", 0)),
        alias=str(alias) if alias else None,
        where=where,
        group=(),
        order=order or (),
        limit=limit,
        offset=offset or 0,
    )


@cache
def _parser() -> Lark:
    grammar = files(__package__).joinpath("soql.lark").read_text("utf-8")
    return Lark(grammar, parser="lalr", lexer="contextual", maybe_placeholders=True, transformer=_Build())


def pointed(text: str, at: int, message: str) -> str:
    """The vendor's four lines: the words around the place, a caret, the position, the message."""
    start = max(0, at - 40)
    excerpt = text[start : at + 40].replace("\n", " ")
    before = text[:at]
    row, column = before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1
    return f"\n{excerpt}\n{' ' * (at - start)}^\nERROR at Row:{row}:Column:{column}\n{message}"


def malformed(text: str, at: int, message: str) -> ApiError:
    """MALFORMED_QUERY pointing at an offset."""
    return ApiError("MALFORMED_QUERY", pointed(text, at, message))


@lru_cache(maxsize=256)
def parse(text: str) -> Query:
    """The query. ApiError MALFORMED_QUERY in the vendor's words when the text is not SOQL."""
    try:
        query = cast("Query", _parser().parse(text))  # the transformer runs inside
    except UnexpectedEOF:
        raise malformed(text, len(text), "unexpected token: '<EOF>'") from None
    except UnexpectedToken as error:
        word = "<EOF>" if error.token.type == "$END" else str(error.token)
        at = len(text) if error.token.type == "$END" else cast("int", error.token.start_pos)
        raise malformed(text, at, f"unexpected token: '{word}'") from None
    except UnexpectedCharacters as error:
        at = cast("int", error.pos_in_stream)
        raise malformed(text, at, _bad_character(text, at)) from None
    except UnexpectedInput as error:
        raise malformed(text, error.pos_in_stream or 0, "unexpected token") from None
    except VisitError as error:
        if isinstance(error.orig_exc, ApiError):
            raise error.orig_exc from None
        raise
    return replace(query, text=text)


def _bad_character(text: str, at: int) -> str:
    """A word out of place is a token to the vendor; anything else a character."""
    word = re.match(r"[A-Za-z_]\w*", text[at:])
    if word:
        return f"unexpected token: '{word.group()}'"
    if text[at] in "'\"":
        return (
            "Bind variables only allowed in Apex code" if text[at] == '"' else "expecting a right quote, found '<EOF>'"
        )
    return f"unexpected token: '{text[at]}'"
