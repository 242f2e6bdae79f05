"""What lies in an object store under a prefix, with the names that no key of the product can have.

A listing that no single object can stop. Keep out: what is done about any of them.

The library gives up a whole listing for one name that it cannot express as a key, and leaves out what looks like an
unfinished upload of its own. A local folder is read directly, since people and programs put files there; elsewhere a
listing that fails is taken apart, folder by folder, until the odd one stands alone.
"""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from orchestration.errors import TransientError
from orchestration.storage.object_backends import require
from orchestration.storage.object_errors import cause, store_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestration.storage.objects import ObjectStore

_VISIBLE = {number: f"\\x{number:02x}" for number in (*range(32), 127)}
_PLAIN = re.compile(r"[A-Za-z0-9./_-]+")


class Listing(NamedTuple):
    """Sizes in bytes by key, and why other names cannot be used, by the name or folder in printable form."""

    sizes: dict[str, int]
    odd: dict[str, str]


def list_objects(objects: ObjectStore, prefix: str) -> Listing:
    """Every object under the folder `prefix`; raises `TransientError` when the store does not answer.

    A store that is missing, or a folder that may not be read, is no empty one.
    """
    from obstore.store import LocalStore

    listing = Listing({}, {})
    with store_errors(objects.url):
        if isinstance(objects.backend, LocalStore):
            require(objects.backend)
            _list_folder(objects, Path(str(objects.backend.prefix)), prefix, listing)
        else:
            _list_prefix(objects, prefix, listing)
    return listing


def _list_folder(objects: ObjectStore, root: Path, prefix: str, listing: Listing) -> None:
    for path, size in _files(os.fsencode(root / prefix)):
        name = os.path.relpath(path, os.fsencode(root))
        key = os.fsdecode(name)
        # What is written plainly is a key; of anything else the library says whether it can be reached.
        if _PLAIN.fullmatch(key) or _is_reached(objects, key, size):
            listing.sizes[key] = size
        else:
            listing.odd[_printable(name)] = "no key of an object; rename or remove the file"


def _files(folder: bytes) -> Iterator[tuple[bytes, int]]:
    """Files below a folder, by bytes, since a name need not be text; one that goes meanwhile is not there.

    Nor is one whose link leads nowhere.
    """
    for parent, _, names in os.walk(folder, onerror=_raise_unless_gone):
        for name in names:
            path = os.path.join(parent, name)  # noqa: PTH118 - a path of bytes
            try:
                yield path, os.stat(path).st_size  # noqa: PTH116 - a path of bytes
            except OSError as error:
                _raise_unless_gone(error)


def _raise_unless_gone(error: OSError) -> None:
    if error.errno not in {errno.ENOENT, errno.ELOOP}:
        raise error


def _is_reached(objects: ObjectStore, key: str, size: int) -> bool:
    try:
        key.encode()
        return objects.size(key) == size
    except (UnicodeEncodeError, TransientError):
        return False


def _list_prefix(objects: ObjectStore, prefix: str, listing: Listing) -> None:
    import obstore
    from obstore.exceptions import BaseError

    try:
        listing.sizes.update({one["path"]: one["size"] for page in _list(objects, prefix) for one in page})
    except (BaseError, ValueError) as error:
        if not _is_about_a_name(error):
            raise
        try:
            inside = obstore.list_with_delimiter(objects.backend, prefix)
        except (BaseError, ValueError) as its_own:
            listing.odd[_printable(prefix.encode())] = cause(its_own)
            return
        listing.sizes.update({one["path"]: one["size"] for one in inside["objects"]})
        for folder in inside["common_prefixes"]:
            _list_prefix(objects, folder, listing)


def _list(objects: ObjectStore, prefix: str) -> Iterator[Sequence[Any]]:
    import obstore

    yield from obstore.list(objects.backend, prefix or None)


def _is_about_a_name(error: Exception) -> bool:
    """Whether the library complains of a path, and not of the store."""
    return any(
        word in str(error).lower() for word in ("path segment", "invalid path", "illegal character", "non-unicode")
    )


def _printable(name: bytes) -> str:
    return name.decode(errors="backslashreplace").translate(_VISIBLE)
