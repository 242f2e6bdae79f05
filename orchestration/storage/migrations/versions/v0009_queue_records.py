"""Let the queue keep what it knows: workers, statistics, results, progress, cancellation, first failures.

And one trigger function that refuses illegal steps of any state machine: see `orchestration.storage.transitions`.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from orchestration.storage.migrations.versions.v0005_gallery import _ENQUEUE_TASKS as _FORMER_ENQUEUE_TASKS

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# What `TaskQueue.enqueue` does, for writers inside the database: $1 is the queue, $2 the tasks as JSON.
_ENQUEUE_TASKS = """
CREATE OR REPLACE FUNCTION enqueue_tasks(text, json) RETURNS void LANGUAGE sql AS $body$
WITH incoming AS (
    SELECT * FROM ROWS FROM (
        json_to_recordset(CAST($2 AS json))
        AS (key text, payload jsonb, "grouping" text, order_key text, priority smallint, delay float8, ageing integer)
    ) WITH ORDINALITY
), written AS (
    INSERT INTO task AS t (queue, key, payload, "grouping", order_key, priority, run_at, ageing)
    SELECT $1, key, coalesce(payload, 'null'), "grouping", order_key, priority,
        statement_timestamp() + make_interval(secs => delay), coalesce(ageing, 600)
    FROM incoming ORDER BY ordinality
    ON CONFLICT (queue, key) WHERE state NOT IN ('completed', 'cancelled') DO UPDATE SET
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
SELECT count(*) FILTER (WHERE new), count(*) FILTER (WHERE NOT new) FROM written;
SELECT pg_notify('task', $1)
$body$
"""

_REFUSE_TRANSITION = """
CREATE FUNCTION refuse_transition() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    machine CONSTANT text := TG_ARGV[0];
    former CONSTANT text := CASE WHEN TG_OP = 'UPDATE' THEN to_jsonb(OLD) ->> machine ELSE '' END;
    wanted CONSTANT text := to_jsonb(NEW) ->> machine;
    allowed text;
BEGIN
    IF EXISTS (SELECT FROM state_transition WHERE table_name = TG_TABLE_NAME AND column_name = machine
        AND old_state = former AND new_state = wanted)
    THEN
        RETURN NULL;
    END IF;
    SELECT string_agg(new_state, ', ' ORDER BY new_state) INTO allowed FROM state_transition
    WHERE table_name = TG_TABLE_NAME AND column_name = machine AND old_state = former;
    RAISE EXCEPTION USING
        ERRCODE = '23S01', TABLE = TG_TABLE_NAME, COLUMN = machine,
        MESSAGE = CASE WHEN former = ''
            THEN format('A new row of %s may not begin with %s "%s"', TG_TABLE_NAME, machine, wanted)
            ELSE format('%s.%s may not go from "%s" to "%s"', TG_TABLE_NAME, machine, former, wanted) END,
        HINT = format('Allowed: %s', coalesce(allowed, 'nothing'));
END
$body$
"""

_FORMER = "state IN ('completed', 'dead')"
_FINISHED = "state IN ('completed', 'dead', 'cancelled')"


def upgrade() -> None:
    """Apply the revision."""
    for column in _task_columns():
        op.add_column("task", column)
    _replace_sort_key("(run_at AT TIME ZONE 'UTC') + priority * ageing * interval '1 second'")
    _replace_states(
        "state IN ('waiting', 'active', 'completed', 'dead', 'cancelled')",
        finished=_FINISHED,
        unfinished="state NOT IN ('completed', 'cancelled')",
    )
    _create_task_checks()
    _create_task_worker()
    _create_task_statistic()
    _create_state_transition()
    op.execute(_REFUSE_TRANSITION)
    op.execute(_ENQUEUE_TASKS)


def downgrade() -> None:
    """Take it back; a cancelled task becomes a completed one."""
    op.execute(_FORMER_ENQUEUE_TASKS.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    op.execute("DROP FUNCTION refuse_transition CASCADE")
    for table in ("state_transition", "task_statistic", "task_worker"):
        op.drop_table(table)
    op.execute("UPDATE task SET state = 'completed' WHERE state = 'cancelled'")
    op.drop_index("ix_task_finished_key", table_name="task")
    for name in ("ck_task_percent", "ck_task_cancel_requested"):
        op.drop_constraint(op.f(name), "task")
    _replace_states(
        "state IN ('waiting', 'active', 'completed', 'dead')", finished=_FORMER, unfinished="state <> 'completed'"
    )
    _replace_sort_key("(run_at AT TIME ZONE 'UTC') + priority * interval '600 seconds'")
    for column in _task_columns():
        op.drop_column("task", column.name)


def _task_columns() -> list[sa.Column[Any]]:
    columns: list[sa.Column[Any]] = [
        sa.Column("ageing", sa.Integer(), server_default="600", nullable=False, comment="Seconds a level, by policy"),
        sa.Column("first_error", sa.Text(), nullable=True),
        sa.Column("first_failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("replays", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "history",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
            comment="Its earlier deaths, oldest first",
        ),
        sa.Column(
            "result",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="What the handler left when it completed",
        ),
        sa.Column("percent", sa.Float(), nullable=True),
        sa.Column("step", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column(
            "cancel_requested_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="Its worker has been asked to stop it",
        ),
    ]
    return columns


def _replace_sort_key(expression: str) -> None:
    """Rewrites the table; the index goes with the column."""
    op.drop_column("task", "sort_at")
    op.add_column("task", sa.Column("sort_at", sa.DateTime(), sa.Computed(expression, persisted=True), nullable=False))
    op.create_index(
        "ix_task_claim", "task", ["queue", "sort_at", "id"], unique=False, postgresql_where=sa.text("state = 'waiting'")
    )


def _replace_states(states: str, *, finished: str, unfinished: str) -> None:
    for name in ("ck_task_state", "ck_task_finished"):
        op.drop_constraint(op.f(name), "task")
    op.create_check_constraint(op.f("ck_task_state"), "task", states)
    op.create_check_constraint(op.f("ck_task_finished"), "task", f"({finished}) = (finished_at IS NOT NULL)")
    op.drop_index("uq_task_unfinished_key", table_name="task")
    op.create_index(
        "uq_task_unfinished_key", "task", ["queue", "key"], unique=True, postgresql_where=sa.text(unfinished)
    )
    op.drop_index("ix_task_finished", table_name="task")
    op.create_index(
        "ix_task_finished",
        "task",
        ["queue", "state", "finished_at"],
        unique=False,
        postgresql_where=sa.text(finished),
    )


def _create_task_checks() -> None:
    op.create_check_constraint(op.f("ck_task_percent"), "task", "percent BETWEEN 0 AND 100")
    op.create_check_constraint(
        op.f("ck_task_cancel_requested"), "task", "cancel_requested_at IS NULL OR state = 'active'"
    )
    op.create_index(
        "ix_task_finished_key",
        "task",
        ["queue", "key"],
        unique=False,
        postgresql_where=sa.text("state IN ('completed', 'cancelled')"),
    )


def _create_task_worker() -> None:
    op.create_table(
        "task_worker",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True, comment="The Dagster run that it works in"),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_task_worker")),
        comment="Whether a worker lives is told by its advisory lock, not by its row",
    )
    op.create_index("ix_task_worker_queue", "task_worker", ["queue"], unique=False)


def _create_task_statistic() -> None:
    op.create_table(
        "task_statistic",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column(
            "hour",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="1970 holds all that is older than is kept",
        ),
        sa.Column("waited_class", sa.SmallInteger(), nullable=False),
        sa.Column("ran_class", sa.SmallInteger(), nullable=False, comment="By `BOUNDS` of `statistics`"),
        sa.Column("tasks", sa.BigInteger(), nullable=False),
        sa.Column("waited_seconds", sa.Float(), nullable=False, comment="Of all tasks, from their time to the claim"),
        sa.Column("ran_seconds", sa.Float(), nullable=False, comment="Of all tasks, from the claim to the end"),
        sa.Column("is_folded", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_statistic")),
        comment="Rows are only added, and later folded into one an hour: no two writers want the same row",
    )
    op.create_index("ix_task_statistic_hour", "task_statistic", ["queue", "hour"], unique=False)
    op.create_index(
        "ix_task_statistic_new",
        "task_statistic",
        ["queue", "id"],
        unique=False,
        postgresql_where=sa.text("NOT is_folded"),
    )


def _create_state_transition() -> None:
    op.create_table(
        "state_transition",
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("column_name", sa.Text(), nullable=False),
        sa.Column("old_state", sa.Text(), nullable=False, comment="Empty for a new row"),
        sa.Column("new_state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "table_name", "column_name", "old_state", "new_state", name=op.f("pk_state_transition")
        ),
        comment="Every step that a state machine may take; a trigger refuses the others",
    )
