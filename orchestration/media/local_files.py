"""Documents of a `file://` feed, read beneath its root folder and nowhere else.

Turning a file URL into a path, and opening it safely. Keep out: whether a feed may use files at all
(`rules`), or when to read them in a thread (`download`).
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from orchestration.errors import InvalidInputError, RefusedError, TransientError
from orchestration.media.statuses import NotFoundError

if TYPE_CHECKING:
    from typing import BinaryIO

_READ_ONLY = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class OpenFile(NamedTuple):
    """An open regular file: its size in bytes, and an ETag that changes with its time stamp or size."""

    stream: BinaryIO
    size: int
    etag: str


def path_of(url: str) -> Path:
    """Return the path that a file URL names, percent-decoded; InvalidInputError when it names none."""
    try:
        parts = urlsplit(url)
        path = unquote(parts.path, errors="surrogateescape")
    except ValueError as error:
        raise InvalidInputError(f"{url!r} is no file URL: {error}") from error
    if parts.netloc not in {"", "localhost"} or not path.startswith("/") or parts.query or parts.fragment:
        raise InvalidInputError(f"{url!r} is no file URL: write file:///folder/name, with ? and # percent-encoded")
    if "\0" in path:
        raise InvalidInputError(f"{url!r} is no file URL: it holds a NUL byte")
    return Path(path)


def open_beneath(root: Path, url: str) -> OpenFile:
    """Open the regular file that the URL names, which must lie beneath the root once links are followed.

    Raises RefusedError outside the root and for folders, devices, pipes and hard links, NotFoundError when nothing is
    there, TransientError when the file system does not answer.
    """
    try:
        path = path_of(url).resolve(strict=True)
        if not path.is_relative_to(root.resolve(strict=True)):
            raise RefusedError(f"{url} lies outside the feed's folder {root}")
        return _open_regular(path, url)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFoundError(f"{url} does not exist", status=404) from error
    except RuntimeError as error:  # how pathlib reports a loop of links
        raise RefusedError(f"{url}: {error}") from error
    except OSError as error:
        raise TransientError(f"{url} cannot be read: {error}") from error


def _open_regular(path: Path, url: str) -> OpenFile:
    # Non-blocking, because opening a pipe would wait for its writer; no links, because the path was resolved above.
    descriptor = os.open(path, _READ_ONLY)
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode):
        os.close(descriptor)
        raise RefusedError(f"{url} is not a regular file")
    # Whoever can write into the folder can give any file of the same disk a name there, without being able to read it.
    if facts.st_nlink > 1:
        os.close(descriptor)
        raise RefusedError(f"{url} is a hard link, which may lead out of the feed's folder: put a copy there")
    return OpenFile(os.fdopen(descriptor, "rb"), facts.st_size, f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"')
