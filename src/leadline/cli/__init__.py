"""The command line: one module per command or group of commands, imported when it is used.

`COMMANDS` is the table of what exists. A row `sync` means that `leadline/cli/sync.py` holds `sync`,
which is either a function (a command) or a `typer.Typer` (a group, whose docstring is its
callback's). The first line of the docstring equals the summary in the table; a test says so.

Commands hold no logic and know nothing of exit codes: they raise, and `main` turns what they raise
into one line on stderr and a code. The options of `leadline.cli.options` are added to every command
here, so that they may stand anywhere on the line; commands read them with `options.current()`.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from leadline import allocator
from leadline.cli import errors, options

COMMANDS: dict[str, str] = {
    "init": "Set up a project folder: settings, mappings, scoring model.",
    "doctor": "Check settings, credentials, permissions and mappings, and say what to fix.",
    "sync": "Read what changed, score it, decide, and write back what differs.",
    "backfill": "Read and score a whole CRM once; dry run first, resumable.",
    "run": "Sync on a schedule and after webhooks until stopped.",
    "explain": "Show how one record got its score, point by point.",
    "score": "Score everything from stored facts, now or as of an earlier time.",
    "queue": "List the records to work on next, best first.",
    "outbox": "Look at what could not be written, and try it again.",
    "mappings": "Check field mappings, offline or against the live CRM.",
    "model": "Check, try and compare scoring models.",
    "connectors": "List the installed connectors and what each can do.",
    "sandbox": "Serve a local stand-in for a CRM until stopped.",
    "demo": "Show the whole loop on two local CRMs.",
}


class LazyGroup(TyperGroup):
    """A group that lists its commands from `COMMANDS` and imports one when it is called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands.update({name: TyperCommand(name, help=summary) for name, summary in COMMANDS.items()})
        self.params = [*options.parameters(of_root=True), *self.params]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command named first in `args`; from here on it is the real one."""
        if args and args[0] in COMMANDS:
            self.commands[args[0]] = load(args[0])
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="leadline",
    cls=LazyGroup,
    help="Sounds a CRM: scores its records, says why, and makes the CRM act on it.",
    epilog="Exit codes and examples: docs/commands.md",
    add_completion=False,
)


@app.callback()
def root() -> None:
    """Take the options that stand before the command; their callbacks have done so already."""


def load(name: str) -> TyperCommand | TyperGroup:
    """Import the command called `name`, with the options that every command takes.

    `KeyError` when the table has no such row.
    """
    summary = COMMANDS[name]
    held = getattr(importlib.import_module(f"leadline.cli.{name}"), name)
    if not isinstance(held, typer.Typer):
        single = typer.Typer(add_completion=False)
        single.command(name)(held)
        held = single
    command = get_command(held)
    if not isinstance(command, TyperCommand | TyperGroup):
        raise TypeError(f"leadline.cli.{name}.{name} is neither a command nor a group")
    command.name = name
    command.short_help = summary
    _finish(command)
    return command


def _finish(command: Any) -> None:
    """Give a command, and those below it, the shared options and a help text that fits any width."""
    own = [parameter for parameter in command.params if not parameter.name.endswith("_completion")]
    command.params = [*own, *options.parameters()]
    paragraphs = (command.help or "").split("\n\n")
    command.help = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    for child in getattr(command, "commands", {}).values():
        _finish(child)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code. What goes wrong is said on stderr, in one line."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    allocator.share()
    allocator.collect_seldom()
    with options.fresh():
        try:
            result = get_command(app)(args=words or ["--help"], prog_name="leadline", standalone_mode=False)
        except errors.handled() as error:
            return errors.report(error, as_json=options.current().json or "--json" in words)
    return result if isinstance(result, int) else 0
