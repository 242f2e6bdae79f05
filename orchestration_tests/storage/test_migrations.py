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

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alembic.script import Script

    from orchestration.storage.database import Database

# Rows as a system at each revision may hold them, in the tables and columns that the revision brought.
ROWS: Mapping[str, str] = {
    "0001": """
        INSERT INTO media (content_hash, key, bytes, mime, width, height)
            VALUES ('aa', 'media/aa/aa.png', 3, 'image/png', 1, 1);
        INSERT INTO media_source (url, content_hash) VALUES ('https://images/1.jpg', 'aa');
        INSERT INTO media_variant (content_hash, name, key, bytes, mime, width, height)
            VALUES ('aa', 'thumb', 'media/aa/aa.webp', 2, 'image/webp', 1, 1);
        INSERT INTO task (queue, key, payload) VALUES ('product-family', 'A1-1', '{"sync": 2}');
        INSERT INTO task (queue, key, state, finished_at, reason) VALUES ('image-upload', 'u', 'dead', now(), 'no');
    """,
    "0002": """
        INSERT INTO supplier (code, name) VALUES ('A1', 'Größe & Söhne');
        INSERT INTO category (code, parent_code) VALUES ('TEXTILES/CAPS', 'TEXTILES'), ('TEXTILES', NULL);
        INSERT INTO sync (supplier, status, added) VALUES ('A1', 'completed', 1), ('A1', 'running', 0);
        INSERT INTO feed_entry (a_number, supplier, url, supplier_hash)
            VALUES ('A1-1', 'A1', 'https://feed/A1/A1-1.json', 'ABC');
        INSERT INTO product_family (a_number, supplier, supplier_hash, content_hash, name, price_min, available_colors)
            VALUES ('A1-1', 'A1', 'ABC', 'def', '{"nl": "Pet"}', 3.1415, '{Blue,"Dark, red"}');
        INSERT INTO product_variant (a_number, sku, name, weight) VALUES ('A1-1', 'A1-1-M', 'Pet M', 0.25);
        INSERT INTO family_image (a_number, url, position) VALUES ('A1-1', 'https://images/1.jpg', 0);
        INSERT INTO change (sync_id, a_number, entity, key, kind, field, before, after)
            VALUES (1, 'A1-1', 'family', 'A1-1', 'changed', 'price_min', '3', '3.1415');
        INSERT INTO quarantine (a_number, supplier, url, supplier_hash, code, reason, document)
            VALUES ('A1-2', 'A1', 'https://feed/A1/A1-2.json', 'ABD', 'json', 'cut short', '\\x00ff');
        INSERT INTO document_shape (supplier, path, types, is_required) VALUES ('A1', '$.Sku', '{string}', true);
        INSERT INTO drift (supplier, path, kind, before, after, example)
            VALUES ('A1', '$.New', 'new', '{}', '{string}', 'A1-1');
    """,
    "0003": """
        INSERT INTO notification (key, channel, event, payload, token)
            VALUES ('print:1:ab', 'webhook', 'print.completed', '{"key": "print:1:ab"}', 'a');
        INSERT INTO notification (key, channel, event, payload, token, state, delivered_at)
            VALUES ('print:1:ab', 'shipstation', 'print.completed', '{}', 'b', 'delivered', now());
        INSERT INTO notification (key, channel, event, payload, token, state, problem)
            VALUES ('print:1:ab', 'email:a@example.org', 'print.completed', '{}', 'c', 'given up', 'no such user');
    """,
    "0004": """
        INSERT INTO product (sku, name) VALUES ('Y3D-NKC-002', 'Schlüsselanhänger');
        INSERT INTO shop_order (marketplace, order_number, ship_by_date) VALUES ('etsy', '17', '2026-03-01');
        INSERT INTO order_item (order_id, product_id, line_key, quantity, unit_price, print_settings)
            SELECT o.id, p.id, '1', 2, 9.95, '{"nozzle": 0.4}' FROM shop_order AS o, product AS p;
        INSERT INTO print_product (address, geometry, sku, lines, fonts, body_color, text_color, outputs, milliseconds)
            VALUES ('ad', 'ge', 'Y3D-NKC-002', '{Zoë,"a, b"}', '{"a.ttf": "ff"}', 'blue', 'white', '[]', 12.5);
        INSERT INTO print_task (order_item_id, custom_text, stl_render_state, stl_path, product_address)
            SELECT id, 'Zoë', 'completed', 'style3-tag/Z/Zo.stl', 'ad' FROM order_item;
        INSERT INTO print_path (folded, path, sha256, object_key)
            VALUES ('style3-tag/z/zo.stl', 'style3-tag/Z/Zo.stl', 'aa', 'prints/aa/aa.stl');
        INSERT INTO print_output (task_id, kind, suffix, position, object_key, sha256, bytes, pretty_path, url,
                url_expires_at)
            SELECT id, 'stl', '.stl', 0, 'prints/aa/aa.stl', 'aa', 84, 'style3-tag/Z/Zo.stl', 'https://x', now()
            FROM print_task;
    """,
    "0005": """
        INSERT INTO app_user (uid, username, email) VALUES ('u1', 'Zoë', 'zoe@example.org');
        INSERT INTO generation_history (history_id, uid, visibility, is_public, document)
            VALUES ('h1', 'u1', 'public', true, '{"prompt": "ein Fuchs"}'), ('h2', 'u1', 'private', false, '{}');
        INSERT INTO gallery_takedown (history_id, reason) VALUES ('h3', 'asked for by its subject');
        INSERT INTO public_generation
            (history_id, uid, nsfw, document, source_revision, content_hash, created_at, updated_at)
            VALUES ('h1', 'u1', false, '{"prompt": "ein Fuchs"}', 1, 'ab', now(), now());
        INSERT INTO signup_image (image_url, creator, score) VALUES ('https://images/1.avif', NULL, 8.5);
    """,
    "0006": """
        INSERT INTO canvas_project
            (project_id, name, owner_uid, collaborators, next_op_index, last_snapshot_op_index, last_snapshot_at)
            VALUES ('p', 'Autumn', 'ada', '[{"uid": "bob", "role": "editor"}]', 2, 0, now());
        INSERT INTO canvas_operation (project_id, op_index, type, element_id, data, inverse, actor_uid, request_id)
            VALUES ('p', 0, 'create', 'e', '{"element": {"type": "image"}}', '{"type": "delete"}', 'ada', 'r');
        INSERT INTO canvas_operation (project_id, op_index, type, element_ids, actor_uid)
            VALUES ('p', 1, 'select', '{e,"f,g"}', 'bob');
        INSERT INTO canvas_element (project_id, element_id, type, x, meta)
            VALUES ('p', 'e', 'image', 0.1, '{"mediaId": "m"}');
        INSERT INTO canvas_snapshot
            (project_id, op_index, version, checksum, element_count, elements, media_refs, name)
            VALUES ('p', 0, 1, 'ab', 1, '\\x00ff', '{m}', 'before the talk');
        INSERT INTO canvas_snapshot
            (project_id, op_index, version, checksum, element_count, elements, corrupt_reason, corrupt_since)
            VALUES ('p', 0, 1, 'ab', 0, '\\x', 'its checksum differs', now());
    """,
    "0007": """
        INSERT INTO canvas_media (media_id, url, storage_path, origin, project_id, metadata, bytes)
            VALUES ('m', 'https://canvas/m', 'canvas/media/aa/aa.png', 'canvas', 'p', '{"width": 640}', 3);
        INSERT INTO media_gc_run (started_at, is_dry_run, is_forced, ttl_days, grace_hours, places)
            VALUES (now(), false, false, 30, 72, '{"elements": 1}');
        INSERT INTO media_gc_mark (media_id, run_id, marked_at, delete_after)
            SELECT 'm', id, now(), now() + interval '3 days' FROM media_gc_run;
        INSERT INTO media_tombstone (run_id, reason, media_id, storage_path, bytes, marked_at, deleted_at)
            SELECT id, 'unreferenced', 'gone', 'canvas/media/bb/bb.png', 4, now(), now() FROM media_gc_run;
        INSERT INTO media_orphan (storage_path, seen_at) VALUES ('canvas/media/cc/cc.png', now());
    """,
    "0008": """
        INSERT INTO generation_picture (history_id, url) VALUES ('h1', 'https://images/1.jpg');
    """,
    "0009": """
        INSERT INTO task (queue, key, state, finished_at, result, percent) VALUES
            ('mirror', 'h1', 'completed', now(), '{"images": 2}', 100), ('mirror', 'h1', 'cancelled', now(), NULL, 50);
        INSERT INTO task (queue, key, state, finished_at, reason, first_error, first_failed_at, replays, history)
            VALUES ('mirror', 'h2', 'dead', now(), 'no', 'first', now(), 1, '[{"attempts": 3, "error": "first"}]');
        INSERT INTO task_worker (number, queue, host, pid, run_id) VALUES (1, 'mirror', 'a', 17, 'run');
        INSERT INTO task_statistic (queue, outcome, hour, waited_class, ran_class, tasks, waited_seconds, ran_seconds)
            VALUES ('mirror', 'completed', now(), 5, 6, 1, 0.5, 1.5);
        INSERT INTO state_transition (table_name, column_name, old_state, new_state)
            VALUES ('render_job', 'state', 'pending', 'running');
    """,
    "0010": """
        INSERT INTO sync (supplier, status, step, images, images_settled, images_failed)
            VALUES ('A1', 'stopped', 'mirroring_images', 3, 2, 1);
        INSERT INTO sync_item (sync_id, kind, key, is_failed)
            SELECT max(id), 'image', 'https://images/1.jpg', true FROM sync;
    """,
    "0011": """
        INSERT INTO work_request (kind, arguments, requested_by) VALUES ('catalogue.sync', '{"full": true}', 'ada');
    """,
    "0012": """
        INSERT INTO render_job (id, product_id, variant_id, preset, options)
            VALUES ('rjob_1', 'A1-1', 'A1-1-red', 'chest-medium',
                '{"further_prints": [{"preset": "back-small", "design_key": "k"}]}');
        INSERT INTO render_output (job_id, kind, angle, object_key, bytes, sha256, garment_version, renderer_version)
            VALUES ('rjob_1', 'still', 'front_0deg', 'mockups/ab/ab.png', 5, 'ab', '1', '1');
    """,
    "0013": """
        INSERT INTO preview_job (job_id, project_id, request_id, payload, priority, dry_run)
            VALUES ('j1', 'p', 'r', '{"jobId": "j1"}', 'high', false);
        UPDATE preview_job SET state = 'running', percent = 40, attempt = 1, started_at = now();
        UPDATE preview_job SET state = 'completed', result = '{"files": []}', finished_at = now();
        INSERT INTO preview_count (outcome, total) VALUES ('completed', 1);
    """,
    "0014": """
        INSERT INTO api_key (name, role, secret_hash, last_used_at) VALUES ('shop', 'enqueue', '\\x00ff', now());
        INSERT INTO task_pause (queue, paused_by) VALUES ('mirror', 'ada');
        UPDATE work_request SET request_id = 'req-1', http_request_id = 'ab';
    """,
    "0015": """
        INSERT INTO feed_problem (file, position, line_number, text, reason, is_refused)
            VALUES ('Import.txt', 0, 7, 'Export of all articles', 'neither', true);
    """,
    "0016": """
        UPDATE print_task SET import_note = 'an order file says ''Zoe'' without the name of this line';
        INSERT INTO notification_address (address, reason) VALUES ('webhook ab12', 'answered with status 410');
        INSERT INTO print_plate
            (body_color, text_color, object_key, sha256, bytes, picture_key, grams, minutes, density)
            VALUES ('blue', 'white', 'plates/ab/ab.3mf', 'ab', 9, 'plates/ac/ac.png', 31.5, 240, 0.75);
        INSERT INTO print_plate_task (task_id, plate_id, pieces, product_address)
            SELECT t.id, e.id, 2, 'ad' FROM print_task AS t, print_plate AS e;
    """,
    "0017": """
        INSERT INTO media_unreferenced (media_id, since) SELECT media_id, now() FROM canvas_media;
    """,
    "0018": """
        INSERT INTO admin_action (caller, role, action, target, outcome, message)
            VALUES ('ada', 'admin', 'queue.pause', 'queue:mirror', 'done', 'Paused');
        INSERT INTO bulk_action (queue, asked_by, total) VALUES ('image-upload', 'ada', 1);
        INSERT INTO bulk_item (bulk_id, position, key, outcome) VALUES (1, 0, 'u', 'replayed');
        INSERT INTO error_mark (queue, fingerprint, resolved_by) VALUES ('image-upload', 'ab12', 'ada');
    """,
    "0019": """
        INSERT INTO task_total (queue, outcome, waited_class, ran_class, tasks, waited_seconds, ran_seconds)
            VALUES ('mirror', 'completed', 5, 6, 1, 0.5, 1.5);
    """,
    "0020": """
        UPDATE media SET unused_since = now();
        INSERT INTO media_tombstone (run_id, reason, storage_path, bytes, marked_at, deleted_at)
        SELECT id, 'unshown', 'media/ab/old.png', 3, now(), now() FROM media_gc_run;
    """,
    "0030": "SELECT 'no table of its own'",
}


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
