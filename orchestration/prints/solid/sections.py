"""The floor plan of every storey: one 2D union, gaps closed, slivers filled, loose pieces bridged.

It holds the 2D geometry of a blueprint, by manifold3d's CrossSection (Clipper2). Keep out: triangles and heights.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from orchestration.lettering.offsets import grow, segments, shrunk
from orchestration.prints.solid.refusal import Check, PrintRefusedError
from orchestration.prints.solid.terraces import Region

if TYPE_CHECKING:
    from orchestration.lettering.offsets import Ring
    from orchestration.lettering.outlines import Outlines
    from orchestration.prints.solid.blueprint import Bar, Blueprint, StoreyPlan, Variant

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
    last = len(blueprint.storeys) - 1
    drawn: list[tuple[StoreyPlan, Region]] = []
    for level, storey in enumerate(blueprint.storeys):
        if storey.margin is None:
            drawn.append(_textless(storey, is_lowest=level == 0, is_highest=level == last))
        else:
            rings = _floor(blueprint, storey, storey.margin + storey.closing, outlines)
            drawn.append(_drawn(storey, rings, is_lowest=level == 0, is_highest=level == last))
    plans, regions = zip(*drawn, strict=True)
    return Drawing(blueprint.with_storeys(plans), regions)


# The same under every text, so what is computed of its region, such as its triangles, is computed once too.
@lru_cache(maxsize=16)
def _textless(storey: StoreyPlan, *, is_lowest: bool, is_highest: bool) -> tuple[StoreyPlan, Region]:
    """Return what `_drawn` does for a storey that shows nothing of the text."""
    return _drawn(storey, _united(storey, []), is_lowest=is_lowest, is_highest=is_highest)


def _drawn(storey: StoreyPlan, rings: list[Ring], *, is_lowest: bool, is_highest: bool) -> tuple[StoreyPlan, Region]:
    """Return a storey with its patches, and its region; `rings` are its text and its bars."""
    if is_highest:
        return storey, Region.of_rings(_completed(storey, rings))
    floor = Region.of_rings(rings)
    patches = _slivers(floor, storey.smallest_hole)
    if is_lowest:
        patches += _bridges(floor)
    patched = replace(storey, patches=tuple(patches))
    completed = _completed(patched, rings)
    return patched, floor if completed is rings else Region.of_rings(completed)


def _floor(blueprint: Blueprint, storey: StoreyPlan, growth: float, outlines: Outlines) -> list[Ring]:
    """Return the text, grown by `growth` mm before gaps are closed, and the bars as rings that do not cross."""
    # Growing distributes over a union, so each glyph is grown once for ever and only the shrinking is done here.
    letters = blueprint.block.grown(outlines, growth)
    if growth == 0 and not storey.bars and _apart(blueprint):
        return letters
    return _united(storey, letters)


def _united(storey: StoreyPlan, letters: list[Ring]) -> list[Ring]:
    """Unite bars and letters, which are grown by the storey's closing radius, and shrink them by it."""
    import manifold3d as m3

    rings = [*(bar.ring(storey.closing) for bar in storey.bars), *letters]
    floor: list[Ring] = shrunk(m3.CrossSection(rings, m3.FillRule.NonZero), storey.closing).to_polygons()
    return floor


def _apart(blueprint: Blueprint) -> bool:
    """Tell whether the boxes of all glyphs keep clear of each other, so that no union is needed."""
    boxes = np.array([placed.box for placed in blueprint.block.glyphs])
    before = (boxes[:, None, :2] <= boxes[None, :, 2:]).all(axis=2)
    return int((before & before.T).sum()) == len(boxes)


def _completed(storey: StoreyPlan, rings: list[Ring]) -> list[Ring]:
    """Add the patches and the frames of a storey, and cut its holes; the same list if it has none."""
    import manifold3d as m3

    if not (storey.patches or storey.frames or storey.holes):
        return rings
    if storey.patches:
        rings = m3.CrossSection([*rings, *storey.patches], m3.FillRule.NonZero).to_polygons()
    return [*rings, *_frames(storey.frames), *(hole.ring()[::-1] for hole in storey.holes)]


@lru_cache(maxsize=16)
def _frames(frames: tuple[tuple[Bar, Bar], ...]) -> tuple[Ring, ...]:
    """Return the outer and inner rings of a storey's frames, which are the same around every text."""
    return tuple(ring for outer, inner in frames for ring in (outer.ring(), inner.ring()[::-1]))


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
