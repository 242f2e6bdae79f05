"""The channel of a cable: what a 3D boolean would cut, and nothing where something else stands in its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import manifold3d as m3
import numpy as np
import pytest

from orchestration.errors import PermanentError
from orchestration.lettering.offsets import segments
from orchestration.prints.solid.blueprint import Channel
from orchestration.prints.solid.channels import channelled
from orchestration.prints.solid.terraces import OpenCapError, Region, Storey, shell_of, terraced

if TYPE_CHECKING:
    from orchestration.prints.solid.mesh import Mesh

CHANNEL = Channel(diameter=4.0, height=3.4, slot_width=3.0, slot_top=2.5)
HOLE = np.array([(5, 5), (5, 7), (9, 6)], dtype=float)


def _bar(*holes: np.ndarray, top: float = 7.0) -> list[Storey]:
    """A bar of 20 mm whose ends lean by a trifle, as rounding makes them, with letters on it."""
    outline = np.array([(0, -6), (20, -6), (20.001, 6), (10, 9), (-0.001, 6)], dtype=float)
    letters = np.array([(2, 2), (15, 2), (15, 4), (2, 4)], dtype=float)
    return [Storey(Region.of_rings([outline, *holes]), 0.0, top), Storey(Region.of_rings([letters]), top, top + 3)]


def _cut_by_boolean(storeys: list[Storey]) -> m3.Manifold:
    """The reference: the solid without what an extrusion through all of it takes away."""
    radius = CHANNEL.diameter / 2
    bore = m3.CrossSection.circle(radius, segments(radius)).translate((CHANNEL.height, 0.0))
    slot = m3.CrossSection.square((CHANNEL.slot_top + 1, CHANNEL.slot_width)).translate((-1, -CHANNEL.slot_width / 2))
    through = (bore + slot).extrude(40).rotate((0.0, -90.0, 0.0)).translate((30.0, 0.0, 0.0))
    return _manifold(terraced(storeys)) - through


def _manifold(mesh: Mesh) -> m3.Manifold:
    return m3.Manifold(m3.Mesh(mesh.vertices, mesh.triangles.astype(np.uint32)))


def test_a_channel_is_cut_as_a_boolean_cuts_it() -> None:
    storeys = _bar(HOLE)
    solid = channelled(shell_of(storeys), storeys[0].region, CHANNEL)
    assert solid.watertight
    assert solid.bodies == 1
    reference = _cut_by_boolean(storeys)
    assert solid.volume == pytest.approx(reference.volume(), rel=1e-6)
    ours = _manifold(solid)
    assert ours.status() == m3.Error.NoError
    assert (ours - reference).volume() + (reference - ours).volume() == pytest.approx(0, abs=1e-3)


def test_a_hole_in_the_way_of_a_channel_is_an_error() -> None:
    storeys = _bar(HOLE - (0, 6))
    with pytest.raises(PermanentError, match="more of the clip than its floor and its two ends"):
        channelled(shell_of(storeys), storeys[0].region, CHANNEL)


def test_a_channel_that_breaks_through_the_top_is_an_error() -> None:
    storeys = _bar(top=5.0)
    with pytest.raises(OpenCapError):
        channelled(shell_of(storeys), storeys[0].region, CHANNEL)
