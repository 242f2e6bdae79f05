"""A Dagster instance with the mockups' definitions, over small files instead of real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from orchestration.mockups.defs import definitions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import dagster as dg

    from orchestration.mockups.mockups import Mockups


@pytest.fixture
def run(mockups: Mockups, instance: dg.DagsterInstance) -> Callable[..., dg.ExecuteInProcessResult]:
    """Run a job: with keys, with tags, or of one asset only."""
    loaded = definitions(mockups)

    def execute(
        job: str = "mockups_render",
        keys: Sequence[str] = (),
        tags: dict[str, str] | None = None,
        only: dg.AssetKey | None = None,
    ) -> dg.ExecuteInProcessResult:
        config: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        if job == "mockups_render":
            config["ops"] = {"mockups_pictures": {"config": {"keys": list(keys), "idle_seconds": None}}}
        return loaded.resolve_job_def(job).execute_in_process(
            config, instance, tags=tags, asset_selection=[only] if only else None, raise_on_error=False
        )

    return execute
