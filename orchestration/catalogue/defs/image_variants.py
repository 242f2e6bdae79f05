"""Image renditions in Dagster: the queue that mirroring fills, the asset that renders from it, and its check.

The asset keeps its first name, `image_variants`. Keep out: rendering (`media.renditions`).
"""

import asyncio
from collections.abc import Iterator

import dagster as dg

from orchestration.catalogue.catalogue import Catalogue
from orchestration.catalogue.defs.images import family_images
from orchestration.catalogue.drains import make_renditions
from orchestration.runtime.assets import AssetJob, Pool, asset_job, domain_asset, queue_spec
from orchestration.runtime.checks import check
from orchestration.runtime.drains import DrainConfig, DrainScale, drain_sensor, drain_step
from orchestration.runtime.metadata import RenditionReport
from orchestration.runtime.recording import asset_results
from orchestration.work_queue.health import dead_letters

SCALE = DrainScale(tasks_per_drain=500, most=1)

variant_tasks = queue_spec(
    "catalogue/variant_tasks",
    deps=[family_images],
    description="The queue `image-variant`: stored pictures without variants. Filled with each new picture.",
)


@domain_asset(
    "catalogue/image_variants",
    deps=[variant_tasks],
    # Encoding uses the cores by itself.
    pool=Pool("catalogue_render", 1),
    kinds={"image", "s3"},
    max_runtime=7_200,
    description="Thumbnail, WebP and AVIF of each stored picture, and a blurred placeholder.",
)
def image_variants(
    context: dg.AssetExecutionContext, config: DrainConfig, catalogue: dg.ResourceParam[Catalogue]
) -> Iterator[dg.MaterializeResult[None]]:
    """Make the renditions that are queued."""
    with drain_step(context, config) as step:
        report = RenditionReport()
        asyncio.run(make_renditions(catalogue, report.record, step.options))
        yield from asset_results(report.metadata(), report.failures)


@dg.asset_check(asset=image_variants, description="Every stored image could be rendered.")
def no_variant_given_up(catalogue: dg.ResourceParam[Catalogue]) -> dg.AssetCheckResult:
    """Ask for dead rendition tasks."""
    return check(catalogue, lambda connection: dead_letters(connection, catalogue.rendition_queue))


CHECKS = [no_variant_given_up]


def definitions(catalogue: Catalogue, checks: AssetJob) -> dg.Definitions:
    """The definitions of renditions; `checks` is the job that runs after each of their runs."""
    job = asset_job(
        "catalogue_render", image_variants, description="Make the queued variants of stored images.", checks=checks
    )
    queues = [catalogue.rendition_queue]
    return dg.Definitions(
        assets=[variant_tasks, image_variants],
        asset_checks=CHECKS,
        jobs=[job],
        sensors=[drain_sensor("catalogue_variants_sensor", job, catalogue.services, queues, SCALE)],
    )
