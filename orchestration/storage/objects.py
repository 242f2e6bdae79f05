"""The object store: bytes under content-addressed keys, on a local directory, in memory, or in S3 and its kin.

Belongs here: reading, writing once, listing, deleting. Does not: what the objects are, or the rows that name them.

Keys hold the SHA-256 of their bytes, so writing a key twice writes the same thing; `put_once` asks the store to
create and never to replace, and two writers of one key cannot tear it.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from orchestration.errors import ConfigurationError, InvalidInputError, TransientError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from datetime import timedelta

    from obstore.store import ObjectStore as Backend

CHUNK_BYTES = 2**20


class MissingObjectError(InvalidInputError):
    """No object has this key."""


class OpenObject(NamedTuple):
    """An object that is being read: its size in bytes, the store's entity tag with its quotes, and its bytes."""

    size: int
    etag: str | None
    chunks: AsyncIterator[bytes]


def content_key(folder: str, content_hash: str, extension: str) -> str:
    """The key of an object by its SHA-256 in hex, spread over 256 folders: `media/ab/abcd....png`."""
    return f"{folder}/{content_hash[:2]}/{content_hash}.{extension}"


class ObjectStore:
    """One store. `url` is `file:///dir`, `memory:///` or `s3://bucket/prefix`; S3 reads the usual AWS variables.

    Every method raises `TransientError` when the store does not answer.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._backend: Backend | None = None

    @property
    def backend(self) -> Backend:
        """The library's own store, opened on first use."""
        if self._backend is None:
            self._backend = _open(self.url)
        return self._backend

    async def put_once(self, key: str, body: bytes, *, mime: str | None = None) -> bool:
        """Create the object; False when it was there already."""
        import obstore
        from obstore.exceptions import AlreadyExistsError

        attributes = {"Content-Type": mime} if mime and self.url.startswith("s3://") else None
        with _transient_errors(self.url):
            try:
                await obstore.put_async(self.backend, key, body, mode="create", attributes=attributes)
            except AlreadyExistsError:
                return False
        return True

    def get(self, key: str) -> bytes:
        """The object's bytes; raises `MissingObjectError`."""
        import obstore

        with _transient_errors(self.url), self._missing(key):
            return bytes(obstore.get(self.backend, key).bytes())

    async def open(self, key: str) -> OpenObject:
        """The object, to be read piece by piece; raises `MissingObjectError`, and `TransientError` in between too."""
        import obstore

        with _transient_errors(self.url), self._missing(key):
            result = await obstore.get_async(self.backend, key)

        async def chunks() -> AsyncIterator[bytes]:
            with _transient_errors(self.url):
                async for chunk in result.stream(CHUNK_BYTES):
                    yield bytes(chunk)

        return OpenObject(result.meta["size"], result.meta["e_tag"], chunks())

    def size(self, key: str) -> int | None:
        """The object's size in bytes; None when there is none."""
        import obstore

        with _transient_errors(self.url):
            try:
                return int(obstore.head(self.backend, key)["size"])
            except FileNotFoundError:
                _require(self.backend)
                return None

    def delete(self, key: str) -> bool:
        """Remove the object and nothing else; False when it was not there.

        Two that delete one key at the same time may both hear that they did.
        """
        import obstore

        # S3 deletes what is not there without a word.
        if self.size(key) is None:
            return False
        with _transient_errors(self.url):
            try:
                obstore.delete(self.backend, key)
            except FileNotFoundError:
                return False
        return True

    def presign(self, key: str, lifetime: timedelta) -> str | None:
        """A URL by which anybody may read the object for `lifetime`; None where the store serves nobody itself.

        S3 takes up to 7 days; a link that was made with temporary credentials ends with them.
        """
        import obstore
        from obstore.store import S3Store

        with _transient_errors(self.url):
            backend = self.backend
            return obstore.sign(backend, "GET", key, lifetime) if isinstance(backend, S3Store) else None

    def sizes(self, prefix: str = "") -> dict[str, int]:
        """Every key under `prefix`, with its size in bytes."""
        import obstore

        with _transient_errors(self.url):
            pages = obstore.list(self.backend, prefix or None)
            return {item["path"]: item["size"] for page in pages for item in page}

    @contextmanager
    def _missing(self, key: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise MissingObjectError(f"{key} is not in {self.url}; materialize what makes it again") from error


def _open(url: str) -> Backend:
    from obstore.store import from_url

    scheme = urlsplit(url).scheme
    if scheme not in {"file", "memory", "s3"}:
        raise ConfigurationError(f"ORCHESTRATION_OBJECT_STORE must be file:///dir or s3://bucket/prefix, not {url}")
    try:
        # S3 gets its conditional create (If-None-Match) by default.
        return from_url(url, mkdir=True) if scheme == "file" else from_url(url)
    except Exception as error:
        raise ConfigurationError(f"ORCHESTRATION_OBJECT_STORE {url} cannot be opened: {_cause(error)}") from error


def _require(backend: Backend) -> None:
    """Raise unless the store itself is there: where bucket or directory are missing, so is every object in it."""
    import obstore
    from obstore.store import LocalStore

    if isinstance(backend, LocalStore):
        Path(str(backend.prefix)).stat()
    else:
        next(iter(obstore.list(backend)), None)


@contextmanager
def _transient_errors(url: str) -> Iterator[None]:
    from obstore.exceptions import BaseError

    try:
        yield
    except (BaseError, OSError) as error:
        raise TransientError(f"The object store {url} did not answer: {_cause(error)}") from error


def _cause(error: Exception) -> str:
    """The library's message without the debug dump that it appends."""
    return str(error).partition("\n")[0]
