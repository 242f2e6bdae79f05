"""The raster's compiled loops: kept for later processes, which then need no numba, and compiled again if damaged."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import cache_from_source
from pathlib import Path

import numpy as np
import pytest

from orchestration.mockups.views import machine_code as kept
from orchestration.mockups.views.machine_code import machine_code

# A triangle over the lower left half of 8 x 8 samples, before one that covers them all.
POINTS = np.array([[0, 0, 1], [0, 8, 1], [8, 8, 1], [-9, -9, 0.5], [-9, 40, 0.5], [40, -9, 0.5]], np.float32)
TRIANGLES = np.array([[3, 4, 5], [0, 1, 2]], np.int32)
_LATER_PROCESS = """
import sys
from pathlib import Path
from orchestration.mockups.views.machine_code import machine_code
machine_code(Path(sys.argv[1]))
print("numba" in sys.modules, "scipy" in sys.modules)
"""


def test_of_two_triangles_the_nearer_one_is_seen(tmp_path: Path) -> None:
    depth, nearest = np.zeros((8, 8), np.float32), np.full((8, 8), -1, np.int32)
    machine_code(tmp_path).call("find_nearest", POINTS, TRIANGLES, depth, nearest)
    assert nearest[7, 0] == 1
    assert nearest[0, 7] == 0
    assert (depth == np.where(nearest == 1, 1, 0.5)).all()


def test_an_array_in_pieces_is_refused(tmp_path: Path) -> None:
    depth, nearest = np.zeros((8, 8), np.float32), np.full((8, 8), -1, np.int32)
    with pytest.raises(ValueError, match=r"\(6, 3\) that lies in pieces"):
        machine_code(tmp_path).call("find_nearest", np.asfortranarray(POINTS), TRIANGLES, depth, nearest)


def test_a_later_process_loads_no_compiler(tmp_path: Path) -> None:
    machine_code(tmp_path)
    command = [sys.executable, "-c", _LATER_PROCESS, str(tmp_path)]
    later = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  # this file's own code
    assert later.stdout.split() == ["False", "False"]


def test_half_an_object_file_is_compiled_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the compiler gives code that was kept before, since real compiling takes seconds."""
    machine_code(tmp_path)
    beside = Path(cache_from_source(kept.__file__)).parent
    whole = max(beside.glob("raster-*.o"), key=lambda path: path.stat().st_mtime).read_bytes()
    compiled = iter(range(9))

    def compile_again() -> bytes:
        next(compiled)
        return whole[32:]

    monkeypatch.setattr(kept, "_compiled", compile_again)
    # Nobody can write beside the source, since its folder is a file.
    (tmp_path / "bytecode").write_text("")
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "bytecode"))
    machine_code.__wrapped__(tmp_path)
    (file,) = tmp_path.glob("raster-*.o")
    file.write_bytes(whole[: len(whole) // 2])
    machine_code.__wrapped__(tmp_path)
    assert file.read_bytes() == whole
    machine_code.__wrapped__(tmp_path)
    assert next(compiled) == 2
