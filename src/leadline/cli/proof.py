"""`leadline doctor --reconcile`: the proof that nothing is lost, as a person and as a machine read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from leadline.cli import errors, options, output
from leadline.cli.output import Column
from leadline.sdk.errors import ConfigError

if TYPE_CHECKING:
    from rich.progress import TaskID
    from rich.table import Table

    from leadline.app.reconciling import Checked, Fault, Gap, Line, Proof

_DAY = 86_400


def prove(*, sample: int | None, seed: int | None, mend: bool) -> int:
    """Prove, and tell: exit code 2 when something is wrong, that of the failure when a CRM could not be asked."""
    from leadline.app import reconciling
    from leadline.app.bootstrap import open_project
    from leadline.app.stopping import StoppedError
    from leadline.cli.interrupt import stoppable

    settings = options.current().settings()
    drawn = settings.clock()() // _DAY if seed is None else seed
    with stoppable() as stop, open_project(settings, sleep=stop.sleep) as project, _Bars() as bars:

        def heard(checked: Checked) -> None:
            bars(checked)
            if stop.asked:
                raise StoppedError

        proof = reconciling.reconcile(project, heard, sample=sample, seed=drawn, mend=mend)
    return _close(proof, mend=mend)


def _close(proof: Proof, *, mend: bool) -> int:
    answer = _answer(proof)
    shown = [_lines_table(proof.lines)]
    shown += [_faults_table(proof.faults)] if proof.faults else []
    shown += [_gaps_table(proof.gaps)] if proof.gaps else []
    if proof.failure is not None:
        return errors.failing(answer, proof.failure, *shown)
    if proof.faults:
        again = "What to do stands below each line."
        if mend:
            again = f"Marked to be read again by the next `leadline sync`: {proof.mended:,}."
        return errors.failing(answer, ConfigError(_wrong(proof), fix=again), *shown)
    said = "Nothing is wrong." if not proof.gaps else "Nothing is wrong in what could be proved."
    output.show(answer, *shown, f"{said} `--sample all` compares everything." if proof.partial else said)
    return 0


def _wrong(proof: Proof) -> str:
    objects = len({(each.connection, each.object) for each in proof.faults})
    return f"what is stored differs from the CRM in {objects} of {len(proof.lines)} objects"


def _answer(proof: Proof) -> dict[str, Any]:
    return {
        "ok": not proof.faults,
        "seed": proof.seed,
        "objects": proof.lines,
        "faults": proof.faults,
        "not_proved": proof.gaps,
        "mended": proof.mended,
    }


_NUMBERS = ("in the CRM", "stored", "sampled", "equal", "changed since", "wrong")
_LINES = (Column("connection", cut=16), Column("object", whole=True), *(Column(name, right=True) for name in _NUMBERS))
_PLACE = (Column("connection", cut=16), Column("object", whole=True))
_FAULTS = (*_PLACE, Column("wrong", whole=True), Column("records", right=True, whole=True), Column("what it is"))
_GAPS = (*_PLACE, Column("not proved"))


def _lines_table(lines: Sequence[Line]) -> Table:
    rows = []
    for line in lines:
        counts = (line.in_crm, line.stored, line.sampled, line.equal, line.changed, line.wrong)
        shown = ["–" if count is None else f"{count:,}" for count in counts]
        shown[-1] = f"[red]{shown[-1]}[/]" if line.wrong else shown[-1]
        rows.append((line.connection, line.object, *shown))
    return output.grid(_LINES, rows)


def _faults_table(faults: Sequence[Fault]) -> Table:
    from rich.markup import escape

    rows = []
    for fault in faults:
        some = ", ".join(fault.ids) + (", …" if fault.records > len(fault.ids) else "")
        told = f"{escape(fault.detail)}{f': {escape(some)}' if fault.ids else ''}\n[cyan]→ {escape(fault.fix)}[/]"
        rows.append((fault.connection, fault.object, f"[red]{escape(fault.what)}[/]", f"{fault.records:,}", told))
    return output.grid(_FAULTS, rows)


def _gaps_table(gaps: Sequence[Gap]) -> Table:
    from rich.markup import escape

    return output.grid(_GAPS, [(gap.connection, gap.object, escape(gap.reason)) for gap in gaps])


class _Bars:
    """A bar for each object that is being compared."""

    def __init__(self) -> None:
        self._bars = output.progress()
        self._task: tuple[str, TaskID] | None = None
        self._done = 0

    def __enter__(self) -> _Bars:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def __call__(self, checked: Checked) -> None:
        name = f"{checked.connection} {checked.object}"
        if self._task is None or self._task[0] != name:
            if self._task is not None:
                self._bars.remove_task(self._task[1])
            self._task, self._done = (name, self._bars.add_task(name, total=checked.total, done="")), 0
        self._done += checked.records
        self._bars.update(self._task[1], completed=self._done, done=f"{self._done:,}")
