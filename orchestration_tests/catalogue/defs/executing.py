"""Executing the runs that a tick asked for.

It drives Dagster. Keep out: expectations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dagster as dg

    from orchestration_tests.runtime.ticks import Tick

QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}


def execute(loaded: dg.Definitions, asked: Tick, job: str, instance: dg.DagsterInstance) -> None:
    """Execute the runs that a tick asked for."""
    for request in asked.requests:
        config = {**request.run_config, "loggers": QUIET}
        loaded.resolve_job_def(job).execute_in_process(config, instance, tags=request.tags)
