"""Whether the mappings fit their CRMs: found out before the first record is read, not after.

A misspelt field would otherwise be read as empty, or be refused row by row. Asking takes a call per
object, so what fits is remembered: a mapping is compared again when its content or the connection's
options have changed, when the CRM refuses a query that it took before, and by `leadline doctor` and
`leadline mappings check` always.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from leadline.app.mappings import check_mapping
from leadline.store.checks import load_check, save_check
from leadline.yamlfile import FileError, Located

if TYPE_CHECKING:
    from leadline.app.bootstrap import LiveConnection, Project
    from leadline.core.normalize.check import Problem


def require_fitting(project: Project) -> None:
    """Compare every mapping that is new or changed with its CRM, all connections at once.

    ConfigError naming file and line of the first problem, and the lines of the others. A CRM that
    cannot be asked raises as it does for any call: nothing is begun with a mapping that was never
    compared.
    """
    with project.reading().begin() as connection:
        unknown = [live for live in project.connections.values() if load_check(connection, live.name) != live.digest]
    if not unknown:
        return
    with ThreadPoolExecutor(max_workers=len(unknown), thread_name_prefix="check") as threads:
        answers = list(threads.map(_problems, unknown))
    for problems in answers:
        if problems:
            raise FileError([Located(each.place, "", each.message, each.fix) for each in problems])
    with project.writing() as connection:
        for live in unknown:
            save_check(connection, live.name, live.digest, now=project.now())


def _problems(live: LiveConnection) -> list[Problem]:
    return check_mapping(live.mapping, live.mapping.document.name, live.connection)
