"""Renditions of stored images: thumbnails and modern formats, made once for each content hash.

It takes a batch of rendition tasks, whose keys are content hashes. Keep out: how a rendition is drawn (`encodings`),
and the process that draws it (`picture_process`).
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from orchestration.errors import OrchestrationError, PermanentError
from orchestration.media.identify import content_hash
from orchestration.media.tables import media, media_variant
from orchestration.media.unshown import MIRRORED, hold_found
from orchestration.observability.logs import get_logger
from orchestration.storage.objects import content_key
from orchestration.work_queue.claim import TaskHandler
from orchestration.work_queue.model import Outcome, TaskState
from orchestration.work_queue.rounds import settle_in_rounds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestration.media.encodings import EncodedRendition
    from orchestration.media.picture_process import PictureProcess
    from orchestration.storage.database import Database
    from orchestration.storage.objects import ObjectStore
    from orchestration.work_queue.claim import Claim
    from orchestration.work_queue.model import Settled, Task

log = get_logger()


class Rendition(NamedTuple):
    """One rendition task's end, with the bytes of each rendition by name. One that is not final is tried again."""

    content_hash: str
    variant_bytes: dict[str, int]
    original_bytes: int = 0
    problem: str | None = None
    is_final: bool = True


class _Rendered(NamedTuple):
    task: Task
    rows: Sequence[dict[str, object]] = ()
    found: Sequence[str] = ()
    blur: str | None = None
    original_bytes: int = 0
    error: Exception | None = None


class RenditionHandler(TaskHandler[Rendition]):
    """Handles claims of a rendition queue; its results are renditions.

    `on_rendered` is called in the transaction that settles images, with the content hashes of those that have their
    renditions: it queues what follows from it.
    """

    def __init__(
        self,
        database: Database,
        store: ObjectStore,
        process: PictureProcess,
        *,
        on_rendered: Callable[[sa.Connection, Sequence[str]], None] = lambda _connection, _hashes: None,
    ) -> None:
        self._database = database
        self._store = store
        self._process = process
        self._on_rendered = on_rendered
        self._turn = asyncio.Semaphore(1)  # the image library uses the cores by itself

    async def handle(self, claim: Claim[Rendition]) -> None:
        """Render a batch, one image at a time."""
        keys = await asyncio.to_thread(self._keys, [task.key for task in claim.tasks])
        await settle_in_rounds(
            claim, lambda task: self._render(task, keys.get(task.key)), partial(self._write, claim), _failed
        )

    def failure(self, settled: Settled) -> Rendition:
        """The rendition of a task that failed unexpectedly."""
        is_final = settled.state is not TaskState.WAITING
        return Rendition(settled.task.key, {}, problem=str(settled.error), is_final=is_final)

    def _keys(self, hashes: Sequence[str]) -> dict[str, str]:
        with self._database.connect() as connection:
            rows = connection.execute(
                sa.select(media.c.content_hash, media.c.key).where(media.c.content_hash.in_(list(hashes)))
            )
            return {row.content_hash: row.key for row in rows}

    async def _render(self, task: Task, key: str | None) -> _Rendered:
        try:
            if key is None:
                raise PermanentError(f"No stored image has the hash {task.key}; mirror it first")
            async with self._turn:
                body = await asyncio.to_thread(self._store.get, key)
                rendered = await self._process.render(body, key)
            kept = [await self._keep(task.key, one) for one in rendered.renditions]
            found = [str(row["key"]) for row, is_new in kept if not is_new]
            return _Rendered(task, [row for row, _ in kept], found, rendered.blur, len(body))
        except OrchestrationError as error:
            log.warning("image renditions failed", content_hash=task.key, error=str(error))
            return _Rendered(task, error=error)

    async def _keep(self, original: str, rendition: EncodedRendition) -> tuple[dict[str, object], bool]:
        """Store one; its row, and whether its object is new."""
        key = content_key(f"{MIRRORED}/{rendition.name}", content_hash(rendition.body), rendition.extension)
        is_new = await self._store.put_once(key, rendition.body, mime=rendition.mime)
        row = {
            "content_hash": original,
            "name": rendition.name,
            "key": key,
            "bytes": len(rendition.body),
            "mime": rendition.mime,
            "width": rendition.width,
            "height": rendition.height,
        }
        return row, is_new

    def _write(self, claim: Claim[Rendition], rendered: Sequence[_Rendered]) -> None:
        rows = [row for one in rendered for row in one.rows]
        with claim.transaction() as connection:
            hold_found(connection, self._store, {key for one in rendered for key in one.found})
            if rows:
                statement = pg.insert(media_variant).values(rows)
                kept = {name: statement.excluded[name] for name in ("key", "bytes", "mime", "width", "height")}
                connection.execute(statement.on_conflict_do_update(index_elements=["content_hash", "name"], set_=kept))
            for one in rendered:
                if one.blur:
                    blurred = sa.update(media).where(media.c.content_hash == one.task.key)
                    connection.execute(blurred.values(blur=one.blur))
            self._on_rendered(connection, [one.task.key for one in rendered if one.error is None])
            settled = claim.settle(connection, [Outcome(one.task, one.error) for one in rendered])
        final = {item.task.key for item in settled if item.state is not TaskState.WAITING}
        for one in rendered:
            claim.report(one.task, _rendition(one, is_final=one.task.key in final))


def _failed(task: Task, error: Exception) -> _Rendered:
    return _Rendered(task, error=error)


def _rendition(one: _Rendered, *, is_final: bool) -> Rendition:
    sizes = {str(row["name"]): int(str(row["bytes"])) for row in one.rows}
    problem = str(one.error) if one.error else None
    return Rendition(one.task.key, sizes, one.original_bytes, problem, is_final)
