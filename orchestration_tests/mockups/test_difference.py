"""Two versions of a picture, compared."""

from __future__ import annotations

import pytest

from orchestration.errors import InvalidInputError
from orchestration.mockups.difference import compare
from orchestration_tests.mockups.designs.made import BLUE, RED, disc, filled


def test_a_picture_does_not_differ_from_itself() -> None:
    found = compare(disc(RED), disc(RED))
    assert found.is_same
    assert (found.mean, found.changed, found.box) == (0, 0, None)


def test_what_changed_is_measured_placed_and_hot() -> None:
    before = filled(RED, (100, 80))
    after = before.copy()
    after[20:40, 10:60] = BLUE
    found = compare(before, after)
    assert found.box == (10, 20, 60, 40)
    assert found.changed == pytest.approx(1000 / 8000)
    assert found.largest > 100
    hot, cold = found.heat[30, 30, :3].astype(int), found.heat[70, 90, :3].astype(int)
    assert hot.max() - hot.min() > 80
    assert cold.max() - cold.min() <= 2


def test_what_is_not_noticed_is_no_change() -> None:
    after = filled(RED)
    after[:, :, 0] += 1
    found = compare(filled(RED), after)
    assert not found.is_same
    assert found.changed == 0


def test_transparent_pixels_are_alike_whatever_colour_they_hide() -> None:
    assert compare(filled((0, 0, 0, 0)), filled((9, 9, 9, 0))).is_same


def test_pictures_of_two_sizes_are_refused_with_the_name() -> None:
    with pytest.raises(InvalidInputError, match=r"poster\.png: 60 x 40 and 10 x 10 pixels"):
        compare(filled(RED), filled(RED, (10, 10)), "poster.png")
