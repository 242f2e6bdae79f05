"""Jobs, drains and what they leave behind, without Dagster.

It drives the previews and reads their tables. Keep out: expectations.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from typing import TYPE_CHECKING, Any

import psutil  # type: ignore[import-untyped]  # it brings no types

from orchestration.previews.drains import render_previews
from orchestration.previews.jobs import rows
from orchestration.previews.previews import Previews
from orchestration.services import Services
from orchestration.settings import Settings
from orchestration.work_queue.options import DrainOptions
from orchestration_tests.previews.making import MARK

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.process import BaseProcess

    from orchestration.previews.film.order import FilmOrder, FilmReport
    from orchestration.previews.jobs.handler import RenderedPreview
    from orchestration.previews.jobs.rows import JobRow

    Make = Callable[[FilmOrder], FilmReport]


def drain(previews: Previews) -> list[RenderedPreview]:
    """Render what is due until nothing is left."""
    reported: list[RenderedPreview] = []
    asyncio.run(render_previews(previews, reported.extend, DrainOptions(idle_seconds=None)))
    return reported


def found(previews: Previews, job_id: str) -> JobRow:
    """A job that is there."""
    row = previews.find(job_id)
    assert row is not None
    return row


def counts(previews: Previews) -> dict[str, int]:
    """What was counted, without zeros."""
    with previews.database.connect() as connection:
        return {outcome: total for outcome, total in rows.counts(connection).items() if total}


def wait_until(condition: Callable[[], Any], seconds: float = 60.0) -> None:
    """Wait for a condition, and fail when it does not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


def sleepers() -> list[int]:
    """The children that `make_for_ever` has started, as far as they live."""
    return [
        process.pid
        for process in psutil.process_iter(["cmdline", "status"])
        if MARK in (process.info["cmdline"] or ()) and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["orchestration_tests.previews.draining", "alembic.command", "obstore.store"])


def start_drain(settings: Settings, make: Make) -> BaseProcess:
    """A drain in a process of its own, which ends when nothing is left."""
    process = _processes.Process(target=_drain_alone, args=(settings.model_dump(), make))
    process.start()
    return process


def _drain_alone(values: dict[str, Any], make: Make) -> None:
    services = Services(Settings(**values))
    drain(Previews(services, make))
    services.close()
