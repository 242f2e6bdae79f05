"""The catalogue's settings. Keep out: those of the queue's mechanics, which are no operator's business."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, Field

from orchestration.settings.fields import Words, renamed


class RemovalPolicy(StrEnum):
    """What happens to a family that the feed no longer lists."""

    KEEP = "keep"
    UNPUBLISH = "unpublish"
    SOFT_DELETE = "soft-delete"


class CatalogueSettings(BaseModel):
    """Catalogue: the supplier's feed, families and images."""

    promidata_base_url: str | None = renamed(
        None,
        "PROMIDATA_BASE_URL",
        description="The feed: its base URL, or the URL of its Import.txt; http(s) or file",
    )
    image_hosts: Words = Field(
        ("promi-dl.de", "promidatabase.s3.eu-central-1.amazonaws.com"),
        description="Hosts beside the feed's own that documents and images may come from, separated by commas; "
        "a `host:port` entry is trusted even at a private address",
    )
    removal_policy: RemovalPolicy = Field(
        RemovalPolicy.UNPUBLISH, description="What happens to a family that left the feed"
    )
    removal_guard_share: float = Field(
        0.2, gt=0, le=1, description="Hold removals back above this share of a supplier's families"
    )
    removal_guard_minimum: int = Field(5, ge=0, description="Never hold back this many removals or fewer")
    feed_interval_seconds: int = Field(30, ge=5, description="How often the feed sensor looks at Import.txt")
    nightly_audit_cron: str = Field("0 3 * * *", description="When the nightly audit downloads everything (UTC)")

    supplier_attempts: int = Field(2, ge=1, description="Attempts at a supplier's feed")
    supplier_retry_seconds: float = Field(30.0, ge=0, description="First wait between them, doubled each time")
    downloads_per_host: int = Field(
        16,
        ge=1,
        description="Downloads from one host that one drain of families or of images has in flight; there are two "
        "drains of each at most",
    )
    family_concurrency: int = renamed(
        3, "BULLMQ_CONCURRENCY_FAMILIES", ge=1,
        description="Batches of families that one drain works on at the same time; there are two drains at most",
    )  # fmt: skip
    family_attempts: int = Field(3, ge=1, description="Attempts at a family")
    family_retry_seconds: float = Field(10.0, ge=0, description="First wait between them, doubled each time")
    image_concurrency: int = renamed(
        10, "BULLMQ_CONCURRENCY_IMAGES", ge=1,
        description="Images that one drain checks and stores at the same time; there are two drains of the "
        "catalogue's images at most, and one of the gallery's, which also downloads as many",
    )  # fmt: skip
    image_attempts: int = Field(5, ge=1, description="Attempts at an image")
    image_retry_seconds: float = Field(30.0, ge=0, description="Fixed wait between them")
    image_revalidate_days: float = Field(7.0, ge=0, description="Ask again (by ETag) for images older than this")
    supplier_timeout_ms: int = renamed(
        1_800_000, "BULLMQ_JOB_TIMEOUT_SUPPLIER", gt=0,
        description="Longest planning of one supplier, which then fails alone; a run that the daemon has started ends "
        "after as long, too",
    )  # fmt: skip
    family_timeout_ms: int = renamed(
        300_000, "BULLMQ_JOB_TIMEOUT_FAMILY", gt=0, description="Longest download of one family document"
    )
    image_timeout_ms: int = renamed(
        120_000, "BULLMQ_JOB_TIMEOUT_IMAGE", gt=0, description="Longest download of one image"
    )
    max_document_bytes: int = Field(32 * 2**20, gt=0, description="Largest family document")
    max_image_bytes: int = Field(32 * 2**20, gt=0, description="Largest image file")
    max_image_pixels: int = Field(80_000_000, gt=0, description="Largest image, width times height")
    image_render_seconds: float = Field(60.0, gt=0, description="Longest rendering of one image, which is then refused")
    image_render_mb: int = Field(1_024, gt=0, description="Most memory in MB that rendering one image may take")
