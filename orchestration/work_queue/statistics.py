"""Counts and durations that outlive tasks and processes.

One row a transaction, outcome and class is added where tasks are settled, and `fold` makes one an hour of them: so no
writer ever waits for another's row. Keep out: the tasks themselves, and showing the figures.

Durations are counted by class, and a class is named by its upper bound in seconds, as Prometheus does it. What is older
than is kept loses its hour, not its count: totals never go down.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Sequence

# Upper bounds in seconds, 1-2-5 from a hundredth of a second to half a day; the last class has none.
BOUNDS = tuple(digit * 10.0**power for power in range(-2, 5) for digit in (1, 2, 5))
CLASSES = len(BOUNDS) + 1

# Of an active task `t`. One that was enqueued again while it ran has another time by now, and counts as one that did
# not wait.
DURATIONS = """
        greatest(0, CAST(extract(epoch FROM t.claimed_at - t.run_at) AS float8)) AS waited,
        CAST(extract(epoch FROM statement_timestamp() - t.claimed_at) AS float8) AS ran"""

# Seconds are kept in parts of 2^20, whose sums are exact in a float for 270 years: so a total does not fall by the last
# digit when its parts are added in another order, which a reader of counters takes for a restart.
_PART = "1048576.0"


def exact_seconds(seconds: str) -> str:
    """SQL for a number of seconds as a float that can be added in any order."""
    return f"CAST(floor(CAST({seconds} AS float8) * {_PART}) / {_PART} AS float8)"


_bounds = f"CAST(ARRAY[{', '.join(map(str, BOUNDS))}] AS float8[])"


def count_outcomes(rows: str, outcome: str, *, where: str = "true") -> str:
    """The INSERT that counts `rows`, a relation with the columns of `DURATIONS`; `outcome` is an expression over it."""
    return f"""
    INSERT INTO task_statistic (queue, outcome, hour, waited_class, ran_class, tasks, waited_seconds, ran_seconds)
    SELECT :queue, {outcome}, date_trunc('hour', statement_timestamp(), 'UTC'),
        width_bucket(waited, {_bounds}), width_bucket(ran, {_bounds}), count(*),
        sum({exact_seconds("waited")}), sum({exact_seconds("ran")})
    FROM {rows} WHERE {where} GROUP BY 2, 4, 5"""  # noqa: S608 - of our own constants


_sums = "CAST(sum(tasks) AS bigint) AS tasks, sum(waited_seconds) AS waited_seconds, sum(ran_seconds) AS ran_seconds"
_epoch = "CAST('1970-01-01 00:00+00' AS timestamptz)"
_cutoff = "statement_timestamp() - make_interval(secs => :age)"
_kept_hour = f"CASE WHEN hour < {_cutoff} THEN {_epoch} ELSE hour END"

# Two that fold at the same time pass over each other's rows; what either leaves is folded by the next.
_FOLD = sa.text(f"""
WITH fresh AS MATERIALIZED (
    SELECT id, {_kept_hour} AS hour FROM task_statistic
    WHERE queue = :queue AND (NOT is_folded OR hour > {_epoch} AND hour < {_cutoff})
    ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED
), totals AS MATERIALIZED (
    SELECT id FROM task_statistic WHERE queue = :queue AND is_folded
        AND hour IN (SELECT hour FROM fresh) FOR UPDATE SKIP LOCKED
), taken AS (
    DELETE FROM task_statistic WHERE id = ANY (ARRAY(SELECT id FROM fresh UNION SELECT id FROM totals)) RETURNING *
), former AS (
    DELETE FROM task_total WHERE id = ANY (ARRAY(SELECT id FROM task_total
        WHERE queue = :queue AND EXISTS (SELECT FROM taken WHERE NOT is_folded) FOR UPDATE SKIP LOCKED)) RETURNING *
), lasting AS (
    INSERT INTO task_total (queue, outcome, waited_class, ran_class, tasks, waited_seconds, ran_seconds)
    SELECT queue, outcome, waited_class, ran_class, {_sums} FROM (
        SELECT queue, outcome, waited_class, ran_class, tasks, waited_seconds, ran_seconds FROM former UNION ALL
        SELECT queue, outcome, waited_class, ran_class, tasks, waited_seconds, ran_seconds FROM taken
        WHERE NOT is_folded
    ) AS t GROUP BY queue, outcome, waited_class, ran_class
)
INSERT INTO task_statistic
    (queue, outcome, hour, waited_class, ran_class, tasks, waited_seconds, ran_seconds, is_folded)
SELECT queue, outcome, {_kept_hour} AS kept_hour, waited_class, ran_class, {_sums}, true
FROM taken GROUP BY queue, outcome, kept_hour, waited_class, ran_class""")  # noqa: S608 - of our own constants

_READ = sa.text(f"""
SELECT outcome, waited_class, ran_class, {_sums} FROM task_statistic
WHERE queue = :queue AND (CAST(:seconds AS float8) IS NULL
    OR hour > statement_timestamp() - make_interval(secs => :seconds) - interval '1 hour')
GROUP BY outcome, waited_class, ran_class ORDER BY outcome""")  # noqa: S608 - of our own constants

_RATE = sa.text("""
SELECT sum(tasks) / extract(epoch FROM statement_timestamp() - min(hour)) FROM task_statistic
WHERE queue = :queue AND outcome IN ('completed', 'dead', 'cancelled')
    AND hour >= statement_timestamp() - interval '2 hours'""")


@dataclass(frozen=True, slots=True)
class OutcomeStatistics:
    """How many tasks ended so, how long they waited and ran together in seconds, and how many in each class.

    `outcome` is completed, retried, dead, cancelled, or lost with a worker. A retried task counts for each attempt.
    """

    outcome: str
    tasks: int
    waited_seconds: float
    ran_seconds: float
    waited: Sequence[int]
    ran: Sequence[int]


def read_statistics(connection: sa.Connection, queue: str, seconds: float | None = None) -> list[OutcomeStatistics]:
    """What became of the queue's tasks, ever or in the last so many seconds, to whole hours; an entry an outcome."""
    rows = connection.execute(_READ, {"queue": queue, "seconds": seconds}).all()
    return [_summary(outcome, list(group)) for outcome, group in groupby(rows, key=attrgetter("outcome"))]


def _summary(outcome: str, rows: Sequence[sa.Row[Any]]) -> OutcomeStatistics:
    waited, ran = [0] * CLASSES, [0] * CLASSES
    for row in rows:
        waited[row.waited_class] += row.tasks
        ran[row.ran_class] += row.tasks
    waited_seconds, ran_seconds = (sum(row[column] for row in rows) for column in (4, 5))
    return OutcomeStatistics(outcome, sum(ran), waited_seconds, ran_seconds, waited, ran)


def fold_statistics(connection: sa.Connection, queue: str, *, keep_seconds: float, limit: int) -> None:
    """Make one row of those of an outcome, hour and class, up to `limit`; hours that are no longer kept become one."""
    connection.execute(_FOLD, {"queue": queue, "age": keep_seconds, "limit": limit})


def tasks_per_second(connection: sa.Connection, queue: str) -> float | None:
    """How many tasks ended a second in the last hour or two; None when none did."""
    rate = connection.execute(_RATE, {"queue": queue}).scalar_one()
    return None if rate is None else float(rate)


def quantile(counts: Sequence[int], share: float) -> float | None:
    """The duration in seconds that `share` (0 to 1) of the tasks did not exceed; None without tasks.

    Within a class it is interpolated, as Prometheus's `histogram_quantile` does; the open class gives its lower bound.
    """
    rank, below = share * sum(counts), 0
    if not rank:
        return None
    for one, count in enumerate(counts[: len(BOUNDS)]):
        if count and below + count >= rank:
            lower = BOUNDS[one - 1] if one else 0.0
            return lower + (BOUNDS[one] - lower) * (rank - below) / count
        below += count
    return BOUNDS[-1]
