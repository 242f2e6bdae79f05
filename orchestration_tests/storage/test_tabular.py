"""Rows written as JSON lines, CSV and Parquet, read back by pandas."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from pyarrow import parquet

from orchestration.storage import tabular
from orchestration.storage.tabular import TableFormat, write_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

NOW = datetime(2026, 3, 1, 12, 30, 15, tzinfo=UTC)
ROWS: list[dict[str, Any]] = [
    {
        "sku": 'A23-PEN "CLASSIC"',
        "name": {"nl": "Größe; ünï, 日本", "de": None},
        "price": 59.9,
        "count": 3,
        "active": True,
        "images": ["a", "b"],
        "removed_at": None,
        "seen_at": NOW,
    },
    {
        "sku": "A23-100,5",
        "name": {},
        "price": None,
        "count": None,
        "active": False,
        "images": [],
        "removed_at": NOW,
        "seen_at": NOW,
    },
]
COLUMNS = {
    "sku": str, "name": object, "price": float, "count": int, "active": bool, "images": object, "removed_at": datetime,
    "seen_at": datetime,
}  # fmt: skip


def written(
    rows: Sequence[dict[str, Any]], table_format: TableFormat, columns: Mapping[str, type] = COLUMNS
) -> io.BytesIO:
    """A file with the rows, at its beginning."""
    file = io.BytesIO()
    write_rows(rows, file, table_format, columns=columns)
    file.seek(0)
    return file


def read(
    rows: Sequence[dict[str, Any]], table_format: TableFormat, columns: Mapping[str, type] = COLUMNS
) -> pd.DataFrame:
    """The rows as pandas reads them."""
    file = written(rows, table_format, columns)
    match table_format:
        case TableFormat.JSONL:
            return pd.read_json(file, lines=True, convert_dates=False)
        case TableFormat.CSV:
            return pd.read_csv(file)
        case TableFormat.PARQUET:
            return pd.read_parquet(file)


@pytest.mark.parametrize("table_format", TableFormat)
def test_pandas_reads_back_what_was_written(table_format: TableFormat) -> None:
    frame = read(ROWS, table_format)
    assert list(frame.columns) == list(ROWS[0])
    assert list(frame["sku"]) == [row["sku"] for row in ROWS]
    assert list(frame["active"]) == [True, False]
    assert frame["price"][0] == 59.9
    assert pd.isna(frame["price"][1])
    assert frame["count"][0] == 3
    assert pd.isna(frame["count"][1])
    assert pd.isna(frame["removed_at"][0])
    assert pd.Timestamp(frame["seen_at"][0]) == NOW


@pytest.mark.parametrize("table_format", [TableFormat.CSV, TableFormat.PARQUET])
def test_nested_values_are_json_where_a_cell_holds_no_structure(table_format: TableFormat) -> None:
    frame = read(ROWS, table_format)
    assert json.loads(frame["name"][0]) == ROWS[0]["name"]
    assert [json.loads(cell) for cell in frame["images"]] == [["a", "b"], []]


def test_json_lines_keep_structure_and_are_one_line_a_row() -> None:
    lines = written(ROWS, TableFormat.JSONL).getvalue().decode().splitlines()
    assert [json.loads(line)["name"] for line in lines] == [row["name"] for row in ROWS]
    assert "日本" in lines[0]


def test_csv_keeps_line_breaks_and_quotes_inside_a_cell() -> None:
    texts = ['two\nlines, a "quote" and a ; semicolon', "two\rlines of an old Macintosh", "two\r\nof Windows", "a\r"]
    rows = [{"text": text, "other": 1} for text in texts]
    file = written(rows, TableFormat.CSV, {"text": str, "other": int})
    assert [row[0] for row in csv.reader(io.TextIOWrapper(file, newline=""))] == ["text", *texts]


def test_parquet_keeps_whole_numbers_whole_beside_a_missing_one() -> None:
    file = written([{"n": 2**53 + 1}, {"n": None}], TableFormat.PARQUET, {"n": int})
    frame = pd.read_parquet(file, dtype_backend="pyarrow")
    assert frame["n"].to_list()[0] == 2**53 + 1


def test_parquet_takes_a_column_whose_values_are_of_several_types() -> None:
    values: list[Any] = ["blue", 59.9, 7, True, None, ["S", "M"], {"EURO": 1}]
    frame = read([{"before": value} for value in values], TableFormat.PARQUET, {"before": object})
    cells = frame["before"].to_list()
    assert cells[4] is None
    assert [json.loads(cell) for cell in cells if cell is not None] == [value for value in values if value is not None]


def test_parquet_has_the_same_types_whatever_the_rows_are() -> None:
    empty = dict.fromkeys(COLUMNS)
    files = [written(rows, TableFormat.PARQUET) for rows in (ROWS, [empty], [])]
    schemas = [parquet.read_schema(file) for file in files]
    assert schemas[0] == schemas[1] == schemas[2]
    assert str(schemas[0].field("seen_at").type) == "timestamp[us, tz=UTC]"


def test_a_part_of_the_rows_is_no_file_of_parquet(monkeypatch: pytest.MonkeyPatch) -> None:
    def rows() -> Iterator[dict[str, Any]]:
        yield from ({"n": number} for number in range(5))
        raise ZeroDivisionError

    monkeypatch.setattr(tabular, "ROWS_PER_GROUP", 2)
    file = io.BytesIO()
    with pytest.raises(ZeroDivisionError):
        write_rows(rows(), file, TableFormat.PARQUET, columns={"n": int})
    assert file.tell() > 0
    with pytest.raises(ValueError, match="magic bytes not found"):
        parquet.read_table(file)


@pytest.mark.parametrize("table_format", TableFormat)
def test_the_number_of_rows_is_told_and_the_file_stays_open(table_format: TableFormat) -> None:
    file = io.BytesIO()
    assert write_rows(iter(ROWS), file, table_format, columns=COLUMNS) == len(ROWS)
    assert not file.closed


@pytest.mark.parametrize("table_format", TableFormat)
def test_rows_are_written_as_they_come(table_format: TableFormat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tabular, "ROWS_PER_GROUP", 1)
    file = io.BytesIO()
    sizes = []

    def rows() -> Iterator[dict[str, Any]]:
        for number in range(3):
            sizes.append(file.tell())
            yield {"n": number}

    write_rows(rows(), file, table_format, columns={"n": int})
    assert sizes[0] < sizes[1] < sizes[2]


def test_no_rows_make_an_empty_file_of_json_lines() -> None:
    file = io.BytesIO()
    assert write_rows([], file, TableFormat.JSONL, columns={"n": int}) == 0
    assert file.getvalue() == b""


@pytest.mark.parametrize(("table_format", "reader"), [("csv", pd.read_csv), ("parquet", pd.read_parquet)])
def test_a_table_without_rows_still_names_its_columns(table_format: str, reader: Callable[..., pd.DataFrame]) -> None:
    file = io.BytesIO()
    assert write_rows([], file, TableFormat(table_format), columns={"sku": str, "price": float}) == 0
    file.seek(0)
    frame = reader(file)
    assert list(frame.columns) == ["sku", "price"]
    assert frame.empty
