"""What has to hold after the trouble is over, whatever it was: the same rows, objects and effects as without it.

Keep out: making the trouble.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestration_tests.chaos.worlds import World

# Records of how the work went, not of what came of it: they tell of the trouble, as they should.
OF_THE_WAY = {
    "sync", "task", "task_worker", "task_statistic", "task_total", "row_count", "preview_count",
    "media_gc_run", "media_orphan",
}  # fmt: skip
# A record of a preview tells when its rendering began, so its hash is another one in each world.
UNEQUAL_HASHES = {"notification", "preview_job"}
# Columns of the same kind; times and numbers of rows are left out everywhere.
VOLATILE = {
    "token", "attempt", "crashes", "renders", "milliseconds", "render_retries", "render_pid", "documents_seen",
    "url_expires_at", "run_id", "marked_by", "sync_id", "plate_id", "problem",
}  # fmt: skip


class Outcome(NamedTuple):
    """What a world holds: rows by table, objects by key, tasks by queue, key and state, and ids that arrived."""

    rows: Mapping[str, Counter[str]]
    objects: Mapping[str, int]
    tasks: frozenset[tuple[str, str, str]]
    received: frozenset[str]


def look(world: World) -> Outcome:
    """The outcome as it stands."""
    with world.database() as database, database.begin() as connection:
        rows = {table: _rows(connection, table, columns) for table, columns in _columns(connection).items()}
        tasks = frozenset(tuple(row) for row in connection.execute(_TASKS))
    return Outcome(rows, objects_in(world), tasks, frozenset(one.id for one in world.outside.received))


def violations(world: World, expected: Outcome, kills: int) -> list[str]:
    """What does not hold in a world in which the work was finished after so many kills."""
    found = look(world)
    return [
        *_differences(expected, found),
        *_unfinished(found),
        *_repeats(world, kills),
        *_records(world),
        *_leftovers(world),
    ]


def _columns(connection: sa.Connection) -> dict[str, list[str]]:
    tables: dict[str, list[str]] = {}
    for table, column in connection.execute(_COMPARED):
        if table not in OF_THE_WAY:
            tables.setdefault(table, []).extend([column] if column not in VOLATILE else [])
    return tables


# The ids of rows are numbers, those of things texts.
_COMPARED = sa.text("""
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = 'public' AND data_type NOT LIKE 'timestamp%'
        AND NOT (data_type = 'bigint' AND (column_name = 'id' OR column_name LIKE '%\\_id'))
    ORDER BY table_name, ordinal_position
""")

# A sync that nobody ended is stuck as well.
_TASKS = sa.text("""
    SELECT DISTINCT queue, key, state FROM task
    UNION ALL SELECT 'sync of', supplier, 'active' FROM sync WHERE finished_at IS NULL
""")


def _rows(connection: sa.Connection, table: str, columns: list[str]) -> Counter[str]:
    listed = ", ".join(f't."{column}"' for column in columns)
    query = f"SELECT CAST(to_jsonb(r) AS text) FROM (SELECT {listed} FROM {table} AS t) AS r"  # noqa: S608 - names of the schema
    rows = (_TIMES.sub("...", row) for row in connection.execute(sa.text(query)).scalars())
    return Counter(_HASH.sub("...", row) if table in UNEQUAL_HASHES else row for row in rows)


# Within texts and documents: moments, and what of a signed link depends on one.
_TIMES = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)?|(?:expires|signature)=\w+")
_HASH = re.compile(r"[0-9a-f]{2}/[0-9a-f]{64}|[0-9a-f]{64}")


def objects_in(world: World) -> dict[str, int]:
    """The objects of a world, with their sizes, by what lies in the folder: staged files too.

    Of the records of previews the number, see `UNEQUAL_HASHES`.
    """
    found, records = {}, 0
    for path in sorted(path for path in world.objects.rglob("*") if path.is_file()):
        name = str(path.relative_to(world.objects))
        if name.startswith("previews/") and name.endswith(".json"):
            records += 1
            name = f"record {records} of previews"
        found[name] = path.stat().st_size if "record" not in name else 0
    return found


def _differences(expected: Outcome, found: Outcome) -> list[str]:
    reported = []
    for table, rows in expected.rows.items():
        if lost := rows - found.rows[table]:
            reported.append(f"{table}: {lost.total()} rows lost or wrong, such as {_short(next(iter(lost)))}")
        if more := found.rows[table] - rows:
            reported.append(f"{table}: {more.total()} rows too many or wrong, such as {_short(next(iter(more)))}")
    for what, lost_ones, more_ones in (
        ("objects", expected.objects.items() - found.objects.items(), found.objects.items() - expected.objects.items()),
        ("tasks", expected.tasks - found.tasks, found.tasks - expected.tasks),
        ("notifications", expected.received - found.received, found.received - expected.received),
    ):
        if lost_ones:
            reported.append(f"{len(lost_ones)} {what} lost, such as {min(lost_ones, key=str)}")
        if more_ones:
            reported.append(f"{len(more_ones)} {what} too many, such as {min(more_ones, key=str)}")
    return reported


def _short(row: str) -> str:
    return row if len(row) < 300 else f"{row[:300]}..."


def _unfinished(found: Outcome) -> list[str]:
    left = [f"{queue} {key} {state}" for queue, key, state in found.tasks if state in {"waiting", "active"}]
    return [f"{len(left)} tasks stuck, such as {min(left)}"] if left else []


def _repeats(world: World, kills: int) -> list[str]:
    """What was sent by a process that died before it could record it is sent once more, and no oftener."""
    times = Counter(one.id for one in world.outside.received)
    return [f"{one} arrived {count} times after {kills} kills" for one, count in times.items() if count > 1 + kills]


def _records(world: World) -> list[str]:
    """No run says twice that it made a partition, and no run whose process lives on is left open."""
    with world.dagster_database() as database, database.connect() as connection:
        twice = connection.execute(_RECORDED_TWICE).all()
    return [f"run {row.run_id} recorded {row.asset_key} {row.partition} {row.times} times" for row in twice]


_RECORDED_TWICE = sa.text("""
    SELECT run_id, asset_key, partition, count(*) AS times FROM event_logs
    WHERE dagster_event_type = 'ASSET_MATERIALIZATION' AND partition IS NOT NULL
    GROUP BY run_id, asset_key, partition HAVING count(*) > 1
""")


def _leftovers(world: World) -> list[str]:
    left = sorted(str(path.relative_to(world.folder)) for path in (world.folder / "tmp").iterdir())
    return [f"{len(left)} temporary files left, such as {left[0]}"] if left else []


def describe(outcome: Outcome) -> dict[str, Any]:
    """How much there is of everything, for people."""
    return {
        "rows": sum(rows.total() for rows in outcome.rows.values()),
        "objects": len(outcome.objects),
        "tasks": len(outcome.tasks),
        "notifications": len(outcome.received),
    }
