"""Render jobs: every query of the service among 100,000 jobs, each of which is to take less than 100 ms.

The least of several rounds counts, since other work may share the machine. Keep out: pictures (`mockups`).
"""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.mockups.jobs.model import JobFilters
from orchestration.mockups.jobs.service import RenderJobs
from orchestration.mockups.statuses import JobStatus
from orchestration.services import Services
from orchestration.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

JOBS = 100_000
PRODUCTS = 500
ROUNDS = 9
# Of 100 jobs 90 are done, 6 have failed, and the others are under way. The trigger lets jobs only begin as pending.
_FILL = """
ALTER TABLE render_job DISABLE TRIGGER USER;
INSERT INTO render_job (id, product_id, status, preset, started_at, completed_at, created_at)
SELECT 'rjob_' || lpad(n::text, 26, '0'), 'A1-' || n % :products, status, 'chest-medium',
    CASE WHEN status <> 'pending' THEN at END, CASE WHEN status IN ('completed', 'failed') THEN at END, at
FROM (SELECT n, now() - n * interval '1 minute' AS at, CASE WHEN n % 100 < 90 THEN 'completed'
    WHEN n % 100 < 96 THEN 'failed' WHEN n % 100 < 98 THEN 'pending' WHEN n % 100 < 99 THEN 'compositing'
    ELSE 'rendering' END AS status FROM generate_series(1, :jobs) AS n) AS made;
ALTER TABLE render_job ENABLE TRIGGER USER;
"""


def main() -> None:
    """Fill the table, and time each query."""
    with tempfile.TemporaryDirectory(prefix="orchestration-bench-") as folder:
        services = Services(Settings(home=Path(folder), database_url=None, dagster_database_url=None))
        with services.database.begin() as connection:
            for statement in _FILL.strip().split(";\n"):
                connection.execute(sa.text(statement.rstrip(";")), {"jobs": JOBS, "products": PRODUCTS})
        engine = sa.create_engine(services.database_urls.domain, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text("VACUUM ANALYZE render_job"))
        engine.dispose()
        with services.database.begin() as connection:
            jobs = RenderJobs(connection, str, lambda: datetime.now(UTC))
            for name, query in _queries(jobs).items():
                print(f"{name:45} {_least(query) * 1e3:7.1f} ms")
        services.close()


def _queries(jobs: RenderJobs) -> dict[str, Callable[[], object]]:
    failed = JobFilters(status=(JobStatus.FAILED, JobStatus.COMPLETED), product_id="A1-7")
    return {
        "the newest 50": jobs.list_jobs,
        "a page far back": lambda: jobs.list_jobs(JobFilters(offset=JOBS // 2)),
        "a page with its count": jobs.list_with_count,
        "a product's page in two states": lambda: jobs.list_and_count(failed),
        "all jobs of a product": lambda: jobs.by_product("A1-7"),
        "the oldest 50 that failed": lambda: jobs.by_status(JobStatus.FAILED, 50),
        "the active ones, 50": lambda: jobs.list_jobs(JobFilters(status=(JobStatus.PENDING, JobStatus.RENDERING))),
        "recent": jobs.recent,
        "whether a product has an active one": lambda: jobs.has_active("A1-7"),
        "statistics of a product": lambda: jobs.stats("A1-7"),
        "statistics of all products": jobs.stats,
    }


def _least(query: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        query()
        times.append(time.perf_counter() - started)
    return min(times)


if __name__ == "__main__":
    main()
