"""Making a mockup, stage by stage: composite and print files, stills, turntable.

From a request to files in memory, without a database or a store. Keep out: what each file is made of (`composites`,
`turntables`, `views`), jobs and retries.

A stage can be made in a process of its own, and after another was made elsewhere. What the stages of one mockup share,
the decoded designs and the composite, stays in the process until other designs come.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from orchestration.mockups.checks import as_facts, check_composite, check_still
from orchestration.mockups.composites.compositing import PlacedDesign, compose
from orchestration.mockups.composites.print_file import print_file
from orchestration.mockups.composites.report import report, size_mm
from orchestration.mockups.designs.design import design_from_bytes
from orchestration.mockups.designs.lettered import design_from_text, text_size
from orchestration.mockups.fabrics import FABRICS, lab, parse_background, parse_fabric
from orchestration.mockups.garments.library import load_garment
from orchestration.mockups.mockup_request import (
    DesignFile,
    DesignText,
    InkMode,
    MockupRequest,
    Output,
    OutputKey,
    OutputKind,
    StageName,
    output,
    stages,
)
from orchestration.mockups.pixels import PNG, over, png
from orchestration.mockups.turntables.turntable import make_turntable, versions
from orchestration.mockups.zones import draw_measures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from orchestration.lettering.fonts import FontLibrary
    from orchestration.mockups.composites.compositing import Composite
    from orchestration.mockups.composites.print_file import PrintFile
    from orchestration.mockups.designs.design import Design
    from orchestration.mockups.fabrics import Colour, Fabric
    from orchestration.mockups.mockup_request import PrintOrder, Stage
    from orchestration.mockups.views.engine import Engine

    Pixels = NDArray[np.uint8]

_LIGHT_FROM: Final = 55.0
"""L* of a fabric from which black letters show better than white ones."""


def make_mockup(
    request: MockupRequest, engine: Engine, on_output: Callable[[Output], None] = lambda _output: None
) -> list[Output]:
    """Make all that is asked for; `on_output` is called with each file once it is made.

    Raises:
        MockupRefusedError: the request cannot be fulfilled, which shows before anything is made.
        NotFoundError, RefusedError: there is no such garment, size or view, or the garment is not active.

    """
    outputs = []
    for stage in stages(request):
        for made in make_stage(request, stage, engine):
            on_output(made)
            outputs.append(made)
    return outputs


def make_stage(request: MockupRequest, stage: Stage, engine: Engine) -> list[Output]:
    """Make the files of one of the request's stages; raises as `make_mockup` does."""
    background = parse_background(request.background)
    composite = prepare(request)
    if stage.name is StageName.COMPOSITES:
        return list(_composite_files(composite, ruler=request.ruler))
    if stage.name is StageName.STILLS and stage.angle:
        return [_still(request, composite, engine, stage.angle, background)]
    return list(make_turntable(composite, engine, request, background))


def prepare(request: MockupRequest) -> Composite:
    """Take in the designs and put them in their places, without drawing anything; raises as `make_mockup` does."""
    return _prepared(request.prints, request.fabric, request.template_id, request.garment_size, request.ink)


def design_size(design: DesignFile | DesignText) -> tuple[int, int]:
    """Return width and height of a design in pixels, of a text without drawing it; raises as `make_mockup` does."""
    return _decoded(design).size if isinstance(design, DesignFile) else text_size(design.text, _fonts())


@lru_cache(maxsize=1)
def _prepared(
    prints: tuple[PrintOrder, ...], fabric: str, template_id: str, garment_size: str | None, ink: InkMode
) -> Composite:
    garment, cloth = load_garment(template_id), parse_fabric(fabric)
    size = garment.size(garment_size or garment.template_size)
    designs = [PlacedDesign(_design(order, cloth), order.preset, order.adjustment) for order in prints]
    return compose(garment, cloth, size, designs, ink)


def _design(order: PrintOrder, fabric: Fabric) -> Design:
    if isinstance(order.design, DesignFile):
        return _decoded(order.design)
    return _lettered(order.design.text, _colour_of_text(order.design, fabric))


# Front and back; the colours and garments of a matrix follow one another with the same designs.
@lru_cache(maxsize=2)
def _decoded(design: DesignFile) -> Design:
    return design_from_bytes(design.name, design.body)


@lru_cache(maxsize=2)
def _lettered(text: str, colour: Colour) -> Design:
    return design_from_text(text, colour, _fonts())


@lru_cache(maxsize=2)
def _print_file(design: Design, size: tuple[float, float], garment_size: str) -> PrintFile:
    return print_file(design, size, garment_size)


@lru_cache(maxsize=1)
def _fonts() -> FontLibrary:
    from orchestration.lettering.fonts import FontLibrary

    return FontLibrary()


def _colour_of_text(text: DesignText, fabric: Fabric) -> Colour:
    import numpy as np

    if text.colour:
        return parse_fabric(text.colour).colour
    lightness = float(lab(np.array([[fabric.colour.rgb]], np.uint8))[0, 0, 0])
    return FABRICS["black" if lightness >= _LIGHT_FROM else "white"]


def _composite_files(composite: Composite, *, ruler: bool) -> Iterator[Output]:
    started = time.perf_counter()
    picture = composite.picture()
    facts = {**report(composite), "checks": as_facts(check_composite(composite, picture))}
    if ruler:
        draw_measures(picture, composite)
    body = png(picture, notes=_notes(composite))
    key = OutputKey(OutputKind.COMPOSITE)
    yield output(key, body, PNG, (picture.shape[1], picture.shape[0]), started=started, facts=facts)
    for one in composite.prints:
        started = time.perf_counter()
        length = size_mm(composite, one)
        file = _print_file(one.design, length, composite.size.name)
        key = OutputKey(OutputKind.PRINT_FILE, one.placement.side)
        facts = {"garment_size": composite.size.name, "width_mm": round(length[0], 1), "height_mm": round(length[1], 1)}
        yield output(key, file.body, PNG, (file.width, file.height), started=started, facts=facts)


def _still(
    request: MockupRequest, composite: Composite, engine: Engine, angle: str, background: Colour | None
) -> Output:
    started = time.perf_counter()
    sizes = request.pictures
    opaque = background.rgb if background and background.is_opaque else None
    picture = engine.still(composite.artwork, angle, size=sizes.still, background=opaque, samples=sizes.samples)
    if background and not background.is_opaque:
        picture = over(picture, background)
    facts = {
        **versions(composite, engine),
        "checks": as_facts(check_still(composite, picture, angle, engine)),
    }
    body = png(picture, notes=_notes(composite))
    return output(
        OutputKey(OutputKind.STILL, angle), body, PNG, (sizes.still, sizes.still), started=started, facts=facts
    )


def _notes(composite: Composite) -> dict[str, str]:
    """What stands in a picture's file: which garment, and which of its sizes."""
    return {"Garment": composite.garment.template_id, "Size": composite.size.name}
