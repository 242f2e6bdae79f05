"""Merge fields: many payloads from one template and the rows of a table.

`{{name}}` in any text of the template stands for the cell of that column; `{{name|Guest}}` says what stands for an
empty one. Keep out: reading tables from disk, and the checks of a payload (`reading`).
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from orchestration.errors import InvalidInputError
from orchestration.previews.payload.schema import Fault, InvalidPayloadError, json_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestration.previews.payload.schema import Path

MOST_ROWS = 10_000
_FIELD = re.compile(r"\{\{\s*([^{}|]+?)\s*(?:\|([^{}]*))?\}\}")


class MergedPayload(NamedTuple):
    """The payload of one row: its line in the file, and the document, or the error that refuses it."""

    line: int
    document: dict[str, Any] | None
    error: InvalidPayloadError | None = None


def read_table(body: bytes) -> list[dict[str, str]]:
    """The rows of a CSV file in UTF-8 whose first line names the columns, parted by `,` or `;`.

    Raises `InvalidInputError` for what is no such file.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"The table is not in UTF-8: {error}; save it as CSV in UTF-8") from error
    head = text.partition("\n")[0]
    delimiter = ";" if head.count(";") > head.count(",") else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restkey="", restval="")
    try:
        names = [name.strip() for name in reader.fieldnames or ()]
        if not names or len(set(names)) < len(names):
            raise InvalidInputError("The first line of the table must name its columns, each by another name")
        reader.fieldnames = names
        rows = [row for _, row in zip(range(MOST_ROWS + 1), reader, strict=False)]
    except csv.Error as error:
        raise InvalidInputError(f"The table is no CSV: {error}") from error
    if len(rows) > MOST_ROWS:
        raise InvalidInputError(f"The table has more than {MOST_ROWS} rows; split it")
    return [{name: row.get(name) or "" for name in names} for row in rows]


def merge(template: Mapping[str, Any], rows: list[dict[str, str]]) -> Iterator[MergedPayload]:
    """The payload of each row; a row that lacks a cell is refused by the path of the field that wants it.

    A template whose `jobId` has no field makes ids of its own, by the number of the row.
    """
    numbered = not _FIELD.search(str(template.get("jobId", "")))
    for number, row in enumerate(rows, start=1):
        faults: list[Fault] = []
        document = _merged(dict(template), row, (), faults)
        if numbered and isinstance(document.get("jobId"), str):
            document["jobId"] = f"{document['jobId']}-{number:04d}"
        error = InvalidPayloadError(faults) if faults else None
        yield MergedPayload(number + 1, None if error else document, error)


def _merged(value: Any, row: Mapping[str, str], path: Path, faults: list[Fault]) -> Any:  # noqa: ANN401 - as JSON
    if isinstance(value, dict):
        return {name: _merged(part, row, (*path, name), faults) for name, part in value.items()}
    if isinstance(value, list):
        return [_merged(part, row, (*path, index), faults) for index, part in enumerate(value)]
    if not isinstance(value, str):
        return value

    def cell(found: re.Match[str]) -> str:
        name, otherwise = found[1], found[2]
        text = row.get(name, "").strip() or otherwise
        if text is None:
            problem = "has an empty cell in" if name in row else "names a field that is no column of"
            faults.append(Fault(json_path(path), f"{{{{{name}}}}} {problem} the table; fill it, or give a default"))
            return ""
        return text

    return _FIELD.sub(cell, value)
