"""Owner, kinds, pool, longest run and code version of every asset: one table, read by the definitions.

Belongs here: what holds for an asset whatever it does. Does not: what it does, which stands with its domain.

`code_version` is raised by hand when an asset's output would differ for the same input. A pool bounds how many steps
use a shared system at the same time; its limit is set when the system is started, see `apply_pool_limits`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import dagster as dg

MAX_RUNTIME_TAG = "dagster/max_runtime"


class AssetPolicy(NamedTuple):
    """What holds for one asset. `max_runtime` is in seconds, for a whole run of its job."""

    owner: str
    kinds: frozenset[str]
    pool: str
    max_runtime: int
    code_version: str = "1"

    @property
    def tags(self) -> dict[str, str]:
        """The tags of a run of this asset."""
        return {MAX_RUNTIME_TAG: str(self.max_runtime)}


_CATALOGUE = "team:catalogue"
_PRINTS = "team:prints"
_GALLERY = "team:gallery"
_CANVAS = "team:canvas"

POLICIES: dict[str, AssetPolicy] = {
    "catalogue/categories": AssetPolicy(_CATALOGUE, frozenset({"csv", "postgres"}), "catalogue_feed", 600),
    "catalogue/supplier_feed": AssetPolicy(_CATALOGUE, frozenset({"promidata", "postgres"}), "catalogue_feed", 1_800),
    "catalogue/product_families": AssetPolicy(_CATALOGUE, frozenset({"json", "postgres"}), "catalogue_import", 7_200),
    "catalogue/family_images": AssetPolicy(_CATALOGUE, frozenset({"image", "s3"}), "catalogue_mirror", 7_200),
    "catalogue/image_variants": AssetPolicy(_CATALOGUE, frozenset({"image", "s3"}), "catalogue_render", 7_200),
    "prints/stl": AssetPolicy(_PRINTS, frozenset({"stl", "postgres"}), "prints_render", 7_200),
    "prints/order_updates": AssetPolicy(_PRINTS, frozenset({"postgres"}), "prints_notify", 7_200),
    "gallery/public_generations": AssetPolicy(_GALLERY, frozenset({"postgres"}), "gallery_mirror", 7_200),
    "gallery/image_variants": AssetPolicy(_GALLERY, frozenset({"image", "s3"}), "gallery_render", 7_200),
    "gallery/signup_images": AssetPolicy(_GALLERY, frozenset({"postgres"}), "gallery_signup", 600),
    "canvas/snapshots": AssetPolicy(_CANVAS, frozenset({"postgres"}), "canvas_snapshot", 3_600),
    "canvas/media_gc": AssetPolicy(_CANVAS, frozenset({"s3", "postgres"}), "canvas_collect", 7_200),
}

POOL_LIMITS: dict[str, int] = {
    # Two plans of one supplier would only wait for each other in the database.
    "catalogue_feed": 1,
    "catalogue_import": 2,
    "catalogue_mirror": 2,
    # Encoding uses the cores by itself.
    "catalogue_render": 1,
    "prints_render": 4,
    # One sender keeps to the receivers' rate limits.
    "prints_notify": 1,
    "gallery_mirror": 8,
    "gallery_render": 1,
    "gallery_signup": 1,
    "canvas_snapshot": 1,
    # Two collections would count each other's deletions against their limits.
    "canvas_collect": 1,
}


def apply_pool_limits(instance: dg.DagsterInstance) -> None:
    """Set each pool's limit in the instance: on PostgreSQL, Dagster's default limit is not to be relied on."""
    for pool, limit in POOL_LIMITS.items():
        instance.event_log_storage.set_concurrency_slots(pool, limit)
