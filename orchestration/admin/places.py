"""Where a thing is shown: its page here, and its partition and runs in Dagster's UI.

From names to addresses. Keep out: what the pages show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from orchestration.admin.frame import address
from orchestration.admin.parts import code, text
from orchestration.runtime.partition_keys import encode_key

if TYPE_CHECKING:
    from orchestration.admin.parts import Cell
    from orchestration.domains import Domains
    from orchestration.settings import Settings
    from orchestration.work_queue.queue import TaskQueue

# What each queue works for: the first part of its items' addresses here, and the asset that it makes.
_PAGES: Final = {"product-family": "families", "print": "prints", "render-engine": "mockups", "mirror": "gallery"}
_ASSETS: Final = {
    "product-family": "catalogue/product_families",
    "image-upload": "catalogue/family_images",
    "image-variant": "catalogue/image_variants",
    "print": "prints/stl",
    "notification": "prints/order_updates",
    "render-engine": "mockups/composites",
    "mirror": "gallery/public_generations",
    "gallery-image": "gallery/image_variants",
    "gallery-variant": "gallery/image_variants",
}


def task_address(queue: str, key: str) -> str:
    """The page of a task."""
    return address("queues", queue, "task", key=key)


def task_links(domains: Domains, queue: TaskQueue, key: object) -> list[tuple[str, str]]:
    """The link to a task, as long as the queue keeps it."""
    with domains.services.database.connect() as connection:
        is_kept = queue.task(connection, str(key)) is not None
    return [("its task", task_address(queue.name, str(key)))] if is_kept else []


def item_address(domains: Domains, queue: str, key: str) -> str | None:
    """The page of what a task is about; None for what has no page."""
    if queue == domains.previews.preview_queue.name:
        return address("previews", key)
    if queue == "mirror" and key.startswith("creator:"):
        return None
    return address(_PAGES[queue], key) if queue in _PAGES else None


def run_address(settings: Settings, run_id: str) -> str:
    """A run in Dagster's UI."""
    return f"{settings.dagster_url.rstrip('/')}/runs/{quote(run_id, safe='')}"


def run_cell(settings: Settings, run_id: str | None) -> Cell:
    """A run in a table, by the beginning of its id; nothing where no run is known."""
    return code(run_id[:8], href=run_address(settings, run_id)) if run_id else text(None)


def partition_address(settings: Settings, asset: str, key: str) -> str:
    """A partition of an asset in Dagster's UI."""
    view = f"view=partitions&partition={quote(encode_key(key), safe='')}"
    return f"{settings.dagster_url.rstrip('/')}/assets/{asset}?{view}"


def asset_address(domains: Domains, queue: str) -> str:
    """The asset in Dagster's UI that a queue works for."""
    asset = _ASSETS.get(queue, "previews/artifacts" if queue == domains.previews.preview_queue.name else "")
    return f"{domains.services.settings.dagster_url.rstrip('/')}/assets/{asset}"
