"""Keep what metrics show as sums: how many rows are in which state, how tasks ever ended, how syncs did."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from orchestration.storage.row_counts import attach_row_counts, detach_row_counts
from orchestration.work_queue.statistics import exact_seconds

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# Table, label, state, amount: SQL over the columns.
_COUNTED = (
    ("task", "queue", "state", "0"),
    ("product_family", "supplier", "CASE WHEN removed_at IS NULL THEN 'listed' ELSE 'removed' END", "0"),
    ("media", "'original'", "'stored'", "bytes"),
    ("media_variant", "'variant'", "'stored'", "bytes"),
    ("print_task", "''", "stl_render_state", "0"),
    ("render_job", "''", "CASE WHEN deleted_at IS NULL THEN status ELSE 'deleted' END", "0"),
    ("notification", "''", "state", "0"),
)

# How the former system's worker sorted durations, in seconds.
_PREVIEW_BOUNDS = "0.1, 0.5, 1, 2, 5, 10, 30, 60"

# What happens once is added once, and stays when its row goes.
_COUNT_SYNC = """
CREATE FUNCTION count_sync_end() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO row_count (counted, label, state, rows) VALUES ('sync_end', NEW.supplier, NEW.status, 1);
    RETURN NULL;
END
$body$
"""
_COUNT_PREVIEW = f"""
CREATE FUNCTION count_preview_end() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    seconds CONSTANT float8 := {exact_seconds("extract(epoch FROM NEW.finished_at - NEW.started_at)")};
BEGIN
    IF seconds > 0 THEN
        INSERT INTO row_count (counted, label, state, rows, amount)
        VALUES ('preview_end', CAST(width_bucket(seconds, CAST(ARRAY[{_PREVIEW_BOUNDS}] AS float8[])) AS text), '',
            1, seconds);
    END IF;
    RETURN NULL;
END
$body$
"""  # noqa: S608 - of our own constants


def upgrade() -> None:
    """Create the tables and the triggers, and count what is there."""
    _create_row_count()
    for table, label, state, amount in _COUNTED:
        attach_row_counts(op, table, label=label, state=state, amount=amount)
    _count_ends()
    _create_task_total()
    op.create_index("ix_task_due", "task", ["queue", "run_at"], postgresql_where=sa.text("state = 'waiting'"))


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_task_due", table_name="task")
    op.drop_table("task_total")
    for function in ("count_sync_end", "count_preview_end"):
        op.execute(f"DROP FUNCTION {function} CASCADE")
    for table, *_ in _COUNTED:
        detach_row_counts(op, table)
    op.drop_table("row_count")


def _create_row_count() -> None:
    op.create_table(
        "row_count",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("counted", sa.Text(), nullable=False, comment="A table, or something that happens to its rows"),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False, comment="A difference: below zero for rows that went"),
        sa.Column(
            "amount", sa.Float(), server_default="0", nullable=False, comment="Bytes or seconds, where there are any"
        ),
        sa.Column("is_folded", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_row_count")),
        comment="Rows are only added, by triggers, and later folded: no two writers want the same row",
    )
    op.create_index("ix_row_count_new", "row_count", ["id"], postgresql_where=sa.text("NOT is_folded"))


def _count_ends() -> None:
    op.execute(_COUNT_SYNC)
    op.execute(
        "CREATE TRIGGER count_end AFTER UPDATE ON sync FOR EACH ROW "
        "WHEN (OLD.status = 'running' AND NEW.status <> 'running') EXECUTE FUNCTION count_sync_end()"
    )
    op.execute(
        "CREATE TRIGGER count_new_end AFTER INSERT ON sync FOR EACH ROW "
        "WHEN (NEW.status <> 'running') EXECUTE FUNCTION count_sync_end()"
    )
    op.execute(
        "INSERT INTO row_count (counted, label, state, rows) "
        "SELECT 'sync_end', supplier, status, count(*) FROM sync WHERE status <> 'running' GROUP BY 2, 3"
    )
    op.execute(_COUNT_PREVIEW)
    op.execute(
        "CREATE TRIGGER count_end AFTER UPDATE ON preview_job FOR EACH ROW "
        "WHEN (OLD.state <> 'completed' AND NEW.state = 'completed') EXECUTE FUNCTION count_preview_end()"
    )


def _create_task_total() -> None:
    op.create_table(
        "task_total",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("waited_class", sa.SmallInteger(), nullable=False),
        sa.Column("ran_class", sa.SmallInteger(), nullable=False),
        sa.Column("tasks", sa.BigInteger(), nullable=False),
        sa.Column("waited_seconds", sa.Float(), nullable=False),
        sa.Column("ran_seconds", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_total")),
        comment="The statistics of all hours together, but for what is not folded yet",
    )
    op.create_index("ix_task_total_queue", "task_total", ["queue"])
    waited, ran = exact_seconds("waited_seconds"), exact_seconds("ran_seconds")
    op.execute(f"UPDATE task_statistic SET waited_seconds = {waited}, ran_seconds = {ran}")  # noqa: S608
    op.execute(
        "INSERT INTO task_total (queue, outcome, waited_class, ran_class, tasks, waited_seconds, ran_seconds) "
        "SELECT queue, outcome, waited_class, ran_class, sum(tasks), sum(waited_seconds), sum(ran_seconds) "
        "FROM task_statistic WHERE is_folded GROUP BY 1, 2, 3, 4"
    )
