"""What a shop sends: files of orders, the texts and SKUs of products, and printable files that are read again."""

from __future__ import annotations

import csv
import io
import json
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from orchestration.canvas.snapshot_form import CorruptSnapshotError
from orchestration.demo.orders import sample_orders
from orchestration.errors import InvalidInputError, PermanentError
from orchestration.lettering.fonts import FontLibrary
from orchestration.previews.payload.merge import merge, read_table
from orchestration.prints.orders.csv_rows import CheckedRows, check_rows, read_csv, read_mappings
from orchestration.prints.orders.lines import find_lines, rows_by_order
from orchestration.prints.solid import naming
from orchestration.prints.solid.colours import Filaments, filament
from orchestration.prints.solid.engines.native import NativeEngine
from orchestration.prints.solid.mesh import Mesh
from orchestration.prints.solid.renderer import OutputKind, Renderer
from orchestration.prints.solid.request import OrderLine, read
from orchestration.prints.solid.sku import CABLE_CLIP_PREFIX, STATIC_SKUS, is_supported, meant_sku
from orchestration.prints.solid.stl import read_stl, write_stl
from orchestration.prints.solid.threemf import Model, read_parts, write_3mf
from orchestration_tests.fuzz.mutation import of_lines, of_text, of_zip
from orchestration_tests.fuzz.target import Target, bytes_of, each, expect, expect_storable, json_of, parts_of
from orchestration_tests.fuzz.targets.canvas import load_snapshot, snapshots

if TYPE_CHECKING:
    from collections.abc import Iterable

_SKUS = (*STATIC_SKUS, f"{CABLE_CLIP_PREFIX}1")
_TEXTS = (
    "Anna / Smith",
    "ANNA",
    "Mu\u0308ller",
    "\u0645\u062d\u0645\u062f Anna",
    "LB 12 ABC",
    "O'Neill & S\u00f8n",
    "\u738b\u5c0f\u660e",
)
# A letter of some scripts has hundreds of corners; a text of the longest takes seconds, as it may.
_DRAWN = 24
_UNREADABLE = (InvalidInputError, CorruptSnapshotError)


def read_order_file(data: bytes) -> None:
    """A file of orders: each row ends as one that can be stored, or as a problem that can be shown."""
    _check_rows(check_rows(read_csv(data)))


def read_order_rows(data: bytes) -> None:
    """Orders as JSON, as the API takes them."""
    rows = json_of(data)
    if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
        _check_rows(check_rows(read_mappings(rows)))


def read_order_text(data: bytes) -> None:
    """A product's SKU, text and colours: their lines, file names and address, or the one reason why not."""
    sku, first, second, text = parts_of(data, 4)
    naming_only(text)
    meant_sku(sku)
    request = read(OrderLine(sku if is_supported(sku) else _SKUS[len(sku) % len(_SKUS)], text, first, second))
    expect(request.shown, "a product without a line")
    expect_storable(request.text, *request.shown, *request.left_out)


def naming_only(text: str) -> None:
    """The names of files, which are made of any text: no path leads out of its folder."""
    base = naming.base_name(text, 1)
    path = naming.pretty_path("cable-clip", base, ".stl")
    expect(base.isascii() and path.isascii() and base == path.split("/")[-1].removesuffix(".stl"), f"{path!r}")
    expect(len(base) <= naming.SLUG_LENGTH + len("_UC"), "a file's name is too long")
    for one in naming.neighbours(path, "0" * 32):
        expect(one.count("/") == path.count("/"), f"{one!r}")


def draw_order_text(data: bytes) -> None:
    """A whole product of a short text: its files are closed solids, or it is refused."""
    text = parts_of(data, 1)[0][:_DRAWN]
    product = renderer().render(OrderLine(_SKUS[len(data) % len(_SKUS)], text, "black", "white"))
    for output in product.outputs:
        if output.kind is OutputKind.STL:
            expect(output.facts is not None and output.facts.watertight, f"{text!r} is no closed solid")


def read_stl_file(data: bytes) -> None:
    """A binary STL, as the reference engine writes it."""
    expect(read_stl(data).shape[1:] == (3, 3), "no triangles")


def read_3mf_file(data: bytes) -> None:
    """A 3MF that is put on a plate."""
    parts = read_parts(data)
    expect(len(parts) == 2, "a product of two parts")
    for part in parts:
        expect(int(part.triangles.max()) < len(part.vertices), "a corner is no vertex")


def merge_table(data: bytes) -> None:
    """A file of orders, or any other table, as the table of a template's merge fields: no row is lost."""
    rows = read_table(data)
    merged = list(merge({"jobId": "{{order_number}}", "title": ["{{text|-}}"]}, rows))
    expect(len(merged) == len(rows), "a row is lost")


def _check_rows(checked: CheckedRows) -> None:
    for problem in checked.problems:
        expect_storable(problem.column, problem.problem, problem.remedy)
    for row in checked.rows:
        expect_storable(*(value for value in row.cells.values() if isinstance(value, str)))
    for rows in rows_by_order(checked.rows).values():
        found = find_lines(rows, ())
        expect(len(found.assigned) + len(found.problems) == len(rows), "a row is lost")


@cache
def renderer() -> Renderer:
    """What draws the products."""
    return Renderer(NativeEngine(), FontLibrary(), cache_bytes=2**20)


def _order_file(delimiter: str) -> bytes:
    rows = sample_orders()[:4]
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode("utf-8-sig")


def _files() -> Iterable[bytes]:
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    mesh = Mesh(corners, np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.int64))
    yield write_stl(mesh, "a tetrahedron")
    yield write_3mf([Model("two", (mesh, mesh))], Filaments(filament("black"), filament("white")), "two of them")
    yield from snapshots()
    yield json.dumps(sample_orders()[:3]).encode()


def order_texts() -> Iterable[bytes]:
    return (bytes_of(sku, "black", "white", text) for sku, text in zip((*_SKUS, *_SKUS), _TEXTS, strict=False))


_FILES = each(read_stl_file, read_3mf_file, load_snapshot, read_order_rows, declared=_UNREADABLE)

TARGETS = (
    Target("prints-order-file", each(read_order_file, merge_table, declared=(InvalidInputError,)),
           lambda: map(_order_file, ",;\t"), mutation=of_lines),
    Target("prints-files", _FILES, _files, declared=_UNREADABLE, mutation=of_zip, longest=40_000),
    Target("prints-drawing", draw_order_text, lambda: [text.encode() for text in _TEXTS], mutation=of_text,
           declared=(PermanentError,), longest=128),
)  # fmt: skip
