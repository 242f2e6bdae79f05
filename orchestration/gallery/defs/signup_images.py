"""The images of the signup page, as an asset: when the set is chosen again, what it shows, and its checks.

The set is refreshed when it is old, and when it is short of images and the gallery has more. Keep out: choosing.
"""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import dagster as dg
import msgspec

from orchestration.gallery.defs.public_generations import public_generations
from orchestration.gallery.gallery import Gallery
from orchestration.gallery.signup import SignupRefresh, refresh_signup, signup_rules, signup_set
from orchestration.gallery.signup_health import TOLERANCE, LastRequest, ask_for_more, missing_images, old_set
from orchestration.observability.logs import about
from orchestration.runtime.assets import AssetJob, Pool, asset_job, domain_asset, with_freshness
from orchestration.runtime.checks import check
from orchestration.runtime.failures import step_failures
from orchestration.runtime.metadata import markdown_table
from orchestration.runtime.partitions import count_unfinished
from orchestration.runtime.shutdown import GracefulShutdown

LOOK_SECONDS = 30
SAMPLES = 8

Metadata = dict[str, Any]


@domain_asset(
    "gallery/signup_images",
    deps=[public_generations],
    description="The best public images, few of each creator, of which each visitor of the signup page sees one. "
    "Replaced as a whole; an empty choice keeps the old set.",
    pool=Pool("gallery_signup", limit=1),
    kinds={"postgres"},
    max_runtime=600,
)
def signup_images(context: dg.AssetExecutionContext, gallery: dg.ResourceParam[Gallery]) -> dg.MaterializeResult[None]:
    """Choose again."""
    # A termination request waits for the end of the refresh.
    with GracefulShutdown(), step_failures(), about(run=context.run.run_id):
        random = Random(context.run.run_id)  # noqa: S311 - an order of images, the same if the run is repeated
        with gallery.database.begin() as connection:
            refresh = refresh_signup(connection, signup_rules(gallery.settings), now=datetime.now(UTC), random=random)
        return dg.MaterializeResult(metadata=of_signup(refresh))


def of_signup(refresh: SignupRefresh) -> Metadata:
    """A refresh of the signup set: counts, and the generations of the best images."""
    images = refresh.images
    shown: Metadata = {
        "images": len(images),
        "candidates": refresh.candidates,
        "other_types": refresh.widened,
        "creators": len({image.creator for image in images}),
    }
    if refresh.kept is not None:
        shown["kept"] = dg.MetadataValue.text(f"No image was good enough; the old set of {refresh.kept} stays")
        return shown
    best = sorted(images, key=lambda image: -(image.score or 0.0))
    shown |= {"best_score": best[0].score or 0.0, "lowest_score": best[-1].score or 0.0}
    # Ids alone: what a user takes back must not live on in the records of runs.
    rows = [(image.score, image.generation_id) for image in best[:SAMPLES]]
    shown["best"] = dg.MetadataValue.md(markdown_table(("score", "generation"), rows))
    return shown


@dg.asset_check(asset=signup_images, description="The signup images were refreshed in time.")
def signup_images_are_fresh(gallery: dg.ResourceParam[Gallery]) -> dg.AssetCheckResult:
    """Compare the age of the set with the settings."""
    hours = gallery.settings.signup_refresh_hours
    return check(gallery, lambda connection: old_set(signup_set(connection), hours, datetime.now(UTC)))


@dg.asset_check(asset=signup_images, description="The signup page has as many images to choose from as it should.")
def signup_set_is_full(gallery: dg.ResourceParam[Gallery]) -> dg.AssetCheckResult:
    """Compare the size of the set with the settings."""
    return check(gallery, lambda connection: missing_images(signup_set(connection), gallery.settings.signup_images))


CHECKS = [signup_images_are_fresh, signup_set_is_full]


def signup_sensor(gallery: Gallery, job: AssetJob) -> dg.SensorDefinition:
    """The sensor that fills the signup set: at the start, and while it is short of images."""

    @dg.sensor(
        name="gallery_signup_sensor",
        job=job,
        minimum_interval_seconds=LOOK_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Refreshes the signup images when there are none, and when there are too few and the gallery "
        "has changed.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        if count_unfinished(context.instance, job.name):
            return dg.SkipReason("A refresh is under way")
        asked = msgspec.json.decode(context.cursor, type=LastRequest) if context.cursor else None
        with gallery.database.connect() as connection:
            state, queue = signup_set(connection), gallery.mirror_queue.counts(connection)
        is_behind = bool(queue.waiting or queue.active)
        wanted = gallery.settings.signup_images
        asking = ask_for_more(state, wanted, asked, is_behind=is_behind, now=datetime.now(UTC))
        if asking is None:
            return dg.SkipReason(f"{state.shown} of {wanted} images, and no more to be had")
        return dg.SensorResult(run_requests=[dg.RunRequest()], cursor=msgspec.json.encode(asking).decode())

    return sensor


def signup_schedule(gallery: Gallery, job: AssetJob) -> dg.ScheduleDefinition:
    """The schedule that refreshes the signup set when it is as old as the settings allow."""

    @dg.schedule(
        name="gallery_signup_schedule",
        job=job,
        cron_schedule="*/5 * * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Refreshes the signup images {gallery.settings.signup_refresh_hours:g} hours after the last time.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        # The last attempt, since one that finds no image leaves the old set; and the set itself tells its age where
        # Dagster has forgotten its runs.
        last = context.instance.get_latest_materialization_event(signup_images.key)
        with gallery.database.connect() as connection:
            cached_at = signup_set(connection).cached_at
        moments = [one for one in (last and last.timestamp, cached_at and cached_at.timestamp()) if one]
        if not moments:
            return dg.SkipReason("Never refreshed: the sensor does that")
        age = timedelta(seconds=context.scheduled_execution_time.timestamp() - max(moments))
        if age < timedelta(hours=gallery.settings.signup_refresh_hours):
            return dg.SkipReason(f"Refreshed {age} ago")
        return dg.RunRequest()

    return schedule


def definitions(gallery: Gallery, checks: AssetJob) -> dg.Definitions:
    """The signup images of this gallery; the job `checks` runs after their runs."""
    job = asset_job(
        "gallery_signup", signup_images, description="Choose the signup page's images again.", checks=checks
    )
    return dg.Definitions(
        assets=[with_freshness(signup_images, timedelta(hours=gallery.settings.signup_refresh_hours * TOLERANCE))],
        asset_checks=CHECKS,
        jobs=[job],
        sensors=[signup_sensor(gallery, job)],
        schedules=[signup_schedule(gallery, job)],
    )
