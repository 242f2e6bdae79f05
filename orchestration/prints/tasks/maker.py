"""From requests to stored products: render in the pool, put the files into the object store.

Objects hold the SHA-256 of their bytes in their keys, so a process that dies between the store and the database leaves
nothing that the next attempt does not find in place. Keep out: rows, and the choice of what is rendered (`handler`).
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Final

from orchestration.errors import PermanentError, TransientError
from orchestration.prints.solid.refusal import Refusal
from orchestration.prints.tasks.pool_process import Made, Refused
from orchestration.prints.tasks.products import FOLDER, NewProduct, StoredFile
from orchestration.storage.objects import content_key

if TYPE_CHECKING:
    from orchestration.prints.solid.request import Request
    from orchestration.prints.tasks.pool import RenderPool
    from orchestration.prints.tasks.pool_process import MadeFile
    from orchestration.rendering.pool import Worker
    from orchestration.storage.objects import ObjectStore

MIME_TYPES: Final = {"stl": "model/stl", "3mf": "model/3mf", "png": "image/png"}
UPLOADS: Final = 16


class ProductMaker:
    """Makes products with a pool of render processes, and stores them."""

    def __init__(self, pool: RenderPool, objects: ObjectStore) -> None:
        self._pool = pool
        self._objects = objects
        self._uploads = asyncio.Semaphore(UPLOADS)

    def worker_of(self, address: str) -> Worker | None:
        """Return which process renders the product of that address, and since when; None before and after."""
        return self._pool.worker_of(address)

    async def make(self, address: str, request: Request) -> NewProduct | Refusal:
        """Make the product that the request asks for, under its address.

        Raises `TransientError` or `PermanentError` as the rendering or the object store failed.
        """
        result = await self._pool.make(request.line, address)
        if isinstance(result, Made):
            return await self._store(address, request, result)
        if isinstance(result, Refused):
            return Refusal(result.check, result.problem, result.remedy, await self._store_picture(result.picture))
        raise (PermanentError if result.is_permanent else TransientError)(result.message)

    async def _store(self, address: str, request: Request, made: Made) -> NewProduct:
        outputs = await asyncio.gather(*map(self._store_file, made.files))
        body, text = request.filaments
        return NewProduct(
            address=address,
            geometry=made.geometry,
            sku=request.line.sku,
            lines=made.lines,
            fonts=made.fonts,
            body_color=body.name,
            text_color=text.name,
            outputs=tuple(outputs),
            milliseconds=made.milliseconds,
            notes=made.notes,
        )

    async def _store_file(self, file: MadeFile) -> StoredFile:
        key = await self._put(file.content, file.sha256, file.kind)
        return StoredFile(file.kind, file.suffix, key, file.sha256, len(file.content), file.facts)

    async def _store_picture(self, picture: bytes | None) -> str | None:
        if picture is None:
            return None
        return await self._put(picture, hashlib.sha256(picture).hexdigest(), "png")

    async def _put(self, content: bytes, sha256: str, kind: str) -> str:
        key = content_key(FOLDER, sha256, kind)
        async with self._uploads:
            await self._objects.put_once(key, content, mime=MIME_TYPES[kind])
        return key
