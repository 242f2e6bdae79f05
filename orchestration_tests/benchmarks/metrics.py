"""A scrape of a full factory against the naive way: counting tasks, families and pictures each time.

A million tasks, 100,000 families, half a million pictures. Keep out: what rows cost to write, which `work_queue` races.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]  # its stubs are a package of their own
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from orchestration.domains import Domains
from orchestration.metrics.exporter import Exporter
from orchestration.metrics.traffic import Traffic
from orchestration.observability.logs import configure_logging
from orchestration.services import Services
from orchestration.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

SCRAPES, COUNTS = 100, 5
TASKS, FAMILIES, PICTURES = 1_000_000, 100_000, 500_000

_FILL = (
    """INSERT INTO task (queue, key, state, finished_at, run_at, payload)
        SELECT (ARRAY['image-upload', 'image-variant', 'product-family', 'print', 'mirror'])[1 + n % 5],
            CAST(n AS text), CASE WHEN n % 4 = 0 THEN 'waiting' ELSE 'completed' END,
            CASE WHEN n % 4 <> 0 THEN now() END, now() - n * interval '1 ms', '{"url": "https://images/1.jpg"}'
        FROM generate_series(1, :tasks) AS n""",
    """INSERT INTO task_statistic (queue, outcome, hour, waited_class, ran_class, tasks, waited_seconds, ran_seconds,
            is_folded)
        SELECT q, 'completed', now() - h * interval '1 hour', c, c % 9, 5, 1, 1, true
        FROM unnest(ARRAY['image-upload', 'print', 'mirror']) AS q, generate_series(1, 2000) AS h,
            generate_series(1, 20) AS c""",
    "INSERT INTO supplier (code, name) SELECT 'S' || n, 'S' FROM generate_series(1, 40) AS n",
    """INSERT INTO product_family (a_number, supplier, supplier_hash, content_hash, description)
        SELECT 'A' || n, 'S' || 1 + n % 40, 'a', 'b', jsonb_build_object('en', repeat('x', 500))
        FROM generate_series(1, :families) AS n""",
    """INSERT INTO media (content_hash, key, bytes, mime, width, height)
        SELECT CAST(n AS text), CAST(n AS text), 1000, 'image/png', 1, 1 FROM generate_series(1, :pictures) AS n""",
)
_NAIVE = (
    "SELECT queue, state, count(*), min(run_at) FROM task GROUP BY queue, state",
    "SELECT supplier, removed_at IS NULL, count(*) FROM product_family GROUP BY 1, 2",
    "SELECT count(*), sum(bytes) FROM media",
    "SELECT queue, outcome, ran_class, sum(tasks) FROM task_statistic GROUP BY 1, 2, 3",
)


def main() -> None:
    """Print the median of both."""
    configure_logging("ERROR")
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder) / "home", log_level="ERROR")
        with closing(Services(settings)) as services:
            _fill(services)
            exporter = Exporter(Domains(services), Traffic())
            size = len(exporter.scrape().splitlines())
            ours = _cost(services, SCRAPES, exporter.scrape)
            naive = _cost(services, COUNTS, lambda: _count(services))
    table = Table(title=f"A scrape of {size} lines, {TASKS:,} tasks, {FAMILIES:,} families, {PICTURES:,} pictures")
    for column in ("", "wall ms", "CPU ms with the server's"):
        table.add_column(column)
    for name, (wall, cpu) in (("scrape", ours), ("counting each time", naive)):
        table.add_row(name, f"{1000 * wall:.1f}", f"{1000 * cpu:.1f}")
    Console().print(table)


def _fill(services: Services) -> None:
    values = {"tasks": TASKS, "families": FAMILIES, "pictures": PICTURES}
    with services.database.connect() as connection:
        for statement in _FILL:
            connection.execute(sa.text(statement), values)
        connection.execute(sa.text("VACUUM ANALYZE"))


def _count(services: Services) -> None:
    with services.database.connect() as connection:
        for statement in _NAIVE:
            connection.execute(sa.text(statement)).all()


def _cost(services: Services, rounds: int, work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of one round: the median of wall, and the mean of CPU, which the system counts in hundredths."""
    server = psutil.Process(int((services.settings.home / "postgres" / "postmaster.pid").read_text().split()[0]))
    walls, cpu = [], _cpu_seconds(server)
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        walls.append(time.perf_counter() - began)
    return median(walls), (_cpu_seconds(server) - cpu) / rounds


def _cpu_seconds(server: psutil.Process) -> float:
    """Of this process, and of the server with its sessions, which stay open meanwhile."""
    times = [process.cpu_times() for process in (server, *server.children())]
    return time.process_time() + float(sum(spent.user + spent.system for spent in times))


if __name__ == "__main__":
    main()
