"""`orchestration mockups matrix`: designs or names x presets x garments x colours in one run, with a contact sheet.

Options, submitting, the run and the sheet. Keep out: which mockups there are and how the sheet is laid out
(`orchestration.mockups.lineup`).
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli.mockup_commands import read_design_file
from orchestration.cli.options import Json, settings_for
from orchestration.cli.output import DONE, SOME_FAILED, STOPPED, note, print_json, print_table
from orchestration.errors import ConfigurationError, OrchestrationError
from orchestration.imports import lasting
from orchestration.mockups.garments.names import DEFAULT_TEMPLATE
from orchestration.mockups.jobs.model import JobOptions
from orchestration.mockups.mockup_request import DesignFile, OutputKind, RenderMode
from orchestration.mockups.presets import Preset, Side

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from orchestration.mockups.jobs.model import RenderJob, StoredOutput
    from orchestration.mockups.lineup import Cell, Lineup
    from orchestration.mockups.mockups import Mockups

    Pixels = NDArray[np.uint8]

_VIEW = {Side.FRONT: "front_0deg", Side.BACK: "back_180deg"}
_SHEET_PIXELS = 256


def mockups_matrix(
    *,
    product: Annotated[str, typer.Option(help="The product: the a_number of a family in the catalogue.")],
    out: Annotated[Path, typer.Option(help="The contact sheet, a PNG.")],
    variant: Annotated[str | None, typer.Option(help="The SKU of one of its variants.")] = None,
    design: Annotated[list[str] | None, typer.Option(help="A picture: a file or a URL; may be repeated.")] = None,
    names: Annotated[Path | None, typer.Option(help="A CSV with a column `name`, and perhaps `colour`.")] = None,
    preset: Annotated[list[Preset] | None, typer.Option(help="A preset; may be repeated.")] = None,
    fabric: Annotated[list[str] | None, typer.Option(help="A colour; may be repeated. Unset: the variant's.")] = None,
    template: Annotated[list[str] | None, typer.Option(help="A garment; may be repeated.")] = None,
    size: Annotated[int | None, typer.Option(min=64, max=4096, help="Side of a still in pixels.")] = None,
    columns: Annotated[int, typer.Option(min=1, max=40, help="Pictures in a row of the sheet.")] = 6,
    as_json: Json = False,
) -> int:
    """Make every combination in one run, and a contact sheet of it; what does not fit is refused by name."""
    with lasting():
        from orchestration.cli.job_runner import job_runner
        from orchestration.cli.mockups_commands import mockup_counts, note_problems, render_mockups

    started = time.monotonic()
    with job_runner(settings_for()) as runner:
        mockups = runner.domains.mockups
        lineup = _lineup(
            mockups, (product, variant), designs=design or [], names=names, presets=preset or [],
            fabrics=fabric or [], templates=template or [],
        )  # fmt: skip
        jobs = [_submitted(mockups, (product, variant), cell, size) for cell in lineup.cells]
        outcome = render_mockups(runner)
        made = _write_sheet(mockups, lineup.cells, jobs, out, columns) if jobs else 0
    counts = mockup_counts(outcome)
    summary: dict[str, Any] = {
        "jobs": len(jobs), **counts, "refused": {one.caption: one.reason for one in lineup.refused},
        "sheet": str(out) if made else None, "pictures": made, "run": outcome.run_id,
        "seconds": round(time.monotonic() - started, 2),
    }  # fmt: skip
    _print(summary, as_json=as_json)
    note_problems(outcome)
    for one in lineup.refused:
        note(f"{one.caption}: {one.reason}")
    if runner.shutdown.is_requested:
        return STOPPED
    return DONE if outcome.success and made == len(jobs) and not lineup.refused else SOME_FAILED


def _lineup(
    mockups: Mockups,
    garment: tuple[str, str | None],
    *,
    designs: Sequence[str],
    names: Path | None,
    presets: Sequence[Preset],
    fabrics: Sequence[str],
    templates: Sequence[str],
) -> Lineup:
    """Which mockups there are; raises `ConfigurationError` when nothing is to be printed."""
    from orchestration.mockups.jobs.products import fabric_of
    from orchestration.mockups.lineup import Axes, line_up, read_names
    from orchestration.mockups.mockup_request import DesignText, MockupRequest
    from orchestration.mockups.presets import Adjustment

    with mockups.database.connect() as connection:
        own = fabric_of(connection, *garment)
    printed: list[DesignFile | DesignText] = [read_design_file(source) for source in designs]
    if names is not None:
        printed += read_names(_read(names))
    if not printed:
        raise ConfigurationError("Nothing is to be printed; give --design FILE or --names FILE")
    axes = Axes(printed, presets or [Preset.CHEST_LARGE], templates or [DEFAULT_TEMPLATE], fabrics or [own])
    return line_up(axes, MockupRequest(()), Adjustment())


def _read(names: Path) -> str:
    try:
        return names.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{names} cannot be read: {error}") from error


def _submitted(mockups: Mockups, garment: tuple[str, str | None], cell: Cell, size: int | None) -> RenderJob:
    from orchestration.mockups.jobs.submission import Submission, submit

    [order] = cell.request.prints
    options = JobOptions(fabric=cell.request.fabric, mode=RenderMode.IMAGES_ONLY, still_size=size)
    design = order.design if isinstance(order.design, DesignFile) else None
    if not isinstance(order.design, DesignFile):
        options = JobOptions(
            fabric=cell.request.fabric, mode=RenderMode.IMAGES_ONLY, still_size=size,
            text=order.design.text, text_colour=order.design.colour,
        )  # fmt: skip
    product, variant = garment
    wish = Submission(
        product, order.preset, variant_id=variant, design=design, template_id=cell.request.template_id,
        options=options, metadata={"matrix": cell.caption},
    )  # fmt: skip
    return asyncio.run(submit(mockups, wish))


def _write_sheet(mockups: Mockups, cells: Sequence[Cell], jobs: Sequence[RenderJob], out: Path, columns: int) -> int:
    """Lay out the pictures of the jobs that were rendered; how many. Raises `ConfigurationError` for a bad path."""
    from orchestration.mockups.jobs.rows import outputs_of
    from orchestration.mockups.lineup import contact_sheet
    from orchestration.mockups.pixels import png

    with mockups.database.connect() as connection:
        outputs = outputs_of(connection, [job.id for job in jobs])
    shown = [
        (cell.caption, picture)
        for cell, job in zip(cells, jobs, strict=True)
        if (picture := _picture(mockups, outputs.get(job.id, ()), _VIEW[Preset(job.preset).side])) is not None
    ]
    if shown:
        try:
            out.write_bytes(png(contact_sheet(shown, columns)))
        except OSError as error:
            raise ConfigurationError(f"cannot write {out}: {error.strerror}; the jobs are done") from error
    return len(shown)


def _picture(mockups: Mockups, outputs: Sequence[StoredOutput], angle: str) -> Pixels | None:
    """The view of a job, small, so that many of them find room; None when it was not made."""
    from orchestration.mockups.designs.design import design_from_bytes
    from orchestration.mockups.pixels import resized

    key = next((one.object_key for one in outputs if one.kind is OutputKind.STILL and one.angle == angle), None)
    if key is None:
        return None
    try:
        decoded = design_from_bytes(key, mockups.services.objects.get(key))
    except OrchestrationError as error:
        note(f"{key}: {error}")
        return None
    return resized(decoded.pixels, _SHEET_PIXELS, _SHEET_PIXELS)


def _print(summary: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(summary)
        return
    rows = [(name, value if name != "refused" else len(value)) for name, value in summary.items()]
    print_table("Matrix", ("what", "count"), rows)
