"""The settings of mockups. Keep out: what a garment or a preset prescribes."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from orchestration.settings.fields import Words, drains


class MockupSettings(BaseModel):
    """Mockups: from designs to pictures of garments."""

    mockup_concurrency: int = Field(2, ge=1, description="Renderings at the same time in one drain, each in a process")
    mockup_attempts: int = Field(3, ge=1, description="Attempts at a render job")
    mockup_retry_seconds: float = Field(2.0, ge=0, description="First wait between them; each further one is doubled")
    mockup_timeout_minutes: float = Field(5.0, gt=0, description="A rendering that takes longer is killed and retried")
    mockup_jobs_per_drain: int = Field(100, ge=1, description="Waiting render jobs for each drain run")
    mockup_max_drains: int = drains(2, pool="mockups_render", description="Mockup drains at the same time")
    mockup_keep_failed_days: float = Field(30.0, gt=0, description="Failed jobs are marked as deleted after so long")
    mockup_cleanup_cron: str = Field("0 2 * * *", description="When that happens, in UTC")
    mockup_still_size: int = Field(1024, ge=64, le=4096, description="Side of a still in pixels")
    mockup_samples: int = Field(4, ge=1, le=4096, description="Samples of each pixel")
    mockup_turntable_size: int = Field(
        720, ge=64, le=2048, multiple_of=2, description="Side of a turntable in pixels, even"
    )
    mockup_frames: int = Field(72, ge=2, le=720, description="Frames of one turn")
    mockup_frames_per_second: int = Field(24, ge=1, le=60, description="How many of them a second shows")
    mockup_animation: Literal["webp", "avif"] = Field("webp", description="The format of the animated picture")
    mockup_engine: Literal["software", "blender"] = Field("software", description="What renders stills and turntables")
    mockup_blender: str = Field(
        "blender", description="Blender, or a Python that has its module bpy, for the engine of that name"
    )
    mockup_hosts: Words = Field(
        (), description="Hosts that designs are fetched from, separated by commas; none refuses designs by URL"
    )
