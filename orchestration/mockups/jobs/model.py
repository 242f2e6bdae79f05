"""The words of render jobs: what one is asked for, how it stands, and how jobs are listed.

Plain data. Keep out: the rows (`rows`) and what may be done to them (`service`).

Of the types that change a job, a field that is not given stays as it was; None empties it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from orchestration.mockups.mockup_request import InkMode, OutputKind, RenderMode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from orchestration.mockups.statuses import JobStatus

LIMIT, RECENT_LIMIT, RECENT_HOURS = 50, 50, 24.0
"""How many jobs a list holds at most, and how far back recent ones go, unless the caller says otherwise."""

RETRIED_FROM, RETRY_COUNT, OVERRIDES = "retried_from", "retry_count", "overrides"
RENDERED_AGAIN_FROM, REUSED_FROM, PROGRESS = "rendered_again_from", "reused_from", "progress"
"""Names in a job's metadata that mean something here."""


class JobPrint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A print beside the job's own, as on the back: a stored design or a text, in its place."""

    preset: str
    design_key: str | None = None
    design_name: str | None = None
    text: str | None = None
    text_colour: str | None = None
    width_mm: float | None = None
    offset_mm: tuple[float, float] | None = None


class JobOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How a mockup is made; what is None is the variant's, the settings' or the garment's own.

    `fabric` and `background` are a name or hex, the background also `transparent`. `still_size` and `turntable_size`
    are in pixels, `frames` those of one turn. `text` is a design that is written here. `is_fresh` renders even what has
    been rendered before.
    """

    fabric: str | None = None
    background: str | None = None
    mode: RenderMode = RenderMode.ALL
    ink: InkMode = InkMode.AUTO
    garment_size: str | None = None
    still_size: int | None = None
    samples: int | None = None
    turntable_size: int | None = None
    frames: int | None = None
    design_name: str | None = None
    text: str | None = None
    text_colour: str | None = None
    width_mm: float | None = None
    offset_mm: tuple[float, float] | None = None
    further_prints: tuple[JobPrint, ...] = ()
    is_fresh: bool = False


class NewJob(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A render job to create. Without a design it waits until it is given one."""

    product_id: str
    preset: str
    variant_id: str | None = None
    design_file_url: str | None = None
    design_key: str | None = None
    template_id: str | None = None
    options: JobOptions = JobOptions()
    metadata: dict[str, Any] | None = None


class JobChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change of the job `id`. What decides its pictures can be changed only before it begins.

    `metadata` is merged into what is there. A status is a step like any other: see `StatusUpdate`.
    """

    id: str
    status: JobStatus | UnsetType = UNSET
    variant_id: str | UnsetType | None = UNSET
    design_file_url: str | UnsetType | None = UNSET
    design_key: str | UnsetType | None = UNSET
    preset: str | UnsetType = UNSET
    template_id: str | UnsetType | None = UNSET
    options: JobOptions | UnsetType = UNSET
    error_message: str | UnsetType | None = UNSET
    metadata: dict[str, Any] | UnsetType | None = UNSET
    started_at: datetime | UnsetType = UNSET
    completed_at: datetime | UnsetType = UNSET


class JobResults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Results that were made elsewhere, by URL; None takes one away."""

    composited_file_url: str | UnsetType | None = UNSET
    rendered_image_url: str | UnsetType | None = UNSET
    animation_url: str | UnsetType | None = UNSET


class StatusUpdate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What comes with a new status. `metadata` is merged; its `progress`, in percent, moves the job's on."""

    results: JobResults = JobResults()
    error_message: str | UnsetType | None = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET
    started_at: datetime | UnsetType = UNSET
    completed_at: datetime | UnsetType = UNSET


class RetryOverrides(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a retry asks for otherwise than the job that failed; None keeps it."""

    preset: str | None = None
    fabric: str | None = None
    background: str | None = None
    samples: int | None = None


class Order(StrEnum):
    """By the time of creation."""

    ASC = "ASC"
    DESC = "DESC"


@dataclass(frozen=True, slots=True)
class JobFilters:
    """Which jobs are listed, and which page of them, the newest first unless `order` says otherwise.

    `status` is one or several. Deleted jobs are left out unless `with_deleted`. A limit of None lists all.
    """

    product_id: str | None = None
    variant_id: str | None = None
    sku: str | None = None
    status: JobStatus | Sequence[JobStatus] | None = None
    limit: int | None = LIMIT
    offset: int = 0
    order: Order = Order.DESC
    with_deleted: bool = False


@dataclass(frozen=True, slots=True)
class RenderJob:
    """A render job as it stands; the three addresses are those of its outputs, ready to be opened."""

    id: str
    product_id: str
    variant_id: str | None
    sku: str
    status: JobStatus
    progress: float
    design_file_url: str | None
    design_key: str | None
    preset: str
    template_id: str | None
    options: JobOptions
    address: str | None
    error_message: str | None
    metadata: Mapping[str, Any]
    started_at: datetime | None
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    composited_file_url: str | None
    rendered_image_url: str | None
    animation_url: str | None

    @property
    def has_design(self) -> bool:
        """Whether there is anything to print."""
        return bool(self.design_key or self.design_file_url or self.options.text)

    @property
    def retry_count(self) -> int:
        """How many jobs failed before this one was made of them."""
        count = self.metadata.get(RETRY_COUNT, 0)
        return count if isinstance(count, int) else 0


@dataclass(frozen=True, slots=True)
class JobPage:
    """A page of jobs, and how many there are in all."""

    jobs: Sequence[RenderJob]
    total: int
    limit: int | None
    offset: int

    @property
    def has_more(self) -> bool:
        """Whether another page follows."""
        return self.offset + len(self.jobs) < self.total


class JobStats(NamedTuple):
    """How many jobs are in each state."""

    total: int
    pending: int
    compositing: int
    rendering: int
    completed: int
    failed: int


class StoredOutput(msgspec.Struct, frozen=True):
    """A stored file of a job. `angle` is the view of a still, the panel of a composite, or empty.

    `width` and `height` are in pixels, `facts` what is known of the picture.
    """

    kind: OutputKind
    angle: str
    object_key: str
    mime: str
    width: int
    height: int
    bytes: int
    sha256: str
    garment_version: str
    renderer_version: str
    facts: dict[str, Any] = msgspec.field(default_factory=dict)
