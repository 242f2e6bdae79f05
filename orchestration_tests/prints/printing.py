"""Orders, drains and what they leave behind, without Dagster.

It drives the prints and reads their tables. Keep out: expectations, and what stands in for rendering (`sketching`).
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections import Counter
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from orchestration.prints.drains import render_prints
from orchestration.prints.prints import Prints
from orchestration.prints.tasks.queue import RenderOptions
from orchestration.prints.tasks.reset import TaskSelection
from orchestration.services import Services
from orchestration.settings import Settings
from orchestration.work_queue.options import DrainOptions
from orchestration_tests.prints.solid.sketching import sketch

if TYPE_CHECKING:
    from collections.abc import Iterable
    from multiprocessing.process import BaseProcess

    from orchestration.prints.orders.importing import ImportReport
    from orchestration.prints.tasks.outcomes import PrintedTask, Printing
    from orchestration.prints.tasks.pool import Make
    from orchestration.storage.database import Database

TAG, STYLE3, PLATE, CLIP = "PER-KEY3D-STY3-Y3D", "Y3D-NKC-002", "Y3D-REGKEY-STL1", "PER-2PER-A"
SKUS = (TAG, STYLE3, "N9-93VU-76VK", PLATE, CLIP)


def order(number: object, text: str, sku: str = TAG, **cells: str) -> dict[str, str]:
    """A row of an order."""
    return {"order_number": str(number), "sku": sku, "text": text, **cells}


def take_in(shop: Prints, *rows: dict[str, str]) -> ImportReport:
    """Import rows of orders, numbered as in a file."""
    return shop.import_orders(enumerate(rows, start=2))


def drain(
    shop: Prints, selection: TaskSelection | None = None, options: RenderOptions | None = None
) -> list[PrintedTask]:
    """Render what is due, or what is selected, until nothing is left."""
    reported: list[PrintedTask] = []
    until_empty = DrainOptions(idle_seconds=None)
    asyncio.run(
        render_prints(shop, reported.extend, until_empty, selection or TaskSelection(), options or RenderOptions())
    )
    return reported


def endings(printed: Iterable[PrintedTask]) -> dict[Printing, int]:
    """How many attempts ended how."""
    return dict(Counter(task.outcome for task in printed))


def rows(database: Database, query: str, **values: object) -> list[dict[str, Any]]:
    """What a query finds."""
    with database.connect() as connection:
        return [dict(row) for row in connection.execute(sa.text(query), values).mappings()]


def run_sql(database: Database, statement: str, **values: object) -> None:
    """Do something to the tables that no function of the package does."""
    with database.begin() as connection:
        connection.execute(sa.text(statement), values)


def tasks(database: Database) -> list[dict[str, Any]]:
    """Every print task, in their order."""
    return rows(database, "SELECT * FROM print_task ORDER BY id")


def renders(database: Database) -> int:
    """How many renderings there have been."""
    [found] = rows(database, "SELECT coalesce(sum(renders), 0) AS renders FROM print_product")
    return int(found["renders"])


# Processes are forked off a small server that has imported this module, which takes milliseconds instead of seconds.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["orchestration_tests.prints.printing", "alembic.command", "obstore.store"])


def start_drain(settings: Settings, make_lines: Make = sketch) -> BaseProcess:
    """A drain in a process of its own, which ends when nothing is left."""
    process = _processes.Process(target=_drain_alone, args=(settings.model_dump(), make_lines))
    process.start()
    return process


def _drain_alone(values: dict[str, Any], make_lines: Make) -> None:
    services = Services(Settings(**values))
    drain(Prints(services, make_lines))
    services.close()
