"""What must be scored is marked and taken in order, a page at a time; the same on each database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine
from tests.rows import account, gone, person, uid_of

from leadline.core.entities import Entity
from leadline.store.pending import count_marks, mark_pending, marked_clusters, marks_within, next_marks
from leadline.store.records import clear_marks, mark_dirty, save_rows
from leadline.store.scores import save_scores

A, P = Entity.ACCOUNT, Entity.PERSON
NAMES = ["crm"]


def a(record_id: str) -> str:
    return uid_of(A, record_id)


def p(record_id: str) -> str:
    return uid_of(P, record_id)


def score(uid: str, cluster: str, *, due_at: int = 99, model: str = "m1") -> dict[str, Any]:
    points = dict.fromkeys(("score", "fit", "fit_max", "persona", "intent", "negative", "completeness"), 0)
    return {
        "uid": uid, "entity": "account", "cluster": cluster, **points, "disqualified": False,
        "disqualify_reasons": "", "missing_fields": "", "group": "nurture", "group_since": 1, "crossing": 1,
        "model": model, "scored_at": 1, "due_at": due_at, "push_no": 0, "pushed": None, "pushed_score": None,
        "pushed_at": None,
    }  # fmt: skip


def put(connection: Connection, entity: Entity, *rows: dict[str, Any]) -> None:
    save_rows(connection, entity, rows)


def forget_marks(connection: Connection) -> None:
    clear_marks(connection, next_marks(connection, NAMES, after="", limit=1_000))


def marked(connection: Connection, names: list[str] = NAMES) -> list[str]:
    return list(next_marks(connection, names, after="", limit=1_000))


def pending(connection: Connection, *, now: int = 1, version: str = "m1") -> list[str]:
    mark_pending(connection, {"crm": version}, now=now)
    return marked(connection)


def test_marks_are_taken_in_order_and_a_page_at_a_time(engine: Engine) -> None:
    """By their bytes, on every database: a language's order would put `b` before `C`."""
    with engine.begin() as connection:
        mark_dirty(connection, [p("b"), p("C"), p("a"), "crm-eu/Contact/a", "crn/Contact/a"], "changed")
        assert marked(connection) == [p("C"), p("a"), p("b")]
        assert list(next_marks(connection, NAMES, after=p("C"), limit=1)) == [p("a")]
        assert count_marks(connection, NAMES) == 3
        assert count_marks(connection, ["crm", "crm-eu"]) == 4
        assert marked(connection, ["crm-eu"]) == ["crm-eu/Contact/a"]
        assert marked(connection, []) == []


def test_what_is_due_is_marked(engine: Engine) -> None:
    with engine.begin() as connection:
        put(connection, A, account("a"))
        forget_marks(connection)
        rows = [score(a("a"), a("a"), due_at=50), score(p("p"), a("a"), due_at=10), score(p("q"), p("q"), due_at=51)]
        save_scores(connection, rows, [])
        assert pending(connection, now=9) == []
        assert pending(connection, now=10) == [a("a")]
        assert pending(connection, now=51) == [a("a"), p("q")]


def test_what_another_version_scored_is_marked_and_nothing_of_connections_that_are_gone(engine: Engine) -> None:
    with engine.begin() as connection:
        rows = [score(a("a"), a("a"), model="m2"), score(p("p"), a("a")), score(p("q"), p("q"), model="m2")]
        save_scores(connection, [*rows, score("former/Contact/x", "former/Contact/x")], [])
        assert pending(connection, version="m2") == [a("a")]
        forget_marks(connection)
        assert pending(connection, version="m3") == [a("a"), p("q")]


def test_leads_are_looked_at_with_the_contact_behind_them(engine: Engine) -> None:
    with engine.begin() as connection:
        put(connection, P, person("c"), person("l", behind="c"), person("m", behind="d"))
        forget_marks(connection)
        mark_dirty(connection, [p("c")], "changed")
        assert pending(connection) == [p("c"), p("l")]
        forget_marks(connection)
        mark_dirty(connection, [p("m")], "changed")
        assert pending(connection) == [p("m")]


def test_people_of_an_account_that_is_gone_are_looked_at(engine: Engine) -> None:
    with engine.begin() as connection:
        put(connection, A, account("a"), account("b"))
        put(connection, P, person("p", at="a"), person("q", at="b"))
        save_scores(connection, [score(p("p"), a("a")), score(p("q"), a("b"))], [])
        forget_marks(connection)
        put(connection, A, gone(A, "a"))
        mark_dirty(connection, [a("b")], "changed")
        assert pending(connection) == [a("a"), a("b"), p("p")]


def test_a_mark_leads_to_the_cluster_of_now_and_to_the_one_that_was_left(engine: Engine) -> None:
    with engine.begin() as connection:
        put(connection, A, account("a"), account("b"))
        put(connection, P, person("p", at="b"), person("q", at="b"))
        save_scores(connection, [score(p("p"), a("a"))], [])
        asked = [p("p"), p("q"), a("a")]
        assert marked_clusters(connection, asked, subjects=100) == (asked, [a("b"), a("a")])
        assert marked_clusters(connection, ["crm/Contact/unknown"], subjects=1)[1] == ["crm/Contact/unknown"]


def test_marks_are_taken_until_their_clusters_have_so_many_subjects(engine: Engine) -> None:
    """Or memory would grow with the people of an account: a thousand marked accounts may have a million."""
    with engine.begin() as connection:
        put(connection, A, account("a"), account("b"), account("c"))
        put(connection, P, *(person(f"p{number}", at="b") for number in range(5)))
        asked = [a("a"), a("b"), p("p0"), p("p1"), a("c")]
        assert marked_clusters(connection, asked, subjects=1) == ([a("a")], [a("a")])
        assert marked_clusters(connection, asked, subjects=6) == ([a("a")], [a("a")])
        assert marked_clusters(connection, asked, subjects=7) == (asked[:4], [a("a"), a("b")])
        assert marked_clusters(connection, asked, subjects=8) == (asked, [a("a"), a("b"), a("c")])
        # One at least, or nothing would ever be done about it.
        assert marked_clusters(connection, asked[1:], subjects=2) == (asked[1:2], [a("b")])


def test_everybodys_marks_are_seen_with_their_cluster_and_nobody_elses(engine: Engine) -> None:
    """A lead counts where its contact is, whatever account it names itself."""
    with engine.begin() as connection:
        put(connection, A, account("a"), account("b"))
        put(connection, P, person("c", at="b"), person("p", at="a"), person("q", at="b"))
        put(connection, P, person("l", behind="c"), person("m", at="a", behind="c"), gone(P, "p"))
        everybody = marked(connection)
        assert set(everybody) == {a("a"), a("b"), p("c"), p("p"), p("q"), p("l"), p("m")}
        assert marks_within(connection, [a("a")]).keys() == {a("a"), p("p")}
        assert marks_within(connection, [a("b")]).keys() == {a("b"), p("c"), p("q"), p("l"), p("m")}
        seen = marks_within(connection, [a("b")])
        mark_dirty(connection, [p("q")], "changed")
        assert marks_within(connection, [a("b")]) == {**seen, p("q"): seen[p("q")] + 1}
