"""From a render job to the request that its pictures are made of, and the address of everything that decides them.

Keep out: reading designs (`designs`), making pictures (`maker`).
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from orchestration.mockups.garments.names import DEFAULT_TEMPLATE
from orchestration.mockups.jobs.products import DEFAULT_FABRIC
from orchestration.mockups.mockup_request import (
    AnimationFormat,
    DesignFile,
    DesignText,
    EngineName,
    MockupRequest,
    PictureSizes,
    PrintOrder,
    RenderMode,
)
from orchestration.mockups.presets import Adjustment, parse_preset

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestration.mockups.jobs.model import JobPrint, RenderJob
    from orchestration.settings import Settings

NAMELESS = "design"


class Versions(NamedTuple):
    """What made a picture: the garment's data and the renderer."""

    garment: str
    renderer: str


def mockup_request(job: RenderJob, designs: Mapping[str, bytes], settings: Settings) -> MockupRequest:
    """The request of a job, whose designs are given by their keys."""
    options = job.options
    own = _design(options.text, options.text_colour, options.design_name, designs.get(job.design_key or ""))
    first = PrintOrder(own, parse_preset(job.preset), Adjustment(options.width_mm, options.offset_mm))
    pictures = PictureSizes(
        still=options.still_size or settings.mockup_still_size,
        samples=options.samples or settings.mockup_samples,
        turntable=options.turntable_size or settings.mockup_turntable_size,
        frames=options.frames or settings.mockup_frames,
        frames_per_second=settings.mockup_frames_per_second,
    )
    return MockupRequest(
        prints=(first, *(_order(one, designs) for one in options.further_prints)),
        fabric=options.fabric or DEFAULT_FABRIC,
        background=options.background,
        mode=options.mode,
        template_id=job.template_id or DEFAULT_TEMPLATE,
        garment_size=options.garment_size,
        ink=options.ink,
        pictures=pictures,
        engine=EngineName(settings.mockup_engine),
        animation=AnimationFormat(settings.mockup_animation),
    )


def versions_for(request: MockupRequest) -> Versions:
    """What makes the pictures of a request now; raises `NotFoundError` and `RefusedError` as its garment asks for."""
    from orchestration.mockups.garments.library import load_garment
    from orchestration.mockups.views.engines import engine_version

    return Versions(load_garment(request.template_id).version, engine_version(request.engine))


def request_address(request: MockupRequest, versions: Versions) -> str:
    """The digest of everything that decides the pictures: the designs' bytes and not their names, and the versions."""
    nameless = [one._replace(design=_digest(one.design)) for one in request.prints]
    # Jobs of another mode share the stages that both have.
    alike = replace(request, prints=tuple(nameless), mode=RenderMode.ALL)
    document = msgspec.json.encode([alike, versions])
    return hashlib.sha256(document).hexdigest()


def _order(one: JobPrint, designs: Mapping[str, bytes]) -> PrintOrder:
    design = _design(one.text, one.text_colour, one.design_name, designs.get(one.design_key or ""))
    return PrintOrder(design, parse_preset(one.preset), Adjustment(one.width_mm, one.offset_mm))


def _design(text: str | None, colour: str | None, name: str | None, body: bytes | None) -> DesignFile | DesignText:
    if text is not None:
        return DesignText(text, colour)
    return DesignFile(name or NAMELESS, body or b"")


def _digest(design: DesignFile | DesignText) -> DesignFile | DesignText:
    if isinstance(design, DesignText):
        return design
    return DesignFile("", hashlib.sha256(design.body).digest())
