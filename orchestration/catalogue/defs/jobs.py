"""The catalogue's jobs, schedules and sensors: when its assets are made.

The feed's sensor looks at Import.txt and launches a sync of the suppliers whose lines changed. A sync queues families,
an import queues images, a mirror run queues variants; each queue has a sensor that keeps as many drains up as its
depth asks for.
"""

import asyncio
from typing import NamedTuple

import dagster as dg
import msgspec

from orchestration.catalogue.defs.assets import (
    categories,
    family_images,
    image_variants,
    product_families,
    supplier_feed,
)
from orchestration.catalogue.feed_source import FeedVersion
from orchestration.catalogue.pipeline import Catalogue
from orchestration.runtime.assets import AssetJob, asset_job
from orchestration.runtime.drains import DrainScale, drain_sensor
from orchestration.runtime.partition_keys import encode_key
from orchestration.runtime.schedules import cron_schedule
from orchestration.settings import Settings
from orchestration.work_queue.queue import TaskQueue


class CatalogueJobs(NamedTuple):
    """The jobs, in the order in which their work flows."""

    sync: AssetJob
    families: AssetJob
    images: AssetJob
    variants: AssetJob


def catalogue_jobs(settings: Settings) -> CatalogueJobs:
    """The jobs, with the longest run of a sync as the settings have it."""
    return CatalogueJobs(
        sync=asset_job(
            "catalogue_sync",
            categories,
            supplier_feed,
            description="Read the feed, compare it with what is stored, queue what changed.",
            max_runtime=settings.supplier_timeout_ms // 1000,
        ),
        families=asset_job(
            "catalogue_import", product_families, description="Import queued families, or the keys in the run config."
        ),
        images=asset_job(
            "catalogue_mirror",
            family_images,
            description="Mirror queued images, or those of the keys in the run config.",
        ),
        variants=asset_job(
            "catalogue_render", image_variants, description="Make the queued variants of stored images."
        ),
    )


FAMILIES_PER_DRAIN = DrainScale(tasks_per_drain=5_000, most=2)
IMAGES_PER_DRAIN = DrainScale(tasks_per_drain=2_000, most=2)
VARIANTS_PER_DRAIN = DrainScale(tasks_per_drain=500, most=1)


def drain_sensors(catalogue: Catalogue, jobs: CatalogueJobs) -> list[dg.SensorDefinition]:
    """The sensors that keep the drains up."""

    def due(queue: TaskQueue) -> int:
        with catalogue.database.connect() as connection:
            return queue.counts(connection).waiting

    return [
        drain_sensor("catalogue_families_sensor", jobs.families, lambda: due(catalogue.families), FAMILIES_PER_DRAIN),
        drain_sensor("catalogue_images_sensor", jobs.images, lambda: due(catalogue.images), IMAGES_PER_DRAIN),
        drain_sensor("catalogue_variants_sensor", jobs.variants, lambda: due(catalogue.variants), VARIANTS_PER_DRAIN),
    ]


def feed_sensor(catalogue: Catalogue, job: AssetJob) -> dg.SensorDefinition:
    """The sensor that looks at Import.txt."""

    @dg.sensor(
        name="catalogue_feed_sensor",
        job=job,
        minimum_interval_seconds=catalogue.settings.feed_interval_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Asks for Import.txt by its ETag and launches a sync of the suppliers whose lines changed.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        known = msgspec.json.decode(context.cursor, type=FeedVersion) if context.cursor else None
        snapshot = asyncio.run(catalogue.read_new_feed(known))
        if snapshot is None:
            return dg.SkipReason("Import.txt is as it was")
        changed = catalogue.changed_suppliers(snapshot.feed)
        cursor = msgspec.json.encode(snapshot.version).decode()
        if not changed:
            return dg.SensorResult(skip_reason="No supplier's lines changed", cursor=cursor)
        config = {"ops": {"catalogue__supplier_feed": {"config": {"keys": [encode_key(code) for code in changed]}}}}
        # No run key: it would dedupe for ever, and a feed may go back to what it was. Planning twice is harmless.
        return dg.SensorResult(run_requests=[dg.RunRequest(run_config=config)], cursor=cursor)

    return sensor


def nightly_audit(cron: str, job: AssetJob) -> dg.ScheduleDefinition:
    """The schedule that downloads everything, so that a supplier's hash that lies is found out."""
    return cron_schedule(
        "catalogue_nightly_audit",
        job,
        cron,
        variable="ORCHESTRATION_NIGHTLY_AUDIT_CRON",
        description="Downloads every family, and shows where the supplier's hash lied.",
        run_config={"ops": {"catalogue__supplier_feed": {"config": {"full": True}}}},
    )
