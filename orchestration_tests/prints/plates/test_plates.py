"""Plates of finished products: real files, sliced by the slicer that print shops use."""

from __future__ import annotations

import io
import re
from itertools import combinations
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import numpy as np
import pytest
import trimesh
from PIL import Image

from orchestration.prints import health
from orchestration.prints.plates.plates import PlateOptions, make_plates
from orchestration.prints.plates.rows import StoredPlate, list_plates, undo_plates
from orchestration.prints.prints import Prints
from orchestration_tests.prints.printing import (
    CLIP,
    PLATE,
    SKUS,
    STYLE3,
    TAG,
    drain,
    order,
    rows,
    run_sql,
    take_in,
    tasks,
)
from orchestration_tests.prints.solid.slicing import BED, Box, needs_slicer, slice_file

if TYPE_CHECKING:
    from pathlib import Path

    from orchestration.services import Services

NAMES = ("Anna", "Ben", "Cara", "Dan", "Ella", "Finn", "Gina", "Hugo")
RED = {"color_1": "White", "color_2": "Red"}


@pytest.fixture
def shop(print_services: Services) -> Prints:
    """A shop that renders real files."""
    return Prints(print_services)


def stored(shop: Prints) -> list[StoredPlate]:
    with shop.database.connect() as connection:
        return list_plates(connection, shop.statuses)


def objects_of(shop: Prints, plate: StoredPlate) -> list[str]:
    """The names of the objects in a plate's file."""
    model = ZipFile(io.BytesIO(shop.services.objects.get(plate.object_key))).read("3D/3dmodel.model").decode()
    return re.findall(r'<object id="\d+" type="model" name="([^"]*)"', model)


@needs_slicer
def test_a_plate_is_sliced_with_both_tools_inside_the_bed(shop: Prints, tmp_path: Path) -> None:
    take_in(shop, order(1, "AB12 CDE", PLATE, **RED), order(2, "Bo", TAG, **RED))
    drain(shop)

    assert not make_plates(shop, PlateOptions()).left_out

    [plate] = stored(shop)
    assert (plate.products, plate.pieces) == (2, 2)
    path = tmp_path / "plate.3mf"
    path.write_bytes(shop.services.objects.get(plate.object_key))
    sliced = slice_file(path, "--dont-arrange", nozzle_diameter="0.8,0.8", layer_height="0.6", first_layer_height="0.6")
    assert sliced.objects == 2
    assert max(sliced.tools) == pytest.approx(4.7, abs=0.61)
    assert Box(4.5, 4.5, BED - 4.5, BED - 4.5).holds(sliced.boxes[0])
    assert sliced.boxes[0].holds(sliced.boxes[1])


def test_forty_products_on_a_large_bed_keep_their_distance_in_the_file_itself(shop: Prints) -> None:
    take_in(shop, *(order(number, NAMES[number % 2], SKUS[number // 8], **RED) for number in range(40)))
    drain(shop)
    shop.settings = shop.settings.model_copy(update={"print_bed_mm": (400.0, 400.0, 250.0)})

    make_plates(shop, PlateOptions())

    [plate] = stored(shop)
    assert (plate.products, plate.pieces, len(plate.orders)) == (40, 48, 40)  # a clip for each of two cables
    scene = trimesh.load_scene(io.BytesIO(shop.services.objects.get(plate.object_key)), file_type="3mf")
    bounds = [scene.geometry[name].copy().apply_transform(place).bounds for place, name in _nodes(scene)]
    assert len(bounds) == 48
    for low, high in bounds:
        assert low[:2].min() >= 5.0 - 0.01
        assert high[:2].max() <= 395.0 + 0.01
        assert low[2] == 0
    for (low, high), (other_low, other_high) in combinations(bounds, 2):
        apart = np.maximum(other_low[:2] - high[:2], low[:2] - other_high[:2])
        assert apart.max() >= 3.0 - 0.02
    assert Image.open(io.BytesIO(shop.services.objects.get(plate.picture_key))).size == (900, 944)


def _nodes(scene: trimesh.Scene) -> list[tuple[Any, Any]]:
    return [scene.graph[node] for node in scene.graph.nodes_geometry]


def test_a_plate_holds_equal_filaments_named_products_and_the_most_urgent_ones(shop: Prints) -> None:
    days = [f"2026-03-{day:02}" for day in range(28, 8, -1)]
    take_in(
        shop,
        *(order(day, f"Maximilian {day[-2:]}", ship_by_date=day, **RED) for day in days),
        order("clip", "Luca", CLIP, color_1="Blue", quantity="2"),
    )
    drain(shop)

    make_plates(shop, PlateOptions())

    red = [plate for plate in stored(shop) if plate.text_color == "red"]
    assert len(red) > 1
    assert red[0].orders[0] == min(days)
    assert {plate.body_color for plate in red} == {"white"}
    assert any("(2026-03-09)" in name and name.startswith("Maximilian / 09") for name in objects_of(shop, red[0]))
    [blue] = [plate for plate in stored(shop) if plate.body_color == "blue"]
    assert sorted(objects_of(shop, blue)) == ["Luca (clip) 35mm"] * 2 + ["Luca (clip) 40mm"] * 2
    one = sum(facts["grams"] for facts in _facts(shop, blue.tasks[0]))
    assert blue.grams == pytest.approx(2 * one, abs=0.1)
    start = shop.printer.start_minutes
    minutes = sum(facts["estimated_minutes"] - start for facts in _facts(shop, blue.tasks[0]))
    assert blue.minutes == pytest.approx(start + 2 * minutes, abs=0.1)


def _facts(shop: Prints, task_id: int) -> list[dict[str, float]]:
    query = "SELECT facts FROM print_output WHERE task_id = :id AND facts IS NOT NULL"
    return [row["facts"] for row in rows(shop.database, query, id=task_id)]


def test_a_task_is_on_one_plate_until_that_is_taken_back(shop: Prints) -> None:
    take_in(shop, order(1, "Anna", **RED), order(2, "Ben", STYLE3, **RED))
    drain(shop)

    [first] = make_plates(shop, PlateOptions()).plates
    assert make_plates(shop, PlateOptions()).plates == []
    with shop.database.begin() as connection:
        assert undo_plates(connection, [first, 99]) == [first]
    [second] = make_plates(shop, PlateOptions()).plates
    assert second != first
    assert [plate.tasks for plate in stored(shop)] == [[1, 2]]


def test_what_is_not_to_be_printed_is_on_no_plate(shop: Prints) -> None:
    take_in(
        shop,
        order(1, "Anna", **RED),
        order(2, "Text: Ben", **RED),
        order(3, "Cara", **RED),
        order(4, "Dan", **RED),
        order(5, "Ella", TAG, color_1="White", color_2="Red"),
    )
    drain(shop)
    take_in(shop, order(3, "Cara", order_status="cancelled"))
    run_sql(shop.database, "UPDATE print_task SET status = 'completed' WHERE custom_text = 'Dan'")

    make_plates(shop, PlateOptions(skus=(STYLE3,)))
    assert stored(shop) == []
    make_plates(shop, PlateOptions())
    make_plates(shop, PlateOptions(with_review=True))

    assert [plate.orders for plate in stored(shop)] == [["1", "5"], ["2"]]


def test_a_task_whose_files_are_gone_is_left_out_and_the_others_are_not(shop: Prints) -> None:
    take_in(shop, order(1, "Anna", **RED), order(2, "Ben", **RED), order(3, "Cara", **RED, quantity="500"))
    drain(shop)
    [gone] = rows(shop.database, "SELECT object_key FROM print_output WHERE task_id = 1 AND kind = '3mf'")
    shop.services.objects.delete(gone["object_key"])

    made = make_plates(shop, PlateOptions())

    assert [plate.tasks for plate in stored(shop)] == [[2]]
    reasons = {one.task_id: one.reason for one in made.left_out}
    assert "refresh --force --task 1" in reasons[1]
    assert "500 pieces" in reasons[3]


def test_a_plate_whose_order_changes_is_found(shop: Prints) -> None:
    take_in(shop, order(1, "Anna", line="a", **RED), order(2, "Ben", line="a", **RED))
    drain(shop)
    make_plates(shop, PlateOptions())

    take_in(shop, order(1, "Annabel", line="a", **RED))
    drain(shop)

    assert tasks(shop.database)[0]["stl_render_state"] == "completed"
    with shop.database.connect() as connection:
        finding = health.changed_plates(connection, shop.statuses)
    assert (finding.total, finding.examples[0][1:3]) == (1, (1, 2))
