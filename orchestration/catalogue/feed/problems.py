"""What is wrong with lines of the feed's own files, as it was last read.

It reads and writes the table `feed_problem`. Keep out: finding problems (`feed`, `categories`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from orchestration.catalogue.tables import feed_problem

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from orchestration.catalogue.feed.categories import CategoryTree
    from orchestration.catalogue.feed.feed import Feed

# A file that is wrong throughout has many; so many tell what is wrong with it.
MOST_KEPT = 1_000


class FeedFile(StrEnum):
    """The feed's own files."""

    IMPORT = "Import.txt"
    CATEGORIES = "CAT.csv"


class LineProblem(NamedTuple):
    """A line of a file that was refused, or taken in spite of something; `supplier` where the line shows one."""

    file: str
    line_number: int
    text: str
    reason: str
    supplier: str | None = None
    is_refused: bool = True

    def __str__(self) -> str:
        """For people, in one line."""
        return f"{self.file} line {self.line_number}: {self.text}"


def import_problems(feed: Feed) -> list[LineProblem]:
    """The lines of Import.txt that were refused."""
    file = FeedFile.IMPORT.value
    return [LineProblem(file, one.line_number, one.text, one.reason, one.supplier) for one in feed.problems]


def category_problems(tree: CategoryTree) -> list[LineProblem]:
    """The rows of CAT.csv that were refused, or repaired."""
    file = FeedFile.CATEGORIES.value
    return [
        LineProblem(file, one.line_number, one.code, one.reason, is_refused=one.is_refused) for one in tree.problems
    ]


def store_problems(connection: sa.Connection, file: FeedFile, problems: Sequence[LineProblem]) -> int:
    """Make the file's rows equal to its first `MOST_KEPT` problems; the same ones again write nothing. Rows written."""
    kept = list(problems[:MOST_KEPT])
    if _read(connection, file) == kept:
        return 0
    connection.execute(sa.delete(feed_problem).where(feed_problem.c.file == file.value))
    if kept:
        rows = [one._asdict() | {"position": position} for position, one in enumerate(kept)]
        connection.execute(sa.insert(feed_problem), rows)
    return len(kept)


def list_problems(connection: sa.Connection, suppliers: Collection[str] = ()) -> list[LineProblem]:
    """The problems of all files, in order; of these suppliers and of lines that show none, if any are named."""
    found = [problem for file in FeedFile for problem in _read(connection, file)]
    return [one for one in found if not suppliers or one.supplier is None or one.supplier in suppliers]


def _read(connection: sa.Connection, file: FeedFile) -> list[LineProblem]:
    columns = (feed_problem.c[name] for name in LineProblem._fields)
    rows = sa.select(*columns).where(feed_problem.c.file == file.value).order_by(feed_problem.c.position)
    return [LineProblem(*row) for row in connection.execute(rows)]
