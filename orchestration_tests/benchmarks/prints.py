"""Prints: the native engine against OpenSCAD on the same machine, and many names before three judges.

    python -m orchestration_tests.benchmarks prints              speed, and the ratio per design
    python -m orchestration_tests.benchmarks.prints agreement    ten texts a design through both engines
    python -m orchestration_tests.benchmarks.prints judges 1000  random names: trimesh and an independent edge pairing

CPU stands beside wall time, since other work may share the machine. Each figure is a median over several names.
"""

from __future__ import annotations

import io
import resource
import shutil
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from orchestration.lettering.fonts import FontLibrary
from orchestration.prints.solid.engines import engine_named
from orchestration.prints.solid.engines.engine import EngineName
from orchestration.prints.solid.files import write_product
from orchestration.prints.solid.naming import pretty_path
from orchestration.prints.solid.refusal import PrintRefusedError
from orchestration.prints.solid.renderer import Renderer
from orchestration.prints.solid.request import OrderLine
from orchestration.prints.solid.sku import STATIC_SKUS, product_for
from orchestration.prints.solid.stl import read_stl
from orchestration_tests.benchmarks.timing import Race, Timing
from orchestration_tests.prints.solid.edge_pairing import is_closed, volume
from orchestration_tests.prints.solid.random_names import random_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from orchestration.prints.solid.renderer import Geometry
    from orchestration_tests.benchmarks.options import Options

SKUS: Final = (*STATIC_SKUS, "PER-2PER-A")
NAMES: Final = (
    "Jason", "Millie", "Phoenix", "Jack", "Meadow", "Oliver", "Amelia", "George", "Freya", "Oweny", "Luca", "Anna",
    "Noah", "Isla", "Theo", "Poppy", "Harry", "Sophie", "Alfie", "Ruby",
)  # fmt: skip
AGREEMENT_TEXTS: Final = (
    "Jason", "Anna/Smith", "DOG PARK", "Oweny", "AB12 CDE", "\u00c9lise", "Zo\u00eb & Tom", "\u042e\u043b\u0438\u044f",
    "\u0645\u062d\u0645\u062f", "07700900123",
)  # fmt: skip
ROUNDS: Final = 5


class Cost(NamedTuple):
    """Milliseconds of one call."""

    cpu: float
    wall: float


def _median(costs: list[Cost]) -> Cost:
    return Cost(statistics.median(cost.cpu for cost in costs), statistics.median(cost.wall for cost in costs))


def _timed(calls: list[Callable[[], object]]) -> Cost:
    """Return the median over the calls of each one's best round: what it costs when nothing else runs."""
    return _median([_best([_once(call) for _ in range(ROUNDS)]) for call in calls])


def _best(costs: list[Cost]) -> Cost:
    return Cost(min(cost.cpu for cost in costs), min(cost.wall for cost in costs))


def _once(call: Callable[[], object]) -> Cost:
    cpu, wall = time.process_time(), time.perf_counter()
    call()
    return Cost((time.process_time() - cpu) * 1000, (time.perf_counter() - wall) * 1000)


def _native_stl(renderer: Renderer, sku: str, text: str, root: Path) -> Geometry:
    """Make and prove a product's solids and write its STL files: what one OpenSCAD call does, for each file."""
    geometry = renderer.geometry(sku, text)
    for solid in geometry.solids:
        path = root / pretty_path(product_for(sku).folder, text, f"{solid.variant.suffix}.stl")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(solid.stl)
    return geometry


def _openscad_stl(renderer: Renderer, sku: str, text: str) -> tuple[Geometry, Cost]:
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    geometry = renderer.geometry(sku, text)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    files = len(geometry.solids)
    return geometry, Cost(cpu * 1000 / files, (time.perf_counter() - wall) * 1000 / files)


def races(_options: Options) -> Iterator[Race]:
    """The cost of each design, warm, and how many times more OpenSCAD takes for the same STL."""
    library = FontLibrary()
    print(
        "ms a product (median)      STL, proven and written    all files, written     a repeat      OpenSCAD, one STL"
    )
    print("                              CPU    wall              CPU    wall        CPU    wall       CPU    ratio")
    for sku in SKUS:
        fresh, kept = (Renderer(engine_named(EngineName.NATIVE), library, cache_bytes=size) for size in (0, 2**28))
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for text in NAMES:
                fresh.geometry(sku, text)
                write_product(kept.render(OrderLine(sku, text, "Blue", "White")), root)
            stl = _timed([partial(_native_stl, fresh, sku, text, root) for text in NAMES])
            whole = _timed([partial(_all_files, fresh, sku, text) for text in NAMES])
            repeat = _timed([partial(_again, kept, sku, text, root) for text in NAMES])
        slow = _openscad_cost(library, sku)
        files = 2 if sku == SKUS[-1] else 1
        ratio = f"{slow.cpu:9.0f} {slow.cpu * files / stl.cpu:7.0f}x" if slow else "        - (not installed)"
        print(
            f"{sku:26}{stl.cpu:8.2f}{stl.wall:8.2f}        {whole.cpu:8.2f}{whole.wall:8.2f}   "
            f"{repeat.cpu:8.3f}{repeat.wall:8.3f}  {ratio}",
            flush=True,
        )
        if slow is not None:
            title = f"{sku}: STL, proven and written, warm"
            yield Race(title, _timing(stl), _timing(slow).times(files), "openscad, STL alone")


def _timing(cost: Cost) -> Timing:
    return Timing(cost.wall / 1000, cost.cpu / 1000)


def _all_files(renderer: Renderer, sku: str, text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_product(renderer.render(OrderLine(sku, text, "Blue", "White")), Path(folder))


def _again(renderer: Renderer, sku: str, text: str, root: Path) -> None:
    write_product(renderer.render(OrderLine(sku, text, "Blue", "White")), root)


def _openscad_cost(library: FontLibrary, sku: str) -> Cost | None:
    if shutil.which("openscad") is None:
        return None
    renderer = Renderer(engine_named(EngineName.OPENSCAD), library)
    return _median([_openscad_stl(renderer, sku, text)[1] for text in NAMES[:3]])


def _box(data: bytes) -> NDArray[np.float64]:
    """Return the lowest and the highest corner of a binary STL file in mm."""
    corners = read_stl(data).reshape(-1, 3).astype(float)
    return np.concatenate([corners.min(axis=0), corners.max(axis=0)])


def agreement() -> None:
    """Print how far the two engines are apart over ten texts a design."""
    library = FontLibrary()
    native, reference = (Renderer(engine_named(name), library) for name in (EngineName.NATIVE, EngineName.OPENSCAD))
    print("largest difference         volume     box, mm   files")
    for sku in SKUS:
        volumes, boxes = [0.0], [0.0]
        for text in AGREEMENT_TEXTS:
            for ours, theirs in zip(
                native.geometry(sku, text).solids, reference.geometry(sku, text).solids, strict=True
            ):
                volumes.append(abs(volume(ours.stl) / volume(theirs.stl) - 1))
                boxes.append(float(abs(_box(ours.stl) - _box(theirs.stl)).max()))
        print(f"{sku:26}{max(volumes):8.4%}{max(boxes):11.4f}{len(boxes) - 1:8}", flush=True)


def judges(count: int) -> None:
    """Print what trimesh and the independent edge pairing say of `count` random names a design."""
    import trimesh

    renderer = Renderer(engine_named(EngineName.NATIVE), FontLibrary(), cache_bytes=0)
    print("names                      judged  trimesh: closed  edge pairing: closed  refused (too long)")
    for sku in SKUS:
        judged = by_trimesh = by_pairing = refused = 0
        for name in random_names(count, seed=2026):
            try:
                geometry = renderer.geometry(sku, name)
            except PrintRefusedError:
                refused += 1
                continue
            for solid in geometry.solids:
                judged += 1
                by_trimesh += trimesh.load_mesh(io.BytesIO(solid.stl), file_type="stl").is_watertight
                by_pairing += is_closed(solid.stl)
        print(f"{sku:26}{judged:7}{by_trimesh:17}{by_pairing:22}{refused:20}", flush=True)


def main(arguments: list[str]) -> None:
    """Run the part that the arguments name."""
    match arguments:
        case ["agreement"]:
            agreement()
        case ["judges", count]:
            judges(int(count))
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
