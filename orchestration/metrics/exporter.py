"""One scrape: the figures of both databases and of this process, in the format of Prometheus.

Asking, and what is shown when a database does not answer. Keep out: who may scrape (`api.metrics`), and what the
figures are called (`reading`).

It lives in the API, so it needs no run and no Dagster. A scrape never fails: a database that does not answer is shown
as not up, and what only it knows is left out, so that alerts see the absence rather than an old value.
"""

from __future__ import annotations

import shutil
import time
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

import sqlalchemy as sa
from prometheus_client import generate_latest
from prometheus_client.registry import Collector
from sqlalchemy.engine import make_url

from orchestration.errors import OrchestrationError
from orchestration.metrics.probes import Probes
from orchestration.metrics.reading import Figures, fill_dagster, fill_domain
from orchestration.metrics.sheet import Sheet
from orchestration.metrics.statements import DAGSTER, DOMAIN, TICK_WINDOW_SECONDS
from orchestration.metrics.traffic import Traffic, fill_store_errors
from orchestration.observability.logs import get_logger
from orchestration.storage.database import Database, limit_statements
from orchestration.storage.migrate import head_revision
from orchestration.work_queue.queue import LOCK_CLASS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from prometheus_client.core import Metric as Family

    from orchestration.domains import Domains
    from orchestration.settings import Settings

# Prometheus gives a scrape ten seconds by default: both databases may be out of reach in that time.
CONNECT_SECONDS = 2
STATEMENT_MILLISECONDS = 2_500

log = get_logger()


class Exporter(Collector):
    """What `/metrics` shows of these domains; nothing is opened before the first scrape."""

    def __init__(self, domains: Domains, traffic: Traffic) -> None:
        self._domains = domains
        self._traffic = traffic

    def scrape(self) -> bytes:
        """Everything, as text."""
        return generate_latest(self)

    def collect(self) -> Iterator[Family]:
        """Everything, as families."""
        sheet = Sheet()
        sheet.set("orchestration_database_schema_expected_revision", float(head_revision()))
        self._ask(sheet, "domain", self._fill_domain)
        self._ask(sheet, "dagster", self._fill_dagster)
        fill_store_errors(sheet)
        for place, folder in _places(self._domains.services.settings).items():
            _fill_disk(sheet, place, folder)
        yield from sheet.families()
        yield from self._traffic.families()

    def _ask(self, sheet: Sheet, database: str, fill: Callable[[Sheet], None]) -> None:
        began = time.perf_counter()
        try:
            fill(sheet)
        except (OrchestrationError, sa.exc.SQLAlchemyError) as error:
            reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
            log.warning("scrape without a database", database=database, error=reason)
            sheet.set("orchestration_database_up", 0.0, database)
        else:
            sheet.set("orchestration_database_up", 1.0, database)
        sheet.set("orchestration_database_scrape_seconds", time.perf_counter() - began, database)

    def _fill_domain(self, sheet: Sheet) -> None:
        queues, previews = self._domains.queues, self._domains.previews.preview_queue.name
        values = {"queues": [queue.name for queue in queues], "lock_class": LOCK_CLASS}
        fill_domain(sheet, _rows(self._open.domain, DOMAIN, values), queues, previews)
        self._open.probes.fill(sheet)

    def _fill_dagster(self, sheet: Sheet) -> None:
        fill_dagster(sheet, _rows(self._open.dagster, DAGSTER, {"window": TICK_WINDOW_SECONDS}))

    @cached_property
    def _open(self) -> _Open:
        """Connections of its own, which are given up sooner than those of requests."""
        services = self._domains.services
        domain, dagster = map(_impatient, (services.database_urls.domain, services.database_urls.dagster))
        probes = Probes(domain, services.objects)
        for close in (dagster.close, domain.close, probes.close):
            services.at_close(close)
        return _Open(domain, dagster, probes)


class _Open(NamedTuple):
    """What a scrape asks."""

    domain: Database
    dagster: Database
    probes: Probes


def _impatient(url: str) -> Database:
    limited = make_url(url).update_query_dict({"connect_timeout": str(CONNECT_SECONDS)})
    return Database(limited.render_as_string(hide_password=False))


def _rows(database: Database, statement: sa.TextClause, values: Mapping[str, object]) -> Figures:
    with database.begin() as connection:
        limit_statements(connection, STATEMENT_MILLISECONDS)
        return Figures(connection.execute(statement, values))


def _fill_disk(sheet: Sheet, place: str, folder: str) -> None:
    """The room on a folder's disk; nothing while the folder is not there, as before the first start or a mount."""
    try:
        disk = shutil.disk_usage(folder)
    except OSError as error:
        log.warning("scrape without a disk", place=place, error=str(error))
        return
    sheet.set("orchestration_disk_free_bytes", disk.free, place)
    sheet.set("orchestration_disk_size_bytes", disk.total, place)


def _places(settings: Settings) -> dict[str, str]:
    """The folders whose disk matters: the home, and the object store if it is a folder."""
    store = urlsplit(settings.object_store_url)
    folders = {"home": str(settings.home.absolute())}
    if store.scheme == "file":
        folders["objects"] = url2pathname(store.path)
    return folders
