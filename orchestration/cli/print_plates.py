"""`orchestration prints plates`: finished products on plates for the printer's bed.

Its options, and the form of its answers. Keep out: packing and files (`orchestration.prints.plates`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from orchestration.cli.options import Json, open_services, settings_for
from orchestration.cli.output import DONE, SOME_FAILED, console, note, print_json, print_table
from orchestration.errors import ConfigurationError
from orchestration.imports import lasting
from orchestration.prints.plates.rows import list_plates, undo_plates
from orchestration.prints.prints import Prints
from orchestration.prints.solid.sku import UnsupportedSkuError, product_for

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from orchestration.prints.plates.rows import StoredPlate
    from orchestration.services import Services


def prints_plates(
    *,
    sku: Annotated[list[str] | None, typer.Option(help="Only products of this SKU; may be repeated.")] = None,
    review: Annotated[bool, typer.Option("--review", help="Also what a person should review first.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the plates' 3MF files and pictures to this folder.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="Make none; list those that there are.")] = False,
    undo: Annotated[list[int] | None, typer.Option(help="Take this plate back; may be repeated.")] = None,
    as_json: Json = False,
) -> int:
    """Put finished prints of equal filaments side by side on plates, the most urgent first."""
    check_skus(sku)
    if undo:
        return _undo_plates(undo, as_json=as_json)
    made = None if listed else _make_plates(sku or [], with_review=review)
    with open_services() as services:
        prints = Prints(services)
        with services.database.connect() as connection:
            found = list_plates(connection, prints.statuses, made and made.numbers)
        if out is not None:
            _write_plates(services, found, out)
    _print_plates(found, as_json=as_json)
    return DONE if made is None or made.is_whole else SOME_FAILED


class _MadePlates(NamedTuple):
    """The numbers of new plates, and whether all that could be put on plates is on them."""

    numbers: list[int]
    is_whole: bool


def _make_plates(skus: list[str], *, with_review: bool) -> _MadePlates:
    """Make plates through Dagster, and say what went wrong."""
    with lasting():
        from orchestration.cli.job_runner import job_runner
        from orchestration.prints.defs.plates import NUMBERS, PlateConfig, plates
        from orchestration.runtime.assets import run_config

    with job_runner(settings_for()) as runner:
        config = PlateConfig(skus=skus, with_review=with_review)
        outcome = runner.run("prints_plates", run_config(plates, config))
    for problem in (*outcome.problems, *(f"{item}: {reason}" for item, reason in outcome.failed.items())):
        note(problem)
    return _MadePlates(outcome.metadata.get(NUMBERS, []), outcome.success)


def _undo_plates(numbers: Sequence[int], *, as_json: bool) -> int:
    with open_services() as services, services.database.begin() as connection:
        undone = undo_plates(connection, numbers)
    unknown = sorted(set(numbers) - set(undone))
    if as_json:
        print_json({"undone": undone, "unknown": unknown})
    elif undone:
        console().print(f"Taken back: {', '.join(map(str, undone))}")
    for number in unknown:
        note(f"There is no plate {number}; `orchestration prints plates --list` shows their numbers")
    return SOME_FAILED if unknown else DONE


def _write_plates(services: Services, found: Sequence[StoredPlate], out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        for plate in found:
            for key in (plate.object_key, plate.picture_key):
                (out / f"plate-{plate.id}{Path(key).suffix}").write_bytes(services.objects.get(key))
    except OSError as error:
        raise ConfigurationError(f"{out} cannot be written to: {error.strerror}") from error


def _print_plates(found: Sequence[StoredPlate], *, as_json: bool) -> None:
    if as_json:
        print_json([plate._asdict() for plate in found])
        return
    rows = [
        (one.id, f"{one.body_color}, {one.text_color}", one.products, one.pieces, one.grams, one.minutes,
         f"{one.density:.0%}", one.ship_by_date or "", ", ".join(one.orders), one.changed or "")
        for one in found
    ]  # fmt: skip
    columns = ("plate", "filaments", "products", "pieces", "grams", "minutes", "bed", "ship by", "orders", "changed")
    print_table("Plates", columns, rows)


def check_skus(skus: Collection[str] | None) -> None:
    """Raise `ConfigurationError` for a SKU that has no design."""
    for sku in skus or ():
        try:
            product_for(sku)
        except UnsupportedSkuError as error:
            raise ConfigurationError(str(error)) from error
