"""Rows of orders from outside: reading a CSV file, and checking every cell.

A row is one print task. The file is UTF-8, with or without a byte order mark, with `,` or `;` between the cells, which
the header line shows. `COLUMNS` says what the columns hold. Those that are not required may be left out; what is stored
stays then. Keep out: the database (`importing`).
"""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from orchestration.errors import InvalidInputError
from orchestration.prints.statuses import OrderStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

LONGEST_TEXT: Final = 1_000
LONGEST_NAME: Final = 200
MOST_PIECES: Final = 10_000
LARGEST_NUMBER: Final = 2**63 - 1
# Under this name, which no column has, stand the cells of a row for which the header has no column.
SURPLUS: Final = "beyond the header"


class CellError(ValueError):
    """A cell that cannot be used; the message is what is wrong, `remedy` what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.remedy = remedy


class RowProblem(NamedTuple):
    """Why a row was refused: where, what, and what to do."""

    row: int
    column: str
    problem: str
    remedy: str


class OrderRow(NamedTuple):
    """A row that can be used: its number in the file, and its cells by column, as Python has them.

    A column that is not in `cells` keeps what is stored. `place` names the print task within all of them.
    """

    number: int
    cells: Mapping[str, Any]

    @property
    def place(self) -> tuple[str, str, str, int]:
        """Marketplace, order number, line and task index."""
        cells = self.cells
        return cells["marketplace"], cells["order_number"], cells["line"], cells["task_index"]


def _name(text: str) -> str:
    if len(text) > LONGEST_NAME:
        raise CellError(f"it has {len(text)} characters", f"shorten it to {LONGEST_NAME}")
    return text


def _custom_text(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise CellError(f"it has {len(text)} characters", f"shorten it to {LONGEST_TEXT}")
    return text


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise CellError(f"{text!r} is no whole number", "write digits only") from None
        if not least <= number <= most:
            raise CellError(f"{number} is out of range", f"write a number from {least} to {most}")
        return number

    return read


def _price(text: str) -> float:
    try:
        price = Decimal(text)
    except InvalidOperation:
        raise CellError(f"{text!r} is no amount", "write it with a point, as in 9.95") from None
    if not (price.is_finite() and 0 <= price < MOST_PIECES**2):
        raise CellError(f"{text} is out of range", "write an amount that is not negative")
    return float(price)


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise CellError(f"{text!r} is no date", "write it as 2026-03-01") from None


def _order_status(text: str) -> OrderStatus:
    try:
        return OrderStatus(text)
    except ValueError:
        raise CellError(f"{text!r} is no order status", f"write one of {', '.join(OrderStatus)}") from None


def _address(text: str) -> str:
    name, at, host = text.rpartition("@")
    if not (at and name and host) or any(character.isspace() for character in text):
        raise CellError(f"{text!r} is no e-mail address", "write it as name@host, or leave it empty")
    return _name(text)


def _settings(text: str) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError):  # NaN and halves of surrogate pairs among what is no JSON
        value = None
    if not isinstance(value, dict) or "\\u0000" in text:
        raise CellError("it is no JSON object that can be stored", 'write it as {"name": "value"}, or leave it empty')
    return value


class Column(NamedTuple):
    """What a column holds. An empty cell stands for `empty`; one of a required column is refused."""

    meaning: str
    read: Callable[[str], Any]
    empty: Any = None
    is_required: bool = False


COLUMNS: Final[dict[str, Column]] = {
    "order_number": Column("The order's number at its marketplace", _name, is_required=True),
    "sku": Column("The product's SKU", _name, is_required=True),
    "text": Column(r"The personalisation; a line break, / or \ begins a new line", _custom_text, ""),
    "marketplace": Column("Where it was ordered; `shop` when empty", _name, "shop"),
    "order_status": Column("As ShipStation names it", _order_status, OrderStatus.AWAITING_SHIPMENT),
    "shipstation_order_id": Column("ShipStation's number of the order", _whole(1, LARGEST_NUMBER)),
    "customer_name": Column("The customer", _name),
    "customer_email": Column("Their address", _address),
    "ship_by_date": Column("When it must leave, as 2026-03-01", _day),
    "line": Column("Names the line within its order; its place in the file when empty", _name),
    "task_index": Column("Tells several pieces of a line apart, from 0", _whole(0, MOST_PIECES), 0),
    "product_name": Column("The product in words", _name),
    "quantity": Column("How many", _whole(1, MOST_PIECES), 1),
    "unit_price": Column("What one costs, as 9.95", _price),
    "color_1": Column("The filament of the body", _name),
    "color_2": Column("The filament of the text", _name),
    "print_settings": Column("Anything else about the line, as a JSON object", _settings, {}),
}
REQUIRED: Final = (*(name for name, column in COLUMNS.items() if column.is_required), "text")
_NEEDED: Final = ("marketplace", "line", "task_index")


class CheckedRows(NamedTuple):
    """The rows that can be used, and why the others cannot."""

    rows: Sequence[OrderRow]
    problems: Sequence[RowProblem]


def read_csv(content: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row with its number, the header's being 1. What stands beyond the header's columns is under `SURPLUS`.

    Raises `InvalidInputError` for a file that is not UTF-8, and for columns that are missing or unknown.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"the file is not UTF-8 at byte {error.start}; save it as CSV UTF-8") from error
    header = text.partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restkey=SURPLUS)
    try:
        _check_header(reader.fieldnames or ())
        for number, row in enumerate(reader, start=2):
            yield number, {name: _joined(value) for name, value in row.items()}
    except csv.Error as error:
        raise InvalidInputError(f"line {reader.line_num} of the file is no CSV: {error}") from error


def _joined(cell: str | list[str] | None) -> str:
    return ", ".join(cell) if isinstance(cell, list) else cell or ""


def _check_header(names: Sequence[str]) -> None:
    known = f"the columns are {', '.join(COLUMNS)}"
    if missing := [name for name in REQUIRED if name not in names]:
        raise InvalidInputError(f"the file has no column {', '.join(missing)}; {known}")
    if unknown := [name for name in names if name not in COLUMNS]:
        raise InvalidInputError(f"the file has an unknown column {', '.join(map(repr, unknown))}; {known}")


def read_mappings(rows: Sequence[Mapping[str, object]]) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows that came as mappings of columns to values, as `read_csv` gives those of a file; the first is number 1.

    Raises `InvalidInputError` for columns that are unknown.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    _check_header([*REQUIRED, *names])
    for number, row in enumerate(rows, start=1):
        given = {name: "" if value is None else str(value) for name, value in row.items()}
        yield number, {**dict.fromkeys(REQUIRED, ""), **given}


def check_rows(rows: Iterator[tuple[int, Mapping[str, str]]]) -> CheckedRows:
    """Check each row, which maps columns to cells; the first wrong cell of a row refuses it.

    A line without a name is named after its place among the rows of its order, so give names where a file may hold a
    part of an order.
    """
    good: dict[tuple[str, str, str, int], OrderRow] = {}
    problems: list[RowProblem] = []
    seen: dict[tuple[str, str], int] = {}
    for number, cells in rows:
        row = _check_row(number, cells)
        if isinstance(row, RowProblem):
            problems.append(row)
            continue
        order = (row.cells["marketplace"], row.cells["order_number"])
        seen[order] = seen.get(order, 0) + 1
        row = row._replace(cells={**row.cells, "line": row.cells["line"] or str(seen[order])})
        if (earlier := good.get(row.place)) is not None:
            problems.append(RowProblem(number, "line", f"row {earlier.number} is the same line of the same order",
                                       "give each line a name of its own, or a task_index"))  # fmt: skip
            continue
        good[row.place] = row
    return CheckedRows(list(good.values()), problems)


def _check_row(number: int, cells: Mapping[str, str]) -> OrderRow | RowProblem:
    if cells.get(SURPLUS, "").strip(" ,"):
        problem = f"it has more cells than the header: {cells[SURPLUS]!r}"
        return RowProblem(number, SURPLUS, problem, "put a cell that holds the separator into quotes")
    read: dict[str, Any] = {}
    for name, column in COLUMNS.items():
        if name not in cells and name not in _NEEDED:
            continue
        try:
            read[name] = _cell(column, cells.get(name, ""))
        except CellError as error:
            return RowProblem(number, name, str(error), error.remedy)
    return OrderRow(number, read)


def _cell(column: Column, text: str) -> Any:  # noqa: ANN401 - each column has a type of its own
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise CellError("it holds a character that no text has", "type it again")
    # The text itself is kept as it was typed: a space at its end is no fault of the row.
    value = text if column.read is _custom_text else text.strip()
    if value.strip():
        return column.read(value)
    if column.is_required:
        raise CellError("it is empty", f"write {column.meaning[0].lower()}{column.meaning[1:]}")
    return column.empty
