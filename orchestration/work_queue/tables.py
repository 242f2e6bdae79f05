"""The tables of the queue: tasks, workers, and the statistics that outlive both.

What PostgreSQL itself holds true of them. Keep out: statements.

Priority and age are one sort key: a task is worth as much as one of the next level that came `ageing` seconds later.
So high goes first, and low never starves: it waits at most twice `ageing` longer than a task that comes after it. Each
row has the ageing of its queue, so that one index serves queues of any ageing. The server computes the key, so no
statement can forget it; it is in UTC without a zone, because only that is immutable.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from orchestration.storage.schema import metadata
from orchestration.work_queue.model import Priority, TaskState
from orchestration.work_queue.policy import AGEING

_ageing = round(AGEING.total_seconds())
_states = ", ".join(f"'{state}'" for state in TaskState)
_active = sa.text("state = 'active'")
_waiting = sa.text("state = 'waiting'")
_dead = sa.text("state = 'dead'")
# Errors of one cause are one text but for what they quote, addresses and numbers.
_names = r"""'''[^'']*''|"[^"]*"|https?://\S+'::text"""
_fingerprint = (
    f'"left"(md5(regexp_replace(regexp_replace(error, {_names}, '
    "'*'::text, 'g'::text),"
    " '[0-9A-Fa-f]{8,}|[0-9]+'::text, '#'::text, 'g'::text)), 16)"
)


task = sa.Table(
    "task",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("queue", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False, comment="Idempotency key within the queue"),
    sa.Column("grouping", sa.Text, comment="What counts and cancellation go by, such as a supplier's code"),
    sa.Column("order_key", sa.Text, comment="Tasks of one order key run one at a time, by id"),
    sa.Column("state", sa.Text, nullable=False, server_default=TaskState.WAITING),
    sa.Column("priority", sa.SmallInteger, nullable=False, server_default=str(Priority.NORMAL.value)),
    sa.Column("run_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column(
        "sort_at",
        sa.DateTime,
        sa.Computed(
            "(run_at AT TIME ZONE 'UTC') + priority * ageing * interval '1 second'",
            persisted=True,
        ),
        nullable=False,
    ),
    sa.Column("ageing", sa.Integer, nullable=False, server_default=str(_ageing), comment="Seconds a level, by policy"),
    sa.Column("payload", pg.JSONB, nullable=False, server_default="{}"),
    sa.Column("attempt", sa.Integer, nullable=False, server_default="0", comment="Claims that count for the policy"),
    sa.Column("token", sa.Integer, nullable=False, server_default="0", comment="All claims ever: the fencing token"),
    sa.Column("crashes", sa.Integer, nullable=False, server_default="0", comment="Workers lost; above 0 it runs alone"),
    sa.Column("rerun", sa.Boolean, nullable=False, server_default=sa.false(), comment="Enqueued again while active"),
    sa.Column("worker", sa.Integer),
    sa.Column("claimed_at", sa.DateTime(timezone=True)),
    sa.Column("lease_until", sa.DateTime(timezone=True)),
    sa.Column("enqueued_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("finished_at", sa.DateTime(timezone=True)),
    sa.Column("reason", sa.Text, comment="Why it is dead"),
    sa.Column("error", sa.Text, comment="The last error"),
    sa.Column(
        "fingerprint",
        sa.Text,
        sa.Computed(_fingerprint, persisted=True),
        comment="Equal for errors that differ in names and numbers alone",
    ),
    sa.Column("first_error", sa.Text),
    sa.Column("first_failed_at", sa.DateTime(timezone=True)),
    sa.Column("replays", sa.Integer, nullable=False, server_default="0"),
    sa.Column("history", pg.JSONB, nullable=False, server_default="[]", comment="Its earlier deaths, oldest first"),
    sa.Column("result", pg.JSONB, comment="What the handler left when it completed"),
    sa.Column("percent", sa.Float),
    sa.Column("step", sa.Text),
    sa.Column("message", sa.Text),
    sa.Column("cancel_requested_at", sa.DateTime(timezone=True), comment="Its worker has been asked to stop it"),
    sa.Column("run_id", sa.Text, comment="The Dagster run of the worker that claimed it last"),
    sa.CheckConstraint(f"state IN ({_states})", name="state"),
    sa.CheckConstraint("priority BETWEEN 0 AND 2", name="priority"),
    sa.CheckConstraint(
        "(state = 'active') = (worker IS NOT NULL) AND (state = 'active') = (lease_until IS NOT NULL)", name="owner"
    ),
    sa.CheckConstraint("(state IN ('completed', 'dead', 'cancelled')) = (finished_at IS NOT NULL)", name="finished"),
    sa.CheckConstraint("(state = 'dead') = (reason IS NOT NULL)", name="reason"),
    sa.CheckConstraint("NOT rerun OR state = 'active'", name="rerun"),
    sa.CheckConstraint("percent BETWEEN 0 AND 100", name="percent"),
    sa.CheckConstraint("cancel_requested_at IS NULL OR state = 'active'", name="cancel_requested"),
)

sa.Index(
    "uq_task_unfinished_key",
    task.c.queue,
    task.c.key,
    unique=True,
    postgresql_where=sa.text("state NOT IN ('completed', 'cancelled')"),
)
sa.Index(
    "ix_task_finished_key",
    task.c.queue,
    task.c.key,
    postgresql_where=sa.text("state IN ('completed', 'cancelled')"),
)
sa.Index("ix_task_claim", task.c.queue, task.c.sort_at, task.c.id, postgresql_where=_waiting)
sa.Index("ix_task_due", task.c.queue, task.c.run_at, postgresql_where=_waiting)
sa.Index("ix_task_held", task.c.queue, task.c.worker, postgresql_where=_active)
sa.Index(
    "ix_task_order",
    task.c.queue,
    task.c.order_key,
    task.c.id,
    postgresql_where=sa.text("order_key IS NOT NULL AND state IN ('waiting', 'active')"),
)
sa.Index(
    "uq_task_order_active",
    task.c.queue,
    task.c.order_key,
    unique=True,
    postgresql_where=sa.text("order_key IS NOT NULL AND state = 'active'"),
)
sa.Index(
    "ix_task_finished",
    task.c.queue,
    task.c.state,
    task.c.finished_at,
    postgresql_where=sa.text("state IN ('completed', 'dead', 'cancelled')"),
)
sa.Index("ix_task_dead_error", task.c.queue, task.c.fingerprint, task.c.finished_at, postgresql_where=_dead)
sa.Index(
    "ix_task_dead_words",
    sa.text("to_tsvector('simple'::regconfig, error)"),
    postgresql_using="gin",
    postgresql_where=_dead,
    _table=task,
)

worker_number = sa.Sequence("task_worker_number", data_type=sa.Integer, cycle=True, metadata=metadata)

task_worker = sa.Table(
    "task_worker",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("queue", sa.Text, nullable=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("run_id", sa.Text, comment="The Dagster run that it works in"),
    sa.Column("started_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    comment="Whether a worker lives is told by its advisory lock, not by its row",
)
sa.Index("ix_task_worker_queue", task_worker.c.queue)

task_pause = sa.Table(
    "task_pause",
    metadata,
    sa.Column("queue", sa.Text, primary_key=True),
    sa.Column("paused_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("paused_by", sa.Text, nullable=False),
    comment="Queues of which no task is claimed",
)

task_statistic = sa.Table(
    "task_statistic",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("queue", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("hour", sa.DateTime(timezone=True), nullable=False, comment="1970 holds all that is older than is kept"),
    sa.Column("waited_class", sa.SmallInteger, nullable=False),
    sa.Column("ran_class", sa.SmallInteger, nullable=False, comment="By `BOUNDS` of `statistics`"),
    sa.Column("tasks", sa.BigInteger, nullable=False),
    sa.Column("waited_seconds", sa.Float, nullable=False, comment="Of all tasks, from their time to the claim"),
    sa.Column("ran_seconds", sa.Float, nullable=False, comment="Of all tasks, from the claim to the end"),
    sa.Column("is_folded", sa.Boolean, nullable=False, server_default=sa.false()),
    comment="Rows are only added, and later folded into one an hour: no two writers want the same row",
)
sa.Index("ix_task_statistic_hour", task_statistic.c.queue, task_statistic.c.hour)
sa.Index(
    "ix_task_statistic_new",
    task_statistic.c.queue,
    task_statistic.c.id,
    postgresql_where=sa.text("NOT is_folded"),
)

task_total = sa.Table(
    "task_total",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("queue", sa.Text, nullable=False, index=True),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("waited_class", sa.SmallInteger, nullable=False),
    sa.Column("ran_class", sa.SmallInteger, nullable=False),
    sa.Column("tasks", sa.BigInteger, nullable=False),
    sa.Column("waited_seconds", sa.Float, nullable=False),
    sa.Column("ran_seconds", sa.Float, nullable=False),
    comment="The statistics of all hours together, but for what is not folded yet",
)
