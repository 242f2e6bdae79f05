"""The elements of a project as rows: reading them, bringing them to a new state.

The rows of `canvas_element`. Keep out: what changes them (`operations`, `log`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from orchestration.canvas.model import Element, ElementType
from orchestration.canvas.tables import canvas_element
from orchestration.errors import InvalidInputError
from orchestration.storage import bulk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

_FOREIGN_KEY_VIOLATION = "23503"

_FIELDS = tuple(field.name for field in msgspec.structs.fields(Element))
_WRITTEN = ("project_id", "element_id", *_FIELDS, "updated_at")
COLUMNS = ", ".join(f"e.{name}" for name in ("element_id", *_FIELDS))


def read_elements(connection: sa.Connection, project_id: str) -> dict[str, Element]:
    """All elements of a project."""
    return as_elements(connection.execute(_ALL, {"project_id": project_id}))


def read_named(
    connection: sa.Connection, project_id: str, ids: Iterable[str], groups: Iterable[str] = ()
) -> dict[str, Element]:
    """The elements with these ids, and the members of these groups; those that there are."""
    parameters = {"project_id": project_id, "ids": list(ids), "groups": list(groups)}
    if not parameters["ids"] and not parameters["groups"]:
        return {}
    return as_elements(connection.execute(_MEMBERS if parameters["groups"] else _NAMED, parameters))


def as_elements(rows: Iterable[Sequence[Any]]) -> dict[str, Element]:
    """Rows of the columns `COLUMNS` as elements by their ids."""
    return {row[0]: Element(ElementType(row[1]), *row[2:]) for row in rows}


def write_elements(
    connection: sa.Connection, project_id: str, changed: Mapping[str, Element | None], at: datetime
) -> None:
    """Store elements as they are now; None is one that is gone.

    Raises `InvalidInputError` for an element that names a medium which the collection has deleted.
    """
    rows = [
        {"project_id": project_id, "element_id": key, "updated_at": at} | msgspec.structs.asdict(element)
        for key, element in changed.items()
        if element is not None
    ]
    try:
        bulk.upsert(connection, canvas_element, rows, columns=_WRITTEN)
    except sa.exc.IntegrityError as error:
        diagnosis = getattr(error.orig, "diag", None)
        # A trigger holds what elements name: see the revision that made it.
        if diagnosis is None or diagnosis.sqlstate != _FOREIGN_KEY_VIOLATION or not diagnosis.message_hint:
            raise
        raise InvalidInputError(f"{diagnosis.message_primary}. {diagnosis.message_hint}") from error
    if gone := [key for key, element in changed.items() if element is None]:
        connection.execute(_DELETE, {"project_id": project_id, "ids": gone})


def refuse_rings(connection: sa.Connection, project_id: str, changed: Mapping[str, Element | None]) -> None:
    """Raise `InvalidInputError` when a group has come to lie, by these changes, within itself."""
    grouped = [
        key
        for key, element in changed.items()
        if element is not None and element.type is ElementType.GROUP and element.meta.get("groupId")
    ]
    if not grouped:
        return
    ring = connection.execute(_RING, {"project_id": project_id, "ids": grouped}).scalar()
    if ring is not None:
        raise InvalidInputError(f"{ring} would lie within itself, through the groups that hold it; ungroup it first")


# `UNION` drops what was seen before, so that a ring ends.
_RING = sa.text("""
    WITH RECURSIVE above AS (
        SELECT element_id AS start, meta ->> 'groupId' AS holder FROM canvas_element
        WHERE project_id = :project_id AND element_id = ANY (CAST(:ids AS text[])) AND type = 'group'
        UNION SELECT start, e.meta ->> 'groupId' FROM above JOIN canvas_element AS e
            ON e.project_id = :project_id AND e.element_id = holder AND e.type = 'group'
    )
    SELECT min(start) FROM above WHERE holder = start
""")

_ALL = sa.text(f"SELECT {COLUMNS} FROM canvas_element AS e WHERE project_id = :project_id")  # noqa: S608 - our own names

_NAMED = sa.text(f"{_ALL.text} AND element_id = ANY (CAST(:ids AS text[]))")

_MEMBERS = sa.text(
    f"{_ALL.text} AND (element_id = ANY (CAST(:ids AS text[])) OR meta ->> 'groupId' = ANY (CAST(:groups AS text[])))"
)

_DELETE = sa.text(
    "DELETE FROM canvas_element WHERE project_id = :project_id AND element_id = ANY (CAST(:ids AS text[]))"
)
