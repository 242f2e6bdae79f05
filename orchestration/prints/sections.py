"""The floor plan of every storey: one 2D union, gaps closed, slivers filled, loose pieces bridged.

Belongs here: 2D geometry of a blueprint, by manifold3d's CrossSection (Clipper2). Does not: triangles or heights.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from orchestration.prints.offsets import grow, segments, shrunk
from orchestration.prints.refusal import Check, PrintRefusedError
from orchestration.prints.terraces import Region

if TYPE_CHECKING:
    import manifold3d

    from orchestration.prints.blueprint import Blueprint, StoreyPlan, Variant
    from orchestration.prints.offsets import Ring
    from orchestration.prints.outlines import Outlines

MIN_GAP: Final = 0.8
"""Holes of a plate narrower than this, in mm, are filled."""
PATCH_OVERLAP: Final = 0.3
BRIDGE_WIDTH: Final = 2.4
LONGEST_BRIDGE: Final = 15.0


class Drawing(NamedTuple):
    """A blueprint with its patches, and the region of each storey."""

    blueprint: Blueprint
    regions: tuple[Region, ...]

    def of_variant(self, variant: Variant) -> Drawing:
        """Return the drawing with the variant's channel."""
        return self._replace(blueprint=replace(self.blueprint, channel=variant.channel))


def draw(blueprint: Blueprint, outlines: Outlines) -> Drawing:
    """Draw the floor plan of each storey.

    Raises:
        PrintRefusedError: a piece is too far from the rest to be bridged.

    """
    plans: list[StoreyPlan] = []
    regions: list[Region] = []
    for level, storey in enumerate(blueprint.storeys):
        section = _section(blueprint, storey, outlines)
        patches: list[Ring] = []
        if storey is not blueprint.storeys[-1]:
            patches = _slivers(section, storey.smallest_hole)
            if level == 0:
                patches += _bridges(section)
        plans.append(replace(storey, patches=tuple(patches)))
        regions.append(_region(section, plans[-1]))
    return Drawing(blueprint.with_storeys(plans), tuple(regions))


def _section(blueprint: Blueprint, storey: StoreyPlan, outlines: Outlines) -> manifold3d.CrossSection:
    import manifold3d as m3

    # Growing distributes over a union, so each glyph is grown once for ever and only the shrinking is done here.
    rings = [bar.ring(storey.closing) for bar in storey.bars]
    if storey.margin is not None:
        rings += blueprint.block.grown(outlines, storey.margin + storey.closing)
    return shrunk(m3.CrossSection(rings, m3.FillRule.NonZero), storey.closing)


def _region(section: manifold3d.CrossSection, storey: StoreyPlan) -> Region:
    import manifold3d as m3

    if storey.patches:
        section += m3.CrossSection(list(storey.patches), m3.FillRule.NonZero)
    rings = section.to_polygons()
    for outer, inner in storey.frames:
        rings += [outer.ring(), inner.ring()[::-1]]
    rings += [hole.ring()[::-1] for hole in storey.holes]
    return Region.of_rings(rings)


def _slivers(section: manifold3d.CrossSection, smallest_hole: float) -> list[Ring]:
    """Return a patch for each hole that is too small or too narrow to print; it overlaps the hole's rim."""
    import manifold3d as m3

    region = Region.of(section)
    patches: list[Ring] = []
    for ring, area in zip(region.rings(), region.areas.tolist(), strict=True):
        edge = np.hypot(*(np.roll(ring, -1, axis=0) - ring).T).sum()
        if area < 0 and (-area < smallest_hole or -2 * area / edge < MIN_GAP):
            patches += grow(m3.CrossSection([ring[::-1]]), PATCH_OVERLAP).to_polygons()
    return patches


def _bridges(section: manifold3d.CrossSection) -> list[Ring]:
    """Return a strip to each loose piece, the nearest one first, from the nearest point of what is joined by then."""
    if Region.of(section).pieces == 1:
        return []
    pieces = sorted(section.decompose(), key=lambda piece: -piece.area())
    joined, *loose = (np.concatenate(piece.to_polygons()) for piece in pieces)
    strips: list[Ring] = []
    while loose:
        gaps = [_gap(joined, piece) for piece in loose]
        nearest = min(range(len(loose)), key=lambda piece: gaps[piece].length)
        gap, piece = gaps[nearest], loose.pop(nearest)
        if gap.length > LONGEST_BRIDGE:
            raise PrintRefusedError(
                Check.ONE_PIECE,
                f"a part of the text is {gap.length:.0f} mm from the rest",
                remedy="ask for another spelling, or print it as two products",
            )
        strips.append(_strip(gap))
        joined = np.concatenate([joined, piece])
    return strips


class _Gap(NamedTuple):
    """The shortest way between two pieces, in mm."""

    length: float
    start: Ring
    end: Ring


def _gap(joined: Ring, piece: Ring) -> _Gap:
    distances = np.hypot(
        joined[:, None, 0] - piece[None, :, 0],
        joined[:, None, 1] - piece[None, :, 1],
    )
    start, end = np.unravel_index(distances.argmin(), distances.shape)
    return _Gap(float(distances[start, end]), joined[start], piece[end])


def _strip(gap: _Gap) -> Ring:
    """Return the outline of a strip with round ends over a gap."""
    import manifold3d as m3

    circle = m3.CrossSection.circle(BRIDGE_WIDTH / 2, segments(BRIDGE_WIDTH / 2)).to_polygons()[0]
    hull: Ring = m3.CrossSection.hull_points(np.concatenate([circle + gap.start, circle + gap.end])).to_polygons()[0]
    return hull
