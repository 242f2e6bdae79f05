"""The commands of prints: orders in, files out, and what operators ask for again by hand.

It holds options, the runs that a command asks for, and the form of their results. Keep out: the work. Only what runs
jobs imports Dagster, which takes as long as the rest of a command.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli.options import Json, open_services, settings_for
from orchestration.cli.output import DONE, SOME_FAILED, STOPPED, console, note, print_json, print_table
from orchestration.cli.print_plates import check_skus, prints_plates
from orchestration.errors import ConfigurationError, InvalidInputError
from orchestration.prints.orders.csv_file import LARGEST_FILE
from orchestration.prints.orders.csv_rows import read_csv
from orchestration.prints.orders.importing import Imported, ImportReport
from orchestration.prints.orders.listing import OrderFilter, list_tasks, sku_statuses
from orchestration.prints.prints import Prints
from orchestration.prints.statuses import OrderStatus, RenderState
from orchestration.prints.tasks.outcomes import Printing
from orchestration.prints.tasks.queue import RenderOptions
from orchestration.prints.tasks.reset import TaskSelection, refresh, retry
from orchestration.runtime.partition_keys import encode_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import sqlalchemy as sa

    from orchestration.cli.job_runner import JobRunner, RunOutcome
    from orchestration.prints.defs.stl import PrintConfig
    from orchestration.work_queue.queue import TaskQueue

    ResetTasks = Callable[[sa.Connection, TaskQueue, Sequence[OrderStatus], TaskSelection, RenderOptions], list[int]]

LISTED_FAILURES = 20

Task = Annotated[int | None, typer.Option("--task", help="Only this print task, whatever its order's status.")]
Skus = Annotated[list[str] | None, typer.Option("--sku", help="Only this SKU; may be repeated.")]
SkipIfExists = Annotated[bool, typer.Option("--skip-if-exists", help="Keep the files of tasks that have all of them.")]
Force = Annotated[bool, typer.Option("--force", help="Render again even what has been rendered before.")]
AllOrders = Annotated[bool, typer.Option("--all-orders", help="Also for orders that do not await shipment.")]


def register(app: typer.Typer) -> None:
    """Add the commands of prints and orders to `app`."""
    for name, commands, text in (
        (
            "prints",
            (prints_status, prints_drain, prints_refresh, prints_retry, prints_plates),
            "Print files of orders.",
        ),
        ("orders", (orders_import, orders_list), "Orders of personalised products."),
    ):
        group = typer.Typer(help=text, no_args_is_help=True)
        for command in commands:
            group.command(command.__name__.removeprefix(f"{name}_"))(command)
        app.add_typer(group, name=name)


def render_prints(runner: JobRunner, config: PrintConfig | None = None) -> RunOutcome:
    """Render the print tasks that are due, or as `config` asks; the outcome's metadata has their counts."""
    from orchestration.prints.defs.stl import PrintConfig, stl
    from orchestration.runtime.assets import run_config

    return runner.run("prints_render", run_config(stl, config or PrintConfig(idle_seconds=None)))


def notify(runner: JobRunner) -> RunOutcome:
    """Report finished prints to the shop, if any report is due."""
    from orchestration.cli.job_runner import NOTHING_DONE, UNTIL_EMPTY
    from orchestration.prints.defs.order_updates import order_updates
    from orchestration.runtime.assets import run_config

    if not runner.has_work(runner.domains.prints.outbox.queue):
        return NOTHING_DONE
    return runner.run("prints_notify", run_config(order_updates, UNTIL_EMPTY))


def check_prints(runner: JobRunner) -> None:
    """Run the checks of prints."""
    runner.run("prints_check")


def print_counts(outcome: RunOutcome) -> dict[str, int]:
    """How many print tasks of a run ended how."""
    return {ending.value: outcome.metadata.get(ending.value, 0) for ending in Printing}


def print_problems(outcome: RunOutcome) -> Mapping[str, str]:
    """Why the first print tasks of a run that got no files did not, by the task's number."""
    from orchestration.prints.defs.stl_metadata import PROBLEMS

    problems: dict[str, str] = outcome.metadata.get(PROBLEMS, {})
    return problems


def prints_status(as_json: Json = False) -> None:
    """Count the print tasks of each SKU, and those of the queues."""
    with open_services() as services:
        prints = Prints(services)
        with services.database.connect() as connection:
            statuses = sku_statuses(connection)
            queues = {queue.name: queue.counts(connection) for queue in prints.queues}
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
    from orchestration.cli.job_runner import job_runner
    from orchestration.prints.defs.stl import PrintConfig

    check_skus(sku)
    started = time.monotonic()
    config = PrintConfig(
        keys=[encode_key(name) for name in sku or ()], idle_seconds=None,
        task=task, force=force, skip_if_exists=skip_if_exists, all_orders=all_orders,
    )  # fmt: skip
    with job_runner(settings_for()) as runner:
        outcome = render_prints(runner, config)
    counts = print_counts(outcome)
    summary = {**counts, "seconds": round(time.monotonic() - started, 2)}
    if as_json:
        print_json(summary)
    else:
        print_table("Prints", ("what", "count"), list(summary.items()))
    without_files = counts[Printing.REFUSED] + counts[Printing.FAILED]
    _note_problems(outcome, without_files)
    if runner.shutdown.is_requested:
        return STOPPED
    return DONE if outcome.success and not without_files else SOME_FAILED


def _note_problems(outcome: RunOutcome, without_files: int) -> None:
    for problem in outcome.problems:
        note(problem)
    listed = list(print_problems(outcome).items())[:LISTED_FAILURES]
    for task_id, problem in listed:
        note(f"print task {task_id}: {problem}")
    if without_files > len(listed):
        note(f"... and {without_files - len(listed)} more; `orchestration orders list --state failed`")


def prints_refresh(
    *, task: Task = None, sku: Skus = None, skip_if_exists: SkipIfExists = False, force: Force = False,
    all_orders: AllOrders = False, as_json: Json = False,
) -> None:  # fmt: skip
    """Send print tasks back to pending, done ones too; the next drain renders them."""
    _reset(refresh, TaskSelection(task, sku or None), RenderOptions(force, skip_if_exists, all_orders), as_json=as_json)


def prints_retry(
    *, task: Task = None, sku: Skus = None, skip_if_exists: SkipIfExists = False, force: Force = False,
    all_orders: AllOrders = False, as_json: Json = False,
) -> None:  # fmt: skip
    """Send failed print tasks back to pending; the next drain renders them."""
    _reset(retry, TaskSelection(task, sku or None), RenderOptions(force, skip_if_exists, all_orders), as_json=as_json)


def _reset(reset: ResetTasks, selection: TaskSelection, options: RenderOptions, *, as_json: bool) -> None:
    check_skus(selection.skus)
    with open_services() as services:
        prints = Prints(services)
        with services.database.begin() as connection:
            ids = reset(connection, prints.print_queue, prints.statuses, selection, options)
    if as_json:
        print_json({"pending": len(ids), "tasks": ids})
    else:
        console().print(f"{len(ids)} print tasks are pending; `orchestration prints drain` renders them now")


def orders_import(
    file: Annotated[Path, typer.Argument(help="A CSV file in UTF-8; the README lists its columns.")],
    as_json: Json = False,
) -> int:
    """Import orders, and queue what is to be rendered."""
    try:
        with file.open("rb") as opened:
            rows = list(read_csv(opened.read(LARGEST_FILE + 1)))
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from error
    except InvalidInputError as error:
        raise ConfigurationError(f"{file}: {error}") from error
    with open_services() as services:
        report = Prints(services).import_orders(rows)
    if as_json:
        print_json(_report_json(report))
    else:
        counts = {outcome.value: report.count(outcome) for outcome in Imported}
        print_table("Orders", ("rows", "count"), [*counts.items(), ("print tasks queued", report.queued)])
    for row in (*report.refused, *report.unprinted):
        note(f"row {row.row}, {row.column}: {row.problem}; {row.remedy}")
    return SOME_FAILED if report.refused or any(row.is_mistaken for row in report.unprinted) else DONE


def _report_json(report: ImportReport) -> dict[str, Any]:
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
        due = Prints(services).statuses
    if as_json:
        print_json([task._asdict() for task in tasks])
        return
    rows = [
        (one.task_id, one.marketplace, one.order_number, one.order_status, one.sku, one.text, one.render_state,
         one.stl_path or one.annotation or one.why_pending(due))
        for one in tasks
    ]  # fmt: skip
    columns = ("task", "marketplace", "order", "status", "SKU", "text", "files", "path or problem")
    print_table("Print tasks", columns, rows)
