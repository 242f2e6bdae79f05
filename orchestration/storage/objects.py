"""The object store: bytes under content-addressed keys, on a local directory, in memory, or in S3 and its kin.

Belongs here: reading, writing once, listing. Does not: what the objects are, or the rows that name them.

Keys hold the SHA-256 of their bytes, so writing a key twice writes the same thing; `put_once` asks the store to
create and never to replace, and two writers of one key cannot tear it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from orchestration.errors import ConfigurationError, InvalidInputError, TransientError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from obstore.store import ObjectStore as Backend


class MissingObjectError(InvalidInputError):
    """No object has this key."""


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

        with _transient_errors(self.url):
            try:
                return bytes(obstore.get(self.backend, key).bytes())
            except FileNotFoundError as error:
                raise MissingObjectError(f"{key} is not in {self.url}; materialize what makes it again") from error

    def sizes(self, prefix: str = "") -> dict[str, int]:
        """Every key under `prefix`, with its size in bytes."""
        import obstore

        with _transient_errors(self.url):
            pages = obstore.list(self.backend, prefix or None)
            return {item["path"]: item["size"] for page in pages for item in page}


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
