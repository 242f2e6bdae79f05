"""Reading a body to its end, within a limit.

Sizes, compression and broken-off bodies, of answers and of files. Keep out: asking for them
(`download`), or opening them (`local_files`).
"""

from __future__ import annotations

import asyncio
import zlib
from typing import TYPE_CHECKING

from orchestration.errors import InvalidInputError, TooLargeError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import ClientResponse
    from yarl import URL

    from orchestration.media.local_files import OpenFile

_READ_IN_PLACE_BYTES = 2**20
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


async def read_response(response: ClientResponse, ceiling: int, heard: Callable[[], None]) -> bytes:
    """Read at most `ceiling` bytes, before and after decompression, whatever length the headers declare.

    `heard` is called before each wait for more. Raises TooLargeError, InvalidInputError for a compression that cannot
    be undone and TransientError for one that breaks off; a plain body that breaks off is aiohttp's ClientPayloadError.
    """
    if (response.content_length or 0) > ceiling:
        raise _too_large(response.url, ceiling)
    chunks, size = [], 0
    while not response.content.at_eof():
        if not response.content.is_eof():
            heard()
        chunk = await response.content.readany()
        chunks.append(chunk)
        size += len(chunk)
        if size > ceiling:
            raise _too_large(response.url, ceiling)
    return _decode(b"".join(chunks), response, ceiling)


def _decode(body: bytes, response: ClientResponse, ceiling: int) -> bytes:
    # No compression was asked for, but an object store gives back what was uploaded to it.
    encoding = response.headers.get("Content-Encoding", "identity").lower()
    if encoding == "identity":
        return body
    if encoding not in {"gzip", "x-gzip"}:
        raise InvalidInputError(f"{response.url} came with the encoding {encoding}, which was not asked for")
    # Some servers name the compression of what they send plain.
    return _gunzip(body, response.url, ceiling) if _GZIP_MAGIC.startswith(body[:2]) else body


def _gunzip(packed: bytes, url: URL, ceiling: int) -> bytes:
    unpacker = zlib.decompressobj(_GZIP_WINDOW)
    try:
        body = unpacker.decompress(packed, ceiling + 1)
    except zlib.error as error:
        raise InvalidInputError(f"{url} is no valid gzip: {error}") from error
    if len(body) > ceiling:
        raise _too_large(url, ceiling)
    if not unpacker.eof:
        raise TransientError(f"{url} broke off in the middle of its gzip body")
    if unpacker.unused_data:
        raise InvalidInputError(f"{url} goes on behind the end of its gzip body")
    return body


async def read_file(file: OpenFile, url: str, ceiling: int) -> bytes:
    """Read the whole file, a big one in a thread; TooLargeError, or TransientError when it fails or changes."""
    if file.size > ceiling:
        raise _too_large(url, ceiling)
    try:
        if file.size <= _READ_IN_PLACE_BYTES:
            body = file.stream.read(file.size + 1)
        else:
            body = await asyncio.to_thread(file.stream.read, file.size + 1)
    except OSError as error:
        raise TransientError(f"{url} cannot be read: {error}") from error
    if len(body) != file.size:
        raise TransientError(f"{url} changed while it was read")
    return body


def _too_large(url: URL | str, ceiling: int) -> TooLargeError:
    return TooLargeError(f"{url} is larger than the limit of {ceiling} bytes")
