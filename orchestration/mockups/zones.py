"""A garment's printable zones in true size: as data for shops and customers, and as a drawing with a ruler.

Keep out: the garments themselves (`garments`), and designs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from orchestration.mockups.composites.flat_art import flat_art
from orchestration.mockups.composites.print_file import DPI
from orchestration.mockups.designs.readiness import LEAST_DPI, MM_PER_INCH
from orchestration.mockups.fabrics import FABRICS
from orchestration.mockups.presets import Preset, Side, printable_frame

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from orchestration.mockups.artwork import Rgb
    from orchestration.mockups.composites.compositing import Composite
    from orchestration.mockups.garments.model import Box, Garment, Piece, Size

    Pixels = NDArray[np.uint8]

SAFE_MARGIN_MM: Final = 10.0
"""Within a zone, ink keeps so far from its edge, since cloth on a platen is never quite straight."""
_ZONE_INK, _SAFE_INK, _RULER_INK = (214, 40, 60), (40, 120, 200), (90, 96, 104)
_PRESET_INK: Final = (40, 150, 90)
_LIGHT_INK, _DARK_BELOW = (205, 210, 216), 300
_TICK_MM, _LONG_TICK_EVERY = 10, 10


def describe(garment: Garment) -> dict[str, Any]:
    """Describe a garment: sizes, zones and presets in mm, the pixels that they need, and its seams."""
    return {
        "template_id": garment.template_id,
        "name": garment.name,
        "cut": garment.cut,
        "active": garment.active,
        "version": garment.version,
        "template_size": garment.template_size,
        "sizes": [_size(size) for size in garment.sizes],
        "zones": {side.value: _zone(garment, garment.piece(side)) for side in Side},
        "presets": {name: _preset(garment, Preset(name)) for name in garment.presets},
        "fabrics": list(garment.fabrics),
        "seams": [list(seam) for seam in garment.seams],
        "safe_margin_mm": SAFE_MARGIN_MM,
    }


def draw_zones(garment: Garment) -> Pixels:
    """Draw the flat garment with its zones, their safe area, the places of the presets and rulers in cm."""
    picture = flat_art(garment, FABRICS["white"])
    for side in Side:
        zone = garment.zone_px(garment.piece(side))
        inset = round(SAFE_MARGIN_MM * garment.px_per_mm)
        _outline(picture, (zone.x0 + inset, zone.y0 + inset, zone.x1 - inset, zone.y1 - inset), _SAFE_INK, 3)
        _outline(picture, zone, _ZONE_INK, 6)
        _ruler(picture, zone, garment.px_per_mm, _RULER_INK)
        _label(
            picture,
            f"{side}: {_cm(garment, zone.x1 - zone.x0)} x {_cm(garment, zone.y1 - zone.y0)} cm",
            zone,
            _RULER_INK,
        )
    for name in garment.presets:
        _outline(picture, _largest(garment, Preset(name)), _PRESET_INK, 2)
    picture[:, :, 3] = 255  # smooth lines leave their alpha behind
    return picture


def draw_measures(picture: Pixels, composite: Composite) -> None:
    """Draw on a composite, of its garment's size: the printed sides' rulers, and each print's measures, in place."""
    garment = composite.garment
    # The numbers stand beside the cloth too, on dark ground.
    is_dark = sum(composite.fabric.colour.rgb) < _DARK_BELOW
    ink = _LIGHT_INK if is_dark else _RULER_INK
    for one in composite.prints:
        zone = garment.zone_px(garment.piece(one.placement.side))
        _outline(picture, zone, _ZONE_INK, 4)
        _ruler(picture, zone, 1 / composite.real_mm, ink)
        _outline(picture, one.placement.box, _PRESET_INK, 4)
        width, height = (pixels * composite.real_mm / 10 for pixels in (one.placement.width, one.placement.height))
        _label(picture, f"{width:.1f} x {height:.1f} cm, size {composite.size.name}", zone, ink)
    picture[:, :, 3] = 255  # smooth lines leave their alpha behind


def _size(size: Size) -> dict[str, Any]:
    return {
        "name": size.name,
        "width_mm": size.width_mm,
        "length_mm": size.length_mm,
        "print_scale": size.print_scale,
    }


def _zone(garment: Garment, piece: Piece) -> dict[str, Any]:
    zone = garment.zone_px(piece)
    return _pixels_needed((zone.x1 - zone.x0) / garment.px_per_mm, (zone.y1 - zone.y0) / garment.px_per_mm)


def _preset(garment: Garment, preset: Preset) -> dict[str, Any]:
    left, top, right, bottom = _largest(garment, preset)
    needed = _pixels_needed((right - left) / garment.px_per_mm, (bottom - top) / garment.px_per_mm)
    return {"side": preset.side.value, **needed}


def _pixels_needed(width_mm: float, height_mm: float) -> dict[str, Any]:
    """A rectangle in mm, and the pixels that fill it at the least and at the best resolution."""
    needed = {
        f"px_at_{dpi}_dpi": [round(length / MM_PER_INCH * dpi) for length in (width_mm, height_mm)]
        for dpi in (LEAST_DPI, DPI)
    }
    return {"width_mm": round(width_mm, 1), "height_mm": round(height_mm, 1), **needed}


def _largest(garment: Garment, preset: Preset) -> tuple[int, int, int, int]:
    """The box that no design of a preset leaves, in pixels of the canvas."""
    frame, rule = printable_frame(preset, garment.panels[preset.side]), preset.rule
    x, y = (frame.x0 + frame.x1) / 2, frame.y0 + frame.height * rule.centre
    across, down = frame.width * rule.scale / 2, frame.height * rule.max_height / 2
    return round(x - across), round(y - down), round(x + across), round(y + down)


def _cm(garment: Garment, pixels: int) -> str:
    return f"{pixels / garment.px_per_mm / 10:.1f}"


def _outline(picture: Pixels, box: tuple[int, int, int, int], colour: tuple[int, int, int], thickness: int) -> None:
    import cv2

    cv2.rectangle(picture, box[:2], box[2:], (*colour, 255), thickness, lineType=cv2.LINE_AA)


def _ruler(picture: Pixels, zone: Box, px_per_mm: float, ink: Rgb) -> None:
    """Draw ticks each cm along the zone's upper and left edges, with numbers each 10 cm."""
    import cv2

    step = _TICK_MM * px_per_mm
    for start, end, across in ((zone.x0, zone.x1, True), (zone.y0, zone.y1, False)):
        for number in range(int((end - start) / step) + 1):
            is_long = number % _LONG_TICK_EVERY == 0
            at, length = round(start + number * step), 44 if is_long else 22
            tip = (at, zone.y0 - length) if across else (zone.x0 - length, at)
            foot = (at, zone.y0) if across else (zone.x0, at)
            cv2.line(picture, foot, tip, (*ink, 255), 3, lineType=cv2.LINE_AA)
            if is_long and number:
                where = (at - 26, zone.y0 - 54) if across else (zone.x0 - 112, at + 16)
                _write(picture, str(number), where, 1.4, ink)


def _label(picture: Pixels, text: str, zone: Box, ink: Rgb) -> None:
    _write(picture, text, (zone.x0 + 50, zone.y1 - 60), 2.2, ink)


def _write(picture: Pixels, text: str, where: tuple[int, int], scale: float, ink: Rgb) -> None:
    import cv2

    cv2.putText(
        picture, text, where, cv2.FONT_HERSHEY_SIMPLEX, scale, (*ink, 255), max(round(2 * scale), 1), cv2.LINE_AA
    )
