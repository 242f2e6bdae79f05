"""Bringing a database to the schema of today.

Belongs here: running the revisions. Does not: the revisions, or the tables.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.errors import ConfigurationError

if TYPE_CHECKING:
    from alembic.config import Config

    from orchestration.storage.database import Database

_LOCK = 0x4D49_4752  # "MIGR": two processes that start together must not run one revision twice


def migrate(database: Database, revision: str = "head") -> tuple[str | None, str | None]:
    """Upgrade to `revision`; the revisions before and after. Safe to call at every start, and from many processes.

    Raises `ConfigurationError` for a database that a newer version of this package has upgraded.
    """
    from alembic import command
    from alembic.util import CommandError

    with database.begin() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        before = current_revision(connection)
        if before != (head := head_revision()) or revision != "head":
            try:
                command.upgrade(alembic_config(connection), revision)
            except CommandError as error:
                reason = f"The database is at revision {before}: {error}. Run the version of the package that made it."
                raise ConfigurationError(reason) from error
        return before, head if revision == "head" else current_revision(connection)


def current_revision(connection: sa.Connection) -> str | None:
    """The revision of the connected database; None when it is empty."""
    from alembic.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision()


def head_revision() -> str | None:
    """The newest revision that the package holds."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(alembic_config()).get_current_head()


def alembic_config(connection: sa.Connection | None = None) -> Config:
    """Alembic's configuration, made here rather than in a file of its own."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(resources.files("orchestration.storage") / "migrations"))
    config.attributes["connection"] = connection
    return config
