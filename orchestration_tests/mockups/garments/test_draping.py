"""Cutting, sewing, draping, trimming and baking, on a coarse pattern."""

from __future__ import annotations

import numpy as np
import pytest

from orchestration.mockups.garments.draping.cloth import constraints
from orchestration.mockups.garments.draping.contact import keep_apart, neighbours
from orchestration.mockups.garments.draping.form import build_form
from orchestration.mockups.garments.draping.light import DIRECTIONS, Bake, compress, sphere_directions
from orchestration.mockups.garments.draping.make import drape, make_mesh
from orchestration.mockups.garments.draping.pattern import Pattern, cut_pattern
from orchestration.mockups.garments.draping.trim import HEM, Surface, strip_along
from orchestration.mockups.garments.library import load_garment
from orchestration.mockups.garments.mesh import Material, load_mesh

SHIRT = load_garment("mens-tshirt")
BAG = load_garment("tote-bag")


@pytest.fixture(scope="module")
def pattern() -> Pattern:
    return cut_pattern(SHIRT, 40)


def test_sewn_sides_share_their_vertices(pattern: Pattern) -> None:
    for first, second in SHIRT.seams:
        assert (pattern.vertex_of[pattern.side(first)] == pattern.vertex_of[pattern.side(second)]).all()


def test_hems_and_cuffs_stay_open(pattern: Pattern) -> None:
    hem = set(pattern.vertex_of[pattern.side("front.hem")][1:-1])
    assert hem.isdisjoint(pattern.vertex_of[pattern.side("back.hem")])


def test_triangles_cover_their_piece(pattern: Pattern) -> None:
    for piece in pattern.pieces:
        a, b, c = (piece.flat[piece.triangles[:, k]] for k in range(3))
        areas = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
        x, y = piece.piece.outline.T
        whole = abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))
        # The flat y points down: all triangles turn the same way, which is outwards on the garment.
        assert (areas < 0).all()
        assert -areas.sum() == pytest.approx(whole, rel=0.03)


def test_cloth_falls_onto_the_form_the_same_way_every_time(pattern: Pattern) -> None:
    rest = drape(SHIRT, pattern, 400)
    assert (rest == drape(SHIRT, pattern, 400)).all()
    rules = constraints(pattern.flat, pattern.triangles, pattern.vertex_of, np.zeros(len(rest), bool))
    long = np.linalg.norm(rest[rules.edges[:, 0]] - rest[rules.edges[:, 1]], axis=1) / rules.lengths
    assert np.median(long) == pytest.approx(1.04, abs=0.05)
    form = build_form(SHIRT.form, rest.min(axis=0), rest.max(axis=0))
    cells = np.round((rest - form.origin) / form.cell).astype(int)
    assert (form.values[tuple(cells.T)] > -form.cell).all()


def test_cloth_keeps_off_itself_but_not_off_its_neighbours() -> None:
    """Vertices 0 and 1 are joined by an edge; 2 lies 2 mm over 0, 3 is far away."""
    place = np.array([[0.0, 0, 0], [0.004, 0, 0], [0, 0, 0.002], [1, 1, 1]])
    keep_apart(place, np.ones(4), neighbours(np.array([[0, 1], [1, 3]]), 4), 0.0055)
    assert np.linalg.norm(place[2] - place[0]) == pytest.approx(0.0055, abs=4e-4)
    assert place[1, 2] == pytest.approx(0, abs=1e-3)
    assert (place[3] == 1).all()


def test_hems_meet_at_the_seams_between_their_pieces() -> None:
    """At the two side seams, and each cuff with itself under the arm."""
    mesh = load_mesh("womens-tshirt")
    inside = mesh.points[mesh.material == Material.INSIDE]
    sides = inside[(np.abs(inside[:, 0]) > 0.15) & (inside[:, 1] < mesh.points[:, 1].min() + 0.04)]
    # The end of one strip is exactly where the end of the other is.
    _, counts = np.unique(np.round(sides, 6), axis=0, return_counts=True)
    assert (counts == 2).sum() >= 2 * 6


def test_a_hem_is_turned_up_within_its_piece_also_where_the_side_is_slanted() -> None:
    """The sides of this piece come in above the hem, and bend: beside them lies what is between their corners."""
    shirt = load_garment("womens-tshirt")
    piece = cut_pattern(shirt, 40).pieces[0]
    flat = np.column_stack([piece.flat / 1e3, np.zeros(len(piece.flat))])
    surface = Surface(piece, flat, np.tile([0.0, 0, 1], (len(flat), 1)))
    strip = strip_along(surface, piece.flat[piece.sides["hem"]], HEM, within=piece)
    turned_up = strip.flat[-len(piece.sides["hem"]) :]
    side = piece.flat[piece.sides["left_side"]]
    assert turned_up[:, 1].max() < piece.flat[:, 1].max() - 15
    assert (np.abs(turned_up[:, 0]) <= np.interp(turned_up[:, 1], side[:, 1], side[:, 0]) + 1e-6).all()
    assert np.abs(strip.points[-len(turned_up) :, :2] * 1e3 - turned_up).max() < 1e-6


@pytest.mark.parametrize("template", ["mens-tshirt", "womens-tshirt"])
def test_no_hem_sticks_out_of_a_side_seam(template: str) -> None:
    mesh = load_mesh(template)
    low = mesh.points[:, 1] < mesh.points[:, 1].min() + 0.04
    cloth = mesh.points[low & (mesh.material == Material.CLOTH)]
    for point in mesh.points[low & (mesh.material == Material.INSIDE)]:
        beside = cloth[np.abs(cloth[:, 1] - point[1]) < 0.004]
        assert beside[:, 0].min() - 3e-4 < point[0] < beside[:, 0].max() + 3e-4


def test_a_made_mesh_has_trims_and_light() -> None:
    mesh = make_mesh(BAG, spacing=40, steps=60)
    assert (mesh.material == Material.INSIDE).any()
    assert mesh.outer.weights.shape[0] == len(mesh.points)
    assert np.isfinite(mesh.points).all()
    assert mesh.ground_height < mesh.points[:, 1].min()


def test_an_open_point_under_a_sky_of_one_gets_one_and_a_covered_one_less() -> None:
    square = np.array([[-1.0, 1, -1], [1, 1, -1], [1, 1, 1], [-1, 1, 1]])
    bake = Bake(square, np.array([[0, 1, 2], [0, 2, 3]]), np.arange(4))
    places = np.array([[0.0, 2, 0], [0.0, 0, 0]])
    seen, sees = bake.direct(places, np.tile([0.0, 1, 0], (2, 1)))
    assert seen.sum(axis=1)[0] == pytest.approx(1, abs=0.02)
    assert seen.sum(axis=1)[1] < 0.6
    # What the square takes away of the sky, it gives back as a reflection.
    assert seen.sum(axis=1)[1] + sees.sum(axis=1)[1] == pytest.approx(1, abs=0.02)


def test_directions_share_the_sphere_evenly_and_a_cut_matrix_is_close() -> None:
    directions = sphere_directions()
    assert np.abs(directions.mean(axis=0)).max() < 0.01
    normals = sphere_directions(200)
    matrix = np.maximum(normals @ directions.T, 0) * 4 / DIRECTIONS
    cut = compress(matrix.astype(np.float32), 16)
    assert np.abs(cut.weights @ cut.basis - matrix).max() < 2e-3
