"""Making plates: what is ready is read, packed by its filaments, written and recorded.

A task is on one plate, with all its pieces; a cable clip has one piece for each cable. What a person should review
first is left out unless it is asked for. One task whose files are gone, or that fits on no plate, is left out with the
reason, and the others go on. Two who make plates at once get different ones: a plate that holds what another has taken
meanwhile is dropped. Keep out: packing, files and statements, each in a module of its own, and Dagster.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from orchestration.errors import OrchestrationError
from orchestration.prints.plates.packing import Bed, plan_plates
from orchestration.prints.plates.rows import NewPlate, ready_tasks, write_plate_rows
from orchestration.prints.solid.colours import Filaments, filament
from orchestration.prints.tasks.products import StoredFile
from orchestration.storage.objects import content_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.prints.plates.packing import PlatePlan
    from orchestration.prints.plates.plate_file import Piece
    from orchestration.prints.plates.rows import ReadyTask
    from orchestration.prints.prints import Prints
    from orchestration.prints.solid.printer import Printer

FOLDER = "plates"
MOST_TASKS = 500


class PlateOptions(msgspec.Struct, frozen=True):
    """Which tasks are put on plates: of these SKUs, or all; with `with_review` also those to be reviewed."""

    skus: tuple[str, ...] = ()
    with_review: bool = False
    most: int = MOST_TASKS


class LeftOut(NamedTuple):
    """A task that is on no plate, and why."""

    task_id: int
    reason: str


class MadePlates(NamedTuple):
    """The numbers of the new plates, and the tasks that were left out."""

    plates: Sequence[int]
    left_out: Sequence[LeftOut]


class _Loaded(NamedTuple):
    """A task with its pieces and what they take."""

    task: ReadyTask
    pieces: tuple[Piece, ...]
    grams: float
    minutes: float


def make_plates(prints: Prints, options: PlateOptions) -> MadePlates:
    """Put what is ready on plates, the most urgent first."""
    with prints.database.connect() as connection:
        skus = options.skus or None
        ready = ready_tasks(connection, prints.statuses, skus=skus, with_review=options.with_review, most=options.most)
    left_out: list[LeftOut] = []
    made: list[int] = []
    by_filaments: defaultdict[tuple[str, str], list[ReadyTask]] = defaultdict(list)
    for task in ready:
        by_filaments[task.body_color, task.text_color].append(task)
    for tasks in by_filaments.values():
        loaded = [one for task in tasks if (one := _loaded(prints, task, left_out)) is not None]
        made += _make_group(prints, loaded, left_out)
    return MadePlates(made, left_out)


def _loaded(prints: Prints, task: ReadyTask, left_out: list[LeftOut]) -> _Loaded | None:
    """Read the files of a task; one that cannot be read is left out."""
    from orchestration.prints.plates.plate_file import Piece
    from orchestration.prints.solid.threemf import read_parts

    pieces: list[Piece] = []
    try:
        for file in task.outputs:
            if file.kind == "3mf":
                parts = tuple(read_parts(prints.services.objects.get(file.object_key)))
                pieces.append(Piece(f"{task.name}{file.suffix.removesuffix('.3mf').replace('_', ' ')}", parts))
    except OrchestrationError as error:
        left_out.append(LeftOut(task.id, f"{error}; `orchestration prints refresh --force --task {task.id}`"))
        return None
    facts = [file.facts for file in task.outputs if file.facts]
    start = prints.printer.start_minutes
    grams = sum(one["grams"] for one in facts) * task.quantity
    minutes = sum(one["estimated_minutes"] - start for one in facts) * task.quantity
    return _Loaded(task, tuple(pieces) * task.quantity, grams, minutes)


def _make_group(prints: Prints, loaded: Sequence[_Loaded], left_out: list[LeftOut]) -> list[int]:
    margin, printer = prints.settings.print_plate_margin_mm, prints.printer
    bed = Bed(printer.bed[0] - 2 * margin, printer.bed[1] - 2 * margin, prints.settings.print_plate_spacing_mm)
    plans = plan_plates([[piece.footprint for piece in one.pieces] for one in loaded], bed)
    for number in plans.too_large:
        one = loaded[number]
        reason = f"its {len(one.pieces)} pieces do not fit on one plate; print it by itself, or share the quantity out"
        left_out.append(LeftOut(one.task.id, reason))
    made: list[int] = []
    for plan in plans.plates:
        plate = _written(prints, plan, loaded, margin)
        with prints.database.begin() as connection:
            plate_id = write_plate_rows(connection, plate)
        if plate_id is None:
            reason = "it changed, or was put on another plate, while this one was made; make plates again"
            left_out += [LeftOut(task.id, reason) for task, _ in plate.tasks]
        else:
            made.append(plate_id)
    return made


def _written(prints: Prints, plan: PlatePlan, loaded: Sequence[_Loaded], margin: float) -> NewPlate:
    """Write the files of a plate into the object store."""
    from orchestration.prints.plates.plate_file import Standing, draw_plate, write_plate

    chosen = [loaded[number] for number in plan.places]
    standing = [
        Standing(piece, place._replace(x=place.x + margin, y=place.y + margin))
        for number, places in plan.places.items()
        for piece, place in zip(loaded[number].pieces, places, strict=True)
    ]
    first = chosen[0].task
    filaments = Filaments(filament(first.body_color), filament(first.text_color))
    grams = round(sum(one.grams for one in chosen), 1)
    minutes = round(prints.printer.start_minutes + sum(one.minutes for one in chosen), 1)
    density = sum(one.piece.footprint.area for one in standing) / _area(prints.printer)
    caption = (
        f"{first.body_color}, text {first.text_color}: {len(standing)} pieces, {grams:.0f} g, "
        f"{minutes // 60:.0f} h {minutes % 60:.0f} min, {density:.0%} of the bed"
    )
    picture = draw_plate(standing, filaments, prints.printer.bed[:2], caption)
    package = write_plate(standing, filaments, caption, picture)
    file = _stored(prints, package, "3mf", "model/3mf")
    return NewPlate(
        first.body_color, first.text_color, file, _stored(prints, picture, "png", "image/png").object_key,
        grams, minutes, round(density, 4), [(one.task, len(one.pieces)) for one in chosen],
    )  # fmt: skip


def _area(printer: Printer) -> float:
    return printer.bed[0] * printer.bed[1]


def _stored(prints: Prints, content: bytes, kind: str, mime: str) -> StoredFile:
    sha256 = hashlib.sha256(content).hexdigest()
    key = content_key(FOLDER, sha256, kind)
    asyncio.run(prints.services.objects.put_once(key, content, mime=mime))
    return StoredFile(kind, f".{kind}", key, sha256, len(content))
