"""The print file: a design at its real size, for the printer.

Keep out: what fabric and ink make of it, which the printer's software decides: the file is the same for all fabrics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from orchestration.mockups.designs.readiness import MM_PER_INCH
from orchestration.mockups.pixels import png, resized

if TYPE_CHECKING:
    from orchestration.mockups.designs.design import Design

DPI: Final = 300
PIXELS_PER_METRE: Final = round(DPI / MM_PER_INCH * 1000)


class PrintFile(NamedTuple):
    """A PNG with its size in pixels; its density is `PIXELS_PER_METRE`."""

    body: bytes
    width: int
    height: int


def print_file(design: Design, size_mm: tuple[float, float], garment_size: str) -> PrintFile:
    """Write a design so that it prints `size_mm` wide and high on a garment of that size.

    A design that is neither of 300 DPI nor more is enlarged; `designs.readiness` warns where that shows.
    """
    width, height = (max(round(length / MM_PER_INCH * DPI), 1) for length in size_mm)
    pixels = resized(design.pixels, width, height)
    notes = {"Size": garment_size, "Print": f"{size_mm[0]:.1f} x {size_mm[1]:.1f} mm at {DPI} DPI"}
    shown = pixels if design.has_alpha else pixels[:, :, :3]
    return PrintFile(png(shown, pixels_per_metre=PIXELS_PER_METRE, notes=notes), width, height)
