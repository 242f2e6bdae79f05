"""The library's stores behind an object store: opening one by its URL, and what only a local folder needs.

Keep out: reading and writing objects (`objects`).
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from orchestration.errors import ConfigurationError
from orchestration.storage.object_errors import cause, without_secrets

if TYPE_CHECKING:
    from datetime import datetime

    from obstore.store import ObjectStore as Backend

# What the library writes before an object appears under its key, in which it escapes a `#`.
_STAGED = re.compile(r"#\d+$")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def open_backend(url: str) -> Backend:
    """Open `file:///dir`, `memory:///` or `s3://bucket/prefix`; raises `ConfigurationError`."""
    from obstore.store import from_url

    try:
        scheme = urlsplit(url).scheme
        if scheme == "file":
            return _open_folder(url)
        if scheme in {"memory", "s3"}:
            # S3 gets its conditional create (If-None-Match) by default.
            return from_url(url)
    except Exception as error:
        raise ConfigurationError(
            f"ORCHESTRATION_OBJECT_STORE {without_secrets(url)} cannot be opened: {cause(error)}"
        ) from error
    raise ConfigurationError(
        f"ORCHESTRATION_OBJECT_STORE must be file:///dir or s3://bucket/prefix, not {without_secrets(url)}"
    )


def _open_folder(url: str) -> Backend:
    """Open a folder; one that is not there yet becomes its owner's alone."""
    from obstore.store import from_url

    path = Path(url2pathname(urlsplit(url).path))
    is_new = not path.exists()
    backend = from_url(url, mkdir=True)
    if is_new:
        path.chmod(stat.S_IRWXU)
    return backend


def require(backend: Backend) -> None:
    """Raise unless the store itself is there: where bucket or directory are missing, so is every object in it."""
    import obstore
    from obstore.store import LocalStore

    if isinstance(backend, LocalStore):
        Path(str(backend.prefix)).stat()
    else:
        next(iter(obstore.list(backend)), None)


def make_private(backend: Backend, key: str) -> None:
    """Take the rights of others from an object of a local folder, and from the folders between; nothing elsewhere."""
    from obstore.store import LocalStore

    if not isinstance(backend, LocalStore):
        return
    path = str(backend.prefix)
    for part in filter(None, key.split("/")):
        path = f"{path}/{part}"  # as text: this is done for each image, and a Path takes longer to make than to look up
        found = os.stat(path)  # noqa: PTH116
        # Only the owner of a folder may change its rights; one that another user made stays as it is.
        if found.st_mode & _OTHERS and found.st_uid == os.geteuid():
            os.chmod(path, found.st_mode & ~_OTHERS)  # noqa: PTH101


def remove_staged(backend: Backend, older_than: datetime) -> int:
    """Remove the files of a local folder that were begun before that time and never became objects; how many.

    A process that is killed while it writes leaves one. A bucket keeps nothing of a small object, and a rule of its own
    ends uploads in parts.
    """
    from obstore.store import LocalStore

    if not isinstance(backend, LocalStore):
        return 0
    staged = [path for path in Path(str(backend.prefix)).rglob("*#*") if _STAGED.search(path.name)]
    removed = 0
    for path in staged:
        with suppress(FileNotFoundError):  # it has become an object since it was found
            if path.stat().st_mtime < older_than.timestamp():
                path.unlink()
                removed += 1
    return removed
