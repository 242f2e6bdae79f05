"""What is known about a composite, as plain data for a job's metadata, a command and a check.

Keep out: finding it (`designs.readiness`, `verdict`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestration.mockups.composites.verdict import Verdict

if TYPE_CHECKING:
    from orchestration.mockups.composites.compositing import Composite, Print

_BEST_FIRST = list(Verdict)


def report(composite: Composite) -> dict[str, Any]:
    """Describe a composite; `verdict` is that of the worst print, lengths are in mm of the garment's size."""
    prints = [_describe(composite, one) for one in composite.prints]
    warnings = [warning for one in prints for warning in one["warnings"]]
    worst = max((one.fit.verdict for one in composite.prints), key=_BEST_FIRST.index, default=Verdict.PRINTABLE)
    return {
        "template": composite.garment.template_id,
        "garment_version": composite.garment.version,
        "garment_size": composite.size.name,
        "fabric": {"name": composite.fabric.name, "hex": composite.fabric.colour.hex},
        "verdict": worst.value,
        "warnings": warnings,
        "prints": prints,
    }


def size_mm(composite: Composite, one: Print) -> tuple[float, float]:
    """Return the width and the height of a print on the garment's size."""
    return one.placement.width * composite.real_mm, one.placement.height * composite.real_mm


def _describe(composite: Composite, one: Print) -> dict[str, Any]:
    fit, ready = one.fit, one.readiness
    width_mm, height_mm = size_mm(composite, one)
    several = len(composite.prints) > 1
    found = [*fit.warnings(), *ready.warnings()]
    return {
        "design": one.design.name,
        "design_px": list(one.design.size),
        "preset": one.preset.value,
        "side": one.placement.side.value,
        "canvas_px": list(one.placement[1:]),
        "width_mm": round(width_mm, 1),
        "height_mm": round(height_mm, 1),
        "dpi": ready.dpi,
        "transparent_margins": list(ready.margins),
        "thin_strokes": ready.thin_strokes.share if ready.thin_strokes else 0.0,
        "ink": fit.mode.value,
        "verdict": fit.verdict.value,
        "visible": fit.visible,
        "contrast": fit.contrast,
        "near_fabric": [{"hex": lost.colour.hex, "share": lost.share} for lost in fit.lost],
        "half_transparent": fit.half_transparent,
        "half_transparent_mm": _millimetres(fit.soft_box, width_mm, height_mm),
        "solid_box": fit.box.colour.hex if fit.box else None,
        "outside_gamut": fit.outside_gamut,
        "warnings": [f"{one.placement.side}: {warning}" if several else warning for warning in found],
    }


def _millimetres(
    box: tuple[float, float, float, float] | None, width_mm: float, height_mm: float
) -> list[float] | None:
    """A box in shares of a print as left, top, right, bottom in mm from its upper left corner."""
    if box is None:
        return None
    return [round(share * length, 1) for share, length in zip(box, (width_mm, height_mm) * 2, strict=True)]
