"""Rows to files: JSON lines, CSV, Parquet.

The formats. Keep out: the rows.
JSON lines and CSV are written as the rows come; Parquet needs columns, and holds all rows in memory.
"""

from __future__ import annotations

import csv
from enum import StrEnum
from typing import IO, TYPE_CHECKING, Any

import msgspec

from orchestration.observability.untrusted import for_spreadsheet

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
    rows: Iterable[dict[str, Any]], file: IO[bytes], table_format: TableFormat, *, columns: Sequence[str]
) -> int:
    """Write the rows, whose names are `columns`, to a binary file; how many.

    In CSV, nested values are JSON texts, and a text that a spreadsheet would run as a formula gets an apostrophe before
    it. In Parquet, where a column has one type, so are all values of a column that holds nested ones or several types.
    Both name the columns even when there is no row.
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


def _write_csv(rows: Iterable[dict[str, Any]], file: IO[bytes], columns: Sequence[str]) -> int:
    writer = csv.writer(_Utf8(file), lineterminator=_ROW_END)
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow([_flat(row[name]) for name in columns])
        count += 1
    return count


def _write_parquet(rows: Iterable[dict[str, Any]], file: IO[bytes], columns: Sequence[str]) -> int:
    import pandas as pd

    records = list(rows)
    values = {name: _of_one_type([record[name] for record in records]) for name in columns}
    # As objects: pandas would turn whole numbers beside a missing one into floats.
    pd.DataFrame(values, columns=list(columns), dtype=object).to_parquet(file, index=False)
    return len(records)


def _of_one_type(values: list[Any]) -> list[Any]:
    types = {type(value) for value in values if value is not None}
    if types <= {int, float} or (len(types) == 1 and not types & _NESTED):
        return values
    return [None if value is None else _json(value) for value in values]


def _flat(value: object) -> object:
    if isinstance(value, str):
        return for_spreadsheet(value)
    return _json(value) if type(value) in _NESTED else value


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


class _Utf8:
    """What `csv.writer` needs of a text file, over a binary one that stays open; a row ends with a line feed there."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        return self._file.write(text.removesuffix(_ROW_END).encode() + b"\n")
