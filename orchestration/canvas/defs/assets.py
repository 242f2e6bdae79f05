"""The canvas's assets: what people work on, and the snapshots of it.

Belongs here: reading a run's config, one call, its metadata. Does not: media (`media_gc`), or when a run is launched.
"""

import dagster as dg
from pydantic import Field

from orchestration.canvas.canvas import Canvas
from orchestration.canvas.defs.metadata import of_snapshots
from orchestration.canvas.saving import SaveOptions
from orchestration.observability.logs import about
from orchestration.runtime.assets import governed_asset
from orchestration.runtime.failures import step_failures
from orchestration.work_queue.stopping import StopSignal

projects = dg.AssetSpec(
    ["canvas", "projects"],
    group_name="canvas",
    description="Canvas projects: their elements, and the log of operations that has led to them. Made by the users.",
    owners=["team:canvas"],
    kinds={"postgres"},
)


class SnapshotConfig(dg.Config):
    """Run config of the snapshots: which projects, how many, and whether to do it or only to tell."""

    limit: int | None = Field(default=None, ge=1, description="Snapshots that this run makes at most; null: no limit")
    projects: list[str] = Field(
        default=[], description="Save these, due or not, when anything in them is new; empty: all that are due"
    )
    dry_run: bool = Field(default=False, description="Tell what would be saved and thinned, and change nothing")
    max_seconds: float = Field(default=3_300.0, gt=0, description="When the run ends in any case")


@governed_asset(
    "canvas/snapshots",
    deps=[projects],
    description="Canvas projects saved whole, so that they load fast: after so many operations or hours, whichever "
    "comes first. Older snapshots are thinned to one a day, then one a week.",
)
def snapshots(
    context: dg.AssetExecutionContext, config: SnapshotConfig, canvas: dg.ResourceParam[Canvas]
) -> dg.MaterializeResult[None]:
    """Save the projects that are due."""
    options = SaveOptions(config.limit, config.projects, config.dry_run)
    with StopSignal() as stop, step_failures(), about(run=context.run.run_id):
        report = canvas.save_due(options, stop=stop, max_seconds=config.max_seconds)
    for failed in report.errors:
        context.log.warning("%s was not saved: %s", failed.project_id, failed.reason)
    return dg.MaterializeResult(metadata=of_snapshots(report))
