"""A sandbox in a process of its own, so that this one's memory is the connector's alone."""

from __future__ import annotations

import multiprocessing
import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadline.sdk.sandbox.server import running
from leadline.sdk.sandbox.vendor import Conformant, Paged
from leadline.sdk.testing.trial import trial_world

if TYPE_CHECKING:
    from multiprocessing.connection import Connection as Pipe

    from leadline.sdk.sandbox.vendor import VendorFactory


@dataclass(frozen=True, slots=True)
class Apart:
    """What a connection to that sandbox needs, and how many contacts it was given."""

    options: Mapping[str, object]
    rows: int


def importable(factory: object) -> bool:
    """Whether another process can get at the factory by its name."""
    try:
        pickle.dumps(factory)
    except (pickle.PicklingError, AttributeError, TypeError):
        return False
    return True


@contextmanager
def served_apart(factory: VendorFactory, *, rows: int, page: int) -> Iterator[Apart]:
    """Serve a trial world of so many contacts from another process while the block lasts."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(factory, rows, page, there), daemon=True)
    process.start()
    there.close()
    try:
        yield Apart(here.recv(), rows)
    finally:
        here.close()  # which is the sign to stop
        process.join()
        process.close()


def _serve(factory: VendorFactory, rows: int, page: int, pipe: Pipe) -> None:
    with running(factory, trial_world(rows)) as sandbox:
        if isinstance(sandbox.vendor, Paged):
            sandbox.vendor.page_size = page
        told = sandbox.vendor.conformance() if isinstance(sandbox.vendor, Conformant) else {}
        pipe.send({**sandbox.credentials, **told.get("options", {})})
        pipe.poll(None)
