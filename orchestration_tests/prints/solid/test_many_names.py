"""Many names through every design: closed by three judges, or refused by name."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET
from zipfile import ZipFile

import pytest
import trimesh

from orchestration.prints.solid.refusal import Check, PrintRefusedError
from orchestration.prints.solid.renderer import OutputKind, Renderer
from orchestration.prints.solid.request import OrderLine
from orchestration_tests.prints.difficult_names import SIZE, corpus
from orchestration_tests.prints.solid.edge_pairing import is_closed, volume
from orchestration_tests.prints.solid.random_names import random_names
from orchestration_tests.prints.solid.test_renderer import CLIP, PLATE, SKUS, STYLE3

if TYPE_CHECKING:
    from orchestration.prints.solid.renderer import Geometry

RANDOM_NAMES: Final = 25
"""The benchmark judges a thousand names a design; here a few of them keep the suite fast."""
_NAMED: Final = re.compile(r"U\+[0-9A-F]{4,6}|\d+ characters|\d mm|is empty|more than 4 marks|HTML")


@pytest.mark.parametrize("sku", SKUS)
def test_trimesh_and_an_independent_pairing_of_edges_call_every_product_closed(sku: str, renderer: Renderer) -> None:
    geometries = [_geometry(renderer, sku, name) for name in random_names(RANDOM_NAMES, seed=11)]
    refused = [outcome for outcome in geometries if isinstance(outcome, PrintRefusedError)]
    assert all(refusal.check is Check.BED for refusal in refused)
    assert len(refused) <= RANDOM_NAMES * 0.2
    for geometry in geometries:
        for solid in () if isinstance(geometry, PrintRefusedError) else geometry.solids:
            loaded = trimesh.load_mesh(io.BytesIO(solid.stl), file_type="stl")
            assert loaded.is_watertight
            assert loaded.volume == pytest.approx(solid.facts.volume_mm3, rel=1e-4)
            assert is_closed(solid.stl)


def _geometry(renderer: Renderer, sku: str, name: str) -> Geometry | PrintRefusedError:
    try:
        return renderer.geometry(sku, name)
    except PrintRefusedError as refused:
        return refused


def test_the_corpus_is_as_large_as_it_says() -> None:
    assert len(corpus()) == len(set(corpus())) == SIZE


@pytest.mark.parametrize(("sku", "step"), [(PLATE, 1), (STYLE3, 5), (CLIP, 7)])
def test_a_difficult_name_gives_a_right_product_or_a_refusal_that_names_the_fault(
    sku: str, step: int, renderer: Renderer
) -> None:
    for name in corpus()[::step]:
        outcome = _geometry(renderer, sku, name)
        if isinstance(outcome, PrintRefusedError):
            assert _NAMED.search(outcome.problem), f"{name!a}: {outcome}"
            assert outcome.remedy
            continue
        glyphs = outcome.solids[0].drawing.blueprint.block.glyphs
        drawn = {character for placed in glyphs for character in placed.glyph.text}
        shown = {character for line in outcome.lines for character in line if character not in " \u200c\u200d"}
        assert shown <= drawn, f"{name!a}: {shown - drawn} not drawn"
        for solid in outcome.solids:
            assert is_closed(solid.stl), f"{name!a}"
            assert volume(solid.stl) > 0


def test_no_text_breaks_out_of_the_package(renderer: Renderer) -> None:
    for name in ("</metadata><evil/>", "A&B", "]]>", '"quoted"'):
        product = renderer.render(OrderLine(PLATE, name))
        package = next(output.content for output in product.outputs if output.kind is OutputKind.THREEMF)
        model = ET.fromstring(ZipFile(io.BytesIO(package)).read("3D/3dmodel.model"))  # noqa: S314 - our own file
        assert model.findtext("{*}metadata[@name='Title']") == name
