"""`orchestration stl`: one product from the command line, without a database.

Reading the options and printing what came of them. Keep out: making the product.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from orchestration.errors import ConfigurationError, OrchestrationError
from orchestration.prints.solid.engines.engine import EngineName
from orchestration.prints.solid.proofs import as_rows
from orchestration.prints.solid.refusal import PrintRefusedError

if TYPE_CHECKING:
    from orchestration.prints.solid.files import WrittenFile
    from orchestration.prints.solid.renderer import PrintProduct, Renderer

DONE: Final = 0
REFUSED: Final = 1
BAD_USAGE: Final = 2


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("stl")(stl)


def stl(
    *,
    sku: Annotated[str, typer.Option(help="The product's SKU.")],
    text: Annotated[str, typer.Option(help="The text; lines are parted by line breaks, / or \\.")],
    out: Annotated[Path, typer.Option(help="The folder to write to.")],
    color_1: Annotated[str | None, typer.Option("--color-1", help="The filament of the body.")] = None,
    color_2: Annotated[str | None, typer.Option("--color-2", help="The filament of the text.")] = None,
    engine: Annotated[EngineName, typer.Option(help="What builds the solid.")] = EngineName.NATIVE,
    fonts: Annotated[list[Path] | None, typer.Option(help="A further folder of fonts; may be repeated.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Make one product: printable STL, two-colour 3MF and a preview."""
    from orchestration.prints.solid.files import write_product
    from orchestration.prints.solid.request import OrderLine

    try:
        product = _renderer(engine, fonts or []).render(OrderLine(sku, text, color_1, color_2))
        files = write_product(product, out)
    except OrchestrationError as error:
        _fail(error, as_json=as_json)
    except OSError as error:
        _fail(ConfigurationError(f"cannot write to {out}: {error.strerror}"), as_json=as_json)
    else:
        typer.echo(json.dumps(_report(product, files, out)) if as_json else _summary(product, files, out))


def _renderer(engine: EngineName, fonts: list[Path]) -> Renderer:
    from orchestration.lettering.fonts import FontLibrary
    from orchestration.prints.solid.engines import engine_named
    from orchestration.prints.solid.renderer import Renderer

    return Renderer(engine_named(engine), FontLibrary(fonts))


def _fail(error: OrchestrationError, *, as_json: bool) -> NoReturn:
    usage = isinstance(error, ConfigurationError)
    if as_json and not usage:
        report: dict[str, object] = {"refused": str(error)}
        if isinstance(error, PrintRefusedError):
            report |= {"check": error.check.value, "problem": error.problem, "remedy": error.remedy}
        typer.echo(json.dumps(report))
    else:
        typer.echo(f"{'error' if usage else 'refused'}: {error}", err=True)
    raise typer.Exit(BAD_USAGE if usage else REFUSED)


def _report(product: PrintProduct, files: list[WrittenFile], out: Path) -> dict[str, object]:
    return {
        "sku": product.line.sku,
        "lines": product.geometry.lines,
        "address": product.geometry.address,
        "fonts": product.geometry.fonts,
        "colors": {"body": product.filaments.body.name, "text": product.filaments.text.name},
        "outputs": [_output(file, out) for file in files],
        "checks": [as_rows(solid.proofs) for solid in product.geometry.solids],
        "review": product.review,
        "milliseconds": round(product.milliseconds, 2),
    }


def _output(file: WrittenFile, out: Path) -> dict[str, object]:
    facts = file.output.facts
    known = {} if facts is None else {**facts._asdict(), "size_mm": list(facts.size_mm)}
    return {"kind": file.output.kind.value, "path": str(out / file.pretty_path), "sha256": file.output.sha256, **known}


def _summary(product: PrintProduct, files: list[WrittenFile], out: Path) -> str:
    rows = [f"{' / '.join(product.geometry.lines)}: made in {product.milliseconds:.0f} ms"]
    for file in files:
        facts = file.output.facts
        size = "{:.1f} x {:.1f} x {:.1f} mm".format(*facts.size_mm) if facts else ""
        known = f"  {size}, {facts.grams:.1f} g, {facts.estimated_minutes:.0f} min" if facts else ""
        rows.append(f"  {out / file.pretty_path}{known}")
    return "\n".join([*rows, *(f"  review: {note}" for note in product.review)])
