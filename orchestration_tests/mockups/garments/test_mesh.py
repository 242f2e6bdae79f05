"""The meshes that ship: small, whole, true to the pattern's lengths, and lit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from orchestration.errors import ConfigurationError
from orchestration.mockups.garments.library import DATA, garments, load_garment
from orchestration.mockups.garments.mesh import Material, load_mesh, save_mesh

if TYPE_CHECKING:
    from pathlib import Path

    from orchestration.mockups.garments.model import Garment

every_garment = pytest.mark.parametrize("garment", garments(), ids=lambda garment: garment.template_id)


@every_garment
def test_a_mesh_is_at_most_two_megabytes(garment: Garment) -> None:
    assert (DATA / f"{garment.template_id}.npz").stat().st_size <= 2e6


@every_garment
def test_every_corner_has_a_place_a_direction_and_light(garment: Garment) -> None:
    mesh = load_mesh(garment.template_id)
    assert set(np.unique(mesh.triangles)) == set(range(len(mesh.points)))
    assert ((mesh.canvas >= 0) & (mesh.canvas < garment.canvas_px)).all()
    assert np.abs(np.linalg.norm(mesh.normals, axis=1) - 1).max() < 0.02
    sky = np.ones(mesh.outer.basis.shape[1], np.float32)
    lit = mesh.outer.weights @ (mesh.outer.basis @ sky)
    # Nothing is brighter than an open point under a sky of 1, and most of the outside is open.
    assert lit.max() < 1.06
    assert np.median(lit[mesh.material == Material.CLOTH]) > 0.6


@every_garment
def test_cloth_keeps_the_lengths_of_its_pattern(garment: Garment) -> None:
    """So that a print of 200 mm is 200 mm on the garment in the picture."""
    mesh = load_mesh(garment.template_id)
    zone = garment.zone_px(garment.piece("front"))
    inside = ((mesh.canvas > zone[:2]) & (mesh.canvas < zone[2:])).all(axis=1)
    cloth = inside & (mesh.material == Material.CLOTH)
    sides = mesh.triangles[cloth[mesh.triangles].all(axis=1)][:, :2]
    drawn = np.linalg.norm(mesh.points[sides[:, 0]] - mesh.points[sides[:, 1]], axis=1) * 1000
    flat = np.linalg.norm(mesh.canvas[sides[:, 0]] - mesh.canvas[sides[:, 1]], axis=1) / garment.px_per_mm
    long = flat > 3
    stretch = drawn[long] / flat[long]
    assert np.median(stretch) == pytest.approx(1, abs=0.05)
    assert np.percentile(stretch, 95) < 1.2


@pytest.mark.parametrize("template_id", ["mens-tshirt", "womens-tshirt"])
def test_a_shirt_has_an_inside_and_a_label(template_id: str) -> None:
    mesh = load_mesh(template_id)
    assert set(np.unique(mesh.material)) == set(Material)
    label = mesh.points[mesh.material == Material.LABEL]
    assert (label[:, 2] < 0).all()
    assert label[:, 1].min() > np.percentile(mesh.points[:, 1], 85)


def test_a_mesh_survives_being_kept(tmp_path: Path) -> None:
    mesh = load_mesh("tote-bag")
    save_mesh(mesh, tmp_path / "copy.npz")
    again = load_mesh("copy", tmp_path)
    assert np.abs(again.points - mesh.points).max() < 3e-5
    light = mesh.outer.basis.T @ np.eye(len(mesh.outer.basis), dtype=np.float32)
    change = again.outer.weights @ (again.outer.basis @ light) - mesh.outer.weights @ (mesh.outer.basis @ light)
    assert np.abs(change).max() < 0.01
    assert (again.triangles == mesh.triangles).all()


def test_a_garment_without_its_mesh_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="make garments"):
        load_mesh(load_garment("tote-bag").template_id, tmp_path)
