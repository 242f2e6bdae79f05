"""The revisions make the schema that the code declares, keep data, and can be taken back."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import orchestration
from orchestration.errors import ConfigurationError
from orchestration.storage.migrate import _LOCK, alembic_config, current_revision, head_revision, migrate
from orchestration.storage.schema import metadata
from orchestration_tests.storage.revision_rows import ROWS

if TYPE_CHECKING:
    from alembic.script import Script

    from orchestration.storage.database import Database


def revisions() -> list[Script]:
    """Every revision, oldest first."""
    return list(reversed(list(ScriptDirectory.from_config(alembic_config()).walk_revisions())))


REVISIONS = [script.revision for script in revisions()]


def declare_all_tables() -> sa.MetaData:
    """The package's metadata, once every module that declares tables has been imported."""
    for module in pkgutil.walk_packages(orchestration.__path__, "orchestration."):
        if module.name.endswith(".tables"):
            importlib.import_module(module.name)
    return metadata


def schema_of(database: Database) -> dict[str, list[Any]]:
    """What PostgreSQL itself says of columns, constraints, indexes and sequences."""
    with database.connect() as connection:
        return {name: [tuple(row) for row in connection.execute(sa.text(query))] for name, query in _CATALOGUE.items()}


_CATALOGUE = {
    "columns": """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
            pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)
        FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'alembic_version'
        ORDER BY 1, 2
    """,
    "constraints": """
        SELECT c.relname, o.conname, pg_get_constraintdef(o.oid)
        FROM pg_constraint AS o JOIN pg_class AS c ON c.oid = o.conrelid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relname <> 'alembic_version' ORDER BY 1, 2
    """,
    "indexes": """
        SELECT c.relname, pg_get_indexdef(i.indexrelid)
        FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relname <> 'alembic_version' ORDER BY 1, 2
    """,
    "sequences": """
        SELECT sequencename, data_type::text, start_value, min_value, max_value, increment_by, cycle
        FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1
    """,
}


def row_counts(database: Database) -> dict[str, int]:
    """How many rows each table holds."""
    with database.connect() as connection:
        tables = sorted(set(sa.inspect(connection).get_table_names()) - {"alembic_version"})
        return {name: connection.execute(sa.text(f'SELECT count(*) FROM "{name}"')).scalar_one() for name in tables}  # noqa: S608 - names from the catalogue


def fill(database: Database, until: str) -> None:
    """Insert the rows of every revision up to `until`."""
    with database.begin() as connection:
        for revision in REVISIONS[: REVISIONS.index(until) + 1]:
            connection.exec_driver_sql(ROWS[revision])


def downgrade(database: Database, revision: str) -> None:
    """Take the database back to `revision`, also to none."""
    with database.begin() as connection:
        command.downgrade(alembic_config(connection), revision)


def test_there_is_one_line_of_revisions() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_heads() == [head_revision()]
    assert [script.down_revision for script in revisions()] == [None, *REVISIONS[:-1]]


def test_every_revision_has_rows_to_upgrade_with() -> None:
    assert list(ROWS) == REVISIONS


def test_the_metadata_holds_the_tables_of_every_package() -> None:
    tables = declare_all_tables().tables
    assert {"product_family", "sync", "media", "media_source", "task"} <= set(tables)


# PostgreSQL spells the expression differently; the next test compares it as PostgreSQL spells both.
@pytest.mark.filterwarnings("ignore:Computed default on task.(sort_at|fingerprint) cannot be modified")
def test_the_migrated_schema_is_the_declared_one(database: Database) -> None:
    declared = declare_all_tables()
    with database.begin() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), declared) == []


def test_constraints_defaults_and_partial_indexes_are_the_declared_ones(
    database: Database, empty_database: Database
) -> None:
    with empty_database.begin() as connection:
        declare_all_tables().create_all(connection)
    assert schema_of(database) == schema_of(empty_database)


@pytest.mark.parametrize("revision", REVISIONS)
def test_data_of_an_earlier_revision_survives_the_upgrade(empty_database: Database, revision: str) -> None:
    migrate(empty_database, revision)
    fill(empty_database, until=revision)
    before = row_counts(empty_database)
    assert all(before.values()), "a table without a row proves nothing"
    assert migrate(empty_database) == (revision, head_revision())
    after = row_counts(empty_database)
    filled_by_migrations = {"state_transition", "row_count"}
    kept = before.keys() - filled_by_migrations
    assert {table: after[table] for table in kept if table in after} == {table: before[table] for table in kept}
    assert all(after[table] >= before[table] for table in before.keys() & filled_by_migrations)


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_revision_can_be_taken_back_and_applied_again(empty_database: Database, revision: str) -> None:
    migrate(empty_database, revision)
    schema = schema_of(empty_database)
    fill(empty_database, until=revision)
    downgrade(empty_database, "-1")
    migrate(empty_database, revision)
    assert schema_of(empty_database) == schema


def test_taking_everything_back_leaves_nothing(empty_database: Database) -> None:
    migrate(empty_database)
    downgrade(empty_database, "base")
    assert not any(schema_of(empty_database).values())


def test_migrating_says_where_it_came_from_and_is_done_once(empty_database: Database) -> None:
    assert migrate(empty_database) == (None, head_revision())
    assert migrate(empty_database) == (head_revision(), head_revision())
    with empty_database.connect() as connection:
        assert current_revision(connection) == head_revision()


def test_two_processes_that_migrate_at_once_run_each_revision_once(empty_database: Database) -> None:
    program = (
        "import sys; from orchestration.storage.database import Database; "
        "from orchestration.storage.migrate import migrate; print(migrate(Database(sys.argv[1])))"
    )
    with empty_database.begin() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        started = [
            subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-c", program, empty_database.url], stdout=subprocess.PIPE, text=True
            )
            for _ in range(2)
        ]
        wait_for_waiters(connection, 2)
    printed = sorted(process.communicate(timeout=60)[0].strip() for process in started)
    assert [process.returncode for process in started] == [0, 0]
    assert printed == sorted([str((None, head_revision())), str((head_revision(), head_revision()))])


def wait_for_waiters(connection: sa.Connection, count: int) -> None:
    """Wait until so many sessions wait for an advisory lock of this database."""
    statement = sa.text("""
        SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    """)
    deadline = time.monotonic() + 60
    while connection.execute(statement).scalar_one() < count:
        assert time.monotonic() < deadline, "the processes did not come to migrate"
        time.sleep(0.05)


def test_going_back_one_revision_keeps_the_data_and_forth_again_too(database: Database) -> None:
    before, head = REVISIONS[-2:]
    fill(database, until=head)
    counts, schema = row_counts(database), schema_of(database)
    assert migrate(database, before) == (head, before)
    assert {name: counts[name] for name in row_counts(database)} == row_counts(database)
    assert migrate(database) == (before, head)
    assert (row_counts(database), schema_of(database)) == (counts, schema)


def test_an_unknown_revision_is_refused_with_those_that_there_are(database: Database) -> None:
    with pytest.raises(ConfigurationError, match=f"no revision 12: there are 0001, .*{head_revision()}"):
        migrate(database, "12")


def test_a_migration_that_meets_a_long_reader_holds_nobody_up_and_succeeds_after_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lets go of its place in the line for the table, so that others pass; and comes back."""
    monkeypatch.setattr("orchestration.storage.migrate._LOCK_SECONDS", 0.2)
    before, head = "0020", "0030"  # the latter changes the table of tasks
    migrate(database, before)
    with ThreadPoolExecutor() as threads:
        with database.begin() as reader:
            reader.execute(sa.text("LOCK TABLE task IN ACCESS SHARE MODE"))
            migration = threads.submit(migrate, database, head)
            for _ in range(5):
                with database.begin() as other:
                    other.execute(sa.text("INSERT INTO task (queue, key) VALUES ('q', gen_random_uuid()::text)"))
                time.sleep(0.1)
        assert migration.result(timeout=60) == (before, head)


def test_a_failed_migration_leaves_the_database_as_it_was(empty_database: Database) -> None:
    with empty_database.begin() as connection:
        connection.execute(sa.text("CREATE TABLE supplier (mine integer)"))
    with pytest.raises(sa.exc.ProgrammingError, match="already exists"):
        migrate(empty_database)
    assert row_counts(empty_database) == {"supplier": 0}


def test_a_database_from_a_newer_version_is_left_alone(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError, match="9999"):
        migrate(database)
    assert row_counts(database)["supplier"] == 0


def test_the_vacuum_follows_what_changed_in_the_tables_that_change_all_the_time(database: Database) -> None:
    options = sa.text("SELECT reloptions FROM pg_class WHERE relname = 'task'")
    with database.connect() as connection:
        assert {"autovacuum_vacuum_scale_factor=0", "fillfactor=80"} <= set(connection.execute(options).scalar_one())
