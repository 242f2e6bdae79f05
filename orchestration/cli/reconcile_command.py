"""`orchestration reconcile`: every row that names an object, against every object of the store.

For the time after a restore, when database and store are of two moments. Nothing is changed. Keep out: what is wrong
with an object or a row itself, which the asset checks tell.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

import sqlalchemy as sa
import typer

from orchestration.canvas.media_gc.tables import canvas_media
from orchestration.cli.options import Json, open_services
from orchestration.cli.output import SOME_FAILED, console, note, print_json, print_table
from orchestration.media.tables import media, media_variant
from orchestration.mockups.tables import render_job, render_output
from orchestration.previews.tables import preview_job
from orchestration.prints.tables import print_output, print_path, print_plate, print_product, print_task
from orchestration.storage.listing import list_objects

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestration.services import Services

_PREVIEW_FILE: Final[sa.ColumnElement[str]] = sa.literal_column(
    "jsonb_path_query(preview_job.result, '$.files[*].key') #>> '{}'", sa.Text
)
_FURTHER_DESIGN: Final[sa.ColumnElement[str]] = sa.literal_column(
    "jsonb_path_query(render_job.options, '$.further_prints[*].design_key') #>> '{}'", sa.Text
)
_PRODUCT_FILE: Final[sa.ColumnElement[str]] = sa.literal_column(
    "jsonb_path_query(print_product.outputs, '$[*].object_key') #>> '{}'", sa.Text
)
# What names an object: the column, and by what a person finds its row. Of several rows the last one is told.
NAMES: Final = (
    (media.c.key, media.c.content_hash),
    (media_variant.c.key, media_variant.c.content_hash),
    (_PRODUCT_FILE, print_product.c.address),
    (print_output.c.object_key, print_output.c.pretty_path),
    (print_path.c.object_key, print_path.c.path),
    (print_task.c.refused_picture, print_task.c.id),
    (print_plate.c.object_key, print_plate.c.id),
    (print_plate.c.picture_key, print_plate.c.id),
    (render_job.c.design_key, render_job.c.id),
    (_FURTHER_DESIGN, render_job.c.id),
    (render_output.c.object_key, render_output.c.job_id),
    (canvas_media.c.storage_path, canvas_media.c.media_id),
    (_PREVIEW_FILE, preview_job.c.job_id),
)
# Objects that no row has to name: what is kept to save work, and the doctor's own.
_KEPT: Final = ("previews/segments/", "doctor/")
_SHOWN = 20
_ROWS_PER_FETCH = 10_000
# From its first query on, the transaction sees the rows of one moment; listing the store may take long.
_HOLD_MOMENT = sa.text(
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SET LOCAL idle_in_transaction_session_timeout = 0; SELECT 1"
)


class MissingObject(NamedTuple):
    """A row that names an object that is not there."""

    table: str
    row: str
    key: str


class Reconciliation(NamedTuple):
    """What two moments differ in: `missing` was lost or deleted, `unnamed` (sizes by key) came after the backup.

    `odd` are names in the store that no object of the product can have, with the reasons.
    """

    named: int
    missing: list[MissingObject]
    unnamed: dict[str, int]
    odd: Mapping[str, str]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(reconcile)


def reconcile(as_json: Json = False) -> int:
    """Compare the rows that name objects with the objects of the store, and change nothing."""
    with open_services() as services:
        found = compare(services)
    if as_json:
        missing = [one._asdict() for one in found.missing]
        print_json({"named": found.named, "missing": missing, "unnamed": found.unnamed})
    else:
        _print(found)
    for name, reason in list(found.odd.items())[:_SHOWN]:
        note(f"{name}: {reason}")
    return SOME_FAILED if found.missing else 0


def compare(services: Services) -> Reconciliation:
    """Compare the rows of one moment with the store as it is listed after it.

    So what is stored meanwhile is not taken for missing. It holds what the store lists in memory, and not the rows. A
    row of before and an object that was deleted meanwhile are a difference, too: run it while nothing else does.
    """
    with services.database.begin() as connection:
        connection.execute(_HOLD_MOMENT)
        sizes, odd = list_objects(services.objects, "")
        unnamed, missing = dict(sizes), dict[str, MissingObject]()
        for one in _named(connection):
            if one.key in sizes:
                unnamed.pop(one.key, None)
            else:
                missing[one.key] = one
    named = len(sizes) - len(unnamed) + len(missing)
    left = {key: size for key, size in unnamed.items() if not key.startswith(_KEPT)}
    return Reconciliation(named, list(missing.values()), left, odd)


def _named(connection: sa.Connection) -> Iterator[MissingObject]:
    """Every name of an object, with the row that has it, as if it were missing; a few at a time."""
    streaming = connection.execution_options(yield_per=_ROWS_PER_FETCH)
    for key, row in NAMES:
        for found, name in streaming.execute(sa.select(row, key)):
            if name:
                yield MissingObject(str(row.table.name), str(found), name)


def _print(found: Reconciliation) -> None:
    console().print(f"{found.named} objects are named by rows, and {len(found.missing)} of these are missing")
    if found.missing:
        print_table("Missing objects", MissingObject._fields, found.missing[:_SHOWN])
    if len(found.missing) > _SHOWN:
        note(f"{len(found.missing) - _SHOWN} more are listed by --json")
    rows = [(folder, len(sizes), sum(sizes)) for folder, sizes in _by_folder(found.unnamed).items()]
    print_table("Objects that no row names", ("folder", "objects", "bytes"), rows)


def _by_folder(sizes: Mapping[str, int]) -> dict[str, list[int]]:
    folders: dict[str, list[int]] = defaultdict(list)
    for key, size in sorted(sizes.items()):
        folders[key.partition("/")[0]].append(size)
    return folders
