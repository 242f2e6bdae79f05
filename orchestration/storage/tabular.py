"""Rows to files: JSON lines, CSV, Parquet.

The formats. Keep out: the rows.
All are written as the rows come, Parquet a group of rows at a time, so that memory does not grow with their number.
"""

from __future__ import annotations

import csv
from datetime import datetime
from enum import StrEnum
from typing import IO, TYPE_CHECKING, Any, Self

import msgspec

from orchestration.observability.untrusted import for_spreadsheet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# A group is what a reader of Parquet reads at once, and what is held in memory here: it ends at either.
ROWS_PER_GROUP = 10_000
BYTES_PER_GROUP = 16 * 2**20

_NESTED = {dict, list, tuple}
# Python puts quotes around a cell only for the line breaks that end its rows; a bare carriage return ends one as well
# for many readers.
_ROW_END = "\r\n"


class TableFormat(StrEnum):
    """A file format for rows."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


def write_rows(
    rows: Iterable[dict[str, Any]], file: IO[bytes], table_format: TableFormat, *, columns: Mapping[str, type]
) -> int:
    """Write the rows to a binary file; how many.

    `columns` are their names with the types of their values: bool, int, float, str, datetime (aware), or object for
    anything that JSON can carry; None may stand everywhere. In CSV, nested values are JSON texts, and a text that a
    spreadsheet would run as a formula gets an apostrophe before it. In Parquet, where a column has its type also
    without a value, all values of the type object are JSON texts. Both name the columns even when there is no row.
    """
    match table_format:
        case TableFormat.JSONL:
            return _write_jsonl(rows, file)
        case TableFormat.CSV:
            return _write_csv(rows, file, columns)
        case TableFormat.PARQUET:
            return _write_parquet(rows, file, columns)


def _write_jsonl(rows: Iterable[dict[str, Any]], file: IO[bytes]) -> int:
    encoder = msgspec.json.Encoder()
    count = 0
    for row in rows:
        file.write(encoder.encode(row) + b"\n")
        count += 1
    return count


def _write_csv(rows: Iterable[dict[str, Any]], file: IO[bytes], columns: Iterable[str]) -> int:
    writer = csv.writer(_Utf8(file), lineterminator=_ROW_END)
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow([_flat(row[name]) for name in columns])
        count += 1
    return count


def _write_parquet(rows: Iterable[dict[str, Any]], file: IO[bytes], columns: Mapping[str, type]) -> int:
    import pyarrow as pa
    from pyarrow import parquet

    types = {
        bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string(),
        datetime: pa.timestamp("us", "UTC"), object: pa.string(),
    }  # fmt: skip
    schema = pa.schema([(name, types[kind]) for name, kind in columns.items()])
    sink, count = _Sink(file), 0
    with parquet.ParquetWriter(sink, schema) as writer, sink:
        for group in _groups(_cells(row, columns) for row in rows):
            arrays = map(pa.array, zip(*group, strict=True), schema.types)
            writer.write_batch(pa.record_batch(list(arrays), schema))
            count += len(group)
    return count


def _groups(rows: Iterable[list[Any]]) -> Iterator[list[list[Any]]]:
    group: list[list[Any]] = []
    size = 0
    for cells in rows:
        group.append(cells)
        size += sum(len(cell) for cell in cells if isinstance(cell, str | bytes))
        if size >= BYTES_PER_GROUP or len(group) == ROWS_PER_GROUP:
            yield group
            group, size = [], 0
    if group:
        yield group


def _cells(row: dict[str, Any], columns: Mapping[str, type]) -> list[Any]:
    """The values of a row; JSON as UTF-8, of which the file consists anyway: texts are up to four times as large."""
    values = ((row[name], kind) for name, kind in columns.items())
    return [msgspec.json.encode(value) if kind is object and value is not None else value for value, kind in values]


def _flat(value: object) -> object:
    if isinstance(value, str):
        return for_spreadsheet(value)
    return msgspec.json.encode(value).decode() if type(value) in _NESTED else value


class _Sink:
    """A binary file that gets nothing more after an error in the block.

    The writer of Parquet would write the end of the file even then, and a part of the rows would look like all of them.
    """

    closed = False

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._has_failed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._has_failed = kind is not None

    def write(self, data: bytes) -> int:
        return len(data) if self._has_failed else self._file.write(data)


class _Utf8:
    """What `csv.writer` needs of a text file, over a binary one that stays open; a row ends with a line feed there."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        return self._file.write(text.removesuffix(_ROW_END).encode() + b"\n")
