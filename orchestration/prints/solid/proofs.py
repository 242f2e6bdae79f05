"""Right or refused: what must hold before a file may leave.

It holds the checks on a drawing and on a solid, each with what it measured. Keep out: the proofs (`mesh`, `terraces`),
and the rules on characters (`lettering`), which refuse where they find the fault.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, NoReturn

from orchestration.lettering.errors import describe
from orchestration.prints.solid.mesh import OpenSolidError
from orchestration.prints.solid.refusal import Check, PrintRefusedError
from orchestration.prints.solid.strokes import Legibility, thinnest_stroke

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestration.lettering.layout import Placed
    from orchestration.prints.solid.mesh import Mesh
    from orchestration.prints.solid.printer import Printer
    from orchestration.prints.solid.sections import Drawing
    from orchestration.prints.solid.strokes import Strokes


class Proof(NamedTuple):
    """A check that passed: what was measured, in words."""

    check: Check
    measured: str


def check_drawing(drawing: Drawing, strokes: Strokes, printer: Printer) -> list[Proof]:
    """Check the strokes of every letter, and that the body is one piece.

    Raises:
        PrintRefusedError: a stroke is thinner than the nozzle, or a part of the text hangs on nothing.

    """
    block = drawing.blueprint.block
    for placed in block.glyphs:
        glyph = placed.glyph
        legibility = strokes.legibility(glyph.face, glyph.number, block.scale.sized(glyph.size), printer.nozzle)
        if legibility is Legibility.THIN:
            _refuse_thin(placed, printer.nozzle)
        if legibility is Legibility.CLOGGED:
            _refuse_clogged(placed, printer.nozzle)
    patches = len(drawing.blueprint.storeys[0].patches)
    return [
        Proof(Check.CHARACTERS, f"{len(block.glyphs)} glyphs drawn with {', '.join(block.faces)}"),
        Proof(Check.STROKES, f"every stroke at least {printer.nozzle:g} mm"),
        Proof(Check.SLIVERS, f"{patches} patches for slivers and loose pieces" if patches else "none found"),
    ]


def _refuse_thin(placed: Placed, nozzle: float) -> NoReturn:
    width = thinnest_stroke(placed.outline.section, nozzle)
    raise PrintRefusedError(
        Check.STROKES,
        f"a stroke of {describe(placed.glyph.text)} is {width:.2f} mm wide, the nozzle {nozzle:g} mm",
        remedy="shorten the text so that it is drawn larger, or print it with a finer nozzle",
    )


def _refuse_clogged(placed: Placed, nozzle: float) -> NoReturn:
    raise PrintRefusedError(
        Check.STROKES,
        f"the gaps of {describe(placed.glyph.text)} are narrower than the nozzle, {nozzle:g} mm, and would run full",
        remedy="ask for a plainer spelling, or print it with a finer nozzle",
    )


def check_solid(mesh: Mesh, printer: Printer) -> list[Proof]:
    """Check that a solid is closed, of positive volume, one piece, and fits the bed.

    Raises:
        OpenSolidError: it is not closed.
        PrintRefusedError: it is in pieces or too large.

    """
    if not mesh.watertight or mesh.volume <= 0:
        raise OpenSolidError("the solid is not closed")
    if mesh.bodies != 1:
        raise PrintRefusedError(
            Check.ONE_PIECE, f"the product is in {mesh.bodies} pieces", remedy="ask for another spelling"
        )
    size = "{:.1f} x {:.1f} x {:.1f} mm".format(*mesh.size)
    if not printer.fits(mesh.size):
        bed = " x ".join(f"{side:g}" for side in printer.bed)
        raise PrintRefusedError(
            Check.BED, f"the product is {size}, the printer takes {bed} mm", remedy="shorten the text"
        )
    return [
        Proof(Check.WATERTIGHT, f"{len(mesh.triangles)} triangles, every edge paired, {mesh.volume:.0f} mm³"),
        Proof(Check.ONE_PIECE, "1 body"),
        Proof(Check.BED, size),
    ]


def as_rows(proofs: Iterable[Proof]) -> list[dict[str, str]]:
    """Return proofs as rows for a report."""
    return [{"check": proof.check.value, "measured": proof.measured} for proof in proofs]
