"""Outlines pass where they should."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from orchestration.demo.drawing.camera import Camera
from orchestration.demo.drawing.outlines import band, ellipse, mirrored, smooth, turned

coordinate = st.integers(0, 1000).map(float)
points = st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=8, unique=True)


@given(points, st.booleans())
def test_a_smooth_curve_passes_through_its_points(through: list[tuple[float, float]], closed: bool) -> None:
    curve = smooth(*through, closed=closed)
    assert all(min(math.dist(point, at) for at in curve) < 1e-6 for point in through)


def test_a_point_given_twice_is_a_corner_without_a_loop() -> None:
    square = [(0.0, 0.0), (100.0, 0.0), (100.0, 100.0), (0.0, 100.0)]
    curve = smooth(*(corner for corner in square for _ in range(2)))

    assert all(-1e-9 <= x <= 100 + 1e-9 and -1e-9 <= y <= 100 + 1e-9 for x, y in curve)
    assert set(square) <= set(curve)


def test_a_turned_silhouette_is_symmetrical() -> None:
    outline = turned(500, ((40, 100), (80, 200), (60, 300)), tilt=0.2)
    rounded, flipped = ({(round(x, 6), round(y, 6)) for x, y in points} for points in (outline, mirrored(outline)))
    assert flipped == rounded


def test_a_band_is_as_wide_as_asked() -> None:
    outline = band([(0, 0), (100, 0)], 20)
    assert {y for _, y in outline} == {-10, 10}


@given(st.floats(-180, 180), st.floats(0.5, 3), st.booleans())
def test_a_camera_keeps_shapes(turn: float, zoom: float, flipped: bool) -> None:
    camera = Camera(800, zoom, turn, (400, 600), flipped)
    centre, edge = camera.place([(400, 600), (450, 600)])

    assert math.isclose(math.dist(centre, (400, 400)), 0, abs_tol=1e-9)
    assert math.isclose(math.dist(centre, edge), 50 * camera.scale)


def test_an_ellipse_has_its_half_axes() -> None:
    xs, ys = zip(*ellipse((10, 20), (5, 3)), strict=True)
    assert (min(xs), max(xs)) == (5, 15)
    assert math.isclose(max(ys) - min(ys), 6)
