"""What a render process does: order lines in, files or refusals out.

The renderer of the process, and results as plain data that can be sent between processes. Keep out: when
a process is started or killed (`orchestration.rendering`), storage, or the database.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from orchestration.errors import OrchestrationError, PermanentError
from orchestration.lettering.fonts import FontLibrary
from orchestration.prints.solid.engines import engine_named
from orchestration.prints.solid.refusal import Check, PrintRefusedError
from orchestration.prints.solid.renderer import Output, OutputKind, PrintProduct, Renderer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.prints.solid.engines.engine import EngineName
    from orchestration.prints.solid.printer import Printer
    from orchestration.prints.solid.request import OrderLine

# Who shares a product's files asks the database, so a process keeps only what its own next lines may share.
CACHE_BYTES = 32 * 2**20
_DRAWABLE = {Check.STROKES, Check.ONE_PIECE, Check.SLIVERS, Check.BED, Check.WATERTIGHT}


class EngineOptions(NamedTuple):
    """How products are made, by the settings."""

    engine: EngineName
    fonts: tuple[str, ...]
    printer: Printer
    seconds: float


class MadeFile(NamedTuple):
    """One file of a product."""

    kind: OutputKind
    suffix: str
    content: bytes
    sha256: str
    facts: dict[str, Any] | None


class Made(NamedTuple):
    """A product that was rendered; `notes` are what a person should look at."""

    geometry: str
    lines: tuple[str, ...]
    fonts: dict[str, str]
    files: tuple[MadeFile, ...]
    milliseconds: float
    notes: tuple[str, ...] = ()


class Refused(NamedTuple):
    """A product that breaks a check, and a picture of it where one can be drawn."""

    check: Check
    problem: str
    remedy: str
    picture: bytes | None = None


class Failed(NamedTuple):
    """A rendering that ended with an error; `is_permanent` when trying again changes nothing."""

    message: str
    is_permanent: bool = False


Result = Made | Refused | Failed


def make(options: EngineOptions, lines: Sequence[OrderLine]) -> list[Result]:
    """Render each line; a line that fails does not keep the others from it."""
    renderer = _renderer(options)
    return [_make(renderer, line) for line in lines]


@cache
def _renderer(options: EngineOptions) -> Renderer:
    """The renderer of this process; its fonts, outlines and shapes stay warm."""
    engine = engine_named(options.engine, openscad_timeout=options.seconds)
    library = FontLibrary([Path(folder) for folder in options.fonts])
    return Renderer(engine, library, printer=options.printer, cache_bytes=CACHE_BYTES)


def _make(renderer: Renderer, line: OrderLine) -> Result:
    try:
        return _made(renderer.render(line))
    except PrintRefusedError as error:
        return Refused(error.check, error.problem, error.remedy, _picture(renderer, line, error.check))
    except OrchestrationError as error:
        return Failed(f"{type(error).__name__}: {error}", isinstance(error, PermanentError))
    except Exception as error:  # noqa: BLE001 - what a library raises is how this line ended
        return Failed(f"{type(error).__name__}: {error}")


def _made(product: PrintProduct) -> Made:
    geometry = product.geometry
    files = tuple(_file(output) for output in product.outputs)
    return Made(geometry.address, geometry.lines, geometry.fonts, files, product.milliseconds, geometry.notes)


def _file(output: Output) -> MadeFile:
    facts = None if output.facts is None else {**output.facts._asdict(), "size_mm": list(output.facts.size_mm)}
    return MadeFile(output.kind, output.suffix, output.content, output.sha256, facts)


def _picture(renderer: Renderer, line: OrderLine, check: Check) -> bytes | None:
    if check in _DRAWABLE:
        with suppress(Exception):  # it was refused anyway; the picture is a help
            return renderer.sketch(line)
    return None
