"""An open database of each kind, and rows to put into it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine

from leadline.store.database import open_engine

if TYPE_CHECKING:
    from tests.databases import NewDatabase


@pytest.fixture
def engine(new_database: NewDatabase, tmp_path: Path) -> Iterator[Engine]:
    """A migrated database."""
    opened = open_engine(new_database(), folder=tmp_path)
    yield opened
    opened.dispose()
