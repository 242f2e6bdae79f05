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

    from orchestration.prints.blueprint import Blueprint, StoreyPlan
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
    """Return a strip from each loose piece to the nearest point of the rest."""
    if Region.of(section).pieces == 1:
        return []
    pieces = sorted(section.decompose(), key=lambda piece: -piece.area())
    joined = np.concatenate(pieces[0].to_polygons())
    strips: list[Ring] = []
    for piece in pieces[1:]:
        points = np.concatenate(piece.to_polygons())
        distances = np.hypot(*(joined[:, None, :] - points[None, :, :]).transpose(2, 0, 1))
        start, end = np.unravel_index(distances.argmin(), distances.shape)
        if distances[start, end] > LONGEST_BRIDGE:
            raise PrintRefusedError(
                Check.ONE_PIECE,
                f"a part of the text is {distances[start, end]:.0f} mm from the rest",
                remedy="ask for another spelling, or print it as two products",
            )
        strips.append(_strip(joined[start], points[end]))
        joined = np.concatenate([joined, points])
    return strips


def _strip(start: Ring, end: Ring) -> Ring:
    """Return the outline of a strip with round ends over two points."""
    import manifold3d as m3

    circle = m3.CrossSection.circle(BRIDGE_WIDTH / 2, segments(BRIDGE_WIDTH / 2)).to_polygons()[0]
    hull: Ring = m3.CrossSection.hull_points(np.concatenate([circle + start, circle + end])).to_polygons()[0]
    return hull
