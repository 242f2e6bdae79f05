"""The processes of a soak: drains of every queue, and a scheduler that runs what is scheduled.

What they do. Keep out: starting and killing them (`soak`), and the load (`load`).
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import threading
from contextlib import contextmanager
from multiprocessing import connection
from typing import TYPE_CHECKING, Any, NamedTuple

import dagster as dg

from orchestration.assembly import build_definitions
from orchestration.catalogue.drains import import_families, make_renditions, mirror_images
from orchestration.domains import Domains
from orchestration.errors import TransientError
from orchestration.gallery.drains import drain_mirror
from orchestration.gallery.images.drains import make_renditions as make_gallery_renditions
from orchestration.mockups.drains import render_mockups
from orchestration.notifications.delivery import deliver
from orchestration.observability.logs import configure_logging
from orchestration.previews.drains import render_previews
from orchestration.prints.drains import render_prints
from orchestration.runtime.shutdown import GracefulShutdown
from orchestration.services import Services
from orchestration.settings import Settings
from orchestration.work_queue.options import DrainOptions
from orchestration_tests.chaos.faults import Kill, StoreTrouble, install
from orchestration_tests.chaos.lives import run_job
from orchestration_tests.conftest import dagster_storage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

# A drain that stays idle for this long ends, and is begun again.
IDLE_SECONDS = 3_300.0
PAUSE_SECONDS = 1.0
PAUSE_BETWEEN_ROUNDS = 15.0
SCHEDULED = ("catalogue_sync", "canvas_snapshot", "canvas_collect", "gallery_signup")
CHECKS = (
    "catalogue_check", "prints_check", "mockups_check", "gallery_check", "canvas_check", "canvas_media_check",
    "previews_check",
)  # fmt: skip


class Task(NamedTuple):
    """What a process of the soak is given."""

    settings: dict[str, Any]
    kill: Kill | None = None
    trouble: StoreTrouble | None = None


def drain_everything(task: Task) -> None:
    """Drain every queue until a signal asks for the end, or death comes."""
    _end_with_parent()
    install(task.kill, task.trouble)
    services = Services(Settings(**task.settings))
    configure_logging(services.settings.log_level)
    with GracefulShutdown() as stop:
        asyncio.run(_drain(Domains(services), stop))
    services.close()


def _end_with_parent() -> None:
    """Die with the process that would have ended this one."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


async def _drain(domains: Domains, stop: GracefulShutdown) -> None:
    options = DrainOptions(IDLE_SECONDS, stop=stop)
    catalogue, gallery, prints = domains.catalogue, domains.gallery, domains.prints
    drains: list[Callable[[], Awaitable[object]]] = [
        lambda: import_families(catalogue, _ignore, options),
        lambda: mirror_images(catalogue, _ignore, _ignore, options),
        lambda: make_renditions(catalogue, _ignore, options),
        lambda: drain_mirror(gallery, _ignore, options),
        lambda: make_gallery_renditions(gallery, _ignore, _ignore, options),
        lambda: render_prints(prints, _ignore, options),
        lambda: deliver(prints.database, prints.outbox, _ignore, options),
        lambda: render_mockups(domains.mockups, _ignore, options),
        lambda: render_previews(domains.previews, _ignore, options),
    ]
    await asyncio.gather(*(_keep_up(drain, stop) for drain in drains))


async def _keep_up(drain: Callable[[], Awaitable[object]], stop: GracefulShutdown) -> None:
    """As the sensors do: begin a drain again that has ended."""
    while not stop.is_requested:
        try:
            await drain()
        except TransientError:
            await asyncio.sleep(PAUSE_SECONDS)


def _ignore(_batch: object) -> None:
    pass


def run_schedules(task: Task, home: Path) -> None:
    """Run everything that is scheduled, again and again, as Dagster's runs in this process."""
    _end_with_parent()
    install(None, task.trouble)
    services = Services(Settings(**task.settings))
    definitions = build_definitions(services.settings, Domains(services))
    with GracefulShutdown() as stop, instance_of(task.settings, home) as instance:
        stopped = threading.Event()
        stop.call(stopped.set)
        while not stopped.wait(PAUSE_BETWEEN_ROUNDS):
            run_once(definitions, instance, SCHEDULED)
    services.close()


@contextmanager
def instance_of(settings: dict[str, Any], home: Path) -> Iterator[dg.DagsterInstance]:
    """A Dagster instance with the database of these settings; one a process, since SQLAlchemy keeps part of each."""
    home.mkdir(exist_ok=True)
    with dg.instance_for_test(dagster_storage(settings["dagster_database_url"]), temp_dir=str(home)) as instance:
        yield instance


def run_once(definitions: dg.Definitions, instance: dg.DagsterInstance, jobs: tuple[str, ...]) -> list[str]:
    """Run each of these jobs; the checks that found something. A database that is away ends the round."""
    failed: list[str] = []
    try:
        for name in jobs:
            result = run_job(definitions, instance, name, {})
            failed += [one.check_name for one in result.get_asset_check_evaluations() if not one.passed]
    except Exception as error:  # noqa: BLE001 - in the soak the database is taken away, in the midst of anything
        failed.append(f"{type(error).__name__}: {str(error).splitlines()[0]}")
    return failed


def run_checks(settings: dict[str, Any], home: Path, *, jobs: tuple[str, ...] = (*SCHEDULED, *CHECKS)) -> list[str]:
    """Run what is scheduled once more, and every domain's checks; what they found."""
    services = Services(Settings(**settings))
    with instance_of(settings, home) as instance:
        found = run_once(build_definitions(services.settings, Domains(services)), instance, jobs)
    services.close()
    return found
