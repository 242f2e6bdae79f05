"""Usage, migrations and diagnosis: one clear line, and the right exit code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import dagster as dg
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

import orchestration as orchestration_package
from orchestration.storage.migrate import head_revision, known_revisions, migrate
from orchestration_tests.conftest import run_on_server

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from orchestration.storage.database import Database
    from orchestration_tests.cli.conftest import Command
    from orchestration_tests.cli.feed_folder import FeedFolder


_REFUSED_PRINT = sa.text("""
    WITH o AS (INSERT INTO shop_order (marketplace, order_number) VALUES ('shop', '1') RETURNING id),
        p AS (INSERT INTO product (sku) VALUES ('S') RETURNING id),
        i AS (INSERT INTO order_item (order_id, product_id, line_key) SELECT o.id, p.id, '1' FROM o, p RETURNING id)
    INSERT INTO print_task (order_item_id, refused_picture) SELECT id, :picture FROM i
""")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nothing",), "No such command 'nothing'. See `orchestration --help`"),
        (("sync", "--nothing"), "--nothing. See `orchestration sync --help`"),
        (("stop",), "Missing argument 'supplier'. See `orchestration stop --help`"),
        (("queue", "nothing"), "No such command 'nothing'. See `orchestration queue --help`"),
        (("queue", "dead", "image-upload", "--limit", "many"), "as an integer. See `orchestration queue dead --help`"),
        (("queue", "dead", "image-upload", "--limit", "-1"), "'--limit'"),
        (("status", "more"), "more"),
        (("mockups", "submit", "--product", "A", "--preset", "nope"), "'--preset': 'nope' is not one of"),
    ],
)
def test_bad_usage_is_one_clear_line_that_names_the_help(
    disconnected: Command, arguments: tuple[str, ...], told: str
) -> None:
    ended = disconnected(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1
    assert told in ended.err


def test_a_value_that_no_database_takes_is_bad_usage(orchestration: Command) -> None:
    for arguments in (("requests", "show", "9" * 20), ("explain", "A23-1\udcff"), ("restore", "\udc80")):
        ended = orchestration(*arguments)
        assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1), arguments
        assert ended.err.endswith("See `orchestration --help`.\n")


@pytest.mark.parametrize("arguments", [(), ("quarantine",)])
def test_a_command_without_its_own_shows_the_help(disconnected: Command, arguments: tuple[str, ...]) -> None:
    ended = disconnected(*arguments)
    assert ended.code == 2
    assert "Usage: orchestration" in ended.out + ended.err
    assert "Traceback" not in ended.err


def test_help_is_no_error(disconnected: Command) -> None:
    ended = disconnected("--help")
    assert (ended.code, ended.err) == (0, "")
    assert "sync" in ended.out


@pytest.mark.parametrize(
    ("variable", "value", "code"),
    [
        ("ORCHESTRATION_IMAGE_ATTEMPTS", "none", 2),
        ("ORCHESTRATION_DATABASE_URL", "mysql://host/name", 2),
        ("ORCHESTRATION_HOME", "somewhere", 1),  # sound, so that the database is asked
    ],
)
def test_bad_configuration_is_one_clear_line(
    disconnected: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, variable: str, value: str, code: int
) -> None:
    monkeypatch.chdir(tmp_path)  # where a home of that name may be made
    monkeypatch.setenv(variable, value)
    ended = disconnected("status")
    assert (ended.code, ended.out) == (code, "")
    assert ended.err.count("\n") == 1


def test_the_command_is_installed_and_ends_without_a_traceback() -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "orchestration", "materialize"], capture_output=True, text=True, check=False
    )
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert finished.stderr.count("\n") == 1


def test_migrating_says_from_where_to_where(
    orchestration: Command, empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRATION_DATABASE_URL", empty_database.url)
    head = head_revision()
    assert orchestration("migrate", "--json").json == {"from": None, "to": head}
    assert orchestration("migrate", "--json").json == {"from": head, "to": head}
    assert orchestration("migrate").out == f"The schema is at {head}\n"
    before = known_revisions()[-2]
    assert orchestration("migrate", "--to", before, "--json").json == {"from": head, "to": before}


def test_a_process_that_waits_for_the_schema_changes_nothing(
    orchestration: Command, empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRATION_DATABASE_URL", empty_database.url)
    refused = orchestration("migrate", "--wait", "0")
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "has no schema" in refused.err
    with empty_database.connect() as connection:
        assert sa.inspect(connection).get_table_names() == []
    migrate(empty_database)
    assert orchestration("migrate", "--wait", "0", "--json").json == {"from": head_revision(), "to": head_revision()}


def test_the_reconciliation_lists_and_ends_with_one_while_an_object_is_missing(
    orchestration: Command, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRATION_DATABASE_URL", database.url)
    assert orchestration("reconcile").code == 0
    with database.begin() as connection:
        connection.execute(
            sa.text("""
            INSERT INTO media (content_hash, key, bytes, mime, width, height)
                VALUES ('aa', 'media/aa/aa.png', 3, 'image/png', 1, 1)
        """)
        )
    ended = orchestration("reconcile", "--json")
    assert ended.code == 1
    assert ended.json["missing"] == [{"table": "media", "row": "aa", "key": "media/aa/aa.png"}]
    (orchestration.home / "objects/media").mkdir(parents=True, exist_ok=True)
    (orchestration.home / "objects/media/two\nlines").touch()
    kept = orchestration.home / "objects/prints/aa/refused.png"
    kept.parent.mkdir(parents=True)
    kept.touch()
    with database.begin() as connection:
        connection.execute(_REFUSED_PRINT, {"picture": "prints/aa/refused.png"})
    ended = orchestration("reconcile")
    assert "1 of these are missing" in ended.out
    assert "Objects that no row names: none" in ended.out
    assert ended.err == "media/two\\x0alines: no key of an object; rename or remove the file\n"


def test_a_deployment_prepares_dagster_by_the_same_command(
    orchestration: Command, database_url: str, dagster_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Under the configuration of Kubernetes, whose launcher is not needed for it."""
    monkeypatch.setenv("ORCHESTRATION_DATABASE_URL", database_url)
    assert "DAGSTER_HOME" in orchestration("migrate", "--dagster").err
    for name, value in {
        "ORCHESTRATION_DAGSTER_DATABASE_URL": dagster_url,
        "DAGSTER_HOME": str(Path(orchestration_package.__file__).parents[1] / "deploy/kubernetes/base/config"),
        "ORCHESTRATION_LOG_DIRECTORY": str(tmp_path),
        "ORCHESTRATION_LOG_BUCKET": "logs",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    assert orchestration("migrate", "--dagster").code == 0
    with dg.DagsterInstance.get() as instance:
        limits = {pool.name: pool.limit for pool in instance.event_log_storage.get_pool_limits()}
    assert limits["prints_render"] == 4


def test_the_doctor_finds_a_sound_system_sound(orchestration: Command, feed: FeedFolder) -> None:
    feed.put_plain("A23-1", "A461-1")
    feed.publish()
    ended = orchestration("doctor")
    lines = ended.out.splitlines()
    assert [line.split(":")[0].split() for line in lines] == [
        ["ok", "database"],
        ["ok", "store"],
        ["ok", "fonts"],
        ["ok", "blender"],
        ["ok", "confinement"],
        ["ok", "feed"],
        ["ok", "settings"],
    ]
    assert (ended.code, ended.err) == (0, "")
    assert f"schema {head_revision()} (current)" in lines[0]
    assert "OpenSCAD and Blender run with" in lines[4]
    assert lines[5].endswith(f"{feed.url} lists 2 families of 2 suppliers")
    assert orchestration("doctor").code == 0  # also where its own traces are


def test_the_doctor_tells_what_is_broken_and_looks_at_the_rest(
    orchestration: Command, feed: FeedFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    feed.publish()
    (tmp_path / "full").write_bytes(b"")
    monkeypatch.setenv("ORCHESTRATION_OBJECT_STORE", (tmp_path / "full" / "objects").as_uri())
    found = orchestration("doctor", "--feed", (tmp_path / "elsewhere").as_uri(), "--json")
    assert found.code == 1
    sound = {one["name"]: one["ok"] for one in found.json}
    assert [name for name, ok in sound.items() if not ok] == ["store", "feed"]
    assert {"database", "fonts", "blender", "confinement"} < set(sound)
    assert all("\n" not in one["message"] for one in found.json)
    table = orchestration("doctor", "--feed", (tmp_path / "elsewhere").as_uri())
    assert [line.split()[0] for line in table.out.splitlines()] == [
        "ok", "FAILED", "ok", "ok", "ok", "FAILED", "ok"
    ]  # fmt: skip


def test_the_doctor_names_what_is_no_setting_and_what_does_not_fit_together(
    orchestration: Command, feed: FeedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.publish()
    monkeypatch.setenv("ORCHESTRATION_GC_CORN", "0 4 * * *")
    said = orchestration("doctor").out.splitlines()[-1]
    assert said == "FAILED settings: ORCHESTRATION_GC_CORN is no setting; did you mean ORCHESTRATION_GC_CRON?"
    monkeypatch.delenv("ORCHESTRATION_GC_CORN")
    monkeypatch.setenv("ORCHESTRATION_GC_CRON", "every day")
    ended = orchestration("doctor")
    assert (ended.code, ended.out.splitlines()[-1][:53]) == (1, "FAILED settings: ORCHESTRATION_GC_CRON 'every day' is")


def test_a_secret_in_the_url_of_a_store_is_in_no_answer_of_the_doctor_and_in_no_log(
    orchestration: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRATION_LOG_LEVEL", "DEBUG")
    for url in ("ftp://key:sec/ret@bucket/prefix", "s3://bucket:none/prefix?token=sec/ret"):
        monkeypatch.setenv("ORCHESTRATION_OBJECT_STORE", url)
        for command in (("doctor",), ("doctor", "--json"), ("reconcile",)):
            ended = orchestration(*command)
            assert ended.code != 0
            assert "ORCHESTRATION_OBJECT_STORE" in ended.out + ended.err
            assert "sec/ret" not in ended.out + ended.err
    files = [path for path in orchestration.home.rglob("*") if path.is_file()]
    assert [path for path in files if b"sec/ret" in path.read_bytes()] == []


def test_the_doctor_survives_a_database_that_is_away(
    orchestration: Command, feed: FeedFolder, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    feed.publish()
    monkeypatch.setenv("ORCHESTRATION_DATABASE_URL", f"postgresql://127.0.0.1:{unused_tcp_port}/name")
    found = orchestration("doctor", "--json")
    assert found.code == 1
    assert [one["name"] for one in found.json if not one["ok"]] == ["database"]


def test_the_doctor_looks_at_the_rest_after_an_error_that_nobody_foresaw(
    orchestration: Command, feed: FeedFolder, monkeypatch: pytest.MonkeyPatch, server_url: URL, database_url: str
) -> None:
    feed.publish()
    role = f"role_{uuid4().hex}"
    run_on_server(server_url, f"CREATE ROLE {role} LOGIN")
    try:
        url = make_url(database_url).set(username=role).render_as_string(hide_password=False)
        monkeypatch.setenv("ORCHESTRATION_DATABASE_URL", url)
        found = orchestration("doctor", "--json")
    finally:
        run_on_server(server_url, f"DROP ROLE {role}")
    ((name, message),) = [(one["name"], one["message"]) for one in found.json if not one["ok"]]
    assert (found.code, name) == (1, "database")
    assert "permission denied for table alembic_version" in message


def test_the_doctor_changes_no_schema(
    orchestration: Command, feed: FeedFolder, empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.publish()
    monkeypatch.setenv("ORCHESTRATION_DATABASE_URL", empty_database.url)
    found = orchestration("doctor")
    assert (found.code, "run `orchestration migrate`" in found.out) == (1, True)
    with empty_database.connect() as connection:
        assert sa.inspect(connection).get_table_names() == []
