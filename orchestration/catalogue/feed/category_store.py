"""The stored category tree.

It makes the rows equal to a tree. Keep out: reading CAT.csv (`categories`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import sqlalchemy as sa

from orchestration.catalogue.feed.categories import Category
from orchestration.catalogue.tables import category
from orchestration.storage import bulk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestration.catalogue.feed.categories import CategoryTree


class CategoryChanges(NamedTuple):
    """What differed from the stored tree; codes, in order. Those in `kept` are not in the file, and stay."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    kept: tuple[str, ...] = ()

    @property
    def rows_written(self) -> int:
        """How many rows the changes wrote."""
        return len(self.added) + len(self.changed) + len(self.removed)


def store_categories(connection: sa.Connection, tree: CategoryTree) -> CategoryChanges:
    """Make the stored tree equal to `tree` and return what differed. An equal tree writes nothing.

    A category stays though the file no longer has it while a family is in it or in one below it, and while the file
    looks as if it were cut: it lacks the last categories of the one before, and has no new ones. An empty tree removes
    nothing.
    """
    names = Category.__struct_fields__
    stored = {row["code"]: dict(row) for row in connection.execute(sa.select(category)).mappings()}
    wanted = {item.code: msgspec.to_builtins(item) for item in tree.categories}
    added = tuple(code for code in wanted if code not in stored)
    changed = tuple(code for code, row in wanted.items() if code in stored and stored[code] != row)
    absent = [code for code in stored if code not in wanted]
    kept = (
        set(absent) if not wanted or (not added and _is_tail(absent, stored)) else _in_use(connection, absent, stored)
    )
    removed = tuple(code for code in absent if code not in kept)
    bulk.upsert(connection, category, [wanted[code] for code in added + changed], columns=names)
    if removed:
        connection.execute(sa.delete(category).where(category.c.code.in_(removed)))
    return CategoryChanges(added, changed, removed, tuple(code for code in absent if code in kept))


def _is_tail(absent: Sequence[str], stored: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether these are the last rows of the file before."""
    present = [row["sort_order"] for code, row in stored.items() if code not in set(absent)]
    return bool(absent) and min(stored[code]["sort_order"] for code in absent) > max(present, default=-1)


def _in_use(connection: sa.Connection, absent: Sequence[str], stored: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Those of the absent categories that active families are in, with what is above them."""
    used: set[str] = set()
    for code in connection.execute(_USED, {"codes": list(absent)}).scalars() if absent else ():
        above: str | None = code
        while above is not None and above not in used:
            used.add(above)
            above = stored[above]["parent_code"] if above in stored else None
    return used


_USED = sa.text("""
    SELECT DISTINCT category FROM product_family WHERE is_active AND category = ANY (CAST(:codes AS text[]))
""")
