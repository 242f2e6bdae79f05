"""From orders to printable files: the asset `prints/stl`, with its checks, job, sensor and schedule.

The sensor queues what is pending and keeps as many drains up as that asks for. Every quarter of an hour a schedule
does the same, for the time when the sensor is off or behind. Keep out: the rendering (`orchestration.prints.drains`),
and the form of what a run records (`stl_metadata`).
"""

import asyncio
from collections.abc import Iterator

import dagster as dg
from pydantic import Field

from orchestration.prints import health
from orchestration.prints.defs.stl_metadata import PrintReport
from orchestration.prints.drains import render_prints
from orchestration.prints.prints import Prints
from orchestration.prints.solid.refusal import Check
from orchestration.prints.tasks.queue import RenderOptions
from orchestration.prints.tasks.reset import TaskSelection
from orchestration.runtime.assets import AssetJob, Pool, asset_job, domain_asset, queue_spec, run_config
from orchestration.runtime.checks import check
from orchestration.runtime.drains import DrainConfig, DrainScale, drain_sensor, drain_step
from orchestration.runtime.partitions import add_partitions
from orchestration.runtime.recording import PartitionRecorder

STALE_CRON = "*/15 * * * *"

SKU = "sku"
"""The name of the partition set: one key for each SKU that was ever ordered."""

skus = dg.DynamicPartitionsDefinition(name=SKU)

print_orders = dg.AssetSpec(
    ["prints", "print_orders"],
    group_name="prints",
    description="Orders of personalised products at the marketplaces, imported with `orchestration orders import`.",
    owners=["team:prints"],
    kinds={"csv"},
)

print_tasks = queue_spec(
    "prints/print_tasks",
    deps=[print_orders],
    description="The queue `print`: order lines whose files are to be rendered. Filled by imports, and by the sensor "
    "from what is pending.",
)


class PrintConfig(DrainConfig):
    """Run config of the prints: which tasks, and how they are rendered."""

    task: int | None = Field(default=None, description="Render this one print task, in any state")
    force: bool = Field(default=False, description="Render all tasks of the selected SKUs again, done ones too")
    skip_if_exists: bool = Field(default=False, description="Keep the files of tasks that have all of them")
    all_orders: bool = Field(default=False, description="Also for orders that do not await shipment")

    def options(self) -> RenderOptions:
        """How the tasks are rendered."""
        return RenderOptions(self.force, self.skip_if_exists, self.all_orders)


@domain_asset(
    "prints/stl",
    pool=Pool("prints_render", 4),
    kinds={"stl", "postgres"},
    max_runtime=7_200,
    deps=[print_tasks],
    partitions=skus,
    description="Printable files of each order line: STL, two-colour 3MF and a picture, proven watertight and in one "
    "piece, under content-addressed keys. What cannot be printed is refused, with the character or measure.",
)
def stl(
    context: dg.AssetExecutionContext, config: PrintConfig, prints: dg.ResourceParam[Prints]
) -> Iterator[dg.AssetMaterialization | dg.AssetObservation]:
    """Render what is pending of the selected SKUs, or what is due."""
    recorder, report = PartitionRecorder(context), PrintReport(prints.services)
    with drain_step(context, config) as step:
        selection = TaskSelection(config.task, step.keys)
        asyncio.run(render_prints(prints, report.record, step.options, selection, config.options()))
        add_partitions(context.instance, SKU, prints.skus())
        # Yielded, since what is only logged is lost when the step fails before it yields anything.
        yield dg.AssetObservation(context.asset_key, metadata=report.summary())
        report.finish(recorder, step.keys)
        yield from recorder.finish()


_PROMISES = {
    Check.TEXT: ("text_printable", "No order's text is empty, too long, or holds a character that cannot be printed."),
    Check.CHARACTERS: (Check.CHARACTERS.value, "Every character of every order is drawn by some installed font."),
    Check.STROKES: (Check.STROKES.value, "No stroke, and no gap, is narrower than the nozzle."),
    Check.ONE_PIECE: (Check.ONE_PIECE.value, "Every product is one connected piece."),
    Check.SLIVERS: (Check.SLIVERS.value, "No product has slivers between its lines."),
    Check.BED: (Check.BED.value, "Every product fits the printer's bed."),
    Check.WATERTIGHT: (Check.WATERTIGHT.value, "Every solid is closed and of positive volume."),
}


def _promise_check(promise: Check) -> dg.AssetChecksDefinition:
    """The check of one promise: an order that it refuses waits until somebody asks the customer."""
    name, description = _PROMISES[promise]

    @dg.asset_check(name=name, asset=stl, description=description)
    def refusals(prints: dg.ResourceParam[Prints]) -> dg.AssetCheckResult:
        return check(prints, lambda connection: health.refused_tasks(connection, prints.services.objects, promise))

    return refusals


@dg.asset_check(asset=stl, description="Every print task could be rendered or was refused for a reason.")
def no_print_given_up(prints: dg.ResourceParam[Prints]) -> dg.AssetCheckResult:
    """Look for dead print tasks."""
    return check(prints, health.dead_tasks)


@dg.asset_check(asset=stl, description="Every file of every print task is in the object store, whole.")
def every_output_is_stored(prints: dg.ResourceParam[Prints]) -> dg.AssetCheckResult:
    """Compare the files of the tasks with the object store."""
    return check(prints, lambda connection: health.missing_outputs(connection, prints.services.objects))


@dg.asset_check(asset=stl, description="Every SKU that waits to be printed has a design, or is known to have none.")
def every_sku_has_a_design(prints: dg.ResourceParam[Prints]) -> dg.AssetCheckResult:
    """Look for SKUs that nobody prints, such as misspelled ones."""
    others = prints.settings.print_other_skus
    return check(prints, lambda connection: health.skus_without_design(connection, prints.statuses, others))


CHECKS = [*map(_promise_check, Check), no_print_given_up, every_output_is_stored, every_sku_has_a_design]


def definitions(prints: Prints, checks: AssetJob) -> dg.Definitions:
    """What renders orders; the job `checks` runs after each run."""
    job = asset_job(
        "prints_render",
        stl,
        description="Render pending print tasks, or those of the SKUs in the run config.",
        checks=checks,
    )
    scale = DrainScale(prints.settings.print_tasks_per_drain, prints.settings.print_max_drains)
    sensor = drain_sensor(
        "prints_tasks_sensor", job, prints.services, [prints.print_queue], scale, before=prints.queue_due_tasks
    )
    return dg.Definitions(
        assets=[print_orders, print_tasks, stl],
        asset_checks=CHECKS,
        jobs=[job],
        sensors=[sensor],
        schedules=[_stale_tasks_schedule(prints, job)],
    )


def _stale_tasks_schedule(prints: Prints, job: AssetJob) -> dg.ScheduleDefinition:
    @dg.schedule(
        name="prints_stale_tasks",
        job=job,
        cron_schedule=STALE_CRON,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Repairs the states of print tasks, queues what is pending, and launches a drain if any is due.",
    )
    def schedule() -> dg.RunRequest | dg.SkipReason:
        if not prints.queue_due_tasks():
            return dg.SkipReason("No print task is due")
        return dg.RunRequest(run_config=run_config(stl, PrintConfig(idle_seconds=None)))

    return schedule
