"""The feed in Dagster: the category tree and the suppliers' plans, and when they are made.

The sensor looks at Import.txt and launches a sync of the suppliers whose lines changed. A sync compares, and queues the
families to import. Keep out: reading and comparing (`catalogue.feed`), and what follows from a plan (`families`).
"""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractContextManager

import dagster as dg
from pydantic import Field

from orchestration.catalogue import health
from orchestration.catalogue.catalogue import Catalogue
from orchestration.catalogue.defs import feed_metadata
from orchestration.catalogue.feed.removal import soft_deleted
from orchestration.catalogue.feed.watch import decode_cursor
from orchestration.observability.logs import about
from orchestration.runtime.assets import AssetJob, Pool, asset_job, domain_asset, run_config, with_freshness
from orchestration.runtime.checks import check
from orchestration.runtime.drains import DrainConfig, requested_keys
from orchestration.runtime.failures import step_failures
from orchestration.runtime.partition_keys import encode_key
from orchestration.runtime.partitions import add_partitions, count_unfinished, prune_partitions
from orchestration.runtime.recording import PartitionRecorder
from orchestration.runtime.schedules import cron_schedule, longest_gap

SUPPLIER = "supplier"
A_NUMBER = "a_number"
suppliers = dg.DynamicPartitionsDefinition(name=SUPPLIER)
a_numbers = dg.DynamicPartitionsDefinition(name=A_NUMBER)
# The jobs whose runs use the partitions of families, so that none is deleted under them.
FAMILY_JOBS = ("catalogue_import", "catalogue_mirror")
# Two plans of one supplier would only wait for each other in the database.
FEED_POOL = Pool("catalogue_feed", 1)

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


@domain_asset(
    "catalogue/categories",
    deps=[promidata_feed],
    pool=FEED_POOL,
    kinds={"csv", "postgres"},
    max_runtime=600,
    description="The category tree of the feed's `CAT.csv`.",
)
def categories(context: dg.AssetExecutionContext, catalogue: dg.ResourceParam[Catalogue]) -> dg.MaterializeResult[None]:
    """Make the stored tree equal to CAT.csv."""
    with feed_failures(catalogue), about(run=context.run.run_id):
        return dg.MaterializeResult(metadata=feed_metadata.of_categories(asyncio.run(catalogue.sync_categories())))


@domain_asset(
    "catalogue/supplier_feed",
    deps=[promidata_feed],
    partitions=suppliers,
    pool=FEED_POOL,
    kinds={"promidata", "postgres"},
    max_runtime=1_800,
    description="One supplier's lines of `Import.txt`, compared with what is stored: families to add, change or "
    "remove. Changed families are queued; nothing is downloaded for the others.",
)
def supplier_feed(
    context: dg.AssetExecutionContext, config: FeedConfig, catalogue: dg.ResourceParam[Catalogue]
) -> Iterator[dg.AssetMaterialization | dg.AssetObservation]:
    """Plan the suppliers of this run, or all of them."""
    recorder, found = PartitionRecorder(context), []
    with feed_failures(catalogue), about(run=context.run.run_id):
        codes = requested_keys(context, config)
        feed = asyncio.run(catalogue.read_feed_to_plan(codes))
        planner = catalogue.plan_suppliers(feed, codes, full=config.full, allow_mass_removal=config.allow_mass_removal)
        for planned in planner:
            found.append(planned)
            add_partitions(context.instance, SUPPLIER, [planned.code])
            add_partitions(context.instance, A_NUMBER, planned.queued)
            if planned.plan is None:
                recorder.failed(planned.code, planned.problem)
            else:
                recorder.materialized(planned.code, feed_metadata.of_plan(planned.plan, feed))
        if config.full:
            catalogue.queue_stale_images()
        _prune(context, catalogue)
    yield dg.AssetObservation(context.asset_key, metadata=feed_metadata.of_run(found))
    yield from recorder.finish()


def _prune(context: dg.AssetExecutionContext, catalogue: Catalogue) -> None:
    """Delete the partitions of families that are gone for good."""
    with catalogue.database.connect() as connection:
        gone = soft_deleted(connection)
    prune_partitions(context.instance, A_NUMBER, gone, jobs=FAMILY_JOBS, own_run=context.run.run_id)


@dg.asset_check(asset=supplier_feed, description="No supplier's removals are held back by the mass-change guard.")
def no_removals_held_back(catalogue: dg.ResourceParam[Catalogue]) -> dg.AssetCheckResult:
    """Ask for held back removals."""
    return check(catalogue, health.held_back_removals)


@dg.asset_check(asset=supplier_feed, description="Every line of Import.txt and every row of CAT.csv could be used.")
def no_line_refused(catalogue: dg.ResourceParam[Catalogue]) -> dg.AssetCheckResult:
    """Ask for refused lines."""
    return check(catalogue, health.refused_lines)


@dg.asset_check(asset=supplier_feed, description="Every supplier that is to be synced was synced within a day.")
def every_supplier_was_synced(catalogue: dg.ResourceParam[Catalogue]) -> dg.AssetCheckResult:
    """Ask for suppliers that were not."""
    return check(catalogue, health.late_suppliers)


CHECKS = [no_removals_held_back, no_line_refused, every_supplier_was_synced]


def feed_sensor(catalogue: Catalogue, job: AssetJob) -> dg.SensorDefinition:
    """The sensor that looks at Import.txt."""

    @dg.sensor(
        name="catalogue_feed_sensor",
        job=job,
        minimum_interval_seconds=catalogue.settings.feed_interval_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Asks for Import.txt by its ETag and launches a sync of the suppliers whose lines changed, until "
        "their plans have seen it.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        is_syncing = count_unfinished(context.instance, job.name) > 0
        look = asyncio.run(catalogue.look_at_feed(decode_cursor(context.cursor), is_syncing=is_syncing))
        cursor = look.cursor.encode()
        if not look.suppliers:
            return dg.SensorResult(skip_reason=look.reason, cursor=cursor)
        config = run_config(supplier_feed, FeedConfig(keys=[encode_key(code) for code in look.suppliers]))
        # No run key: it would dedupe for ever, and a feed may go back to what it was. Planning twice is harmless.
        return dg.SensorResult(run_requests=[dg.RunRequest(run_config=config)], cursor=cursor)

    return sensor


def definitions(catalogue: Catalogue, checks: AssetJob) -> dg.Definitions:
    """The feed's definitions; `checks` is the job that runs after each of its runs."""
    settings = catalogue.settings
    sync = asset_job(
        "catalogue_sync",
        categories,
        supplier_feed,
        description="Read the feed, compare it with what is stored, queue what changed.",
        checks=checks,
        max_runtime=settings.supplier_timeout_ms // 1000,
    )
    audit = cron_schedule(
        "catalogue_nightly_audit",
        sync,
        settings.nightly_audit_cron,
        variable="ORCHESTRATION_NIGHTLY_AUDIT_CRON",
        description="Downloads every family, and shows where the supplier's hash lied.",
        run_config=run_config(supplier_feed, FeedConfig(full=True)),
    )
    gap = longest_gap(settings.nightly_audit_cron)
    fresh = [with_freshness(asset, 2 * gap, warn=1.25 * gap) for asset in (categories, supplier_feed)]
    return dg.Definitions(
        assets=[promidata_feed, *fresh],
        asset_checks=CHECKS,
        jobs=[sync],
        sensors=[feed_sensor(catalogue, sync)],
        schedules=[audit],
    )
