"""The commands of canvas projects: saving them, loading one, going back in one, reading its log, repairing it.

It holds arguments, and what is printed. Keep out: the work, and the media of the canvas (`gc_commands`). Only what
runs jobs imports Dagster, which takes as long as the rest of a command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from orchestration.canvas.loading import load
from orchestration.canvas.log import PAGE, list_operations
from orchestration.canvas.repair import repair
from orchestration.canvas.restore import Target, restore
from orchestration.canvas.snapshots import list_snapshots, save
from orchestration.cli import gc_commands
from orchestration.cli.options import Json, open_services, settings_for
from orchestration.cli.output import SOME_FAILED, console, note, print_json, print_table
from orchestration.errors import ConfigurationError, TransientError
from orchestration.imports import lasting

if TYPE_CHECKING:
    from orchestration.canvas.defs.snapshots import SnapshotConfig
    from orchestration.cli.job_runner import JobRunner, RunOutcome

SHOWN_NAMES = 3

ProjectId = Annotated[str, typer.Argument(help="The project's id.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    group = typer.Typer(help="Canvas projects.", no_args_is_help=True)
    for name, command in (
        ("snapshot", canvas_snapshot), ("load", canvas_load), ("restore", canvas_restore), ("log", canvas_log),
        ("repair", canvas_repair),
    ):  # fmt: skip
        group.command(name)(command)
    app.add_typer(group, name="canvas")
    gc_commands.register(app)


def canvas_snapshot(
    project: Annotated[str | None, typer.Option(help="Only this project, due or not.")] = None,
    name: Annotated[str | None, typer.Option(help="Keep this state of the project under a name.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report what would be saved; change nothing.")] = False,
    as_json: Json = False,
) -> int:
    """Save the projects that are due, through Dagster, or keep one project's state under a name."""
    if name is not None:
        return _keep(project, name, dry_run=dry_run, as_json=as_json)
    with lasting():
        from orchestration.canvas.defs.snapshots import SnapshotConfig
        from orchestration.cli.job_runner import job_runner

    config = SnapshotConfig(projects=[project] if project else [], dry_run=dry_run)
    with job_runner(settings_for()) as runner:
        outcome = save_due(runner, config)
    for problem in runner.problems:
        note(problem)
    summary = outcome.metadata.get("summary")
    if not isinstance(summary, dict):
        raise TransientError("No project was looked at; the run's events are in the UI")
    if as_json:
        print_json(summary)
    else:
        _print_report(summary)
    for project_id, reason in summary["errors"].items():
        note(f"{project_id} was not saved: {reason}")
    return SOME_FAILED if summary["errors"] or runner.problems else 0


def save_due(runner: JobRunner, config: SnapshotConfig | None = None) -> RunOutcome:
    """Save the projects that are due; the outcome's `summary` reports what that did."""
    from orchestration.canvas.defs.snapshots import snapshots
    from orchestration.runtime.assets import run_config

    return runner.run("canvas_snapshot", run_config(snapshots, config) if config else None)


def check_canvas(runner: JobRunner) -> None:
    """Run the checks of projects and of media."""
    runner.run("canvas_check")
    runner.run("canvas_media_check")


def _keep(project: str | None, name: str, *, dry_run: bool, as_json: bool) -> int:
    if project is None or dry_run:
        raise ConfigurationError("--name keeps one project's state: give it with --project, and without --dry-run")
    with open_services() as services, services.database.begin() as connection:
        saved = save(connection, project, name=name)
    if saved is None:
        raise TransientError(f"{project} was not saved; try again")
    if as_json:
        print_json(saved._asdict())
    else:
        console().print(f"{project} after operation {saved.op_index}: snapshot {saved.snapshot_id}, kept as {name!r}")
    return 0


def _print_report(summary: dict[str, Any]) -> None:
    columns = ("project_id", "op_index", "element_count", "bytes")
    rows = [tuple(saved[name] for name in columns) for saved in summary["created"]]
    title = "Would be saved" if summary["dry_run"] else "Saved"
    print_table(title, ("project", "last operation", "elements", "bytes"), rows)
    if summary["skipped"]:
        print_table("Not due", ("project", "has"), list(summary["skipped"].items()))
    console().print(
        f"{len(summary['created'])} saved, {len(summary['skipped'])} not due, {summary['thinned']} snapshots thinned"
    )


def canvas_load(
    project_id: ProjectId,
    at: Annotated[int | None, typer.Option(help="As it was after this operation; -1 is before the first.")] = None,
    as_json: Json = False,
) -> None:
    """Show a project's elements, from its newest snapshot and the operations after it."""
    with open_services() as services, services.database.begin() as connection:
        loaded = load(connection, project_id, at=at)
    for snapshot_id in loaded.corrupt:
        note(f"Snapshot {snapshot_id} is corrupt; an earlier state was read and the log replayed from there")
    if as_json:
        print_json(loaded._asdict())
        return
    rows = [
        (key, element.type, f"{element.x:g}, {element.y:g}", f"{element.width:g} x {element.height:g}", element.z_index)
        for key, element in sorted(loaded.elements.items())
    ]
    print_table(f"{project_id} after operation {loaded.op_index}", ("element", "type", "at", "size", "layer"), rows)


def canvas_restore(
    project_id: ProjectId,
    snapshot: Annotated[int | None, typer.Option(help="The state of this snapshot, by its number.")] = None,
    at: Annotated[int | None, typer.Option(help="The state after this operation; -1 is the empty canvas.")] = None,
    actor: Annotated[str | None, typer.Option("--as", help="In whose name; the owner's without it.")] = None,
    as_json: Json = False,
) -> int:
    """Go back to an earlier state, by operations that can themselves be taken back; 1 when media of it are gone."""
    with open_services() as services, services.database.begin() as connection:
        restored = restore(connection, project_id, Target(snapshot, at), actor)
    if as_json:
        print_json(restored._asdict())
    else:
        console().print(
            f"{project_id} is as after operation {restored.op_index}, by {len(restored.applied)} operations; "
            f"`orchestration canvas restore {project_id} --at {restored.came_from}` takes this back"
        )
    for element_id, media_id in restored.missing.items():
        note(f"{element_id} could not come back: its medium {media_id} was deleted; upload it again")
    return SOME_FAILED if restored.missing else 0


def canvas_log(
    project_id: ProjectId,
    after: Annotated[int, typer.Option(help="From the operation after this one.")] = -1,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = PAGE,
    as_json: Json = False,
) -> None:
    """List a project's operations, and the snapshots that can be restored."""
    with open_services() as services, services.database.begin() as connection:
        operations = list_operations(connection, project_id, after=after, limit=limit)
        snapshots = list_snapshots(connection, project_id)
    if as_json:
        shown = [one._asdict() | {"operation": msgspec.to_builtins(one.operation)} for one in operations]
        print_json({"operations": shown, "snapshots": [one._asdict() for one in snapshots]})
        return
    rows = [
        (one.op_index, one.operation.type, _names(one.operation.named), one.actor_uid, f"{one.created_at:%F %T}")
        for one in operations
    ]
    print_table("Operations", ("index", "type", "elements", "by", "at"), rows)
    print_table("Snapshots", ("snapshot", "last operation", "name", "at", "corrupt"), [tuple(one) for one in snapshots])


def _names(named: tuple[str, ...]) -> str:
    more = f", and {len(named) - SHOWN_NAMES} more" if len(named) > SHOWN_NAMES else ""
    return ", ".join(named[:SHOWN_NAMES]) + more


def canvas_repair(project_id: ProjectId, as_json: Json = False) -> None:
    """Make a project's elements again from its log, and mark the snapshots that differ from it."""
    with open_services() as services, services.database.begin() as connection:
        repaired = repair(connection, project_id)
    if as_json:
        print_json(repaired._asdict())
    else:
        console().print(f"{project_id}: {repaired.elements} elements, {len(repaired.snapshots)} snapshots were wrong")
