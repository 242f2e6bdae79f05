"""The prints of one process: their settings, their queues, and the parts that rendering needs.

Keep out: draining the queue (`drains`), the orders (`orders`), and Dagster.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.errors import ConfigurationError
from orchestration.notifications.outbox import Outbox
from orchestration.prints.orders.importing import import_orders
from orchestration.prints.solid.engines.engine import EngineName
from orchestration.prints.solid.printer import Printer
from orchestration.prints.solid.sku import is_supported
from orchestration.prints.statuses import OrderStatus
from orchestration.prints.tasks.pending import JOINED, queue_pending, repair
from orchestration.prints.tasks.queue import print_queue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestration.prints.orders.importing import ImportReport
    from orchestration.prints.solid.request import RenderEnvironment
    from orchestration.prints.tasks.pool import Make, RenderPool
    from orchestration.services import Services
    from orchestration.storage.database import Database
    from orchestration.work_queue.queue import TaskQueue


class Prints:
    """The prints of one process. `make_lines` replaces what a render process does."""

    def __init__(self, services: Services, make_lines: Make | None = None) -> None:
        self.services = services
        self.settings = services.settings
        self.print_queue = print_queue(services.settings)
        self._make_lines = make_lines

    @cached_property
    def outbox(self) -> Outbox:
        """The notices of finished prints, and their channels."""
        return Outbox(self.settings)

    @property
    def queues(self) -> tuple[TaskQueue, ...]:
        """The domain's queues, in the order in which work flows through them."""
        return self.print_queue, self.outbox.queue

    @property
    def database(self) -> Database:
        """The domain's database."""
        return self.services.database

    @cached_property
    def statuses(self) -> tuple[OrderStatus, ...]:
        """The orders that are printed; raises `ConfigurationError` for a status that ShipStation does not have."""
        try:
            return tuple(OrderStatus(status) for status in self.settings.print_order_statuses)
        except ValueError as error:
            known = ", ".join(OrderStatus)
            raise ConfigurationError(f"ORCHESTRATION_PRINT_ORDER_STATUSES: {error}; there are {known}") from error

    @property
    def engine(self) -> EngineName:
        """The engine that builds the solids."""
        return EngineName(self.settings.print_engine)

    @property
    def printer(self) -> Printer:
        """The printer that prints them."""
        return Printer(nozzle=self.settings.print_nozzle_mm, bed=self.settings.print_bed_mm)

    @cached_property
    def environment(self) -> RenderEnvironment:
        """What the files depend on beside the order, in this process."""
        from pathlib import Path

        from orchestration.lettering.fonts import FontLibrary
        from orchestration.prints.solid.request import RenderEnvironment, fonts_digest

        library = FontLibrary([Path(folder) for folder in self.settings.print_fonts])
        return RenderEnvironment(self.engine, self.printer, fonts_digest(library))

    def render_pool(self) -> RenderPool:
        """A pool of render processes, to be entered."""
        from orchestration.prints.tasks.pool import RenderPool
        from orchestration.prints.tasks.pool_process import EngineOptions, make

        seconds = 60 * self.settings.print_timeout_minutes
        options = EngineOptions(self.engine, self.settings.print_fonts, self.printer, seconds)
        return RenderPool(options, self.settings.print_concurrency, self._make_lines or make)

    def import_orders(self, rows: Iterable[tuple[int, Mapping[str, str]]]) -> ImportReport:
        """Import rows of orders in one transaction, and queue what is to be rendered; see `orders.importing`."""
        with self.database.begin() as connection:
            not_printed = self.settings.print_other_skus
            return import_orders(connection, self.print_queue, self.statuses, rows, not_printed=not_printed)

    def queue_due_tasks(self) -> int:
        """Repair what an accident left behind, and queue what is pending; returns how many tasks are due."""
        with self.database.begin() as connection:
            repair(connection, self.print_queue)
            queue_pending(connection, self.print_queue, self.statuses)
            return self.print_queue.counts(connection).waiting

    def skus(self) -> list[str]:
        """The SKUs of a design that were ever ordered."""
        with self.database.connect() as connection:
            ordered = connection.execute(_ORDERED_SKUS).scalars()
            return [sku for sku in ordered if is_supported(sku)]


_ORDERED_SKUS = sa.text(f"SELECT DISTINCT p.sku FROM {JOINED} ORDER BY p.sku")  # noqa: S608 - of our own constants
