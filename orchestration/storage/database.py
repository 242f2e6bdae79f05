"""The database: where it is, its engine, and which of its errors pass.

Belongs here: connecting. Does not: tables (each package declares its own), migrations, bulk writes.

Two databases live on one server: the domain tables, and Dagster's own storage. An engine is cheap until it is used,
so a `Database` may be built wherever settings are at hand.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from orchestration.errors import ConfigurationError, TransientError
from orchestration.storage.embedded import start_embedded_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from orchestration.settings import Settings

DRIVER = "postgresql+psycopg"

# A database that went away comes back under one of these, or breaks the connection outright.
# https://www.postgresql.org/docs/current/errcodes-appendix.html: 08 connection exception, 40 transaction rollback,
# 53 insufficient resources, 55P03 lock not available, 57 operator intervention, 58 system error.
TRANSIENT_CLASSES = ("08", "40", "53", "57", "58")

# How CREATE DATABASE ends when another process was quicker: 42P04 duplicate database, 23505 unique violation.
_EXISTS_MEANWHILE = {"42P04", "23505"}


@dataclass(frozen=True)
class DatabaseUrls:
    """Where the domain's tables and Dagster's own are, as plain `postgresql://` URLs."""

    domain: str
    dagster: str


def locate_databases(settings: Settings) -> DatabaseUrls:
    """The URLs in the settings, or those of the embedded server, which this starts; both databases exist afterwards.

    Raises `ConfigurationError` for a URL that is not PostgreSQL's and for a database that is missing and may not be
    created, `TransientError` when the server does not answer.
    """
    if settings.database_url is None:
        server = make_url(start_embedded_server(settings.home.absolute() / "postgres"))
        domain, dagster = server.set(database="orchestration"), server.set(database="dagster")
    else:
        domain = parse_url(settings.database_url)
        dagster = _beside(domain)
    if settings.dagster_database_url:
        dagster = parse_url(settings.dagster_database_url, setting="ORCHESTRATION_DAGSTER_DATABASE_URL")
    for url in (domain, dagster):
        _create_if_missing(url)
    return DatabaseUrls(_text(domain), _text(dagster))


def parse_url(url: str, setting: str = "ORCHESTRATION_DATABASE_URL") -> URL:
    """Read a PostgreSQL URL; raises `ConfigurationError` that names the setting."""
    try:
        parsed = make_url(url)
    except (sa.exc.ArgumentError, ValueError) as error:  # the latter for a port that is no number
        raise ConfigurationError(f"{setting} is no URL; write postgresql://user@host/name") from error
    if not parsed.drivername.startswith("postgresql") or not parsed.database:
        raise ConfigurationError(f"{setting} must be postgresql://user@host/name, not {parsed.render_as_string()}")
    return parsed


def _beside(domain: URL) -> URL:
    return domain.set(database=f"{domain.database}_dagster")


def _text(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _create_if_missing(url: URL) -> None:
    """Create the database unless it exists; one that can be reached needs no right to create."""
    database = Database(_text(url))
    try:
        with database.connect():
            return
    except TransientError as error:
        if "does not exist" not in str(error):
            raise
    finally:
        database.close()
    _create(url)


def _create(url: URL) -> None:
    """Create the database, unless a process that started at the same time has done so meanwhile."""
    server = Database(_text(url.set(database="postgres")))
    try:
        with server.connect() as connection:
            name = connection.dialect.identifier_preparer.quote_identifier(str(url.database))
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
    except sa.exc.DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) not in _EXISTS_MEANWHILE:
            reason = f"The database {url.database} is missing and cannot be created: {_one_line(error)}"
            raise ConfigurationError(reason) from error
    finally:
        server.close()


class Database:
    """One PostgreSQL database. `url` is a plain `postgresql://` URL; nothing connects before the first use."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._engine = sa.create_engine(
            make_url(url).set(drivername=DRIVER), pool_pre_ping=True, pool_size=5, max_overflow=10
        )

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """One transaction: committed at the end of the block, rolled back by an exception.

        Raises `TransientError` when the server went away or asks to try again.
        """
        with transient_errors(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        """A connection that commits each statement by itself; raises as `begin` does."""
        with transient_errors(), self._engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    def close(self) -> None:
        """Drop the pool's connections."""
        self._engine.dispose()


def driver_connection(connection: sa.Connection) -> psycopg.Connection[Any]:
    """The psycopg connection underneath, for COPY, LISTEN and advisory locks that outlive a transaction."""
    driver: Any = connection.connection.driver_connection
    return driver  # type: ignore[no-any-return]  # the pool's type does not know its driver


@contextmanager
def transient_errors() -> Iterator[None]:
    """Turn the driver's errors that may pass into `TransientError`; the others go on as they are."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        if not _may_pass(error):
            raise
        raise TransientError(f"The database did not answer: {_one_line(error)}") from error


def _one_line(error: sa.exc.DBAPIError) -> str:
    return " ".join(str(error.orig).split())


def _may_pass(error: sa.exc.DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        return isinstance(error, sa.exc.OperationalError) or error.connection_invalidated
    return str(state).startswith((*TRANSIENT_CLASSES, "55P03"))
