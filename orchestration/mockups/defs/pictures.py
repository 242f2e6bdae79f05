"""From render jobs to pictures: the assets `composites`, `stills` and `turntables`, with their job and sensor.

One run makes all three for a job and records each that is selected; the partition is the SKU of the garment. To
materialize a SKU by hand, or in a backfill, renders its newest job again: as a new job, since one that has ended never
moves. Keep out: the rendering (`orchestration.mockups.drains`), and the form of what is recorded (`picture_metadata`).
"""

import asyncio
from collections.abc import Iterator

import dagster as dg
from pydantic import Field

from orchestration.mockups.defs.picture_metadata import MockupReport
from orchestration.mockups.drains import render_mockups
from orchestration.mockups.mockup_request import StageName
from orchestration.mockups.mockups import Mockups
from orchestration.runtime.assets import AssetJob, AssetOutline, Pool, asset_job, domain_assets, queue_spec
from orchestration.runtime.drains import DrainConfig, DrainScale, drain_sensor, drain_step
from orchestration.runtime.partitions import add_partitions
from orchestration.runtime.recording import PartitionRecorder, finish_all

GARMENT = "garment"
"""The name of the partition set: one key for each SKU that has a render job."""

garments = dg.DynamicPartitionsDefinition(name=GARMENT)

PRODUCT_FAMILIES = dg.AssetKey(["catalogue", "product_families"])
KEYS = {stage: dg.AssetKey(["mockups", stage.value]) for stage in StageName}

designs = dg.AssetSpec(
    ["mockups", "designs"],
    group_name="mockups",
    description="Customers' designs: pictures and texts, submitted with the garment that they are for.",
    owners=["team:mockups"],
    kinds={"image"},
)

render_tasks = queue_spec(
    "mockups/render_tasks",
    deps=[designs, PRODUCT_FAMILIES],
    description="The queue `render-engine`: jobs whose pictures are to be made. Filled by submissions and retries, and "
    "by the sensor from what is pending. The fabric is the colour of the catalogue's variant.",
)


class MockupConfig(DrainConfig):
    """Run config of the mockups. A render process that has begun is worth keeping for a while."""

    idle_seconds: float | None = Field(
        default=60.0, description="How long a drain waits for more work; null ends it as soon as its queue is empty"
    )


@domain_assets(
    "mockups_pictures",
    AssetOutline(
        "mockups/composites",
        "The design in its place on the flat garment, and print files in real size at 300 DPI.",
        {"image", "postgres"},
        deps=[render_tasks],
    ),
    AssetOutline(
        "mockups/stills",
        "The garment with its print from six sides; the front stands for the product in the shop.",
        {"image", "postgres"},
        deps=[KEYS[StageName.COMPOSITES]],
    ),
    AssetOutline(
        "mockups/turntables",
        "The garment turning once: a film, its poster and smaller forms.",
        {"video", "postgres"},
        deps=[KEYS[StageName.STILLS]],
    ),
    pool=Pool("mockups_render", 2),
    max_runtime=7_200,
    partitions=garments,
)
def pictures(
    context: dg.AssetExecutionContext, config: MockupConfig, mockups: dg.ResourceParam[Mockups]
) -> Iterator[dg.AssetMaterialization | dg.AssetObservation]:
    """Render what is due, or the newest job of each selected SKU again."""
    stages = [stage for stage, key in KEYS.items() if key in context.selected_asset_keys]
    recorders = {stage: PartitionRecorder(context, KEYS[stage]) for stage in stages}
    report = MockupReport(mockups.services)
    with drain_step(context, config) as step:
        asyncio.run(render_mockups(mockups, report.record, step.options, step.keys))
        add_partitions(context.instance, GARMENT, [*mockups.skus(), *report.skus])
        # Yielded, since what is only logged is lost when the step fails before it yields anything.
        yield dg.AssetObservation(KEYS[stages[0]], metadata=report.summary())
        for stage, recorder in recorders.items():
            report.finish(stage, recorder)
        yield from finish_all(list(recorders.values()))


def definitions(mockups: Mockups, checks: AssetJob) -> dg.Definitions:
    """What renders jobs; the job `checks` runs after each run."""
    job = asset_job(
        "mockups_render",
        pictures,
        description="Render the jobs that are due, or the newest job of each SKU in the run config again.",
        checks=checks,
    )
    scale = DrainScale(mockups.settings.mockup_jobs_per_drain, mockups.settings.mockup_max_drains)
    sensor = drain_sensor(
        "mockups_jobs_sensor", job, mockups.services, [mockups.render_queue], scale, before=mockups.queue_due_jobs
    )
    return dg.Definitions(assets=[designs, render_tasks, pictures], jobs=[job], sensors=[sensor])
