"""What every test may ask for: a database of its own, an object store, settings that point at them.

One embedded server serves the session; each test gets a copy of a migrated template database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from orchestration.services import Services
from orchestration.settings import Settings
from orchestration.storage.database import DRIVER, Database
from orchestration.storage.embedded import start_embedded_server
from orchestration.storage.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.engine import URL

TEMPLATE = "template_migrated"


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> URL:
    """The `postgres` database of the session's server."""
    return make_url(start_embedded_server(tmp_path_factory.mktemp("server") / "postgres"))


def run_on_server(server: URL, statement: str) -> None:
    """Run a statement that no transaction may hold."""
    engine = sa.create_engine(server.set(drivername=DRIVER), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()


def url_of(server: URL, name: str) -> str:
    """The plain URL of another database on the server."""
    return server.set(database=name).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def template(server_url: URL) -> str:
    """A migrated database that others are copied from."""
    run_on_server(server_url, f"CREATE DATABASE {TEMPLATE}")
    database = Database(url_of(server_url, TEMPLATE))
    migrate(database)
    database.close()
    return TEMPLATE


@pytest.fixture
def database_url(server_url: URL, template: str) -> Iterator[str]:
    """A migrated database of this test's own, as a URL for other processes."""
    name = f"test_{uuid4().hex}"
    run_on_server(server_url, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield url_of(server_url, name)
    run_on_server(server_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated database of this test's own."""
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def empty_database(server_url: URL) -> Iterator[Database]:
    """A database without a table."""
    name = f"test_{uuid4().hex}"
    run_on_server(server_url, f"CREATE DATABASE {name}")
    database = Database(url_of(server_url, name))
    yield database
    database.close()
    run_on_server(server_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """Settings whose home, database and store are this test's own; retries do not wait."""
    return Settings(
        home=tmp_path / "home",
        database_url=database_url,
        object_store=(tmp_path / "objects").as_uri(),
        supplier_retry_seconds=0,
        family_retry_seconds=0,
        image_retry_seconds=0,
    )


@pytest.fixture
def services(settings: Settings) -> Iterator[Services]:
    """The services of these settings."""
    services = Services(settings)
    yield services
    services.close()
