"""The revision of a database: what it is at, whether this version can work with it, and bringing it up to date.

Running and comparing revisions. Keep out: the revisions, or the tables.

A reader compares and never migrates. Comparing needs no Alembic, whose import costs more than the rest of a start.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.errors import ConfigurationError

if TYPE_CHECKING:
    from alembic.config import Config

    from orchestration.storage.database import Database

_LOCK = 0x4D49_4752  # "MIGR": two processes that start together must not run one revision twice
_MIGRATIONS = "orchestration.storage.migrations"


def migrate(database: Database, revision: str = "head") -> tuple[str | None, str | None]:
    """Upgrade to `revision`; the revisions before and after. Safe to call at every start, and from many processes.

    Raises `ConfigurationError` for a database that a newer version of this package has upgraded.
    """
    target = head_revision() if revision == "head" else revision
    with database.begin() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        before = current_revision(connection)
        if before not in {None, *known_revisions()}:
            raise ConfigurationError(schema_problem(before))
        if before != target:
            from alembic import command

            command.upgrade(alembic_config(connection), target)
        return before, target


def require_current_schema(database: Database, *, may_create: bool = False) -> None:
    """Compare the database's revision with the one that this version needs; never upgrades.

    With `may_create`, a database that has no schema yet gets one, also when several processes find it empty at once.
    Raises `ConfigurationError` that says whether the schema is missing, behind or ahead, and what to do.
    """
    with database.connect() as connection:
        found = current_revision(connection)
    if found == head_revision():
        return
    if found is not None or not may_create:
        raise ConfigurationError(schema_problem(found))
    migrate(database)


def schema_problem(found: str | None) -> str:
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
