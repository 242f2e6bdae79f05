"""Drains that are killed, again and again, while others go on: each task is done once in effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]  # it brings no types

from orchestration.prints import drains
from orchestration.prints.prints import Prints
from orchestration.services import Services
from orchestration_tests.prints.killing import assert_done_once, completed, drain_with_kills, render_processes, wait_for
from orchestration_tests.prints.printing import SKUS, drain, order, rows, start_drain, take_in
from orchestration_tests.prints.solid.sketching import sketch_and_count, sketch_slowly

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from orchestration.settings import Settings
    from orchestration.storage.database import Database

DRAINS, TASKS, KILLS = 2, 300, 2


def test_of_tasks_whose_drains_are_killed_each_is_done_once_and_told_once(
    settings: Settings, database: Database
) -> None:
    settings = settings.model_copy(update={"mail_to": ("shop@example.org",), "print_retry_seconds": 0.0})
    services = Services(settings)
    shop = Prints(services, sketch_slowly)
    take_in(shop, *(order(n, f"Name {n % 200}", SKUS[n % 4]) for n in range(TASKS)))

    drain_with_kills(settings, database, drains=DRAINS, tasks=TASKS, kills=KILLS)
    drain(shop)

    assert_done_once(shop, TASKS)
    services.close()


def test_after_a_kill_only_the_round_that_was_not_written_is_rendered_again(
    settings: Settings, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings.model_copy(update={"print_fonts": (str(tmp_path),), "print_retry_seconds": 0.0})
    services = Services(settings)
    shop = Prints(services, sketch_and_count)
    take_in(shop, *(order(n, f"Name {n}") for n in range(TASKS)))

    process = start_drain(settings, sketch_and_count)
    try:
        wait_for(database, TASKS // 3)
        children = render_processes(process.pid)
    finally:
        process.kill()
        process.join()
    psutil.wait_procs(children, timeout=30)
    written, rendered = completed(database), (tmp_path / "renders").read_text().splitlines()
    monkeypatch.setattr(drains, "repair", lambda *_: None)
    drain(shop)

    assert TASKS // 3 <= written < TASKS
    assert len((tmp_path / "renders").read_text().splitlines()) == TASKS + len(rendered) - written
    assert rows(database, "SELECT stl_render_state, count(*) AS n FROM print_task GROUP BY 1") == [
        {"stl_render_state": "completed", "n": TASKS}
    ]
    services.close()
