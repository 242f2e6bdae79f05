"""The smaller forms of public images, as an asset: fetching images and making renditions, in one drain.

What the mirror shows queues images; what is rendered queues the mirror. Keep out: fetching and rendering.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
import sqlalchemy as sa
from pydantic import Field

from orchestration.gallery.defs.public_generations import public_generations
from orchestration.gallery.gallery import Gallery
from orchestration.gallery.images.drains import make_renditions
from orchestration.media.fetcher import FetchOutcome, MirroredImage
from orchestration.observability.findings import Finding, merge_findings
from orchestration.runtime.assets import AssetJob, Pool, asset_job, domain_asset, queue_spec
from orchestration.runtime.checks import check
from orchestration.runtime.drains import DrainConfig, DrainScale, drain_sensor, drain_step
from orchestration.runtime.metadata import RenditionReport, markdown_table
from orchestration.runtime.recording import asset_results
from orchestration.work_queue.health import dead_letters

IMAGES_PER_DRAIN = DrainScale(tasks_per_drain=2_000, most=1)

image_tasks = queue_spec(
    "gallery/image_tasks",
    deps=[public_generations],
    description="The queues `gallery-image` and `gallery-variant`: images of public items to be fetched, and to be "
    "made smaller. Filled with each item that appears or changes.",
)


class ImageConfig(DrainConfig):
    """Run config of the images' smaller forms."""

    all_images: bool = Field(
        default=False, description="Queue the images of all public items first, as after allowing another host"
    )


@domain_asset(
    "gallery/image_variants",
    deps=[image_tasks],
    description="Thumbnail, WebP, AVIF and blurred placeholder of each image of a public item, once for the same "
    "bytes. The items are mirrored again with their addresses.",
    pool=Pool("gallery_render", limit=1),
    kinds={"image", "s3"},
    max_runtime=7_200,
)
def image_variants(
    context: dg.AssetExecutionContext, config: ImageConfig, gallery: dg.ResourceParam[Gallery]
) -> Iterator[dg.MaterializeResult[None]]:
    """Fetch and render what is queued."""
    report = ImageReport()
    with drain_step(context, config) as step:
        if config.all_images:
            gallery.image_flow.ask_for_all(gallery.database)
        asyncio.run(make_renditions(gallery, report.add_images, report.renditions.record, step.options))
        yield from asset_results(report.metadata(), report.failures)


class ImageReport:
    """Adds up the images and renditions of a run."""

    def __init__(self) -> None:
        self.renditions = RenditionReport()
        self._outcomes = Counter[FetchOutcome]()
        self._bytes = 0
        self._problems: dict[str, str] = {}

    def add_images(self, images: Sequence[MirroredImage]) -> None:
        """Count a batch of fetched images."""
        for image in images:
            if image.is_final:
                self._outcomes[image.outcome] += 1
                self._bytes += image.bytes
                self._problems.pop(image.url, None)
                if image.problem:
                    self._problems[image.url] = image.problem

    @property
    def failures(self) -> dict[str, str]:
        """Why images failed, by URL or content hash."""
        return self._problems | self.renditions.failures

    def metadata(self) -> dict[str, Any]:
        """Counts and bytes of both, and the images that failed."""
        shown: dict[str, Any] = {f"fetched_{outcome.value}": self._outcomes[outcome] for outcome in FetchOutcome}
        shown["fetched_bytes"] = self._bytes
        if self._problems:
            table = markdown_table(("image", "reason"), list(self._problems.items()))
            shown["not_fetched"] = dg.MetadataValue.md(table)
        return shown | self.renditions.metadata()


@dg.asset_check(asset=image_variants, description="Every image of a public item could be fetched and rendered.")
def no_gallery_image_given_up(gallery: dg.ResourceParam[Gallery]) -> dg.AssetCheckResult:
    """List the dead letters of both queues."""

    def dead(connection: sa.Connection) -> Finding:
        return merge_findings(
            dead_letters(connection, gallery.image_queue), dead_letters(connection, gallery.rendition_queue)
        )

    return check(gallery, dead)


CHECKS = [no_gallery_image_given_up]


def definitions(gallery: Gallery, checks: AssetJob) -> dg.Definitions:
    """The images of this gallery; the job `checks` runs after their runs."""
    job = asset_job(
        "gallery_render",
        image_variants,
        description="Fetch queued images of public items, and make them smaller.",
        checks=checks,
    )
    queues = [gallery.image_queue, gallery.rendition_queue]
    return dg.Definitions(
        assets=[image_tasks, image_variants],
        asset_checks=CHECKS,
        jobs=[job],
        sensors=[drain_sensor("gallery_images_sensor", job, gallery.services, queues, IMAGES_PER_DRAIN)],
    )
