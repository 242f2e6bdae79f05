"""The command of media collection.

Belongs here: its options and what it prints. Does not: collecting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.canvas.media_gc.health import difference_rows
from orchestration.cli.conductor import conductor
from orchestration.cli.output import SOME_FAILED, console, note, print_json, print_table
from orchestration.cli.session import Json, open_services
from orchestration.domains import Domains
from orchestration.errors import ConfigurationError
from orchestration.observability.logs import configure_logging
from orchestration.settings import load_settings

if TYPE_CHECKING:
    from orchestration.canvas.media_gc.model import Bucket, Collection

LISTED = 25


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("gc")(collect_garbage)


def collect_garbage(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Decide, show, and change nothing.")] = False,
    ttl_days: Annotated[float | None, typer.Option(help="Leave media younger than this alone.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Go on although a guard speaks against it.")] = False,
    undo: Annotated[int | None, typer.Option(help="Keep what this collection has marked.")] = None,
    reconcile: Annotated[bool, typer.Option("--reconcile", help="Only compare database and bucket.")] = False,
    as_json: Json = False,
) -> int:
    """Mark canvas media that nothing refers to, and delete those whose grace is over."""
    if undo is not None and (dry_run or force or reconcile or ttl_days is not None):
        raise ConfigurationError("--undo goes with no other option: it takes a collection's marks back, and no more")
    if reconcile and (dry_run or force or ttl_days is not None):
        raise ConfigurationError("--reconcile goes with no other option: it changes nothing")
    configure_logging(load_settings().log_level)
    if undo is not None:
        return _undo(undo, as_json=as_json)
    if reconcile:
        return _reconcile(as_json=as_json)
    return _collect({"dry_run": dry_run, "ttl_days": ttl_days, "force": force}, as_json=as_json)


def _collect(config: dict[str, Any], *, as_json: bool) -> int:
    with conductor(load_settings()) as conduct:
        outcome = conduct.collect_media(**config)
        collection = conduct.domains.media.last
    if collection is None:
        for problem in outcome.problems:
            note(problem)
        return SOME_FAILED
    if as_json:
        print_json(summary(collection))
    else:
        _show(collection)
    plan, result = collection.plan, collection.result
    for refusal in filter(None, (plan.refused, plan.orphans_refused)):
        note(f"refused: {refusal}")
    failed = result.failed if result else {}
    for media_id, problem in list(failed.items())[:LISTED]:
        note(f"failed: {media_id}: {problem}")
    return SOME_FAILED if failed or plan.refused or plan.orphans_refused else 0


def summary(collection: Collection) -> dict[str, Any]:
    """A collection for programs; what a dry run would mark and delete stands where a real run's doings do."""
    plan, result = collection.plan, collection.result
    planned = [medium.media_id for medium in plan.deletions]
    planned += [tombstone.medium for tombstone in plan.unsettled if tombstone.medium]
    return {
        "collection": collection.run_id,
        "dry_run": collection.is_dry_run,
        "refused": plan.refused or plan.orphans_refused or None,
        "media": collection.survey.media,
        "media_bytes": collection.survey.bytes,
        "places": collection.survey.places,
        "counts_repaired": len(plan.drift),
        "revived": [medium.media_id for medium in plan.revived],
        "marked": result.marked if result else [medium.media_id for medium in plan.marks],
        "deleted": result.deleted if result else planned,
        "orphans": result.orphans if result else [orphan.storage_path for orphan in plan.orphans],
        "bytes": result.freed if result else plan.freed,
        "skipped": result.skipped if result else plan.skipped,
        "failed": result.failed if result else {},
        "left": result.left if result else plan.left,
        "seconds": (collection.finished_at - collection.started_at).total_seconds(),
    }


def _show(collection: Collection) -> None:
    told = summary(collection)
    shown = {name: len(value) if isinstance(value, list | dict) else value for name, value in told.items()}
    shown |= {"places": sum(collection.survey.places.values()), "seconds": round(told["seconds"], 1)}
    title = "Collection, as it would be" if collection.is_dry_run else "Collection"
    print_table(title, ("what", "count"), [(name.replace("_", " "), value) for name, value in shown.items()])


def _undo(run_id: int, *, as_json: bool) -> int:
    with open_services() as services:
        undone = Domains(services).media.undo(run_id)
    if as_json:
        print_json(undone._asdict())
    else:
        console().print(f"{len(undone.kept)} media are kept")
    for media_id in undone.deleted[:LISTED]:
        note(f"deleted before: {media_id}")
    return SOME_FAILED if undone.deleted else 0


def _reconcile(*, as_json: bool) -> int:
    with open_services() as services:
        bucket = Domains(services).media.reconcile()
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
