"""Many mockups of one call: designs x presets x colours, or names x garments x colours, and their contact sheet.

Which mockups there are, and the picture of them side by side. Keep out: making them (`maker`), runs and jobs.

A name that would not fit is refused by name, and the rest goes on.
"""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from orchestration.errors import InvalidInputError, OrchestrationError
from orchestration.mockups.composites.compositing import place_on
from orchestration.mockups.designs.lettered import lines_of
from orchestration.mockups.fabrics import parse_fabric
from orchestration.mockups.garments.library import load_garment
from orchestration.mockups.maker import design_size
from orchestration.mockups.mockup_request import DesignFile, DesignText, MockupRequest, PrintOrder
from orchestration.mockups.pixels import over, resized
from orchestration.mockups.refusals import MockupRefusedError, RefusalCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from orchestration.mockups.presets import Adjustment, Preset

    Pixels = NDArray[np.uint8]

LOWEST_LETTERS_MM: Final = 8.0
"""Letters of a name that come out lower are too small to be worn."""
_MOST_ROWS: Final = 10_000
_CELL, _GAP, _CAPTION = 256, 12, 30
_PAPER, _INK = (255, 255, 255, 255), (70, 76, 84)


class Cell(NamedTuple):
    """One mockup of many: its caption, and its request."""

    caption: str
    request: MockupRequest


class Refused(NamedTuple):
    """One that is not made, and why."""

    caption: str
    reason: str


class Lineup(NamedTuple):
    """What is to be made, in the order in which designs and colours are shared best, and what is not."""

    cells: tuple[Cell, ...]
    refused: tuple[Refused, ...]


class Axes(NamedTuple):
    """What is crossed."""

    designs: Sequence[DesignFile | DesignText]
    presets: Sequence[Preset]
    templates: Sequence[str]
    fabrics: Sequence[str]


def line_up(axes: Axes, base: MockupRequest, adjustment: Adjustment) -> Lineup:
    """Cross designs, presets, garments and colours; `base` has all other wishes, its prints are replaced.

    Every design is placed, so that what cannot be made is known before anything is drawn.

    Raises:
        MockupRefusedError: INVALID_COLOR; a colour is not known.

    """
    cells, refused = [], []
    fabrics = [parse_fabric(text).name for text in axes.fabrics]
    for design, preset, template in product(axes.designs, axes.presets, axes.templates):
        order, caption = PrintOrder(design, preset, adjustment), f"{_named(design)} {preset} {template}"
        try:
            _check(order, template, base.garment_size)
        except OrchestrationError as error:
            refused.append(Refused(caption, str(error)))
            continue
        requests = (replace(base, prints=(order,), fabric=fabric, template_id=template) for fabric in fabrics)
        cells += [Cell(f"{caption} {request.fabric}", request) for request in requests]
    return Lineup(tuple(cells), tuple(refused))


def read_names(text: str) -> list[DesignText]:
    """Read a CSV of names: a column `name`, and if there is one, `colour` for the letters. Empty lines are skipped.

    Raises:
        InvalidInputError: there is no such column, or there are too many rows.

    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    columns = {(column or "").strip().lower(): column for column in reader.fieldnames or ()}
    if "name" not in columns:
        raise InvalidInputError(f"the list of names has the columns {sorted(columns)}; give it a column `name`")
    rows = [((row[columns["name"]] or "").strip(), row) for row in reader]
    names = [DesignText(name, (row.get(columns.get("colour", "")) or "").strip() or None) for name, row in rows if name]
    if len(names) > _MOST_ROWS:
        raise InvalidInputError(f"the list has {len(names)} names; split it into lists of at most {_MOST_ROWS}")
    return names


def contact_sheet(pictures: Sequence[tuple[str, Pixels]], columns: int) -> Pixels:
    """Lay pictures with their captions out in rows, on white: uint8 of height x width x 4."""
    rows = -(-len(pictures) // columns)
    height, width = rows * (_CELL + _CAPTION + _GAP) + _GAP, columns * (_CELL + _GAP) + _GAP
    sheet = np.full((height, width, 4), _PAPER, np.uint8)
    for number, (caption, picture) in enumerate(pictures):
        row, column = divmod(number, columns)
        x, y = _GAP + column * (_CELL + _GAP), _GAP + row * (_CELL + _CAPTION + _GAP)
        sheet[y : y + _CELL, x : x + _CELL] = over(resized(picture, _CELL, _CELL), _PAPER)
        _write(sheet, caption, (x, y + _CELL + _CAPTION // 2))
    sheet[:, :, 3] = _PAPER[3]  # smooth letters leave their alpha behind
    return sheet


def _named(design: DesignFile | DesignText) -> str:
    return design.name if isinstance(design, DesignFile) else design.text


def _check(order: PrintOrder, template: str, garment_size: str | None) -> None:
    """Place a design; letters that come out too low are refused by name."""
    garment = load_garment(template)
    size = garment.size(garment_size or garment.template_size)
    placement = place_on(garment, size, design_size(order.design), order.preset, order.adjustment)
    if isinstance(order.design, DesignText):
        height = placement.height / len(lines_of(order.design.text)) * size.print_scale / garment.px_per_mm
        if height < LOWEST_LETTERS_MM:
            problem = f"the name {order.design.text!r} is too long for {order.preset}: it gets {height:.1f} mm high"
            remedy = f"shorten it, part it with /, or choose a larger preset; {LOWEST_LETTERS_MM:g} mm is the least"
            raise MockupRefusedError(RefusalCode.VALIDATION_ERROR, problem, remedy)


def _write(sheet: Pixels, caption: str, where: tuple[int, int]) -> None:
    """Write a caption, shortened to the width of a cell; OpenCV's letters, which are Latin, will do for it."""
    import cv2

    font, scale = cv2.FONT_HERSHEY_SIMPLEX, 0.42
    while caption and cv2.getTextSize(caption, font, scale, 1)[0][0] > _CELL:
        caption = caption[:-1]
    cv2.putText(sheet, caption, where, font, scale, (*_INK, 255), 1, cv2.LINE_AA)
