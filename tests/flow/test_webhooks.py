"""Webhooks of both CRMs over real HTTP: scored at the point of creation and activity, and never wrong. Seconds: 15."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from tests.checker import Checker
from tests.edits import user_of
from tests.stage import NOW, SYSTEMS, Stage, did_nothing, stage, worker_environment
from tests.webhooks import PUBLIC, SECRETS, Door, body_of, door, post, signed, with_webhooks

from leadline import config
from leadline.app.doctor import examine
from leadline.sdk.sandbox.bundle import generate
from leadline.store import tables

LAG = 600.0
"""Seconds that HubSpot's search trails behind; its clock stands, so that it shows nothing new at all."""

STUCK = 60  # seconds after which a worker that should have said something is ended

SCORE = {"salesforce": "Leadline_Score__c", "hubspot": "leadline_score"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Both CRMs, backfilled, with webhooks set up. Tests leave their edits there, all of them synced."""
    worlds = {system: generate(30, seed=seed, now=NOW) for seed, system in enumerate(SYSTEMS, 5)}
    settings = {"web": {"port": 0}, "webhooks": {"settle_seconds": 0}, "log": {"format": "json"}}
    with stage(tmp_path_factory.mktemp("site"), worlds, settings=settings) as made:
        with_webhooks(made)
        made.backfill()
        yield made


@pytest.fixture
def crms(site: Stage) -> Iterator[Stage]:
    """The site; whatever a test has left undone is done."""
    site.advance(3_600)
    site.sync()
    yield site
    site.vendor("hubspot").search_lag = 0.0


def newcomer(on: Stage, system: str, title: str) -> str:
    """Somebody of whom the CRM has not heard inquires."""
    user = user_of(system, on)
    person = user.inquire(title)
    user.change(person, email=f"{person.split('/')[2].lower()}@fitting.com")  # the next one has the first's
    return person


def calls(on: Stage, system: str, since: int) -> list[str]:
    return [f"{each.method} {each.path}" for each in on.crms[system].requests.since(since)]


def shown(on: Stage, uid: str) -> dict[str, Any]:
    system, kind, record_id = uid.split("/")
    return on.records(system, kind)[record_id]


def nurtured(on: Stage, system: str) -> tuple[str, str]:
    """A company that one demo request makes a priority, and one of its contacts."""
    scores = {row["uid"]: row for row in on.rows(tables.scores)}
    for person in on.rows(tables.people, tables.people.c.connection == system):
        company = scores.get(person["account"] or "", {})
        able = person["kind"] == "contact" and person["email"] and not person["opted_out"] and not person["deleted"]
        if able and company.get("group") == "nurture":
            return str(person["account"]), str(person["uid"])
    raise AssertionError("the world has nobody to nurture")


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_new_record_is_scored_and_shows_it_before_any_search_knows_it(crms: Stage, system: str) -> None:
    crms.vendor("hubspot").search_lag = LAG
    person = newcomer(crms, system, "Chief Financial Officer")
    before = crms.crms[system].requests.next_index

    with door(crms) as worker:
        assert worker.send(person, verb="creation").json() == {"noticed": 1}
        report = worker.follow()

    (score,) = crms.rows(tables.scores, tables.scores.c.uid == person)
    assert float(shown(crms, person)[SCORE[system]]) == score["score"] / 1_000
    assert (report.counts["records_read"], report.counts["written"]) == (1, report.counts["planned"])
    assert len(calls(crms, system, before)) <= 6, "nothing else was read"


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_somebody_does_is_acted_on_at_once_and_only_once(crms: Stage, system: str) -> None:
    crms.vendor("hubspot").search_lag = LAG
    company, person = nurtured(crms, system)
    user = user_of(system, crms)
    visits = [user.visit(person, "pricing_page"), user.visit(person, "demo_request")]

    with door(crms) as worker:
        worker.send(*visits)
        report = worker.follow()
        assert [crossing.uid for crossing in report.crossings] == [company]
        _echo_of_our_own_writes_ends_there(crms, worker.send(company, person).status_code, worker.follow())

    did_nothing(crms.sync())
    crms.advance(round(LAG))
    did_nothing(crms.sync())


def _echo_of_our_own_writes_ends_there(on: Stage, status: int, report: Any) -> None:
    assert (status, report.counts["noticed"]) == (200, 2)
    assert [report.counts[name] for name in ("records_changed", "scored", "planned", "written")] == [0, 0, 0, 0]


def test_an_index_that_still_shows_the_former_state_undoes_nothing(crms: Stage) -> None:
    """Read by id, written, then searched: the search answers with the company as it was."""
    company, _ = nurtured(crms, "hubspot")
    user_of("hubspot", crms).change(company, name="As it was")
    crms.advance(1)
    crms.vendor("hubspot").search_lag = LAG
    user_of("hubspot", crms).change(company, industry="Gambling", name="As it is")

    with door(crms) as worker:
        worker.send(company)
        assert worker.follow().counts["records_changed"] == 1
    crms.sync()

    (row,) = crms.rows(tables.accounts, tables.accounts.c.uid == company)
    assert row["name"] == "As it is"
    crms.advance(round(LAG) + 60)
    did_nothing(crms.sync())


@pytest.mark.parametrize("system", SYSTEMS)
def test_twice_late_in_any_order_or_not_at_all_the_end_is_the_same(crms: Stage, system: str) -> None:
    """Creation after deletion, the same events again, some lost: what is stored is what the CRM holds."""
    checker, user = Checker(crms), user_of(system, crms)
    company, _ = nurtured(crms, system)
    kept, gone = newcomer(crms, system, "CFO"), newcomer(crms, system, "Student")
    user.delete(gone)
    user.change(company, industry="Retail")

    with door(crms) as worker:
        for sent in ((gone, company), (kept,), (kept, gone), (company, kept)):
            worker.send(*sent, verb="deletion" if gone in sent else "creation")
            worker.follow()
    lost = user.visit(kept, "demo_request")
    assert not crms.rows(tables.activities, tables.activities.c.uid == lost)

    assert crms.sync().report.failures == {}
    checker.check("sync")
    did_nothing(crms.sync())


@pytest.mark.parametrize("system", SYSTEMS)
def test_forged_changed_and_replayed_requests_are_refused(crms: Stage, system: str) -> None:
    company, _ = nurtured(crms, system)
    body = body_of(system, [company], at=crms.now)
    genuine = signed(system, body, at=crms.now)
    attempts: Sequence[tuple[bytes, dict[str, str]]] = (
        (body, {}),
        (body, signed(system, body, at=crms.now, secret="guessed")),
        (body.replace(company.split("/")[2].encode(), b"1" * 18), genuine),
        (body, signed(system, body, at=crms.now - 3_600)),
    )

    with door(crms) as worker:
        answers = [post(worker.base, system, *attempt) for attempt in attempts]
        assert [answer.status_code for answer in answers] == [401] * 4
        assert crms.rows(tables.notices) == []
        assert post(worker.base, system, body, genuine).status_code == 200


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_storm_costs_what_one_event_of_each_record_costs(crms: Stage, system: str) -> None:
    company, person = nurtured(crms, system)
    user_of(system, crms).change(company, name="Renamed")
    before = crms.crms[system].requests.next_index

    with door(crms) as worker:
        for _ in range(5):
            assert worker.send(*[company, person] * 50).json() == {"noticed": 2}
        counts = worker.follow().counts

    assert (counts["noticed"], counts["records_read"]) == (2, 2)
    assert len(calls(crms, system, before)) <= 8


def test_killed_after_it_took_a_webhook_the_next_start_reads_the_record(crms: Stage) -> None:
    crms.vendor("hubspot").search_lag = LAG
    person = newcomer(crms, "hubspot", "CFO")
    with door(crms) as worker:
        assert worker.send(person).status_code == 200

    assert crms.sync().counts["noticed"] == 1
    assert crms.rows(tables.scores, tables.scores.c.uid == person)


@pytest.mark.parametrize("system", SYSTEMS)
def test_senders_that_lose_double_and_shuffle_make_no_difference(crms: Stage, system: str) -> None:
    """The sandbox sends what the vendor sends, for people's edits and for our own writes, and that badly.

    Every write of ours causes webhooks: the worker comes to rest all the same.
    """
    checker, user, rounds = Checker(crms), user_of(system, crms), 0
    company, person = nurtured(crms, system)
    sender = {"salesforce": "callouts", "hubspot": "webhooks"}[system]
    out = getattr(crms.vendor(system), sender).out
    with badly_sent(crms, system) as worker:
        user.visit(person, "demo_request")
        user.change(company, industry="Retail")
        user.change(newcomer(crms, system, "CFO"), title="Student")
        user.delete(user.hire(company, "Intern"))
        user.meet("VP Finance")
        out.wait()
        while notices_of(crms):
            rounds += 1
            worker.follow()
            out.wait()

    assert 2 <= rounds <= 4
    assert crms.sync().report.failures == {}
    checker.check("sync")
    did_nothing(crms.sync())


@contextmanager
def badly_sent(on: Stage, system: str) -> Iterator[Door]:
    """The system's own sender sends to a door that no proxy stands before."""
    control = on.vendor(system).controls()["webhooks"]  # the stage's gate passes on what vendors serve, not this
    with_webhooks(on, public_url=None)
    try:
        with door(on) as worker:
            badly = {"batch": 4, "double": 0.3, "lose": 0.2, "shuffle": True, "seed": 7}
            url = f"{worker.base}/webhooks/{system}"
            control("POST", {"url": url, "secret": SECRETS[system], **badly})
            yield worker
    finally:
        control("DELETE", None)
        with_webhooks(on)


def notices_of(on: Stage) -> list[dict[str, Any]]:
    return on.rows(tables.notices)


def test_the_worker_itself_follows_a_webhook_and_says_so(crms: Stage) -> None:
    """`leadline run` as a process, on a schedule that is far away."""
    crms.vendor("hubspot").search_lag = LAG
    with running(crms) as said:
        base = until(said, "serving health on ").split()[3].removesuffix("/healthz;")
        assert f"taking webhooks on {PUBLIC}/webhooks/hubspot" in until(said, "webhooks/hubspot")
        until(said, "sync_done")
        person = newcomer(crms, "hubspot", "CFO")
        body = body_of("hubspot", [person], at=crms.now, verb="creation")

        assert post(base, "hubspot", body, signed("hubspot", body, at=crms.now)).status_code == 200
        followed = json.loads(until(said, "webhooks_followed"))
        health = httpx.get(f"{base}/healthz").json()

    assert (followed["noticed"], followed["records_read"]) == (1, 1)
    assert shown(crms, person)["leadline_score"]
    assert (health["status"], health["runs"], health["webhook_runs"], health["webhooks"]["pending"]) == ("ok", 1, 1, 0)


@contextmanager
def running(on: Stage) -> Iterator[Iterator[str]]:
    """`leadline run`, until the end of the block; what it says on stderr, line by line."""
    process = subprocess.Popen(
        on.command("run"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=worker_environment()
    )
    watch = threading.Timer(STUCK, process.kill)
    watch.start()
    try:
        assert process.stderr is not None
        yield iter(process.stderr.readline, "")
        process.terminate()
        process.communicate()
        assert process.returncode == 0
    finally:
        watch.cancel()
        process.kill()
        process.wait()


def until(said: Iterator[str], word: str) -> str:
    """The next line with this word."""
    return next(line for line in said if word in line)


# Doctor


def test_doctor_tells_whether_webhooks_are_taken_and_where(crms: Stage) -> None:
    found = examine(config.load(crms.folder, now=crms.now))
    told = {one.part: one.finding for one in found if one.finding.what == "webhooks"}

    assert {name: (finding.ok, finding.detail) for name, finding in told.items()} == {
        name: (True, f"taken on {PUBLIC}/webhooks/{name}") for name in SYSTEMS
    }
