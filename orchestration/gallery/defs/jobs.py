"""The gallery's jobs, schedules and sensors: when its assets are made.

A change of the history queues a mirror task, of which a warm drain hears at once; a sensor keeps that drain up, and
more beside it while much is queued. What the drain shows queues images. The signup set is refreshed when it is old, and
when it is short of images and the gallery has more.

Belongs here: what runs when. Does not: what a run does.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import dagster as dg
import msgspec

from orchestration.gallery.defs.assets import image_variants, public_generations, signup_images
from orchestration.gallery.gallery import Gallery
from orchestration.gallery.signup import signup_set
from orchestration.gallery.signup_health import Asked, ask_for_more
from orchestration.runtime.assets import AssetJob, asset_job
from orchestration.runtime.drains import DrainScale, WarmRuns, drain_sensor
from orchestration.runtime.schedules import cron_schedule
from orchestration.runtime.selection import DrainConfig


class GalleryJobs(NamedTuple):
    """The jobs, in the order in which their work flows."""

    mirror: AssetJob
    render: AssetJob
    signup: AssetJob


JOBS = GalleryJobs(
    mirror=asset_job(
        "gallery_mirror", public_generations, description="Mirror queued items, or those of the keys in the run config."
    ),
    render=asset_job(
        "gallery_render", image_variants, description="Fetch queued images of public items, and make them smaller."
    ),
    signup=asset_job("gallery_signup", signup_images, description="Choose the signup page's images anew."),
)

IMAGES_PER_DRAIN = DrainScale(tasks_per_drain=2_000, most=1)
# A drain that is kept up works for this long, and the next one begins this much earlier.
WARM_SECONDS = float(DrainConfig().max_seconds)
HAND_OVER_SECONDS = 60.0
LOOK_SECONDS = 30


def drain_sensors(gallery: Gallery) -> list[dg.SensorDefinition]:
    """The sensors that keep the drains up."""
    settings = gallery.settings
    scale = DrainScale(settings.mirror_tasks_per_drain, settings.mirror_max_drains, settings.mirror_warm_drains)
    config = {"ops": {"gallery__public_generations": {"config": {"idle_seconds": WARM_SECONDS}}}}
    warm = WarmRuns(config, WARM_SECONDS - HAND_OVER_SECONDS)

    def due_items() -> int:
        with gallery.database.connect() as connection:
            return gallery.mirror.counts(connection).waiting

    def due_images() -> int:
        with gallery.database.connect() as connection:
            return sum(queue.counts(connection).waiting for queue in (gallery.images, gallery.variants))

    return [
        drain_sensor("gallery_mirror_sensor", JOBS.mirror, due_items, scale, warm),
        drain_sensor("gallery_images_sensor", JOBS.render, due_images, IMAGES_PER_DRAIN),
    ]


def signup_sensor(gallery: Gallery) -> dg.SensorDefinition:
    """The sensor that fills the signup set: at the start, and while it is short of images."""

    @dg.sensor(
        name="gallery_signup_sensor",
        job=JOBS.signup,
        minimum_interval_seconds=LOOK_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Refreshes the signup images when there are none, and when there are too few and the gallery "
        "has changed.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        asked = msgspec.json.decode(context.cursor, type=Asked) if context.cursor else None
        with gallery.database.connect() as connection:
            state, queue = signup_set(connection), gallery.mirror.counts(connection)
        is_behind = bool(queue.waiting or queue.active)
        wanted = gallery.settings.signup_images
        asking = ask_for_more(state, wanted, asked, is_behind=is_behind, now=datetime.now(UTC))
        if asking is None:
            return dg.SkipReason(f"{state.shown} of {wanted} images, and no more to be had")
        return dg.SensorResult(run_requests=[dg.RunRequest()], cursor=msgspec.json.encode(asking).decode())

    return sensor


def signup_schedule(gallery: Gallery) -> dg.ScheduleDefinition:
    """The schedule that refreshes the signup set when it is as old as the settings allow."""

    @dg.schedule(
        name="gallery_signup_schedule",
        job=JOBS.signup,
        cron_schedule="*/5 * * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Refreshes the signup images {gallery.settings.signup_refresh_hours:g} hours after the last time.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        # The last attempt, since one that finds no image leaves the old set.
        last = context.instance.get_latest_materialization_event(signup_images.key)
        age = timedelta(seconds=context.scheduled_execution_time.timestamp() - last.timestamp) if last else None
        if age is None:
            return dg.SkipReason("Never refreshed: the sensor does that")
        if age < timedelta(hours=gallery.settings.signup_refresh_hours):
            return dg.SkipReason(f"Refreshed {age} ago")
        return dg.RunRequest()

    return schedule


def drift_schedule(gallery: Gallery) -> dg.ScheduleDefinition:
    """The schedule that compares the mirror with its source, and mends it."""
    config = {"repair": True, "idle_seconds": None}
    return cron_schedule(
        "gallery_drift",
        JOBS.mirror,
        gallery.settings.gallery_drift_cron,
        variable="ORCHESTRATION_GALLERY_DRIFT_CRON",
        description="Compares the mirror with the history, and mirrors again whatever differs.",
        run_config={"ops": {"gallery__public_generations": {"config": config}}},
    )
