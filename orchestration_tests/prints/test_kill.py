"""Drains that are killed, again and again, while others go on: each task is done once in effect."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from orchestration.prints.health import missing_outputs
from orchestration.prints.shop import PrintShop
from orchestration.services import Services
from orchestration_tests.prints.printing import SKUS, drain, order, rows, start_drain, take_in
from orchestration_tests.prints.sketching import sketch_slowly

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from orchestration.settings import Settings
    from orchestration.storage.database import Database

DRAINS, TASKS, KILLS = 2, 300, 2


def completed(database: Database) -> int:
    """How many tasks have their files."""
    [found] = rows(database, "SELECT count(*) AS n FROM print_task WHERE stl_render_state = 'completed'")
    return int(found["n"])


def drain_with_kills(settings: Settings, database: Database, *, drains: int, tasks: int, kills: int) -> None:
    """Have so many drains work the queue off; one after the other is killed as the work goes on, and replaced."""
    running: list[BaseProcess] = [start_drain(settings, sketch_slowly) for _ in range(drains)]
    for number in range(kills):
        _wait_for(database, tasks * (number + 1) // (kills + 2))
        running[0].kill()
        running[0].join()
        running = [*running[1:], start_drain(settings, sketch_slowly)]
    for process in running:
        process.join()


def _wait_for(database: Database, count: int) -> None:
    deadline = time.monotonic() + 120
    while completed(database) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def assert_done_once(shop: PrintShop, tasks: int) -> None:
    """Every task is completed, every file in place, and each notice announced once."""
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


def test_of_tasks_whose_drains_are_killed_each_is_done_once_and_told_once(
    settings: Settings, database: Database
) -> None:
    settings = settings.model_copy(update={"mail_to": ("shop@example.org",), "print_retry_seconds": 0.0})
    services = Services(settings)
    shop = PrintShop(services, sketch_slowly)
    take_in(shop, *(order(n, f"Name {n % 200}", SKUS[n % 4]) for n in range(TASKS)))

    drain_with_kills(settings, database, drains=DRAINS, tasks=TASKS, kills=KILLS)
    drain(shop)

    assert_done_once(shop, TASKS)
    services.close()
