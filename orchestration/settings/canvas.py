"""The canvas's settings. Keep out: the form of a snapshot."""

from __future__ import annotations

from pydantic import BaseModel, Field


class CanvasSettings(BaseModel):
    """Canvas: snapshots of projects, and the collection of media."""

    snapshot_operations: int = Field(100, ge=1, description="Operations after which a canvas project is saved whole")
    snapshot_hours: float = Field(24.0, gt=0, description="Or hours, when there was any operation")
    snapshot_batch: int = Field(50, ge=1, description="Canvas projects looked at together, the longest unsaved first")
    snapshot_cron: str = Field("0 */6 * * *", description="When canvas projects are saved (UTC)")
    snapshot_keep_last: int = Field(5, ge=1, description="Snapshots of a project that are kept whatever their age")
    snapshot_keep_days: int = Field(14, ge=0, description="Beyond them, the last of each of so many days")
    snapshot_keep_weeks: int = Field(26, ge=0, description="And the last of each of so many weeks")
    gc_ttl_days: float = Field(
        30.0,
        gt=0,
        description="Media that nothing refers to are deleted after so long, and mirrored images that nothing shows",
    )
    gc_grace_hours: float = Field(72.0, ge=0, description="From mark to deletion, while the mark can be undone")
    gc_batch: int = Field(100, ge=1, description="Media deleted together")
    gc_max_items: int = Field(10_000, ge=1, description="Media that one run deletes at most")
    gc_max_bytes: int = Field(100 * 2**30, ge=1, description="Bytes that one run deletes at most")
    gc_max_minutes: float = Field(30.0, gt=0, description="Minutes that one run takes at most")
    gc_max_share: float = Field(0.25, gt=0, le=1, description="Refuse to mark more than this share of all media")
    gc_guard_minimum: int = Field(
        10, ge=0, description="Guards by share of media collection look at no fewer than this many"
    )
    gc_cron: str = Field("0 4 * * *", description="When media are collected (UTC)")
