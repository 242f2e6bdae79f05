"""The object store: bytes under content-addressed keys, on a local directory, in memory, or in S3 and its kin.

Reading, writing once, listing, deleting. Keep out: what the objects are, the rows that name them, what the library's
errors mean (`object_errors`), and how a store is opened (`object_backends`).

Keys hold the SHA-256 of their bytes, so writing a key twice writes the same thing. What is small is created and never
replaced; what is large arrives in parts, appears whole or not at all, and is not sent when it is there already.
"""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import contextmanager
from datetime import timedelta
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, NamedTuple

from orchestration.errors import InvalidInputError, TooLargeError, TransientError
from orchestration.storage.listing import list_objects
from orchestration.storage.object_backends import make_private, open_backend, remove_staged, require
from orchestration.storage.object_errors import (
    MissingObjectError,
    RangeNotSatisfiableError,
    cause,
    is_out_of_range,
    store_errors,
    without_secrets,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterator
    from datetime import datetime
    from pathlib import Path

    from obstore import Attributes, GetOptions
    from obstore.store import ObjectStore as Backend

CHUNK_BYTES = 2**20
# Up to here an object is sent in one request; beyond, in parts of this size, a few at a time.
PART_BYTES = 8 * 2**20
_PARTS_AT_ONCE = 4
LONGEST_S3_LINK = timedelta(days=7)


class StoredObject(NamedTuple):
    """An object that was put: its key, the SHA-256 of its bytes in hex, its size in bytes, and whether it is new."""

    key: str
    content_hash: str
    size: int
    created: bool


class ObjectHead(NamedTuple):
    """What is known of an object without reading it: size in bytes, entity tag with its quotes, time of writing."""

    size: int
    etag: str | None
    modified_at: datetime


class OpenObject(NamedTuple):
    """An object that is being read: its size in bytes, the store's entity tag with its quotes, and its bytes.

    `chunks` gives the `length` bytes from `start` on; without a range these are all.
    """

    size: int
    etag: str | None
    chunks: AsyncIterator[bytes]
    start: int
    length: int


def content_key(folder: str, content_hash: str, extension: str) -> str:
    """The key of an object by its SHA-256 in hex, spread over 256 folders: `media/ab/abcd....png`."""
    return f"{folder}/{content_hash[:2]}/{content_hash}.{extension}"


class ObjectStore:
    """One store. `url` is `file:///dir`, `memory:///` or `s3://bucket/prefix`; S3 reads the usual AWS variables.

    Every method raises `TransientError` when the store does not answer or answers with an error. What a local store
    writes, only its owner may read.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._backend: Backend | None = None

    @property
    def display_url(self) -> str:
        """The URL without credentials, for people."""
        return without_secrets(self.url)

    @property
    def backend(self) -> Backend:
        """The library's own store, opened on first use."""
        if self._backend is None:
            self._backend = open_backend(self.url)
        return self._backend

    async def put_once(self, key: str, body: bytes, *, mime: str | None = None) -> bool:
        """Create the object; False when it was there already. Raises `InvalidInputError` for what cannot be a key."""
        import obstore
        from obstore.exceptions import AlreadyExistsError

        is_new = True
        with store_errors(self.url), _valid(key):
            try:
                await obstore.put_async(self.backend, key, body, mode="create", attributes=self._attributes(mime))
            except AlreadyExistsError:
                is_new = False
            make_private(self.backend, key)  # one that is there too: its writer may have died in between
        return is_new

    async def put_file(self, path: Path, *, folder: str, extension: str, mime: str | None = None) -> StoredObject:
        """Create an object from a file, under its content key, with at most a few parts of it in memory.

        Of two that put the same large file at the same time, both may hear that it is new. Raises `TransientError`
        when the file changes meanwhile, and OSError when it cannot be read.
        """
        with await asyncio.to_thread(path.open, "rb") as file:
            return await self._put(file, folder=folder, extension=extension, mime=mime)

    async def put_stream(
        self,
        chunks: AsyncIterable[bytes],
        *,
        folder: str,
        extension: str,
        mime: str | None = None,
        max_bytes: int | None = None,
    ) -> StoredObject:
        """Create an object from a stream as `put_file` does; it waits in a temporary file until its hash is known.

        Raises `TooLargeError` as soon as there are more than `max_bytes`; nothing is stored then, nor when the stream
        itself raises.
        """
        with SpooledTemporaryFile(PART_BYTES) as spool:
            async for chunk in chunks:
                spool.write(chunk)
                if max_bytes is not None and spool.tell() > max_bytes:
                    raise TooLargeError(
                        f"The upload is larger than the limit of {max_bytes} bytes; send a smaller file"
                    )
            return await self._put(spool, folder=folder, extension=extension, mime=mime)

    async def _put(self, file: IO[bytes], *, folder: str, extension: str, mime: str | None) -> StoredObject:
        content_hash, size = await asyncio.to_thread(_measure, file)
        key = content_key(folder, content_hash, extension)
        parts = _verified(file, content_hash)
        if size <= PART_BYTES:
            created = await self.put_once(key, b"".join([part async for part in parts]), mime=mime)
        elif created := await asyncio.to_thread(self.size, key) is None:
            await self._put_parts(key, parts, mime)
        return StoredObject(key, content_hash, size, created)

    async def _put_parts(self, key: str, parts: AsyncIterator[bytes], mime: str | None) -> None:
        import obstore

        with store_errors(self.url), _valid(key):
            await obstore.put_async(
                self.backend,
                key,
                parts,
                attributes=self._attributes(mime),
                chunk_size=PART_BYTES,
                max_concurrency=_PARTS_AT_ONCE,
            )
            make_private(self.backend, key)

    def get(self, key: str) -> bytes:
        """The object's bytes; raises `MissingObjectError`."""
        import obstore

        with store_errors(self.url), self._explained(key):
            return bytes(obstore.get(self.backend, key).bytes())

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """The `length` bytes from `start` on, or as many as there are; `length` is at least 1.

        Raises `MissingObjectError`, and `RangeNotSatisfiableError` when the object ends before `start`.
        """
        import obstore

        _check_range(start, length)
        with store_errors(self.url), self._explained(key, start):
            return bytes(obstore.get_range(self.backend, key, start=start, length=length))

    async def open(self, key: str, *, start: int = 0, length: int | None = None) -> OpenObject:
        """The object, or the `length` bytes from `start` on or as many as there are, to be read piece by piece.

        Raises `MissingObjectError`, `RangeNotSatisfiableError` when the object ends before `start`, and
        `TransientError` in between too.
        """
        import obstore

        _check_range(start, length)
        with store_errors(self.url):
            try:
                result = await obstore.get_async(self.backend, key, options=_options(start, length))
            except Exception as error:
                await asyncio.to_thread(self._explain, error, key, start)
                raise

        async def chunks() -> AsyncIterator[bytes]:
            with store_errors(self.url):
                async for chunk in result.stream(CHUNK_BYTES):
                    yield bytes(chunk)

        first, end = result.range
        return OpenObject(result.meta["size"], result.meta["e_tag"], chunks(), first, end - first)

    def head(self, key: str) -> ObjectHead:
        """Size, entity tag and age of the object; raises `MissingObjectError`."""
        import obstore

        with store_errors(self.url), self._explained(key):
            found = obstore.head(self.backend, key)
            return ObjectHead(found["size"], found["e_tag"], found["last_modified"])

    def size(self, key: str) -> int | None:
        """The object's size in bytes; None when there is none."""
        try:
            return self.head(key).size
        except MissingObjectError:
            return None

    def delete(self, key: str) -> bool:
        """Remove the object and nothing else; False when it was not there.

        Two that delete one key at the same time may both hear that they did.
        """
        import obstore

        # S3 deletes what is not there without a word.
        if self.size(key) is None:
            return False
        with store_errors(self.url):
            try:
                obstore.delete(self.backend, key)
            except FileNotFoundError:
                return False
        return True

    def remove_unfinished(self, older_than: datetime) -> int:
        """Remove what processes that were killed had begun to write before that time; how many files."""
        with store_errors(self.url):
            return remove_staged(self.backend, older_than)

    def presign(self, key: str, lifetime: timedelta) -> str | None:
        """A URL by which anybody may read the object for `lifetime`; None where the store serves nobody itself.

        A link that was made with temporary credentials ends with them. Raises `InvalidInputError` above the 7 days
        that S3 allows.
        """
        import obstore
        from obstore.store import S3Store

        with store_errors(self.url):
            backend = self.backend
            if not isinstance(backend, S3Store):
                return None
            if lifetime > LONGEST_S3_LINK:
                hours = lifetime / timedelta(hours=1)
                raise InvalidInputError(f"S3 signs links for at most 168 hours, not for {hours:g}; ask for fewer")
            return obstore.sign(backend, "GET", key, lifetime)

    def sizes(self, prefix: str = "") -> dict[str, int]:
        """Every key under `prefix`, with its size in bytes; names that no key can have are left out."""
        return list_objects(self, prefix).sizes

    def _attributes(self, mime: str | None) -> Attributes | None:
        return {"Content-Type": mime} if mime and self.url.startswith("s3://") else None

    @contextmanager
    def _explained(self, key: str, start: int = 0) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self._explain(error, key, start)
            raise

    def _explain(self, error: Exception, key: str, start: int) -> None:
        """Raise what the library's error says about the object rather than about the store; else return."""
        if isinstance(error, ValueError):  # how the library refuses a key that no object can have
            raise MissingObjectError(f"{key!r} is not in {self.display_url}: {cause(error)}") from error
        if isinstance(error, FileNotFoundError):
            require(self.backend)
            raise MissingObjectError(f"{key} is not in {self.display_url}; materialize what makes it again") from error
        if is_out_of_range(error) and start >= (size := self.head(key).size):
            raise RangeNotSatisfiableError(f"{key} has {size} bytes, and none from {start} on", size=size) from error


@contextmanager
def _valid(key: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise InvalidInputError(f"{key!r} cannot be the key of an object: {cause(error)}") from error


def _check_range(start: int, length: int | None) -> None:
    if start < 0 or (length is not None and length < 1):
        raise ValueError(f"No range of bytes: {length} from {start} on")


def _options(start: int, length: int | None) -> GetOptions:
    if length is not None:
        return {"range": (start, start + length)}
    return {"range": {"offset": start}} if start else {}


def _measure(file: IO[bytes]) -> tuple[str, int]:
    """The SHA-256 in hex and the size of a file."""
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest(), file.tell()


async def _verified(file: IO[bytes], content_hash: str) -> AsyncIterator[bytes]:
    """The file in chunks; `TransientError` instead of its end when these are not the bytes that were hashed."""
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != content_hash:
        raise TransientError("A file changed while it was put into the object store")
