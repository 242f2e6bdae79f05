"""What every test may ask for: a database of its own, an object store, settings that point at them.

One embedded server serves all processes of the session; each test gets a copy of a migrated template database.
"""

from __future__ import annotations

import functools
import gc
import os
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import dagster as dg
import pytest
import sqlalchemy as sa
import structlog
from dagster_postgres.event_log import event_log
from dagster_postgres.run_storage import run_storage
from dagster_postgres.schedule_storage import schedule_storage
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from sqlalchemy.engine import make_url

from orchestration.services import Services
from orchestration.settings import Settings
from orchestration.storage.database import DRIVER, Database
from orchestration.storage.migrate import migrate
from orchestration_tests.balance import long_first
from orchestration_tests.forking import OF_THE_POOLS, keep_preloads
from orchestration_tests.server import running_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import URL
    from xdist.workermanage import WorkerController

TEMPLATE = "template_migrated"
DAGSTER_TEMPLATE = "template_dagster"
# The other strategy writes each page to the log first, which takes twice the time.
COPIED = "STRATEGY FILE_COPY"
# Most tests wait for other processes most of the time.
WORKERS_PER_CORE = 2.0
MOST_WORKERS = 16
SERVER_URL = pytest.StashKey[str]()

# How long an example takes says how busy the machine is.
hypothesis_settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("busy")


def pytest_configure(config: pytest.Config) -> None:
    """Keep what other processes need again.

    Compiled modules, also where the environment says otherwise, since a test starts several interpreters; and what
    forked processes import. Logged errors are written plainly: painting a traceback takes up to half a second.
    """
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    keep_preloads(OF_THE_POOLS if hasattr(config, "workerinput") else ())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the longest, where several workers share the tests."""
    if worker := getattr(config, "workerinput", None):
        items[:] = long_first(items, worker["workercount"])


def pytest_collection_finish() -> None:
    """Leave the tests and all that they import out of the search for garbage: millions of objects, which stay."""
    gc.collect()
    gc.freeze()


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Folders of tests are run by several workers, named files by none: those are done before a worker has begun."""
    if not any(Path(argument).is_dir() for argument in config.args):
        return 0
    return min(int(WORKERS_PER_CORE * (os.cpu_count() or 1)), MOST_WORKERS)


def pytest_configure_node(node: WorkerController) -> None:
    """Tell a worker that is about to begin where the server is, which this process starts for all and stops."""
    if SERVER_URL not in node.config.stash:
        running = ExitStack()
        node.config.stash[SERVER_URL] = running.enter_context(running_server())
        node.config.add_cleanup(running.close)
    node.workerinput["server_url"] = node.config.stash[SERVER_URL]


@pytest.fixture(scope="session")
def server_url(request: pytest.FixtureRequest) -> Iterator[URL]:
    """The `postgres` database of the session's server."""
    if worker := getattr(request.config, "workerinput", None):
        yield make_url(worker["server_url"])
    else:
        with running_server() as url:
            yield make_url(url)


def run_on_server(server: URL, statement: str) -> None:
    """Run a statement that no transaction may hold."""
    engine = sa.create_engine(server.set(drivername=DRIVER), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()


def url_of(server: URL, name: str) -> str:
    """The plain URL of another database on the server."""
    return server.set(database=name).render_as_string(hide_password=False)


def make_template(server: URL, name: str, fill: Callable[[str], None]) -> str:
    """Create the database `name` and fill it, by its URL, unless another worker has done so; `name`.

    It is given its name once it is full, so that no worker copies half of it.
    """
    engine = sa.create_engine(server.set(drivername=DRIVER), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT pg_advisory_lock(hashtext(:name))"), {"name": name})
        if not connection.execute(sa.text("SELECT FROM pg_database WHERE datname = :name"), {"name": name}).all():
            unfinished = f"template_{uuid4().hex}"
            connection.execute(sa.text(f"CREATE DATABASE {unfinished}"))
            fill(url_of(server, unfinished))
            connection.execute(_END_SESSIONS, {"name": unfinished})
            connection.execute(sa.text(f"ALTER DATABASE {unfinished} RENAME TO {name}"))
    engine.dispose()
    return name


_END_SESSIONS = sa.text("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = :name")


def migrate_database(url: str) -> None:
    """Make the domain's tables."""
    database = Database(url)
    migrate(database)
    database.close()


@pytest.fixture(scope="session")
def template(server_url: URL) -> str:
    """A migrated database that others are copied from."""
    return make_template(server_url, TEMPLATE, migrate_database)


@contextmanager
def fresh_database(server: URL, template: str | None = None) -> Iterator[str]:
    """A database of one's own, copied from the template if one is given, as a URL; dropped at the end."""
    name = f"test_{uuid4().hex}"
    run_on_server(server, f"CREATE DATABASE {name}" + (f" TEMPLATE {template} {COPIED}" if template else ""))
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


@pytest.fixture(scope="session", autouse=True)
def kept_dagster_connections() -> Iterator[None]:
    """Have Dagster's storage keep its connections; it opens one for each statement, which takes most of the time."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        keep_dagster_connections(monkeypatch)
        yield


def keep_dagster_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the storage share an engine for each database."""

    @functools.lru_cache(maxsize=4)
    def engine(url: str) -> sa.Engine:
        return sa.create_engine(url, isolation_level="AUTOCOMMIT", pool_pre_ping=True)

    for module in (event_log, run_storage, schedule_storage):
        monkeypatch.setattr(module, "create_pg_engine", lambda url, *_, **__: engine(url))


@pytest.fixture(scope="session")
def dagster_template(server_url: URL) -> str:
    """A database with Dagster's own tables, that others are copied from."""
    return make_template(server_url, DAGSTER_TEMPLATE, make_dagster_tables)


def make_dagster_tables(url: str) -> None:
    """Make the tables of an instance by opening one."""
    with dg.instance_for_test(overrides=dagster_storage(url)):
        pass


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
