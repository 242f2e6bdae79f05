"""Leaving the embedded server where nothing of it is there any more."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from orchestration.storage import embedded

if TYPE_CHECKING:
    from pathlib import Path


def test_nothing_is_held_any_more_when_the_home_was_removed_before(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    embedded._join(home / "postgres")
    held = embedded._held[os.getpid(), home / "postgres"]
    shutil.rmtree(home)
    embedded.stop_embedded_server(home / "postgres")
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(held)
