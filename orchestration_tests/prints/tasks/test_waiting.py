"""What one task waits for holds up no other: a stranger's lock on its row, a rendering that hangs."""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.prints.prints import Prints
from orchestration.services import Services
from orchestration_tests.prints.printing import drain, order, start_drain, take_in, tasks
from orchestration_tests.prints.solid.sketching import hang_at_hang, sketch_slowly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestration.prints.tasks.outcomes import PrintedTask
    from orchestration.settings import Settings
    from orchestration.storage.database import Database


@contextmanager
def locked(database: Database, task_id: int) -> Iterator[None]:
    """A stranger's transaction that has locked a print task, and stays open."""
    with database.begin() as connection:
        connection.execute(sa.text("SELECT FROM print_task WHERE id = :id FOR UPDATE"), {"id": task_id})
        yield


@contextmanager
def draining(prints: Prints) -> Iterator[list[PrintedTask]]:
    """A drain in a thread; what it reported, once the block has ended."""
    reported: list[PrintedTask] = []
    thread = threading.Thread(target=lambda: reported.extend(drain(prints)))
    thread.start()
    yield reported
    thread.join()


def until(condition: Callable[[], bool]) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def states(database: Database) -> list[str]:
    """The states of all tasks, in their order."""
    return [task["stl_render_state"] for task in tasks(database)]


def test_a_row_that_is_locked_before_its_task_begins_is_done_later_and_the_others_now(
    shop: Prints, database: Database
) -> None:
    take_in(shop, *(order(number, f"Name {number}") for number in range(12)))
    with draining(shop) as reported, locked(database, 4):
        until(lambda: states(database) == ["completed"] * 3 + ["pending"] + ["completed"] * 8)

    assert states(database) == ["completed"] * 12
    assert len(reported) == 12


def test_a_row_that_is_locked_while_its_task_is_rendered_is_done_later_and_the_others_now(
    print_services: Services, database: Database
) -> None:
    shop = Prints(print_services, sketch_slowly)
    take_in(shop, *(order(number, f"Name {number}") for number in range(40)))
    with draining(shop) as reported:
        until(lambda: states(database)[39] == "running")
        with locked(database, 40):
            until(lambda: states(database) == ["completed"] * 39 + ["running"])

    assert states(database) == ["completed"] * 40
    assert [(task.outcome, task.is_final) for task in reported] == [("rendered", True)] * 40


def test_a_rendering_that_hangs_leaves_its_batch_recorded_and_the_queue_going_on(
    settings: Settings, database: Database
) -> None:
    services = Services(settings)
    shop = Prints(services, hang_at_hang)
    take_in(shop, *(order(number, "Hang" if number == 3 else f"Name {number}") for number in range(12)))
    process = start_drain(settings.model_copy(update={"print_concurrency": 2}), hang_at_hang)
    try:
        until(lambda: states(database) == ["completed"] * 3 + ["running"] + ["completed"] * 8)
        take_in(shop, *(order(f"later {number}", f"Later {number}") for number in range(12)))
        until(lambda: states(database)[12:] == ["completed"] * 12)
        until(lambda: tasks(database)[3]["render_pid"] != process.pid)
        assert os.getsid(tasks(database)[3]["render_pid"]) == tasks(database)[3]["render_pid"], "the one that hangs"
    finally:
        process.kill()
        process.join()
        services.close()
