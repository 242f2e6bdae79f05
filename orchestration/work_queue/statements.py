"""Every SQL statement of the queue.

SQL, and why it is as it is. Keep out: deciding what to run.

All of them read `statement_timestamp()`: unlike `now()` it moves on within a long transaction, and unlike
`clock_timestamp()` an index can be searched with it. Statements that may meet others on the same rows either pass over
locked ones or lock them in order of id, so that they do not deadlock.
"""

from __future__ import annotations

import sqlalchemy as sa

from orchestration.work_queue.statistics import DURATIONS, count_outcomes

# The numbers whose advisory locks are held in this database.
LIVING_WORKERS = """
    SELECT objid FROM pg_locks
    WHERE locktype = 'advisory' AND classid = CAST(:lock_class AS oid) AND objsubid = 2 AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""

# One upsert covers the three cases of a known key, because the unique index covers every unfinished task:
# waiting (take the newer payload, but keep the wait of a retry, or a sensor that enqueues every few seconds would
# defeat the backoff), active (run once more afterwards), dead (begin again; `crashes` stays, so it still runs alone).
_INSERT = """
WITH incoming AS (
    SELECT * FROM ROWS FROM (
        json_to_recordset(CAST(:tasks AS json))
        AS (key text, payload jsonb, "grouping" text, order_key text, priority smallint, delay float8, ageing integer)
    ) WITH ORDINALITY
), written AS (
    INSERT INTO task AS t (queue, key, payload, "grouping", order_key, priority, run_at, ageing)
    SELECT :queue, key, coalesce(payload, 'null'), "grouping", order_key, priority,
        statement_timestamp() + make_interval(secs => delay), coalesce(ageing, 600)
    FROM incoming ORDER BY ordinality
    ON CONFLICT (queue, key) WHERE state NOT IN ('completed', 'cancelled') DO"""
ENQUEUE = sa.text(f"""{_INSERT} UPDATE SET
        payload = excluded.payload,
        "grouping" = excluded."grouping",
        priority = CASE WHEN t.state = 'dead' THEN excluded.priority ELSE least(t.priority, excluded.priority) END,
        ageing = excluded.ageing,
        run_at = CASE
            WHEN t.state = 'waiting' AND t.attempt > 0 THEN t.run_at
            WHEN t.state = 'waiting' OR t.rerun THEN least(t.run_at, excluded.run_at)
            ELSE excluded.run_at END,
        rerun = t.state = 'active',
        state = CASE WHEN t.state = 'dead' THEN 'waiting' ELSE t.state END,
        attempt = CASE WHEN t.state = 'dead' THEN 0 ELSE t.attempt END,
        enqueued_at = CASE WHEN t.state = 'dead' THEN statement_timestamp() ELSE t.enqueued_at END,
        history = CASE WHEN t.state = 'dead' THEN
            (CASE WHEN jsonb_array_length(t.history) < 20 THEN t.history ELSE t.history - 0 END) || jsonb_build_object(
                'attempts', t.attempt, 'reason', t.reason, 'error', t.error, 'dead_at', t.finished_at)
            ELSE t.history END,
        percent = CASE WHEN t.state = 'active' THEN t.percent END,
        step = CASE WHEN t.state = 'active' THEN t.step END,
        message = CASE WHEN t.state = 'active' THEN t.message END,
        finished_at = NULL, reason = NULL
    RETURNING xmax = 0 AS new
)
SELECT count(*) FILTER (WHERE new), count(*) FILTER (WHERE NOT new) FROM written""")  # noqa: S608 - of our own constants
# For whom a known key is no reason to change anything.
ENQUEUE_NEW = sa.text(f"""{_INSERT} NOTHING RETURNING true AS new
)
SELECT count(*), 0 FROM written""")  # noqa: S608 - of our own constants

# A row that does not exist yet cannot be locked: so whoever enqueues into a queue that has a limit, or enqueues a key
# once, takes a lock on the name first, counts or looks in a statement of its own, which sees what those before it have
# committed, and inserts. Callers of one bounded queue, or of one key, go one after the other until each commits.
LOCK_QUEUE = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:queue, :seed))")
LOCK_KEY = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:queue || '/' || :key, :seed))")
WAITING_BY_PRIORITY = sa.text("""
SELECT priority, count(*) FROM task WHERE queue = :queue AND state = 'waiting' GROUP BY priority""")

DIFFERENCE = sa.text("""
SELECT t.payload = n.payload AS is_same,
    CASE WHEN jsonb_typeof(t.payload) = 'object' AND jsonb_typeof(n.payload) = 'object' THEN ARRAY(
        SELECT key FROM jsonb_each(t.payload) AS before FULL JOIN jsonb_each(n.payload) AS after USING (key)
        WHERE before.value IS DISTINCT FROM after.value ORDER BY key) END AS fields
FROM task AS t CROSS JOIN (SELECT CAST(:payload AS jsonb) AS payload) AS n WHERE t.id = :id""")

# A limit that the transaction has already is kept: it is a claim's, which is shorter.
LIMIT_LOCKS = sa.text("""
SELECT set_config('lock_timeout', :locks, true) WHERE current_setting('lock_timeout') = '0'""")

# A task that has lost a worker is suspected of killing it, and shares that worker with no other task: it is taken only
# by a worker that holds nothing, and while a worker holds one, it is given nothing else. A suspect at the head of the
# queue is not passed over, so it does not starve; but a worker whose tasks are slow may hold some for hours, so there
# it is, until its last claim is long ago. The bound on sort_at spares the walk over tasks delayed for hours.
CLAIM = sa.text("""
WITH held AS MATERIALIZED (
    SELECT count(*) AS tasks, coalesce(bool_or(crashes > 0), false) AS suspect
    FROM task WHERE queue = :queue AND worker = :worker AND state = 'active'
), beside AS MATERIALIZED (
    SELECT tasks > 0 AND :is_lingering AS slow FROM held
), candidate AS MATERIALIZED (
    SELECT id, sort_at, crashes > 0 AS suspect
    FROM task AS t
    WHERE queue = :queue AND state = 'waiting' AND run_at <= statement_timestamp()
        AND NOT EXISTS (SELECT FROM task_pause WHERE task_pause.queue = :queue)
        AND sort_at <= (statement_timestamp() AT TIME ZONE 'UTC') + make_interval(secs => :longest_ageing)
        AND (order_key IS NULL OR NOT EXISTS (
            SELECT FROM task AS other
            WHERE other.queue = t.queue AND other.order_key = t.order_key AND other.state IN ('waiting', 'active')
                AND (other.id < t.id OR other.state = 'active')))
        AND (crashes = 0 OR NOT (SELECT slow FROM beside)
            OR claimed_at <= statement_timestamp() - make_interval(secs => :patience))
    ORDER BY sort_at, id
    LIMIT :limit
    FOR UPDATE SKIP LOCKED
), ranked AS (
    SELECT id, suspect, row_number() OVER turn AS place, first_value(suspect) OVER turn AS suspect_first
    FROM candidate WINDOW turn AS (ORDER BY sort_at, id)
), chosen AS (
    SELECT id, place FROM ranked CROSS JOIN held CROSS JOIN beside
    WHERE NOT held.suspect
        AND CASE WHEN suspect_first THEN place = 1 AND (held.tasks = 0 OR slow) ELSE NOT ranked.suspect END
), claimed AS (
    UPDATE task SET state = 'active', attempt = attempt + 1, token = token + 1, worker = :worker,
        claimed_at = statement_timestamp(), lease_until = statement_timestamp() + make_interval(secs => :lease),
        run_id = (SELECT run_id FROM task_worker WHERE number = :worker)
    WHERE id = ANY (ARRAY(SELECT id FROM chosen))
    RETURNING id, token, key, payload, attempt, "grouping", order_key, enqueued_at, claimed_at
)
SELECT claimed.* FROM claimed JOIN chosen USING (id) ORDER BY place""")

# Evaluated before the first row is locked, so that no wait for a stranger is longer; it holds until the commit.
_LIMITED = "limited AS MATERIALIZED (SELECT set_config('lock_timeout', :locks, true) AS locks)"
_IS_LIMITED = "(SELECT locks FROM limited) IS NOT NULL"

# Lists of busy statements are JSON, which costs the driver a tenth of an array.
# Whoever enqueues one of these tasks again has to wait for the end of this transaction, and one who has done so
# already, but not committed, keeps its task from being held. So what is read after this is as new as the tasks are.
_LOCK = f"""
WITH {_LIMITED}
SELECT t.id FROM task AS t
JOIN json_to_recordset(CAST(:tasks AS json)) AS o (id bigint, token int) ON t.id = o.id AND t.token = o.token
WHERE t.state = 'active' AND {_IS_LIMITED} ORDER BY t.id FOR UPDATE OF t"""  # noqa: S608 - of our own constants
LOCK = sa.text(_LOCK)
LOCK_FREE = sa.text(f"{_LOCK} SKIP LOCKED")

# A task that was enqueued again while it ran goes back to waiting, however the run ended: its payload is new. One that
# is to be cancelled is not tried again.
SETTLE = sa.text(f"""
WITH {_LIMITED}, outcome AS (
    SELECT * FROM json_to_recordset(CAST(:outcomes AS json))
        AS o (id bigint, token int, state text, wait float8, reason text, error text, result text)
), held AS MATERIALIZED (
    SELECT t.id, {DURATIONS},
        CASE WHEN o.state = 'waiting' AND t.cancel_requested_at IS NOT NULL THEN 'cancelled' ELSE o.state END AS state
    FROM task AS t JOIN outcome AS o ON t.id = o.id AND t.token = o.token
    WHERE t.state = 'active' AND {_IS_LIMITED} ORDER BY t.id FOR UPDATE OF t
), settled AS (
    UPDATE task AS t SET
        state = CASE WHEN t.rerun THEN 'waiting' ELSE held.state END,
        attempt = CASE WHEN t.rerun THEN 0 ELSE t.attempt END,
        crashes = CASE WHEN held.state = 'completed' THEN 0 ELSE t.crashes END,
        run_at = CASE WHEN t.rerun OR held.state <> 'waiting' THEN t.run_at
            ELSE statement_timestamp() + make_interval(secs => o.wait) END,
        finished_at = CASE WHEN t.rerun OR held.state = 'waiting' THEN NULL ELSE statement_timestamp() END,
        reason = CASE WHEN t.rerun THEN NULL ELSE o.reason END,
        error = o.error,
        first_error = CASE WHEN held.state = 'cancelled' THEN t.first_error ELSE coalesce(t.first_error, o.error) END,
        first_failed_at = CASE WHEN o.error IS NULL OR held.state = 'cancelled' THEN t.first_failed_at
            ELSE coalesce(t.first_failed_at, statement_timestamp()) END,
        result = CASE WHEN NOT t.rerun AND held.state = 'completed' THEN CAST(o.result AS jsonb) END,
        percent = CASE WHEN NOT t.rerun THEN t.percent END,
        step = CASE WHEN NOT t.rerun THEN t.step END,
        message = CASE WHEN NOT t.rerun THEN t.message END,
        rerun = false, worker = NULL, lease_until = NULL, cancel_requested_at = NULL
    FROM held JOIN outcome AS o USING (id)
    WHERE t.id = held.id
    RETURNING t.id, held.state
), counted AS ({count_outcomes("held", "CASE state WHEN 'waiting' THEN 'retried' ELSE state END")})
SELECT id, state FROM settled""")  # noqa: S608 - of our own constants

# Rows that a stranger has locked just now are passed over: whoever asks again gives them back.
RELEASE = sa.text("""
WITH given AS MATERIALIZED (
    SELECT id, cancel_requested_at IS NOT NULL AND NOT rerun AS is_cancelled FROM task
    WHERE queue = :queue AND worker = :worker AND state = 'active'
        AND ((id, token) IN (SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:tokens AS int[])))) = :listed
    FOR UPDATE SKIP LOCKED
)
UPDATE task AS t SET state = CASE WHEN is_cancelled THEN 'cancelled' ELSE 'waiting' END,
    attempt = CASE WHEN rerun THEN 0 ELSE attempt - 1 END,
    run_at = CASE WHEN rerun OR is_cancelled OR :delay = 0 THEN run_at
        ELSE statement_timestamp() + make_interval(secs => :delay) END,
    finished_at = CASE WHEN is_cancelled THEN statement_timestamp() END,
    rerun = false, worker = NULL, lease_until = NULL, cancel_requested_at = NULL
FROM given WHERE t.id = given.id
RETURNING t.id""")

# In one statement, since a claim that was not on disk when the server crashed may be made again at any moment. Its row
# has the token of the claim before, or once it was made again the same token and another time.
HELD = sa.text("""
SELECT t.id, (t.token, t.claimed_at) IS DISTINCT FROM (o.token, o.claimed_at) AS is_forgotten FROM task AS t
JOIN unnest(CAST(:ids AS bigint[]), CAST(:tokens AS int[]), CAST(:claimed AS timestamptz[]))
    AS o (id, token, claimed_at) ON t.id = o.id
WHERE t.token < o.token OR (t.token = o.token AND (t.state = 'active' OR t.claimed_at <> o.claimed_at))""")

RENEW = sa.text("""
WITH seen AS (UPDATE task_worker SET seen_at = statement_timestamp() WHERE number = :worker)
UPDATE task SET lease_until = statement_timestamp() + make_interval(secs => :lease)
WHERE id = ANY (ARRAY(
    SELECT id FROM task WHERE queue = :queue AND worker = :worker AND state = 'active' FOR UPDATE SKIP LOCKED))""")

# A worker takes its lock before its first claim, so an active task whose worker has no lock is lost. The first loss
# gives a task back at once and in its place: it was one of a batch, and most of a batch is innocent. From then on it
# runs alone, so a further loss is its own doing: it waits like any failure, and dies when its attempts are used up.
REAP = sa.text(f"""
WITH lost AS MATERIALIZED (
    SELECT id, {DURATIONS}, CASE WHEN rerun THEN 'waiting' WHEN cancel_requested_at IS NOT NULL THEN 'cancelled'
        WHEN attempt >= :attempts AND crashes > 0 THEN 'dead' ELSE 'waiting' END AS state
    FROM task AS t
    WHERE queue = :queue AND state = 'active'
        AND (lease_until < statement_timestamp() OR CAST(worker AS oid) NOT IN ({LIVING_WORKERS}))
    FOR UPDATE SKIP LOCKED
), reaped AS (
    UPDATE task AS t SET
        state = lost.state,
        reason = CASE lost.state WHEN 'dead' THEN :reason END,
        error = CASE lost.state WHEN 'cancelled' THEN t.error ELSE :error END,
        first_error = CASE lost.state WHEN 'cancelled' THEN t.first_error ELSE coalesce(t.first_error, :error) END,
        first_failed_at = CASE lost.state WHEN 'cancelled' THEN t.first_failed_at
            ELSE coalesce(t.first_failed_at, statement_timestamp()) END,
        finished_at = CASE WHEN lost.state <> 'waiting' THEN statement_timestamp() END,
        run_at = CASE WHEN t.crashes = 0 OR t.rerun THEN t.run_at ELSE statement_timestamp() + make_interval(
            secs => coalesce((CAST(:waits AS float8[]))[least(t.attempt, :attempts - 1)], 0)) END,
        attempt = CASE WHEN t.rerun THEN 0 ELSE t.attempt END,
        crashes = t.crashes + 1, rerun = false, worker = NULL, lease_until = NULL, cancel_requested_at = NULL
    FROM lost WHERE t.id = lost.id
    RETURNING t.id, t.token, t.key, t.payload, t.attempt, t."grouping", t.order_key, t.enqueued_at, t.claimed_at,
        t.state
), counted AS ({count_outcomes("lost", "CASE state WHEN 'waiting' THEN 'lost' ELSE state END")})
SELECT * FROM reaped""")  # noqa: S608 - of our own constants

UNFINISHED = sa.text("""
SELECT key FROM task
WHERE queue = :queue AND key = ANY (CAST(:keys AS text[])) AND state IN ('waiting', 'active')""")

ENDS = sa.text("""
SELECT DISTINCT ON (key) key, state, error FROM task
WHERE queue = :queue AND key = ANY (CAST(:keys AS text[])) ORDER BY key, id DESC""")

NEXT_DUE = sa.text("""
SELECT CAST(extract(epoch FROM min(run_at) - statement_timestamp()) AS float8)
FROM task WHERE queue = :queue AND state = 'waiting' AND run_at > statement_timestamp()""")

DEAD = sa.text("""
SELECT key, "grouping", payload, attempt, reason, error, finished_at, first_error, first_failed_at, replays
FROM task WHERE queue = :queue AND state = 'dead' ORDER BY finished_at DESC, id DESC LIMIT :limit""")

COUNT_DEAD = sa.text("""
SELECT count(*) FROM task
WHERE queue = :queue AND state = 'dead' AND (CAST(:keys AS text[]) IS NULL OR key = ANY (CAST(:keys AS text[])))""")

REPLAY = sa.text("""
UPDATE task SET state = 'waiting', attempt = 0, run_at = statement_timestamp(), replays = replays + 1,
    history = (CASE WHEN jsonb_array_length(history) < 20 THEN history ELSE history - 0 END) || jsonb_build_object(
        'attempts', attempt, 'reason', reason, 'error', error, 'dead_at', finished_at),
    percent = NULL, step = NULL, message = NULL,
    enqueued_at = statement_timestamp(), finished_at = NULL, reason = NULL
WHERE queue = :queue AND state = 'dead' AND (CAST(:keys AS text[]) IS NULL OR key = ANY (CAST(:keys AS text[])))""")

# The unfinished or dead one of the key, or else the newest that ended.
TASK = sa.text("""
SELECT id, key, state, "grouping", payload, attempt, percent, step, message, result, reason, error,
    first_error, first_failed_at, replays, history, cancel_requested_at IS NOT NULL AS is_cancel_requested,
    enqueued_at, run_at AS due_at, claimed_at, finished_at, run_id
FROM (
    SELECT * FROM task WHERE queue = :queue AND key = :key AND state NOT IN ('completed', 'cancelled')
    UNION ALL
    (SELECT * FROM task WHERE queue = :queue AND key = :key AND state IN ('completed', 'cancelled')
    ORDER BY id DESC LIMIT 1)
) AS of_key ORDER BY id DESC LIMIT 1""")

# It never goes back, be it in one attempt or over several.
PROGRESS = sa.text("""
UPDATE task SET percent = greatest(percent, :percent), step = coalesce(:step, step),
    message = coalesce(:message, message)
WHERE id = (SELECT id FROM task WHERE id = :id AND token = :token AND state = 'active' FOR UPDATE SKIP LOCKED)""")

REQUEST_CANCEL = sa.text(f"""
WITH {_LIMITED}, found AS MATERIALIZED (
    SELECT id, state, CAST(0 AS float8) AS ran,
        greatest(0, CAST(extract(epoch FROM statement_timestamp() - run_at) AS float8)) AS waited
    FROM task
    WHERE queue = :queue AND key = :key AND state IN ('waiting', 'active') AND {_IS_LIMITED} FOR UPDATE
), asked AS (
    UPDATE task AS t SET rerun = false,
        state = CASE found.state WHEN 'waiting' THEN 'cancelled' ELSE t.state END,
        finished_at = CASE found.state WHEN 'waiting' THEN statement_timestamp() END,
        cancel_requested_at = CASE found.state WHEN 'active' THEN statement_timestamp() END
    FROM found WHERE t.id = found.id RETURNING t.state, t.worker
), counted AS ({count_outcomes("found", "'cancelled'", where="state = 'waiting'")})
SELECT state, worker FROM asked""")  # noqa: S608 - of our own constants

CANCEL_REQUESTED = sa.text("""
SELECT id FROM task
WHERE queue = :queue AND worker = :worker AND state = 'active' AND cancel_requested_at IS NOT NULL""")

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

# What is locked is left to the next call, which is never far.
PRUNE = sa.text("""
WITH expired AS (
    SELECT id FROM task WHERE id IN (
        SELECT id FROM (
            (SELECT id FROM task WHERE queue = :queue AND state = 'completed'
                AND finished_at < statement_timestamp() - make_interval(secs => :completed_age)
                ORDER BY finished_at LIMIT :limit)
            UNION ALL
            (SELECT id FROM task WHERE queue = :queue AND state = 'completed'
                ORDER BY finished_at DESC, id DESC OFFSET :completed_count LIMIT :limit)
            UNION ALL
            (SELECT id FROM task WHERE queue = :queue AND state = 'cancelled'
                AND finished_at < statement_timestamp() - make_interval(secs => :completed_age)
                ORDER BY finished_at LIMIT :limit)
            UNION ALL
            (SELECT id FROM task WHERE queue = :queue AND state = 'cancelled'
                ORDER BY finished_at DESC, id DESC OFFSET :completed_count LIMIT :limit)
            UNION ALL
            (SELECT id FROM task WHERE queue = :queue AND state = 'dead'
                AND finished_at < statement_timestamp() - make_interval(secs => :dead_age)
                ORDER BY finished_at LIMIT :limit)
            UNION ALL
            (SELECT id FROM task WHERE queue = :queue AND state = 'dead'
                ORDER BY finished_at DESC, id DESC OFFSET :dead_count LIMIT :limit)
        ) AS old
    ) AND finished_at IS NOT NULL LIMIT :limit FOR UPDATE SKIP LOCKED
)
DELETE FROM task WHERE id = ANY (ARRAY(SELECT id FROM expired))""")

# The policy's ageing was another one when these were enqueued.
SET_AGEING = sa.text("""
UPDATE task SET ageing = :ageing WHERE id = ANY (ARRAY(
    SELECT id FROM task WHERE queue = :queue AND state = 'waiting' AND ageing <> :ageing
    LIMIT :limit FOR UPDATE SKIP LOCKED))""")

# Heard at commit, once however often it is said in a transaction.
NOTIFY = sa.text("SELECT pg_notify('task', :queue)")
LISTEN = sa.text("LISTEN task")

# The payload is not the queue's name, so that it wakes nobody but the worker that it is meant for.
NOTIFY_CANCEL = sa.text("SELECT pg_notify('task', :notice)")

# Numbers come back after two thousand million workers.
REGISTER_WORKER = sa.text("""
INSERT INTO task_worker AS w (number, queue, host, pid, run_id)
VALUES (nextval('task_worker_number'), :queue, :host, :pid, :run_id)
ON CONFLICT (number) DO UPDATE SET queue = excluded.queue, host = excluded.host, pid = excluded.pid,
    run_id = excluded.run_id, started_at = excluded.started_at, seen_at = excluded.seen_at
RETURNING number""")
SIGN_OFF = sa.text("DELETE FROM task_worker WHERE queue = :queue AND number = :worker")
WORKERS = sa.text(f"""
SELECT number, queue, host, pid, run_id, started_at, seen_at,
    (SELECT count(*) FROM task AS t WHERE t.queue = w.queue AND t.worker = w.number AND t.state = 'active') AS tasks,
    CAST(number AS oid) IN ({LIVING_WORKERS}) AS is_alive
FROM task_worker AS w WHERE queue = :queue ORDER BY number""")  # noqa: S608 - of our own constants
FORGET_WORKERS = sa.text(f"""
DELETE FROM task_worker WHERE queue = :queue AND CAST(number AS oid) NOT IN ({LIVING_WORKERS})
    AND seen_at < statement_timestamp() - make_interval(secs => :age)""")  # noqa: S608 - of our own constants
# Numbers are never shared, so a shared lock is as good as an exclusive one, and a worker that reconnects gets it at
# once, even while the server has not yet noticed that the old connection is gone.
SHOW_LIFE = sa.text("SELECT pg_advisory_lock_shared(:lock_class, :worker)")
