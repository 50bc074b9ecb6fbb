"""What was known at a moment, from stored rows and kept versions; the same on each database. 4 s."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event, select
from tests.rows import account, activity, gone, person, uid_of

from leadline.core.entities import Entity
from leadline.store.facts import load_facts
from leadline.store.past import all_clusters, facts_at, home_at
from leadline.store.records import apply_echoes, save_rows
from leadline.store.tables import accounts, versions
from leadline.store.versions import Moment, count_versions, purge_versions

A, P, V = Entity.ACCOUNT, Entity.PERSON, Entity.ACTIVITY


def read(connection: Connection, entity: Entity, at: int, *rows: dict[str, Any]) -> None:
    """A page that is read at that time."""
    save_rows(connection, entity, [{**row, "read_at": at, "modified_at": at} for row in rows])


def then(connection: Connection, at: int, *clusters: str, as_known: bool = False) -> dict[str, Any]:
    """What was looked at: industries by account, seniorities by person, events as (id, person, at)."""
    wanted = [uid_of(A, name) if name.startswith("a") else uid_of(P, name) for name in clusters]
    facts = facts_at(connection, wanted, Moment(at, as_known=as_known)).facts

    def short(uid: str | None) -> str | None:
        return uid.rsplit("/", 1)[1] if uid else None

    return {
        "accounts": {short(row["uid"]): row["industry"] for row in facts.accounts},
        "people": {short(row["uid"]): (short(row["account"]), row["seniority"]) for row in facts.people},
        "events": [(short(row["uid"]), short(row["person"]), row["at"]) for row in facts.events],
    }


def test_facts_are_those_that_were_known_then(engine: Engine) -> None:
    with engine.begin() as connection:
        read(connection, A, 100, account("a", industry="retail"))
        read(connection, A, 200, account("a", industry="retail", name="Acme"))  # a name gives no points
        read(connection, A, 300, account("a", industry="software", name="Acme"))
        read(connection, A, 400, account("a", industry="media", name="Acme"))
        assert count_versions(connection) == 2
        told = {at: then(connection, at, "a")["accounts"] for at in (100, 299, 300, 399, 400, 500)}
        retail, software, media = ({"a": word} for word in ("retail", "software", "media"))
        assert told == {100: retail, 299: retail, 300: software, 399: software, 400: media, 500: media}


def test_before_the_first_read_the_first_known_values_stand_there_and_it_is_told(engine: Engine) -> None:
    with engine.begin() as connection:
        read(connection, A, 100, account("a", industry="retail"))
        read(connection, A, 300, account("a", industry="software"))
        early = facts_at(connection, [uid_of(A, "a")], Moment(50))
        assert early.facts.accounts[0]["industry"] == "retail"
        assert early.assumed == {uid_of(A, "a")}
        assert facts_at(connection, [uid_of(A, "a")], Moment(100)).assumed == frozenset()
        assert facts_at(connection, [uid_of(A, "a")], Moment(50, as_known=True)).facts.accounts == []


def test_a_record_that_was_created_later_was_not_there(engine: Engine) -> None:
    with engine.begin() as connection:
        read(connection, A, 300, account("a", industry="retail", created_at=200))
        assert then(connection, 199, "a")["accounts"] == {}
        assert then(connection, 200, "a")["accounts"] == {"a": "retail"}


def test_a_deleted_record_was_there_before(engine: Engine) -> None:
    with engine.begin() as connection:
        read(connection, A, 100, account("a"))
        read(connection, P, 100, person("p", at="a", seniority="vp"))
        read(connection, P, 200, gone(P, "p"))
        read(connection, P, 300, person("p", at="a", seniority="manager"))
        told = {at: then(connection, at, "a")["people"] for at in (150, 250, 350)}
        assert told == {150: {"p": ("a", "vp")}, 250: {}, 350: {"p": ("a", "manager")}}


def test_a_person_belongs_where_they_belonged(engine: Engine) -> None:
    with engine.begin() as connection:
        read(connection, A, 100, account("a1"), account("a2"))
        read(connection, P, 100, person("p", at="a1"))
        read(connection, V, 100, activity("v", by="p", at=90))
        read(connection, P, 200, person("p", at="a2"))
        read(connection, P, 300, person("p"))
        where = {
            at: [name for name in ("a1", "a2", "p") if then(connection, at, name)["people"]] for at in (150, 250, 350)
        }
        assert where == {150: ["a1"], 250: ["a2"], 350: ["p"]}
        assert then(connection, 150, "a1")["events"] == [("v", "p", 90)]
        assert then(connection, 250, "a1")["events"] == []
        homes = [home_at(connection, P, uid_of(P, "p"), Moment(at)) for at in (150, 250, 350)]
        assert homes == [(uid_of(P, "p"), uid) for uid in (uid_of(A, "a1"), uid_of(A, "a2"), uid_of(P, "p"))]


def test_a_lead_is_the_person_behind_it_from_when_it_was_linked(engine: Engine) -> None:
    with engine.begin() as connection:
        read(connection, P, 100, person("c"), person("l"))
        read(connection, V, 100, activity("v", by="l", at=90))
        read(connection, P, 200, person("l", behind="c"))
        assert then(connection, 150, "c", "l")["events"] == [("v", "l", 90)]
        assert then(connection, 250, "c", "l")["events"] == [("v", "c", 90)]
        assert list(then(connection, 250, "c", "l")["people"]) == ["c"]
        assert home_at(connection, P, uid_of(P, "l"), Moment(250)) == (uid_of(P, "c"), uid_of(P, "c"))


def test_activities_correct_the_past_unless_it_shall_be_as_it_was_known(engine: Engine) -> None:
    with engine.begin() as connection:
        read(connection, P, 10, person("p"))
        read(connection, V, 100, activity("gone", by="p", at=50), activity("moved", by="p", at=60))
        read(connection, V, 200, activity("late", by="p", at=70))
        read(connection, V, 200, gone(V, "gone"), activity("moved", by="p", at=130))
        late, moved, old, lost = ("late", "p", 70), ("moved", "p", 130), ("moved", "p", 60), ("gone", "p", 50)
        assert then(connection, 65, "p")["events"] == []
        assert then(connection, 129, "p")["events"] == [late]
        assert then(connection, 130, "p")["events"] == [late, moved]
        assert then(connection, 99, "p", as_known=True)["events"] == []
        assert then(connection, 100, "p", as_known=True)["events"] == [lost, old]
        assert then(connection, 200, "p", as_known=True)["events"] == [late, moved]


def test_a_merge_moves_links_from_when_it_was_read(engine: Engine) -> None:
    with engine.begin() as connection:
        read(connection, A, 100, account("a1"), account("a2"))
        read(connection, P, 100, person("p", at="a1"))
        save_rows(connection, A, [{**gone(A, "a1", merged_into=uid_of(A, "a2")), "read_at": 200, "modified_at": 200}])
        assert list(then(connection, 150, "a1")["people"]) == ["p"]
        assert then(connection, 150, "a2")["people"] == {}
        assert list(then(connection, 200, "a2")["people"]) == ["p"]
        assert then(connection, 200, "a1")["accounts"] == {}


def test_what_we_write_ourselves_is_known_from_then_on(engine: Engine) -> None:
    with engine.begin() as connection:
        read(connection, A, 100, account("a", lifecycle="prospect"))
        apply_echoes(connection, A, {uid_of(A, "a"): {"lifecycle": "customer", "crm": {"score": 1}}}, now=200)
        apply_echoes(connection, A, {uid_of(A, "a"): {"crm": {"score": 2}}}, now=300)
        rows = [facts_at(connection, [uid_of(A, "a")], Moment(at)).facts.accounts[0] for at in (199, 200)]
        assert [row["lifecycle"] for row in rows] == ["prospect", "customer"]
        assert connection.scalar(select(accounts.c.known_since)) == 200
        assert count_versions(connection) == 1


def test_the_present_is_what_scoring_reads(engine: Engine) -> None:
    with engine.begin() as connection:
        read(connection, A, 100, account("a1", technologies=["sap"]), account("a2"))
        read(connection, P, 100, person("c1", at="a1"), person("c2"), person("l1", behind="c1"), person("l2", at="a9"))
        read(connection, V, 100, activity("v1", by="l1"), activity("v2", by="c2", at_account="a1"), activity("v3"))
        read(connection, V, 100, activity("v4", at_account="a1"), activity("v5", by="c9", at_account="a2"))
        clusters = [uid for page in all_clusters(connection, size=2) for uid in page]
        past, present = facts_at(connection, clusters, Moment(100)).facts, load_facts(connection, clusters)
        names = ("uid", "kind", "person", "account", "at", "asset")
        assert [{name: row[name] for name in names} for row in past.events] == present.events
        assert past.accounts == present.accounts
        assert {uid: len(rows) for uid, rows in past.records.items()} == {
            uid: len(rows) for uid, rows in present.records.items()
        }
        assert [(row["uid"], row["account"]) for row in past.people] == [
            (row["uid"], row["account"]) for row in present.people
        ]


def test_an_activity_of_somebody_elsewhere_counts_there(engine: Engine) -> None:
    with engine.begin() as connection:
        read(connection, A, 100, account("a1"), account("a2"))
        read(connection, P, 100, person("p", at="a2"))
        read(connection, V, 100, activity("v", by="p", at_account="a1", at=90), activity("w", at_account="a1", at=90))
        assert then(connection, 150, "a1")["events"] == [("w", None, 90)]
        assert then(connection, 150, "a2")["events"] == [("v", "p", 90)]


def test_a_change_that_gives_no_points_does_not_date_the_row_anew(engine: Engine) -> None:
    with engine.begin() as connection:
        read(connection, A, 100, account("a", industry="retail"))
        read(connection, A, 200, account("a", industry="retail", name="Acme"))
        assert then(connection, 150, "a", as_known=True)["accounts"] == {"a": "retail"}
        read(connection, A, 300, account("a", industry="media", name="Acme"))
        assert then(connection, 150, "a", as_known=True)["accounts"] == {"a": "retail"}


def test_everything_is_gone_through_with_a_bounded_number_of_people_at_a_time(engine: Engine) -> None:
    with engine.begin() as connection:
        read(connection, A, 100, *(account(f"a{number}") for number in range(6)))
        staff = [person(f"p{number}", at=f"a{min(number, 4)}") for number in range(9)]
        read(connection, P, 100, *staff, person("alone"))
        pages = list(all_clusters(connection, size=4))
    names = [[uid.rsplit("/", 1)[1] for uid in page] for page in pages]
    # Two people each make four; a4 has five people and comes alone.
    assert names[:4] == [["a0", "a1"], ["a2", "a3"], ["a4"], ["a5"]]
    assert sorted(name for page in names[4:] for name in page) == ["alone", *(f"p{number}" for number in range(9))]


def test_a_row_of_before_there_were_versions_is_known_since_it_was_read(engine: Engine) -> None:
    with engine.begin() as connection:
        read(connection, A, 100, account("a", industry="retail"))
        connection.execute(accounts.update().values(known_since=None))
        assert then(connection, 100, "a", as_known=True)["accounts"] == {"a": "retail"}
        assert then(connection, 99, "a", as_known=True)["accounts"] == {}
        read(connection, A, 200, account("a", industry="media"))
        assert then(connection, 150, "a", as_known=True)["accounts"] == {"a": "retail"}
        assert then(connection, 99, "a", as_known=True)["accounts"] == {}


def test_new_rows_keep_no_versions_and_a_page_of_changes_is_one_insert(engine: Engine) -> None:
    """The way of a pull stays as fast as it was: nothing for what is new, one statement for what has changed."""
    inserts: list[str] = []

    @event.listens_for(engine, "before_cursor_execute")
    def _count(_c: Any, _cursor: Any, statement: str, _p: Any, _context: Any, many: bool) -> None:
        if statement.startswith("INSERT INTO versions"):
            inserts.append(statement)

    with engine.begin() as connection:
        read(connection, V, 100, *(activity(f"v{number}", by="p") for number in range(50)))
        assert inserts == []
        read(connection, V, 200, *(activity(f"v{number}", by="p", asset="x") for number in range(50)))
        assert len(inserts) == 1
        assert count_versions(connection) == 50


def test_old_versions_are_forgotten(engine: Engine) -> None:
    with engine.begin() as connection:
        for at, industry in ((100, "retail"), (200, "media"), (300, "software"), (400, "energy")):
            read(connection, A, at, account("a", industry=industry))
        assert purge_versions(connection, before=301, limit=1) == 1
        assert purge_versions(connection, before=301, limit=10) == 1
        assert list(connection.scalars(select(versions.c.replaced_at))) == [400]
        told = facts_at(connection, [uid_of(A, "a")], Moment(150))
        assert told.facts.accounts[0]["industry"] == "software"
        assert told.assumed == {uid_of(A, "a")}
