"""`leadline sandbox`: serve a local stand-in for a CRM until stopped."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leadline.cli import options, output
from leadline.sdk.errors import ConfigError

if TYPE_CHECKING:
    from leadline.sdk.sandbox.server import RunningSandbox
    from leadline.sdk.sandbox.world import World


def sandbox(
    system: Annotated[
        str, typer.Argument(metavar="SYSTEM", help="Which CRM: a connector's name, see `leadline connectors`.")
    ],
    *,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65_535, help="Port on 127.0.0.1; 0 takes any free one.")
    ] = 0,
    leads: Annotated[
        int, typer.Option("--leads", min=1, help="How many leads to generate, with all that belongs to them.")
    ] = 500,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Equal seeds give equal worlds.")] = 42,
    world: Annotated[
        Path | None,
        typer.Option(
            "--world",
            metavar="DIR",
            help="Serve the bundle in this folder, as `leadforge generate` writes it, instead of generating one. "
            "Nothing is added to it; --leads and --seed do not matter.",
        ),
    ] = None,
    accounts: Annotated[
        int | None,
        typer.Option("--accounts", min=0, help="Serve a crowd with so many accounts, made for size; see --contacts."),
    ] = None,
    contacts: Annotated[
        int | None,
        typer.Option("--contacts", min=0, help="Serve a crowd with so many contacts. --leads does not matter then."),
    ] = None,
    latency_ms: Annotated[
        float, typer.Option("--latency-ms", metavar="MS", min=0, help="Answer every call this much later.")
    ] = 0.0,
    jitter_ms: Annotated[
        float, typer.Option("--jitter-ms", metavar="MS", min=0, help="And up to this much later again, by chance.")
    ] = 0.0,
    tls: Annotated[
        bool, typer.Option("--tls", help="Serve HTTPS with a throwaway certificate; trust the printed ca_file.")
    ] = False,
) -> None:
    """Serve a local stand-in for a CRM until stopped.

    A real HTTP server on 127.0.0.1 that behaves like the vendor's API:
    sign-in, paging, limits, errors per row. It prints its base URL and the
    options of a connection to it, ready for leadline.yaml, and serves until
    SIGINT or SIGTERM. Nothing is kept: the next start begins with the same
    world again.

    With --now the sandbox's clock stands at that time until it is moved;
    without, it runs. Faults, the clock, the request log and a user's edits
    are under /__sandbox__/, see docs/sandbox.md.

    Examples:

    leadline sandbox SYSTEM --leads 5000 --port 8001

    leadline sandbox SYSTEM --world bundle --json

    leadline sandbox SYSTEM --accounts 200000 --contacts 1000000
    """
    from leadline import registry
    from leadline.sdk.sandbox.clock import SandboxClock
    from leadline.sdk.sandbox.server import serve_forever

    factory = registry.sandbox(system)
    now = _now()
    clock = SandboxClock()
    if now is not None:
        clock.set(now)
    if accounts is None and contacts is None:
        served = _world(world, leads=leads, seed=seed, now=int(clock.now()))
    else:
        served = _crowd(world, accounts=accounts or 0, contacts=contacts or 0, seed=seed, now=int(clock.now()))
    serve_forever(
        factory,
        served,
        clock=clock,
        announce=lambda running: _announce(system, running, served),
        latency_ms=latency_ms,
        jitter_ms=jitter_ms,
        tls=tls,
        port=port,
    )


def _now() -> int | None:
    """The time asked for: --now, else LEADLINE_NOW, as for every command. There need not be a project here."""
    said = options.current().now
    if said is not None or not (text := os.environ.get("LEADLINE_NOW")):
        return said
    try:
        return options.instant(text)
    except ValueError as error:
        raise ConfigError(
            f"'{text}' is not an ISO 8601 time.", fix="Write it like 2025-03-01T09:00:00Z.", place="LEADLINE_NOW"
        ) from error


def _world(directory: Path | None, *, leads: int, seed: int, now: int) -> World:
    from leadline.sdk.sandbox.bundle import generate, load_bundle

    return generate(leads, seed=seed, now=now) if directory is None else load_bundle(directory, now=now)


def _sign_ins(running: RunningSandbox) -> dict[str, dict[str, str]]:
    """Options for further ways to sign in. Only --json shows them: a private key is long, and takes time to make."""
    from leadline.sdk.sandbox.vendor import SignIns

    if not (options.current().json and isinstance(running.vendor, SignIns)):
        return {}
    trust = {"ca_file": str(running.ca_file)} if running.ca_file else {}
    return {name: {**said, **trust} for name, said in running.vendor.sign_ins(running.base_url).items()}


def _crowd(directory: Path | None, *, accounts: int, contacts: int, seed: int, now: int) -> World:
    from leadline.sdk.sandbox.crowd import crowd

    if directory is not None:
        raise ConfigError(
            "A bundle and a crowd cannot be served together.",
            fix="Leave out --world, or --accounts and --contacts.",
            place="--world",
        )
    return crowd(accounts, contacts, seed=seed, now=now)


def _announce(system: str, running: RunningSandbox, world: World) -> None:
    answer = {
        "system": system,
        "base_url": running.base_url,
        "credentials": running.credentials,
        "sign_ins": _sign_ins(running),
        "unassigned_owners": list(running.vendor.unassigned_owners()),
        "pid": os.getpid(),
        "now": int(running.clock.now()),
        "records": world.counts(),
    }
    counts = ", ".join(f"{count:,} {name}" for name, count in world.counts().items())
    lines = [
        f"[bold]{system}[/bold] sandbox at [bold cyan]{running.base_url}[/bold cyan]",
        f"{counts}; the time is {time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(running.clock.now()))} UTC",
        "",
        "Connection for leadline.yaml:",
        *(f"  {key}: {value}" for key, value in running.credentials.items()),
        *(f"Nobody, for routing.unassigned_owners: {owner}" for owner in running.vendor.unassigned_owners()),
        "",
        f"Control: {running.base_url}/__sandbox__/state   (docs/sandbox.md)",
        "Stop with Ctrl-C.",
    ]
    output.show(answer, *lines)
