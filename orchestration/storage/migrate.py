"""The revision of a database: what it is at, whether this version can work with it, and bringing it up to date.

Running and comparing revisions. Keep out: the revisions, or the tables.

A reader compares and never migrates. Comparing needs no Alembic, whose import costs more than the rest of a start.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from orchestration.errors import ConfigurationError, LockTimeoutError

if TYPE_CHECKING:
    from alembic.config import Config
    from tenacity import Retrying

    from orchestration.storage.database import Database

_LOCK = 0x4D49_4752  # "MIGR": two processes that start together must not run one revision twice
_LOCK_SECONDS, _LOCK_ATTEMPTS = 3, 10
_NOTE = "Oldest version that works with this schema: "
_MIGRATIONS = "orchestration.storage.migrations"


def migrate(database: Database, revision: str = "head") -> tuple[str | None, str | None]:
    """Bring the schema to `revision`; the revisions before and after. Many processes may call it at once.

    An older revision takes back those after it, with what only they can hold. Work of the version before goes on
    meanwhile: a revision that waits for its locks lets go of them after a moment and begins again. Raises
    `ConfigurationError` for a database that a newer version has made, and for a revision that is not known.
    """
    target = head_revision() if revision == "head" else revision
    if target not in known_revisions():
        raise ConfigurationError(f"There is no revision {target}: there are {', '.join(known_revisions())}")
    done: tuple[str | None, str | None] = _attempts_at_locks()(_migrate, database, target)
    return done


def _migrate(database: Database, target: str) -> tuple[str | None, str | None]:
    with database.begin() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        before = current_revision(connection)
        if before not in {None, *known_revisions()}:
            raise ConfigurationError(_problem(before))
        if before != target:
            from alembic import command

            connection.execute(sa.select(sa.func.set_config("lock_timeout", f"{_LOCK_SECONDS}s", True)))
            change = command.downgrade if before is not None and before > target else command.upgrade
            change(alembic_config(connection), target)
            _note_oldest_reader(connection, target)
        return before, target


def _attempts_at_locks() -> Retrying:
    """Who waits for a lock of a whole table holds up all who come after; so it is a short wait, and several."""
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

    return Retrying(
        stop=stop_after_attempt(_LOCK_ATTEMPTS),
        wait=wait_random_exponential(max=10),
        retry=retry_if_exception_type(LockTimeoutError),
        reraise=True,
    )


def _note_oldest_reader(connection: sa.Connection, revision: str) -> None:
    """Write down the oldest revision whose version works with this schema too.

    A revision that only adds says `expands = True`: the version before it goes on. Versions that do not know this one
    read the note, so that they can run beside the next, and again after a roll back.
    """
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(alembic_config())
    oldest = revision
    while (script := scripts.get_revision(oldest)).down_revision and getattr(script.module, "expands", False):
        oldest = str(script.down_revision)
    connection.exec_driver_sql(f"COMMENT ON TABLE alembic_version IS '{_NOTE}{oldest}'")


class SchemaState(NamedTuple):
    """The revision of a database, and why this version cannot work with it; None when it can."""

    revision: str | None
    problem: str | None


def examine_schema(connection: sa.Connection) -> SchemaState:
    """What the connected database is at, and whether this version can work with that."""
    found = current_revision(connection)
    is_usable = found == head_revision() or (
        found not in {None, *known_revisions()} and _oldest_reader(connection) in known_revisions()
    )
    return SchemaState(found, None if is_usable else _problem(found))


def _oldest_reader(connection: sa.Connection) -> str | None:
    """The oldest revision whose version works with the schema, as the version that made it has noted."""
    note = connection.scalar(sa.text("SELECT obj_description(CAST('alembic_version' AS regclass))"))
    return str(note).removeprefix(_NOTE) if note else None


def require_current_schema(database: Database, *, may_create: bool = False) -> None:
    """Compare the database's schema with the one that this version needs; never upgrades.

    A newer one is good enough when the version that made it says so. With `may_create`, a database that has no schema
    yet gets one, also when several processes find it empty at once.
    Raises `ConfigurationError` that says whether the schema is missing, behind or ahead, and what to do.
    """
    with database.connect() as connection:
        state = examine_schema(connection)
    if state.problem is None:
        return
    if state.revision is not None or not may_create:
        raise ConfigurationError(state.problem)
    migrate(database)


def _problem(found: str | None) -> str:
    """Why this version cannot work with a schema at revision `found`, which is not its own, and what to do."""
    head = head_revision()
    if found is None:
        return f"The database has no schema, and this version needs {head}: run `orchestration migrate`"
    if found in known_revisions():
        return f"The schema is at {found}, and this version needs {head}: run `orchestration migrate`"
    return (
        f"The schema is at {found}, which is newer than this version, which knows {head}: run the version that made it"
    )


def current_revision(connection: sa.Connection) -> str | None:
    """The revision of the connected database; None when it has no schema."""
    if connection.scalar(sa.select(sa.func.to_regclass("alembic_version"))) is None:
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def head_revision() -> str:
    """The newest revision that the package holds."""
    return known_revisions()[-1]


@cache
def known_revisions() -> tuple[str, ...]:
    """Every revision that the package holds, oldest first, by the names of their files."""
    files = (file.name for file in resources.files(f"{_MIGRATIONS}.versions").iterdir())
    return tuple(sorted(match[1] for match in map(re.compile(r"v(\d{4})_\w+\.py").fullmatch, files) if match))


def alembic_config(connection: sa.Connection | None = None) -> Config:
    """Alembic's configuration, made here rather than in a file of its own."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(resources.files(_MIGRATIONS)))
    config.attributes["connection"] = connection
    return config
