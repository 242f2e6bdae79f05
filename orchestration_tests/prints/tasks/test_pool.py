"""Render processes: a program that hangs in one is killed with it, and its folder is removed."""

from __future__ import annotations

import json
import tempfile
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]  # it brings no types

from orchestration.prints.solid.engines.engine import EngineName
from orchestration.prints.solid.printer import Printer
from orchestration.prints.solid.request import OrderLine
from orchestration.prints.tasks.pool import RenderPool
from orchestration.prints.tasks.pool_process import EngineOptions, Failed
from orchestration_tests.prints.solid.sketching import run_the_openscad_of_the_fonts_folder

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

PLATE = "Y3D-REGKEY-STL1"


async def test_an_openscad_that_hangs_is_killed_with_its_children_and_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    program, note = tmp_path / "openscad", tmp_path / "note"
    program.write_text(f'#!/bin/sh\nsleep 3600 &\necho "[$$, $!]" > {note}\necho "$2" > {tmp_path}/model\nwait\n')
    program.chmod(0o755)

    options = EngineOptions(EngineName.OPENSCAD, (str(tmp_path),), Printer(), seconds=5.0)
    with RenderPool(options, 1, run_the_openscad_of_the_fonts_folder) as pool:
        results = await pool.make([OrderLine(PLATE, "AB12 CDE")])
        family = json.loads(note.read_text())
        left = list((tmp_path / "temporary").rglob("print-*"))

    assert results == [Failed("the rendering took longer than 5 s and was killed")]
    assert [pid for pid in family if _runs(pid)] == []
    assert (tmp_path / "model").read_text().startswith(str(tmp_path / "temporary"))
    assert left == []


def _runs(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
