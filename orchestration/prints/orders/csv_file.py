"""The CSV file of orders, read strictly (RFC 4180): from bytes to cells by column.

What a spreadsheet or a shop's export does to a file is either read as what it means or refused by name; nothing is
guessed. Read are: UTF-8 with or without a mark, `,`, `;` or tabs between the cells, Excel's line `sep=;`, empty rows,
columns without a name that hold nothing, cells such as `="0012"` that keep a spreadsheet from shortening a number. Text
behind a closing quote refuses its row. A quote that swallows further rows refuses the file, since nobody knows how far
it should have reached. Keep out: what the columns mean (`csv_rows`).
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from orchestration.errors import InvalidInputError
from orchestration.prints.solid.sku import is_supported

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LARGEST_FILE: Final = 32 * 2**20
"""In bytes: some two hundred thousand orders."""
# Under these names, which no column has, stand what the header has no column for, and why a row cannot be read.
SURPLUS: Final = "beyond the header"
BROKEN: Final = "quotes"

_DELIMITERS: Final = ",;\t"
_SEPARATOR_LINE: Final = re.compile(r'\A"?sep=([,;\t])"?\r?\n', re.IGNORECASE)
_KEPT_AS_TEXT: Final = re.compile(r'="([^"]*)"')
_OTHER_ENCODINGS: Final = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}
_MAC_OR_DOS: Final = re.compile(r"\r\n|\r|\n")


def read_cells(content: bytes, columns: Sequence[str], required: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row that is not empty with its number, as a spreadsheet counts them: the header's is 1.

    What stands beyond the header's columns is under `SURPLUS`; under `BROKEN` stands why a row has no cells.

    Raises `InvalidInputError` for a file that is too large or not UTF-8, for columns that are missing, unknown or there
    twice, and for a quote that swallows rows.
    """
    text = _decoded(content)
    if mark := _SEPARATOR_LINE.match(text):
        text = text[mark.end() :]
    delimiter = mark[1] if mark else _delimiter(_MAC_OR_DOS.split(text, maxsplit=1)[0])
    records = _records(text, delimiter)
    header = next(records, _Record(1, ()))
    if header.problem:
        raise InvalidInputError(f"the header: {header.problem}")
    names = [name.strip() for name in header.cells]
    check_header(names, columns, required)
    for number, record in enumerate(records, start=2):
        if record.problem:
            yield number, {BROKEN: record.problem}
        elif any(cell.strip() for cell in record.cells):
            _check_swallowed(record, names, delimiter)
            yield number, _by_column(names, record.cells)


class _Record(NamedTuple):
    """A row: the line of the file on which it begins, its cells, or the problem that it has none."""

    line: int
    cells: Sequence[str]
    problem: str = ""


def _decoded(content: bytes) -> str:
    if len(content) > LARGEST_FILE:
        raise InvalidInputError(f"the file is larger than {LARGEST_FILE // 2**20} MiB; import it in parts")
    for mark, encoding in _OTHER_ENCODINGS.items():
        if content.startswith(mark):
            raise InvalidInputError(f"the file is {encoding} and not UTF-8 at byte 0; save it as CSV UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problem = f"the file is not UTF-8 at byte {error.start}, in line {line}; save it as CSV UTF-8"
        raise InvalidInputError(problem) from error


def _delimiter(header: str) -> str:
    """Return the separator that the header shows most of."""
    return max(_DELIMITERS, key=header.count)


def _records(text: str, delimiter: str) -> Iterator[_Record]:
    """Yield every row, empty ones too; one with text behind a closing quote, or a cell too long, as a problem."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # The reader begins with the next line, so a row of one line is refused alone.
            if reader.line_num > line or "end of data" in str(error):
                raise InvalidInputError(
                    f"a quote that opens in line {line} of the file never closes, or swallows the rows behind it; "
                    f"close it in that line, or write a quote inside a cell twice"
                ) from error
            yield _Record(line, (), _problem(error))
        else:
            yield _Record(line, cells)


def _problem(error: csv.Error) -> str:
    if "limit" in str(error):
        return f"a cell has more than {csv.field_size_limit()} characters"
    return "text stands behind a closing quote"


def check_header(names: Sequence[str], columns: Sequence[str], required: Sequence[str]) -> None:
    """Raise `InvalidInputError` for columns that are missing, unknown or there twice."""
    known = f"the columns are {', '.join(columns)}"
    if missing := [name for name in required if name not in names]:
        raise InvalidInputError(f"the file has no column {', '.join(missing)}; {known}")
    if unknown := [name for name in names if name and name not in columns]:
        raise InvalidInputError(f"the file has an unknown column {', '.join(map(repr, unknown))}; {known}")
    if twice := [name for name in dict.fromkeys(names) if name and names.count(name) > 1]:
        raise InvalidInputError(f"the file has the column {', '.join(twice)} twice; rename or delete one of them")


def _check_swallowed(record: _Record, names: Sequence[str], delimiter: str) -> None:
    """Refuse a cell in which a further row stands, because its quote was closed by a later row's."""
    place = names.index("sku")
    for cell in record.cells:
        for line in _MAC_OR_DOS.split(cell)[1:]:
            parts = line.split(delimiter)
            if len(parts) > place and len(parts) >= len(names) - 1 and is_supported(parts[place].strip()):
                raise InvalidInputError(
                    f"a quote that opens in line {record.line} of the file swallows the rows behind it; close it in "
                    "that line, or write a quote inside a cell twice"
                )


def _by_column(names: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    """Name the cells; those without a name, or beyond the header, count only when they hold something."""
    row = {name: _plain(cell) for name, cell in zip(names, cells, strict=False) if name}
    unnamed = [cell for name, cell in zip(names, cells, strict=False) if not name]
    if surplus := [cell for cell in (*unnamed, *cells[len(names) :]) if cell.strip()]:
        row[SURPLUS] = ", ".join(surplus)
    return row


def _plain(cell: str) -> str:
    """Return what a cell such as `="0012"` keeps as text."""
    kept = _KEPT_AS_TEXT.fullmatch(cell.strip())
    return kept[1] if kept else cell
