"""What a picture shows: the design where the mesh has it, only from its side, on light that follows the folds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from orchestration.errors import InvalidInputError
from orchestration.mockups.artwork import Artwork, InkLayer
from orchestration.mockups.garments.library import garments, load_garment
from orchestration.mockups.garments.mesh import load_mesh
from orchestration.mockups.views.angles import ANGLES, AZIMUTHS
from orchestration.mockups.views.camera import camera_at
from orchestration.mockups.views.renderer import RENDERER_VERSION, Renderer

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from orchestration.mockups.garments.model import Garment
    from orchestration.mockups.views.compose import Picture

SIZE = 256
GREY = (128, 128, 128)
every_garment = pytest.mark.parametrize("garment", garments(), ids=lambda garment: garment.template_id)


@pytest.fixture(scope="module")
def renderer(tmp_path_factory: pytest.TempPathFactory) -> Renderer:
    return Renderer(tmp_path_factory.mktemp("passes"))


def square(garment: Garment, panel: str, colour: tuple[int, int, int] = (255, 0, 0)) -> InkLayer:
    """A square of ink over the middle of a panel."""
    box = garment.panels[panel]
    pixels = np.zeros((700, 700, 4), np.uint8)
    pixels[:] = (*colour, 255)
    return InkLayer(box.x0 + 674, box.y0 + 500, pixels)


def still(
    renderer: Renderer, artwork: Artwork, angle: str = "front_0deg", *, size: int = SIZE, samples: int = 4
) -> Picture:
    return renderer.still(artwork, angle, size=size, background=None, samples=samples)


def test_pixels_are_the_same_in_every_process_and_from_the_cache(tmp_path: Path) -> None:
    garment = load_garment("tote-bag")
    pictures = [
        still(one, Artwork(garment, GREY, (square(garment, "front"),)))
        for one in (Renderer(tmp_path / "one"), Renderer(tmp_path / "other"), Renderer(tmp_path / "one"))
    ]
    assert (pictures[0] == pictures[1]).all()
    assert (pictures[0] == pictures[2]).all()
    assert [path.name for path in (tmp_path / "one").iterdir()] == [RENDERER_VERSION]


def test_edges_are_covered_as_a_much_finer_picture_shows(renderer: Renderer) -> None:
    """Not by the four samples of a pixel, which would leave dark cloth jagged on a light background."""
    import cv2

    bag = Artwork(load_garment("tote-bag"), (0, 0, 0))
    coarse = still(renderer, bag, "front_45deg_right", size=96)[..., 3].astype(int)
    fine = still(renderer, bag, "front_45deg_right", size=96 * 8, samples=16)[..., 3]
    expected = cv2.resize(fine, (96, 96), interpolation=cv2.INTER_AREA).astype(int)
    edges = (expected > 0) & (expected < 255)
    assert edges.sum() > 100
    assert np.abs(coarse - expected)[edges].max() < 24
    assert (coarse[~edges] == expected[~edges]).all()


@every_garment
@pytest.mark.parametrize(("panel", "hidden_from"), [("front", "back_180deg"), ("back", "front_0deg")])
def test_a_design_is_never_seen_from_the_other_side(
    renderer: Renderer, garment: Garment, panel: str, hidden_from: str
) -> None:
    printed, blank = Artwork(garment, (255, 255, 255), (square(garment, panel),)), Artwork(garment, (255, 255, 255))
    assert (still(renderer, printed, hidden_from) == still(renderer, blank, hidden_from)).all()
    seen_from = {"back_180deg": "front_0deg", "front_0deg": "back_180deg"}[hidden_from]
    changed = (still(renderer, printed, seen_from) != still(renderer, blank, seen_from)).any(axis=2)
    assert changed.mean() > 0.02


def test_left_is_the_wearers_left(renderer: Renderer) -> None:
    garment = load_garment("mens-tshirt")
    sleeve = garment.piece("left_sleeve")
    x, y = garment.to_canvas(sleeve, np.array([[0.0, 120.0]]))[0].astype(int)
    badge = np.full((160, 160, 4), 255, np.uint8)
    artwork = Artwork(garment, (0, 0, 0), (InkLayer(int(x) - 80, int(y) - 80, badge),))
    white = {angle: (still(renderer, artwork, angle)[..., 1] > 150).sum() for angle in ANGLES}
    assert white["left_90deg"] > 50
    assert white["right_270deg"] == 0
    assert white["front_45deg_left"] > white["front_45deg_right"]


@every_garment
def test_folds_show_through_a_flat_design(renderer: Renderer, garment: Garment) -> None:
    """The brightness of a flat grey design correlates with that of the blank cloth under it."""
    import cv2

    box = garment.panels["front"]
    flat = np.full((1000, 1200, 4), 128, np.uint8)
    flat[..., 3] = 255
    layer = InkLayer(box.x0 + 424, box.y0 + 200, flat)
    blank = still(renderer, Artwork(garment, (255, 255, 255)), size=512)
    printed = still(renderer, Artwork(garment, (255, 255, 255), (layer,)), size=512)
    # Without the edges of the design, which the picture mixes with the cloth beside them.
    changed = ((printed[..., :3].astype(int) - blank[..., :3]).min(axis=2) < -40).astype(np.uint8)
    inked = cv2.erode(changed, np.ones((5, 5), np.uint8)) > 0
    assert inked.mean() > 0.03
    assert np.corrcoef(blank[inked, 1], printed[inked, 1])[0, 1] > 0.9


@every_garment
@pytest.mark.parametrize("angle", ["front_0deg", "front_45deg_left", "front_45deg_right"])
def test_a_grid_of_10_mm_lies_where_the_mesh_has_it(renderer: Renderer, garment: Garment, angle: str) -> None:
    size, dot = 1536, 3.0
    places = _grid(garment)
    shown = still(renderer, Artwork(garment, (255, 255, 255), (_dots(garment, places, dot),)), angle, size=size)
    blank = still(renderer, Artwork(garment, (255, 255, 255)), angle, size=size)
    ink: NDArray[np.float64] = np.maximum(blank[..., 1].astype(np.float64) - shown[..., 1].astype(np.float64), 0.0)
    expected, facing = _projected(garment, angle, places, size)
    found = [(_centroid(ink, point), point) for point in expected[facing > 0.8]]
    errors = [centre - point for centre, point in found if centre is not None]
    assert len(errors) > 100
    distances = np.linalg.norm(errors, axis=1)
    assert np.percentile(distances, 99) < 1
    assert np.median(distances) < 0.4


def _grid(garment: Garment) -> NDArray[np.float64]:
    """Places every 10 mm in the front's zone, canvas px."""
    piece = garment.piece("front")
    assert piece.zone is not None
    x0, y0, x1, y1 = piece.zone
    columns, rows = np.meshgrid(np.arange(x0 + 10, x1, 10), np.arange(y0 + 10, y1, 10))
    return garment.to_canvas(piece, np.stack([columns.ravel(), rows.ravel()], axis=1))


def _dots(garment: Garment, places: NDArray[np.float64], size_mm: float) -> InkLayer:
    """A layer with a round black dot at each place."""
    import cv2

    x, y = np.floor(places.min(axis=0)).astype(int) - 40
    width, height = np.ceil(places.max(axis=0)).astype(int) + 40 - (x, y)
    pixels = np.zeros((height, width, 4), np.uint8)
    alpha = np.zeros((height, width), np.uint8)
    for place in places:
        # cv2's integer coordinates are the centres of pixels, half a px from the canvas' own.
        centre = np.round((place - (x, y) - 0.5) * 16).astype(int)
        radius = round(size_mm / 2 * garment.px_per_mm * 16)
        cv2.circle(alpha, (int(centre[0]), int(centre[1])), radius, 255, -1, cv2.LINE_AA, 4)
    pixels[..., 3] = alpha
    return InkLayer(int(x), int(y), pixels)


def _projected(
    garment: Garment, angle: str, places: NDArray[np.float64], size: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where places on the canvas are in the picture by the mesh, and how much their cloth faces the camera."""
    mesh = load_mesh(garment.template_id)
    camera = camera_at(mesh, AZIMUTHS[angle])
    front = garment.to_canvas(garment.piece("front"), garment.piece("front").outline)
    on_front = ((mesh.canvas >= front.min(axis=0) - 1) & (mesh.canvas <= front.max(axis=0) + 1)).all(axis=1)
    triangles = mesh.triangles[on_front[mesh.triangles].all(axis=1) & (mesh.material[mesh.triangles] == 0).all(axis=1)]
    a, b, c = (mesh.canvas[triangles[:, k]].astype(float) for k in range(3))
    area = _cross(b - a, c - a)
    triangles, a, b, c, area = (part[np.abs(area) > 1] for part in (triangles, a, b, c, area))
    (left, top), (right, bottom) = np.minimum(np.minimum(a, b), c).T, np.maximum(np.maximum(a, b), c).T
    points, facing = [], []
    for place in places:
        x, y = place
        around = np.nonzero((left <= x) & (x <= right) & (top <= y) & (y <= bottom))[0]
        corners = [part[around] - place for part in (a, b, c)]
        shares = np.stack([_cross(corners[k - 2], corners[k - 1]) for k in range(3)], axis=1) / area[around, None]
        best = int(np.argmax(shares.min(axis=1)))
        triangle = triangles[around[best]]
        point = shares[best] @ mesh.points[triangle]
        normal = shares[best] @ mesh.normals[triangle]
        towards = camera.rotation.T @ camera.eye - point
        points.append(camera.project(point[None].astype(np.float32), size)[0, :2])
        facing.append(normal @ towards / np.linalg.norm(normal) / np.linalg.norm(towards))
    return np.array(points, float), np.array(facing)


def _cross(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    return first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]


def _centroid(ink: NDArray[np.float64], point: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The centre of the ink within some px of a point; None where another fold hides it."""
    reach = 5
    x, y = np.floor(point).astype(int)
    window = ink[y - reach : y + reach + 1, x - reach : x + reach + 1]
    rows, columns = np.mgrid[y - reach : y + reach + 1, x - reach : x + reach + 1] + 0.5
    near = window * (np.hypot(columns - point[0], rows - point[1]) <= reach)
    if near.max() < 60:
        return None
    centre: NDArray[np.float64] = np.array([(near * columns).sum(), (near * rows).sum()]) / near.sum()
    return centre


def test_the_background_is_exactly_the_colour_that_was_asked_for_or_nothing(renderer: Renderer) -> None:
    artwork = Artwork(load_garment("womens-tshirt"), GREY)
    for background in ((255, 255, 255), (12, 200, 77), (0, 0, 0)):
        picture = renderer.still(artwork, "front_0deg", size=SIZE, background=background, samples=4)
        assert tuple(picture[0, 0]) == (*background, 255)
        assert (picture[..., 3] == 255).all()
    clear = still(renderer, artwork)
    assert clear[0, 0].tolist() == [0, 0, 0, 0]
    assert 0.2 < (clear[..., 3] == 255).mean() < 0.8


def test_fabrics_keep_their_hue_and_ink_its_own(renderer: Renderer) -> None:
    garment = load_garment("mens-tshirt")
    ink = square(garment, "front", (255, 255, 255))
    navy = still(renderer, Artwork(garment, (0, 0, 128), (ink,)))
    middle = navy[100:140, 118:138, :3].reshape(-1, 3).mean(axis=0)
    assert middle.min() > 210
    assert np.ptp(middle) < 12
    red, green, blue = navy[210, 128, :3].astype(int)
    assert blue > 3 * max(red, green)
    white, black = (still(renderer, Artwork(garment, colour)) for colour in ((255, 255, 255), (0, 0, 0)))
    cloth = white[..., 3] == 255
    assert np.median(white[cloth, 1]) > 190
    # Black cloth is not a hole: its folds show.
    assert 5 < np.median(black[cloth, 1]) < 60
    assert black[cloth, 1].std() > 2


def test_ink_layers_may_reach_over_the_edge_of_the_canvas_or_be_one_pixel(renderer: Renderer) -> None:
    garment = load_garment("mens-tshirt")
    over = InkLayer(-500, 3000, np.full((2000, 1500, 4), 255, np.uint8))
    dot = InkLayer(1000, 2600, np.full((1, 1, 4), 255, np.uint8))
    outside = InkLayer(-90, -90, np.full((40, 40, 4), 255, np.uint8))
    blank = still(renderer, Artwork(garment, (0, 0, 0)))
    assert (still(renderer, Artwork(garment, (0, 0, 0), (over,))) != blank).any()
    assert (still(renderer, Artwork(garment, (0, 0, 0), (dot, outside)))[..., 3] == blank[..., 3]).all()
    assert (still(renderer, Artwork(garment, (0, 0, 0), (outside,))) == blank).all()


def test_later_layers_lie_on_earlier_ones_and_half_transparent_ink_lets_the_cloth_through(renderer: Renderer) -> None:
    garment = load_garment("tote-bag")
    red, blue = square(garment, "front", (255, 0, 0)), square(garment, "front", (0, 0, 255))
    half = blue._replace(pixels=blue.pixels * np.array([1, 1, 1, 0.5]).astype(np.float32))
    half = half._replace(pixels=half.pixels.astype(np.uint8))

    def middle(*layers: InkLayer) -> NDArray[np.float64]:
        picture = still(renderer, Artwork(garment, (255, 255, 255), layers))
        mean: NDArray[np.float64] = picture[160:170, 123:133, :3].reshape(-1, 3).mean(axis=0)
        return mean

    assert middle(red, blue)[2] > middle(red, blue)[0] + 100
    assert middle(red)[0] > middle(red, half)[0] > middle(red, blue)[0]
    assert middle(half)[1] > middle(blue)[1] + 50


def test_frames_go_around_once_and_begin_at_the_front(renderer: Renderer) -> None:
    artwork = Artwork(load_garment("tote-bag"), GREY)
    frames = list(renderer.frames(artwork, 4, size=64, background=None, samples=1))
    for frame, angle in zip(frames, ("front_0deg", "left_90deg", "back_180deg", "right_270deg"), strict=True):
        assert (frame == still(renderer, artwork, angle, size=64, samples=1)).all()


def test_more_samples_come_closer_to_a_much_finer_picture(renderer: Renderer) -> None:
    import cv2

    bag = Artwork(load_garment("tote-bag"), GREY, (square(load_garment("tote-bag"), "front"),))
    fine = cv2.resize(still(renderer, bag, size=768, samples=16), (96, 96), interpolation=cv2.INTER_AREA)
    errors = [
        np.abs(still(renderer, bag, size=96, samples=samples).astype(int) - fine)[fine[..., 3] == 255].mean()
        for samples in (1, 4, 128)
    ]
    assert errors[0] > errors[1] > errors[2]


def test_an_unknown_angle_and_an_impossible_size_are_refused(renderer: Renderer) -> None:
    artwork = Artwork(load_garment("tote-bag"), GREY)
    with pytest.raises(InvalidInputError, match="no angle 'top'; there are front_0deg"):
        still(renderer, artwork, "top")
    for size, samples in ((8, 4), (5000, 4), (512, 0)):
        with pytest.raises(InvalidInputError, match="16 to 4096 px and at least 1 sample"):
            still(renderer, artwork, size=size, samples=samples)
