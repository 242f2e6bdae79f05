"""Small words for the tests of the mirror: write history, drain, look at both sides.

Belongs here: what more than one of those tests says. Does not: expectations.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from orchestration.gallery import history
from orchestration.gallery.drains import drain_mirror
from orchestration.gallery.history import NewGeneration, Status, User
from orchestration.work_queue.running import DrainEnd
from orchestration.work_queue.stopping import StopSignal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestration.gallery.gallery import Gallery
    from orchestration.gallery.mirror import Mirrored
    from orchestration.storage.database import Database


def generation(
    history_id: str = "h1", uid: str = "u1", document: Mapping[str, Any] | None = None, **fields: object
) -> NewGeneration:
    """A finished public generation of one image."""
    shown = {"prompt": "a fox", "images": [image(1)], **(document or {})}
    settled: dict[str, Any] = {"status": Status.COMPLETED, "is_public": True} | fields
    return NewGeneration(history_id, uid, shown, **settled)


def image(number: int, **fields: object) -> dict[str, object]:
    """An image of a document."""
    return {"id": f"i{number}", "url": f"https://images/{number}.png", **fields}


def write(gallery: Gallery, *items: NewGeneration) -> None:
    """Write new generations down, without mirroring them."""
    with gallery.database.begin() as connection:
        history.create(connection, items)


def change(gallery: Gallery, history_id: str, changes: Mapping[str, Any]) -> None:
    """Update one generation, without mirroring it."""
    with gallery.database.begin() as connection:
        assert history.update(connection, history_id, changes)


def rename(gallery: Gallery, uid: str, username: str) -> None:
    """Write a user who is called so."""
    with gallery.database.begin() as connection:
        user = User(uid, username, username.title(), f"{username}@example.org", f"https://photos/{username}.jpg")
        history.save_users(connection, [user])


def drain(gallery: Gallery, keys: list[str] | None = None) -> list[Mirrored]:
    """Mirror until nothing is left; what was reported."""
    reported: list[Mirrored] = []
    asyncio.run(drain_mirror(gallery, reported.extend, DrainEnd(StopSignal()), keys))
    return reported


def effects(reported: list[Mirrored]) -> dict[str, str]:
    """What became of each item in the end."""
    return {one.history_id: str(one.effect) for one in reported}


def shown(database: Database) -> dict[str, dict[str, Any]]:
    """The mirror's documents, by history id."""
    with database.begin() as connection:
        rows = connection.execute(sa.text("SELECT history_id, document FROM public_generation"))
        return {row.history_id: row.document for row in rows}


def execute(database: Database, statement: str, **values: object) -> None:
    """What an outside writer does."""
    with database.begin() as connection:
        connection.execute(sa.text(statement), values)


def waiting(database: Database) -> dict[str, str]:
    """The unfinished tasks of the mirror queue, in the order in which they were enqueued: key and operation."""
    query = (
        "SELECT key, payload ->> 'op' AS op FROM task "
        "WHERE queue = 'mirror' AND state IN ('waiting', 'active') ORDER BY id"
    )
    with database.begin() as connection:
        return {row.key: row.op for row in connection.execute(sa.text(query))}
