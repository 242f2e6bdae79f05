"""Promidata's `CAT.csv`: the category tree, whichever of its forms names the parent.

It reads the columns and the forms of a parent, and repairs a tree that is none. Keep out: fetching the file,
storing categories, which category a family is in.

Columns, after a header line: code; name; parent code. Where the parent column is blank, the parent is the code's path
up to the last `/` (`BAGS/SHOPPING_BAGS`), or else the category that carries the part of the name before the last `/`
(`Bags & Luggage/Backpacks`).
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from orchestration.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_CODE_LENGTH = 50
MAX_NAME_LENGTH = 2000
_LANGUAGE = "en"  # the file names no language; the names seen in it are English
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class NotACategoryFileError(InvalidInputError):
    """The document is no `CAT.csv`; the categories that are stored stay as they are."""


class Category(msgspec.Struct, frozen=True, gc=False):
    """One node; `name` by language, `sort_order` counts the rows that were taken, from 0."""

    code: str
    name: dict[str, str]
    parent_code: str | None
    sort_order: int


class CategoryProblem(msgspec.Struct, frozen=True, gc=False):
    """A row that was dropped or repaired, with the line it ends on (the header is line 1) and why."""

    line_number: int
    code: str
    reason: str


class CategoryTree(msgspec.Struct, frozen=True, gc=False):
    """All categories, each after its parent and otherwise in the order of the file."""

    categories: tuple[Category, ...]
    problems: tuple[CategoryProblem, ...]


class _Row(NamedTuple):
    line_number: int
    code: str
    name: str
    parent: str


def parse_categories(data: bytes) -> CategoryTree:
    """Read a `CAT.csv`: UTF-8 with or without BOM, LF or CRLF, `;` between columns, header skipped.

    Raises NotACategoryFileError when the bytes are no such table, or when rows are there but none can be taken.
    """
    problems: list[CategoryProblem] = []
    rows = _take_rows(_read_rows(data), problems)
    if problems and not rows:
        first = problems[0]
        raise NotACategoryFileError(f"not a CAT.csv: none of its rows fits; line {first.line_number}: {first.reason}")
    parents = _parents(rows, problems)
    _break_cycles(rows, parents, problems)
    return CategoryTree(tuple(_categories(rows, parents)), tuple(sorted(problems, key=lambda p: p.line_number)))


def _read_rows(data: bytes) -> Iterator[_Row]:
    """The rows after the header, blank ones left out; missing columns are blank, further ones ignored."""
    try:
        text = data.decode("utf-8-sig")
        if text.lstrip().startswith("<"):
            raise NotACategoryFileError("not a CAT.csv but HTML or XML. Check the address on the feed's CAT.csv line.")
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=";")
        next(reader, None)
        for cells in reader:
            code, name, parent = ([cell.strip() for cell in cells] + ["", "", ""])[:3]
            if any(cells):
                yield _Row(reader.line_num, code, name, parent)
    except (UnicodeDecodeError, csv.Error) as error:
        raise NotACategoryFileError(f"not a CAT.csv: {error}. Check the address on the feed's CAT.csv line.") from error


def _take_rows(rows: Iterator[_Row], problems: list[CategoryProblem]) -> dict[str, _Row]:
    taken: dict[str, _Row] = {}
    for row in rows:
        if reason := _unfit(row, taken):
            problems.append(CategoryProblem(row.line_number, _shown(row.code), reason))
        else:
            taken[row.code] = row
    return taken


def _unfit(row: _Row, taken: Mapping[str, _Row]) -> str:
    """Why a row cannot be taken; blank when it can."""
    if not row.code or not row.name:
        return "no code" if row.name else "no name"
    if len(row.code) > MAX_CODE_LENGTH:
        return f"the code is {len(row.code)} characters long, {MAX_CODE_LENGTH} are allowed; the category is dropped"
    if len(row.name) > MAX_NAME_LENGTH:
        return f"the name is {len(row.name)} characters long, {MAX_NAME_LENGTH} are allowed; the category is dropped"
    if _CONTROL.search(row.code + row.name):
        return "a control character or an unclosed quote in the code or the name; the category is dropped"
    if row.code in taken:
        return f"the code is also on line {taken[row.code].line_number}, which is used"
    return ""


def _parents(rows: Mapping[str, _Row], problems: list[CategoryProblem]) -> dict[str, str]:
    """Code to parent code; a parent that no row defines is reported, and its child is a root."""
    names = Counter(row.name for row in rows.values())
    by_name = {row.name: row.code for row in rows.values() if names[row.name] == 1}
    parents: dict[str, str] = {}
    for row in rows.values():
        claimed = row.parent or row.code.rpartition("/")[0]
        found = claimed if claimed in rows else None
        if found is None and not row.parent:
            found = by_name.get(row.name.rpartition("/")[0])
        if found is not None:
            parents[row.code] = found
        elif claimed:
            reason = f"the parent {_shown(claimed)} is not in the file; the category is a root"
            problems.append(CategoryProblem(row.line_number, row.code, reason))
    return parents


def _break_cycles(rows: Mapping[str, _Row], parents: dict[str, str], problems: list[CategoryProblem]) -> None:
    """Make the first category of the file that is its own ancestor a root, until none is."""
    settled: set[str] = set()
    for start in rows:
        path: dict[str, None] = {}
        code: str | None = start
        while code is not None and code not in settled and code not in path:
            path[code] = None
            code = parents.get(code)
        if code is not None and code in path:
            _cut(rows[_first_of_cycle(rows, path, code)], parents, problems)
        settled.update(path)


def _first_of_cycle(rows: Mapping[str, _Row], path: Mapping[str, None], entry: str) -> str:
    steps = list(path)
    cycle = set(steps[steps.index(entry) :])
    return min(cycle, key=lambda code: rows[code].line_number)


def _cut(row: _Row, parents: dict[str, str], problems: list[CategoryProblem]) -> None:
    parent = parents.pop(row.code)
    reason = f"the category is its own ancestor through {parent}; it is a root"
    problems.append(CategoryProblem(row.line_number, row.code, reason))


def _categories(rows: Mapping[str, _Row], parents: Mapping[str, str]) -> Iterator[Category]:
    """Parents before children, without recursion: a deep tree must not exhaust the stack."""
    order = {code: position for position, code in enumerate(rows)}
    done: set[str] = set()
    for start in rows:
        line = []
        code: str | None = start
        while code is not None and code not in done:
            line.append(code)
            done.add(code)
            code = parents.get(code)
        for member in reversed(line):
            parent = parents.get(member)
            name = _plain_name(rows[member], rows[parent] if parent is not None else None)
            yield Category(member, {_LANGUAGE: name}, parent, order[member])


def _plain_name(row: _Row, parent: _Row | None) -> str:
    """The name without its parent's, where it repeats it: `Bags/Backpacks` below `Bags` is `Backpacks`."""
    before, _, last = row.name.rpartition("/")
    return last.strip() if parent is not None and before == parent.name and last.strip() else row.name


def _shown(code: str) -> str:
    cut = code[:MAX_CODE_LENGTH]
    return cut if cut.isprintable() else cut.encode("unicode_escape").decode()
