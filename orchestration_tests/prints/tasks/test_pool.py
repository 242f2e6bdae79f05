"""Render processes: a program that hangs in one is killed with it, and its folder is removed."""

from __future__ import annotations

import json
import tempfile
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]  # it brings no types
import pytest

from orchestration.prints.solid.engines.engine import EngineName
from orchestration.prints.solid.printer import Printer
from orchestration.prints.solid.request import OrderLine
from orchestration.prints.tasks.pool import RenderPool
from orchestration.prints.tasks.pool_process import EngineOptions, Failed
from orchestration_tests.prints.solid.sketching import run_the_openscad_of_the_fonts_folder

if TYPE_CHECKING:
    from pathlib import Path

PLATE = "Y3D-REGKEY-STL1"


@pytest.fixture
def temporary(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files; below `tmp_path` a socket of the process server would have too long a name."""
    folder = tmp_path_factory.mktemp("o")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def drawings(folder: Path) -> list[Path]:
    return list(folder.rglob("print-*"))


async def test_an_openscad_that_hangs_is_killed_with_its_children_and_its_folder(
    tmp_path: Path, temporary: Path
) -> None:
    program, note = tmp_path / "openscad", tmp_path / "note"
    program.write_text(f'#!/bin/sh\nsleep 3600 &\necho "[$$, $!]" > {note}\necho "$2" > {tmp_path}/model\nwait\n')
    program.chmod(0o755)

    options = EngineOptions(EngineName.OPENSCAD, (str(tmp_path),), Printer(), seconds=5.0)
    with RenderPool(options, 1, run_the_openscad_of_the_fonts_folder) as pool:
        result = await pool.make(OrderLine(PLATE, "AB12 CDE"), "plate")
        family = json.loads(note.read_text())
        left = drawings(temporary)

    assert result == Failed("the rendering took longer than 5 s and was killed")
    assert [pid for pid in family if _runs(pid)] == []
    assert (tmp_path / "model").read_text().startswith(str(temporary))
    assert left == []


def _runs(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
