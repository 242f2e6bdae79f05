"""Variants of stored images: thumbnails and modern formats, made once for each content hash.

Belongs here: the path of a batch of variant tasks, whose keys are content hashes. Does not: how a variant is drawn
(`variants`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from orchestration.errors import OrchestrationError, PermanentError
from orchestration.media.identify import content_hash
from orchestration.media.tables import media, media_variant
from orchestration.media.variants import blur_placeholder, render_variants
from orchestration.observability.logs import get_logger
from orchestration.storage.objects import content_key
from orchestration.work_queue.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestration.media.variants import RenderedVariant
    from orchestration.storage.database import Database
    from orchestration.storage.objects import ObjectStore
    from orchestration.work_queue.claim import Claim
    from orchestration.work_queue.model import Task

log = get_logger()


class Rendition(NamedTuple):
    """What became of one image's variants."""

    content_hash: str
    variant_bytes: dict[str, int]
    original_bytes: int = 0
    problem: str | None = None


class _Rendered(NamedTuple):
    task: Task
    rows: Sequence[dict[str, object]] = ()
    blur: str | None = None
    original_bytes: int = 0
    error: Exception | None = None


class VariantRenderer:
    """Handles claims of the variant queue. `report` hears what became of each image once it is committed.

    `rendered` is called in the transaction that settles a batch, before that is done, with the content hashes of the
    images whose variants are there: for whatever has to follow from that in any case.
    """

    def __init__(
        self,
        database: Database,
        store: ObjectStore,
        *,
        report: Callable[[Sequence[Rendition]], None],
        rendered: Callable[[sa.Connection, Sequence[str]], None] | None = None,
    ) -> None:
        self._database = database
        self._store = store
        self._report = report
        self._rendered = rendered

    async def handle(self, claim: Claim) -> None:
        """Render a batch, one image at a time: the image library uses the cores by itself."""
        keys = await asyncio.to_thread(self._keys, [task.key for task in claim.tasks])
        rendered = [await self._render(task, keys.get(task.key)) for task in claim.tasks]
        self._report(await asyncio.to_thread(self._write, claim, rendered))

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
            body = await asyncio.to_thread(self._store.get, key)
            variants = await asyncio.to_thread(render_variants, body)
            rows = [await self._keep(task.key, variant) for variant in variants]
            return _Rendered(task, rows, await asyncio.to_thread(blur_placeholder, body), len(body))
        except OrchestrationError as error:
            log.warning("image variants failed", content_hash=task.key, error=str(error))
            return _Rendered(task, error=error)

    async def _keep(self, original: str, variant: RenderedVariant) -> dict[str, object]:
        key = content_key(f"media/{variant.name}", content_hash(variant.body), variant.extension)
        await self._store.put_once(key, variant.body, mime=variant.mime)
        return {
            "content_hash": original,
            "name": variant.name,
            "key": key,
            "bytes": len(variant.body),
            "mime": variant.mime,
            "width": variant.width,
            "height": variant.height,
        }

    def _write(self, claim: Claim, rendered: Sequence[_Rendered]) -> list[Rendition]:
        rows = [row for one in rendered for row in one.rows]
        with self._database.begin() as connection:
            if rows:
                statement = pg.insert(media_variant).values(rows)
                kept = {name: statement.excluded[name] for name in ("key", "bytes", "mime", "width", "height")}
                connection.execute(statement.on_conflict_do_update(index_elements=["content_hash", "name"], set_=kept))
            for one in rendered:
                if one.blur:
                    blurred = sa.update(media).where(media.c.content_hash == one.task.key)
                    connection.execute(blurred.values(blur=one.blur))
            if self._rendered:
                self._rendered(connection, [one.task.key for one in rendered if one.error is None])
            claim.settle(connection, [Outcome(one.task, one.error) for one in rendered])
        return [
            Rendition(
                one.task.key,
                {str(row["name"]): int(str(row["bytes"])) for row in one.rows},
                one.original_bytes,
                str(one.error) if one.error else None,
            )
            for one in rendered
        ]
