"""Writing a product's files to a folder: by content first, then under the name that people look for.

Belongs here: paths, atomic writes and second names. Does not: the object store, or the names themselves (`naming`).

The content's own path is `content/<first two digits>/<SHA-256>.<kind>`. The pretty path of the original, such as
`dual-colours/A/Anna.stl`, is a second name of the same file. Other content never takes it over: it gets a neighbouring
name, so no two orders overwrite each other.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from orchestration.prints.naming import free_path, pretty_path

if TYPE_CHECKING:
    from orchestration.prints.product import Output, PrintProduct


class WrittenFile(NamedTuple):
    """A file on disk: the path by its content, the pretty path, both relative to the folder, and its SHA-256."""

    output: Output
    content_path: str
    pretty_path: str
    sha256: str


def write_product(product: PrintProduct, root: Path) -> list[WrittenFile]:
    """Write the files of a product below `root`; a file that is there already is left alone."""
    written: list[WrittenFile] = []
    for output in product.outputs:
        digest = hashlib.sha256(output.content).hexdigest()
        content = f"content/{digest[:2]}/{digest}.{output.kind}"
        _write_once(root / content, output.content)
        pretty = free_path(
            pretty_path(product.folder, product.base, output.suffix), digest, lambda path: _holder(root / path)
        )
        _link_once(root / content, root / pretty)
        written.append(WrittenFile(output, content, pretty, digest))
    return written


def _write_once(path: Path, content: bytes) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written beside its place and renamed: a reader never sees half a file, and a crash leaves none.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _link_once(content: Path, pretty: Path) -> None:
    if pretty.exists():
        return
    pretty.parent.mkdir(parents=True, exist_ok=True)
    try:
        pretty.hardlink_to(content)
    except FileExistsError:
        return
    except OSError:
        # Some file systems have no hard links; a copy serves as well.
        _write_once(pretty, content.read_bytes())


def _holder(path: Path) -> str | None:
    """Return the SHA-256 of what a path holds, however its letters are cased, or None."""
    if not path.parent.is_dir():
        return None
    wanted = path.name.casefold()
    for neighbour in path.parent.iterdir():
        if neighbour.name.casefold() == wanted:
            return hashlib.sha256(neighbour.read_bytes()).hexdigest()
    return None
