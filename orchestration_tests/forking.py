"""What the processes that tests and the product's pools fork have imported.

multiprocessing keeps one server a Python process to fork from: it imports what was named last before the first process
is forked, and every other process imports what it needs by itself, which takes most of its time. Keep out: what the
processes do.
"""

from __future__ import annotations

from multiprocessing import forkserver
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# What the renderers import when they are asked, beside what the tests name.
OF_THE_POOLS = (
    "orchestration.media.picture_process", "orchestration.previews.maker", "orchestration.prints.tasks.pool_process",
    "av", "cv2", "numpy", "pyvips", "scipy.ndimage", "scipy.signal",
)  # fmt: skip


def keep_preloads(named: Iterable[str] = ()) -> None:
    """Have the server import everything that is named by anyone before it starts, and `named`."""
    replace = forkserver.set_forkserver_preload
    kept = dict.fromkeys(named)

    def extend(modules_names: list[str]) -> None:
        kept.update(dict.fromkeys(modules_names))
        replace(list(kept))

    forkserver.set_forkserver_preload = extend
