"""The proofs: closed solids pass, each kind of broken one does not."""

from __future__ import annotations

import numpy as np
import pytest

from orchestration.prints.solid.mesh import Mesh
from orchestration.prints.solid.terraces import OpenCapError, Region, Storey, terraced, triangulated


def _square(side: float, x: float = 0.0, y: float = 0.0) -> np.ndarray:
    return np.array([(0, 0), (1, 0), (1, 1), (0, 1)], dtype=float) * side + (x, y)


def _box(x: float = 0.0) -> Mesh:
    return terraced([Storey(Region.of_rings([_square(2, x)]), 0.0, 3.0)])


def _joined(first: Mesh, second: Mesh) -> Mesh:
    return Mesh(
        np.concatenate([first.vertices, second.vertices]),
        np.concatenate([first.triangles, second.triangles + len(first.vertices)]),
    )


def test_a_box_is_closed_and_measures_what_it_should() -> None:
    box = _box()
    assert box.watertight
    assert box.volume == pytest.approx(12)
    assert box.area == pytest.approx(32)
    assert list(box.size) == [2, 2, 3]
    assert box.bodies == 1


def test_a_missing_triangle_is_noticed() -> None:
    box = _box()
    assert not Mesh(box.vertices, box.triangles[1:]).watertight


def test_a_triangle_that_faces_inward_is_noticed() -> None:
    box = _box()
    turned = box.triangles.copy()
    turned[3] = turned[3][::-1]
    assert not Mesh(box.vertices, turned).watertight


def test_a_triangle_without_width_is_noticed() -> None:
    box = _box()
    flat = np.concatenate([box.triangles, [[0, 1, 1]]])
    assert not Mesh(box.vertices, flat).watertight


def test_two_boxes_that_share_an_edge_are_no_solid() -> None:
    beside = terraced([Storey(Region.of_rings([_square(2, 2, 2)]), 0.0, 3.0)])
    assert not _joined(_box(), beside).watertight


def test_a_solid_turned_inside_out_has_a_negative_volume() -> None:
    box = _box()
    assert Mesh(box.vertices, box.triangles[:, ::-1]).volume == pytest.approx(-12)


def test_separate_boxes_are_counted() -> None:
    assert _joined(_box(), _box(5)).bodies == 2


def test_a_hundred_thousand_triangles_that_meet_in_one_vertex_alone_are_one_piece() -> None:
    """Each of them, joined to the others in a turn of its own, would take minutes."""
    first = np.arange(0, 200_000, 2)
    triangles = np.stack([first, np.full_like(first, 200_000), first + 1], axis=1)
    assert Mesh(np.zeros((200_001, 3), np.float32), triangles).bodies == 1


def test_storeys_with_holes_and_islands_make_one_closed_solid() -> None:
    plate = Region.of_rings([_square(20), _square(3, 15, 15)[::-1]])
    letter_o = Region.of_rings([_square(10, 2, 2), _square(6, 4, 4)[::-1]])
    solid = terraced([Storey(plate, 0.0, 2.0), Storey(letter_o, 2.0, 5.0)])
    assert solid.watertight
    assert solid.bodies == 1
    assert solid.volume == pytest.approx(plate.area * 2 + letter_o.area * 3)


def test_a_storey_that_sticks_out_of_the_one_below_cannot_be_built() -> None:
    below, above = Region.of_rings([_square(10)]), Region.of_rings([_square(4, 8, 3)])
    with pytest.raises(OpenCapError, match="cross or touch"):
        terraced([Storey(below, 0.0, 1.0), Storey(above, 1.0, 2.0)])


def test_a_ring_that_crosses_itself_cannot_be_capped() -> None:
    bow_tie = np.array([(0, 0), (4, 4), (4, 0), (0, 3)], dtype=float)
    with pytest.raises(OpenCapError):
        triangulated(Region.of_rings([bow_tie]))


def test_points_that_fall_together_in_the_file_are_dropped() -> None:
    ring = np.insert(_square(1000), 2, (1000 + 1e-6, 0), axis=0)
    assert len(Region.of_rings([ring]).points) == 4
