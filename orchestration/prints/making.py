"""From requests to stored products: render in the pool, put the files into the object store.

Belongs here: what one rendering leaves in the store. Does not: rows, or which requests need one.

Objects hold the SHA-256 of their bytes in their keys, so a process that dies between the store and the database leaves
nothing that the next attempt does not find in place.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

from orchestration.errors import OrchestrationError, PermanentError
from orchestration.prints.products import FOLDER, NewProduct, StoredFile
from orchestration.prints.rendering import Failed, Made, Refused
from orchestration.storage.objects import content_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestration.prints.refusal import Check
    from orchestration.prints.render_pool import RenderPool
    from orchestration.prints.rendering import MadeFile, Result
    from orchestration.prints.request import Request
    from orchestration.storage.objects import ObjectStore

MIME_TYPES: Final = {"stl": "model/stl", "3mf": "model/3mf", "png": "image/png"}
UPLOADS: Final = 16


class Refusal(NamedTuple):
    """A product that breaks a check; `picture` is the key of a picture of it."""

    check: Check
    problem: str
    remedy: str
    picture: str | None = None


Ending = NewProduct | Refusal | Failed


class ProductMaker:
    """Makes products with a pool of render processes, and stores them."""

    def __init__(self, pool: RenderPool, objects: ObjectStore) -> None:
        self._pool = pool
        self._objects = objects
        self._uploads = asyncio.Semaphore(UPLOADS)

    async def make(self, requests: Mapping[str, Request]) -> dict[str, Ending]:
        """Make each product; what became of it, by address."""
        results = await self._pool.make([request.line for request in requests.values()])
        endings = await asyncio.gather(*map(self._end, requests.items(), results))
        return dict(zip(requests, endings, strict=True))

    async def _end(self, request: tuple[str, Request], result: Result) -> Ending:
        try:
            if isinstance(result, Made):
                return await self._store(*request, result)
            if isinstance(result, Refused):
                return Refusal(result.check, result.problem, result.remedy, await self._store_picture(result.picture))
        except OrchestrationError as error:
            return Failed(f"{type(error).__name__}: {error}", isinstance(error, PermanentError))
        return result

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
