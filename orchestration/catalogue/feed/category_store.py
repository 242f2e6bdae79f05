"""The stored category tree.

It makes the rows equal to a tree. Keep out: reading CAT.csv (`categories`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
import sqlalchemy as sa

from orchestration.catalogue.feed.categories import Category
from orchestration.catalogue.tables import category
from orchestration.storage import bulk

if TYPE_CHECKING:
    from orchestration.catalogue.feed.categories import CategoryTree


class CategoryChanges(NamedTuple):
    """What differed from the stored tree; codes, in order."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def rows_written(self) -> int:
        """How many rows the changes wrote."""
        return len(self.added) + len(self.changed) + len(self.removed)


def store_categories(connection: sa.Connection, tree: CategoryTree) -> CategoryChanges:
    """Make the stored tree equal to `tree` and return what differed. An equal tree writes nothing.

    An empty tree removes nothing: a file without categories is taken for the supplier's mistake.
    """
    names = Category.__struct_fields__
    stored = {row["code"]: dict(row) for row in connection.execute(sa.select(category)).mappings()}
    wanted = {item.code: msgspec.to_builtins(item) for item in tree.categories}
    added = tuple(code for code in wanted if code not in stored)
    changed = tuple(code for code, row in wanted.items() if code in stored and stored[code] != row)
    removed = tuple(code for code in stored if code not in wanted) if wanted else ()
    bulk.upsert(connection, category, [wanted[code] for code in added + changed], columns=names)
    if removed:
        connection.execute(sa.delete(category).where(category.c.code.in_(removed)))
    return CategoryChanges(added, changed, removed)
