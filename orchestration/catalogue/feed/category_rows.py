"""The rows of `CAT.csv`, read by the names of its columns.

It finds the kind of a file, and turns each row into code, names and parent. Keep out: fetching the file, the tree that
the rows make (`categories`).

Two kinds are in use. One has a row for each category: `Code`, `Name`, `ParentCode`. The other is that of the German
market: `KEY`, and a column for each language (`DE`, `NL`, ...), whose cells hold the whole path,
`Büro / Schreibwaren / Kugelschreiber`; key and names belong to its last level. Further columns (`ICON`, `IMAGE`) are
passed over. Columns may come in any order; a header that names neither kind is refused.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, NamedTuple

from orchestration.catalogue.documents.languages import READING_ORDER, plain_text
from orchestration.catalogue.feed.texts import UTF_8, WINDOWS, file_text
from orchestration.catalogue.labels import tidy
from orchestration.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
LEVELS = " / "
ENGLISH = "en"  # a file without columns by language has English names
_CODE, _NAME, _PARENT, _KEY = "code", "name", "parentcode", "key"
_LANGUAGES = frozenset(READING_ORDER) | {"it", "pl", "cs", "sk", "da", "sv", "no", "fi", "pt", "hu", "ro", "hr", "sl"}
_SHOWN_COLUMNS = 20


class NotACategoryFileError(InvalidInputError):
    """The document is no `CAT.csv`, or a damaged one; the categories that are stored stay as they are."""


class CategoryRow(NamedTuple):
    """A row: its code, its name by language, and what it says of its parent.

    `path` has the names of all levels in the file's first language, for a file of paths; `names` then has those of the
    last level. `cells` is how many cells the row has more or fewer than the header.
    """

    line_number: int
    code: str
    names: Mapping[str, str]
    parent: str = ""
    path: tuple[str, ...] = ()
    paths: Mapping[str, tuple[str, ...]] = {}
    cells: int = 0


class CategoryFile(NamedTuple):
    """The rows of a file, whether their names are paths, and whether the file ends within its last row.

    It does so without a line break, and where a quote that nobody closed has swallowed the rest.
    """

    rows: Sequence[CategoryRow]
    has_paths: bool
    is_open: bool
    encoding: str


class _Columns(NamedTuple):
    count: int
    code: int
    name: int | None
    parent: int | None
    languages: Mapping[str, int]


def read_rows(data: bytes) -> CategoryFile:
    """Read a file: UTF-8, UTF-16 with its mark or Windows-1252, `;` between cells, blank rows left out.

    Raises NotACategoryFileError for what is no such table.
    """
    text, encoding = _decoded(data)
    if text.lstrip().startswith("<"):
        raise NotACategoryFileError("not a CAT.csv but HTML or XML. Check the address on the feed's CAT.csv line.")
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=";")
        header = next((cells for cells in reader if any(cells)), None)
        if header is None:
            return CategoryFile((), has_paths=False, is_open=False, encoding=encoding)
        columns = _columns(header)
        found = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise NotACategoryFileError(f"not a CAT.csv: {error}. Check the address on the feed's CAT.csv line.") from error
    rows = [_row(line_number, cells, columns) for line_number, cells in found]
    is_open = not text.endswith(("\n", "\r")) or any("\n" in cell for _, cells in found[-1:] for cell in cells)
    return CategoryFile(rows, bool(columns.languages), is_open, encoding)


def _decoded(data: bytes) -> tuple[str, str]:
    """The text; what is not UTF-8 is taken for Windows-1252, the other encoding that spreadsheets write."""
    text, encoding = file_text(data)
    if encoding == UTF_8 and not data.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return _windows(data), WINDOWS
    return text, encoding


def _windows(data: bytes) -> str:
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError as error:
        raise NotACategoryFileError(
            f"not a CAT.csv: byte {error.start} is neither UTF-8 nor {WINDOWS}. Ask the supplier to save it as {UTF_8}."
        ) from error


def _columns(header: Sequence[str]) -> _Columns:
    names = ["".join(filter(str.isalnum, tidy(cell).lower())) for cell in header]
    places = {name: place for place, name in reversed(list(enumerate(names)))}
    if _CODE in places and _NAME in places:
        return _Columns(len(names), places[_CODE], places[_NAME], places.get(_PARENT, places.get("parent")), {})
    languages = {name: place for place, name in enumerate(names) if name in _LANGUAGES}
    if _KEY in places and languages:
        return _Columns(len(names), places[_KEY], None, None, languages)
    shown = ", ".join(tidy(cell) for cell in header[:_SHOWN_COLUMNS])[:500]
    raise NotACategoryFileError(
        "not a CAT.csv: its columns are neither Code, Name, ParentCode nor KEY with languages (DE, ...), but "
        f"{shown!r}. Check the address on the feed's CAT.csv line."
    )


def _row(line_number: int, cells: Sequence[str], columns: _Columns) -> CategoryRow:
    def cell(place: int | None) -> str:
        text = cells[place].strip() if place is not None and place < len(cells) else ""
        return text if CONTROL.search(text) else tidy(text)

    code = cell(columns.code)
    if not columns.languages:
        names = {ENGLISH: name} if (name := plain_text(cell(columns.name))) else {}
        return CategoryRow(line_number, code, names, cell(columns.parent))
    paths = {
        language: levels
        for language, place in columns.languages.items()
        if (levels := _levels(plain_text(cell(place))))
    }
    first = next(iter(_in_reading_order(paths)), ())
    names = {language: levels[-1] for language, levels in paths.items()}
    return CategoryRow(line_number, code, names, "", first, paths, len(cells) - columns.count)


def _in_reading_order(paths: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """The path that the tree is made by comes first: German is the one language that each such file has."""
    yield from (paths[language] for language in ("de", *READING_ORDER) if language in paths)
    yield from paths.values()


def _levels(cell: str) -> tuple[str, ...]:
    """The levels of a path; a slash without spaces around it belongs to a name."""
    return tuple(level for part in cell.split(LEVELS) if (level := part.strip(" /")))
