"""Submitting a mockup: from a design and a product to a job that is queued.

All that can be refused is refused here, before anything is stored. Keep out: the service over jobs (`service`), and
what only shows once a design is decoded, which fails its job (`handler`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from orchestration.errors import NotFoundError, RefusedError
from orchestration.media.identify import content_hash
from orchestration.mockups.garments.names import DEFAULT_TEMPLATE
from orchestration.mockups.jobs.model import JobOptions, JobPrint, NewJob
from orchestration.mockups.jobs.objects import FOLDER, storing_meanwhile
from orchestration.mockups.jobs.products import fabric_of
from orchestration.mockups.jobs.service import RenderJobs
from orchestration.mockups.jobs.validation import check_new
from orchestration.mockups.presets import parse_preset
from orchestration.mockups.queues import render_task
from orchestration.mockups.refusals import MockupRefusedError, RefusalCode
from orchestration.storage.objects import content_key

if TYPE_CHECKING:
    from orchestration.mockups.jobs.model import RenderJob
    from orchestration.mockups.mockup_request import DesignFile
    from orchestration.mockups.mockups import Mockups


LIMITS: Final = {"samples": (1, 4096), "still_size": (64, 4096), "turntable_size": (64, 2048), "frames": (2, 720)}
"""What the options' numbers may be."""


@dataclass(frozen=True, slots=True)
class FurtherPrint:
    """A print beside the first one: a file in its place."""

    preset: str
    design: DesignFile


@dataclass(frozen=True, slots=True)
class Submission:
    """What is submitted: a product, and a design as a file, by its URL, or as the options' text."""

    product_id: str
    preset: str
    variant_id: str | None = None
    design: DesignFile | None = None
    design_url: str | None = None
    template_id: str | None = None
    options: JobOptions = field(default_factory=JobOptions)
    metadata: dict[str, Any] | None = None
    further: tuple[FurtherPrint, ...] = ()


async def submit(mockups: Mockups, submission: Submission) -> RenderJob:
    """Create a job and queue it, in one transaction.

    Raises `ProductNotFoundError`, and `InvalidInputError` for what does not fit, with a code where the service
    before this one had one.
    """
    job = _checked(submission)
    fabric = await asyncio.to_thread(_fabric, mockups, job)
    options = msgspec.structs.replace(job.options, fabric=fabric)
    async with storing_meanwhile(mockups.database):
        if submission.design is not None:
            key = await _store(mockups, submission.design)
            job = msgspec.structs.replace(job, design_key=key)
            options = msgspec.structs.replace(options, design_name=submission.design.name)
        prints = [
            JobPrint(one.preset, design_key=await _store(mockups, one.design), design_name=one.design.name)
            for one in submission.further
        ]
        options = msgspec.structs.replace(options, further_prints=(*options.further_prints, *prints))
        job = msgspec.structs.replace(job, options=options)
        return await asyncio.to_thread(_create, mockups, job)


def check_options(options: JobOptions, template_id: str | None, *presets: str) -> None:
    """Raise for colours, sizes, a garment or presets that do not exist or do not go together."""
    from orchestration.mockups.fabrics import parse_background, parse_fabric
    from orchestration.mockups.garments.library import load_garment

    if options.fabric is not None:
        parse_fabric(options.fabric)
    parse_background(options.background)
    for name, (least, most) in LIMITS.items():
        if (value := getattr(options, name)) is not None and not least <= value <= most:
            problem = f"{name} is {value}"
            raise MockupRefusedError(RefusalCode.VALIDATION_ERROR, problem, f"give {least} to {most}")
    try:
        garment = load_garment(template_id or DEFAULT_TEMPLATE)
        if options.garment_size is not None:
            garment.size(options.garment_size)
    except (NotFoundError, RefusedError) as error:
        raise MockupRefusedError(RefusalCode.VALIDATION_ERROR, str(error), "or leave it out") from error
    for preset in presets:
        if parse_preset(preset) not in garment.presets:
            problem = f"the preset {preset} is not available on {garment.template_id}"
            remedy = f"write one of {', '.join(garment.presets)}"
            raise MockupRefusedError(RefusalCode.VALIDATION_ERROR, problem, remedy)


def _checked(submission: Submission) -> NewJob:
    from orchestration.mockups.designs.design import check_design

    designs = [submission.design, submission.design_url, submission.options.text]
    if sum(design is not None for design in designs) != 1:
        problem = "a mockup needs one design"
        raise MockupRefusedError(RefusalCode.MISSING_FILE, problem, "send a file, or give a URL or a text instead")
    job = NewJob(
        product_id=submission.product_id,
        preset=submission.preset,
        variant_id=submission.variant_id,
        design_file_url=submission.design_url,
        template_id=submission.template_id,
        options=submission.options,
        metadata=submission.metadata,
    )
    check_new(job)
    presets = [one.preset for one in submission.further] + [one.preset for one in job.options.further_prints]
    check_options(job.options, job.template_id, job.preset, *presets)
    for design in [submission.design, *(one.design for one in submission.further)]:
        if design is not None:
            check_design(design.name, design.body)
    return job


def _fabric(mockups: Mockups, job: NewJob) -> str:
    """The fabric that was asked for, or else the variant's; raises for a product that does not exist, in any case."""
    with mockups.database.connect() as connection:
        own = fabric_of(connection, job.product_id, job.variant_id)
    return job.options.fabric or own


async def _store(mockups: Mockups, design: DesignFile) -> str:
    from orchestration.mockups.designs.design import check_design

    facts = check_design(design.name, design.body)
    key = content_key(f"{FOLDER}/designs", content_hash(design.body), facts.extension)
    await mockups.services.objects.put_once(key, design.body, mime=facts.mime)
    return key


def _create(mockups: Mockups, new: NewJob) -> RenderJob:
    with mockups.database.begin() as connection:
        job = RenderJobs(connection, mockups.link, mockups.clock).create(new)
        mockups.render_queue.enqueue_once(connection, render_task(job.id, job.sku))
    return job
