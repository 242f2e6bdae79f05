"""The gallery's settings. Keep out: what the public may see, which is no operator's choice."""

from __future__ import annotations

from pydantic import BaseModel, Field

from orchestration.settings.fields import MOST_DRAINS, Words, drains, renamed


class GallerySettings(BaseModel):
    """Gallery: the public mirror and the signup page's images."""

    mirror_batch: int = renamed(
        12, "MIRROR_QUEUE_BATCH_LIMIT", "BATCH_LIMIT", ge=1, description="Mirror tasks claimed together"
    )
    mirror_concurrency: int = renamed(
        4, "MIRROR_QUEUE_CONCURRENCY", "PROMISE_POOL_SIZE", ge=1,
        description="Batches that one drain mirrors at the same time",
    )  # fmt: skip
    mirror_poll_ms: int = renamed(
        2_500, "MIRROR_QUEUE_POLL_INTERVAL_MS", "POLL_INTERVAL_MS", gt=0,
        description="How often an idle drain looks for what nobody announced: dead workers, retries",
    )  # fmt: skip
    mirror_longest_poll_ms: int = renamed(
        15_000, "MAX_BACKOFF_MS", gt=0, description="Up to how long it waits in the end"
    )
    mirror_attempts: int = Field(5, ge=1, description="Attempts at a mirror task")
    mirror_retry_seconds: float = Field(1.0, ge=0, description="First wait between them, doubled each time")
    mirror_lease_seconds: float = Field(300.0, gt=0, description="A mirror task of a silent worker is free after this")
    mirror_tasks_per_drain: int = Field(20_000, ge=1, description="Waiting mirror tasks for each drain run")
    mirror_max_drains: int = drains(2, pool="gallery_mirror", description="Mirror drains at the same time")
    mirror_warm_drains: int = Field(
        1, ge=0, le=MOST_DRAINS, description="Mirror drains of these that are kept up when nothing waits"
    )
    gallery_image_hosts: Words = Field(
        (),
        description="Hosts that the gallery's images may come from, separated by commas; unset makes no variants",
    )
    gallery_drift_cron: str = Field("30 * * * *", description="When the mirror is compared with its source (UTC)")
    gallery_trash_days: float = Field(
        30.0, ge=0, description="A deleted generation keeps its media for so long, so that it can be taken back whole"
    )
    signup_images: int = Field(100, ge=1, description="Images that the signup page chooses from")
    signup_images_per_creator: int = Field(3, ge=1, description="Of one creator, at most")
    signup_min_score: float = Field(8.0, ge=0, le=10, description="Aesthetic score from which an image is shown")
    signup_refresh_hours: float = Field(24.0, gt=0, description="How old the signup images may become")
