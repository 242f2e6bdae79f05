"""The commands of prints: orders in, files out, and what operators ask for anew by hand.

Belongs here: options, and printing what came of them. Does not: the work.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli.conductor import conductor
from orchestration.cli.output import SOME_FAILED, console, note, print_json, print_table
from orchestration.cli.session import Json, open_services, settings_for
from orchestration.errors import ConfigurationError, InvalidInputError
from orchestration.prints.order_import import Imported, ImportReport
from orchestration.prints.order_list import OrderFilter, list_tasks, sku_statuses
from orchestration.prints.order_rows import read_csv
from orchestration.prints.queues import Wish
from orchestration.prints.redo import Redo, Selection, refresh, retry
from orchestration.prints.shop import PrintShop
from orchestration.prints.sku import UnsupportedSkuError, product_for
from orchestration.prints.statuses import OrderStatus, RenderState
from orchestration.runtime.partition_keys import encode_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import sqlalchemy as sa

    from orchestration.work_queue.queue import TaskQueue

LISTED_FAILURES = 20

Task = Annotated[int | None, typer.Option("--task", help="Only this print task, whatever its order's status.")]
Skus = Annotated[list[str] | None, typer.Option("--sku", help="Only this SKU; may be repeated.")]
SkipIfExists = Annotated[bool, typer.Option("--skip-if-exists", help="Keep the files of tasks that have all of them.")]
Force = Annotated[bool, typer.Option("--force", help="Render anew even what has been rendered before.")]
AllOrders = Annotated[bool, typer.Option("--all-orders", help="Also for orders that do not await shipment.")]


def register(app: typer.Typer) -> None:
    """Add the commands of prints and orders to `app`."""
    for name, commands, text in (
        ("prints", (prints_status, prints_drain, prints_refresh, prints_retry), "Print files of orders."),
        ("orders", (orders_import, orders_list), "Orders of personalised products."),
    ):
        group = typer.Typer(help=text, no_args_is_help=True)
        for command in commands:
            group.command(command.__name__.removeprefix(f"{name}_"))(command)
        app.add_typer(group, name=name)


def prints_status(as_json: Json = False) -> None:
    """Count the print tasks of each SKU, and those of the queues."""
    with open_services() as services:
        shop = PrintShop(services)
        with services.database.connect() as connection:
            statuses = sku_statuses(connection)
            queues = {queue.name: queue.counts(connection) for queue in shop.queues}
    if as_json:
        print_json({"skus": [status._asdict() for status in statuses], "queues": queues})
        return
    columns = ("SKU", "pending", "running", "completed", "failed", "refused", "to review", "last completed")
    print_table("Prints", columns, [(*status[:-1], _when(status.last_completed_at)) for status in statuses])
    rows = [(name, one.waiting, one.active, one.delayed, one.failed) for name, one in queues.items()]
    print_table("Queues", ("queue", "waiting", "active", "delayed", "failed"), rows)


def _when(moment: object) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else ""


def prints_drain(
    *, task: Task = None, sku: Skus = None, skip_if_exists: SkipIfExists = False, force: Force = False,
    all_orders: AllOrders = False, as_json: Json = False,
) -> int:  # fmt: skip
    """Render what is pending, through Dagster, in this process; with --force and --sku, all of the SKU."""
    _check_skus(sku)
    started = time.monotonic()
    config: dict[str, object] = {"skip_if_exists": skip_if_exists, "force": force, "all_orders": all_orders}
    config |= {"task": task} if task is not None else {}
    config |= {"keys": [encode_key(name) for name in sku]} if sku else {}
    with conductor(settings_for()) as conduct:
        conduct.render_prints(**config)
    tally, problems = conduct.prints.tally, conduct.problems
    summary = {**tally.summary(), "seconds": round(time.monotonic() - started, 2)}
    if as_json:
        print_json(summary)
    else:
        print_table("Prints", ("what", "count"), list(summary.items()))
    for problem in problems:
        note(problem)
    for task_id, problem in list(tally.problems.items())[:LISTED_FAILURES]:
        note(f"print task {task_id}: {problem}")
    if len(tally.problems) > LISTED_FAILURES:
        note(f"... and {len(tally.problems) - LISTED_FAILURES} more; `orchestration orders list --state failed`")
    return SOME_FAILED if tally.problems or problems else 0


def prints_refresh(
    *, task: Task = None, sku: Skus = None, skip_if_exists: SkipIfExists = False, force: Force = False,
    all_orders: AllOrders = False, as_json: Json = False,
) -> None:  # fmt: skip
    """Send print tasks back to pending, done ones too; the next drain renders them."""
    _redo(refresh, _Asked(task, sku, Wish(force, skip_if_exists), all_orders=all_orders), as_json=as_json)


def prints_retry(
    *, task: Task = None, sku: Skus = None, skip_if_exists: SkipIfExists = False, force: Force = False,
    all_orders: AllOrders = False, as_json: Json = False,
) -> None:  # fmt: skip
    """Let failed print tasks begin anew; the next drain renders them."""
    _redo(retry, _Asked(task, sku, Wish(force, skip_if_exists), all_orders=all_orders), as_json=as_json)


class _Asked:
    """What the options of `refresh` and `retry` ask for."""

    def __init__(self, task: int | None, skus: Sequence[str] | None, wish: Wish, *, all_orders: bool) -> None:
        _check_skus(skus)
        self._task = task
        self._skus = skus or None
        self._wish = wish
        self._all_orders = all_orders

    def redo(self, shop: PrintShop) -> Redo:
        """It, in the shop's words."""
        statuses = None if self._all_orders else shop.statuses
        return Redo(Selection(statuses, self._task, self._skus), self._wish)


def _redo(begin_anew: Callable[[sa.Connection, TaskQueue, Redo], list[int]], asked: _Asked, *, as_json: bool) -> None:
    with open_services() as services:
        shop = PrintShop(services)
        with services.database.begin() as connection:
            ids = begin_anew(connection, shop.queue, asked.redo(shop))
    if as_json:
        print_json({"pending": len(ids), "tasks": ids})
    else:
        console().print(f"{len(ids)} print tasks are pending; `orchestration prints drain` renders them now")


def _check_skus(skus: Sequence[str] | None) -> None:
    for sku in skus or ():
        try:
            product_for(sku)
        except UnsupportedSkuError as error:
            raise ConfigurationError(str(error)) from error


def orders_import(
    file: Annotated[Path, typer.Argument(help="A CSV file in UTF-8; the README tells its columns.")],
    as_json: Json = False,
) -> int:
    """Import orders, and queue what is to be rendered."""
    try:
        rows = list(read_csv(file.read_bytes()))
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from error
    except InvalidInputError as error:
        raise ConfigurationError(f"{file}: {error}") from error
    with open_services() as services:
        report = PrintShop(services).import_orders(rows)
    if as_json:
        print_json(_told(report))
    else:
        counts = {outcome.value: report.count(outcome) for outcome in Imported}
        print_table("Orders", ("rows", "count"), [*counts.items(), ("print tasks queued", report.queued)])
    for row in report.refused:
        note(f"row {row.row}, {row.column}: {row.problem}; {row.remedy}")
    return SOME_FAILED if report.refused else 0


def _told(report: ImportReport) -> dict[str, Any]:
    counts = {outcome.value: report.count(outcome) for outcome in Imported}
    return {**counts, "queued": report.queued, "rows": [row._asdict() for row in report.rows]}


def orders_list(
    *,
    status: Annotated[OrderStatus | None, typer.Option(help="Orders in this status.")] = None,
    state: Annotated[RenderState | None, typer.Option(help="Print tasks whose files are in this state.")] = None,
    sku: Annotated[str | None, typer.Option(help="Print tasks of this SKU.")] = None,
    marketplace: Annotated[str | None, typer.Option(help="Orders of this marketplace.")] = None,
    text: Annotated[str | None, typer.Option(help="Part of the text, or of the order's number.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    as_json: Json = False,
) -> None:
    """List print tasks with their orders, newest first."""
    with open_services() as services, services.database.connect() as connection:
        tasks = list_tasks(connection, OrderFilter(status, state, sku, marketplace, text, limit))
    if as_json:
        print_json([task._asdict() for task in tasks])
        return
    rows = [
        (one.task_id, one.marketplace, one.order_number, one.order_status, one.sku, one.text, one.render_state,
         one.stl_path or one.annotation or "")
        for one in tasks
    ]  # fmt: skip
    columns = ("task", "marketplace", "order", "status", "SKU", "text", "files", "path or problem")
    print_table("Print tasks", columns, rows)
