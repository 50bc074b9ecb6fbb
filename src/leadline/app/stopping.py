"""Ending a run early, where everything so far is stored."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from leadline.app.events import BatchPushed, ChunkScored, PageStored

if TYPE_CHECKING:
    from leadline.app.events import Event, Listener

_SHORT = 5.0
"""A shorter wait, in seconds, is sat out: breaking it off would leave an intent to be looked up for nothing."""


class StoppedError(Exception):
    """Ends a run early. Everything so far is stored; the next run goes on there."""


class Stop:
    """The wish that a run should end. May be asked for from a signal handler."""

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._asked = threading.Event()
        self._sleep = sleep

    def ask(self) -> None:
        """Ask for an end: the page, chunk or batch under way is finished, nothing new is begun."""
        self._asked.set()

    @property
    def asked(self) -> bool:
        """Whether an end has been asked for."""
        return self._asked.is_set()

    def wait(self) -> None:
        """Wait until an end is asked for."""
        self._asked.wait()

    def listening(self, listener: Listener) -> Listener:
        """The listener, and after it a StoppedError as soon as an end is asked for and a transaction has ended.

        Never in the middle of a call: that would leave an effect whose outcome must be looked up.
        """

        def heard(event: Event) -> None:
            listener(event)
            if self.asked and isinstance(event, PageStored | ChunkScored | BatchPushed):
                raise StoppedError

        return heard

    def sleep(self, seconds: float) -> None:
        """Wait as `time.sleep` does. A long wait, such as a CRM may ask for, ends in a StoppedError when asked to."""
        if seconds < _SHORT:
            self._sleep(seconds)
        elif self._asked.wait(seconds):
            raise StoppedError
