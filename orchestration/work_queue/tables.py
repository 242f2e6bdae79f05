"""The task table, its indexes and the numbers of workers.

Belongs here: what PostgreSQL itself holds true of a task. Does not: statements.

Priority and age are one sort key: a task is worth as much as one of the next level that came `AGEING` later. So high
goes first, and low never starves: it waits at most twice `AGEING` longer than whatever comes after it. The server
computes the key, so no statement can forget it; it is in UTC without a zone, because only that is immutable.
"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from orchestration.storage.schema import metadata
from orchestration.work_queue.model import Priority, TaskState

AGEING = timedelta(minutes=10)

_states = ", ".join(f"'{state}'" for state in TaskState)
_active = sa.text("state = 'active'")
_waiting = sa.text("state = 'waiting'")

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
            f"(run_at AT TIME ZONE 'UTC') + priority * interval '{AGEING.total_seconds():.0f} seconds'",
            persisted=True,
        ),
        nullable=False,
    ),
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
    sa.CheckConstraint(f"state IN ({_states})", name="state"),
    sa.CheckConstraint("priority BETWEEN 0 AND 2", name="priority"),
    sa.CheckConstraint(
        "(state = 'active') = (worker IS NOT NULL) AND (state = 'active') = (lease_until IS NOT NULL)", name="owner"
    ),
    sa.CheckConstraint("(state IN ('completed', 'dead')) = (finished_at IS NOT NULL)", name="finished"),
    sa.CheckConstraint("(state = 'dead') = (reason IS NOT NULL)", name="reason"),
    sa.CheckConstraint("NOT rerun OR state = 'active'", name="rerun"),
)

sa.Index(
    "uq_task_unfinished_key", task.c.queue, task.c.key, unique=True, postgresql_where=sa.text("state <> 'completed'")
)
sa.Index("ix_task_claim", task.c.queue, task.c.sort_at, task.c.id, postgresql_where=_waiting)
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
    postgresql_where=sa.text("state IN ('completed', 'dead')"),
)

worker_number = sa.Sequence("task_worker_number", data_type=sa.Integer, cycle=True, metadata=metadata)
