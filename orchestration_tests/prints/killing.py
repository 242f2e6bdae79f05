"""Drains that are killed one after the other while others go on, and what has to hold afterwards.

It serves tests and benchmarks. Keep out: single tests.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]  # it brings no types

from orchestration.prints.health import missing_outputs
from orchestration_tests.prints.printing import rows, start_drain
from orchestration_tests.prints.solid.sketching import sketch_slowly

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from orchestration.prints.prints import Prints
    from orchestration.settings import Settings
    from orchestration.storage.database import Database


def completed(database: Database) -> int:
    """How many tasks have their files."""
    [found] = rows(database, "SELECT count(*) AS n FROM print_task WHERE stl_render_state = 'completed'")
    return int(found["n"])


def drain_with_kills(settings: Settings, database: Database, *, drains: int, tasks: int, kills: int) -> None:
    """Have so many drains empty the queue; one after the other is killed as the work goes on, and replaced."""
    running: list[BaseProcess] = [start_drain(settings, sketch_slowly) for _ in range(drains)]
    for number in range(kills):
        wait_for(database, tasks * (number + 1) // (kills + 2))
        running[0].kill()
        running[0].join()
        running = [*running[1:], start_drain(settings, sketch_slowly)]
    for process in running:
        process.join()


def wait_for(database: Database, count: int) -> None:
    """Wait until so many tasks have their files."""
    deadline = time.monotonic() + 120
    while completed(database) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def assert_done_once(shop: Prints, tasks: int) -> None:
    """Every task is completed, every file in place, and each notice queued once."""
    database = shop.database
    assert completed(database) == tasks
    assert rows(database, "SELECT state, count(*) AS n FROM task WHERE queue = 'print' GROUP BY state") == [
        {"state": "completed", "n": tasks}
    ]
    with database.connect() as connection:
        assert missing_outputs(connection, shop.services.objects).total == 0
    [outputs] = rows(database, "SELECT count(*) AS n, count(DISTINCT task_id) AS tasks FROM print_output")
    assert (outputs["n"], outputs["tasks"]) == (3 * tasks, tasks)
    [told] = rows(database, "SELECT count(*) AS n, count(DISTINCT key) AS keys FROM notification")
    assert (told["n"], told["keys"]) == (tasks, tasks)


def render_processes(pid: int | None) -> list[psutil.Process]:
    """The render processes of a drain, once it has any: the children of its forkserver."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        children = [
            child
            for child in psutil.Process(pid).children(recursive=True)
            if (parent := child.parent()) is not None and parent.pid != pid
        ]
        if children:
            return children
        time.sleep(0.05)
    raise AssertionError("the drain started no render process")
