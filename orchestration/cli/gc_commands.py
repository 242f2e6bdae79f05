"""The command of media collection.

It holds its options, and what it prints. Keep out: collecting. Only what runs the job imports Dagster, which takes as
long as the rest of the command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.canvas.media_gc.health import difference_rows
from orchestration.canvas.media_gc.model import Guard
from orchestration.cli.options import Json, open_services
from orchestration.cli.output import SOME_FAILED, console, note, print_json, print_table
from orchestration.domains import Domains
from orchestration.errors import ConfigurationError
from orchestration.imports import lasting
from orchestration.observability.logs import configure_logging
from orchestration.settings import load_settings

if TYPE_CHECKING:
    from orchestration.canvas.defs.media_gc import CollectConfig
    from orchestration.canvas.media_gc.model import Bucket
    from orchestration.cli.job_runner import JobRunner, RunOutcome

LISTED = 25


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("gc")(collect_garbage)


def collect_garbage(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Decide, show, and change nothing.")] = False,
    ttl_days: Annotated[float | None, typer.Option(max=100_000, help="Leave media younger than this alone.")] = None,
    allow: Annotated[list[Guard] | None, typer.Option(help="Go on although this guard speaks against it.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Go on although any guard speaks against it.")] = False,
    undo: Annotated[int | None, typer.Option(help="Keep what this collection has marked.")] = None,
    reconcile: Annotated[bool, typer.Option("--reconcile", help="Only compare database and bucket.")] = False,
    as_json: Json = False,
) -> int:
    """Mark canvas media that nothing refers to, and delete those whose grace is over."""
    deciding = dry_run or allow or force or ttl_days is not None
    if undo is not None and (deciding or reconcile):
        raise ConfigurationError("--undo goes with no other option: it takes a collection's marks back, and no more")
    if reconcile and deciding:
        raise ConfigurationError("--reconcile goes with no other option: it changes nothing")
    configure_logging(load_settings().log_level)
    if undo is not None:
        return _undo(undo, as_json=as_json)
    if reconcile:
        return _reconcile(as_json=as_json)
    with lasting():
        from orchestration.canvas.defs.media_gc import CollectConfig

    allowed = [guard.value for guard in allow or ()]
    return _collect(CollectConfig(dry_run=dry_run, ttl_days=ttl_days, allow=allowed, force=force), as_json=as_json)


def _collect(config: CollectConfig, *, as_json: bool) -> int:
    with lasting():
        from orchestration.cli.job_runner import job_runner

    with job_runner(load_settings()) as runner:
        outcome = collect(runner, config)
    summary = outcome.metadata.get("summary")
    if not isinstance(summary, dict):
        for problem in outcome.problems:
            note(problem)
        return SOME_FAILED
    if as_json:
        print_json(summary)
    else:
        _show(summary)
    if summary["refused"]:
        note(f"refused: {summary['refused']}")
    for media_id, problem in list(summary["failed"].items())[:LISTED]:
        note(f"failed: {media_id}: {problem}")
    return SOME_FAILED if summary["failed"] or summary["refused"] or runner.problems else 0


def collect(runner: JobRunner, config: CollectConfig | None = None) -> RunOutcome:
    """Mark and delete canvas media that nothing refers to; the outcome's `summary` reports what that did."""
    from orchestration.canvas.defs.media_gc import media_gc
    from orchestration.runtime.assets import run_config

    return runner.run("canvas_collect", run_config(media_gc, config) if config else None)


def _show(summary: dict[str, Any]) -> None:
    shown = {name: len(value) if isinstance(value, list | dict) else value for name, value in summary.items()}
    shown |= {"places": sum(summary["places"].values()), "seconds": round(summary["seconds"], 1)}
    title = "Collection, as it would be" if summary["dry_run"] else "Collection"
    print_table(title, ("what", "count"), [(name.replace("_", " "), value) for name, value in shown.items()])


def _undo(run_id: int, *, as_json: bool) -> int:
    with open_services() as services:
        undone = Domains(services).canvas.media.undo(run_id)
    if as_json:
        print_json(undone._asdict())
    else:
        console().print(f"{len(undone.kept)} media are kept")
    for media_id in undone.deleted[:LISTED]:
        note(f"deleted before: {media_id}")
    return SOME_FAILED if undone.deleted else 0


def _reconcile(*, as_json: bool) -> int:
    with open_services() as services:
        bucket = Domains(services).canvas.media.reconcile()
    rows = difference_rows(bucket)
    if as_json:
        print_json({**bucket._asdict(), "difference": bucket.difference, "unexplained": bucket.unexplained})
    else:
        _show_bucket(bucket)
    return SOME_FAILED if rows else 0


def _show_bucket(bucket: Bucket) -> None:
    out = console()
    out.print(f"Database: {bucket.database_objects} objects, {bucket.database_bytes} bytes")
    out.print(f"Bucket:   {bucket.objects} objects, {bucket.bytes} bytes")
    rows = difference_rows(bucket)
    columns = ("object", "what", "bytes in the database", "bytes in the bucket")
    print_table("Differences", columns, rows[:LISTED])
    if len(rows) > LISTED:
        out.print(f"... and {len(rows) - LISTED} more")
