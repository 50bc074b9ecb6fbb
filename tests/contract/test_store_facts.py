"""Who is scored together with whom, and which events are theirs; the same on each database."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine
from tests.rows import account, activity, gone, person, row, uid_of

from leadline.core.entities import Entity
from leadline.store.breakdowns import load_ledger
from leadline.store.facts import (
    ClusterFacts,
    clusters_of,
    load_facts,
    load_owners,
    root_of,
    scored_in,
)
from leadline.store.records import save_rows
from leadline.store.scores import (
    count_groups,
    list_queue,
    load_score,
    remove_scores,
    save_scores,
)

A, P, T, D = Entity.ACCOUNT, Entity.PERSON, Entity.ACTIVITY, Entity.OPPORTUNITY


def a(record_id: str) -> str:
    return uid_of(A, record_id)


def p(record_id: str) -> str:
    return uid_of(P, record_id)


def put(engine: Engine, entity: Entity, *rows: dict[str, Any]) -> None:
    with engine.begin() as connection:
        save_rows(connection, entity, rows)


def facts_of(engine: Engine, *clusters: str) -> ClusterFacts:
    with engine.begin() as connection:
        return load_facts(connection, clusters)


def clusters(engine: Engine, *uids: str) -> dict[str, str]:
    with engine.begin() as connection:
        return clusters_of(connection, uids)


def test_people_belong_to_their_account_and_others_to_themselves(engine: Engine) -> None:
    put(engine, A, account("a"))
    put(engine, P, person("p", at="a"), person("q"), person("r", at="unheard-of"))
    found = clusters(engine, a("a"), p("p"), p("q"), p("r"), "nothing/known/1")
    assert found == {
        a("a"): a("a"),
        p("p"): a("a"),
        p("q"): p("q"),
        p("r"): p("r"),
        "nothing/known/1": "nothing/known/1",
    }
    facts = facts_of(engine, a("a"), p("q"), p("r"))
    assert facts.subjects() == [a("a"), p("p"), p("q"), p("r")]
    assert {line["uid"]: line["account"] for line in facts.people} == {p("p"): a("a"), p("q"): None, p("r"): None}


def test_a_lead_is_the_contact_behind_it_even_where_their_accounts_differ(engine: Engine) -> None:
    put(engine, A, account("a"), account("b"))
    put(engine, P, person("c", at="a"), person("l1", at="b", behind="c"), person("l2", behind="c"))
    assert clusters(engine, p("c"), p("l1"), p("l2")) == dict.fromkeys((p("c"), p("l1"), p("l2")), a("a"))
    facts = facts_of(engine, a("a"), a("b"))
    assert [line["uid"] for line in facts.people] == [p("c")]
    assert [record["uid"] for record in facts.records[p("c")]] == [p("c"), p("l1"), p("l2")]
    assert facts_of(engine, a("b")).people == []


def test_a_lead_is_itself_where_its_contact_is_deleted_or_unheard_of(engine: Engine) -> None:
    put(engine, A, account("a"))
    put(engine, P, person("c", at="a"), person("l1", at="a", behind="c"), person("l2", behind="unheard-of"))
    put(engine, P, gone(P, "c"))
    assert clusters(engine, p("c"), p("l1"), p("l2")) == {p("c"): a("a"), p("l1"): a("a"), p("l2"): p("l2")}
    assert facts_of(engine, a("a"), p("l2")).subjects() == [a("a"), p("l1"), p("l2")]


def test_links_are_followed_one_step_and_nobody_is_lost_in_a_chain_or_a_ring(engine: Engine) -> None:
    put(engine, P, person("x", behind="y"), person("y", behind="z"), person("z"), person("self", behind="self"))
    put(engine, P, person("ring1", behind="ring2"), person("ring2", behind="ring1"))
    everyone = [p(name) for name in ("x", "y", "z", "self", "ring1", "ring2")]
    found = clusters(engine, *everyone)
    facts = facts_of(engine, *found.values())
    shown = [record["uid"] for records in facts.records.values() for record in records]
    assert sorted(shown) == sorted(everyone)  # each record shows exactly one subject's score
    assert found[p("y")] == p("z")
    assert set(facts.records) == set(found.values())


def test_people_of_a_deleted_account_stand_alone(engine: Engine) -> None:
    put(engine, A, account("a"))
    put(engine, P, person("p", at="a"))
    put(engine, A, gone(A, "a"))
    assert clusters(engine, p("p")) == {p("p"): p("p")}
    assert facts_of(engine, a("a")).subjects() == []
    assert facts_of(engine, a("a"), p("p")).subjects() == [p("p")]


def test_the_person_behind_a_lead(engine: Engine) -> None:
    put(engine, P, person("c"), person("l", behind="c"), person("m", behind="d"))
    with engine.begin() as connection:
        assert root_of(connection, p("l")) == p("c")
        assert root_of(connection, p("m")) == p("m")
        assert root_of(connection, "nothing/known/1") == "nothing/known/1"


def test_the_person_decides_whose_an_activity_is(engine: Engine) -> None:
    put(engine, A, account("a"), account("b"))
    put(engine, P, person("c", at="a"), person("l", at="b", behind="c"), person("dead", at="b"))
    put(engine, P, gone(P, "dead"))
    put(
        engine,
        T,
        activity("1", by="c", at_account="b", at=1),  # their own account counts, not the one named
        activity("2", by="l", at=2),
        activity("3", at_account="b", at=3),
        activity("4", by="dead", at_account="b", at=4),  # nobody known any more, but the account is
        activity("5", by="c", at=None),
        activity("6", by="c", kind=None),
        activity("7", by="unheard-of", at_account="b", at=7),
        activity("8", by="unheard-of", at=8),
    )
    put(engine, T, activity("9", by="c", at=9))
    put(engine, T, gone(T, "9"))
    both = facts_of(engine, a("a"), a("b"))
    seen = {line["uid"].rsplit("/", 1)[1]: (line["person"], line["account"]) for line in both.events}
    assert seen == {
        "1": (p("c"), a("a")),
        "2": (p("c"), a("a")),
        "3": (None, a("b")),
        "4": (None, a("b")),
        "7": (None, a("b")),
    }
    apart = [*facts_of(engine, a("a")).events, *facts_of(engine, a("b")).events]
    assert sorted(line["uid"] for line in apart) == sorted(line["uid"] for line in both.events)


def test_opportunities_come_by_account_and_by_person(engine: Engine) -> None:
    put(engine, A, account("a"))
    put(engine, P, person("c", at="a"), person("l", behind="c"), person("q"))
    put(engine, D, row(D, "1", account=a("a")), row(D, "2", person=p("l")), row(D, "3", person=p("q")))
    put(engine, D, row(D, "4", account=a("a")))
    put(engine, D, gone(D, "4"))
    found = facts_of(engine, a("a")).opportunities
    assert [(line["source_id"], line["person"]) for line in found] == [("1", None), ("2", p("c"))]


def test_owners_of_one_connection(engine: Engine) -> None:
    put(engine, Entity.OWNER, row(Entity.OWNER, "u2"), row(Entity.OWNER, "u1"), row(Entity.OWNER, "u3"))
    put(engine, Entity.OWNER, {**row(Entity.OWNER, "u4"), "connection": "other", "uid": "other/User/u4"})
    put(engine, Entity.OWNER, gone(Entity.OWNER, "u3"))
    with engine.begin() as connection:
        assert [line["source_id"] for line in load_owners(connection, "crm")] == ["u1", "u2"]


def test_a_lot_at_once_is_more_than_one_statement_can_name(engine: Engine) -> None:
    put(engine, P, *(person(f"p{number}") for number in range(3)))
    many = [f"crm/Contact/none{number}" for number in range(40_000)]
    assert facts_of(engine, *many, p("p1")).subjects() == [p("p1")]
    assert len(clusters(engine, *many)) == 40_000


def test_leads_are_found_by_their_contacts_though_hardly_anybody_is_one(engine: Engine) -> None:
    """Not by looking at everybody: of whom no contact is known, the index says nothing."""
    if engine.dialect.name != "sqlite":
        pytest.skip("asks SQLite for its plan")
    put(engine, P, *(person(f"p{number}") for number in range(300)))
    with engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")
        query = "SELECT uid FROM people WHERE contact IN (SELECT value FROM json_each('[]')) AND deleted = 0"
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}")]
    assert plan[0] == "SEARCH people USING INDEX people_contact (contact=?)"


def score(uid: str, cluster: str, **values: Any) -> dict[str, Any]:
    zero = {"score": 0, "fit": 0, "fit_max": 0, "persona": 0, "intent": 0, "negative": 0, "completeness": 0}
    texts = {"disqualify_reasons": "", "missing_fields": "", "group": "nurture", "model": "m1"}
    times = {"group_since": 1, "crossing": 1, "scored_at": 1, "due_at": 1_000}
    pushed = {"push_no": 1, "pushed": "{}", "pushed_score": 0, "pushed_at": 1}
    entity = A if "/Account/" in uid else P
    named = {"uid": uid, "cluster": cluster, "entity": entity.value, "disqualified": False}
    return {**named, **zero, **texts, **times, **pushed, **values}


def line(uid: str, rule: str, points: int) -> dict[str, Any]:
    return {
        "uid": uid, "part": "fit", "rule": rule, "points": points, "raw_points": points,
        "lost_to_decay": 0, "lost_to_cap": 0, "count": 1, "last_at": None, "value": None,
    }  # fmt: skip


def test_scores_and_their_ledgers_are_replaced_together(engine: Engine) -> None:
    with engine.begin() as connection:
        lines = [line(a("a"), "size", 5), line(a("a"), "industry", -9), line(p("p"), "size", 1)]
        save_scores(connection, [score(a("a"), a("a")), score(p("p"), a("a"))], lines)
        save_scores(connection, [score(a("a"), a("a"), score=7_000)], [line(a("a"), "size", 6)])
        found = load_score(connection, a("a"))
        assert found is not None
        assert found.items() >= score(a("a"), a("a"), score=7_000).items()
        assert [(found["rule"], found["points"]) for found in load_ledger(connection, a("a"))] == [("size", 6)]
        assert len(load_ledger(connection, p("p"))) == 1
        save_scores(connection, [score(a("a"), a("a"))], [])
        assert load_ledger(connection, a("a")) == []
        remove_scores(connection, [p("p")])
        assert load_score(connection, p("p")) is None
        assert load_ledger(connection, p("p")) == []


def test_a_ledger_is_told_with_the_largest_part_first(engine: Engine) -> None:
    with engine.begin() as connection:
        lines = [line(a("a"), "b", 5), line(a("a"), "a", 5), line(a("a"), "c", -9)]
        save_scores(connection, [score(a("a"), a("a"))], lines)
        assert [found["rule"] for found in load_ledger(connection, a("a"))] == ["c", "a", "b"]


def test_who_was_scored_where_and_how_many_in_each_group(engine: Engine) -> None:
    with engine.begin() as connection:
        save_scores(connection, [score(a("a"), a("a")), score(p("p"), a("a")), score(p("q"), p("q"))], [])
        assert scored_in(connection, [a("a")]) == {a("a"): "account", p("p"): "person"}
        assert count_groups(connection, "person") == {"nurture": 2}


@pytest.mark.parametrize("owners", [None, ["crm/User/u1"]])
def test_the_queue_is_ranked_by_group_then_score(engine: Engine, owners: list[str] | None) -> None:
    put(engine, A, *(account(name, owner="crm/User/u1") for name in ("a", "b", "c", "d")))
    put(engine, P, person("member", at="a"), person("alone", owner="crm/User/u2"))
    rows = [
        score(a("a"), a("a"), group="nurture", score=90),
        score(a("b"), a("b"), group="priority", score=10),
        score(a("c"), a("c"), group="priority", score=20),
        score(a("d"), a("d"), group="unranked", score=99),
        score(p("member"), a("a"), group="priority", score=99),
        score(p("alone"), p("alone"), group="nurture", score=91),
    ]
    with engine.begin() as connection:
        save_scores(connection, rows, [])
        found = {n: list_queue(connection, {"priority": 0, "nurture": 1}, owners=owners, limit=n) for n in range(6)}
        assert list_queue(connection, {}, owners=owners, limit=9) == []
    ranked = [uid for uid in (a("c"), a("b"), p("alone"), a("a")) if owners is None or uid != p("alone")]
    for limit, lines in found.items():
        assert [line["uid"] for line in lines] == ranked[:limit]
