"""Rows, marks and cursors, the same on each database."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import Engine, select
from tests.rows import account, activity, dirty_marks, gone, person, row, uid_of

from leadline.core.entities import Entity
from leadline.store import records, tables
from leadline.store.dossiers import save_dossiers
from leadline.store.records import (
    StoredCursor,
    apply_echoes,
    clear_marks,
    load_cursor,
    mark_dirty,
    save_cursor,
    save_rows,
    save_unmapped,
)

A, P = Entity.ACCOUNT, Entity.PERSON


def save(engine: Engine, entity: Entity, *rows: dict[str, Any]) -> records.Saved:
    """Store a page and forget older marks."""
    with engine.begin() as connection:
        clear_marks(connection, dirty_marks(connection))
        return save_rows(connection, entity, rows)


def marked(engine: Engine) -> set[str]:
    with engine.begin() as connection:
        return set(dirty_marks(connection))


def stored(engine: Engine, entity: Entity, record_id: str) -> dict[str, Any]:
    table = tables.ENTITY_TABLES[entity]
    with engine.begin() as connection:
        found = connection.execute(select(table).where(table.c.uid == uid_of(entity, record_id))).mappings().one()
    return dict(found)


def test_a_new_row_is_news_and_the_same_row_again_is_nothing(engine: Engine) -> None:
    first = account("a", name="Acme", technologies=["sap", "excel"], employees=300)
    assert save(engine, A, first) == records.Saved(1, 1)
    assert marked(engine) == {uid_of(A, "a")}
    again = {**first, "modified_at": 99, "read_at": 99}
    assert save(engine, A, again) == records.Saved(0, 0)
    assert marked(engine) == set()


def test_what_scoring_does_not_look_at_is_stored_without_being_news(engine: Engine) -> None:
    save(engine, A, account("a", name="Acme"))
    renamed = account("a", name="Acme Ltd", owner=uid_of(Entity.OWNER, "u1"), crm={"score": 55})
    assert save(engine, A, renamed) == records.Saved(1, 0)
    assert marked(engine) == set()
    assert stored(engine, A, "a")["name"] == "Acme Ltd"


def test_what_scoring_looks_at_is_news(engine: Engine) -> None:
    save(engine, A, account("a", employees=300))
    assert save(engine, A, account("a", employees=301)) == records.Saved(1, 1)


def test_a_page_that_holds_a_record_twice_stores_the_later_one(engine: Engine) -> None:
    assert save(engine, A, account("a", employees=1), account("b"), account("a", employees=2)).stored == 2
    assert stored(engine, A, "a")["employees"] == 2


def test_a_deletion_keeps_what_was_known_and_is_news(engine: Engine) -> None:
    save(engine, P, person("p", at="a", name="Ada", crm={"score": 3}))
    assert save(engine, P, gone(P, "p")) == records.Saved(1, 1)
    kept = stored(engine, P, "p")
    assert (kept["deleted"], kept["name"], kept["account"]) == (True, "Ada", uid_of(A, "a"))
    assert marked(engine) == {uid_of(P, "p"), uid_of(A, "a")}
    assert save(engine, P, gone(P, "p")) == records.Saved(0, 0)


def test_a_deletion_of_something_never_seen_is_nothing(engine: Engine) -> None:
    assert save(engine, P, gone(P, "p")) == records.Saved(0, 0)
    assert marked(engine) == set()


def test_a_record_that_comes_back_from_the_bin_is_news(engine: Engine) -> None:
    save(engine, P, person("p", name="Ada"))
    save(engine, P, gone(P, "p"))
    assert save(engine, P, person("p", name="Ada")) == records.Saved(1, 1)
    assert stored(engine, P, "p")["deleted"] is False


def test_a_deleted_list_field_survives_and_comes_back_equal(engine: Engine) -> None:
    save(engine, A, account("a", technologies=["sap"]))
    before = stored(engine, A, "a")
    save(engine, A, gone(A, "a"))
    save(engine, A, account("a", technologies=["sap"]))
    after = stored(engine, A, "a")
    assert (after["technologies"], after["digest"]) == (before["technologies"], before["digest"])


def test_a_move_marks_the_old_and_the_new_account(engine: Engine) -> None:
    save(engine, P, person("p", at="a"))
    save(engine, P, person("p", at="b"))
    assert marked(engine) == {uid_of(P, "p"), uid_of(A, "a"), uid_of(A, "b")}


def test_a_merge_marks_the_survivor(engine: Engine) -> None:
    save(engine, P, person("p"), person("q"))
    save(engine, P, gone(P, "p", merged_into=uid_of(P, "q")))
    assert marked(engine) == {uid_of(P, "p"), uid_of(P, "q")}


def test_an_activity_marks_who_it_concerns_and_not_itself(engine: Engine) -> None:
    save(engine, Entity.ACTIVITY, activity("t", by="p", at_account="a"))
    assert marked(engine) == {uid_of(P, "p"), uid_of(A, "a")}
    save(engine, Entity.ACTIVITY, gone(Entity.ACTIVITY, "t"))
    assert marked(engine) == {uid_of(P, "p"), uid_of(A, "a")}


def test_an_owner_is_nobodys_news(engine: Engine) -> None:
    save(engine, Entity.OWNER, row(Entity.OWNER, "u1", name="Rep"))
    assert marked(engine) == set()


def test_a_mark_made_after_it_was_seen_is_not_cleared(engine: Engine) -> None:
    with engine.begin() as connection:
        mark_dirty(connection, {"x", "y"}, "changed")
        seen = dirty_marks(connection)
        mark_dirty(connection, {"x"}, "changed")
        clear_marks(connection, seen)
        assert set(dirty_marks(connection)) == {"x"}
        clear_marks(connection, dirty_marks(connection))
        assert dirty_marks(connection) == {}


def test_many_marks_are_made_and_cleared(engine: Engine) -> None:
    uids = {f"u{number}" for number in range(12_000)}
    with engine.begin() as connection:
        mark_dirty(connection, uids, "changed")
        assert dirty_marks(connection).keys() == uids
        clear_marks(connection, dirty_marks(connection))
        assert dirty_marks(connection) == {}


def test_our_own_write_read_back_is_no_news_and_no_change(engine: Engine) -> None:
    owner = uid_of(Entity.OWNER, "u2")
    save(engine, P, person("p", name="Ada", status="Open", crm={"score": 3, "owner": "u1"}))
    echo = {"owner": owner, "status": "Working", "crm": {"score": 60, "owner": "u2", "status": "Working"}}
    with engine.begin() as connection:
        apply_echoes(connection, P, {uid_of(P, "p"): echo}, now=2)
    crm = {"score": 60, "owner": "u2", "status": "Working"}
    back = person("p", name="Ada", status="Working", owner=owner, crm=crm, modified_at=50)
    assert save(engine, P, back) == records.Saved(0, 0)


def test_an_echo_of_a_record_that_is_not_here_is_nothing(engine: Engine) -> None:
    with engine.begin() as connection:
        apply_echoes(connection, P, {uid_of(P, "p"): {"crm": {"score": 1}}}, now=2)
        assert connection.execute(select(tables.people)).first() is None


def test_an_echo_waits_for_a_page_that_is_being_stored(engine: Engine) -> None:
    """Whole rows are written back, so the later of two writers must have read what the earlier one wrote."""
    save(engine, P, person("p", title="Old", crm={"score": 3}))
    started = threading.Event()

    def echo() -> None:
        started.set()
        with engine.begin() as connection:
            apply_echoes(connection, P, {uid_of(P, "p"): {"crm": {"score": 60}}}, now=2)

    thread = threading.Thread(target=echo)
    with engine.begin() as connection:
        save_rows(connection, P, [person("p", title="New", crm={"score": 3})])
        thread.start()
        started.wait()
        thread.join(0.2)  # it must not get through; if it is only slow, the outcome is the same
    thread.join()
    assert (stored(engine, P, "p")["title"], stored(engine, P, "p")["crm"]) == ("New", '{"score":60}')


@pytest.mark.parametrize("position", [{"seq": 3}, {"at": "2024-01-01", "ids": ["a", "b"]}])
def test_a_cursor_comes_back_as_it_was_stored(engine: Engine, position: dict[str, Any]) -> None:
    cursor = StoredCursor(position, "digest", complete=False, records=7)
    with engine.begin() as connection:
        assert load_cursor(connection, "crm", "Account") is None
        save_cursor(connection, "crm", "Account", StoredCursor({}, "old", complete=True, records=1), now=5)
        save_cursor(connection, "crm", "Account", cursor, now=6)
        assert load_cursor(connection, "crm", "Account") == cursor
        assert load_cursor(connection, "other", "Account") is None


def test_unplaced_values_are_counted(engine: Engine) -> None:
    with engine.begin() as connection:
        save_unmapped(connection, "crm", "Account", {("industry", "Widgets"): 2, ("country", "Mars"): 1})
        save_unmapped(connection, "crm", "Account", {("industry", "Widgets"): 5})
        found = records.list_unmapped(connection)
    assert [(line["field"], line["value"], line["seen"]) for line in found] == [
        ("industry", "Widgets", 7),
        ("country", "Mars", 1),
    ]


def test_records_are_found_by_the_words_of_a_person(engine: Engine) -> None:
    save(engine, A, account("a1", name="Acme", domain="acme.com"), account("a2", name="Gone"))
    save(engine, A, gone(A, "a2"))
    save(engine, P, person("p1", name="Ada", email="ada@acme.com"), person("p2", name="Åsa ÖZIL"))
    with engine.begin() as connection:
        assert records.find_record(connection, "åsa Özil") == [(P, uid_of(P, "p2"))]
        for words in ("a1", "acme", "ACME", "acme.com", uid_of(A, "a1")):
            assert records.find_record(connection, words) == [(A, uid_of(A, "a1"))], words
        assert records.find_record(connection, "ada@acme.com") == [(P, uid_of(P, "p1"))]
        assert records.find_record(connection, "Gone") == []
        assert records.count_entities(connection)["accounts"] == 1


def test_a_fact_that_we_wrote_ourselves_is_not_kept_as_it_was(engine: Engine) -> None:
    """No mark tells of it, so its cluster is read from the rows again."""
    lead, other = person("l", at="a", title="CFO"), person("m")
    with engine.begin() as connection:
        save_rows(connection, Entity.ACCOUNT, [account("a")])
        save_rows(connection, Entity.PERSON, [lead, other])
        homes = {"l": uid_of(Entity.ACCOUNT, "a"), "m": other["uid"]}
        kept = [(homes[who], uid_of(Entity.PERSON, who), "person", "layout", "", "") for who in homes]
        save_dossiers(connection, kept)
        apply_echoes(connection, Entity.PERSON, {row["uid"]: {"crm": {"score": 5}} for row in (lead, other)}, now=2)
        assert len(connection.execute(select(tables.dossiers)).all()) == 2
        apply_echoes(connection, Entity.PERSON, {lead["uid"]: {"title": "Chief"}}, now=2)
        assert connection.scalars(select(tables.dossiers.c.uid)).all() == [other["uid"]]
