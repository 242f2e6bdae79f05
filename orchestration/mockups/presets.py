"""The nine presets: which side a design is printed on, how large, and where.

The table, and the arithmetic from a panel of the flat garment to a rectangle of whole pixels. Keep out: pixels of
designs (`composites`), and what the panels measure (`garments`).

Everything is in pixels of the flat garment's canvas, y downwards. A panel less a margin on each side is its printable
box; a preset takes a share of the box's width, and less if the design would be higher than the share of its height that
the preset allows. A design is enlarged as well as made smaller, and nothing is clamped.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from orchestration.mockups.rectangle import Rectangle
from orchestration.mockups.refusals import MockupRefusedError, RefusalCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.mockups.garments.model import Box


class Side(StrEnum):
    """The side of a garment that is printed on."""

    FRONT = "front"
    BACK = "back"


class Preset(StrEnum):
    """Where on a garment, and how large."""

    CHEST_SMALL = "chest-small"
    CHEST_MEDIUM = "chest-medium"
    CHEST_LARGE = "chest-large"
    BACK_SMALL = "back-small"
    BACK_MEDIUM = "back-medium"
    BACK_LARGE = "back-large"
    BACK_BOTTOM_SMALL = "back-bottom-small"
    BACK_BOTTOM_MEDIUM = "back-bottom-medium"
    BACK_BOTTOM_LARGE = "back-bottom-large"

    @property
    def rule(self) -> PresetRule:
        """Its row of the table."""
        return _RULES[self]

    @property
    def side(self) -> Side:
        """The side that it prints on."""
        return self.rule.side


class PresetRule(NamedTuple):
    """A row of the table.

    `scale` is the share of the printable box's width, `margin` the share of the panel that is left free on each side,
    `centre` the height of the design's middle as a share of the box from its top, `max_height` a share of its height.
    """

    side: Side
    scale: float
    margin: float
    centre: float
    max_height: float


_RULES: Final = {
    Preset.CHEST_SMALL: PresetRule(Side.FRONT, 0.45, 0.15, 0.15, 0.25),
    Preset.CHEST_MEDIUM: PresetRule(Side.FRONT, 0.60, 0.12, 0.22, 0.35),
    Preset.CHEST_LARGE: PresetRule(Side.FRONT, 0.75, 0.08, 0.50, 0.80),
    Preset.BACK_SMALL: PresetRule(Side.BACK, 0.40, 0.15, 0.12, 0.20),
    Preset.BACK_MEDIUM: PresetRule(Side.BACK, 0.60, 0.12, 0.30, 0.35),
    Preset.BACK_LARGE: PresetRule(Side.BACK, 0.70, 0.10, 0.25, 0.50),
    Preset.BACK_BOTTOM_SMALL: PresetRule(Side.BACK, 0.50, 0.10, 0.80, 0.25),
    Preset.BACK_BOTTOM_MEDIUM: PresetRule(Side.BACK, 0.60, 0.10, 0.75, 0.35),
    Preset.BACK_BOTTOM_LARGE: PresetRule(Side.BACK, 0.65, 0.08, 0.70, 0.45),
}


class Placement(NamedTuple):
    """Where a design is printed: its side, and a rectangle of whole pixels of the canvas."""

    side: Side
    left: int
    top: int
    width: int
    height: int

    @property
    def box(self) -> Box:
        """The rectangle."""
        from orchestration.mockups.garments.model import Box

        return Box(self.left, self.top, self.left + self.width, self.top + self.height)


class Adjustment(NamedTuple):
    """What is asked for on top of a preset: the width of the print in mm, and a shift in mm, right and down."""

    width_mm: float | None = None
    offset_mm: tuple[float, float] | None = None


def parse_preset(text: str) -> Preset:
    """Read a preset's name.

    Raises:
        MockupRefusedError: VALIDATION_ERROR; the message lists the nine.

    """
    try:
        return Preset(text.strip().lower())
    except ValueError as error:
        names = ", ".join(Preset)
        problem = f"the preset {text[:40]!r} is not known"
        raise MockupRefusedError(RefusalCode.VALIDATION_ERROR, problem, f"write one of {names}") from error


def printable_frame(preset: Preset, panel: Box) -> Rectangle:
    """Return the panel without the preset's margin."""
    margin = preset.rule.margin
    across, down = (panel.x1 - panel.x0) * margin, (panel.y1 - panel.y0) * margin
    return Rectangle(panel.x0 + across, panel.y0 + down, panel.x1 - across, panel.y1 - down)


def place(design: tuple[int, int], preset: Preset, panel: Box) -> Placement:
    """Return where a design of `design` (width, height) pixels is printed on the panel of the preset's side.

    Sizes and the upper left corner are cut to whole pixels, and no side is less than one.
    """
    rule, frame = preset.rule, printable_frame(preset, panel)
    aspect = design[1] / design[0]
    width, height = frame.width * rule.scale, frame.width * rule.scale * aspect
    if height > frame.height * rule.max_height:
        height = frame.height * rule.max_height
        width = height / aspect
    middle = (frame.x0 + frame.x1) / 2, frame.y0 + frame.height * rule.centre
    return _around(preset.side, middle, width, height)


def adjust(placement: Placement, wish: Adjustment, zone: Box, px_per_mm: float) -> Placement:
    """Return the placement with a width and a shift of its own, which must keep it inside of `zone`.

    The middle stays where the preset has it, but for the shift. Without a wish the placement stays as it is.

    Raises:
        MockupRefusedError: VALIDATION_ERROR; the print would reach out of the zone; the message has the numbers.

    """
    if wish.width_mm is None and wish.offset_mm is None:
        return placement
    width = placement.width if wish.width_mm is None else _checked_width(wish.width_mm) * px_per_mm
    right, down = wish.offset_mm or (0.0, 0.0)
    middle = placement.left + placement.width / 2, placement.top + placement.height / 2
    moved = middle[0] + right * px_per_mm, middle[1] + down * px_per_mm
    adjusted = _around(placement.side, moved, width, width * placement.height / placement.width)
    _check_inside(adjusted, zone, px_per_mm)
    return adjusted


def _around(side: Side, middle: tuple[float, float], width: float, height: float) -> Placement:
    whole = max(int(width), 1), max(int(height), 1)
    return Placement(side, int(middle[0] - whole[0] / 2), int(middle[1] - whole[1] / 2), *whole)


def _checked_width(width_mm: float) -> float:
    if width_mm > 0:
        return width_mm
    raise MockupRefusedError(
        RefusalCode.VALIDATION_ERROR, f"a print of {width_mm:g} mm has no width", "ask for more than 0 mm"
    )


def _check_inside(placement: Placement, zone: Box, px_per_mm: float) -> None:
    beyond = [f"{pixels / px_per_mm:.0f} mm beyond its {edge}" for edge, pixels in _overhang(placement.box, zone)]
    if beyond:
        printed = f"{placement.width / px_per_mm:.0f} x {placement.height / px_per_mm:.0f} mm"
        room = f"{(zone.x1 - zone.x0) / px_per_mm:.0f} x {(zone.y1 - zone.y0) / px_per_mm:.0f} mm"
        problem = f"the print of {printed} leaves the {placement.side} zone of {room}, {' and '.join(beyond)}"
        raise MockupRefusedError(RefusalCode.VALIDATION_ERROR, problem, "make it smaller, or move it back")


def _overhang(box: Box, zone: Box) -> Iterator[tuple[str, float]]:
    """By how many pixels a box reaches out of each edge; whole pixels are cut, so one counts for nothing."""
    edges = (
        ("left", zone.x0 - box.x0),
        ("top", zone.y0 - box.y0),
        ("right", box.x1 - zone.x1),
        ("bottom", box.y1 - zone.y1),
    )
    return ((edge, pixels) for edge, pixels in edges if pixels > 1)
