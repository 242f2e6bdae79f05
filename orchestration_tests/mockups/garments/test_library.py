"""Garments are data: what the files that ship say, and what is refused."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pytest

from orchestration.errors import NotFoundError, RefusedError
from orchestration.mockups.garments.library import DATA, garments, load_garment
from orchestration.mockups.presets import Preset

if TYPE_CHECKING:
    from pathlib import Path

    from orchestration.mockups.garments.model import Garment

every_garment = pytest.mark.parametrize("garment", garments(), ids=lambda garment: garment.template_id)


def test_two_cuts_of_a_t_shirt_and_a_bag_are_shipped() -> None:
    assert [garment.template_id for garment in garments()] == ["mens-tshirt", "tote-bag", "womens-tshirt"]
    assert all(garment.active for garment in garments())


@every_garment
def test_the_panels_are_the_lower_quadrants_of_a_canvas_of_4096_px(garment: Garment) -> None:
    assert garment.canvas_px == 4096
    assert garment.panels == {"front": (0, 2048, 2048, 4096), "back": (2048, 2048, 4096, 4096)}


@every_garment
def test_the_panel_named_front_holds_the_front_piece_and_no_other_piece(garment: Garment) -> None:
    for name, box in garment.panels.items():
        for piece in garment.pieces:
            outline = garment.to_canvas(piece, piece.outline)
            inside = ((outline >= box[:2]) & (outline < box[2:])).all(axis=1).mean()
            assert (inside > 0.5) if piece.name == name else (inside == 0)


@every_garment
def test_pieces_lie_on_the_canvas_side_by_side(garment: Garment) -> None:
    boxes = []
    for piece in garment.pieces:
        outline = garment.to_canvas(piece, piece.outline)
        boxes.append((outline.min(axis=0), outline.max(axis=0)))
        assert (outline > 0).all()
        assert (outline < garment.canvas_px).all()
    for (low, high), (other_low, other_high) in combinations(boxes, 2):
        assert (high < other_low).any() or (other_high < low).any()


@every_garment
def test_front_and_back_have_a_zone_inside_their_outline(garment: Garment) -> None:
    for name in ("front", "back"):
        piece = garment.piece(name)
        assert piece.zone is not None
        low, high = piece.outline.min(axis=0), piece.outline.max(axis=0)
        assert low[0] < piece.zone.x0 < piece.zone.x1 < high[0]
        assert low[1] < piece.zone.y0 < piece.zone.y1 < high[1]
        box = garment.zone_px(piece)
        assert box.x1 - box.x0 == pytest.approx(piece.zone.width * garment.px_per_mm, abs=1)
    others = [piece for piece in garment.pieces if piece.zone is None]
    with pytest.raises(NotFoundError, match="no printable zone"):
        garment.zone_px(others[0])


@every_garment
def test_all_nine_presets_are_available_in_named_fabrics(garment: Garment) -> None:
    assert set(garment.presets) == {preset.value for preset in Preset}
    assert {"white", "black", "navy"} <= set(garment.fabrics)


@every_garment
def test_every_seam_joins_two_sides_of_nearly_one_length(garment: Garment) -> None:
    def length(side: str) -> float:
        piece, _, edge = side.lstrip("-").partition(".")
        points = np.asarray(garment.piece(piece).edge(edge).points)
        return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())

    for first, second in garment.seams:
        # A rib band is sewn on stretched; other seams fit.
        tolerance = 0.2 if "collar" in first + second else 0.09
        assert length(first) == pytest.approx(length(second), rel=tolerance)


@every_garment
def test_the_template_has_the_measures_of_its_size(garment: Garment) -> None:
    size = garment.size(garment.template_size)
    front = garment.piece("front").outline
    assert np.ptp(front[:, 0]) == pytest.approx(size.width_mm, abs=2)
    assert np.ptp(front[:, 1]) == pytest.approx(size.length_mm, abs=2)
    assert size.print_scale == 1


def test_sizes_go_from_s_to_3xl_and_only_small_ones_shrink_the_print() -> None:
    sizes = load_garment("mens-tshirt").sizes
    assert [size.name for size in sizes] == ["S", "M", "L", "XL", "2XL", "3XL"]
    assert [size.width_mm for size in sizes] == sorted(size.width_mm for size in sizes)
    assert [size.print_scale < 1 for size in sizes] == [True, True, False, False, False, False]


def test_an_unknown_garment_piece_or_size_is_not_found_by_name() -> None:
    with pytest.raises(NotFoundError, match=r"no garment 'hoodie'; there are mens-tshirt, tote-bag, womens-tshirt"):
        load_garment("hoodie")
    with pytest.raises(NotFoundError, match="has no piece 'hood'"):
        load_garment("tote-bag").piece("hood")
    with pytest.raises(NotFoundError, match="has no size 'XS'; it has S, M"):
        load_garment("womens-tshirt").size("XS")


def test_an_inactive_garment_is_refused(tmp_path: Path) -> None:
    text = (DATA / "tote-bag.toml").read_text(encoding="utf-8")
    (tmp_path / "old-bag.toml").write_text(text.replace("active = true", "active = false"), encoding="utf-8")
    with pytest.raises(RefusedError, match="old-bag is not active"):
        load_garment("old-bag", tmp_path)


def test_another_pattern_is_another_version(tmp_path: Path) -> None:
    text = (DATA / "tote-bag.toml").read_text(encoding="utf-8")
    (tmp_path / "a.toml").write_text(text, encoding="utf-8")
    (tmp_path / "b.toml").write_text(text.replace("px_per_mm = 4.8", "px_per_mm = 4.7"), encoding="utf-8")
    versions = {garment.version for garment in garments(tmp_path)}
    assert len(versions) == 2


@every_garment
def test_every_garment_ships_its_thumbnail(garment: Garment) -> None:
    assert (DATA / garment.thumbnail).read_bytes().startswith(b"\x89PNG")
