"""Ctrl-C and SIGTERM: the first ends the work where everything is stored, the second at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from leadline.app.stopping import Stop

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_WORD = b"\nstopping after the page or batch under way; once more stops at once\n"


@contextmanager
def stoppable() -> Iterator[Stop]:
    """A `Stop` that the signals ask for. A run that it ended leaves the block as `typer.Abort`."""
    from leadline.app.stopping import Stop, StoppedError

    stop = Stop()

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.ask()
        restore()
        os.write(2, _WORD)  # a console must not be written to from here: it may be locked

    before = {number: signal.signal(number, ask) for number in _SIGNALS}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    try:
        yield stop
    except StoppedError:
        raise typer.Abort from None
    finally:
        restore()
