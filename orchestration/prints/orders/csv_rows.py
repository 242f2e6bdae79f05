"""Rows of orders from outside: what their columns hold, and the check of every cell.

A row is one print task. An empty cell, or a column that a file lacks, says nothing: what is stored stays, and a new
order gets the column's default. `-` erases a cell that may be erased. Every cell obeys the rules of texts: no control
characters, no halves of characters, nothing that a spreadsheet has shortened. Keep out: the file (`csv_file`), which
line of its order a row means (`lines`), and the database (`importing`).
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from orchestration.lettering.errors import describe
from orchestration.lettering.text import is_invisible
from orchestration.prints.orders.csv_file import BROKEN, SURPLUS, check_header, read_cells
from orchestration.prints.statuses import OrderStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

LONGEST_TEXT: Final = 1_000
LONGEST_NAME: Final = 200
LONGEST_SETTINGS: Final = 10_000
MOST_PIECES: Final = 10_000
LARGEST_NUMBER: Final = 2**63 - 1
ERASE: Final = "-"
"""What a cell holds that is to be emptied; only for columns that may be."""

# 1.23457E+11, 2,05E+10: the digits that are gone kept two orders apart.
_SHORTENED: Final = re.compile(r"[+-]?\d+([.,]\d+)?[eE]\+?\d+")
_DECIMAL: Final = re.compile(r"\d+[.,]0+")
_ERRORS: Final = re.compile(r"#(NAME\?|REF!|VALUE!|DIV/0!|NULL!|NUM!|N/A|#+)")
_DAY: Final = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?")
_LINE_BREAKS: Final = "\r\n\t"
_LOST: Final = "\ufffd"
_NO_CHARACTERS: Final = "\ufffe\uffff"


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

    A column that is not in `cells` keeps what is stored; None erases it.
    """

    number: int
    cells: Mapping[str, Any]

    @property
    def order(self) -> tuple[str, str]:
        """Marketplace and order number."""
        return self.cells["marketplace"], self.cells["order_number"]

    def value(self, name: str) -> Any:  # noqa: ANN401 - each column has a type of its own
        """What the row says of a column, or None."""
        return self.cells.get(name)


def _name(text: str) -> str:
    text = " ".join(text.split())
    if len(text) > LONGEST_NAME:
        raise CellError(f"it has {len(text)} characters", f"shorten it to {LONGEST_NAME}")
    return text


def _key(text: str) -> str:
    """Read what things are found by: one spelling for what looks the same."""
    if invisible := [character for character in text if is_invisible(character)]:
        raise CellError(f"it holds {describe(invisible[0])}, which is invisible", "type it again by hand")
    return _name(unicodedata.normalize("NFC", text))


def _number(text: str) -> str:
    """Read an order's number."""
    if _DECIMAL.fullmatch(text):
        raise CellError(f"a program has read {text!r} as a decimal number", "export the column as text")
    return _key(text)


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
    """Read a day, or the day of a moment as it is written, in any zone."""
    written = _DAY.fullmatch(text)
    try:
        return date.fromisoformat(written[1] if written else "").isoformat()
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
    remedy = 'write it as {"name": "value"}, or leave it empty'
    if len(text) > LONGEST_SETTINGS:
        raise CellError(f"it has {len(text)} characters", f"shorten it to {LONGEST_SETTINGS}")
    try:
        value = msgspec.json.decode(text)
    except RecursionError:
        raise CellError("its lists are nested too deeply", remedy) from None
    except (msgspec.MsgspecError, UnicodeEncodeError):
        value = None
    if not isinstance(value, dict):
        raise CellError("it is no JSON object", remedy)
    # PostgreSQL stores no NUL, however it is written.
    if b"\\u0000" in msgspec.json.encode(value):
        raise CellError("it holds a NUL character", "delete it")
    return value


class Column(NamedTuple):
    """What a column holds. An empty cell says nothing, or stands for `empty`; one of a required column is refused."""

    meaning: str
    read: Callable[[str], Any]
    empty: Any = None
    is_required: bool = False
    is_erasable: bool = False


COLUMNS: Final[dict[str, Column]] = {
    "order_number": Column("The order's number at its marketplace", _number, is_required=True),
    "sku": Column("The product's SKU", _key, is_required=True),
    "text": Column(r"The personalisation; a line break, / or \ begins a new line", _custom_text),
    "marketplace": Column("Where it was ordered; `shop` when empty", _key, "shop"),
    "order_status": Column("As ShipStation names it; a new order awaits shipment when empty", _order_status),
    "shipstation_order_id": Column("ShipStation's number of the order", _whole(1, LARGEST_NUMBER), is_erasable=True),
    "customer_name": Column("The customer", _name, is_erasable=True),
    "customer_email": Column("Their address", _address, is_erasable=True),
    "ship_by_date": Column("When it must leave, as 2026-03-01", _day, is_erasable=True),
    "line": Column("Names the line within its order; found by what it says when empty", _key),
    "task_index": Column("Tells several pieces of a line apart, from 0", _whole(0, MOST_PIECES), 0),
    "product_name": Column("The product in words", _name),
    "quantity": Column("How many; 1 of a new line when empty", _whole(1, MOST_PIECES)),
    "unit_price": Column("What one costs, as 9.95", _price, is_erasable=True),
    "color_1": Column("The filament of the body", _key, is_erasable=True),
    "color_2": Column("The filament of the text", _key, is_erasable=True),
    "print_settings": Column("Anything else about the line, as a JSON object", _settings),
}
REQUIRED: Final = (*(name for name, column in COLUMNS.items() if column.is_required), "text")
_OF_ORDER: Final = ("order_status", "shipstation_order_id", "customer_name", "customer_email")
"""What is the same in all rows of an order."""


class CheckedRows(NamedTuple):
    """The rows that can be used, and why the others cannot."""

    rows: Sequence[OrderRow]
    problems: Sequence[RowProblem]


def read_csv(content: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """Read a file of orders, a number and the cells of each row; raises `InvalidInputError` as `read_cells` does."""
    return read_cells(content, tuple(COLUMNS), REQUIRED)


def read_mappings(rows: Sequence[Mapping[str, object]]) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows that came as mappings of columns to values, as `read_csv` gives those of a file; the first is number 1.

    Raises `InvalidInputError` for columns that are unknown.
    """
    names = dict.fromkeys(REQUIRED) | dict.fromkeys(name for row in rows for name in row)
    check_header(list(names), tuple(COLUMNS), REQUIRED)
    for number, row in enumerate(rows, start=1):
        given = {name: "" if value is None else str(value) for name, value in row.items()}
        yield number, {**dict.fromkeys(REQUIRED, ""), **given}


def check_rows(rows: Iterable[tuple[int, Mapping[str, str]]]) -> CheckedRows:
    """Check each row, which maps columns to cells; the first wrong cell of a row refuses it.

    Rows that contradict each other about their order are refused, all of that order: which of them is right is not
    known.
    """
    good: list[OrderRow] = []
    problems: list[RowProblem] = []
    for number, cells in rows:
        row = _check_row(number, cells)
        if isinstance(row, RowProblem):
            problems.append(row)
        else:
            good.append(row)
    contradicting = _contradictions(good)
    problems += [problem for row in good if (problem := contradicting.get(row.number))]
    return CheckedRows([row for row in good if row.number not in contradicting], sorted(problems))


def _contradictions(rows: Sequence[OrderRow]) -> dict[int, RowProblem]:
    """Find the rows of orders of which the file says two things, by number."""
    said: dict[tuple[tuple[str, str], str], dict[Any, int]] = {}
    for row in rows:
        for name in _OF_ORDER:
            if name in row.cells:
                said.setdefault((row.order, name), {}).setdefault(row.cells[name], row.number)
    wrong = {order: (name, values) for (order, name), values in said.items() if len(values) > 1}
    return {row.number: _contradiction(row, *wrong[row.order]) for row in rows if row.order in wrong}


def _contradiction(row: OrderRow, name: str, values: Mapping[Any, int]) -> RowProblem:
    said = " and ".join(f"{str(value or ERASE)!r} in row {number}" for value, number in values.items())
    return RowProblem(row.number, name, f"the rows of order {row.order[1]} say {said}", "make them say the same")


def _check_row(number: int, cells: Mapping[str, str]) -> OrderRow | RowProblem:
    if BROKEN in cells:
        return RowProblem(number, BROKEN, cells[BROKEN], "write a quote inside a cell twice, and quote the whole cell")
    if cells.get(SURPLUS, "").strip(" ,"):
        problem = f"it has more cells than the header: {cells[SURPLUS]!r}"
        return RowProblem(number, SURPLUS, problem, "put a cell that holds the separator into quotes")
    read: dict[str, Any] = {}
    for name, column in COLUMNS.items():
        try:
            value = _cell(name, column, cells.get(name, ""))
        except CellError as error:
            return RowProblem(number, name, str(error), error.remedy)
        if value is not _NOTHING:
            read[name] = value
    return OrderRow(number, read)


_NOTHING: Final = object()
"""What an empty cell says."""


def _cell(name: str, column: Column, text: str) -> Any:  # noqa: ANN401 - each column has a type of its own
    _check_characters(text, _LINE_BREAKS if name == "text" else "\t")
    _check_undamaged(name, text.strip())
    # The text itself is kept as it was typed: a space at its end is no fault of the row.
    value = text if name == "text" else text.strip()
    if column.is_erasable and value == ERASE:
        return None
    if value.strip():
        return column.read(value)
    if column.is_required:
        raise CellError("it is empty", f"write {column.meaning[0].lower()}{column.meaning[1:]}")
    return _NOTHING if column.empty is None else column.empty


def _check_characters(text: str, allowed: str) -> None:
    if text.isprintable():
        return
    for character in text:
        category = unicodedata.category(character)
        if (category == "Cc" and character not in allowed) or category == "Cs" or character in _NO_CHARACTERS:
            raise CellError(f"it holds {describe(character)}, a character that no text has", "type it again")


def _check_undamaged(name: str, text: str) -> None:
    if _LOST in text:
        raise CellError(f"it holds {describe(_LOST)}, where a letter was lost on the way", "type it again")
    if name in ("order_number", "line", "text") and _SHORTENED.fullmatch(text):
        raise CellError(f"a spreadsheet has shortened the number to {text!r}", "export the column as text")
    if _ERRORS.fullmatch(text):
        raise CellError(f"{text!r} is a spreadsheet's error", "export the cell's value as text")
