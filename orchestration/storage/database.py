"""The database: where it is, its engine, and which of its errors pass.

Connecting. Keep out: tables (each package declares its own), migrations, bulk writes.

Two databases live on one server: the domain tables, and Dagster's own storage. An engine is cheap until it is used,
so a `Database` may be built wherever settings are known.
"""

from __future__ import annotations

from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from orchestration.errors import ConfigurationError, DatabaseAwayError, LockTimeoutError, TransientError
from orchestration.storage.embedded import start_embedded_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.settings import Settings

DRIVER = "postgresql+psycopg"

# A database that went away comes back under one of these, or breaks the connection outright.
# https://www.postgresql.org/docs/current/errcodes-appendix.html: 08 connection exception, 53 insufficient resources
# (53300 too many connections), 57 operator intervention (57P03 cannot connect now), 58 system error; 25006 read-only
# transaction, as after a fail-over to a standby; 25P03 and 25P04, with which the server ends a session that took long.
AWAY_STATES = ("08", "53", "57", "58", "25006", "25P03", "25P04")
# It is there, and asks to try again: 40 transaction rollback (deadlock, serialization).
RETRY_STATES = ("40",)
LOCK_TIMEOUT_STATE = "55P03"

# How a server refuses a connection that is one too many; psycopg has no code of it, since there is no session yet.
_FULL = ("too many clients", "too many connections", "connection slots are reserved")
NO_ROOM = "PostgreSQL has no connections left; end other programs, or raise its max_connections"

# How CREATE DATABASE ends when another process was quicker: 42P04 duplicate database, 23505 unique violation.
_EXISTS_MEANWHILE = {"42P04", "23505"}


_KEPT_CONNECTIONS = 5


@dataclass(frozen=True)
class DatabaseUrls:
    """Where the domain's tables and Dagster's own are, as plain `postgresql://` URLs."""

    domain: str
    dagster: str


def locate_databases(settings: Settings) -> DatabaseUrls:
    """The URLs in the settings, or those of the embedded server, which this starts; both databases exist afterwards.

    Raises `ConfigurationError` for a URL that is not PostgreSQL's, for a database that is missing and may not be
    created, and for a server that has no connections left; `TransientError` when the server does not answer.
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
        if any(words in str(error) for words in _FULL):
            raise ConfigurationError(f"{NO_ROOM}: {error}") from error
        if not _is_missing(url, str(error)):
            raise
    finally:
        database.close()
    _create(url)


def _is_missing(url: URL, answer: str) -> bool:
    """Whether the server has no such database: it says so in a language of its own, but names it in each."""
    if "does not exist" in answer:
        return True
    if str(url.database) not in answer:
        return False
    with (
        closing(Database(_text(url.set(database="postgres")))) as server,
        suppress(TransientError),
        server.connect() as connection,
    ):
        found = connection.execute(sa.text("SELECT FROM pg_database WHERE datname = :name"), {"name": url.database})
        return found.one_or_none() is None
    return False


def _create(url: URL) -> None:
    """Create the database, unless a process that started at the same time has done so meanwhile."""
    server = Database(_text(url.set(database="postgres")))
    try:
        with server.connect() as connection:
            name = connection.dialect.identifier_preparer.quote_identifier(str(url.database))
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
    except sa.exc.DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) not in _EXISTS_MEANWHILE:
            reason = f"The database {url.database} is missing and cannot be created: {_one_line(error.orig)}"
            raise ConfigurationError(reason) from error
    finally:
        server.close()


class Database:
    """One PostgreSQL database. `url` is a plain `postgresql://` URL; nothing connects before the first use.

    A statement that takes more than `statement_seconds` ends in a `DatabaseAwayError`. There are at most `connections`
    at the same time, of which a few are kept, or all; who needs one more waits for it.
    """

    def __init__(
        self, url: str, *, statement_seconds: float | None = None, connections: int = 15, keep_all: bool = False
    ) -> None:
        self.url = url
        kept = connections if keep_all else min(_KEPT_CONNECTIONS, connections)
        self._engine = sa.create_engine(
            make_url(url).set(drivername=DRIVER),
            pool_pre_ping=True,
            pool_use_lifo=True,  # those that were used last have the most in their memory
            pool_size=kept,
            max_overflow=connections - kept,
        )
        sa.event.listen(self._engine, "handle_error", _leave_read_only_server)
        sa.event.listen(self._engine, "connect", partial(_begin_session, statement_seconds=statement_seconds))

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


def _begin_session(connection: psycopg.Connection[Any], _record: object, *, statement_seconds: float | None) -> None:
    """Have times in UTC, whatever the server's own zone is, and statements limited, if they are to be.

    Statements that come often are parsed once, by the driver's own rule, but planned each time: a plan that the server
    keeps from when a table was small walks it whole once it has grown (64 ms a claim of 75,000 tasks instead of 4).
    """
    settings = ["SET TIME ZONE 'UTC'", "SET plan_cache_mode = force_custom_plan"]
    if statement_seconds is not None:
        settings.append(f"SET statement_timeout = {round(1000 * statement_seconds)}")
    connection.autocommit = True  # the pool rolls back what is open
    connection.execute("; ".join(settings).encode())
    connection.autocommit = False


def _leave_read_only_server(context: sa.engine.ExceptionContext) -> None:
    """After a fail-over, drop the connections to the server that was the primary, so that new ones find the next."""
    if getattr(context.original_exception, "sqlstate", None) == "25006":
        context.is_disconnect = True


def driver_connection(connection: sa.Connection) -> psycopg.Connection[Any]:
    """The psycopg connection underneath, for COPY, LISTEN and advisory locks that outlive a transaction."""
    driver: Any = connection.connection.driver_connection
    return driver  # type: ignore[no-any-return]  # the pool's type does not know its driver


def limit_statements(connection: sa.Connection, milliseconds: int) -> None:
    """End each statement of this transaction, its waits for locks too, after so long; it raises `TransientError`."""
    connection.execute(sa.select(sa.func.set_config("statement_timeout", str(milliseconds), True)))


def free_connections(connection: sa.Connection) -> int:
    """How many connections the server would still take, without those it keeps for its administrators."""
    return int(connection.execute(_FREE_CONNECTIONS).scalar_one())


_FREE_CONNECTIONS = sa.text("""
    SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
        - coalesce(current_setting('reserved_connections', true)::int, 0) - count(*)::int
    FROM pg_stat_activity WHERE backend_type = 'client backend'
""")


@contextmanager
def transient_errors() -> Iterator[None]:
    """Turn the driver's errors that may pass into `TransientError`; the others go on as they are.

    `DatabaseAwayError` when there is no database to work with, `LockTimeoutError` when a row stayed locked for longer
    than `lock_timeout`, and the plain one when the database asks to try again.
    """
    try:
        yield
    except sa.exc.TimeoutError as error:
        raise DatabaseAwayError(f"The database did not answer: no connection became free: {error}") from error
    except (sa.exc.DBAPIError, psycopg.Error) as error:
        transient = _as_transient(error)
        if transient is None:
            raise
        raise transient from error


def _one_line(error: BaseException | None) -> str:
    return " ".join(str(error).split())


def sqlstate(error: BaseException | None) -> str | None:
    """The server's five-letter code of an error, also of one that was raised from it; None without one."""
    if error is None:
        return None
    state = getattr(getattr(error, "orig", error), "sqlstate", None)
    return str(state) if state else sqlstate(error.__cause__)


def is_database_error(error: BaseException) -> bool:
    """Whether the database did not answer or asked to try again: nothing that a task can be blamed for."""
    if isinstance(error, DatabaseAwayError):
        return True
    return isinstance(error, TransientError) and isinstance(error.__cause__, sa.exc.DBAPIError | psycopg.Error)


def _as_transient(error: sa.exc.DBAPIError | psycopg.Error) -> TransientError | None:
    """The error as one that may pass; None for one that stays. Those of the driver come from COPY and LISTEN."""
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    state, text = getattr(cause, "sqlstate", None), _one_line(cause)
    if state is None:
        is_broken = isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated
        is_away = is_broken or isinstance(error, sa.exc.OperationalError | psycopg.OperationalError)
        return DatabaseAwayError(f"The database did not answer: {text}") if is_away else None
    if state == LOCK_TIMEOUT_STATE:
        return LockTimeoutError(f"A row or table stayed locked for too long: {text}")
    if state.startswith(AWAY_STATES):
        what = "did not answer" if state.startswith(("08", "57P")) else "cannot do this now"
        return DatabaseAwayError(f"The database {what}: {text}")
    if state.startswith(RETRY_STATES):
        return TransientError(f"The database asks to try again: {text}")
    return None
