"""Promidata's `CAT.csv`: the category tree, whichever of its forms names the parent.

It makes the tree of the rows, and repairs one that is none. Keep out: reading the file and its columns
(`category_rows`), storing categories, which category a family is in.

Where a file has a column for the parent and its cell is blank, the parent is the code's path up to the last `/`
(`BAGS/SHOPPING_BAGS`), or else the category that carries the part of the name before the last `/`
(`Bags & Luggage/Backpacks`). In a file of paths the parent is the category of the path one level up. A level that has
no row of its own is a category too: its code is the prefix of the key, where the key has as many levels as the path,
else the path itself.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

import msgspec

from orchestration.catalogue.feed.category_rows import CONTROL, ENGLISH, CategoryRow, NotACategoryFileError, read_rows
from orchestration.catalogue.feed.texts import WINDOWS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MAX_CODE_LENGTH = 50
MAX_NAME_LENGTH = 2000


class Category(msgspec.Struct, frozen=True, gc=False):
    """One node; `name` by language, `sort_order` counts the rows that were taken, from 0."""

    code: str
    name: dict[str, str]
    parent_code: str | None
    sort_order: int


class CategoryProblem(msgspec.Struct, frozen=True, gc=False):
    """A row that was refused or repaired, with the line it ends on (the header is line 1) and why."""

    line_number: int
    code: str
    reason: str
    is_refused: bool = True


class CategoryTree(msgspec.Struct, frozen=True, gc=False):
    """All categories, each after its parent and otherwise in the order of the file."""

    categories: tuple[Category, ...]
    problems: tuple[CategoryProblem, ...]


def parse_categories(data: bytes) -> CategoryTree:
    """Read a `CAT.csv` of either kind.

    Raises NotACategoryFileError when the bytes are no such table, when rows are there but none can be taken, and when
    the file is damaged: its last row fits nothing, and no line break ends it.
    """
    file = read_rows(data)
    problems: list[CategoryProblem] = []
    if file.encoding == WINDOWS:
        problems.append(CategoryProblem(1, "", f"the file is not UTF-8; it was read as {WINDOWS}", is_refused=False))
    rows = _take_rows(file.rows, problems)
    if any(problem.is_refused for problem in problems) and not rows:
        first = next(problem for problem in problems if problem.is_refused)
        raise NotACategoryFileError(f"not a CAT.csv: none of its rows fits; line {first.line_number}: {first.reason}")
    parents = _parents_by_path(rows) if file.has_paths else _parents(rows, problems)
    _break_cycles(rows, parents, problems)
    last = file.rows[-1].line_number if file.is_open and file.rows else 0
    for problem in problems:
        if problem.line_number == last:
            reason = f"it ends within line {last} ({problem.reason})"
            raise NotACategoryFileError(f"CAT.csv is damaged: {reason}. The stored categories stay; sync again later.")
    return CategoryTree(tuple(_categories(rows, parents)), tuple(sorted(problems, key=lambda p: p.line_number)))


def _take_rows(rows: Sequence[CategoryRow], problems: list[CategoryProblem]) -> dict[str, CategoryRow]:
    taken: dict[str, CategoryRow] = {}
    for row in rows:
        if reason := _unfit(row, taken):
            problems.append(CategoryProblem(row.line_number, _shown(row.code), reason))
        else:
            taken[row.code] = row
    return taken


def _unfit(row: CategoryRow, taken: Mapping[str, CategoryRow]) -> str:
    """Why a row cannot be taken; blank when it can."""
    if row.cells:
        return f"{abs(row.cells)} cells {'more' if row.cells > 0 else 'fewer'} than the header has"
    if not row.code or not row.names:
        return "no code" if row.names else "no name"
    if len(row.code) > MAX_CODE_LENGTH:
        return f"the code is {len(row.code)} characters long, {MAX_CODE_LENGTH} are allowed; the category is dropped"
    # Each level of a path may become a category of its own.
    names = (*row.names.values(), *chain.from_iterable(row.paths.values()))
    if (longest := max(map(len, names))) > MAX_NAME_LENGTH:
        return f"the name is {longest} characters long, {MAX_NAME_LENGTH} are allowed; the category is dropped"
    if any(CONTROL.search(text) for text in (row.code, *names)):
        return "a control character or an unclosed quote in the code or the name; the category is dropped"
    if row.code in taken:
        return f"the code is also on line {taken[row.code].line_number}, which is used"
    return ""


def _parents(rows: Mapping[str, CategoryRow], problems: list[CategoryProblem]) -> dict[str, str]:
    """Code to parent code; a parent that no row defines is reported, and its child is a root."""
    names = Counter(_name(row) for row in rows.values())
    by_name = {_name(row): row.code for row in rows.values() if names[_name(row)] == 1}
    parents: dict[str, str] = {}
    for row in rows.values():
        claimed = row.parent or row.code.rpartition("/")[0]
        found = claimed if claimed in rows else None
        if found is None and not row.parent:
            found = by_name.get(_name(row).rpartition("/")[0])
        if found is not None:
            parents[row.code] = found
        elif claimed:
            reason = f"the parent {_shown(claimed)} is not in the file; the category is a root"
            problems.append(CategoryProblem(row.line_number, row.code, reason, is_refused=False))
    return parents


def _parents_by_path(rows: dict[str, CategoryRow]) -> dict[str, str]:
    """Code to parent code by the paths; levels without a row of their own are added to `rows`."""
    by_path: dict[tuple[str, ...], str] = {}
    for row in rows.values():
        by_path.setdefault(row.path, row.code)
    parents: dict[str, str] = {}
    for row in list(rows.values()):
        child = row
        while len(child.path) > 1 and child.code not in parents:
            upper = _upper(child)
            code = by_path.setdefault(upper.path, upper.code)
            if code == child.code or len(code) > MAX_CODE_LENGTH:
                break
            parents[child.code] = code
            child = rows.setdefault(code, upper)
    return parents


def _upper(row: CategoryRow) -> CategoryRow:
    """The level above a row, as a row."""
    path = row.path[:-1]
    key = row.code.split("/")
    above = "/".join(key[:-1]) if len(key) == len(row.path) else ""
    code = above or "/".join(path).upper()
    paths = {language: levels[:-1] for language, levels in row.paths.items() if len(levels) == len(row.path)}
    return CategoryRow(row.line_number, code, {name: levels[-1] for name, levels in paths.items()}, "", path, paths)


def _name(row: CategoryRow) -> str:
    return row.names.get(ENGLISH, "")


def _break_cycles(rows: Mapping[str, CategoryRow], parents: dict[str, str], problems: list[CategoryProblem]) -> None:
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


def _first_of_cycle(rows: Mapping[str, CategoryRow], path: Mapping[str, None], entry: str) -> str:
    steps = list(path)
    cycle = set(steps[steps.index(entry) :])
    return min(cycle, key=lambda code: rows[code].line_number)


def _cut(row: CategoryRow, parents: dict[str, str], problems: list[CategoryProblem]) -> None:
    parent = parents.pop(row.code)
    reason = f"the category is its own ancestor through {parent}; it is a root"
    problems.append(CategoryProblem(row.line_number, row.code, reason, is_refused=False))


def _categories(rows: Mapping[str, CategoryRow], parents: Mapping[str, str]) -> Iterator[Category]:
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
            names = _plain_names(rows[member], rows[parent] if parent is not None else None)
            yield Category(member, names, parent, order[member])


def _plain_names(row: CategoryRow, parent: CategoryRow | None) -> dict[str, str]:
    """The names without their parent's, where they repeat it: `Bags/Backpacks` below `Bags` is `Backpacks`."""
    return {language: _plain_name(name, parent and parent.names.get(language)) for language, name in row.names.items()}


def _plain_name(name: str, parent: str | None) -> str:
    before, _, last = name.rpartition("/")
    return last.strip() if parent is not None and before == parent and last.strip() else name


def _shown(code: str) -> str:
    cut = code[:MAX_CODE_LENGTH]
    return cut if cut.isprintable() else cut.encode("unicode_escape").decode()
