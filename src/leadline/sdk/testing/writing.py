"""What the suite claims about writing: an outcome for every effect, which is the truth; nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from leadline.sdk.errors import LeadlineError, UnknownOutcomeError
from leadline.sdk.records import (
    NOT_APPLIED,
    CreateTask,
    Effect,
    Enrol,
    JoinList,
    Outcome,
    RecordRef,
    RowOutcome,
    UpdateFields,
)
from leadline.sdk.sandbox.vendor import Lagging
from leadline.sdk.testing.claims import claim, some
from leadline.sdk.testing.trouble import TROUBLES, Trouble

if TYPE_CHECKING:
    from leadline.sdk.ports import Connection, Connector
    from leadline.sdk.testing.lab import Lab
    from leadline.sdk.testing.subjects import Subject

_DONE = frozenset({Outcome.WRITTEN, Outcome.UNCHANGED})


class WritingChecks:
    """Checks of push and find. Mixed into `ConnectorSuite`. What the capabilities say cannot be done is skipped."""

    connector: Connector

    def main(self, lab: Lab) -> Subject:
        """The object that most is tried on."""
        raise NotImplementedError

    def skip(self, reason: str) -> None:
        """Leave this check, with a reason."""
        raise NotImplementedError

    def test_an_outcome_for_each_effect_in_order(self, lab: Lab) -> None:
        """A full batch, records in no order: as many outcomes, each with its effect's key, and the values are there."""
        size = self._writes(lab)
        effects = self._updates(lab, size, "in order")
        outcomes = lab.connect().push(effects)
        _claim_in_order(effects, outcomes)
        bad = [outcome for outcome in outcomes if outcome.outcome is not Outcome.WRITTEN]
        claim(not bad, f"{len(bad)} good updates were not written: {some(bad)}")
        _claim_truth(lab, self.main(lab), effects, outcomes)

    def test_a_refused_row_stands_alone(self, lab: Lab) -> None:
        """Two rows of a batch are refused by the system: those two, with code and words, and no other."""
        self._writes(lab)
        effects = self._updates(lab, 6, "refused or not")
        refused = {effects[1].key, effects[4].key}
        ids = [effect.target.id for effect in effects if effect.key in refused]
        lab.surface.fault(object=self.main(lab).object, ids=ids, code="SUITE_SAYS_NO", message="The suite says no.")
        outcomes = lab.connect().push(effects)
        _claim_in_order(effects, outcomes)
        said = {outcome.key for outcome in outcomes if outcome.outcome is Outcome.REFUSED}
        claim(said == refused, f"refused were {some(refused)}; the outcomes say {some(said) or 'none'}")
        silent = [
            o.key for o in outcomes if o.key in refused and not (o.refusal and o.refusal.code and o.refusal.message)
        ]
        claim(not silent, f"refused without the vendor's code and words: {some(silent)}")
        lab.surface.behave()
        _claim_truth(lab, self.main(lab), effects, outcomes)

    def test_the_same_update_again_harms_nothing(self, lab: Lab) -> None:
        """Written or unchanged, and the values stay."""
        self._writes(lab)
        effects, connection = self._updates(lab, 3, "twice"), lab.connect()
        connection.push(effects)
        outcomes = connection.push(effects)
        _claim_in_order(effects, outcomes)
        bad = [outcome for outcome in outcomes if outcome.outcome not in _DONE]
        claim(not bad, f"an update with what is there already ended as {some(bad)}")
        _claim_truth(lab, self.main(lab), effects, outcomes)

    def test_nothing_clears_a_field(self, lab: Lab) -> None:
        """None empties the field; it does not leave it alone."""
        self._writes(lab)
        subject, connection = self.main(lab), lab.connect()
        effects = self._updates(lab, 1, "to be cleared")
        connection.push(effects)
        (cleared,) = (UpdateFields("clear", each.target, dict.fromkeys(each.values)) for each in effects)
        (outcome,) = connection.push([cleared])
        if outcome.outcome is Outcome.REFUSED:
            self.skip(f"{subject.object}.{subject.text} may not be empty")
            return
        record = lab.fetched(subject, [cleared.target.id])[cleared.target.id]
        claim(not record.fields[subject.text or ""], "an update to None was written, and the value is still there")

    def test_an_update_of_a_deleted_record_is_refused(self, lab: Lab) -> None:
        """A row that is gone is a refused row, not an error of the batch."""
        self._writes(lab)
        effects = self._updates(lab, 3, "one is gone")
        lab.surface.edit("delete", self.main(lab).object, effects[1].target.id)
        outcomes = lab.connect().push(effects)
        _claim_in_order(effects, outcomes)
        found = [outcome.outcome for outcome in outcomes]
        claim(
            found == [Outcome.WRITTEN, Outcome.REFUSED, Outcome.WRITTEN],
            f"of three updates the middle one was of a deleted record; the outcomes are {found}",
        )

    def test_outcomes_of_updates_are_the_truth(self, lab: Lab) -> None:
        """Every kind of trouble at every call of a push: what is said, or found afterwards, is what happened."""
        self._writes(lab)
        subject, turn = self.main(lab), 0

        def attempt(connection: Connection, trouble: Trouble | None) -> int:
            nonlocal turn
            turn += 1
            effects = self._updates(lab, 3, f"turn {turn}")
            return _claim_honest(lab, connection, effects, trouble, lambda effect: _applied(lab, subject, effect))

        self._at_every_call(lab, attempt)

    def test_a_job_is_answered_as_a_batch_is(self, lab: Lab) -> None:
        """More updates than a batch, where the system takes them in one job: one outcome each, in order, and true."""
        size = self._writes(lab)
        if not self.connector.capabilities.bulk_batch:
            self.skip("the system takes no jobs")
            return
        subject = self.main(lab)
        living = sorted(lab.surface.truth(subject.object).living)
        missing = size + 1 - len(living)
        for number in range(missing):
            lab.surface.edit("create", subject.object, **{**(subject.new or {}), subject.text or "": f"more {number}"})
        effects = self._updates(lab, size + 1, "in a job")
        refused = effects[size // 2]
        lab.surface.fault(object=subject.object, ids=[refused.target.id], code="SUITE_SAYS_NO", message="No.")
        outcomes = lab.connect().push(effects)
        lab.surface.behave()
        _claim_in_order(effects, outcomes)
        said = [outcome.key for outcome in outcomes if outcome.outcome is Outcome.REFUSED]
        claim(said == [refused.key], f"one row of the job was refused; the outcomes say {some(said) or 'none'}")
        _claim_truth(lab, subject, effects, outcomes)

    # --- created once

    def test_a_task_is_created_once(self, lab: Lab) -> None:
        """Pushed twice under one key, also by two connections: one task, both times with its id."""
        self._tasks()
        before, task = lab.surface.count(), self._task(lab, "once")
        (first,) = lab.connect().push([task])
        (second,) = lab.connect().push([task])
        claim(first.outcome is Outcome.WRITTEN, f"a good task ended as {first}")
        claim(second.outcome in _DONE, f"the same task again ended as {second}")
        made = lab.surface.count() - before
        claim(made == 1, f"one task pushed twice made {made} records")
        claim(
            bool(first.record_id) and first.record_id == second.record_id,
            f"the outcomes name the task {first.record_id!r}, then {second.record_id!r}",
        )
        (found,) = lab.connect().find([task])
        claim(found.outcome is Outcome.WRITTEN, f"find() says of a task that is there: {found}")
        (absent,) = lab.connect().find([self._task(lab, "never")])
        _claim_not_applied(absent)

    def test_a_lagging_search_doubles_no_task(self, lab: Lab) -> None:
        """The same task twice while search does not show the first: one task."""
        self._tasks()
        if not isinstance(lab.sandbox.vendor, Lagging):
            self.skip("this sandbox has no search index that lags")
        lab.surface.ask("search", {"lag_seconds": 60})
        before, task = lab.surface.count(), self._task(lab, "lagging")
        outcomes = [lab.connect().push([task])[0] for _ in range(2)]
        claim(all(each.outcome in _DONE for each in outcomes), f"one task pushed twice ended as {outcomes}")
        made = lab.surface.count() - before
        claim(made == 1, f"one task pushed twice while search lags made {made} records")

    def test_tasks_come_in_batches(self, lab: Lab) -> None:
        """A full batch of tasks, one of which is there already: one outcome each, in order, one task each."""
        size = min(self._tasks(), 50)
        connection, before = lab.connect(), lab.surface.count()
        effects = [self._task(lab, f"batch {number}") for number in range(size)]
        connection.push([effects[size // 2]])
        outcomes = connection.push(effects)
        _claim_in_order(effects, outcomes)
        bad = [outcome for outcome in outcomes if outcome.outcome not in _DONE]
        claim(not bad, f"{len(bad)} good tasks were not written: {some(bad)}")
        made = lab.surface.count() - before
        claim(made == size, f"{size} tasks made {made} records")

    def test_outcomes_of_tasks_are_the_truth(self, lab: Lab) -> None:
        """Every kind of trouble at every call of a push: what is said is what happened, and again makes no second."""
        self._tasks()
        turn = 0

        def attempt(connection: Connection, trouble: Trouble | None) -> int:
            nonlocal turn
            turn += 1
            before, task = lab.surface.count(), self._task(lab, f"turn {turn}")
            calls = _claim_honest(lab, connection, [task], trouble, lambda _: lab.surface.count() == before + 1)
            (again,) = lab.connect().push([task])
            claim(again.outcome in _DONE, f"a task pushed again after {_name(trouble)} ended as {again}")
            made = lab.surface.count() - before
            claim(made == 1, f"a task pushed again after {_name(trouble)} is there {made} times")
            return calls

        self._at_every_call(lab, attempt)

    def test_nobody_is_enrolled_twice(self, lab: Lab) -> None:
        """Enrolled, then unchanged; find says so. Needs a person and a sequence, which the sandbox names."""
        if not self.connector.capabilities.enrol_batch:
            self.skip("the system has no sequences")
        person, sequence = self._told(lab, "person"), self._told(lab, "sequence")
        effect = Enrol("enrol", RecordRef(*person), sequence, lab.told.get("owner"), lab.told.get("sender_email"))
        self._once(lab, effect)

    def test_nobody_joins_a_list_twice(self, lab: Lab) -> None:
        """Joined, then unchanged; find says so. Needs a record and a list, which the sandbox names."""
        if not self.connector.capabilities.list_batch:
            self.skip("the system has no lists")
        self._once(lab, JoinList("join", RecordRef(*self._told(lab, "person")), self._told(lab, "list")))

    def _once(self, lab: Lab, effect: Effect) -> None:
        connection = lab.connect()
        _claim_not_applied(connection.find([effect])[0])
        (first,) = connection.push([effect])
        (second,) = connection.push([effect])
        claim(first.outcome is Outcome.WRITTEN, f"the first time ended as {first}")
        claim(second.outcome in _DONE, f"the second time ended as {second}")
        (found,) = connection.find([effect])
        claim(found.outcome in _DONE, f"find() says of what was done: {found}")

    # --- tools

    def _writes(self, lab: Lab) -> int:
        """The size of a batch of updates. Skips when there are none."""
        size = self.connector.capabilities.update_batch
        if not size:
            self.skip("the system cannot be written to")
        if self.main(lab).text is None:
            self.skip("the sandbox has no object with a text that can be written")
        return size

    def _tasks(self) -> int:
        size = self.connector.capabilities.task_batch
        if not size:
            self.skip("the system has no tasks")
        return size

    def _told(self, lab: Lab, key: str) -> Any:
        if key not in lab.told:
            self.skip(f"the sandbox's conformance() names no {key!r}")
        return lab.told[key]

    def _updates(self, lab: Lab, size: int, mark: str) -> list[UpdateFields]:
        """Updates of different records, in no order of theirs."""
        subject = self.main(lab)
        ids = sorted(lab.surface.truth(subject.object).living)[:size]
        mixed = [*ids[1::2], *reversed(ids[::2])]
        return [
            UpdateFields(f"{mark}: {number}", RecordRef(subject.object, each), {subject.text or "": f"{mark} {number}"})
            for number, each in enumerate(mixed)
        ]

    def _task(self, lab: Lab, key: str) -> CreateTask:
        person = lab.told.get("person")
        return CreateTask(
            key=f"suite:{key}",
            subject=f"Call: {key}",
            body="Because the suite says so.",
            due_at=lab.now + 7_200,
            owner_id=lab.told.get("owner"),
            person=RecordRef(*person) if person else None,
            account=None,
        )

    def _at_every_call(self, lab: Lab, attempt: Callable[[Connection, Trouble | None], int]) -> None:
        """Try once undisturbed, then with each kind of trouble at each of the calls that it took."""
        connection = lab.connect()
        attempt(connection, None)
        calls = min(attempt(connection, None), 4)
        for trouble in TROUBLES:
            warm = lab.connect(timeout=trouble.timeout, attempts=3)
            attempt(warm, None)
            for skip in range(calls):
                lab.fault(Trouble(trouble.name, {**trouble.rule, "times": 1, "skip": skip}))
                attempt(warm, trouble)


def _name(trouble: Trouble | None) -> str:
    return trouble.name if trouble else "no trouble"


def _claim_in_order(effects: Sequence[Effect], outcomes: Sequence[RowOutcome]) -> None:
    claim(len(outcomes) == len(effects), f"{len(effects)} effects were answered by {len(outcomes)} outcomes")
    wrong = [(e.key, o.key) for e, o in zip(effects, outcomes, strict=True) if e.key != o.key]
    claim(not wrong, f"outcomes stand at the wrong places: {some(wrong)}")


def _claim_not_applied(outcome: RowOutcome) -> None:
    claim(
        outcome.outcome is Outcome.REFUSED and outcome.refusal is not None and outcome.refusal.code == NOT_APPLIED,
        f"find() of what was never done must be refused with code {NOT_APPLIED}; it is {outcome}",
    )


def _claim_truth(lab: Lab, subject: Subject, effects: Sequence[UpdateFields], outcomes: Sequence[RowOutcome]) -> None:
    records = lab.fetched(subject, [effect.target.id for effect in effects])
    for effect, outcome in zip(effects, outcomes, strict=True):
        shows = {name: records[effect.target.id].fields.get(name) for name in effect.values} == dict(effect.values)
        claim(shows == (outcome.outcome in _DONE), f"{outcome} was said; the record shows {records[effect.target.id]}")


def _applied(lab: Lab, subject: Subject, effect: Effect) -> bool:
    if not isinstance(effect, UpdateFields):
        raise TypeError(effect)
    fields: Mapping[str, object] = lab.fetched(subject, [effect.target.id])[effect.target.id].fields
    return all(fields.get(name) == value for name, value in effect.values.items())


def _claim_honest(
    lab: Lab,
    connection: Connection,
    effects: Sequence[Effect],
    trouble: Trouble | None,
    applied: Callable[[Effect], bool],
) -> int:
    """Push, and compare what is said with what is so; what is unknown is looked up with `find`.

    Returns the number of calls that the push made.
    """
    before = len(lab.calls)
    unknown = [RowOutcome(effect.key, Outcome.UNKNOWN) for effect in effects]
    certain = False
    try:
        outcomes = connection.push(effects)
    except UnknownOutcomeError:
        outcomes = unknown
    except LeadlineError:
        outcomes, certain = unknown, True
    except Exception as error:
        raise AssertionError(f"push() raised {error!r} for {_name(trouble)}") from error
    finally:
        lab.surface.behave()
    made = len(lab.calls) - before
    _claim_in_order(effects, outcomes)
    for effect, outcome in zip(effects, outcomes, strict=True):
        done = applied(effect)
        said = outcome.outcome
        if certain:
            claim(not done, f"push() raised an error for {_name(trouble)}, which says that nothing was applied; it was")
        elif said is Outcome.UNKNOWN:
            _claim_found(connection, effect, done, trouble)
        else:
            claim(
                done == (said in _DONE), f"with {_name(trouble)} the outcome is {outcome}; it was {_applied_word(done)}"
            )
    return made


def _claim_found(connection: Connection, effect: Effect, done: bool, trouble: Trouble | None) -> None:
    (found,) = connection.find([effect])
    if done:
        claim(found.outcome in _DONE, f"after {_name(trouble)} find() says {found}; it was applied")
    else:
        claim(found.outcome is Outcome.REFUSED, f"after {_name(trouble)} find() says {found}; it was not applied")
        _claim_not_applied(found)


def _applied_word(done: bool) -> str:
    return "applied" if done else "not applied"
