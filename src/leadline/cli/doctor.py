"""`leadline doctor`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from leadline.cli import options, output
from leadline.sdk.errors import ConfigError

if TYPE_CHECKING:
    from rich.table import Table

    from leadline.app.doctor import Examined


def doctor() -> int:
    """Check settings, credentials, permissions and mappings, and say what to fix.

    Signs in to every connection, reads its schema, compares it with the mapping. Writes nothing.
    Ends with an error when anything needs mending.
    """
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
    if options.current().json:
        output.show(answer)
        return ConfigError.exit_code if bad else 0
    output.show(answer, findings_table(found))
    if bad:
        raise ConfigError(f"{bad} of {len(found)} checks failed", fix="Mend what is marked `no`, then run it again.")
    output.out().print("Everything is well. Next: leadline backfill --dry-run")
    return 0


def findings_table(found: Sequence[Examined]) -> Table:
    """The findings, a row each."""
    made = output.table("", "of", "what", "finding", "what to do")
    for item in found:
        mark = "[green]ok[/]" if item.finding.ok else "[red]no[/]"
        made.add_row(mark, item.part, item.finding.what, item.finding.detail, item.finding.fix)
    return made
