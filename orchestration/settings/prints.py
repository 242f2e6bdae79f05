"""The settings of prints. Keep out: what a design prescribes, such as sizes of letters."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from orchestration.settings.fields import Box, Words, drains, renamed


class PrintSettings(BaseModel):
    """Prints: from orders to printable files."""

    print_engine: Literal["native", "openscad"] = Field("native", description="What builds printable solids")
    print_fonts: Words = Field((), description="Further folders of fonts, separated by commas")
    print_concurrency: int = renamed(
        2, "STL_WORKER_CONCURRENCY", "CONCURRENCY", ge=1,
        description="Renderings at the same time in one drain, each in a process",
    )  # fmt: skip
    print_poll_ms: int = renamed(
        1_000, "STL_WORKER_POLL_MS", "POLL_INTERVAL_MS", gt=0,
        description="How often an idle drain looks for what nobody announced: dead workers, retries",
    )  # fmt: skip
    print_attempts: int = renamed(10, "MAX_RETRIES", ge=1, description="Attempts at a print task")
    print_retry_seconds: float = Field(5.0, ge=0, description="Fixed wait between them")
    print_timeout_minutes: float = Field(15.0, gt=0, description="A rendering that takes longer is killed and retried")
    print_skip_if_exists: bool = renamed(
        False, "SKIP_IF_EXISTS", description="Keep a task's files when it has all of them"
    )
    print_force: bool = renamed(False, "FORCE", description="Render again even what has been rendered before")
    print_order_statuses: Words = Field(
        ("awaiting_shipment",), description="Orders in these statuses are printed, separated by commas"
    )
    print_other_skus: Words = Field(
        ("PER-KEY3D-STY1-Y3D",), description="SKUs that are ordered and not printed here, separated by commas"
    )
    print_tasks_per_drain: int = Field(500, ge=1, description="Waiting print tasks for each drain run")
    print_max_drains: int = drains(2, pool="prints_render", description="Print drains at the same time")
    print_nozzle_mm: float = Field(0.4, gt=0, description="The printer's nozzle, which no stroke may be thinner than")
    print_bed_mm: Box = Field(
        (220.0, 220.0, 250.0), description="What the printer can hold: width, depth, height, as a JSON list"
    )
    print_plate_margin_mm: float = Field(
        5.0, ge=0, description="What a plate of several products leaves free at its rim"
    )
    print_plate_spacing_mm: float = Field(3.0, ge=0, description="The room between two products on a plate")
