"""Importing orders: from checked rows to orders, lines and print tasks.

The same rows twice change nothing, and a cell that is empty changes nothing. A text, colour or SKU that changes sends
its task back to pending; what was rendered before stays in the store under its own names. A row that may mean several
lines of its order is refused, and the lines are marked for review. It is all one transaction of the caller. Keep out:
reading files and cells (`csv_rows`), which line a row means (`lines`), and the comparison with what is stored
(`upsert`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import sqlalchemy as sa

from orchestration.prints.orders.csv_rows import check_rows
from orchestration.prints.orders.lines import Assigned, StoredLine, find_lines, rows_by_order
from orchestration.prints.orders.upsert import Effect, KeyedTable, Stored, store_rows
from orchestration.prints.solid.sku import is_supported, meant_sku
from orchestration.prints.statuses import OrderStatus
from orchestration.prints.tables import order_item, print_task, product, shop_order
from orchestration.prints.tasks.pending import JOINED, NOT_REFUSED, NOT_RENDERING, queue_pending
from orchestration.prints.tasks.queue import RenderOptions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from orchestration.prints.orders.csv_rows import OrderRow, RowProblem
    from orchestration.work_queue.queue import TaskQueue

PRODUCTS = KeyedTable(product, ("sku",))
ORDERS = KeyedTable(shop_order, ("marketplace", "order_number"), {"order_status": OrderStatus.AWAITING_SHIPMENT})
ITEMS = KeyedTable(order_item, ("order_id", "line_key"), {"quantity": 1, "print_settings": {}})
TASKS = KeyedTable(print_task, ("order_item_id", "task_index"), {"quantity": 1, "custom_text": ""})

_OF_ORDER = (
    "marketplace",
    "order_number",
    "order_status",
    "shipstation_order_id",
    "customer_name",
    "customer_email",
)
_OF_ITEM = ("quantity", "unit_price", "print_settings")
_OF_TASK = ("task_index", "quantity", "color_1", "color_2", "ship_by_date")
# What the files are made of, beside the SKU.
_DRAWN = {"custom_text", "color_1", "color_2"}


class Imported(StrEnum):
    """What happened to a row."""

    IMPORTED = "imported"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


_IMPORTED = {Effect.NEW: Imported.IMPORTED, Effect.CHANGED: Imported.CHANGED, Effect.UNCHANGED: Imported.UNCHANGED}


class RowReport(NamedTuple):
    """What happened to a row; a refused one names the column that is wrong, the problem and the remedy.

    So does an imported one that will not be printed, because no design has its SKU; `is_mistaken` when it is probably a
    misspelling of one that has.
    """

    row: int
    outcome: Imported
    order_number: str = ""
    column: str = ""
    problem: str = ""
    remedy: str = ""
    is_mistaken: bool = False


class ImportReport(NamedTuple):
    """What happened to each row, in their order, and how many tasks were queued."""

    rows: Sequence[RowReport]
    queued: int

    def count(self, outcome: Imported) -> int:
        """How many rows ended so."""
        return sum(row.outcome is outcome for row in self.rows)

    @property
    def refused(self) -> list[RowReport]:
        """The rows that were refused."""
        return [row for row in self.rows if row.outcome is Imported.REFUSED]

    @property
    def unprinted(self) -> list[RowReport]:
        """The rows that were imported and will not be printed."""
        return [row for row in self.rows if row.outcome is not Imported.REFUSED and row.problem]


_STORED = sa.text(f"""
SELECT o.marketplace, o.order_number, i.id, t.id, i.line_key, t.task_index, p.sku, t.custom_text, t.color_1, t.color_2,
    t.stl_render_state IN ('running', 'completed'), t.status <> 'pending', to_jsonb(i) || to_jsonb(t)
FROM {JOINED}
JOIN json_to_recordset(CAST(:orders AS json)) AS k (marketplace text, order_number text)
    ON k.marketplace = o.marketplace AND k.order_number = o.order_number
ORDER BY i.id, t.task_index""")  # noqa: S608 - of our own constants
_STALE = sa.text(f"""
UPDATE print_task SET
    stl_render_state = 'pending', render_retries = 0, annotation = NULL, revision = revision + 1, import_note = NULL,
    {NOT_RENDERING}, {NOT_REFUSED}, stl_path = NULL, product_address = NULL, updated_at = now()
WHERE id = ANY (CAST(:tasks AS bigint[])) OR order_item_id = ANY (CAST(:items AS bigint[]))
RETURNING id""")  # noqa: S608 - of our own constants
_NAME = sa.text("UPDATE order_item SET line_key = :name WHERE id = :id")
_REVIEW = sa.text("""
UPDATE print_task SET needs_review = true, import_note = :note, review_reason = concat_ws('; ', review_reason, :note),
    updated_at = now()
WHERE id = :id AND import_note IS DISTINCT FROM :note""")
_SHIP_BY = sa.text("""
UPDATE shop_order AS o SET ship_by_date = f.first, updated_at = now()
FROM (SELECT i.order_id, min(t.ship_by_date) AS first
    FROM print_task AS t JOIN order_item AS i ON i.id = t.order_item_id
    WHERE i.order_id = ANY (CAST(:orders AS bigint[])) GROUP BY i.order_id) AS f
WHERE o.id = f.order_id AND o.ship_by_date IS DISTINCT FROM f.first""")
# Rows are inserted in the order of the file, in which they are rendered; two imports at once might deadlock.
_ONE_AT_A_TIME = sa.text("LOCK TABLE shop_order IN SHARE ROW EXCLUSIVE MODE")
_NO_OUTPUTS = sa.text("DELETE FROM print_output WHERE task_id = ANY (CAST(:ids AS bigint[]))")


class _Tables(NamedTuple):
    """What storing the rows did to each table, by key."""

    orders: Mapping[Any, Stored]
    items: Mapping[Any, Stored]
    tasks: Mapping[Any, Stored]

    def order(self, one: Assigned) -> Stored:
        return self.orders[one.row.order]

    def item(self, one: Assigned) -> Stored:
        return self.items[self.order(one).id, one.line]

    def task(self, one: Assigned) -> Stored:
        return self.tasks[self.item(one).id, one.row.cells["task_index"]]

    def effect(self, one: Assigned) -> Effect:
        """What a row did to its task, its line or its order."""
        task = self.task(one).effect
        return task if task is Effect.NEW else max(self.order(one).effect, self.item(one).effect, task)


def import_orders(
    connection: sa.Connection,
    queue: TaskQueue,
    statuses: Sequence[OrderStatus],
    rows: Iterable[tuple[int, Mapping[str, str]]],
    *,
    not_printed: Collection[str] = (),
) -> ImportReport:
    """Import rows, each a number and its cells by column (see `csv_rows.COLUMNS`), and queue what is to be rendered.

    A row that is wrong is refused and reported; the others are imported. `not_printed` are SKUs without a design that
    need not be reported.
    """
    checked = check_rows(rows)
    connection.execute(_ONE_AT_A_TIME)
    assigned, problems = _assigned(connection, checked.rows)
    stored = _store(connection, assigned)
    stale = _reset_stale(connection, stored.tasks.values(), stored.items.values())
    fresh = {one.id for one in stored.tasks.values() if one.effect is Effect.NEW}
    queued = queue_pending(connection, queue, statuses, ids=fresh | stale, options=RenderOptions())
    found = [_report(one.row, stored.effect(one), not_printed) for one in assigned]
    refused = [_refusal(problem) for problem in (*checked.problems, *problems)]
    return ImportReport(sorted([*found, *refused]), len(queued))


def _assigned(connection: sa.Connection, rows: Sequence[OrderRow]) -> tuple[list[Assigned], list[RowProblem]]:
    """Find the line of each row, and give lines that were without a name the one that the file has for them."""
    orders = rows_by_order(rows)
    stored = _stored_lines(connection, orders)
    lines = [find_lines(own, stored.get(order, ())) for order, own in orders.items()]
    assigned = sorted((one for found in lines for one in found.assigned), key=lambda one: one.row.number)
    names = {one.stored.item_id: one.line for one in assigned if one.stored and one.stored.line != one.line}
    if names:
        connection.execute(_NAME, [{"id": item_id, "name": name} for item_id, name in names.items()])
    if notes := {task_id: note for found in lines for task_id, note in found.reviews.items()}:
        connection.execute(_REVIEW, [{"id": task_id, "note": note} for task_id, note in notes.items()])
    return assigned, [problem for found in lines for problem in found.problems]


def _stored_lines(
    connection: sa.Connection, orders: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], list[StoredLine]]:
    keys = [{"marketplace": marketplace, "order_number": number} for marketplace, number in orders]
    found: dict[tuple[str, str], list[StoredLine]] = {}
    for marketplace, number, *line in connection.execute(_STORED, {"orders": msgspec.json.encode(keys).decode()}):
        found.setdefault((marketplace, number), []).append(StoredLine(*line))
    return found


def _store(connection: sa.Connection, assigned: Sequence[Assigned]) -> _Tables:
    products = store_rows(connection, PRODUCTS, [_product_row(one.row) for one in assigned])
    orders = store_rows(connection, ORDERS, [dict(_given(one.row, _OF_ORDER)) for one in assigned])
    items = store_rows(connection, ITEMS, [_item_row(one, orders, products) for one in assigned])
    found = _Tables(orders, items, {})
    tasks = store_rows(connection, TASKS, [_task_row(one.row, found.item(one).id) for one in assigned])
    connection.execute(_SHIP_BY, {"orders": [order.id for order in orders.values()]})
    return found._replace(tasks=tasks)


def _product_row(row: OrderRow) -> dict[str, Any]:
    name = row.value("product_name")
    return {"sku": row.cells["sku"], **({"name": name} if name else {})}


def _item_row(one: Assigned, orders: Mapping[Any, Stored], products: Mapping[Any, Stored]) -> dict[str, Any]:
    return {
        "order_id": orders[one.row.order].id,
        "line_key": one.line,
        "product_id": products[one.row.cells["sku"],].id,
        **dict(_given(one.row, _OF_ITEM)),
    }


def _task_row(row: OrderRow, item_id: int) -> dict[str, Any]:
    text = {"custom_text": row.cells["text"]} if "text" in row.cells else {}
    return {"order_item_id": item_id, **text, **dict(_given(row, _OF_TASK))}


def _given(row: OrderRow, columns: Iterable[str]) -> Iterator[tuple[str, Any]]:
    return ((name, row.cells[name]) for name in columns if name in row.cells)


def _reset_stale(connection: sa.Connection, tasks: Iterable[Stored], items: Iterable[Stored]) -> set[int]:
    """Send the tasks back to pending whose files no longer fit the order; returns their ids."""
    drawn = [one.id for one in tasks if one.changed & _DRAWN]
    exchanged = [one.id for one in items if "product_id" in one.changed]
    if not (drawn or exchanged):
        return set()
    stale = set(connection.execute(_STALE, {"tasks": drawn, "items": exchanged}).scalars())
    connection.execute(_NO_OUTPUTS, {"ids": list(stale)})
    return stale


def _report(row: OrderRow, effect: Effect, not_printed: Collection[str]) -> RowReport:
    report = RowReport(row.number, _IMPORTED[effect], row.cells["order_number"])
    sku = row.cells["sku"]
    if is_supported(sku) or sku in not_printed:
        return report
    meant = meant_sku(sku)
    remedy = f"write {meant}" if meant else "name it in ORCHESTRATION_PRINT_OTHER_SKUS if that is meant"
    problem = f"no design prints the SKU {sku!r}"
    return report._replace(column="sku", problem=problem, remedy=remedy, is_mistaken=meant is not None)


def _refusal(problem: RowProblem) -> RowReport:
    return RowReport(problem.row, Imported.REFUSED, "", problem.column, problem.problem, problem.remedy)
