"""Many mockups of one call: what is crossed, what is refused by name, and the sheet that shows them."""

from __future__ import annotations

import numpy as np
import pytest

from orchestration.errors import InvalidInputError
from orchestration.mockups.lineup import Axes, Lineup, contact_sheet, line_up, read_names
from orchestration.mockups.mockup_request import DesignFile, DesignText, MockupRequest
from orchestration.mockups.presets import Adjustment, Preset
from orchestration.mockups.refusals import MockupRefusedError
from orchestration_tests.mockups.designs.made import CLEAR, RED, disc, filled, png_file

LOGO = DesignFile("logo.png", png_file(disc(RED)))
BASE = MockupRequest((), background="white")


def crossed(
    designs: list[DesignFile | DesignText], presets: list[Preset], fabrics: list[str], *templates: str
) -> Lineup:
    return line_up(Axes(designs, presets, templates or ("mens-tshirt",), fabrics), BASE, Adjustment())


def test_designs_presets_garments_and_colours_are_crossed() -> None:
    both = [Preset.CHEST_SMALL, Preset.BACK_LARGE]
    found = crossed([LOGO, DesignText("Anna")], both, ["white", "NAVY", "#112233"], "mens-tshirt", "tote-bag")
    assert len(found.cells) == 2 * 2 * 2 * 3
    assert found.refused == ()
    assert len({cell.caption for cell in found.cells}) == len(found.cells)
    first = found.cells[1]
    assert first.caption == "logo.png chest-small mens-tshirt navy"
    assert (first.request.fabric, first.request.background) == ("navy", "white")


def test_colours_of_one_design_follow_one_another_so_that_it_is_decoded_once() -> None:
    found = crossed([LOGO, DesignText("Jo")], [Preset.CHEST_SMALL], ["white", "black"])
    assert [cell.request.prints[0].design for cell in found.cells] == [LOGO, LOGO, DesignText("Jo"), DesignText("Jo")]


def test_a_name_that_is_too_long_is_refused_by_name_and_the_rest_goes_on() -> None:
    names = [DesignText("Anna"), DesignText("Maximiliane-Wilhelmine von der Leyen zu Bentheim"), DesignText("Zoë")]
    found = crossed([*names], [Preset.CHEST_SMALL], ["white", "black"])
    assert len(found.cells) == 4
    (refused,) = found.refused
    assert "'Maximiliane-Wilhelmine von der Leyen zu Bentheim' is too long for chest-small" in refused.reason


def test_a_long_name_fits_when_it_is_parted() -> None:
    found = crossed([DesignText("Maximiliane-/Wilhelmine/von der Leyen")], [Preset.CHEST_LARGE], ["white"])
    assert found.refused == ()


def test_a_broken_design_is_refused_and_the_rest_goes_on() -> None:
    found = crossed([DesignFile("page.png", b"<html>"), LOGO], [Preset.CHEST_SMALL], ["white"])
    assert [refused.caption for refused in found.refused] == ["page.png chest-small mens-tshirt"]
    assert len(found.cells) == 1


def test_an_unknown_garment_is_refused_by_name() -> None:
    found = crossed([LOGO], [Preset.CHEST_SMALL], ["white"], "hoodie", "tote-bag")
    assert "hoodie" in found.refused[0].reason
    assert len(found.cells) == 1


def test_an_unknown_colour_refuses_all() -> None:
    with pytest.raises(MockupRefusedError):
        crossed([LOGO], [Preset.CHEST_SMALL], ["bleu"])


def test_names_are_read_from_a_column_of_a_csv() -> None:
    text = '\ufeffNumber, Name ,Colour\r\n7,Anna,red\r\n8,"O\'Neil, Zoë",\r\n,,\r\n9,  محمد ,\r\n'
    assert read_names(text) == [DesignText("Anna", "red"), DesignText("O'Neil, Zoë"), DesignText("محمد")]


@pytest.mark.parametrize("text", ["", "Anna\nBerta\n", "first,last\nA,B\n"])
def test_a_list_without_a_column_of_names_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="give it a column `name`"):
        read_names(text)


def test_short_and_long_rows_of_a_csv_are_borne() -> None:
    assert read_names("name,colour\nAnna\nBerta,red,extra\n") == [DesignText("Anna"), DesignText("Berta", "red")]


def test_a_contact_sheet_shows_every_picture_in_rows() -> None:
    colours = [(10 * number, 100, 200, 255) for number in range(5)]
    sheet = contact_sheet([(f"number {colour[0]}", filled(colour, (64, 64))) for colour in colours], columns=3)
    shown = {tuple(shade) for shade in np.unique(sheet.reshape(-1, 4), axis=0).tolist()}
    assert set(colours) <= shown
    assert (sheet[:, :, 3] == 255).all()
    assert sheet.shape[1] > 3 * 256


def test_transparent_pictures_stand_on_white() -> None:
    sheet = contact_sheet([("bare", filled(CLEAR, (300, 300)))], columns=1)
    assert (sheet[50:200, 50:200] == 255).all()
