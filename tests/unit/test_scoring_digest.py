"""The digest of a scoring: what it depends on, and what it does not. Half a second."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadline.core.scoring.canonical import of_rows, of_scored
from leadline.core.scoring.digest import Digest, of_messages
from leadline.core.scoring.facts import LEDGER, SCORES, Scored
from leadline.frames import local

SCORE_ROW: dict[str, Any] = {
    name: {"String": "x", "Boolean": True}.get(str(kind), 1000) for name, kind in SCORES.items()
} | {"uid": "crm/account/1"}
LEDGER_ROW: dict[str, Any] = {name: "x" if str(kind) == "String" else 7 for name, kind in LEDGER.items()} | {
    "uid": "crm/account/1"
}

texts = st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=4), st.sampled_from("~;:-\n"))
numbers = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1))


def rows(schema: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Rows of a few records, whatever their cells."""
    kinds = {"String": texts, "Int64": numbers, "Boolean": st.one_of(st.none(), st.booleans())}
    cells = {name: kinds[str(kind)] for name, kind in schema.items()}
    return st.fixed_dictionaries({**cells, "uid": st.sampled_from(["a", "b", "c"])})


def scored(scores: list[dict[str, Any]], ledger: list[dict[str, Any]]) -> Scored[pl.DataFrame]:
    """The rows as frames."""
    kinds = {"String": pl.String(), "Int64": pl.Int64(), "Boolean": pl.Boolean()}
    schemas = [{name: kinds[str(kind)] for name, kind in schema.items()} for schema in (SCORES, LEDGER)]
    return Scored(pl.DataFrame(scores, schema=schemas[0]), pl.DataFrame(ledger, schema=schemas[1]))


@settings(max_examples=60, deadline=None)
@given(scores=st.lists(rows(SCORES), max_size=3), ledger=st.lists(rows(LEDGER), max_size=6))
def test_frames_and_rows_come_to_the_same_digest(scores: list[dict[str, Any]], ledger: list[dict[str, Any]]) -> None:
    assert of_scored(local.ENGINE, scored(scores, ledger)) == of_rows(scores, ledger)


def test_the_format_is_the_one_that_is_written_down() -> None:
    """docs/scoring.md, section Digest, by hand."""
    cells = {"String": "1:x", "Boolean": "1;", "Int64": "1000;"}
    score_line = "13:crm/account/1" + "".join(cells[str(kind)] for name, kind in SCORES.items() if name != "uid")
    ledger_line = "".join("1:x" if str(kind) == "String" else "7;" for name, kind in LEDGER.items() if name != "uid")
    message = "\n".join(sorted([score_line, ledger_line])).encode()

    found = of_rows([SCORE_ROW], [LEDGER_ROW])

    assert str(found) == hashlib.sha256(message).hexdigest()
    assert found.records == 1


@pytest.mark.parametrize("name", SCORES)
def test_every_cell_of_scores_counts(name: str) -> None:
    other = {"String": "y", "Boolean": False}.get(str(SCORES[name]), 999)
    base = of_rows([SCORE_ROW], [])

    assert of_rows([{**SCORE_ROW, name: other}], []) != base
    assert of_rows([{**SCORE_ROW, name: None}], []) != base


@pytest.mark.parametrize("name", LEDGER)
def test_every_cell_of_the_ledger_counts(name: str) -> None:
    other = "y" if str(LEDGER[name]) == "String" else 8

    assert of_rows([SCORE_ROW], [{**LEDGER_ROW, name: other}]) != of_rows([SCORE_ROW], [LEDGER_ROW])


def test_cells_do_not_run_into_each_other() -> None:
    """No text is taken for a missing one, and no cell for a part of its neighbour."""
    pairs = [("a", "bc"), ("ab", "c"), ("", "abc"), (None, "abc"), ("~:", "abc"), ("a\n", "b"), ("a", "\nb")]
    found = {str(of_rows([SCORE_ROW], [{**LEDGER_ROW, "rule": rule, "part": part}])) for rule, part in pairs}

    assert len(found) == len(pairs)


def test_digests_of_chunks_add_up_and_are_taken_back() -> None:
    records = [
        ({**SCORE_ROW, "uid": f"p{n}", "score": n}, {**LEDGER_ROW, "uid": f"p{n}", "points": n}) for n in range(50)
    ]
    whole = of_rows([score for score, _ in records], [line for _, line in records])
    random.Random(7).shuffle(records)
    chunks = [of_rows([s for s, _ in part], [line for _, line in part]) for part in (records[:7], records[7:])]

    assert sum(chunks, Digest()) == whole
    assert whole - chunks[1] == chunks[0]
    assert whole - whole == Digest()
    assert str(Digest()) == "0" * 64


def test_many_records_are_taken_share_by_share() -> None:
    """However few lines are looked at together."""
    scores = [{**SCORE_ROW, "uid": f"p{n}", "score": n} for n in range(40)]

    assert of_scored(local.LocalEngine(lines_at_once=9), scored(scores, [])) == of_rows(scores, [])


def test_the_sum_stays_below_its_modulus() -> None:
    found = of_messages([b"a"] * 1_000)

    assert found.total == int(hashlib.sha256(b"a").hexdigest(), 16) * 1_000 % 2**256
    assert len(str(found)) == 64
