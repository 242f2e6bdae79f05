"""Whole commands as a user runs them, each in a process of its own, beside the whole command of a rival.

Starting against the bare start of Dagster; prints against OpenSCAD, which gets the same outlines and makes one STL, no
3MF, no picture and no proof; stills of a mockup against a flat paste by Pillow. Syncs are in `catalogue`. Keep out:
what a step costs in a process that is up.
"""

from __future__ import annotations

import csv
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from orchestration.lettering.fonts import FontLibrary
from orchestration.prints.solid.engines import engine_named
from orchestration.prints.solid.engines.engine import EngineName
from orchestration.prints.solid.engines.openscad import scad
from orchestration.prints.solid.renderer import Renderer
from orchestration_tests.benchmarks.prints import NAMES, SKUS
from orchestration_tests.benchmarks.timing import Race, Timing, command, median_of, process, report_race

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestration_tests.benchmarks.options import Options

ROUNDS: Final = 5
ORDERS: Final = 200
_IMPORT: Final = "import {}"
# The simplest tool: one flat picture a view, without folds, light or perspective.
_FLAT: Final = """
import sys
from PIL import Image
design = Image.open(sys.argv[1]).convert("RGBA").resize((1290, 1290))
for view in range(6):
    canvas = Image.new("RGBA", (2048, 4096), (255, 255, 255, 255))
    canvas.paste(design, (379, 1200), design)
    canvas.resize((1024, 2048)).crop((0, 400, 1024, 1424)).save(f"{sys.argv[2]}/{view}.png")
"""


def races(options: Options) -> Iterator[Race]:
    """Every command, with equal shares of the time."""
    with tempfile.TemporaryDirectory(prefix="orchestration-bench-") as name:
        folder = Path(name)
        parts = (_starting, _prints, _mockup)
        for part in parts:
            for race in part(folder, options.seconds / len(parts)):
                report_race(race)
                yield race


def _starting(_folder: Path, seconds: float) -> Iterator[Race]:
    measured = partial(_warm_median, seconds=seconds / 3)
    dagster = measured(partial(_import, "dagster"))
    yield Race("orchestration --help", measured(partial(command, "--help")), dagster, "import dagster")
    ours = measured(partial(_import, "orchestration.definitions"))
    yield Race("import orchestration.definitions", ours, dagster, "import dagster")


def _import(module: str) -> Timing:
    return process((sys.executable, "-c", _IMPORT.format(module)))


def _prints(folder: Path, seconds: float) -> Iterator[Race]:
    """One product by `stl`, and many orders of a file through the queue and the object store."""
    sku = SKUS[0]
    make = partial(command, "stl", "--sku", sku, "--text", "Anna", "--out", str(folder / "stl"))
    one = _warm_median(make, seconds / 4)
    many = median_of(ROUNDS, seconds / 2, partial(_orders, folder))
    if shutil.which("openscad") is None:
        yield Race(f"{ORDERS} orders, imported and drained", many, one.times(ORDERS), "`orchestration stl` for each")
        return
    model = folder / "model.scad"
    geometry = Renderer(engine_named(EngineName.NATIVE), FontLibrary()).geometry(sku, "Anna")
    model.write_text(scad(geometry.solids[0].drawing.blueprint), encoding="ascii")
    slow = process(("openscad", "-o", str(folder / "model.stl"), "--export-format", "binstl", str(model)))
    yield Race("stl: STL, 3MF, picture", one, slow, "openscad, STL alone")
    yield Race(f"{ORDERS} orders, imported and drained", many, slow.times(ORDERS), "openscad for each, STL alone")


def _orders(folder: Path) -> Timing:
    """Import and drain, on a home whose database stands and is up."""
    orders = folder / "orders.csv"
    with orders.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("order_number", "sku", "text", "color_1", "color_2"))
        for number in range(ORDERS):
            text = f"{NAMES[number % len(NAMES)]}{number // len(NAMES) or ''}"
            rows.writerow((number, SKUS[number % len(SKUS)], text, "Blue", "White"))
    with tempfile.TemporaryDirectory(prefix="orchestration-bench-") as home:
        variables = {"ORCHESTRATION_HOME": home}
        command("migrate", variables=variables)
        steps = [
            command("orders", "import", str(orders), variables=variables),
            command("prints", "drain", variables=variables),
        ]
    return Timing(
        sum(step.wall for step in steps), sum(step.cpu for step in steps), max(step.peak_mb for step in steps)
    )


def _mockup(folder: Path, seconds: float) -> Iterator[Race]:
    from PIL import Image

    design = folder / "design.png"
    Image.radial_gradient("L").convert("RGB").resize((1024, 1024)).save(design)
    words = ("mockup", "--design", str(design), "--preset", "chest-large", "--mode", "images-only")
    ours = _warm_median(partial(command, *words, "--out", str(folder / "mockup")), seconds / 2)
    flat = _warm_median(partial(process, (sys.executable, "-c", _FLAT, str(design), str(folder))), seconds / 3)
    yield Race("mockup: print file, flat, six stills of cloth", ours, flat, "Pillow, six flat pastes")


def _warm_median(work: Callable[[], Timing], seconds: float) -> Timing:
    """The median of rounds after one that is not counted: it compiles modules and reads files for the first time."""
    work()
    return median_of(ROUNDS, seconds, work)
