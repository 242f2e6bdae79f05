"""Pretty paths: each belongs to one content for good.

It holds the table `print_path`. Keep out: how a path is made of a text (`naming`).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from orchestration.errors import TransientError
from orchestration.prints.solid.naming import free_path, neighbours
from orchestration.prints.tables import print_path
from orchestration.storage import bulk

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

# Another drain takes a path between our query and our insert only now and then.
_ROUNDS = 5
_COLUMNS = ("folded", "path", "sha256", "object_key")


class WantedPath(NamedTuple):
    """A path that a content would like to have."""

    path: str
    sha256: str
    object_key: str


def take_paths(connection: sa.Connection, wanted: Collection[WantedPath]) -> dict[WantedPath, str]:
    """Give each content the path that it wants or, where another has it, a neighbouring one.

    The same content gets the same path each time. Raises `TransientError` if others are quicker again and again.
    """
    given: dict[WantedPath, str] = {}
    left = list(dict.fromkeys(wanted))  # the first to ask gets the plain path
    for _ in range(_ROUNDS):
        if not left:
            return given
        holders = _holders(connection, left)
        new: dict[str, WantedPath] = {}
        for one in left:
            given[one] = path = free_path(one.path, one.sha256, partial(_holder, holders))
            if path.lower() not in holders:
                holders[path.lower()] = one.sha256
                new[path.lower()] = one
        lost = new.keys() - _insert(connection, new, given)
        left = [one for one in left if given[one].lower() in lost]
    raise TransientError("Other processes took every path that was chosen; try again")


def _holder(holders: Mapping[str, str], path: str) -> str | None:
    return holders.get(path.lower())


def _holders(connection: sa.Connection, wanted: Sequence[WantedPath]) -> dict[str, str]:
    """The contents that hold any path that may come into question, by the path in lower case."""
    candidates = {path.lower() for one in wanted for path in (one.path, *neighbours(one.path, one.sha256))}
    any_of_them = sa.any_(sa.cast(sorted(candidates), sa.ARRAY(sa.Text)))
    known = sa.select(print_path.c.folded, print_path.c.sha256).where(print_path.c.folded == any_of_them)
    return {row.folded: row.sha256 for row in connection.execute(known)}


def _insert(connection: sa.Connection, new: Mapping[str, WantedPath], given: Mapping[WantedPath, str]) -> set[str]:
    """Write the paths that nobody held; those that were free until now, in lower case."""
    # In order of the path, so that two drains wait for each other and never in a ring.
    rows = [
        {"folded": folded, "path": given[one], "sha256": one.sha256, "object_key": one.object_key}
        for folded, one in sorted(new.items())
    ]
    return bulk.insert_new(connection, print_path, rows, columns=_COLUMNS, key="folded")
