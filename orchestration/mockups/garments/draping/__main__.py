"""Make the meshes and thumbnails of garments again: `python -m orchestration.mockups.garments.draping [TEMPLATE ...]`.

Keep out: how (`make`).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from orchestration.mockups.artwork import Artwork
from orchestration.mockups.garments.draping.make import make_mesh
from orchestration.mockups.garments.library import DATA, garments
from orchestration.mockups.garments.mesh import save_mesh
from orchestration.mockups.views.renderer import Renderer

_THUMBNAIL_PX = 256


def main(wanted: list[str]) -> None:
    """Drape the garments of these ids, or all."""
    for garment in garments():
        if not wanted or garment.template_id in wanted:
            path = DATA / f"{garment.template_id}.npz"
            save_mesh(make_mesh(garment), path)
            _save_thumbnail(Artwork(garment, (255, 255, 255)))
            sys.stdout.write(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB\n")


def _save_thumbnail(artwork: Artwork) -> None:
    from PIL import Image

    with tempfile.TemporaryDirectory() as cache:
        picture = Renderer(Path(cache)).still(
            artwork, "front_0deg", size=_THUMBNAIL_PX, background=(255, 255, 255), samples=16
        )
    Image.fromarray(picture[..., :3]).save(DATA / artwork.garment.thumbnail, optimize=True)


if __name__ == "__main__":
    main(sys.argv[1:])
