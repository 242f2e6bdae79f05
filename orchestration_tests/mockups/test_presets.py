"""Where presets put a design, by arithmetic alone; that the picture agrees is tested with the composites."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.mockups.garments.model import Box
from orchestration.mockups.presets import Adjustment, Placement, Preset, Side, adjust, parse_preset, place
from orchestration.mockups.refusals import MockupRefusedError, RefusalCode

FRONT, BACK = Box(0, 1000, 1000, 2000), Box(1000, 1000, 2000, 2000)
ZONE = Box(100, 1100, 900, 1900)
PX_PER_MM = 2.0
MIDDLE = Placement(Side.FRONT, 400, 1400, 200, 100)


def refusal(wish: Adjustment) -> str:
    with pytest.raises(MockupRefusedError) as caught:
        adjust(MIDDLE, wish, ZONE, PX_PER_MM)
    assert caught.value.code is RefusalCode.VALIDATION_ERROR
    return str(caught.value)


def test_a_small_design_is_enlarged_to_the_presets_width() -> None:
    # The box is 840 px wide; 0.75 of that.
    assert place((3, 1), Preset.CHEST_LARGE, FRONT)[1:] == (185, 1395, 630, 210)


def test_a_tall_design_is_bounded_by_the_presets_height() -> None:
    # The box is 840 px high; 0.8 of that, and the width follows.
    assert place((1000, 4000), Preset.CHEST_LARGE, FRONT)[3:] == (168, 672)


def test_sizes_and_corners_are_cut_to_whole_pixels() -> None:
    # 700 x 0.45 = 315 px wide, 315 / 7 = 45 high; the middle is at 500 and 1150 + 700 x 0.15 = 1255.
    assert place((7, 1), Preset.CHEST_SMALL, FRONT) == Placement(Side.FRONT, 342, 1232, 315, 45)


def test_even_a_line_of_one_pixel_keeps_a_height() -> None:
    assert place((8192, 1), Preset.BACK_SMALL, BACK).height == 1


@given(st.sampled_from(list(Preset)), st.integers(1, 8192), st.integers(1, 8192))
def test_the_aspect_ratio_is_kept_to_the_pixel(preset: Preset, width: int, height: int) -> None:
    placed = place((width, height), preset, FRONT)
    # Each side is cut by less than one pixel, and none is below one.
    assert abs(placed.height - placed.width * height / width) <= max(height / width, 1) + 1


@pytest.mark.parametrize("preset", Preset)
def test_the_name_of_a_preset_tells_its_side(preset: Preset) -> None:
    assert preset.side is (Side.BACK if preset.startswith("back") else Side.FRONT)


@pytest.mark.parametrize("text", ["dead-center-medium", "", "chest", "CHEST_LARGE"])
def test_an_unknown_preset_is_refused_with_the_list_of_all_nine(text: str) -> None:
    with pytest.raises(MockupRefusedError, match=r"chest-small, .*back-bottom-large") as caught:
        parse_preset(text)
    assert caught.value.code is RefusalCode.VALIDATION_ERROR


def test_a_width_in_mm_keeps_the_middle_and_the_aspect() -> None:
    assert adjust(MIDDLE, Adjustment(width_mm=150), ZONE, PX_PER_MM) == Placement(Side.FRONT, 350, 1375, 300, 150)


def test_an_offset_moves_right_and_down() -> None:
    assert adjust(MIDDLE, Adjustment(offset_mm=(10, -20)), ZONE, PX_PER_MM)[1:3] == (420, 1360)


def test_a_preset_without_wishes_is_never_refused_nor_moved() -> None:
    outside = MIDDLE._replace(left=-300)
    assert adjust(outside, Adjustment(), ZONE, PX_PER_MM) is outside


def test_a_print_that_leaves_the_zone_is_refused_with_the_numbers() -> None:
    assert refusal(Adjustment(width_mm=500)) == (
        "the print of 500 x 250 mm leaves the front zone of 400 x 400 mm, 50 mm beyond its left and 50 mm beyond its "
        "right; make it smaller, or move it back"
    )
    assert "30 mm beyond its top" in refusal(Adjustment(offset_mm=(0, -180)))


@pytest.mark.parametrize("width", [0.0, -10.0, float("nan")])
def test_a_print_without_a_width_is_refused(width: float) -> None:
    assert "has no width" in refusal(Adjustment(width_mm=width))
