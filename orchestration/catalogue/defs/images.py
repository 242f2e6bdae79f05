"""Family images in Dagster: the queue that imports fill, the asset that mirrors from it, and its check.

A drain mirrors what is queued and records each family whose images are settled. Keep out: mirroring (`media.fetcher`).
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

import dagster as dg

from orchestration.catalogue import health
from orchestration.catalogue.catalogue import Catalogue
from orchestration.catalogue.defs.families import product_families
from orchestration.catalogue.defs.feed import a_numbers
from orchestration.catalogue.drains import mirror_images
from orchestration.catalogue.families.images import FamilyImages
from orchestration.media.fetcher import FetchOutcome, MirroredImage
from orchestration.media.picture_process import PictureProcess, picture_limits
from orchestration.runtime.assets import AssetJob, Pool, asset_job, domain_asset, queue_spec
from orchestration.runtime.checks import check
from orchestration.runtime.drains import DrainConfig, DrainScale, drain_sensor, drain_step
from orchestration.runtime.metadata import Pictures, full_size
from orchestration.runtime.recording import PartitionRecorder

SCALE = DrainScale(tasks_per_drain=2_000, most=2)
# The names of the observation's metadata that programs read after a run.
MIRRORED, FAILED_IMAGES = "mirrored", "failed_images"
LISTED_FAILURES = 50

image_tasks = queue_spec(
    "catalogue/image_tasks",
    deps=[product_families],
    description="The queue `image-upload`: source URLs to be mirrored. Filled with each imported family.",
)


@domain_asset(
    "catalogue/family_images",
    deps=[image_tasks],
    partitions=a_numbers,
    pool=Pool("catalogue_mirror", 2),
    kinds={"image", "s3"},
    max_runtime=7_200,
    description="The families' pictures, mirrored into the object store: one object for the same bytes, whatever URL "
    "they came from.",
)
def family_images(
    context: dg.AssetExecutionContext, config: DrainConfig, catalogue: dg.ResourceParam[Catalogue]
) -> Iterator[dg.AssetMaterialization | dg.AssetObservation]:
    """Mirror the selected families' images again, or what is queued."""
    limits = picture_limits(catalogue.services.settings)
    with drain_step(context, config) as step, PictureProcess(limits) as process:
        report = MirrorReport(context, catalogue, Pictures(catalogue.services.objects, process))
        asyncio.run(mirror_images(catalogue, report.count, report.record, step.options, step.keys))
        yield from report.finish()


class MirrorReport:
    """Records each family of a run whose images are settled, and counts the images."""

    def __init__(self, context: dg.AssetExecutionContext, catalogue: Catalogue, pictures: Pictures) -> None:
        self._services = catalogue.services
        self._asset = context.asset_key
        self._recorder = PartitionRecorder(context)
        self._pictures = pictures
        self._outcomes: Counter[FetchOutcome] = Counter()
        self._failures: dict[str, str] = {}

    def count(self, mirrored: Sequence[MirroredImage]) -> None:
        """Count image tasks that have ended; one that will be tried again counts later."""
        for image in mirrored:
            if image.outcome is not FetchOutcome.FAILED:
                self._outcomes[image.outcome] += 1
                self._failures.pop(image.url, None)
            elif image.is_final:
                self._failures[image.url] = image.problem or ""

    def record(self, families: Sequence[FamilyImages]) -> None:
        """Record families whose images are settled; those with dead images fail, and name the first."""
        for state in families:
            if state.problems:
                problem = f"{len(state.problems)} of {state.total} images failed: {state.problems[0]}"
                self._recorder.failed(state.a_number, problem)
            elif not state.is_settled:
                problem = f"{state.pending} of {state.total} images are still queued; run it again"
                self._recorder.failed(state.a_number, problem)
            else:
                picture = self._pictures.of(state.main_key, "main image")
                link = full_size(self._services, "picture", state.main_key) if picture else {}
                self._recorder.materialized(state.a_number, of_images(state, picture) | link)

    def finish(self) -> Iterator[dg.AssetMaterialization | dg.AssetObservation]:
        """Yield the counts, then what the recorder yields; see `ImportReport.finish`."""
        if self._outcomes or self._failures:
            summary = of_run(self._outcomes, self._failures)
            yield dg.AssetObservation(self._asset, metadata=summary)
        yield from self._recorder.finish()


def of_images(state: FamilyImages, picture: str | None = None) -> dict[str, dg.MetadataValue]:
    """What operators read beside a family's images; `picture` is the main one in Markdown."""
    counts = {"images": state.stored, "of": state.total, "bytes": state.bytes}
    shown: dict[str, dg.MetadataValue] = {name: dg.MetadataValue.int(count) for name, count in counts.items()}
    return shown | ({"picture": dg.MetadataValue.md(picture)} if picture else {})


def of_run(outcomes: Counter[FetchOutcome], failures: dict[str, str]) -> dict[str, dg.MetadataValue]:
    """The images of a run, for people and programs: counts by outcome, and the first failures by URL."""
    counts = {outcome.value: outcomes[outcome] for outcome in FetchOutcome} | {"failed": len(failures)}
    listed = dict(islice(failures.items(), LISTED_FAILURES))
    return {MIRRORED: dg.MetadataValue.json(counts), FAILED_IMAGES: dg.MetadataValue.json(listed)}


@dg.asset_check(asset=family_images, description="Every image of an active family could be mirrored.")
def no_image_given_up(catalogue: dg.ResourceParam[Catalogue]) -> dg.AssetCheckResult:
    """Ask for missing images."""
    return check(catalogue, lambda connection: health.missing_images(connection, catalogue.image_queue))


@dg.asset_check(asset=family_images, description="No picture stands for the missing ones of many families.")
def no_placeholder_image(catalogue: dg.ResourceParam[Catalogue]) -> dg.AssetCheckResult:
    """Ask for placeholders."""
    return check(catalogue, health.placeholder_images)


CHECKS = [no_image_given_up, no_placeholder_image]


def definitions(catalogue: Catalogue, checks: AssetJob) -> dg.Definitions:
    """The definitions of family images; `checks` is the job that runs after each of their runs."""
    job = asset_job(
        "catalogue_mirror",
        family_images,
        description="Mirror queued images, or those of the keys in the run config.",
        checks=checks,
    )
    queues = [catalogue.image_queue]
    return dg.Definitions(
        assets=[image_tasks, family_images],
        asset_checks=CHECKS,
        jobs=[job],
        sensors=[drain_sensor("catalogue_images_sensor", job, catalogue.services, queues, SCALE)],
    )
