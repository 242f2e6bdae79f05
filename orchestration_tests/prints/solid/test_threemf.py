"""3MF packages: read back by trimesh, and opened by the slicer that print shops use."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET
from zipfile import ZipFile

import numpy as np
import pytest
import trimesh

from orchestration.errors import InvalidInputError
from orchestration.prints.solid.renderer import OutputKind
from orchestration.prints.solid.request import OrderLine
from orchestration.prints.solid.threemf import plain_xml, read_parts
from orchestration_tests.prints.solid.slicing import LAYER, needs_slicer, slice_file
from orchestration_tests.prints.solid.test_renderer import CLIP, SKUS

if TYPE_CHECKING:
    from pathlib import Path

    from orchestration.prints.solid.renderer import PrintProduct, Renderer

MODEL, CONFIG = "3D/3dmodel.model", "Metadata/Slic3r_PE_model.config"


def package(product: PrintProduct) -> bytes:
    return next(output.content for output in product.outputs if output.kind is OutputKind.THREEMF)


@needs_slicer
@pytest.mark.parametrize("sku", SKUS)
def test_a_slicer_prints_the_name_on_its_body_with_the_second_tool(
    sku: str, renderer: Renderer, tmp_path: Path
) -> None:
    product = renderer.render(OrderLine(sku, "Jason", "Turquoise", "Black"))
    (solid, *_) = product.geometry.solids
    path = tmp_path / "print.3mf"
    path.write_bytes(package(product))

    sliced = slice_file(path)

    assert sliced.objects == 1
    assert max(sliced.tools) == pytest.approx(solid.facts.size_mm.z, abs=LAYER)
    change = solid.drawing.blueprint.colour_change
    assert {tools for z, tools in sliced.tools.items() if z < change} == {frozenset({0})}
    assert {tools for z, tools in sliced.tools.items() if z > change + LAYER} == {frozenset({1})}
    # The text lies on its body, not beside it.
    assert sliced.boxes[0].holds(sliced.boxes[1])


@pytest.mark.parametrize("sku", SKUS)
def test_the_two_parts_are_closed_and_make_up_the_whole(sku: str, renderer: Renderer) -> None:
    product = renderer.render(OrderLine(sku, "Jason", "Turquoise", "Black"))
    solids = [trimesh.Trimesh(part.vertices, part.triangles, process=False) for part in read_parts(package(product))]
    assert len(solids) == 2
    assert all(solid.is_watertight for solid in solids)
    assert sum(solid.volume for solid in solids) == pytest.approx(product.geometry.solids[0].facts.volume_mm3, rel=1e-4)


def test_another_reader_finds_one_object_of_the_whole_size(renderer: Renderer) -> None:
    product = renderer.render(OrderLine(SKUS[0], "Jason", "Turquoise", "Black"))
    scene = trimesh.load_scene(io.BytesIO(package(product)), file_type="3mf")
    assert len(scene.geometry) == 1
    assert scene.extents.tolist() == pytest.approx(list(product.geometry.solids[0].facts.size_mm), abs=0.01)


def test_the_parts_are_named_ranges_and_the_colours_are_those_of_the_filaments(renderer: Renderer) -> None:
    archive = ZipFile(io.BytesIO(package(renderer.render(OrderLine(CLIP, "Luca", "Peak Green", "Black")))))
    model, config = archive.read(MODEL).decode(), archive.read(CONFIG).decode()
    assert '<m:color color="#7EC446FF"/><m:color color="#202022FF"/>' in model
    assert "PrusaSlicer" in model
    assert 'name="Application">PrusaSlicer' not in model
    volumes = [volume.attrib for volume in ET.fromstring(config).iter("volume")]  # noqa: S314 - of our own
    first, second = volumes
    assert int(first["firstid"]) == 0
    assert int(second["firstid"]) == int(first["lastid"]) + 1
    assert int(second["lastid"]) + 1 == model.count("<triangle ")
    # Relationships of the model would have Bambu Studio and OrcaSlicer pass over the names of the parts.
    assert "3D/_rels/3dmodel.model.rels" not in archive.namelist()


def test_what_xml_forbids_never_reaches_the_package(renderer: Renderer) -> None:
    product = renderer.render(OrderLine(SKUS[0], "Mum <3 \"Dad\" & 'Zo\u00eb'", "Peak\x02Green\ud800", "\ufffe"))
    archive = ZipFile(io.BytesIO(package(product)))
    for name in (MODEL, CONFIG):
        ET.fromstring(archive.read(name).decode())  # noqa: S314 - of our own
    assert plain_xml("a\x02b\ud800c\ufffed\t\u00eb\U0001f496") == "abcd\t\u00eb\U0001f496"


def test_the_parts_are_read_back_as_they_were_written(renderer: Renderer) -> None:
    product = renderer.render(OrderLine(SKUS[0], "Jason", "Turquoise", "Black"))
    [body, text] = read_parts(package(product))
    assert body.vertices[:, 2].max() == pytest.approx(text.vertices[:, 2].min())
    assert np.unique(body.triangles).tolist() == list(range(len(body.vertices)))
    with pytest.raises(InvalidInputError, match="render the product again"):
        read_parts(b"no package")
