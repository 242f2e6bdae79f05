"""How many tasks of a queue are where: the statements.

Keep out: every other statement of the queue (`statements`), and what is made of the numbers.
"""

from __future__ import annotations

import sqlalchemy as sa

# Of a whole queue, without reading what is kept: asked every few seconds, and kept are up to 100,000 ended tasks.
COUNTS = sa.text("""
SELECT due.tasks AS waiting,
    (SELECT count(*) FROM task WHERE queue = :queue AND state = 'active') AS active,
    kept.completed,
    (SELECT count(*) FROM task WHERE queue = :queue AND state = 'dead') AS failed,
    later.tasks AS delayed,
    CAST(extract(epoch FROM statement_timestamp() - due.first) AS float8) AS oldest_seconds,
    CAST(extract(epoch FROM later.first - statement_timestamp()) AS float8) AS next_due_seconds,
    kept.cancelled
FROM (SELECT count(*) AS tasks, min(run_at) AS first FROM task
        WHERE queue = :queue AND state = 'waiting' AND run_at <= statement_timestamp()) AS due,
    (SELECT count(*) AS tasks, min(run_at) AS first FROM task
        WHERE queue = :queue AND state = 'waiting' AND run_at > statement_timestamp()) AS later,
    (SELECT CAST(coalesce(sum(rows) FILTER (WHERE state = 'completed'), 0) AS bigint) AS completed,
        CAST(coalesce(sum(rows) FILTER (WHERE state = 'cancelled'), 0) AS bigint) AS cancelled
        FROM row_count WHERE counted = 'task' AND label = :queue) AS kept""")

COUNTS_OF_GROUP = sa.text("""
SELECT
    count(*) FILTER (WHERE due) AS waiting,
    count(*) FILTER (WHERE state = 'active') AS active,
    count(*) FILTER (WHERE state = 'completed') AS completed,
    count(*) FILTER (WHERE state = 'dead') AS failed,
    count(*) FILTER (WHERE state = 'waiting' AND NOT due) AS delayed,
    CAST(extract(epoch FROM statement_timestamp() - min(run_at) FILTER (WHERE due)) AS float8) AS oldest_seconds,
    CAST(extract(epoch FROM min(run_at) FILTER (WHERE state = 'waiting' AND NOT due) - statement_timestamp()) AS float8)
        AS next_due_seconds,
    count(*) FILTER (WHERE state = 'cancelled') AS cancelled
FROM (
    SELECT state, run_at, state = 'waiting' AND run_at <= statement_timestamp() AS due
    FROM task WHERE queue = :queue AND "grouping" = :grouping
) AS t""")
