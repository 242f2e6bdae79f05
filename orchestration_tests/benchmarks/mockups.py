"""Mockups: stills and turntables of the renderer, warm and as whole processes, against a naive Pillow composite.

    python -m orchestration_tests.benchmarks.mockups          one of each
    python -m orchestration_tests.benchmarks.mockups matrix   540 stills: nine presets, ten colours, six angles
    python -m orchestration_tests.benchmarks.mockups blender  a still by Cycles, 8 samples, denoised, where installed
    python -m orchestration_tests.benchmarks.mockups memory   the memory of a process over 1,000 jobs

CPU seconds stand beside wall time, since other work may share the machine. A whole process includes Python's start and
all imports, with compiled bytecode and compiled rasters as an installed package has them.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np

from orchestration.mockups.artwork import Artwork, InkLayer
from orchestration.mockups.garments.library import load_garment
from orchestration.mockups.maker import make_stage
from orchestration.mockups.mockup_request import DesignText, MockupRequest, PictureSizes, PrintOrder, Stage, StageName
from orchestration.mockups.presets import Preset, Side
from orchestration.mockups.views.angles import ANGLES
from orchestration.mockups.views.blender import BlenderEngine
from orchestration.mockups.views.renderer import Renderer
from orchestration.settings import load_settings
from orchestration_tests.benchmarks.timing import Timing, median, report, timed

WHITE: Final = (255, 255, 255)
ROUNDS: Final = 5
JOBS: Final = 1000
SHOWS: Final = {Side.FRONT: "front_0deg", Side.BACK: "back_180deg"}
# A design that is decoded already: what a picture costs, not what a file does.
_PROCESS: Final = """
import sys
from pathlib import Path
import numpy as np
from orchestration.mockups.artwork import Artwork, InkLayer
from orchestration.mockups.garments.library import load_garment
from orchestration.mockups.views.renderer import Renderer
shown = Artwork(load_garment("mens-tshirt"), (32, 44, 86), (InkLayer(379, 2500, np.load(sys.argv[2])),))
Renderer(Path(sys.argv[1])).still(shown, "front_0deg", size=1024, background=(255, 255, 255), samples=4)
"""


def artwork(fabric: tuple[int, int, int] = (32, 44, 86), width: int = 1290, top: int = 2500) -> Artwork:
    """A men's t-shirt with a round design of `width` canvas px, as wide as the largest preset makes it."""
    rows, columns = np.mgrid[0:width, 0:width]
    away = np.hypot(rows - width / 2, columns - width / 2)
    pixels = np.zeros((width, width, 4), np.uint8)
    pixels[..., 0], pixels[..., 1] = rows * 255 // width, columns * 255 // width
    pixels[..., 3] = np.clip(width / 2 - away, 0, 1) * 255
    return Artwork(load_garment("mens-tshirt"), fabric, (InkLayer(1024 - width // 2, top, pixels),))


def main(arguments: list[str]) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        others = {"matrix": _matrix, "blender": _blender, "memory": _memory}
        if arguments:
            others[arguments[0]](Path(folder))
            return
        _stills(Path(folder))
        _turntable(Path(folder), 36, 600)
        _turntable(Path(folder), 72, 720)
        _processes(Path(folder))


def _stills(folder: Path) -> None:
    shown = artwork()
    # Compiled code is loaded before anything is measured.
    Renderer(folder / "warm").still(shown, "front_0deg", size=64, background=WHITE, samples=1)
    uncached: list[Timing] = []
    for number in range(ROUNDS):
        renderer = Renderer(folder / f"cold-{number}")
        with timed(uncached):
            renderer.still(shown, "front_0deg", size=1024, background=WHITE, samples=4)
    cached: list[Timing] = []
    renderer = Renderer(folder / "cold-0")
    for number in range(ROUNDS):
        other = artwork((number * 40, 90, 120))
        with timed(cached):
            renderer.still(other, "front_0deg", size=1024, background=WHITE, samples=4)
    naive: list[Timing] = []
    for _ in range(ROUNDS):
        with timed(naive):
            _naive(shown)
    report("still 1024 px, first of its view", median(uncached), items=1, what="stills")
    report("still 1024 px, passes kept", median(cached), items=1, what="stills", rival=median(naive))
    report("  the naive way: flat paste with Pillow", median(naive), items=1, what="stills")


def _naive(shown: Artwork) -> None:
    """What the simplest tool does: paste the design on flat template art, and scale it down. No folds, no angles."""
    from PIL import Image

    canvas = Image.new("RGBA", (shown.garment.canvas_px,) * 2, (*shown.fabric, 255))
    for layer in shown.ink:
        design = Image.fromarray(layer.pixels)
        canvas.paste(design, (layer.x, layer.y), design)
    canvas.resize((1024, 1024), Image.Resampling.LANCZOS)


def _turntable(folder: Path, count: int, size: int) -> None:
    renderer, shown = Renderer(folder / "turntable"), artwork()
    for title in ("first", "passes kept"):
        timing: list[Timing] = []
        with timed(timing):
            for _ in renderer.frames(shown, count, size=size, background=WHITE, samples=4):
                pass
        report(f"turntable {count} x {size} px, {title}", timing[0], items=count, what="frames")


def _processes(folder: Path) -> None:
    """The same still where every picture starts Python."""
    np.save(folder / "design.npy", artwork().ink[0].pixels)
    # Once in another folder, so that bytecode and compiled code are written.
    _start(folder, "warm-process")
    uncached: list[Timing] = []
    for number in range(ROUNDS):
        with timed(uncached):
            _start(folder, f"process-{number}")
    cached: list[Timing] = []
    for _ in range(ROUNDS):
        with timed(cached):
            _start(folder, "process-0")
    report("process of one still 1024 px, first of its view", median(uncached), items=1, what="stills")
    report("process of one still 1024 px, passes kept", median(cached), items=1, what="stills")


def _start(folder: Path, cache: str) -> None:
    command = [sys.executable, "-X", f"pycache_prefix={folder / 'bytecode'}", "-c", _PROCESS]
    arguments = [str(folder / cache), str(folder / "design.npy")]
    subprocess.run([*command, *arguments], check=True, env=_with_bytecode())  # noqa: S603  # this file's own code


def _with_bytecode() -> dict[str, str]:
    """The environment, but for the switch that keeps bytecode from being written."""
    import os

    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _matrix(folder: Path) -> None:
    renderer = Renderer(folder)
    colours = [(number * 25, 255 - number * 20, (number * 77) % 256) for number in range(10)]
    widths = ((645, 2400), (905, 2500), (1290, 2500), (573, 2300), (905, 2600), (1140, 2500), (820, 3400), (980, 3300),
              (1118, 3000))  # fmt: skip
    timing: list[Timing] = []
    with timed(timing):
        for (width, top), colour in product(widths, colours):
            shown = artwork(colour, width, top)
            for angle in ANGLES:
                renderer.still(shown, angle, size=1024, background=WHITE, samples=4)
    report("540 stills 1024 px on one core, without PNG", timing[0], items=540, what="stills")


def _blender(folder: Path) -> None:
    """The same still by Blender's path tracer, as the shop would render it without this renderer."""
    program, shown = load_settings().mockup_blender, artwork()
    if shutil.which(program) is None:
        print("Blender is not installed; `make blender` installs it")
        return
    renderer = Renderer(folder)
    renderer.still(shown, "front_0deg", size=1024, background=WHITE, samples=4)
    ours: list[Timing] = []
    for _ in range(ROUNDS):
        with timed(ours):
            renderer.still(shown, "front_0deg", size=1024, background=WHITE, samples=4)
    theirs: list[Timing] = []
    with timed(theirs):
        BlenderEngine(program).still(shown, "front_0deg", size=1024, background=WHITE, samples=8)
    report("still 1024 px by Cycles, 8 samples, denoised", theirs[0], items=1, what="stills")
    report("still 1024 px, passes kept", median(ours), items=1, what="stills", rival=theirs[0])


def _memory(folder: Path) -> None:
    """Another text, colour, preset and cut for every job, as a render process gets them."""
    renderer, sizes = Renderer(folder), PictureSizes(still=256)
    for number in range(JOBS + 1):
        preset = list(Preset)[number % len(Preset)]
        request = MockupRequest(
            (PrintOrder(DesignText(f"Job {number}"), preset),), fabric=f"#{number * 4099 % 2**24:06x}",
            template_id=("mens-tshirt", "womens-tshirt")[number % 2], pictures=sizes,
        )  # fmt: skip
        make_stage(request, Stage(StageName.STILLS, SHOWS[preset.side]), renderer)
        if number % 100 == 0:
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
            print(f"after {number:5} jobs {pages * resource.getpagesize() // 2**20:6} MB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
