"""Looking through tasks: those of a queue and state page by page, dead ones by the error that they share, the slowest.

Rows without payloads and results, in the order of an index. Keep out: single tasks and counts (`queue`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

# How many of the newest completed tasks the slowest are looked for among.
LOOKED_AT = 5_000


class ListedTask(NamedTuple):
    """A task of a list. `at` is when it ended, was claimed or is due, by its state; with `id` it goes on from there."""

    id: int
    key: str
    grouping: str | None
    state: str
    attempt: int
    replays: int
    percent: float | None
    step: str | None
    reason: str | None
    error: str | None
    enqueued_at: datetime
    claimed_at: datetime | None
    finished_at: datetime | None
    run_id: str | None
    at: datetime


class ErrorGroup(NamedTuple):
    """Dead tasks of a queue whose errors differ in names and numbers alone; the newest of them as the example."""

    queue: str
    fingerprint: str | None
    tasks: int
    first_at: datetime
    last_at: datetime
    key: str
    reason: str
    error: str | None


class SlowTask(NamedTuple):
    """A completed task and the seconds that it waited and ran."""

    key: str
    waited_seconds: float
    ran_seconds: float
    finished_at: datetime


_LISTED = """id, key, "grouping", state, attempt, replays, percent, step, reason, left(error, 400) AS error,
    enqueued_at, claimed_at, finished_at, run_id"""


def _listing(at: str, order: str, later: str) -> sa.TextClause:
    return sa.text(f"""
SELECT {_LISTED}, {at} AS at FROM task
WHERE queue = :queue AND state = :state AND (CAST(:fingerprint AS text) IS NULL OR fingerprint = :fingerprint)
    AND (CAST(:at AS timestamptz) IS NULL OR ({at}, id) {later} (CAST(:at AS timestamptz), CAST(:id AS bigint)))
ORDER BY {at} {order}, id {order} LIMIT :limit""")  # noqa: S608 - of our own constants


_WAITING = _listing("run_at", "ASC", ">")
_ACTIVE = _listing("claimed_at", "ASC", ">")
_FINISHED = _listing("finished_at", "DESC", "<")

_GROUPS = sa.text("""
WITH groups AS (
    SELECT queue, fingerprint, count(*) AS tasks, min(finished_at) AS first_at, max(finished_at) AS last_at
    FROM task WHERE state = 'dead' AND (CAST(:queue AS text) IS NULL OR queue = :queue)
        AND (CAST(:fingerprint AS text) IS NULL OR fingerprint = :fingerprint)
    GROUP BY queue, fingerprint ORDER BY count(*) DESC LIMIT :limit
)
SELECT g.queue, g.fingerprint, g.tasks, g.first_at, g.last_at, t.key, t.reason, t.error
FROM groups AS g CROSS JOIN LATERAL (
    SELECT key, reason, error FROM task
    WHERE state = 'dead' AND queue = g.queue AND fingerprint IS NOT DISTINCT FROM g.fingerprint
        AND finished_at = g.last_at LIMIT 1
) AS t ORDER BY g.tasks DESC, g.last_at DESC""")

_HOURS = sa.text("""
SELECT queue, fingerprint, CAST(extract(epoch FROM statement_timestamp() - finished_at) AS int) / 3600 AS hours_ago,
    count(*) AS tasks
FROM task WHERE state = 'dead' AND finished_at > statement_timestamp() - make_interval(hours => :hours)
    AND (CAST(:queue AS text) IS NULL OR queue = :queue)
GROUP BY 1, 2, 3""")

_SLOWEST = sa.text("""
SELECT key, greatest(0, CAST(extract(epoch FROM claimed_at - run_at) AS float8)),
    CAST(extract(epoch FROM finished_at - claimed_at) AS float8) AS ran, finished_at
FROM (SELECT * FROM task WHERE queue = :queue AND state = 'completed' ORDER BY finished_at DESC LIMIT :looked_at) AS t
WHERE claimed_at IS NOT NULL ORDER BY ran DESC LIMIT :limit""")

_LAST = sa.text("""
SELECT name, CAST(extract(epoch FROM t.finished_at - t.claimed_at) AS float8)
FROM unnest(CAST(:queues AS text[])) AS name CROSS JOIN LATERAL (
    SELECT finished_at, claimed_at FROM task WHERE queue = name AND state = 'completed'
    ORDER BY finished_at DESC LIMIT 1
) AS t""")

_DUE = sa.text("""
SELECT name, (
    SELECT count(*) FROM task WHERE queue = name AND state = 'waiting' AND run_at > statement_timestamp()) AS delayed,
    CAST(extract(epoch FROM statement_timestamp() - (
        SELECT run_at FROM task WHERE queue = name AND state = 'waiting' AND run_at <= statement_timestamp()
        ORDER BY run_at LIMIT 1)) AS float8) AS oldest_seconds
FROM unnest(CAST(:queues AS text[])) AS name""")


class Due(NamedTuple):
    """Waiting tasks that may only run later, and the seconds that the oldest of the others has been due."""

    delayed: int
    oldest_seconds: float | None


def list_tasks(
    connection: sa.Connection,
    queue: str,
    state: str,
    *,
    fingerprint: str | None = None,
    after: tuple[str, str] | None = None,
    limit: int = 100,
) -> list[ListedTask]:
    """Tasks of one state: waiting ones by when they are due, active ones by their claim, ended ones newest first.

    `after` is the time, in ISO 8601, and the id of the last one before.
    """
    statement = {"waiting": _WAITING, "active": _ACTIVE}.get(state, _FINISHED)
    at, task_id = after or (None, None)
    values = {"queue": queue, "state": state, "fingerprint": fingerprint, "at": at, "id": task_id, "limit": limit}
    return [ListedTask(*row) for row in connection.execute(statement, values)]


def error_groups(
    connection: sa.Connection, queue: str | None = None, fingerprint: str | None = None, *, limit: int = 100
) -> list[ErrorGroup]:
    """Dead tasks by queue and fingerprint, the largest groups first."""
    values = {"queue": queue, "fingerprint": fingerprint, "limit": limit}
    return [ErrorGroup(*row) for row in connection.execute(_GROUPS, values)]


def deaths_by_hour(
    connection: sa.Connection, hours: int, queue: str | None = None
) -> dict[tuple[str, str | None], list[int]]:
    """How many tasks died in each of the last hours, oldest first, by queue and fingerprint."""
    found: dict[tuple[str, str | None], list[int]] = {}
    for name, fingerprint, hours_ago, tasks in connection.execute(_HOURS, {"hours": hours, "queue": queue}):
        counts = found.setdefault((name, fingerprint), [0] * hours)
        counts[max(0, hours - 1 - hours_ago)] += tasks
    return found


def slowest_tasks(connection: sa.Connection, queue: str, limit: int = 10) -> list[SlowTask]:
    """The tasks that ran longest among the newest completed ones."""
    values = {"queue": queue, "limit": limit, "looked_at": LOOKED_AT}
    return [SlowTask(*row) for row in connection.execute(_SLOWEST, values)]


def last_durations(connection: sa.Connection, queues: Sequence[str]) -> dict[str, float]:
    """The seconds that the last completed task of each queue ran."""
    return dict(connection.execute(_LAST, {"queues": list(queues)}).tuples().all())


def due_tasks(connection: sa.Connection, queues: Sequence[str]) -> dict[str, Due]:
    """What is known of each queue's waiting tasks without counting those that are due."""
    return {name: Due(*rest) for name, *rest in connection.execute(_DUE, {"queues": list(queues)})}
