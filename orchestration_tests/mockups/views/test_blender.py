"""The engine that runs Blender: what it asks of its program, and, where that is installed, the same picture."""

from __future__ import annotations

import os
import shutil
import stat
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from orchestration.errors import ConfigurationError, PermanentError, TransientError
from orchestration.mockups.artwork import Artwork
from orchestration.mockups.garments.library import load_garment
from orchestration.mockups.mockup_request import EngineName
from orchestration.mockups.views.blender import BLENDER_ENGINE_VERSION, BlenderEngine, blender_version
from orchestration.mockups.views.engine import EngineOptions
from orchestration.mockups.views.engines import engine_named, engine_version
from orchestration.mockups.views.renderer import Renderer
from orchestration_tests.mockups.views.test_renderer import square

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = os.environ.get("ORCHESTRATION_MOCKUP_BLENDER", "blender")
WHITE = (255, 255, 255)


def program(tmp_path: Path, script: str) -> str:
    """A program that stands for Blender."""
    path = tmp_path / "blender"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def bag() -> Artwork:
    garment = load_garment("tote-bag")
    return Artwork(garment, (90, 120, 60), (square(garment, "front"),))


def test_a_program_that_is_not_there_is_refused_with_the_remedy(tmp_path: Path) -> None:
    options = EngineOptions(tmp_path, blender=str(tmp_path / "nowhere"))
    with pytest.raises(ConfigurationError, match=r"not installed; `make blender` installs it"):
        engine_named(EngineName.BLENDER, options)
    assert engine_version(EngineName.BLENDER) == BLENDER_ENGINE_VERSION
    assert engine_named(EngineName.SOFTWARE, options).version == engine_version(EngineName.SOFTWARE)


def test_a_program_that_is_no_blender_or_fails_is_named_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not run as Blender: no such shirt"):
        blender_version(program(tmp_path, "echo no such shirt"))
    with pytest.raises(PermanentError, match="Blender failed: out of cloth"):
        BlenderEngine(program(tmp_path, "echo out of cloth; exit 3")).still(
            bag(), "front_0deg", size=64, background=None, samples=1
        )


def test_a_rendering_that_takes_too_long_is_killed_with_what_it_has_started(tmp_path: Path) -> None:
    slow = program(tmp_path, f"echo $$ > {tmp_path}/pid; sleep 60 & wait")
    with pytest.raises(TransientError, match="killed: it took longer than 1 s"):
        BlenderEngine(slow, seconds=1).still(bag(), "front_0deg", size=64, background=None, samples=1)
    group = int((tmp_path / "pid").read_text())
    for _ in range(50):
        if not _lives(group):
            break
        time.sleep(0.1)
    assert not _lives(group)


def _lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_program_sees_nothing_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATION_SIGNING_KEY", "secret")
    with pytest.raises(PermanentError) as failed:
        BlenderEngine(program(tmp_path, "env; exit 1")).still(bag(), "front_0deg", size=64, background=None, samples=1)
    assert "secret" not in str(failed.value)


@pytest.mark.skipif(shutil.which(PROGRAM) is None, reason="Blender is not installed; `make blender` installs it")
def test_blender_shows_the_same_garment_from_the_same_place_in_nearly_the_same_light(tmp_path: Path) -> None:
    engines = BlenderEngine(PROGRAM), Renderer(tmp_path)
    traced, drawn = (
        engine.still(bag(), "front_45deg_left", size=192, background=WHITE, samples=8).astype(int) for engine in engines
    )
    assert traced.shape == drawn.shape
    assert np.abs(traced - drawn).mean() < 4
    red = [(picture[..., 0] - picture[..., 1]) > 80 for picture in (traced, drawn)]
    assert (red[0] & red[1]).sum() / (red[0] | red[1]).sum() > 0.95
