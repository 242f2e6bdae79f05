"""The catalogue's assets, from the supplier's feed to the pictures of the shop window."""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractContextManager

import dagster as dg
from pydantic import Field

from orchestration.catalogue.defs import metadata
from orchestration.catalogue.defs.partitions import A_NUMBER, SUPPLIER, a_numbers, suppliers
from orchestration.catalogue.defs.reports import ImportReport, record_images, record_plan
from orchestration.catalogue.drains import import_families, mirror_images, render_image_variants
from orchestration.catalogue.pipeline import Catalogue
from orchestration.catalogue.removal import soft_deleted
from orchestration.observability.logs import about
from orchestration.runtime.assets import governed_asset, queue_asset
from orchestration.runtime.failures import step_failures
from orchestration.runtime.markdown import Pictures
from orchestration.runtime.partition_keys import add_keys, prune_keys
from orchestration.runtime.recording import PartitionRecorder
from orchestration.runtime.renditions import VariantReport
from orchestration.runtime.selection import DrainConfig, selected_names
from orchestration.work_queue.running import DrainEnd
from orchestration.work_queue.stopping import StopSignal

promidata_feed = dg.AssetSpec(
    ["catalogue", "promidata_feed"],
    group_name="catalogue",
    description="Promidata's feed: `Import.txt`, `CAT.csv`, one JSON document a product family, and their images. "
    "Made by the suppliers.",
    owners=["team:catalogue"],
    kinds={"promidata"},
)


class FeedConfig(DrainConfig):
    """Run config of the feed: which suppliers, and how they are compared."""

    full: bool = Field(default=False, description="Download every family, and show where the supplier's hash lied")
    allow_mass_removal: bool = Field(default=False, description="Remove families that the guard would hold back")


def feed_failures(catalogue: Catalogue) -> AbstractContextManager[None]:
    """How the steps that read the feed fail: they are tried again as the settings say."""
    settings = catalogue.settings
    return step_failures(attempts=settings.supplier_attempts, wait_seconds=settings.supplier_retry_seconds)


@governed_asset(
    "catalogue/categories",
    deps=[promidata_feed],
    description="The category tree of the feed's `CAT.csv`.",
)
def categories(context: dg.AssetExecutionContext, catalogue: dg.ResourceParam[Catalogue]) -> dg.MaterializeResult[None]:
    """Bring the stored tree in step with CAT.csv."""
    with feed_failures(catalogue), about(run=context.run.run_id):
        return dg.MaterializeResult(metadata=metadata.of_categories(asyncio.run(catalogue.sync_categories())))


@governed_asset(
    "catalogue/supplier_feed",
    deps=[promidata_feed],
    partitions=suppliers,
    description="One supplier's lines of `Import.txt`, compared with what is stored: families to add, change or "
    "remove. Changed families are queued; nothing is downloaded for the others.",
)
def supplier_feed(
    context: dg.AssetExecutionContext, config: FeedConfig, catalogue: dg.ResourceParam[Catalogue]
) -> Iterator[dg.AssetMaterialization]:
    """Plan the suppliers of this run, or all of them."""
    recorder = PartitionRecorder(context)
    with feed_failures(catalogue), about(run=context.run.run_id):
        feed = asyncio.run(catalogue.read_feed())
        codes = selected_names(context, config)
        planner = catalogue.plan_suppliers(feed, codes, full=config.full, allow_mass_removal=config.allow_mass_removal)
        for planned in planner:
            add_keys(context.instance, SUPPLIER, [planned.code])
            record_plan(recorder, planned, feed)
            add_keys(context.instance, A_NUMBER, planned.queued)
        if config.full:
            catalogue.queue_stale_images()
        with catalogue.database.connect() as connection:
            prune_keys(context.instance, A_NUMBER, soft_deleted(connection))
    yield from recorder.finish()


family_tasks = queue_asset(
    "catalogue/family_tasks",
    deps=[supplier_feed],
    description="The queue `product-family`: families whose documents are to be imported. Filled by the plans.",
)


@governed_asset(
    "catalogue/product_families",
    deps=[family_tasks],
    partitions=a_numbers,
    description="Product families with their variants, imported from their documents. A document that cannot be used "
    "is in quarantine, with the reason.",
)
def product_families(
    context: dg.AssetExecutionContext, config: DrainConfig, catalogue: dg.ResourceParam[Catalogue]
) -> Iterator[dg.AssetMaterialization]:
    """Import the selected families, or whatever is queued."""
    recorder, report = PartitionRecorder(context), ImportReport(context)
    with StopSignal() as stop, step_failures(), about(run=context.run.run_id):
        end = DrainEnd(stop, config.idle_seconds, config.max_seconds)
        keys = selected_names(context, config)
        asyncio.run(import_families(catalogue, lambda batch: report.record(recorder, batch), end, keys))
    report.finish()
    yield from recorder.finish()


image_tasks = queue_asset(
    "catalogue/image_tasks",
    deps=[product_families],
    description="The queue `image-upload`: source URLs to be mirrored. Filled with each imported family.",
)


@governed_asset(
    "catalogue/family_images",
    deps=[image_tasks],
    partitions=a_numbers,
    description="The families' pictures, mirrored into the object store: one object for the same bytes, whatever URL "
    "they came from.",
)
def family_images(
    context: dg.AssetExecutionContext, config: DrainConfig, catalogue: dg.ResourceParam[Catalogue]
) -> Iterator[dg.AssetMaterialization]:
    """Mirror the selected families' images anew, or whatever is queued."""
    recorder = PartitionRecorder(context)
    pictures = Pictures(catalogue.services.objects)
    with StopSignal() as stop, step_failures(), about(run=context.run.run_id):
        end = DrainEnd(stop, config.idle_seconds, config.max_seconds)
        keys = selected_names(context, config)
        asyncio.run(mirror_images(catalogue, lambda batch: record_images(recorder, pictures, batch), end, keys))
    yield from recorder.finish()


variant_tasks = queue_asset(
    "catalogue/variant_tasks",
    deps=[family_images],
    description="The queue `image-variant`: stored pictures without variants. Filled with each new picture.",
)


@governed_asset(
    "catalogue/image_variants",
    deps=[variant_tasks],
    description="Thumbnail, WebP and AVIF of each stored picture, and a blurred placeholder.",
)
def image_variants(
    context: dg.AssetExecutionContext, config: DrainConfig, catalogue: dg.ResourceParam[Catalogue]
) -> dg.MaterializeResult[None]:
    """Make the variants that are queued."""
    report = VariantReport()
    with StopSignal() as stop, step_failures(), about(run=context.run.run_id):
        end = DrainEnd(stop, config.idle_seconds, config.max_seconds)
        asyncio.run(render_image_variants(catalogue, report.record, end))
    return dg.MaterializeResult(metadata=report.metadata())
