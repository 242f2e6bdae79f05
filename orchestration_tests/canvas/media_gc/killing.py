"""A collection in a process of its own that is killed at a chosen step.

The process and the steps. Keep out: expectations.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
from typing import TYPE_CHECKING, Any

from orchestration.canvas.media_gc import store as media_store
from orchestration.canvas.media_gc.collector import MediaGarbageCollector
from orchestration.services import Services
from orchestration.settings import Settings
from orchestration.storage.objects import ObjectStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["orchestration_tests.canvas.media_gc.killing", "alembic.command", "obstore.store"])

# The step, and whether death comes before or after it; of deletions of objects it is the second.
POINTS = [
    f"{moment} {step}"
    for step in ("repair", "mark", "watch", "claim", "delete", "settle")
    for moment in ("before", "after")
]


def collect_and_die(values: dict[str, Any], now: datetime, point: str) -> None:
    """Collect, until death comes; what the process does."""
    moment, step = point.split()
    owner: Any = ObjectStore if step == "delete" else media_store.MediaStore
    setattr(owner, step, _fatal(getattr(owner, step), moment, 2 if step == "delete" else 1))
    services = Services(Settings(**values))
    MediaGarbageCollector(services, clock=lambda: now).collect()


def _fatal(work: Callable[..., Any], moment: str, fatal: int) -> Callable[..., Any]:
    numbers = itertools.count(1)

    def dying(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - whatever the step takes and gives
        is_fatal = next(numbers) == fatal  # each call's own, also of several at once
        if is_fatal and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = work(*arguments, **options)
        if is_fatal and moment == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return dying


def collect_until_killed(settings: Settings, now: datetime, point: str) -> int | None:
    """Run a collection that dies at `point`; the process's exit code."""
    process = _processes.Process(target=collect_and_die, args=(settings.model_dump(), now, point))
    process.start()
    process.join(60)
    return process.exitcode
