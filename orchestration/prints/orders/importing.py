"""Importing orders: from checked rows to orders, lines and print tasks.

The same rows twice change nothing. A text, colour or SKU that changes sends its task back to pending; what was rendered
before stays in the store under its own names. It is all one transaction of the caller. Keep out: reading files and
cells (`csv_rows`), and the comparison with what is stored (`upsert`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from orchestration.prints.orders.csv_rows import check_rows
from orchestration.prints.orders.upsert import Effect, KeyedTable, Stored, store_rows
from orchestration.prints.tables import order_item, print_task, product, shop_order
from orchestration.prints.tasks.pending import NOT_REFUSED, NOT_RENDERING, queue_pending
from orchestration.prints.tasks.queue import RenderOptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from orchestration.prints.orders.csv_rows import OrderRow, RowProblem
    from orchestration.prints.statuses import OrderStatus
    from orchestration.work_queue.queue import TaskQueue

PRODUCTS = KeyedTable(product, ("sku",))
ORDERS = KeyedTable(shop_order, ("marketplace", "order_number"))
ITEMS = KeyedTable(order_item, ("order_id", "line_key"))
TASKS = KeyedTable(print_task, ("order_item_id", "task_index"))

_OF_ORDER = (
    "marketplace",
    "order_number",
    "order_status",
    "shipstation_order_id",
    "customer_name",
    "customer_email",
    "ship_by_date",
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
    """What happened to a row; a refused one names the column that is wrong, the problem and the remedy."""

    row: int
    outcome: Imported
    order_number: str = ""
    column: str = ""
    problem: str = ""
    remedy: str = ""


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


_STALE = sa.text(f"""
UPDATE print_task SET
    stl_render_state = 'pending', render_retries = 0, annotation = NULL, revision = revision + 1,
    {NOT_RENDERING}, {NOT_REFUSED}, stl_path = NULL, product_address = NULL, updated_at = now()
WHERE id = ANY (CAST(:tasks AS bigint[])) OR order_item_id = ANY (CAST(:items AS bigint[]))
RETURNING id""")  # noqa: S608 - of our own constants
# Rows are inserted in the order of the file, in which they are rendered; two imports at once might deadlock.
_ONE_AT_A_TIME = sa.text("LOCK TABLE shop_order IN SHARE ROW EXCLUSIVE MODE")
_NO_OUTPUTS = sa.text("DELETE FROM print_output WHERE task_id = ANY (CAST(:ids AS bigint[]))")


def import_orders(
    connection: sa.Connection,
    queue: TaskQueue,
    statuses: Sequence[OrderStatus],
    rows: Iterable[tuple[int, Mapping[str, str]]],
) -> ImportReport:
    """Import rows, each a number and its cells by column (see `csv_rows.COLUMNS`), and queue what is to be rendered.

    A row that is wrong is refused and reported; the others are imported.
    """
    checked = check_rows(iter(rows))
    connection.execute(_ONE_AT_A_TIME)
    good = checked.rows
    products = store_rows(connection, PRODUCTS, map(_product_row, good))
    orders = store_rows(connection, ORDERS, map(_order_row, good))
    items = store_rows(connection, ITEMS, [_item_row(row, orders, products) for row in good])
    tasks = store_rows(connection, TASKS, [_task_row(row, orders, items) for row in good])
    stale = _reset_stale(connection, tasks.values(), items.values())
    fresh = {one.id for one in tasks.values() if one.effect is Effect.NEW}
    queued = queue_pending(connection, queue, statuses, ids=fresh | stale, options=RenderOptions())
    found = [_report(row, orders, items, tasks) for row in good]
    refused = [_refusal(problem) for problem in checked.problems]
    return ImportReport(sorted([*found, *refused]), len(queued))


def _product_row(row: OrderRow) -> dict[str, Any]:
    name = row.cells.get("product_name")
    return {"sku": row.cells["sku"], **({"name": name} if name else {})}


def _order_row(row: OrderRow) -> dict[str, Any]:
    return dict(_given(row, _OF_ORDER))


def _item_row(row: OrderRow, orders: Mapping[Any, Stored], products: Mapping[Any, Stored]) -> dict[str, Any]:
    return {
        "order_id": orders[row.place[:2]].id,
        "line_key": row.cells["line"],
        "product_id": products[row.cells["sku"],].id,
        **dict(_given(row, _OF_ITEM)),
    }


def _task_row(row: OrderRow, orders: Mapping[Any, Stored], items: Mapping[Any, Stored]) -> dict[str, Any]:
    return {
        "order_item_id": _item(row, orders, items).id,
        "custom_text": row.cells["text"],
        **dict(_given(row, _OF_TASK)),
    }


def _item(row: OrderRow, orders: Mapping[Any, Stored], items: Mapping[Any, Stored]) -> Stored:
    return items[orders[row.place[:2]].id, row.cells["line"]]


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


def _report(
    row: OrderRow, orders: Mapping[Any, Stored], items: Mapping[Any, Stored], tasks: Mapping[Any, Stored]
) -> RowReport:
    item = _item(row, orders, items)
    task = tasks[item.id, row.cells["task_index"]]
    effect = task.effect if task.effect is Effect.NEW else max(orders[row.place[:2]].effect, item.effect, task.effect)
    return RowReport(row.number, _IMPORTED[effect], row.cells["order_number"])


def _refusal(problem: RowProblem) -> RowReport:
    return RowReport(problem.row, Imported.REFUSED, "", problem.column, problem.problem, problem.remedy)
