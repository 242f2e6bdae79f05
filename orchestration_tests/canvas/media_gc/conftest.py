"""Worlds to collect in.

The tests share one database, emptied for each of them: making one takes longer than most of these tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from orchestration.services import Services
from orchestration.settings import Settings
from orchestration.storage.database import Database
from orchestration_tests.canvas.media_gc.worlds import RealWorld, ScriptedWorld, World
from orchestration_tests.conftest import fresh_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.engine import URL


@pytest.fixture(scope="package")
def shared_database(server_url: URL, template: str) -> Iterator[Database]:
    """The database of all these tests."""
    with fresh_database(server_url, template) as url:
        database = Database(url)
        yield database
        database.close()


@pytest.fixture
def services(shared_database: Database, tmp_path: Path) -> Services:
    """Services over the shared database, emptied, and an object store of the test's own."""
    with shared_database.begin() as connection:
        connection.execute(_EMPTY)
    home, objects = tmp_path / "home", (tmp_path / "objects").as_uri()
    services = Services(Settings(home=home, database_url=shared_database.url, object_store=objects))
    services.database = shared_database
    return services


_EMPTY = sa.text("""
    TRUNCATE canvas_media, media, family_image, media_gc_run, media_orphan, canvas_project, generation_history,
        public_generation, signup_image, task RESTART IDENTITY CASCADE
""")


@pytest.fixture
def real(services: Services) -> RealWorld:
    """PostgreSQL and an object store."""
    return RealWorld(services)


@pytest.fixture(params=["scripted", "real"])
def world(request: pytest.FixtureRequest) -> World:
    """The scripted store, and the real things."""
    if request.param == "scripted":
        return ScriptedWorld()
    real: RealWorld = request.getfixturevalue("real")
    return real
