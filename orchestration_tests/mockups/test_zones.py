"""Zones in true size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from orchestration.mockups.composites.compositing import PlacedDesign, compose
from orchestration.mockups.designs.design import design_from_bytes
from orchestration.mockups.fabrics import parse_fabric
from orchestration.mockups.garments.library import garments, load_garment
from orchestration.mockups.mockup_request import InkMode
from orchestration.mockups.presets import Preset
from orchestration.mockups.zones import describe, draw_measures, draw_zones
from orchestration_tests.mockups.designs.made import RED, disc, png_file

if TYPE_CHECKING:
    from orchestration.mockups.garments.model import Garment


@pytest.mark.parametrize("garment", garments(), ids=lambda garment: garment.template_id)
def test_a_garment_is_described_in_millimetres_and_pixels(garment: Garment) -> None:
    found = msgspec.json.decode(msgspec.json.encode(describe(garment)))
    assert set(found["zones"]) == {"front", "back"}
    assert set(found["presets"]) <= set(Preset)
    for one in [*found["zones"].values(), *found["presets"].values()]:
        assert one["px_at_300_dpi"][0] == pytest.approx(one["width_mm"] / 25.4 * 300, abs=2)
        assert one["px_at_150_dpi"][1] == pytest.approx(one["height_mm"] / 25.4 * 150, abs=2)
    assert found["sizes"]
    assert found["safe_margin_mm"] > 0


def test_presets_stay_within_their_zones() -> None:
    for garment in garments():
        found = describe(garment)
        for name, preset in found["presets"].items():
            assert preset["width_mm"] <= found["zones"][preset["side"]]["width_mm"] + 1, (garment.template_id, name)


def test_the_drawing_has_a_ruler_in_true_size() -> None:
    shirt = load_garment("mens-tshirt")
    picture = draw_zones(shirt)
    zone = shirt.zone_px(shirt.piece("front"))
    row = picture[zone.y0 - 15, zone.x0 - 4 : zone.x1, :3].astype(int).sum(axis=1)
    dark = np.flatnonzero(row < 500)
    ticks = dark[np.concatenate([[True], np.diff(dark) > 8])]
    assert np.diff(ticks) == pytest.approx(10 * shirt.px_per_mm, abs=2)
    assert len(ticks) == int((zone.x1 - zone.x0) / shirt.px_per_mm / 10) + 1


def test_measures_on_a_composite_are_those_of_its_garment_size() -> None:
    shirt = load_garment("mens-tshirt")
    design = design_from_bytes("logo.png", png_file(disc(RED)))
    placed = [PlacedDesign(design, Preset.CHEST_MEDIUM)]
    ticks = {}
    for size in ("S", "L"):
        composite = compose(shirt, parse_fabric("white"), shirt.size(size), placed, InkMode.AUTO)
        picture = composite.picture()
        draw_measures(picture, composite)
        zone = shirt.zone_px(shirt.piece("front"))
        dark = np.flatnonzero(picture[zone.y0 - 15, zone.x0 - 4 : zone.x1, :3].astype(int).sum(axis=1) < 500)
        starts = dark[np.concatenate([[True], np.diff(dark) > 8])]
        ticks[size] = float(np.median(np.diff(starts)))
        assert (picture[:, :, 3] == 255).all()
    assert ticks["L"] == pytest.approx(10 * shirt.px_per_mm, abs=2)
    # A centimetre of a small shirt is longer on the template, on which all sizes are drawn alike.
    assert ticks["S"] == pytest.approx(ticks["L"] / shirt.size("S").print_scale, abs=2)
