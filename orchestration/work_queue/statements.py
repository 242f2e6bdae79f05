"""Every SQL statement of the queue.

Belongs here: SQL, and why it is as it is. Does not: deciding what to run.

All of them read `statement_timestamp()`: unlike `now()` it moves on within a long transaction, and unlike
`clock_timestamp()` an index can be searched with it. Statements that may meet others on the same rows either pass over
locked ones or lock them in order of id, so that they do not deadlock.
"""

from __future__ import annotations

import sqlalchemy as sa

# One upsert covers the three cases of a known key, because the unique index covers every unfinished task:
# waiting (take the newer payload, but keep the wait of a retry, or a sensor that enqueues every few seconds would
# defeat the backoff), active (run once more afterwards), dead (begin anew; `crashes` stays, so it still runs alone).
ENQUEUE = sa.text("""
WITH incoming AS (
    SELECT * FROM ROWS FROM (
        json_to_recordset(CAST(:tasks AS json))
        AS (key text, payload jsonb, "grouping" text, order_key text, priority smallint, delay float8)
    ) WITH ORDINALITY
), written AS (
    INSERT INTO task AS t (queue, key, payload, "grouping", order_key, priority, run_at)
    SELECT :queue, key, coalesce(payload, 'null'), "grouping", order_key, priority,
        statement_timestamp() + make_interval(secs => delay)
    FROM incoming ORDER BY ordinality
    ON CONFLICT (queue, key) WHERE state <> 'completed' DO UPDATE SET
        payload = excluded.payload,
        "grouping" = excluded."grouping",
        priority = CASE WHEN t.state = 'dead' THEN excluded.priority ELSE least(t.priority, excluded.priority) END,
        run_at = CASE
            WHEN t.state = 'waiting' AND t.attempt > 0 THEN t.run_at
            WHEN t.state = 'waiting' OR t.rerun THEN least(t.run_at, excluded.run_at)
            ELSE excluded.run_at END,
        rerun = t.state = 'active',
        state = CASE WHEN t.state = 'dead' THEN 'waiting' ELSE t.state END,
        attempt = CASE WHEN t.state = 'dead' THEN 0 ELSE t.attempt END,
        enqueued_at = CASE WHEN t.state = 'dead' THEN statement_timestamp() ELSE t.enqueued_at END,
        finished_at = NULL, reason = NULL
    RETURNING xmax = 0 AS new
)
SELECT count(*) FILTER (WHERE new), count(*) FILTER (WHERE NOT new) FROM written""")

# A task that has lost a worker is suspected of killing it, and shares that worker with no other task: it is taken only
# by a worker that holds nothing, and while a worker holds one, it is given nothing else. A suspect at the head of the
# queue is not passed over, so it does not starve. The bound on sort_at spares the walk over tasks delayed for hours.
CLAIM = sa.text("""
WITH held AS MATERIALIZED (
    SELECT count(*) AS tasks, coalesce(bool_or(crashes > 0), false) AS suspect
    FROM task WHERE queue = :queue AND worker = :worker AND state = 'active'
), candidate AS MATERIALIZED (
    SELECT id, sort_at, crashes > 0 AS suspect
    FROM task AS t
    WHERE queue = :queue AND state = 'waiting' AND run_at <= statement_timestamp()
        AND sort_at <= (statement_timestamp() AT TIME ZONE 'UTC') + make_interval(secs => :longest_ageing)
        AND (order_key IS NULL OR NOT EXISTS (
            SELECT FROM task AS other
            WHERE other.queue = t.queue AND other.order_key = t.order_key AND other.state IN ('waiting', 'active')
                AND (other.id < t.id OR other.state = 'active')))
    ORDER BY sort_at, id
    LIMIT :limit
    FOR UPDATE SKIP LOCKED
), ranked AS (
    SELECT id, suspect, row_number() OVER turn AS place, first_value(suspect) OVER turn AS suspect_first
    FROM candidate WINDOW turn AS (ORDER BY sort_at, id)
), chosen AS (
    SELECT id, place FROM ranked CROSS JOIN held
    WHERE NOT held.suspect
        AND CASE WHEN suspect_first THEN place = 1 AND held.tasks = 0 ELSE NOT ranked.suspect END
), claimed AS (
    UPDATE task SET state = 'active', attempt = attempt + 1, token = token + 1, worker = :worker,
        claimed_at = statement_timestamp(), lease_until = statement_timestamp() + make_interval(secs => :lease)
    WHERE id = ANY (ARRAY(SELECT id FROM chosen))
    RETURNING id, token, key, payload, attempt, "grouping", order_key, enqueued_at
)
SELECT claimed.* FROM claimed JOIN chosen USING (id) ORDER BY place""")

# Whoever enqueues one of these tasks again has to wait for the end of this transaction, and one who has done so
# already, but not committed, keeps its task from being held. So what is read after this is as new as the tasks are.
_HOLD = """
SELECT t.id FROM task AS t
JOIN unnest(CAST(:ids AS bigint[]), CAST(:tokens AS int[])) AS o (id, token) ON t.id = o.id AND t.token = o.token
WHERE t.state = 'active' ORDER BY t.id FOR UPDATE OF t"""
HOLD = sa.text(_HOLD)
HOLD_FREE = sa.text(f"{_HOLD} SKIP LOCKED")

# A task that was enqueued again while it ran goes back to waiting, however the run ended: its payload is new.
SETTLE = sa.text("""
WITH outcome AS (
    SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:tokens AS int[]), CAST(:states AS text[]),
        CAST(:waits AS float8[]), CAST(:reasons AS text[]), CAST(:errors AS text[]))
        AS o (id, token, state, wait, reason, error)
), held AS MATERIALIZED (
    SELECT t.id FROM task AS t JOIN outcome AS o ON t.id = o.id AND t.token = o.token
    WHERE t.state = 'active' ORDER BY t.id FOR UPDATE OF t
)
UPDATE task AS t SET
    state = CASE WHEN t.rerun THEN 'waiting' ELSE o.state END,
    attempt = CASE WHEN t.rerun THEN 0 ELSE t.attempt END,
    crashes = CASE WHEN o.state = 'completed' THEN 0 ELSE t.crashes END,
    run_at = CASE WHEN t.rerun OR o.state <> 'waiting' THEN t.run_at
        ELSE statement_timestamp() + make_interval(secs => o.wait) END,
    finished_at = CASE WHEN t.rerun OR o.state = 'waiting' THEN NULL ELSE statement_timestamp() END,
    reason = CASE WHEN t.rerun THEN NULL ELSE o.reason END,
    error = o.error, rerun = false, worker = NULL, lease_until = NULL
FROM held JOIN outcome AS o USING (id)
WHERE t.id = held.id
RETURNING t.id""")

RELEASE = sa.text("""
UPDATE task SET state = 'waiting', attempt = CASE WHEN rerun THEN 0 ELSE attempt - 1 END,
    rerun = false, worker = NULL, lease_until = NULL
WHERE queue = :queue AND worker = :worker AND state = 'active'
    AND ((id, token) IN (SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:tokens AS int[])))) = :listed
RETURNING id""")

RENEW = sa.text("""
UPDATE task SET lease_until = statement_timestamp() + make_interval(secs => :lease)
WHERE id = ANY (ARRAY(
    SELECT id FROM task WHERE queue = :queue AND worker = :worker AND state = 'active' FOR UPDATE SKIP LOCKED))""")

# A worker takes its lock before its first claim, so an active task whose worker has no lock is lost. The first loss
# gives a task back at once and in its place: it was one of a batch, and most of a batch is innocent. From then on it
# runs alone, so a further loss is its own doing: it waits like any failure, and dies when its attempts are used up.
REAP = sa.text("""
WITH lost AS MATERIALIZED (
    SELECT id, attempt >= :attempts AND crashes > 0 AND NOT rerun AS condemned
    FROM task
    WHERE queue = :queue AND state = 'active' AND (lease_until < statement_timestamp() OR CAST(worker AS oid) NOT IN (
        SELECT objid FROM pg_locks
        WHERE locktype = 'advisory' AND classid = CAST(:lock_class AS oid) AND objsubid = 2
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())))
    FOR UPDATE SKIP LOCKED
)
UPDATE task AS t SET
    state = CASE WHEN lost.condemned THEN 'dead' ELSE 'waiting' END,
    reason = CASE WHEN lost.condemned THEN :reason END,
    finished_at = CASE WHEN lost.condemned THEN statement_timestamp() END,
    run_at = CASE WHEN t.crashes = 0 OR t.rerun THEN t.run_at ELSE statement_timestamp() + make_interval(
        secs => coalesce((CAST(:waits AS float8[]))[least(t.attempt, :attempts - 1)], 0)) END,
    attempt = CASE WHEN t.rerun THEN 0 ELSE t.attempt END,
    crashes = t.crashes + 1, rerun = false, worker = NULL, lease_until = NULL
FROM lost WHERE t.id = lost.id
RETURNING t.id, t.token, t.key, t.payload, t.attempt, t."grouping", t.order_key, t.enqueued_at, t.state""")

UNFINISHED = sa.text("""
SELECT key FROM task
WHERE queue = :queue AND key = ANY (CAST(:keys AS text[])) AND state IN ('waiting', 'active')""")

NEXT_DUE = sa.text("""
SELECT CAST(extract(epoch FROM min(run_at) - statement_timestamp()) AS float8)
FROM task WHERE queue = :queue AND state = 'waiting' AND run_at > statement_timestamp()""")

COUNTS = sa.text("""
SELECT
    count(*) FILTER (WHERE due) AS waiting,
    count(*) FILTER (WHERE state = 'active') AS active,
    count(*) FILTER (WHERE state = 'completed') AS completed,
    count(*) FILTER (WHERE state = 'dead') AS failed,
    count(*) FILTER (WHERE state = 'waiting' AND NOT due) AS delayed,
    CAST(extract(epoch FROM statement_timestamp() - min(run_at) FILTER (WHERE due)) AS float8) AS oldest_seconds,
    CAST(extract(epoch FROM min(run_at) FILTER (WHERE state = 'waiting' AND NOT due) - statement_timestamp()) AS float8)
        AS next_due_seconds
FROM (
    SELECT state, run_at, state = 'waiting' AND run_at <= statement_timestamp() AS due
    FROM task WHERE queue = :queue AND (CAST(:grouping AS text) IS NULL OR "grouping" = :grouping)
) AS t""")

DEAD = sa.text("""
SELECT key, "grouping", payload, attempt, reason, error, finished_at
FROM task WHERE queue = :queue AND state = 'dead' ORDER BY finished_at DESC, id DESC LIMIT :limit""")

COUNT_DEAD = sa.text("""
SELECT count(*) FROM task
WHERE queue = :queue AND state = 'dead' AND (CAST(:keys AS text[]) IS NULL OR key = ANY (CAST(:keys AS text[])))""")

REPLAY = sa.text("""
UPDATE task SET state = 'waiting', attempt = 0, run_at = statement_timestamp(),
    enqueued_at = statement_timestamp(), finished_at = NULL, reason = NULL
WHERE queue = :queue AND state = 'dead' AND (CAST(:keys AS text[]) IS NULL OR key = ANY (CAST(:keys AS text[])))""")

# Whatever has been due or in one worker's hands for so long, or has been tried so often, will hardly end by itself.
STUCK = sa.text("""
SELECT count(*) OVER () AS total, key, state, attempt, crashes,
    CAST(extract(epoch FROM statement_timestamp() - since) AS float8) AS seconds, error
FROM (SELECT *, CASE state WHEN 'active' THEN claimed_at ELSE run_at END AS since FROM task
    WHERE queue = :queue AND state IN ('waiting', 'active')) AS unfinished
WHERE since < statement_timestamp() - make_interval(secs => :seconds) OR attempt >= :attempts
ORDER BY since, id LIMIT :limit""")

CANCEL = sa.text("""
WITH called_off AS (
    UPDATE task SET rerun = false
    WHERE queue = :queue AND "grouping" = :grouping AND state = 'active' AND rerun
)
DELETE FROM task WHERE queue = :queue AND "grouping" = :grouping AND state = 'waiting'""")

PRUNE = sa.text("""
DELETE FROM task WHERE queue = :queue AND (
    state = 'completed' AND finished_at < statement_timestamp() - make_interval(secs => :completed_age)
    OR state = 'dead' AND finished_at < statement_timestamp() - make_interval(secs => :dead_age)
    OR id IN (SELECT id FROM task WHERE queue = :queue AND state = 'completed'
        ORDER BY finished_at DESC, id DESC OFFSET :completed_count))""")

# Heard at commit, once however often it is said in a transaction.
NOTIFY = sa.text("SELECT pg_notify('task', :queue)")
LISTEN = sa.text("LISTEN task")

NEXT_WORKER = sa.text("SELECT nextval('task_worker_number')")
# Numbers are never shared, so a shared lock is as good as an exclusive one, and a worker that reconnects gets it at
# once, even while the server has not yet noticed that the old connection is gone.
SHOW_LIFE = sa.text("SELECT pg_advisory_lock_shared(:lock_class, :worker)")
