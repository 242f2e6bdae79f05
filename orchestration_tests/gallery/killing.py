"""Mirror drains in processes of their own, which can be killed.

The processes. Keep out: expectations.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from orchestration.gallery.drains import drain_mirror
from orchestration.gallery.gallery import Gallery
from orchestration.observability.logs import configure_logging
from orchestration.runtime.shutdown import GracefulShutdown
from orchestration.services import Services
from orchestration.settings import Settings
from orchestration.work_queue.options import DrainOptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import ForkServerProcess
    from multiprocessing.synchronize import Barrier

# Processes are forked off a small server that has imported this module, which takes milliseconds instead of seconds.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["orchestration_tests.gallery.killing", "alembic.command", "psycopg"])


def drain_in_process(values: dict[str, Any], idle_seconds: float | None, barrier: Barrier) -> None:
    """Drain with these settings, once all the others are there too; what the process does."""
    gc.freeze()  # as whoever loads the definitions does
    gallery = Gallery(Services(Settings(**values)))
    configure_logging(gallery.settings.log_level)
    with gallery.database.connect(), GracefulShutdown() as stop:
        barrier.wait()
        asyncio.run(drain_mirror(gallery, lambda _: None, DrainOptions(idle_seconds, stop=stop)))
    gallery.services.close()


@contextmanager
def draining(settings: Settings, count: int, idle_seconds: float | None = None) -> Iterator[list[ForkServerProcess]]:
    """That many drains, all of which have begun; without `idle_seconds` each ends when the queue is empty.

    Afterwards they are waited for, or killed if something went wrong.
    """
    barrier = _processes.Barrier(count + 1)
    arguments = (settings.model_dump(), idle_seconds, barrier)
    processes = [_processes.Process(target=drain_in_process, args=arguments) for _ in range(count)]
    try:
        for process in processes:
            process.start()
        barrier.wait(60)
        yield processes
        for process in processes:
            process.join(120)
    finally:
        for process in processes:
            process.kill()
            process.join()
