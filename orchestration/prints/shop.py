"""The print shop of one process: what it has at hand, and its queues. No Dagster.

Belongs here: which parts rendering is put together from, and what is due. Does not: working off the queue (`drains`),
or orders (`order_import`, `order_list`).
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.errors import ConfigurationError
from orchestration.notifications.outbox import Outbox
from orchestration.prints.engines.engine import EngineName
from orchestration.prints.order_import import import_orders
from orchestration.prints.outcomes import PrintTally
from orchestration.prints.pending import JOINED, queue_pending, repair
from orchestration.prints.printer import Printer
from orchestration.prints.queues import print_queue
from orchestration.prints.sku import is_supported
from orchestration.prints.statuses import OrderStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestration.prints.order_import import ImportReport
    from orchestration.prints.render_pool import Make, RenderPool
    from orchestration.prints.request import Workshop
    from orchestration.services import Services
    from orchestration.storage.database import Database
    from orchestration.work_queue.queue import TaskQueue


class PrintShop:
    """The prints of one process; `tally` counts what it has done. `make_lines` replaces what a render process does."""

    def __init__(self, services: Services, make_lines: Make | None = None) -> None:
        self.services = services
        self.settings = services.settings
        self.queue = print_queue(services.settings)
        self.tally = PrintTally()
        self._make_lines = make_lines

    @cached_property
    def outbox(self) -> Outbox:
        """What is told of finished prints, and to whom."""
        return Outbox(self.settings)

    @property
    def queues(self) -> tuple[TaskQueue, ...]:
        """The domain's queues, in the order in which work flows through them."""
        return self.queue, self.outbox.queue

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
        """What builds the solids."""
        return EngineName(self.settings.print_engine)

    @property
    def printer(self) -> Printer:
        """What prints them."""
        return Printer(nozzle=self.settings.print_nozzle_mm, bed=self.settings.print_bed_mm)

    @cached_property
    def workshop(self) -> Workshop:
        """What the files depend on beside the order, as it is in this process."""
        from pathlib import Path

        from orchestration.prints.fonts import FontLibrary
        from orchestration.prints.request import Workshop, fonts_digest

        library = FontLibrary([Path(folder) for folder in self.settings.print_fonts])
        return Workshop(self.engine, self.printer, fonts_digest(library))

    def render_pool(self) -> RenderPool:
        """A pool of render processes, to be entered."""
        from orchestration.prints.render_pool import RenderPool
        from orchestration.prints.rendering import RenderOptions, make

        seconds = 60 * self.settings.print_timeout_minutes
        options = RenderOptions(self.engine, self.settings.print_fonts, self.printer, seconds)
        return RenderPool(options, self.settings.print_concurrency, self._make_lines or make)

    def import_orders(self, rows: Iterable[tuple[int, Mapping[str, str]]]) -> ImportReport:
        """Import rows of orders in one transaction, and queue what is to be rendered; see `order_import`."""
        with self.database.begin() as connection:
            return import_orders(connection, self.queue, self.statuses, rows)

    def look(self) -> int:
        """Repair what an accident left behind, queue what is pending; how many tasks are due."""
        with self.database.begin() as connection:
            repair(connection, self.queue)
            queue_pending(connection, self.queue, self.statuses)
            return self.queue.counts(connection).waiting

    def skus(self) -> list[str]:
        """The SKUs of a design that were ever ordered."""
        with self.database.connect() as connection:
            ordered = connection.execute(_ORDERED_SKUS).scalars()
            return [sku for sku in ordered if is_supported(sku)]


_ORDERED_SKUS = sa.text(f"SELECT DISTINCT p.sku FROM {JOINED} ORDER BY p.sku")  # noqa: S608 - of our own constants
