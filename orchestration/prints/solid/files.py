"""Writing a product's files to a folder: by content first, then under the name that people look for.

The content's own path is `content/<first two digits>/<SHA-256>.<kind>`. The pretty path of the original, such as
`dual-colours/A/Anna.stl`, is a second name of the same file. Other content never takes it over: it gets a neighbouring
name, so no two orders overwrite each other. Keep out: the object store, and how names are made (`naming`).
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from orchestration.prints.solid.naming import free_path, pretty_path

if TYPE_CHECKING:
    from orchestration.prints.solid.renderer import Output, PrintProduct


_MODE: Final = 0o644


class WrittenFile(NamedTuple):
    """A file on disk: the path by its content and the pretty path, both relative to the folder."""

    output: Output
    content_path: str
    pretty_path: str


def write_product(product: PrintProduct, root: Path) -> list[WrittenFile]:
    """Write the files of a product below `root`; a file that is there already is left alone."""
    written: list[WrittenFile] = []
    for output in product.outputs:
        content = f"content/{output.sha256[:2]}/{output.sha256}.{output.kind}"
        _write_once(root / content, output.content)
        wanted = pretty_path(product.folder, product.base, output.suffix)
        written.append(WrittenFile(output, content, _second_name(root, wanted, output.sha256, root / content)))
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
        Path(temporary).chmod(_MODE)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _second_name(root: Path, wanted: str, sha256: str, content: Path) -> str:
    """Give the content its pretty name, or a neighbouring one, and return it."""
    while True:
        pretty = free_path(wanted, sha256, lambda path: _holder(root / path, sha256, content))
        try:
            _link(content, root / pretty)
        except FileExistsError:
            # Another process was faster. If it has put the same content there, the name is right.
            if _holder(root / pretty, sha256, content) != sha256:
                continue
        return pretty


def _link(content: Path, pretty: Path) -> None:
    pretty.parent.mkdir(parents=True, exist_ok=True)
    try:
        pretty.hardlink_to(content)
    except FileExistsError:
        raise
    except OSError:
        # Some file systems have no hard links; a copy serves as well.
        with pretty.open("xb") as file:
            file.write(content.read_bytes())


def _holder(path: Path, sha256: str, content: Path) -> str | None:
    """Return the SHA-256 of what a path holds, however its letters are cased, or None."""
    try:
        if path.samefile(content):
            return sha256
    except FileNotFoundError:
        if not path.parent.is_dir():
            return None
    wanted = path.name.casefold()
    for neighbour in path.parent.iterdir():
        if neighbour.name.casefold() == wanted:
            return hashlib.sha256(neighbour.read_bytes()).hexdigest()
    return None
