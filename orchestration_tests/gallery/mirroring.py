"""Small words for the tests of the mirror: write history, drain, look at both sides.

What more than one of those tests says. Keep out: expectations.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from orchestration.gallery import history
from orchestration.gallery.drains import drain_mirror
from orchestration.gallery.history import NewGeneration, Status, User
from orchestration.work_queue.claim import Claim
from orchestration.work_queue.options import DrainOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from orchestration.gallery.gallery import Gallery
    from orchestration.gallery.mirror import MirrorResult
    from orchestration.storage.database import Database
    from orchestration.work_queue.model import Task


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


def drain(gallery: Gallery, keys: list[str] | None = None) -> list[MirrorResult]:
    """Mirror until nothing is left; what was reported."""
    reported: list[MirrorResult] = []
    asyncio.run(drain_mirror(gallery, reported.extend, DrainOptions(idle_seconds=None), keys))
    return reported


def claim(gallery: Gallery, limit: int | None = None, worker: int = 0) -> list[Task]:
    """Take tasks of the mirror queue, as a worker of that number does."""
    with gallery.database.begin() as connection:
        return gallery.mirror_queue.claim(connection, worker, limit)


def held(gallery: Gallery, tasks: Sequence[Task], heard: list[MirrorResult] | None = None) -> Claim[MirrorResult]:
    """The claim that a worker makes of these tasks; `heard` gets what is passed on before its end."""

    async def pass_on(claim: Claim[MirrorResult]) -> None:
        results = claim.take_results()
        if heard is not None:
            heard.extend(results)

    return Claim(
        gallery.database,
        gallery.mirror_queue,
        tasks,
        linger=lambda _: None,
        pass_on=pass_on,
        is_stopping=lambda: False,
    )


def effects(reported: list[MirrorResult]) -> dict[str, str]:
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


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for what another thread or process is about to do."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def waiting(database: Database) -> dict[str, str]:
    """The unfinished tasks of the mirror queue, in the order in which they were enqueued: key and operation."""
    query = (
        "SELECT key, payload ->> 'op' AS op FROM task "
        "WHERE queue = 'mirror' AND state IN ('waiting', 'active') ORDER BY id"
    )
    with database.begin() as connection:
        return {row.key: row.op for row in connection.execute(sa.text(query))}
