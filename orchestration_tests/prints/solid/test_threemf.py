"""3MF packages, read back by trimesh."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
import trimesh

from orchestration.prints.solid.renderer import OutputKind
from orchestration.prints.solid.request import OrderLine
from orchestration_tests.prints.solid.test_renderer import CLIP, SKUS

if TYPE_CHECKING:
    from orchestration.prints.solid.renderer import PrintProduct, Renderer


def _package(product: PrintProduct) -> bytes:
    return next(output.content for output in product.outputs if output.kind is OutputKind.THREEMF)


@pytest.mark.parametrize("sku", SKUS)
def test_the_two_parts_are_closed_and_make_up_the_whole(sku: str, renderer: Renderer) -> None:
    product = renderer.render(OrderLine(sku, "Jason", "Turquoise", "Black"))
    scene = trimesh.load_scene(io.BytesIO(_package(product)), file_type="3mf")
    parts = [part for part in scene.dump() if isinstance(part, trimesh.Trimesh)]
    assert len(parts) == 2
    assert all(part.is_watertight for part in parts)
    assert sum(part.volume for part in parts) == pytest.approx(product.geometry.solids[0].facts.volume_mm3, rel=1e-4)


def test_the_parts_carry_the_filaments_names_and_colours(renderer: Renderer) -> None:
    from zipfile import ZipFile

    package = _package(renderer.render(OrderLine(CLIP, "Luca", "Peak Green", "Black")))
    model = ZipFile(io.BytesIO(package)).read("3D/3dmodel.model").decode()
    assert '<base name="peak green" displaycolor="#7EC446"/><base name="black" displaycolor="#202022"/>' in model
    assert 'name="body" pid="1" pindex="0"' in model
    assert 'name="text" pid="1" pindex="1"' in model
