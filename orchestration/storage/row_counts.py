"""How many rows of a table are in which state, without counting them: kept by triggers, read in a moment.

Attaching the triggers (for migrations), reading, folding; and what the planner expects. Keep out: which tables are
counted, which revision 0019 says.

A statement that changes rows adds a row of differences a label and state, in its own transaction, so that no writer
waits for another's row; `fold_row_counts` makes one of them. A sum is therefore right at every commit, by whatever code
or hand the rows were changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

if TYPE_CHECKING:
    from orchestration.storage.transitions import Operations

_KINDS = {
    "INSERT": "NEW TABLE AS fresh",
    "UPDATE": "OLD TABLE AS former NEW TABLE AS fresh",
    "DELETE": "OLD TABLE AS former",
}

_READ = sa.text("""
SELECT label, state, CAST(sum(rows) AS bigint) AS rows, sum(amount) AS amount FROM row_count
WHERE counted = :counted GROUP BY label, state""")

# Two that fold at the same time pass over each other's rows; what either leaves is folded by the next.
_FOLD = sa.text("""
WITH fresh AS MATERIALIZED (
    SELECT id, counted, label, state FROM row_count WHERE NOT is_folded ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED
), former AS MATERIALIZED (
    SELECT id FROM row_count WHERE is_folded AND (counted, label, state) IN (SELECT counted, label, state FROM fresh)
    FOR UPDATE SKIP LOCKED
), taken AS (
    DELETE FROM row_count WHERE id = ANY (ARRAY(SELECT id FROM fresh UNION SELECT id FROM former)) RETURNING *
)
INSERT INTO row_count (counted, label, state, rows, amount, is_folded)
SELECT counted, label, state, sum(rows), sum(amount), true FROM taken
GROUP BY counted, label, state HAVING sum(rows) <> 0 OR sum(amount) <> 0""")


class RowCount(NamedTuple):
    """How many rows, and the sum of what the table's triggers add up, such as bytes."""

    rows: int
    amount: float


def read_row_counts(connection: sa.Connection, counted: str) -> dict[tuple[str, str], RowCount]:
    """The counts of one table by label and state; without those that are zero and were never anything else."""
    rows = connection.execute(_READ, {"counted": counted})
    return {(row.label, row.state): RowCount(row.rows, row.amount) for row in rows}


def expected_rows(connection: sa.Connection, query: sa.Select[Any]) -> float:
    """How many rows PostgreSQL's planner expects of a query, in a millisecond and without running it."""
    compiled = query.compile(dialect=connection.dialect)
    plan = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {compiled}", dict(compiled.params)).scalar_one()
    return float(plan[0]["Plan"]["Plan Rows"])


def fold_row_counts(connection: sa.Connection, *, limit: int) -> None:
    """Make one row of up to `limit` differences, for each label and state."""
    connection.execute(_FOLD, {"limit": limit})


def attach_row_counts(operations: Operations, table: str, *, label: str, state: str, amount: str = "0") -> None:
    """Count the rows of `table` from now on, those that are there too; the three are SQL over its columns."""
    columns = f"'{table}', {label}, {state}"
    operations.execute(_function(table, columns, amount))
    for kind, tables in _KINDS.items():
        operations.execute(
            f"CREATE TRIGGER count_rows_{kind.lower()} AFTER {kind} ON {table} REFERENCING {tables} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION count_{table}_rows()"
        )
    operations.execute(
        f"CREATE TRIGGER count_rows_truncate AFTER TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION count_{table}_rows()"
    )
    operations.execute(f"INSERT INTO row_count (counted, label, state, rows, amount) {_sum(columns, amount, table)}")


def detach_row_counts(operations: Operations, table: str) -> None:
    """Count no longer."""
    operations.execute(f"DROP FUNCTION count_{table}_rows CASCADE")


def _sum(columns: str, amount: str, relation: str, sign: str = "") -> str:
    return f"SELECT {columns}, {sign}count(*), {sign}sum({amount}) FROM {relation} GROUP BY 2, 3"  # noqa: S608 - of a migration's own words


def _function(table: str, columns: str, amount: str) -> str:
    """The two sides of an update are summed first, so that one that changes no state writes nothing."""
    difference = f"""
            SELECT counted, label, state, sum(n), sum(amount) FROM (
                SELECT {columns}, 1, {amount} FROM fresh UNION ALL SELECT {columns}, -1, -({amount}) FROM former
            ) AS d (counted, label, state, n, amount)
            GROUP BY counted, label, state HAVING sum(n) <> 0 OR sum(amount) <> 0"""  # noqa: S608 - as above
    into = "INSERT INTO row_count (counted, label, state, rows, amount)"
    return f"""
    CREATE FUNCTION count_{table}_rows() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
        CASE TG_OP
        WHEN 'INSERT' THEN
            {into} {_sum(columns, amount, "fresh")};
        WHEN 'DELETE' THEN
            {into} {_sum(columns, amount, "former", "-")};
        WHEN 'UPDATE' THEN
            {into} {difference};
        ELSE
            DELETE FROM row_count WHERE counted = '{table}';
        END CASE;
        RETURN NULL;
    END
    $body$"""  # noqa: S608 - as above
