"""Make the meshes of garments again: `python -m orchestration.mockups.garments.draping [TEMPLATE ...]`.

Keep out: how (`make`).
"""

from __future__ import annotations

import sys

from orchestration.mockups.garments.draping.make import make_mesh
from orchestration.mockups.garments.library import DATA, garments
from orchestration.mockups.garments.mesh import save_mesh


def main(wanted: list[str]) -> None:
    """Drape the garments of these ids, or all."""
    for garment in garments():
        if not wanted or garment.template_id in wanted:
            path = DATA / f"{garment.template_id}.npz"
            save_mesh(make_mesh(garment), path)
            sys.stdout.write(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB\n")


if __name__ == "__main__":
    main(sys.argv[1:])
