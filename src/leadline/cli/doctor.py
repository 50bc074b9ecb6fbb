"""`leadline doctor`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

import typer

from leadline.cli import errors, options, output
from leadline.cli.output import Column
from leadline.sdk.errors import ConfigError

if TYPE_CHECKING:
    from rich.table import Table

    from leadline.app.doctor import Examined

ALL = "all"


def doctor(
    reconcile: Annotated[
        bool, typer.Option("--reconcile", help="Compare what is stored with the CRMs instead: is anything lost?")
    ] = False,
    sample: Annotated[
        str | None,
        typer.Option("--sample", metavar="N|all", help="Rows of each object to read again. \\[default: 200]"),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Draw the sample of this number. \\[default: another one each day]")
    ] = None,
    mend: Annotated[
        bool, typer.Option("--mend", help="Have the next sync read by id what was found to be wrong.")
    ] = False,
) -> int:
    """Check settings, credentials, permissions and mappings, and say what to fix.

    Signs in to every connection, reads its schema, compares it with the mapping; looks whether the
    model's plays find their owners and sequences. Writes nothing to a CRM. Ends with an error when
    anything needs mending.

    With --reconcile it compares what is stored with what the CRMs hold: by their counts, and by the
    contents of a sample of records. It names what is missing or wrong, and what could not be proved.

    Examples:

    leadline --project acme doctor

    leadline doctor --reconcile --sample all
    """
    if reconcile:
        from leadline.cli.proof import prove

        return prove(sample=_size(sample), seed=seed, mend=mend)
    said = [
        name for name, value in (("--sample", sample), ("--seed", seed), ("--mend", mend or None)) if value is not None
    ]
    if said:
        raise typer.BadParameter(f"{said[0]} belongs to --reconcile.")
    from leadline.app.doctor import examine

    found = list(examine(options.current().settings()))
    bad = sum(not item.finding.ok for item in found)
    answer = {
        "ok": bad == 0,
        "findings": [
            {"part": item.part, "ok": item.finding.ok, "what": item.finding.what, "detail": item.finding.detail,
             "fix": item.finding.fix}
            for item in found
        ],
    }  # fmt: skip
    if bad:
        what = f"{bad} of {len(found)} checks failed"
        error = ConfigError(what, fix="Mend what is marked `no`, then run it again.")
        return errors.failing(answer, error, findings_table(found))
    output.show(answer, findings_table(found), "Everything is well. Next: leadline backfill --dry-run")
    return 0


def _size(sample: str | None) -> int | None:
    """The size of the sample, None for everything."""
    if sample is None:
        from leadline.app.reconciling import SAMPLE

        return SAMPLE
    if sample == ALL:
        return None
    if sample.isdecimal() and int(sample) > 0:
        return int(sample)
    raise typer.BadParameter(f"--sample takes a number of rows from 1 on, or '{ALL}', not '{sample}'.")


_COLUMNS = (Column("", whole=True), Column("of", cut=16), Column("what", whole=True), Column("finding"))


def findings_table(found: Sequence[Examined]) -> Table:
    """The findings, a row each, by what they are of; what to do stands below what is wrong."""
    from rich.markup import escape

    rows = []
    for number, item in enumerate(found):
        finding = item.finding
        first = number == 0 or found[number - 1].part != item.part
        fix = "" if finding.ok or not finding.fix else f"\n[cyan]→ {escape(finding.fix)}[/]"
        mark = "[green]ok[/]" if finding.ok else "[red]no[/]"
        rows.append((mark, item.part if first else "", escape(finding.what), escape(finding.detail) + fix))
    made = output.grid(_COLUMNS, rows)
    for row, (item, following) in zip(made.rows, pairwise(found), strict=False):
        row.end_section = item.part != following.part
    return made
