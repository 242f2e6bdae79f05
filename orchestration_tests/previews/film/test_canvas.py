"""Sprites over frames: exact where they hide what is under them, smooth at their edges, cut at the frame's."""

from __future__ import annotations

import numpy as np
import pytest

from orchestration.previews.film.canvas import Sprite, filled, lay_over, rounded
from orchestration.previews.film.design import Box


def frame() -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    return np.full((20, 30, 3), 100, np.uint8)


def test_what_is_opaque_hides_what_is_under_it() -> None:
    under = frame()
    lay_over(under, filled(Box(5, 4, 10, 8), (255, 0, 7)))
    assert (under[4:12, 5:15] == (255, 0, 7)).all()
    under[4:12, 5:15] = 100
    assert (under == 100).all()


@pytest.mark.parametrize("opacity", [0.0, 0.25, 0.5, 1.0])
def test_opacity_mixes_in_proportion(opacity: float) -> None:
    under = frame()
    lay_over(under, filled(Box(0, 0, 30, 20), (200, 200, 200)), opacity=opacity)
    assert abs(int(under[3, 3, 0]) - (100 + 100 * opacity)) <= 1


def test_round_corners_show_what_is_under_them_and_are_smooth() -> None:
    under = frame()
    lay_over(under, filled(Box(0, 0, 30, 20), (200, 200, 200), radius=6))
    assert under[0, 0, 0] == 100
    assert under[10, 0, 0] == under[0, 15, 0] == 200
    assert len(np.unique(under[:6, :6])) > 3
    assert np.array_equal(rounded(9, 9, 4), rounded(9, 9, 4).T)


@pytest.mark.parametrize("place", [(-4, -4), (28, 18), (-100, 0), (5, 300)])
def test_what_reaches_out_of_the_frame_is_cut(place: tuple[int, int]) -> None:
    under = frame()
    sprite = Sprite(np.full((8, 8, 3), 9, np.uint8), np.full((8, 8), 255, np.uint8), *place)
    lay_over(under, sprite)
    shown = max(0, min(8, place[0] + 8, 30 - place[0])) * max(0, min(8, place[1] + 8, 20 - place[1]))
    assert (under == 9).all(axis=2).sum() == shown
