"""The high-quality engine: Blender's path tracer Cycles, run as a program of its own.

It hands over the garment's mesh, the printed cloth as a texture and the studio's light as a picture, and develops the
light that comes back as the software renderer does. Keep out: the scene, which `blender_scene.py` builds in Blender.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections import deque
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Final

import numpy as np

from orchestration.errors import ConfigurationError, PermanentError, TransientError
from orchestration.mockups.garments.mesh import Material, load_mesh
from orchestration.mockups.pixels import png
from orchestration.mockups.views.angles import azimuth_of
from orchestration.mockups.views.camera import camera_at
from orchestration.mockups.views.compose import Cutout, develop, place_on, reflectance
from orchestration.mockups.views.engine import check_picture
from orchestration.mockups.views.passes import BYTE_STEPS, floor_shadow
from orchestration.mockups.views.printed_cloth import printed_cloth
from orchestration.mockups.views.studio import radiance, studio_light
from orchestration.rendering.confined import Limits, confined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from orchestration.mockups.artwork import Artwork
    from orchestration.mockups.garments.mesh import GarmentMesh
    from orchestration.mockups.views.compose import Background, Picture

BLENDER_ENGINE_VERSION: Final = "blender-1"
# Fewer samples than this leave the denoiser nothing to go by.
_FEWEST_SAMPLES: Final = 8
_THREADS: Final = 2
_MEMORY_BYTES: Final = 6 * 2**30
_SECONDS: Final = 900.0
_VERSION_SECONDS: Final = 60.0
_LIGHT_ROWS: Final = 128
_SCENE: Final = Path(__file__).with_name("blender_scene.py")
_REMEDY: Final = "`make blender` installs it; set ORCHESTRATION_MOCKUP_BLENDER to it, or use the software engine"


class BlenderEngine:
    """Renders with Blender, or with a Python that has the module `bpy`, in a process of its own for each call.

    It gets `threads`, a limit of memory and of `seconds`, an empty home, no network, and none of this process's
    environment.
    """

    version: Final = BLENDER_ENGINE_VERSION

    def __init__(self, program: str, *, threads: int = _THREADS, seconds: float = _SECONDS) -> None:
        self._command = _command(program)
        self._threads = threads
        self._seconds = seconds

    def still(self, artwork: Artwork, angle: str, *, size: int, background: Background, samples: int) -> Picture:
        """The picture (size, size, 4) uint8, sRGB with straight alpha, from one of `ANGLES`; at least 8 samples.

        Raises:
            InvalidInputError: an unknown angle, or an impossible size.
            PermanentError: Blender failed; the message holds what it said last.
            TransientError: it was killed, at the time limit or because memory ran out.

        """
        [picture] = self._pictures(artwork, [azimuth_of(angle)], size, background, samples)
        return picture

    def frames(
        self, artwork: Artwork, count: int, *, size: int, background: Background, samples: int
    ) -> Iterator[Picture]:
        """`count` pictures around the garment, all by one process; raises as `still` does."""
        return self._pictures(artwork, [360 * number / count for number in range(count)], size, background, samples)

    def _pictures(
        self, artwork: Artwork, azimuths: Sequence[float], size: int, background: Background, samples: int
    ) -> Iterator[Picture]:
        check_picture(size, samples)
        mesh = load_mesh(artwork.garment.template_id)
        cameras = [camera_at(mesh, azimuth) for azimuth in azimuths]
        with tempfile.TemporaryDirectory(prefix="mockup-") as name:
            folder = Path(name)
            _write_scene(folder, artwork, mesh)
            document = {
                "size": size,
                "samples": max(samples, _FEWEST_SAMPLES),
                "threads": self._threads,
                "focal": cameras[0].focal,
                "views": [[camera.rotation.tolist(), camera.eye.tolist()] for camera in cameras],
            }
            (folder / "scene.json").write_text(json.dumps(document), encoding="ascii")
            for number in self._rendered(folder):
                light = np.load(folder / f"view-{number}.npy").astype(np.float32)
                (folder / f"view-{number}.npy").unlink()
                floor = floor_shadow(mesh, cameras[number], radiance(cameras[number]), size)
                yield place_on(background, _developed(light), floor, size)

    def _rendered(self, folder: Path) -> Iterator[int]:
        """Run the program, and give the number of each view once it is written."""
        last: deque[str] = deque(maxlen=12)
        limits = Limits(self._seconds * self._threads, _MEMORY_BYTES)
        with _started([*self._command, str(folder)], folder, self._seconds, limits) as process:
            assert process.stdout is not None  # noqa: S101 - it is piped
            for line in process.stdout:
                if line.startswith("rendered "):
                    yield int(line.split()[1])
                last.append(line)
        if process.returncode in {-signal.SIGKILL, -signal.SIGXCPU}:
            raise TransientError(f"Blender was killed: it took longer than {self._seconds:.0f} s, or memory ran out")
        if process.returncode:
            raise PermanentError(f"Blender failed: {' '.join(''.join(last).split())[-1000:]}")


def blender_version(program: str) -> str:
    """The version of Blender that a program is. Raises `ConfigurationError` if it is not there or does not run."""
    command = [*_command(program), "--version"]
    with tempfile.TemporaryDirectory(prefix="mockup-") as name:
        limits = Limits(_VERSION_SECONDS, _MEMORY_BYTES)
        with _started(command, Path(name), _VERSION_SECONDS, limits) as process:
            said = process.stdout.read() if process.stdout else ""
        found = [line.removeprefix("version ") for line in said.splitlines() if line.startswith("version ")]
    if process.returncode or not found:
        raise ConfigurationError(f"{program} does not run as Blender: {said.strip()[-200:]}; {_REMEDY}")
    return found[0]


def _command(program: str) -> list[str]:
    found = shutil.which(program)
    if found is None:
        raise ConfigurationError(f"Blender ({program}) is not installed; {_REMEDY}")
    if Path(found).name.startswith("python"):
        return [found, "-I", str(_SCENE)]
    return [found, "--background", "--factory-startup", "-noaudio", "--python-exit-code", "1", "--python",
            str(_SCENE), "--"]  # fmt: skip


@contextmanager
def _started(command: Sequence[str], home: Path, seconds: float, limits: Limits) -> Iterator[subprocess.Popen[str]]:
    """Run a command within limits and without network, in a group of its own.

    The group is killed after so many seconds, and when the block is left.
    """
    # It stays in the session of the render process, by which the pool finds it when that process is killed.
    process = subprocess.Popen(  # noqa: S603 - our own scene, no shell
        confined(command, limits), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", env={"PATH": os.defpath, "HOME": str(home), "TMPDIR": str(home)}, process_group=0,
    )  # fmt: skip
    timer = Timer(seconds, _kill, [process])
    timer.start()
    try:
        yield process
    finally:
        if process.stdout is not None and not process.stdout.closed:
            process.stdout.close()
        timer.cancel()
        _end(process)


def _kill(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


def _end(process: subprocess.Popen[str]) -> None:
    """Give a process that has closed its output a moment, and kill what is left."""
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        _kill(process)
        process.wait()


def _write_scene(folder: Path, artwork: Artwork, mesh: GarmentMesh) -> None:
    np.savez(
        folder / "mesh.npz",
        points=mesh.points,
        normals=mesh.normals,
        places=mesh.canvas / np.float32(artwork.garment.canvas_px),
        triangles=mesh.triangles,
        inside=(mesh.material == Material.INSIDE).astype(np.float32),
        label=(mesh.material == Material.LABEL).astype(np.float32),
        cloth=reflectance(artwork.fabric),
        light=_light_picture(),
    )
    (folder / "cloth.png").write_bytes(png(printed_cloth(artwork)))


def _light_picture() -> NDArray[np.float32]:
    """The studio's light around the camera, (rows, 2 * rows), as Blender looks it up for a direction (x, y, z).

    Its left edge is -x and its middle +x, counter-clockwise from above; its lowest row is -z.
    """
    turn = np.pi - (np.arange(2 * _LIGHT_ROWS) + 0.5) * np.pi / _LIGHT_ROWS
    lift = (np.arange(_LIGHT_ROWS) + 0.5) * np.pi / _LIGHT_ROWS - np.pi / 2
    turns, lifts = np.meshgrid(turn, lift)
    flat = np.cos(lifts)
    seen = np.stack([flat * np.cos(turns), flat * np.sin(turns), np.sin(lifts)], axis=-1).astype(np.float32)
    return studio_light(seen.reshape(-1, 3)).reshape(seen.shape[:2])


def _developed(light: NDArray[np.float32]) -> Cutout:
    """The garment of a picture (h, w, 4) of linear light with premultiplied alpha."""
    alpha = np.clip(light[..., 3], 0, 1)
    straight = np.maximum(light[..., :3], 0) / np.maximum(alpha, 1e-4)[..., None]
    covered = np.round(alpha * BYTE_STEPS).astype(np.uint8)
    return Cutout(develop(np.ascontiguousarray(straight, np.float32)), covered, (0, 0))
