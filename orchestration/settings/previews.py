"""The settings of previews. Keep out: what the design prescribes, such as sizes of letters."""

from __future__ import annotations

from pydantic import BaseModel, Field

from orchestration.settings.fields import Words, drains, renamed


class PreviewSettings(BaseModel):
    """Previews: from described steps to videos."""

    preview_queue_name: str = renamed(
        "preview-jobs", "PREVIEW_QUEUE_NAME", pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$",
        description="The queue of preview jobs. Files are in the object store, which replaces `DATA_DIR`",
    )  # fmt: skip
    preview_concurrency: int = renamed(
        2, "PREVIEW_WORKER_CONCURRENCY", ge=1, le=32,
        description="Previews rendered at the same time in one drain, each in a process",
    )  # fmt: skip
    preview_queue_max: int = renamed(
        20, "PREVIEW_QUEUE_MAX", ge=1,
        description="Jobs of one priority that may wait; each other priority has a few places more of its own",
    )  # fmt: skip
    preview_attempts: int = Field(5, ge=1, description="Attempts at a preview")
    preview_retry_seconds: float = Field(1.0, ge=0, description="First wait between them, doubled each time")
    preview_timeout_minutes: float = Field(
        10.0, gt=0, description="A rendering that takes longer is killed and retried"
    )
    preview_longest_minutes: float = Field(10.0, gt=0, le=60, description="How long a preview may play")
    preview_asset_hosts: Words = Field(
        (), description="Hosts that assets may come from, separated by commas; `host:port` trusts a private address"
    )
    preview_fonts: Words = Field((), description="Further folders of fonts, such as emoji in colours")
    preview_keep_days: float = Field(30.0, gt=0, description="How long a job is remembered, so that a repeat is known")
    preview_segment_days: float = Field(7.0, gt=0, description="How long encoded steps are kept for later previews")
    preview_max_drains: int = drains(1, pool="previews_render", description="Preview drains at the same time")
