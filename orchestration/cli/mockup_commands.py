"""`orchestration mockup`, and those of `orchestration mockups` that need no database.

Reading the options and printing what came of them. Keep out: making pictures (`orchestration.mockups`), Dagster, and
commands on render jobs (`mockups_commands`).
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer
from rich.text import Text

from orchestration.cli.output import BAD_USAGE, DONE, SOME_FAILED, console, print_json, print_table
from orchestration.errors import ConfigurationError, NotFoundError, OrchestrationError
from orchestration.mockups.garments.names import DEFAULT_TEMPLATE
from orchestration.mockups.mockup_request import (
    AnimationFormat,
    DesignFile,
    DesignText,
    EngineName,
    InkMode,
    MockupRequest,
    PictureSizes,
    PrintOrder,
    RenderMode,
)
from orchestration.mockups.presets import Preset
from orchestration.observability.untrusted import for_terminal
from orchestration.settings import load_settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from orchestration.mockups.designs.ranking import RankedFabric
    from orchestration.mockups.difference import Difference
    from orchestration.mockups.fabrics import Fabric
    from orchestration.mockups.mockup_request import Output

    Pixels = NDArray[np.uint8]

_WEB: Final = ("http://", "https://")
_HOSTS_SETTING: Final = "ORCHESTRATION_MOCKUP_HOSTS"

Json = Annotated[bool, typer.Option("--json", help="Print one JSON line.")]
Designs = Annotated[
    list[str] | None, typer.Option("--design", help="A picture: a file or a URL; may be repeated, one for each side.")
]
Texts = Annotated[list[str] | None, typer.Option("--text", help="A text as the design; lines are parted by / or \\.")]
Presets = Annotated[
    list[Preset] | None, typer.Option("--preset", help="Where it is printed; one for each design, in their order.")
]
FabricColour = Annotated[str, typer.Option("--fabric", help="A name, #RRGGBB or #RRGGBBAA.")]
Template = Annotated[str, typer.Option("--template", help="The garment; see `mockups garments`.")]
Ink = Annotated[InkMode, typer.Option("--ink", help="How it is printed.")]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("mockup")(mockup)


def mockup(
    *,
    out: Annotated[Path, typer.Option(help="The folder to write to.")],
    design: Designs = None,
    text: Texts = None,
    text_colour: Annotated[str | None, typer.Option("--text-colour", help="The letters' colour.")] = None,
    preset: Presets = None,
    fabric: FabricColour = "white",
    background: Annotated[str | None, typer.Option(help="A colour as --fabric's, or transparent.")] = None,
    mode: Annotated[RenderMode, typer.Option(help="Which pictures are made.")] = RenderMode.ALL,
    size: Annotated[int | None, typer.Option(min=64, max=4096, help="Side of a still in pixels.")] = None,
    samples: Annotated[int | None, typer.Option(min=1, max=4096, help="Samples of each pixel.")] = None,
    frames: Annotated[int | None, typer.Option(min=2, max=720, help="Frames of one turn.")] = None,
    turntable_size: Annotated[int | None, typer.Option(min=64, max=2048, help="Side of the video, even.")] = None,
    template: Template = DEFAULT_TEMPLATE,
    garment_size: Annotated[str | None, typer.Option(help="The size that is shown, such as L.")] = None,
    width_mm: Annotated[float | None, typer.Option(help="Width of the print, instead of the preset's.")] = None,
    offset_mm: Annotated[str | None, typer.Option(help="Shift of the print in mm, right,down: 10,-20.")] = None,
    ink: Ink = InkMode.AUTO,
    engine: Annotated[EngineName | None, typer.Option("--engine", help="What renders stills and turntables.")] = None,
    animation: Annotated[AnimationFormat | None, typer.Option(help="Format of the animated picture.")] = None,
    ruler: Annotated[
        bool, typer.Option("--ruler", help="Draw rulers and the prints' measures on the flat one.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make mockups of a front, a back or both: flat, print file, six stills, turntable."""
    try:
        sizes = _sizes(size, samples, frames, turntable_size)
        request = MockupRequest(
            _orders(design or [], text or [], text_colour, preset or [], (width_mm, parse_offset(offset_mm))),
            fabric=fabric,
            background=background,
            mode=mode,
            template_id=template,
            garment_size=garment_size,
            ink=ink,
            pictures=sizes,
            engine=engine or EngineName(load_settings().mockup_engine),
            ruler=ruler,
            animation=animation or AnimationFormat(load_settings().mockup_animation),
        )
        outputs = _make(request, out)
    except OrchestrationError as error:
        fail_with(error, as_json=as_json)
    else:
        _print_outputs(outputs, out, as_json=as_json)


def _sizes(size: int | None, samples: int | None, frames: int | None, turntable: int | None) -> PictureSizes:
    settings = load_settings()
    if turntable and turntable % 2:
        raise ConfigurationError(f"a video of {turntable} pixels a side cannot be made; choose an even number")
    return PictureSizes(
        size or settings.mockup_still_size,
        samples or settings.mockup_samples,
        turntable or settings.mockup_turntable_size,
        frames or settings.mockup_frames,
        settings.mockup_frames_per_second,
    )


def _orders(
    designs: list[str],
    texts: list[str],
    colour: str | None,
    presets: list[Preset],
    moved: tuple[float | None, tuple[float, float] | None],
) -> tuple[PrintOrder, ...]:
    """The prints: pictures first, then texts, each with its preset."""
    from orchestration.mockups.presets import Adjustment

    sources: list[DesignFile | DesignText] = [read_design_file(design) for design in designs]
    sources += [DesignText(text, colour) for text in texts]
    if not sources:
        raise ConfigurationError("no design was named; give --design FILE or --text TEXT")
    chosen = presets or [Preset.CHEST_LARGE, Preset.BACK_LARGE][: len(sources)]
    if len(chosen) != len(sources):
        raise ConfigurationError(f"{len(sources)} designs and {len(chosen)} presets; give one --preset for each design")
    return tuple(PrintOrder(one, where, Adjustment(*moved)) for one, where in zip(sources, chosen, strict=True))


def read_design_file(source: str) -> DesignFile:
    """Read a design from a file or, through the safe client, from a URL whose host the settings allow."""
    from orchestration.mockups.designs.design import read_design

    if source.lower().startswith(_WEB):
        return DesignFile(source.rsplit("/", 1)[-1] or source, asyncio.run(_fetched(source)))
    return DesignFile(Path(source).name, read_design(Path(source)))


async def _fetched(url: str) -> bytes:
    from orchestration.media.download import Downloader
    from orchestration.media.rules import HostRules
    from orchestration.mockups.designs.design import fetch_design

    rules = HostRules.for_hosts(load_settings().mockup_hosts, _HOSTS_SETTING)
    async with Downloader(rules) as downloader:
        return await fetch_design(downloader, url)


def parse_offset(text: str | None) -> tuple[float, float] | None:
    """Read a shift in mm, right and down; raises `ConfigurationError`."""
    if text is None:
        return None
    try:
        right, down = (float(part) for part in text.split(","))
    except ValueError as error:
        raise ConfigurationError(f"--offset-mm {text!r} is no shift; write two numbers such as 10,-20") from error
    return right, down


def _make(request: MockupRequest, out: Path) -> list[Output]:
    """Make the mockup and write each file once it is made."""
    from orchestration.mockups.maker import make_mockup
    from orchestration.mockups.views.engine import EngineOptions
    from orchestration.mockups.views.engines import engine_named

    settings = load_settings()
    engine = engine_named(request.engine, EngineOptions(settings.home / "mockups" / "passes", settings.mockup_blender))
    _make_folder(out)

    def write(output: Output) -> None:
        (out / output.name).write_bytes(output.body)

    try:
        return make_mockup(request, engine, write)
    except OSError as error:
        raise ConfigurationError(f"cannot write to {out}: {error.strerror}") from error


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"cannot write to {out}: {error.strerror}") from error


def fail_with(error: OrchestrationError, *, as_json: bool) -> NoReturn:
    """Print why nothing was made, and end the command."""
    usage = isinstance(error, ConfigurationError)
    if as_json and not usage:
        print_json({"refused": str(error), "code": getattr(error, "code", None)})
    else:
        typer.echo(f"{'error' if usage else 'refused'}: {error}", err=True)
    raise typer.Exit(BAD_USAGE if usage else SOME_FAILED)


def _print_outputs(outputs: list[Output], out: Path, *, as_json: bool) -> None:
    facts: dict[str, Any] = dict(outputs[0].facts)
    failed = [f"{one.name}: {question}" for one in outputs for question in _failed(one)]
    if as_json:
        facts.pop("checks", None)
        rows = [_row(one, out) for one in outputs]
        print_json({"outputs": rows, "report": facts, "failed_checks": failed})
        return
    columns = "stage", "file", "size", "kB", "ms"
    table = [(one.key.kind.stage, one.name, f"{one.width} x {one.height}", len(one.body) // 1000, one.milliseconds)
             for one in outputs]  # fmt: skip
    print_table(f"{facts['template']}, size {facts['garment_size']}: {facts['verdict']}", columns, table)
    for line in [*facts["warnings"], *(f"check failed: {one}" for one in failed)]:
        console().print(f"  warning: {line}", markup=False)


def _failed(output: Output) -> list[str]:
    """The questions about a picture that it does not pass."""
    asked: Any = output.facts.get("checks", {})
    return [question for question, answer in asked.items() if not answer["passed"]]


def _row(output: Output, out: Path) -> dict[str, Any]:
    return {
        "stage": output.key.kind.stage.value,
        "kind": output.key.kind.value,
        "angle": output.key.angle,
        "path": str(out / output.name),
        "mime": output.mime,
        "width": output.width,
        "height": output.height,
        "bytes": len(output.body),
        "sha256": output.sha256,
        "milliseconds": output.milliseconds,
    }


def add_to(group: typer.Typer) -> None:
    """Add those of `orchestration mockups` that need no database to the group."""
    for name, command in (("garments", mockups_garments), ("colours", mockups_colours), ("diff", mockups_diff)):
        group.command(name)(command)


def mockups_garments(
    *,
    zones: Annotated[Path | None, typer.Option(help="Draw the zones with rulers into this folder.")] = None,
    as_json: Json = False,
) -> None:
    """The garments: sizes, printable zones and presets in mm, and the pixels that they need."""
    from orchestration.mockups.garments.library import garments
    from orchestration.mockups.pixels import png
    from orchestration.mockups.zones import describe, draw_zones

    described = [describe(garment) for garment in garments()]
    if zones is not None:
        _make_folder(zones)
        for garment in garments():
            (zones / f"{garment.template_id}_zones.png").write_bytes(png(draw_zones(garment)))
    if as_json:
        print_json(described)
        return
    for one in described:
        rows = [
            (name, f"{at['width_mm']:g} x {at['height_mm']:g}", *(f"{x} x {y}" for x, y in _pixels(at)))
            for name, at in [*one["zones"].items(), *one["presets"].items()]
        ]
        sizes = ", ".join(size["name"] for size in one["sizes"])
        print_table(f"{one['template_id']}: {one['name']}, {sizes}", ("zone", "mm", "150 DPI", "300 DPI"), rows)


def _pixels(zone: dict[str, Any]) -> list[list[int]]:
    return [zone["px_at_150_dpi"], zone["px_at_300_dpi"]]


def mockups_colours(
    *,
    design: Annotated[str, typer.Option(help="A picture: a file or a URL.")],
    template: Template = DEFAULT_TEMPLATE,
    product: Annotated[str | None, typer.Option(help="The colours of this product in the catalogue instead.")] = None,
    ink: Ink = InkMode.AUTO,
    as_json: Json = False,
) -> None:
    """The garment's fabric colours, or a product's, ranked by how well the design is seen; bad ones are struck out."""
    from orchestration.mockups.designs.design import design_from_bytes
    from orchestration.mockups.designs.ranking import rank_fabrics
    from orchestration.mockups.fabrics import parse_fabric
    from orchestration.mockups.garments.library import load_garment

    try:
        file = read_design_file(design)
        fabrics = [parse_fabric(name) for name in load_garment(template).fabrics] if product is None else _sold(product)
        ranked = rank_fabrics(design_from_bytes(file.name, file.body), fabrics, ink)
    except OrchestrationError as error:
        fail_with(error, as_json=as_json)
    if as_json:
        print_json([_ranked_row(one) for one in ranked])
    else:
        console().print(*map(_ranked_line, ranked), sep="\n")


def _sold(product: str) -> list[Fabric]:
    """The colours that a product is sold in; raises `NotFoundError` when the catalogue has none."""
    from orchestration.cli.options import open_services
    from orchestration.mockups.fabrics import Fabric, parse_fabric
    from orchestration.mockups.jobs.products import fabric_colours

    with open_services() as services, services.database.connect() as connection:
        colours = fabric_colours(connection, product)
    if not colours:
        raise NotFoundError(f"the catalogue has no colours of the product {product}; give the a_number of a family")
    return [Fabric(one.name, parse_fabric(one.hex).colour) for one in colours]


def _ranked_line(one: RankedFabric) -> Text:
    """A patch of the colour, its name, struck out if it is bad, and how well the design is seen."""
    red, green, blue = one.fabric.colour.rgb
    name = for_terminal(one.fabric.name)
    styled = (name, "" if one.is_good else "strike")
    seen = f"{one.fit.visible:4.0%} seen, contrast {one.fit.contrast:5.1f}, {one.fit.verdict}"
    return Text.assemble(("    ", f"on rgb({red},{green},{blue})"), " ", styled, " " * max(1, 14 - len(name)), seen)


def _ranked_row(one: RankedFabric) -> dict[str, Any]:
    return {
        "fabric": one.fabric.name, "hex": one.fabric.colour.hex, "good": one.is_good, "verdict": one.fit.verdict,
        "visible": one.fit.visible, "contrast": one.fit.contrast, "ink": one.fit.mode,
        "warnings": list(one.fit.warnings()),
    }  # fmt: skip


def mockups_diff(
    before: Annotated[Path, typer.Argument(help="A picture, or a folder of pictures.")],
    after: Annotated[Path, typer.Argument(help="Its other version.")],
    *,
    out: Annotated[Path | None, typer.Option(help="The folder for the heat pictures.")] = None,
    as_json: Json = False,
) -> None:
    """Compare two versions of a picture, or of all pictures of a folder; exits with 1 if any differ."""
    from orchestration.mockups.difference import compare

    try:
        pairs = _pairs(before, after)
        found = {name: compare(_picture(one), _picture(other), name) for name, (one, other) in pairs.items()}
    except OrchestrationError as error:
        fail_with(error, as_json=as_json)
    if out is not None:
        _write_heat(found, out)
    rows = [_difference_row(name, one) for name, one in found.items()]
    if as_json:
        print_json(rows)
    else:
        columns = "picture", "mean", "largest", "changed", "where"
        print_table("Differences (CIE76)", columns, [tuple(row.values()) for row in rows])
    raise typer.Exit(DONE if all(one.is_same for one in found.values()) else SOME_FAILED)


def _pairs(before: Path, after: Path) -> dict[str, tuple[Path, Path]]:
    """The pictures that both have, by name."""
    for path in (before, after):
        if not path.exists():
            raise ConfigurationError(f"there is no {path}; name a picture or a folder")
    if before.is_file() and after.is_file():
        return {after.name: (before, after)}
    names = [path.name for path in sorted(before.glob("*.png")) if (after / path.name).is_file()]
    if not names:
        raise ConfigurationError(f"{before} and {after} have no PNG of one name; name two pictures or two folders")
    return {name: (before / name, after / name) for name in names}


def _picture(path: Path) -> Pixels:
    from orchestration.media.intake import take_in
    from orchestration.mockups.designs.design import with_alpha

    return with_alpha(take_in(path).pixels)


def _write_heat(found: dict[str, Difference], out: Path) -> None:
    from orchestration.mockups.pixels import png

    _make_folder(out)
    for name, one in found.items():
        (out / f"{Path(name).stem}_heat.png").write_bytes(png(one.heat))


def _difference_row(name: str, one: Difference) -> dict[str, Any]:
    box = list(one.box) if one.box else None
    return {"picture": name, "mean": one.mean, "largest": one.largest, "changed": one.changed, "box": box}
