"""The canvas: loading by snapshot against a full replay, appending in batches against one by one, saving projects.

What the domain's own code and its database cost. Keep out: runs of Dagster (`dagster_share`).
CPU is this process's; the server shares the machine.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from orchestration.canvas.canvas import Canvas
from orchestration.canvas.loading import load, replay_all
from orchestration.canvas.log import NewOperation, append
from orchestration.canvas.projects import NewProject, create_projects
from orchestration.canvas.saving import SaveOptions
from orchestration.canvas.snapshots import save
from orchestration.demo.projects import Board
from orchestration.services import Services
from orchestration.settings import Settings
from orchestration_tests.benchmarks.timing import Race, Timing, median, report, timed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from orchestration.canvas.model import Operation
    from orchestration.storage.database import Database
    from orchestration_tests.benchmarks.options import Options

ROUNDS = 5
LONG, AFTER = 10_000, 50
SINGLES = 500
LOADS = 100
PROJECTS, OPERATIONS = 500, 100


def races(_options: Options) -> Iterator[Race]:
    """All figures."""
    with tempfile.TemporaryDirectory(prefix="orchestration-bench-", ignore_cleanup_errors=True) as folder:
        services = Services(Settings(home=Path(folder), database_url=None, dagster_database_url=None))
        history = Board(Random(1), ["m-1-0", "m-1-1"]).operations(LONG)
        yield append_operations(services.database, history)
        yield load_project(services.database, history)
        save_projects(services, history)
        services.close()


def append_operations(database: Database, history: Sequence[Operation]) -> Race:
    """Operations one by one, each in a transaction, against whole batches."""
    print(f"Appending: {SINGLES} operations one by one, {LONG} in one batch")

    def batched() -> None:
        _append(database, _project(database), history)

    def singly() -> None:
        project_id = _project(database)
        for operation in history[:SINGLES]:
            _append(database, project_id, [operation])

    one_by_one, batch = _median(singly), _median(batched)
    report("one by one", one_by_one, items=SINGLES, what="operations")
    report("one batch", batch, items=LONG, what="operations")
    return Race(f"canvas: append {LONG} operations", batch, one_by_one.times(LONG / SINGLES), "one by one")


def load_project(database: Database, history: Sequence[Operation]) -> Race:
    """A project of ten thousand operations, its newest snapshot a few operations old."""
    print(f"Loading: {LONG} operations, of which {AFTER} follow the newest snapshot")
    project_id = _project(database)
    _append(database, project_id, history[:-AFTER])
    with database.begin() as connection:
        save(connection, project_id)
    _append(database, project_id, history[-AFTER:])

    def by_snapshot() -> None:
        with database.begin() as connection:
            for _ in range(LOADS):
                load(connection, project_id)

    def by_replay() -> None:
        with database.begin() as connection:
            replay_all(connection, project_id)

    replayed = _median(by_replay)
    report("full replay", replayed, items=1, what="projects")
    loaded = _median(by_snapshot)
    report("snapshot and the operations after it", loaded, items=LOADS, what="projects")
    return Race(f"canvas: load {LOADS} projects", loaded, replayed.times(LOADS), "full replay")


def save_projects(services: Services, history: Sequence[Operation]) -> None:
    """Projects that are due, each in a transaction of its own, thinning included."""
    print(f"Saving: {PROJECTS} projects of {OPERATIONS} operations")
    canvas = Canvas(services)
    ids = [_project(services.database) for _ in range(PROJECTS)]
    found: list[Timing] = []
    for round_ in range(ROUNDS):
        for project_id in ids:
            _append(services.database, project_id, history[round_ * OPERATIONS : (round_ + 1) * OPERATIONS])
        with timed(found):
            canvas.save_due(SaveOptions(projects=ids))
    report("snapshots", median(found), items=PROJECTS, what="projects")


def _median(work: Callable[[], None]) -> Timing:
    found: list[Timing] = []
    for _ in range(ROUNDS):
        with timed(found):
            work()
    return median(found)


def _project(database: Database) -> str:
    with database.begin() as connection:
        number = connection.exec_driver_sql("SELECT count(*) FROM canvas_project").scalar_one()
        create_projects(connection, [NewProject(f"p-{number}", "Bench", "ada")])
    return f"p-{number}"


def _append(database: Database, project_id: str, history: Sequence[Operation]) -> None:
    with database.begin() as connection:
        append(connection, project_id, [NewOperation(operation, "ada") for operation in history])
