"""Makes the dagster.yaml of Kubernetes and of ECS from the one of the checkout.

A variant is that file with the sections replaced that the file here names. Keep out: what the sections say.
Run by `make variants`; a test compares the results with what is committed.
"""

from __future__ import annotations

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
TARGETS = {
    "kubernetes": ROOT / "deploy/kubernetes/base/config/dagster.yaml",
    "ecs": ROOT / "deploy/ecs/dagster.yaml",
}


def variant(name: str) -> str:
    """The text of the variant's dagster.yaml."""
    sections = yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))
    sections |= yaml.safe_load((ROOT / "deploy/dagster" / f"{name}.yaml").read_text(encoding="utf-8"))
    header = f"# Made by `make variants` from dagster.yaml and deploy/dagster/{name}.yaml; edit those.\n"
    return header + yaml.safe_dump(sections, sort_keys=False, width=120)


if __name__ == "__main__":
    for name, target in TARGETS.items():
        target.write_text(variant(name), encoding="utf-8")
