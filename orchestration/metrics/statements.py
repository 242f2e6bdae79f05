"""The two statements of a scrape: one over the domain's database, one over Dagster's own.

SQL, and why it is as it is. Keep out: what the figures are called.

Each gives rows of (figure, label, state, value, amount), so that one round trip brings everything of one moment. No
part of them walks a table that grows: tasks and families are counted by triggers, durations are summed when they are
folded, and the rest is found by an index or is as long as the list of queues and suppliers.
"""

from __future__ import annotations

import sqlalchemy as sa

from orchestration.work_queue.statements import LIVING_WORKERS

TICK_WINDOW_SECONDS = 600.0

_ENDED = "task_statistic WHERE NOT is_folded"
_COLUMNS = "queue, outcome, waited_class, ran_class, tasks, waited_seconds, ran_seconds"

DOMAIN = sa.text(f"""
WITH known AS MATERIALIZED (SELECT unnest(CAST(:queues AS text[])) AS queue
), ended AS MATERIALIZED (
    SELECT {_COLUMNS} FROM task_total UNION ALL SELECT {_COLUMNS} FROM {_ENDED}
), collection AS MATERIALIZED (
    SELECT started_at, refused_reason FROM media_gc_run WHERE NOT is_dry_run ORDER BY id DESC LIMIT 1
)
SELECT counted AS figure, label, state, CAST(sum(rows) AS float8) AS value, sum(amount) AS amount
    FROM row_count GROUP BY counted, label, state
UNION ALL SELECT 'outcome', queue, outcome, sum(tasks), 0 FROM ended GROUP BY queue, outcome
UNION ALL SELECT 'waited', queue, CAST(waited_class AS text), sum(tasks), sum(waited_seconds)
    FROM ended WHERE outcome <> 'cancelled' GROUP BY queue, waited_class
UNION ALL SELECT 'ran', queue, CAST(ran_class AS text), sum(tasks), sum(ran_seconds)
    FROM ended WHERE outcome <> 'cancelled' GROUP BY queue, ran_class
UNION ALL SELECT 'oldest', queue, '', CAST(extract(epoch FROM statement_timestamp() - (
    SELECT min(run_at) FROM task AS t WHERE t.queue = known.queue AND state = 'waiting')) AS float8), 0 FROM known
UNION ALL SELECT 'delayed', queue, '', (SELECT count(*) FROM task AS t
    WHERE t.queue = known.queue AND state = 'waiting' AND run_at > statement_timestamp()), 0 FROM known
UNION ALL SELECT 'longest', queue, '', CAST(extract(epoch FROM statement_timestamp() - (
    SELECT min(claimed_at) FROM task AS t WHERE t.queue = known.queue AND state = 'active')) AS float8), 0 FROM known
UNION ALL SELECT 'workers', queue, CASE WHEN CAST(number AS oid) IN ({LIVING_WORKERS}) THEN 'alive' ELSE 'lost' END,
    count(*), 0 FROM task_worker GROUP BY 2, 3
UNION ALL SELECT 'paused', queue, '', 1, 0 FROM task_pause
UNION ALL SELECT 'synced', code, '', CAST(extract(epoch FROM coalesce((
    SELECT finished_at FROM sync WHERE supplier = code AND status = 'completed' ORDER BY id DESC LIMIT 1),
    discovered_at)) AS float8), CAST(CAST(is_active AND auto_import AS integer) AS float8) FROM supplier
UNION ALL SELECT 'syncing', supplier, '', 1, 0 FROM sync WHERE status = 'running'
UNION ALL SELECT 'quarantine', '', '', count(*), 0 FROM quarantine
UNION ALL SELECT 'preview', '', outcome, total, 0 FROM preview_count
UNION ALL SELECT 'collection', '', '', CAST(extract(epoch FROM started_at) AS float8),
    CASE WHEN refused_reason IS NULL THEN 0 ELSE 1 END FROM collection
UNION ALL SELECT 'marked', '', '', count(*), 0 FROM media_gc_mark WHERE undone_at IS NULL
UNION ALL SELECT 'revision', '', '', CAST(version_num AS float8), 0 FROM alembic_version""")  # noqa: S608 - of our own constants

# Dagster 1.13's tables, whose times are in UTC without a zone. Ticks are looked for by sensor, since only that has an
# index.
DAGSTER = sa.text("""
SELECT 'runs' AS figure, '' AS label, status AS state, CAST(count(*) AS float8) AS value FROM runs GROUP BY status
UNION ALL SELECT 'heartbeat', daemon_type, '',
    CAST(extract(epoch FROM (statement_timestamp() AT TIME ZONE 'UTC') - timestamp) AS float8) FROM daemon_heartbeats
UNION ALL SELECT 'ticks', recent.type, recent.status, count(*) FROM instigators CROSS JOIN LATERAL (
    SELECT t.type, t.status FROM job_ticks AS t WHERE t.selector_id = instigators.selector_id
        AND t.timestamp > (statement_timestamp() AT TIME ZONE 'UTC') - make_interval(secs => :window)) AS recent
    GROUP BY recent.type, recent.status""")

# These walk whole tables, so they are not part of a scrape.
PRIVATE_VISIBLE = sa.text("""
SELECT count(*) FROM public_generation AS p WHERE NOT EXISTS (
    SELECT FROM generation_history AS h WHERE h.history_id = p.history_id AND h.is_visible)
    OR EXISTS (SELECT FROM gallery_takedown AS t WHERE t.history_id = p.history_id)""")
DATABASE_BYTES = sa.text("SELECT pg_database_size(current_database())")
