"""The gallery's definitions at work: executing its jobs, and reading what stands beside a run.

What more than one of these tests says. Keep out: expectations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from orchestration.gallery import history
from orchestration.gallery.history import NewGeneration, Status

if TYPE_CHECKING:
    import dagster as dg

    from orchestration.gallery.gallery import Gallery

QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}


def run(
    loaded: dg.Definitions, instance: dg.DagsterInstance, job: str, *, raises: bool = True, **config: object
) -> dg.ExecuteInProcessResult:
    """Execute a job of the gallery; `config` is that of its one asset."""
    (asset,) = loaded.resolve_job_def(job).asset_layer.selected_asset_keys
    ops = {asset.to_python_identifier(): {"config": config}} if config else {}
    run_config = {"ops": ops, "loggers": QUIET}
    return loaded.resolve_job_def(job).execute_in_process(run_config, instance, raise_on_error=raises)


def mirror(loaded: dg.Definitions, instance: dg.DagsterInstance, **config: object) -> dict[str, Any]:
    """Drain the mirror, whether or not all of it succeeds; the metadata of the run."""
    return metadata(run(loaded, instance, "gallery_mirror", raises=False, **{"idle_seconds": None, **config}))


def metadata(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    """What stands beside the one materialization of a run."""
    (event,) = result.get_asset_materialization_events()
    return {name: value.value for name, value in event.materialization.metadata.items()}


def failed_checks(loaded: dg.Definitions, instance: dg.DagsterInstance) -> dict[str, dg.AssetCheckEvaluation]:
    """The checks that do not pass, by name."""
    result = loaded.resolve_job_def("gallery_check").execute_in_process({"loggers": QUIET}, instance)
    evaluations = result.get_asset_check_evaluations()
    assert len(evaluations) == 6
    return {one.check_name: one for one in evaluations if not one.passed}


def write(gallery: Gallery, *history_ids: str, document: dict[str, Any] | None = None) -> None:
    """Write public generations into the history."""
    items = [NewGeneration(one, "u", document or {}, Status.COMPLETED, is_public=True) for one in history_ids]
    with gallery.database.begin() as connection:
        history.create(connection, items)


def execute(gallery: Gallery, statement: str) -> None:
    """What goes past all rules."""
    with gallery.database.begin() as connection:
        connection.execute(sa.text(statement))
