"""Folders for renderings, which leave nothing behind, not even when their process is killed.

Making and clearing them. Keep out: what is put there.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]  # it brings no types

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX = "orchestration-preview-"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder that is removed in the end; its name says which process has it."""
    with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def clear_leftovers() -> int:
    """Remove the folders of processes that are gone; how many."""
    left = [path for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*") if not _has_owner(path)]
    for path in left:
        shutil.rmtree(path, ignore_errors=True)
    return len(left)


def _has_owner(path: Path) -> bool:
    pid = path.name.removeprefix(_PREFIX).partition("-")[0]
    return pid.isdigit() and psutil.pid_exists(int(pid))
