"""What stands in for rendering in a process: small files, hanging, dying, failing.

Functions that render processes run; they import nothing else, so that a process starts at once. Keep out: anything that
is run elsewhere.
"""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.lettering.fonts import FontLibrary
from orchestration.prints.solid.engines.openscad import OpenScadEngine
from orchestration.prints.solid.naming import content_address
from orchestration.prints.solid.renderer import OutputKind, Renderer
from orchestration.prints.tasks.pool_process import Failed, Made, MadeFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.prints.solid.request import OrderLine
    from orchestration.prints.tasks.pool_process import EngineOptions, Result


def sketch(_options: EngineOptions, lines: Sequence[OrderLine]) -> list[Result]:
    """In place of rendering, for tests of many orders: small files that differ as the orders do."""
    return [_sketched(line) for line in lines]


def _sketched(line: OrderLine) -> Made:
    address = content_address(sku=line.sku, design_version="1", parameters="", fonts={}, lines=[line.text])
    files = (
        _file(OutputKind.STL, f"solid {address}"),
        _file(OutputKind.THREEMF, f"{address} {line.color_1} {line.color_2}"),
        _file(OutputKind.PREVIEW, f"picture of {address} {line.color_1} {line.color_2}"),
    )
    return Made(address, (line.text,), {"a.ttf": "ff"}, files, 1.0)


def _file(kind: OutputKind, text: str) -> MadeFile:
    content = text.encode()
    facts = {"triangles": 4} if kind is OutputKind.STL else None
    return MadeFile(kind, f".{kind.value}", content, hashlib.sha256(content).hexdigest(), facts)


def sketch_slowly(options: EngineOptions, lines: Sequence[OrderLine]) -> list[Result]:
    """As `sketch`, at a hundredth of a second a line."""
    time.sleep(0.01 * len(lines))
    return sketch(options, lines)


def sketch_and_count(options: EngineOptions, lines: Sequence[OrderLine]) -> list[Result]:
    """As `sketch_slowly`, with a line for each rendering in the file `renders` of the fonts folder."""
    results = sketch_slowly(options, lines)
    with Path(options.fonts[0], "renders").open("a", encoding="utf-8") as file:
        file.writelines(f"{line.text}\n" for line in lines)
    return results


def hang_at_hang(options: EngineOptions, lines: Sequence[OrderLine]) -> list[Result]:
    """As `sketch`, but never ends when a line says Hang, as a solid that is too much for an engine."""
    if any("Hang" in line.text for line in lines):
        time.sleep(3_600)
    return sketch(options, lines)


def die_at_die(options: EngineOptions, lines: Sequence[OrderLine]) -> list[Result]:
    """As `sketch`, but the process dies when a line says Die, as of a fault in a library."""
    if any("Die" in line.text for line in lines):
        os._exit(11)
    return sketch(options, lines)


def fail_at_fail(options: EngineOptions, lines: Sequence[OrderLine]) -> list[Result]:
    """As `sketch`, with an error for a line that says Fail."""
    return [Failed("RuntimeError: no luck") if "Fail" in line.text else sketch(options, [line])[0] for line in lines]


def fail_at_length(_options: EngineOptions, lines: Sequence[OrderLine]) -> list[Result]:
    """In place of rendering: an error with a very long message for every line."""
    return [Failed("x" * 5_000) for _ in lines]


def run_the_openscad_of_the_fonts_folder(options: EngineOptions, lines: Sequence[OrderLine]) -> list[Result]:
    """Render with the program `openscad` of the fonts folder, which may take for ever."""
    engine = OpenScadEngine(f"{options.fonts[0]}/openscad")
    Renderer(engine, FontLibrary()).render(lines[0])
    return []
