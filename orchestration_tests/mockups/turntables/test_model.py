"""The printed garment in three dimensions: its measures, its print in its place, and plain cloth behind."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import trimesh

from orchestration.mockups.artwork import Artwork, InkLayer
from orchestration.mockups.garments.library import load_garment
from orchestration.mockups.turntables.model import garment_glb

# The library's types say less than it does.
Loaded = Any


@pytest.fixture(scope="module")
def scene() -> Loaded:
    garment = load_garment("mens-tshirt")
    red = InkLayer(900, 2600, np.full((240, 240, 4), (255, 0, 0, 255), np.uint8))
    body = garment_glb(Artwork(garment, (255, 255, 255), (red,)))
    return trimesh.load_scene(io.BytesIO(body), file_type="glb")


def test_it_is_as_large_as_the_garment_and_stands_upright_with_its_front_before(scene: Loaded) -> None:
    assert sorted(scene.geometry) == ["back", "inside", "label", "printed"]
    width, height, depth = scene.extents
    assert 0.6 < height < 0.9
    assert width > 2 * depth
    printed = scene.geometry["printed"]
    inked = printed.vertices[_red_at(printed)]
    assert len(inked) > 50
    assert inked[:, 2].min() > 0
    # Normals and faces look outwards.
    assert (printed.face_normals * printed.vertex_normals[printed.faces[:, 0]]).sum(axis=1).mean() > 0.9


def test_the_back_of_the_cloth_is_plain(scene: Loaded) -> None:
    back = scene.geometry["back"].visual.material
    assert back.baseColorTexture is None
    assert min(back.baseColorFactor[:3]) > 225
    assert not scene.geometry["printed"].visual.material.doubleSided


def _red_at(printed: Loaded) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Which corners of the mesh lie on red of the texture."""
    texture = np.asarray(printed.visual.material.baseColorTexture.convert("RGB")).astype(int)
    uv = np.asarray(printed.visual.uv)
    column = np.clip((uv[:, 0] * texture.shape[1]).astype(int), 0, texture.shape[1] - 1)
    row = np.clip(((1 - uv[:, 1]) * texture.shape[0]).astype(int), 0, texture.shape[0] - 1)
    colours = texture[row, column]
    return np.asarray((colours[:, 0] > 180) & (colours[:, 1] < 90))
