"""The floor plan of every storey: one 2D union, gaps closed, slivers filled, loose pieces bridged.

It holds the 2D geometry of a blueprint, by manifold3d's CrossSection (Clipper2). Keep out: triangles and heights.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from orchestration.lettering.offsets import grow, segments, shrunk
from orchestration.prints.solid.refusal import Check, PrintRefusedError
from orchestration.prints.solid.terraces import Region

if TYPE_CHECKING:
    from orchestration.lettering.offsets import Ring
    from orchestration.lettering.outlines import Outlines
    from orchestration.prints.solid.blueprint import Blueprint, StoreyPlan, Variant

MIN_GAP: Final = 0.8
"""Holes of a plate narrower than this, in mm, are filled."""
PATCH_OVERLAP: Final = 0.1
"""Less than any lip between two storeys, so that a patch never sticks out of the storey below."""
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
        rings = _floor(blueprint, storey, outlines)
        floor = Region.of_rings(rings)
        patches: list[Ring] = []
        if storey is not blueprint.storeys[-1]:
            patches = _slivers(floor, storey.smallest_hole)
            if level == 0:
                patches += _bridges(floor)
        plans.append(replace(storey, patches=tuple(patches)))
        regions.append(_completed(floor, rings, plans[-1]))
    return Drawing(blueprint.with_storeys(plans), tuple(regions))


def _floor(blueprint: Blueprint, storey: StoreyPlan, outlines: Outlines) -> list[Ring]:
    """Return the text and the bars of a storey as rings that do not cross."""
    import manifold3d as m3

    # Growing distributes over a union, so each glyph is grown once for ever and only the shrinking is done here.
    rings = [bar.ring(storey.closing) for bar in storey.bars]
    if storey.margin is not None:
        rings += blueprint.block.grown(outlines, storey.margin + storey.closing)
        if not storey.bars and storey.margin + storey.closing == 0 and _apart(blueprint):
            return rings
    floor: list[Ring] = shrunk(m3.CrossSection(rings, m3.FillRule.NonZero), storey.closing).to_polygons()
    return floor


def _apart(blueprint: Blueprint) -> bool:
    """Tell whether the boxes of all glyphs keep clear of each other, so that no union is needed."""
    boxes = np.array([placed.box for placed in blueprint.block.glyphs])
    before = (boxes[:, None, :2] <= boxes[None, :, 2:]).all(axis=2)
    return int((before & before.T).sum()) == len(boxes)


def _completed(floor: Region, rings: list[Ring], storey: StoreyPlan) -> Region:
    """Add the patches and the frames of a storey, and cut its holes."""
    import manifold3d as m3

    if not (storey.patches or storey.frames or storey.holes):
        return floor
    if storey.patches:
        rings = m3.CrossSection([*rings, *storey.patches], m3.FillRule.NonZero).to_polygons()
    frames = [ring for outer, inner in storey.frames for ring in (outer.ring(), inner.ring()[::-1])]
    return Region.of_rings([*rings, *frames, *(hole.ring()[::-1] for hole in storey.holes)])


def _slivers(floor: Region, smallest_hole: float) -> list[Ring]:
    """Return a patch for each hole that is too small or too narrow to print; it overlaps the hole's rim."""
    import manifold3d as m3

    patches: list[Ring] = []
    for ring, area in zip(floor.rings(), floor.areas.tolist(), strict=True):
        if area > 0:
            continue
        edge = np.hypot(*(np.roll(ring, -1, axis=0) - ring).T).sum()
        if -area < smallest_hole or -2 * area / edge < MIN_GAP:
            patches += grow(m3.CrossSection([ring[::-1]]), PATCH_OVERLAP).to_polygons()
    return patches


def _bridges(floor: Region) -> list[Ring]:
    """Return a strip to each loose piece, the nearest one first, from the nearest point of what is joined by then."""
    outer = [(area, ring) for ring, area in zip(floor.rings(), floor.areas.tolist(), strict=True) if area > 0]
    outer.sort(key=lambda piece: -piece[0])
    joined, *loose = (ring for _, ring in outer)
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
