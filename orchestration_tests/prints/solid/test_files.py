"""Files on disk: two names for each content, and none ever overwritten."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from orchestration.prints.solid.files import write_product
from orchestration.prints.solid.request import OrderLine
from orchestration_tests.prints.solid.test_renderer import CLIP, DUAL_COLOUR, STYLE3

if TYPE_CHECKING:
    from pathlib import Path

    from orchestration.prints.solid.renderer import Renderer


def test_a_product_is_written_under_its_content_and_under_its_pretty_name(tmp_path: Path, renderer: Renderer) -> None:
    written = write_product(renderer.render(OrderLine(CLIP, "Luca")), tmp_path)
    assert [file.pretty_path for file in written] == [
        "cable-clip/L/Luca_35mm.stl",
        "cable-clip/L/Luca_35mm.3mf",
        "cable-clip/L/Luca_40mm.stl",
        "cable-clip/L/Luca_40mm.3mf",
        "cable-clip/L/Luca.png",
    ]
    for file in written:
        assert (tmp_path / file.pretty_path).read_bytes() == file.output.content
        assert hashlib.sha256((tmp_path / file.content_path).read_bytes()).hexdigest() == file.output.sha256


def test_orders_whose_names_clash_keep_their_own_files(tmp_path: Path, renderer: Renderer) -> None:
    texts = ["Anna/Smith", "Anna/Jones", "anna", "Anna", "aNNA", "ANNA", "Anna!", "Änna", "A/nna", "../../Anna"]
    written = {
        text: write_product(renderer.render(OrderLine(STYLE3, text, "Red", "White")), tmp_path) for text in texts
    }
    paths = [file.pretty_path.casefold() for files in written.values() for file in files]
    assert len(set(paths)) == len(paths)
    for files in written.values():
        for file in files:
            assert (tmp_path / file.pretty_path).resolve().is_relative_to(tmp_path.resolve())
            assert (tmp_path / file.pretty_path).read_bytes() == file.output.content


def test_the_same_order_written_twice_changes_nothing(tmp_path: Path, renderer: Renderer) -> None:
    product = renderer.render(OrderLine(DUAL_COLOUR, "Jack"))
    first = write_product(product, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert write_product(product, tmp_path) == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_new_colour_leaves_the_old_picture_in_place(tmp_path: Path, renderer: Renderer) -> None:
    red = write_product(renderer.render(OrderLine(DUAL_COLOUR, "Jack", "Red", "White")), tmp_path)
    blue = write_product(renderer.render(OrderLine(DUAL_COLOUR, "Jack", "Blue", "White")), tmp_path)
    assert red[0].pretty_path == blue[0].pretty_path
    assert red[2].pretty_path != blue[2].pretty_path
    assert (tmp_path / red[2].pretty_path).read_bytes() == red[2].output.content
