"""One or two designs on the flat garment: where they lie, the ink that they leave, and the picture of it.

Keep out: decoding designs (`designs`), what ink does (`inks`), files (`print_file`, `maker`).

A composite is of the garment's template size. `real_mm` turns its pixels into millimetres of the size asked for:
prints on small sizes are made smaller by the garment's rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from orchestration.mockups.artwork import Artwork, InkLayer
from orchestration.mockups.composites.flat_art import flat_art
from orchestration.mockups.composites.inks import ink_mode, printed
from orchestration.mockups.composites.verdict import fit
from orchestration.mockups.designs.background import solid_box
from orchestration.mockups.designs.readiness import readiness
from orchestration.mockups.fabrics import to_linear, to_srgb
from orchestration.mockups.pixels import resized
from orchestration.mockups.presets import Adjustment, Placement, Preset, Side, adjust, place
from orchestration.mockups.refusals import MockupRefusedError, RefusalCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from orchestration.mockups.composites.verdict import FabricFit
    from orchestration.mockups.designs.design import Design
    from orchestration.mockups.designs.readiness import Readiness
    from orchestration.mockups.fabrics import Fabric
    from orchestration.mockups.garments.model import Garment, Size
    from orchestration.mockups.mockup_request import InkMode

    Pixels = NDArray[np.uint8]

_OPAQUE = 255


class PlacedDesign(NamedTuple):
    """A design and the place that is asked for."""

    design: Design
    preset: Preset
    adjustment: Adjustment = Adjustment()


class Print(NamedTuple):
    """A printed design: where it lies, its layer of ink, and how good it is."""

    design: Design
    preset: Preset
    placement: Placement
    ink: Pixels
    readiness: Readiness
    fit: FabricFit


@dataclass(frozen=True, eq=False)
class Composite:
    """A garment in a colour with its prints, of a garment size."""

    garment: Garment
    fabric: Fabric
    size: Size
    prints: tuple[Print, ...]

    @property
    def real_mm(self) -> float:
        """Millimetres of a print on this size for each pixel of the canvas."""
        return self.size.print_scale / self.garment.px_per_mm

    @cached_property
    def artwork(self) -> Artwork:
        """What the renderer takes; always the same object, by which a renderer knows it again."""
        layers = tuple(InkLayer(one.placement.left, one.placement.top, one.ink) for one in self.prints)
        return Artwork(self.garment, self.fabric.colour.rgb, layers)

    def picture(self) -> Pixels:
        """Draw the flat garment with its prints: uint8 of canvas x canvas x 4, opaque."""
        art = flat_art(self.garment, self.fabric.colour)
        for one in self.prints:
            _lay(art, one.ink, one.placement)
        return art


def compose(garment: Garment, fabric: Fabric, size: Size, designs: Sequence[PlacedDesign], ink: InkMode) -> Composite:
    """Place and print the designs.

    Raises:
        MockupRefusedError: VALIDATION_ERROR; the garment lacks a preset, a print leaves its zone, or two share a side.

    """
    _check_sides(designs)
    mode = ink_mode(ink, fabric.colour)
    composite = Composite(garment, fabric, size, ())
    prints = []
    for one in designs:
        placement = place_on(garment, size, one.design.size, one.preset, one.adjustment)
        layer = printed(resized(one.design.pixels, placement.width, placement.height), fabric.colour, mode)
        box = solid_box(one.design.pixels)
        prints.append(
            Print(
                one.design,
                one.preset,
                placement,
                layer,
                readiness(one.design, placement.width * composite.real_mm, box),
                fit(one.design.pixels, fabric.colour, mode, box),
            )
        )
    return Composite(garment, fabric, size, tuple(prints))


def place_on(
    garment: Garment, size: Size, design: tuple[int, int], preset: Preset, adjustment: Adjustment
) -> Placement:
    """Place a design of `design` pixels on a garment, whose presets and zones bound it; raises as `compose` does."""
    if preset not in garment.presets:
        problem = f"the garment {garment.template_id} has no preset {preset}"
        remedy = f"choose one of {', '.join(garment.presets)}"
        raise MockupRefusedError(RefusalCode.VALIDATION_ERROR, problem, remedy)
    placement = place(design, preset, garment.panels[preset.side])
    zone = garment.zone_px(garment.piece(preset.side))
    return adjust(placement, adjustment, zone, garment.px_per_mm / size.print_scale)


def _check_sides(designs: Sequence[PlacedDesign]) -> None:
    sides = [one.preset.side for one in designs]
    for side in Side:
        if sides.count(side) > 1:
            presets = " and ".join(one.preset for one in designs if one.preset.side is side)
            raise MockupRefusedError(
                RefusalCode.VALIDATION_ERROR, f"{presets} both print on the {side}", "choose one preset for each side"
            )


def _lay(art: Pixels, ink: Pixels, placement: Placement) -> None:
    """Lay ink over the picture in linear light (source-over); what leaves the canvas is cut off."""
    height, width = art.shape[:2]
    left, top = max(-placement.left, 0), max(-placement.top, 0)
    kept = ink[top : height - placement.top, left : width - placement.left]
    x, y = placement.left + left, placement.top + top
    under = art[y : y + kept.shape[0], x : x + kept.shape[1]]
    covered = kept[:, :, 3] == _OPAQUE
    under[covered] = kept[covered]
    partial = (kept[:, :, 3] > 0) & ~covered
    share = kept[partial][:, 3:].astype(np.float32) / _OPAQUE
    light = to_linear(kept[partial][:, :3]) * share + to_linear(under[partial][:, :3]) * (1 - share)
    under[partial, :3] = to_srgb(light)
