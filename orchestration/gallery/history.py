"""Writing the history: what users make, publish, take back and delete, and what they are called.

Changes of the source of truth, in the caller's transaction. Keep out: the mirror, for which the
triggers of these tables enqueue every change, written here or by others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from orchestration.errors import InvalidInputError
from orchestration.gallery.merge import KEYED_MEDIA, merge_media
from orchestration.gallery.tables import app_user, generation_history
from orchestration.observability.logs import get_logger
from orchestration.storage import bulk

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

log = get_logger()

HIGHEST_SCORE = 10

_COLUMNS = (
    "history_id", "uid", "status", "visibility", "is_public", "is_deleted", "nsfw", "generation_type",
    "aesthetic_score", "document", "created_at", "updated_at",
)  # fmt: skip
# The fields of an update that are columns; the others are part of the document.
_COLUMN_OF = {
    "status": "status",
    "visibility": "visibility",
    "isPublic": "is_public",
    "isDeleted": "is_deleted",
    "nsfw": "nsfw",
    "generationType": "generation_type",
    "aestheticScore": "aesthetic_score",
}
# What an item is, rather than how it is.
_FIXED = frozenset({"id", "historyId", "uid", "createdAt", "updatedAt"})


class Status(StrEnum):
    """How far a generation is."""

    GENERATING = "generating"
    COMPLETED = "completed"
    FAILED = "failed"


class Visibility(StrEnum):
    """Who may see an item; one that is unlisted is for those who have its address, and so not in the gallery."""

    PRIVATE = "private"
    PUBLIC = "public"
    UNLISTED = "unlisted"


class User(NamedTuple):
    """A user; the e-mail address is kept and never shown."""

    uid: str
    username: str | None = None
    display_name: str | None = None
    email: str | None = None
    photo_url: str | None = None


_VOCABULARY: Mapping[str, type[StrEnum]] = {"status": Status, "visibility": Visibility}
_WANTED = {
    "status": f"it is one of {', '.join(Status)}",
    "visibility": f"it is one of {', '.join(Visibility)}",
    "isDeleted": "it is a boolean",
    "nsfw": "it is a boolean",
    "generationType": "it is a text or null",
    "aestheticScore": "it is a number from 0 to 10 or null",
}


@dataclass(frozen=True, slots=True)
class NewGeneration:
    """A generation to be written down. It is public only if `is_public` is the boolean True, and nothing like it.

    Without `visibility` that decides; where both are given and contradict each other, the more private one holds.
    `document` holds everything that is no column, by its camelCase names. Without `created_at` it is made now.
    """

    history_id: str
    uid: str
    document: Mapping[str, Any] = field(default_factory=dict)
    status: Status = Status.GENERATING
    visibility: Visibility | None = None
    is_public: object = False
    is_deleted: bool = False
    nsfw: bool = False
    generation_type: str | None = None
    aesthetic_score: float | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


def create(connection: sa.Connection, items: Sequence[NewGeneration]) -> int:
    """Write new generations; how many. One that exists is left as it is, so a repeated request does no harm."""
    now = datetime.now(UTC)
    return bulk.insert(connection, generation_history, [_row(item, now) for item in items], columns=_COLUMNS)


def update(connection: sa.Connection, history_id: str, changes: Mapping[str, Any]) -> bool:
    """Change fields by their camelCase names; False when there is no such item.

    Lists of images and videos are merged with those that stand there, entry by entry (`merge.merge_media`); every
    other value replaces what was there. `isPublic` and `visibility` say one thing: of one that is given the other
    follows. Raises `InvalidInputError` for a value that a field cannot have, for two that contradict each other, and
    for fields that never change.
    """
    if fixed := _FIXED & changes.keys():
        raise InvalidInputError(f"{history_id}: {', '.join(sorted(fixed))} cannot be changed; leave it out")
    if {"isPublic", "visibility"} <= changes.keys() and _contradict(changes["isPublic"], changes["visibility"]):
        raise InvalidInputError(
            f"{history_id}: isPublic {changes['isPublic']!r} and visibility {changes['visibility']!r} contradict each "
            "other; give one of them"
        )
    row = generation_history.c.history_id == history_id
    found = connection.execute(sa.select(generation_history.c.document).where(row).with_for_update()).one_or_none()
    if found is None:
        return False
    values = {
        _COLUMN_OF[name]: _checked(history_id, name, changes[name]) for name in _COLUMN_OF.keys() & changes.keys()
    }
    if loose := {name: value for name, value in changes.items() if name not in _COLUMN_OF}:
        values["document"] = _merged(found.document, loose)
    connection.execute(
        sa.update(generation_history).where(row).values(**values, updated_at=sa.func.statement_timestamp())
    )
    return True


def set_visibility(connection: sa.Connection, history_ids: Collection[str], visibility: Visibility) -> int:
    """Make items public, unlisted or private; how many there were."""
    return _set(connection, history_ids, visibility=visibility, is_public=visibility is Visibility.PUBLIC)


def soft_delete(connection: sa.Connection, history_ids: Collection[str]) -> int:
    """Mark items as deleted; how many there were."""
    return _set(connection, history_ids, is_deleted=True)


def hard_delete(connection: sa.Connection, history_ids: Collection[str]) -> int:
    """Delete items for good; how many there were."""
    statement = sa.delete(generation_history).where(generation_history.c.history_id.in_(sorted(history_ids)))
    return connection.execute(statement).rowcount


def save_users(connection: sa.Connection, users: Sequence[User]) -> int:
    """Write users, new ones and changed ones; how many. Their public items follow."""
    rows = [user._asdict() for user in users]
    return bulk.upsert(connection, app_user, rows, columns=User._fields)


def _row(item: NewGeneration, now: datetime) -> dict[str, object]:
    is_public = _strictly(item.history_id, "isPublic", item.is_public)
    created_at = item.created_at or now
    visibility = item.visibility or (Visibility.PUBLIC if is_public else Visibility.PRIVATE)
    return {
        "history_id": item.history_id,
        "uid": item.uid,
        "status": item.status,
        "visibility": visibility,
        "is_public": is_public,
        "is_deleted": item.is_deleted,
        "nsfw": item.nsfw,
        "generation_type": item.generation_type,
        "aesthetic_score": item.aesthetic_score,
        "document": {"images": [], "videos": [], **item.document},
        "created_at": created_at,
        "updated_at": item.updated_at or created_at,
    }


def _strictly(history_id: str, name: str, value: object) -> bool:
    if not isinstance(value, bool):
        log.warning("not a boolean, taken for false", history_id=history_id, field=name, value=repr(value))
    return value is True


def _contradict(is_public: object, visibility: object) -> bool:
    return (is_public is True) != (visibility == Visibility.PUBLIC)


def _checked(history_id: str, name: str, value: object) -> object:
    if name == "isPublic":
        return _strictly(history_id, name, value)
    if not _fits(name, value):
        raise InvalidInputError(f"{history_id}: {name} cannot be {value!r}; {_WANTED[name]}")
    return value


def _fits(name: str, value: object) -> bool:
    if name in _VOCABULARY:
        return value in list(_VOCABULARY[name])
    if name in {"isDeleted", "nsfw"}:
        return isinstance(value, bool)
    if name == "generationType":
        return value is None or isinstance(value, str)
    return value is None or (
        isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= HIGHEST_SCORE
    )


def _merged(document: object, changes: Mapping[str, Any]) -> dict[str, Any]:
    standing = document if isinstance(document, dict) else {}
    merged = {
        name: merge_media(standing.get(name), value) if name in KEYED_MEDIA else value
        for name, value in changes.items()
    }
    return {**standing, **merged}


def _set(connection: sa.Connection, history_ids: Collection[str], **values: object) -> int:
    """Locks in order of the id, so that two such statements on the same items do not meet in a ring."""
    wanted = sa.select(generation_history.c.history_id).where(generation_history.c.history_id.in_(sorted(history_ids)))
    connection.execute(wanted.order_by(generation_history.c.history_id).with_for_update())
    statement = sa.update(generation_history).where(generation_history.c.history_id.in_(sorted(history_ids)))
    return connection.execute(statement.values(**values, updated_at=sa.func.statement_timestamp())).rowcount
