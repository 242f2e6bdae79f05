"""The assets of prints, from the marketplaces' orders to what the shop is told.

Belongs here: what depends on what, and thin bodies. Does not: the work (`drains`), or when it runs (`jobs`).
"""

import asyncio
from collections.abc import Iterator

import dagster as dg
from pydantic import Field

from orchestration.notifications.delivery import deliver
from orchestration.observability.logs import about
from orchestration.prints.defs.partitions import SKU, skus
from orchestration.prints.defs.reports import DeliveryReport, PrintReport
from orchestration.prints.drains import Wanted, render_prints
from orchestration.prints.shop import PrintShop
from orchestration.runtime.assets import governed_asset, queue_asset
from orchestration.runtime.failures import step_failures
from orchestration.runtime.partition_keys import add_keys
from orchestration.runtime.recording import PartitionRecorder
from orchestration.runtime.selection import DrainConfig, selected_names
from orchestration.work_queue.running import DrainEnd
from orchestration.work_queue.stopping import StopSignal

print_orders = dg.AssetSpec(
    ["prints", "print_orders"],
    group_name="prints",
    description="Orders of personalised products at the marketplaces, imported with `orchestration orders import`.",
    owners=["team:prints"],
    kinds={"csv"},
)

print_tasks = queue_asset(
    "prints/print_tasks",
    deps=[print_orders],
    description="The queue `print`: order lines whose files are to be rendered. Filled by imports, and by the sensor "
    "from whatever is pending.",
)


class PrintConfig(DrainConfig):
    """Run config of the prints: which tasks, and how they are done."""

    task: int | None = Field(default=None, description="Render this one print task, whatever its state")
    force: bool = Field(default=False, description="Render all tasks of the selected SKUs anew, done ones too")
    skip_if_exists: bool = Field(default=False, description="Keep the files of tasks that have all of them")
    all_orders: bool = Field(default=False, description="Also for orders that do not await shipment")


@governed_asset(
    "prints/stl",
    deps=[print_tasks],
    partitions=skus,
    description="Printable files of each order line: STL, two-colour 3MF and a picture, proven watertight and in one "
    "piece, under content-addressed keys. What cannot be printed is refused, with the character or measure.",
)
def stl(
    context: dg.AssetExecutionContext, config: PrintConfig, prints: dg.ResourceParam[PrintShop]
) -> Iterator[dg.AssetMaterialization]:
    """Render what is pending of the selected SKUs, or whatever is due."""
    recorder, report = PartitionRecorder(context), PrintReport(prints.services.objects)
    selected = selected_names(context, config)
    wanted = Wanted(selected, config.task, config.force, config.skip_if_exists, config.all_orders)
    with StopSignal() as stop, step_failures(), about(run=context.run.run_id):
        end = DrainEnd(stop, config.idle_seconds, config.max_seconds)
        add_keys(context.instance, SKU, prints.skus())
        asyncio.run(render_prints(prints, report.record, end, wanted))
    report.finish(recorder, selected)
    yield from recorder.finish()


notification_tasks = queue_asset(
    "prints/notification_tasks",
    deps=[stl],
    description="The queue `notification`: finished prints that the shop is to be told of, written with each print.",
)


@governed_asset(
    "prints/order_updates",
    deps=[notification_tasks],
    description="What the shop was told: ShipStation's custom field, webhooks and mails, each once.",
)
def order_updates(
    context: dg.AssetExecutionContext, config: DrainConfig, prints: dg.ResourceParam[PrintShop]
) -> dg.MaterializeResult[None]:
    """Deliver the notifications that are due."""
    report = DeliveryReport()
    with StopSignal() as stop, step_failures(), about(run=context.run.run_id):
        end = DrainEnd(stop, config.idle_seconds, config.max_seconds)
        asyncio.run(deliver(prints.database, prints.outbox, end, report.record))
    return dg.MaterializeResult(metadata=report.metadata())
