"""Passes kept as files, one folder for a version of renderer and garment.

Each array is a plain `.npy` that is mapped, not read. Keep out: what they hold (`passes`).
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from orchestration.mockups.views.passes import Passes, build_passes

if TYPE_CHECKING:
    from orchestration.mockups.garments.model import Garment
    from orchestration.mockups.views.passes import ViewKey


class PassStore:
    """The passes of all views of one renderer version below a folder."""

    def __init__(self, folder: Path, version: str) -> None:
        self._folder = folder / version

    def get(self, garment: Garment, key: ViewKey) -> Passes:
        """The passes of a view; the first caller makes them. Safe between processes: a folder appears whole."""
        folder = self._folder / f"{garment.template_id}-{garment.version}" / _name(key)
        if not folder.exists():
            from orchestration.mockups.views.machine_code import machine_code

            self._keep(build_passes(garment, key, machine_code(self._folder)), folder)
        return Passes(*(np.load(folder / f"{name}.npy", mmap_mode="r") for name in Passes._fields))

    @staticmethod
    def _keep(passes: Passes, folder: Path) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        begun = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".begun-"))
        try:
            for name, values in passes._asdict().items():
                np.save(begun / f"{name}.npy", values)
            try:
                begun.rename(folder)
            except OSError:
                # Another process was faster with the same passes.
                if not folder.exists():
                    raise
        finally:
            shutil.rmtree(begun, ignore_errors=True)


def _name(key: ViewKey) -> str:
    return f"{key.azimuth:07.3f}-{key.size}-{key.grid}"
