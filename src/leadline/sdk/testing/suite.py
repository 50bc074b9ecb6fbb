"""The suite as pytest collects it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import pytest

from leadline.sdk.testing.failing import FailureChecks
from leadline.sdk.testing.lab import Lab, open_lab
from leadline.sdk.testing.reading import ReadingChecks
from leadline.sdk.testing.subjects import Subject, find_subjects
from leadline.sdk.testing.writing import WritingChecks

if TYPE_CHECKING:
    from leadline.sdk.ports import Connector


class ConnectorSuite(ReadingChecks, WritingChecks, FailureChecks):
    """What every connector is held to, driven over HTTP against its own sandbox.

    Subclass it with the connector, under a name that pytest collects:

        class TestAcme(ConnectorSuite):
            connector = connector

    `options` are added to the sandbox's credentials for every connection, `webhook_options` on top
    of them where webhooks are read. What the capabilities say that a system cannot do is skipped.
    Each check is a method that takes a `Lab`, so that it can be called by itself too.
    """

    connector: Connector
    options: Mapping[str, object] = {}
    webhook_options: Mapping[str, object] = {}
    _found: list[Subject] | None = None

    @pytest.fixture
    def lab(self) -> Iterator[Lab]:
        """A new sandbox with the suite's small world."""
        with self.opened() as lab:
            yield lab

    def opened(self) -> AbstractContextManager[Lab]:
        """A new sandbox with the suite's small world, and what checks need of it."""
        return open_lab(self.connector, self.options)

    def skip(self, reason: str) -> None:
        """Leave this check, with a reason."""
        pytest.skip(reason)

    def subjects(self, lab: Lab) -> list[Subject]:
        """The objects of the sandbox that the connector reads, those with the most records first.

        Found once for the class, in a sandbox of its own, because that tries out edits.
        """
        kind = type(self)
        if kind._found is None:
            with self.opened() as other:
                kind._found = find_subjects(other.connect(), other.surface, kind.connector.capabilities.reads)
        if not kind._found:
            self.skip("the sandbox has no record of any object that the connector reads")
        return kind._found

    def main(self, lab: Lab) -> Subject:
        """The object with the most records of those that a user can edit."""
        found = self.subjects(lab)
        return next((subject for subject in found if subject.text), found[0])
