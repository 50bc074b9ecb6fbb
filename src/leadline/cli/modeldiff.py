"""`leadline model diff`: the command, and how its answer is shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.cli import options, output
from leadline.cli.output import Column

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from leadline.app.modeldiff import ModelDiff, Mover
    from leadline.core.scoring.model import Model

_TOP_RULES = 10
_RULES = (
    Column("rule behind the moves"),
    Column("records", right=True, whole=True),
    Column("up", right=True, whole=True),
    Column("down", right=True, whole=True),
)
_MOVERS = (
    Column("record"), Column("was"), Column("becomes"), Column("score", whole=True), Column("why"),
)  # fmt: skip
_WHAT = "A model file, `active`, or the digest of a model that was in use."


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help=_WHAT)],
    b: Annotated[str, typer.Argument(metavar="B", help="The model to put in its place.")],
    limit: Annotated[int, typer.Option(min=0, max=1000, help="How many of the records that change to show.")] = 20,
    table: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write every record that changes there.")
    ] = None,
) -> None:
    """Show who changes group between two models, by how much and why.

    Scores everything that is stored by both, each record from the group in which it stands. Writes nothing to the
    database and to no CRM.

    Examples:

    leadline model diff active models/b2b-new.yaml

    leadline model diff 0c8bfe47c063 active --limit 50 --csv moves.csv
    """
    from leadline.app.bootstrap import open_project
    from leadline.app.modeldiff import diff_models
    from leadline.app.models import find_model
    from leadline.app.survey import count_surveyed

    with open_project(options.current().settings(), connected=False) as project, output.counting("score") as count:
        models = (find_model(project, a), find_model(project, b))
        count.total(count_surveyed(project))
        found = diff_models(project, models, limit=limit, table=table, looked_at=count.add)
    output.show(_answer(found, table), *_lines(found, limit, table))


def _answer(found: ModelDiff, table: Path | None) -> dict[str, Any]:
    return {
        "a": _named(found.models[0]),
        "b": _named(found.models[1]),
        "records": found.records,
        "changed_group": found.changed_group,
        "changed_score": found.changed_score,
        "matrix": [
            {"entity": entity, "from": old, "to": new, "records": count}
            for (entity, old, new), count in sorted(found.matrix.items())
        ],
        "moves": {"lowest": found.quantile(0), "median": found.quantile(50), "highest": found.quantile(100)},
        "rules": [
            {"rule": rule, "part": part, "name": share.name, "records": share.records, "up": share.up,
             "down": share.down}
            for (part, rule), share in found.top_rules(_TOP_RULES)
        ],
        "changes": [_mover(mover) for mover in found.movers],
        "csv": table,
    }  # fmt: skip


def _named(model: Model) -> dict[str, str]:
    return {"name": model.name, "digest": model.digest}


def _mover(mover: Mover) -> dict[str, Any]:
    return {
        "uid": mover.uid,
        "entity": mover.entity,
        "name": mover.name,
        "from": mover.groups[0],
        "to": mover.groups[1],
        "score_before": mover.scores[0],
        "score_after": mover.scores[1],
        "why": [{"name": name, "points": points} for name, points in mover.why],
    }


def _lines(found: ModelDiff, limit: int, table: Path | None) -> list[RenderableType]:
    old, new = found.models
    lines: list[RenderableType] = [
        f"{old.name} {old.digest[:12]} → {new.name} {new.digest[:12]}: of {found.records:,} records "
        f"{found.changed_group:,} change group, {found.changed_score:,} change score"
    ]
    if not found.changed_score and not found.changed_group:
        return lines
    lines += [_matrix(found, entity) for entity in ("account", "person") if _entity_moves(found, entity)]
    if found.changed_score:
        low, middle, high = found.quantile(0), found.quantile(50), found.quantile(100)
        lines.append(f"Scores that move: by {middle:+} in the middle, from {low:+} to {high:+}.")
    lines.append(_rules(found))
    if found.movers:
        lines.append(_movers(found, limit))
    if table is not None:
        lines.append(f"All that change are in {table}.")
    return lines


def _entity_moves(found: ModelDiff, entity: str) -> bool:
    return any(kind == entity and old != new for kind, old, new in found.matrix)


def _matrix(found: ModelDiff, entity: str) -> Table:
    """Groups before down, groups after across; what stays stands on the diagonal."""
    cells = {(old, new): count for (kind, old, new), count in found.matrix.items() if kind == entity}
    order = found.group_order()
    before = [name for name in order if any(old == name for old, _ in cells)]
    after = [name for name in order if any(new == name for _, new in cells)]
    title = {"account": "accounts", "person": "people"}[entity]
    columns = [Column(f"{title}: from \\ to"), *(Column(_words(name), right=True) for name in after)]
    rows = [
        (_words(old), *(_cell(cells.get((old, new), 0), stays=old == new) for new in after))
        for old in before
    ]  # fmt: skip
    return output.grid(columns, rows)


def _cell(count: int, *, stays: bool) -> str:
    if not count:
        return ""
    return f"[dim]{count:,}[/]" if stays else f"[bold]{count:,}[/]"


def _rules(found: ModelDiff) -> Table:
    from rich.markup import escape

    from leadline.core.scoring.explain import points_text

    rows = [
        (
            escape(share.name),
            f"{share.records:,}",
            points_text(share.up) if share.up else "",
            points_text(share.down) if share.down else "",
        )
        for _, share in found.top_rules(_TOP_RULES)
    ]
    return output.grid(_RULES, rows)


def _movers(found: ModelDiff, limit: int) -> Table:
    from rich.markup import escape

    from leadline.core.scoring.model import POINT

    rows = [
        (
            escape(mover.name or mover.uid),
            _words(mover.groups[0]),
            _words(mover.groups[1]) if mover.groups[0] != mover.groups[1] else "",
            f"{mover.scores[0] // POINT} → {mover.scores[1] // POINT}",
            escape(mover.reasons()),
        )
        for mover in found.movers
    ]
    more = max(found.changed_score, found.changed_group) > limit
    return output.grid(_MOVERS, rows, title=f"Who changes{f', the first {limit}' if more else ''}")


def _words(group: str) -> str:
    return group.replace("_", " ")
