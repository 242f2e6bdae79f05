"""The reference engine: OpenSCAD must agree with the native engine, and can be neither tricked nor left hanging."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from orchestration.errors import ConfigurationError, PermanentError, TransientError
from orchestration.prints.solid.engines import engine_named
from orchestration.prints.solid.engines.engine import EngineName
from orchestration.prints.solid.engines.openscad import OpenScadEngine, scad
from orchestration.prints.solid.renderer import Renderer
from orchestration.prints.solid.request import OrderLine
from orchestration.prints.solid.stl import read_stl
from orchestration_tests.prints.solid.edge_pairing import volume
from orchestration_tests.prints.solid.test_renderer import CLIP, DUAL_COLOUR, PLATE

if TYPE_CHECKING:
    from pathlib import Path

    from orchestration.lettering.fonts import FontLibrary

needs_openscad = pytest.mark.skipif(
    shutil.which("openscad") is None, reason="OpenSCAD is not installed: apt-get install openscad"
)


@needs_openscad
def test_both_engines_make_the_same_solid(library: FontLibrary, renderer: Renderer) -> None:
    native = renderer.geometry(PLATE, "AB12 CDE").solids[0]
    reference = Renderer(engine_named(EngineName.OPENSCAD), library).geometry(PLATE, "AB12 CDE").solids[0]
    assert volume(native.stl) == pytest.approx(volume(reference.stl), rel=0.002)
    ours, theirs = (read_stl(solid.stl).reshape(-1, 3) for solid in (native, reference))
    assert ours.min(axis=0).tolist() == pytest.approx(theirs.min(axis=0).tolist(), abs=0.05)
    assert ours.max(axis=0).tolist() == pytest.approx(theirs.max(axis=0).tolist(), abs=0.05)
    assert reference.facts.bodies == 1


@needs_openscad
def test_the_engine_is_part_of_the_address(library: FontLibrary, renderer: Renderer) -> None:
    reference = Renderer(engine_named(EngineName.OPENSCAD), library).render(OrderLine(PLATE, "X"))
    assert reference.geometry.address != renderer.geometry(PLATE, "X").address
    assert len(reference.outputs) == 3


@pytest.mark.parametrize("text", ['"); cube(9); //', "${HOME}", "include <x>", "/etc/passwd"])
def test_no_text_reaches_openscad(text: str, renderer: Renderer) -> None:
    drawing = renderer.geometry(DUAL_COLOUR, text).solids[0].drawing
    numbers = scad(drawing.blueprint).partition("// A product as storeys")[0]
    assert re.fullmatch(r"((growth|glyphs|storeys|channel|facets) = ([-\d.,\[\]]|undef)+;\n)+", numbers)


def test_a_clips_channel_reaches_openscad(renderer: Renderer) -> None:
    source = scad(renderer.geometry(CLIP, "Luca").solids[1].drawing.blueprint)
    assert "channel = [4.000000,3.400000,3.000000,2.500000," in source


def test_a_program_that_is_not_installed_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="use the native engine"):
        OpenScadEngine("no-such-openscad")


def _program(path: Path, body: str) -> str:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def test_a_render_over_the_time_limit_is_killed_with_all_it_started(tmp_path: Path, renderer: Renderer) -> None:
    drawing = renderer.geometry(PLATE, "X").solids[0].drawing
    mark = tmp_path / "survived"
    slow = _program(tmp_path / "slow", f"(sleep 1; touch {mark}) & wait")
    with pytest.raises(TransientError, match="took longer than 0 s"):
        OpenScadEngine(slow, timeout=0.2).solid(drawing)
    import time

    time.sleep(1.2)
    assert not mark.exists()


def test_what_openscad_says_is_in_the_error(tmp_path: Path, renderer: Renderer) -> None:
    drawing = renderer.geometry(PLATE, "X").solids[0].drawing
    failing = _program(tmp_path / "failing", "echo 'ERROR: no geometry'; exit 1")
    with pytest.raises(PermanentError, match="OpenSCAD failed to render STL: ERROR: no geometry"):
        OpenScadEngine(failing).solid(drawing)
