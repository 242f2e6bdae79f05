"""The gallery's assets, from what users make to the signup page.

Belongs here: reading a run's configuration, calling the domain, reporting. Does not: what is recorded (`reports`).
"""

import asyncio
from datetime import UTC, datetime
from random import Random

import dagster as dg
from pydantic import Field

from orchestration.gallery.defs.reports import MirrorReport, PictureReport, of_drift, of_signup
from orchestration.gallery.drains import drain_mirror
from orchestration.gallery.drift import find_drift, repair
from orchestration.gallery.gallery import Gallery
from orchestration.gallery.pictures.drains import make_image_variants
from orchestration.gallery.signup import refresh_signup, signup_rules
from orchestration.observability.logs import about
from orchestration.runtime.assets import governed_asset, queue_asset
from orchestration.runtime.failures import step_failures
from orchestration.runtime.markdown import Pictures
from orchestration.runtime.selection import DrainConfig, selected_names
from orchestration.work_queue.running import DrainEnd
from orchestration.work_queue.stopping import StopSignal

generation_history = dg.AssetSpec(
    ["gallery", "generation_history"],
    group_name="gallery",
    description="What users have made, with who may see it: the source of truth. Written by the apps that they use.",
    owners=["team:gallery"],
    kinds={"postgres"},
)

mirror_tasks = queue_asset(
    "gallery/mirror_tasks",
    deps=[generation_history],
    description="The queue `mirror`: items whose public side may differ from the history. Filled by triggers, in the "
    "transaction of each change.",
)


class MirrorConfig(DrainConfig):
    """Run config of the mirror. Keys are history ids."""

    repair: bool = Field(default=False, description="Compare all of the mirror with its source first, and mend it")


class PictureConfig(DrainConfig):
    """Run config of the image variants."""

    all_images: bool = Field(
        default=False, description="Ask for the images of all public items first, as after allowing another host"
    )


@governed_asset(
    "gallery/public_generations",
    deps=[mirror_tasks],
    description="The public mirror of the history: what everyone may see, with its creator, and nothing else. Kept in "
    "step by warm drains of its queue.",
)
def public_generations(
    context: dg.AssetExecutionContext, config: MirrorConfig, gallery: dg.ResourceParam[Gallery]
) -> dg.MaterializeResult[None]:
    """Mirror what is queued, or the items in the run config."""
    report = MirrorReport(context, gallery)
    found = {}
    with StopSignal() as stop, step_failures(), about(run=context.run.run_id):
        if config.repair:
            with gallery.database.begin() as connection:
                drift = find_drift(connection)
                repair(connection, gallery.mirror, drift)
            found = of_drift(drift)
        end = DrainEnd(stop, config.idle_seconds, config.max_seconds)
        keys = selected_names(context, config)
        asyncio.run(drain_mirror(gallery, report.record, end, keys, report.heartbeat))
    return dg.MaterializeResult(metadata=found | report.metadata())


image_tasks = queue_asset(
    "gallery/image_tasks",
    deps=[public_generations],
    description="The queues `gallery-image` and `gallery-variant`: images of public items to be fetched, and to be "
    "made smaller. Filled with each item that appears or changes.",
)


@governed_asset(
    "gallery/image_variants",
    deps=[image_tasks],
    description="Thumbnail, WebP, AVIF and blurred placeholder of each image of a public item, once for the same "
    "bytes. The items are mirrored again with their addresses.",
)
def image_variants(
    context: dg.AssetExecutionContext, config: PictureConfig, gallery: dg.ResourceParam[Gallery]
) -> dg.MaterializeResult[None]:
    """Fetch and render what is queued."""
    report = PictureReport()
    with StopSignal() as stop, step_failures(), about(run=context.run.run_id):
        if config.all_images:
            gallery.pictures.ask_for_all(gallery.database)
        end = DrainEnd(stop, config.idle_seconds, config.max_seconds)
        asyncio.run(make_image_variants(gallery, report.add_images, report.variants.record, end))
    return dg.MaterializeResult(metadata=report.metadata())


@governed_asset(
    "gallery/signup_images",
    deps=[public_generations],
    description="The best public images, few of each creator, of which each visitor of the signup page sees one. "
    "Replaced as a whole; an empty choice keeps the old set.",
)
def signup_images(context: dg.AssetExecutionContext, gallery: dg.ResourceParam[Gallery]) -> dg.MaterializeResult[None]:
    """Choose anew."""
    # A termination request waits for the end of the refresh.
    with StopSignal(), step_failures(), about(run=context.run.run_id), gallery.database.begin() as connection:
        random = Random(context.run.run_id)  # noqa: S311 - an order of pictures, the same if the run is repeated
        refresh = refresh_signup(connection, signup_rules(gallery.settings), now=datetime.now(UTC), random=random)
    pictures = Pictures(gallery.services.objects)
    with gallery.database.connect() as connection:
        return dg.MaterializeResult(metadata=of_signup(connection, refresh, pictures))
