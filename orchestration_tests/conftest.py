"""What every test may ask for: a database of its own, an object store, settings that point at them.

One embedded server serves the session; each test gets a copy of a migrated template database.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import dagster as dg
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

    from sqlalchemy.engine import URL

TEMPLATE = "template_migrated"
DAGSTER_TEMPLATE = "template_dagster"


@pytest.fixture(scope="session")
def server_url() -> Iterator[URL]:
    """The `postgres` database of the session's server.

    Its folder is not pytest's, which removes those of earlier sessions even while they run.
    """
    with tempfile.TemporaryDirectory(prefix="orchestration-tests-", ignore_cleanup_errors=True) as folder:
        url = make_url(start_embedded_server(Path(folder) / "postgres"))
        # Nothing here outlives the machine, and dropping a database then takes a tenth of the time.
        run_on_server(url, "ALTER SYSTEM SET fsync = off")
        run_on_server(url, "SELECT pg_reload_conf()")
        yield url


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


@contextmanager
def fresh_database(server: URL, template: str | None = None) -> Iterator[str]:
    """A database of one's own, copied from the template if one is given, as a URL; dropped at the end."""
    name = f"test_{uuid4().hex}"
    run_on_server(server, f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
    yield url_of(server, name)
    run_on_server(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database_url(server_url: URL, template: str) -> Iterator[str]:
    """A migrated database of this test's own, as a URL for other processes."""
    with fresh_database(server_url, template) as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated database of this test's own."""
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def empty_database(server_url: URL) -> Iterator[Database]:
    """A database without a table."""
    with fresh_database(server_url) as url:
        database = Database(url)
        yield database
        database.close()


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


@pytest.fixture(scope="session")
def dagster_template(server_url: URL) -> str:
    """A database with Dagster's own tables, that others are copied from."""
    run_on_server(server_url, f"CREATE DATABASE {DAGSTER_TEMPLATE}")
    with dg.instance_for_test(overrides=dagster_storage(url_of(server_url, DAGSTER_TEMPLATE))):
        pass
    return DAGSTER_TEMPLATE


@pytest.fixture
def dagster_url(server_url: URL, dagster_template: str) -> Iterator[str]:
    """A database for Dagster of this test's own."""
    with fresh_database(server_url, dagster_template) as url:
        yield url


@pytest.fixture
def instance(dagster_url: str) -> Iterator[dg.DagsterInstance]:
    """A Dagster instance on PostgreSQL, as in production."""
    with dg.instance_for_test(overrides=dagster_storage(dagster_url)) as instance:
        yield instance


def dagster_storage(url: str) -> dict[str, Any]:
    """The instance configuration that keeps Dagster's tables at `url`."""
    return {"storage": {"postgres": {"postgres_url": url}}}
