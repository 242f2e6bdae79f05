"""A reader compares the schema with the one that it needs, and never migrates."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from orchestration.errors import ConfigurationError
from orchestration.services import Services
from orchestration.settings import Settings
from orchestration.storage.migrate import (
    current_revision,
    examine_schema,
    head_revision,
    known_revisions,
    migrate,
)

if TYPE_CHECKING:
    from pathlib import Path

    from orchestration.storage.database import Database


def revision_of(database: Database) -> str | None:
    """The revision that the database is at."""
    with database.connect() as connection:
        return current_revision(connection)


def test_a_reader_refuses_a_schema_that_is_behind_and_leaves_it(empty_database: Database) -> None:
    behind = known_revisions()[-2]
    migrate(empty_database, behind)
    services = Services(Settings(database_url=empty_database.url))
    with pytest.raises(
        ConfigurationError, match=rf"at {behind}.* needs {head_revision()}: run `orchestration migrate`"
    ):
        _ = services.database
    assert revision_of(empty_database) == behind
    assert services.migrate() == (behind, head_revision())
    with services.database.connect() as connection:
        assert current_revision(connection) == head_revision()
    services.close()


def test_a_reader_and_a_migration_refuse_a_schema_that_a_newer_version_made(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(sa.text("COMMENT ON TABLE alembic_version IS NULL"))
    services = Services(Settings(database_url=database.url))
    with pytest.raises(ConfigurationError, match="at 9999, which is newer than this version"):
        _ = services.database
    with pytest.raises(ConfigurationError, match="run the version that made it"):
        services.migrate()
    assert revision_of(database) == "9999"


def test_a_version_goes_on_while_the_next_has_added_to_the_schema_and_says_so(database: Database) -> None:
    """What the next version leaves behind when every revision of its own says `expands`."""
    with database.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        note = connection.scalar(sa.text("SELECT obj_description(CAST('alembic_version' AS regclass))"))
        oldest = str(note).rpartition(" ")[2]
        assert oldest in known_revisions()
    with closing(Services(Settings(database_url=database.url))) as services, services.database.connect() as connection:
        assert examine_schema(connection) == ("9999", None)
    with database.begin() as connection:
        newer = str(note).replace(oldest, "9998")
        connection.exec_driver_sql(f"COMMENT ON TABLE alembic_version IS '{newer}'")
    with pytest.raises(ConfigurationError, match="newer than this version"):
        _ = Services(Settings(database_url=database.url)).database


def test_a_server_of_the_operators_own_gets_no_schema_from_a_reader(empty_database: Database) -> None:
    services = Services(Settings(database_url=empty_database.url))
    with pytest.raises(ConfigurationError, match=r"has no schema, .* run `orchestration migrate`"):
        _ = services.database
    with empty_database.connect() as connection:
        assert sa.inspect(connection).get_table_names() == []


def test_what_a_reader_asks_costs_no_alembic(database_url: str, tmp_path: Path) -> None:
    program = (
        "import sys; from orchestration.services import Services; from orchestration.settings import Settings; "
        "Services(Settings(database_url=sys.argv[1])).database; print('alembic' in sys.modules)"
    )
    finished = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program, database_url], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert finished.stdout == "False\n"


def test_the_embedded_database_of_a_new_home_gets_its_schema_once_and_is_not_upgraded_later(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", database_url=None, dagster_database_url=None)
    with closing(Services(settings)) as services, services.database.begin() as connection:
        assert current_revision(connection) == head_revision()
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    with pytest.raises(ConfigurationError, match="run `orchestration migrate`"):
        _ = Services(settings).database
