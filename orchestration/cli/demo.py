"""`orchestration demo`: the sample feed's two days, orders, mockups, histories and projects, headless, through Dagster.

The order of the show. Keep out: the sample supplier (`orchestration.demo`).
"""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from orchestration.catalogue.export import Export, export_rows
from orchestration.catalogue.families.changes import shown_values
from orchestration.cli.catalogue_sync import SyncOptions, check_catalogue, sync_catalogue
from orchestration.cli.catalogue_sync import render_images as render_catalogue_images
from orchestration.cli.job_runner import job_runner
from orchestration.cli.mockups_commands import mockup_counts
from orchestration.cli.options import Json
from orchestration.cli.output import SOME_FAILED, console, note, print_json, print_table
from orchestration.cli.prints_commands import print_counts, print_problems
from orchestration.cli.samples import (
    canvas_samples,
    load_gallery_samples,
    mockup_samples,
    preview_samples,
    print_samples,
    show_gallery_samples,
)
from orchestration.demo import mockups, orders
from orchestration.demo.feed import write_feed
from orchestration.demo.server import serve
from orchestration.gallery.reconcile import find_drift
from orchestration.gallery.signup import signup_set
from orchestration.settings import load_settings
from orchestration.storage.embedded import stop_embedded_server

if TYPE_CHECKING:
    import typer

    from orchestration.cli.job_runner import JobRunner
    from orchestration.demo.feed import SampleFeed
    from orchestration.settings import Settings

DAYS = (1, 2)
# Sample previews that leave an artifact; one more is a dry run.
PREVIEWS = 3
SHOWN_CHANGES = 25
COLUMN_WIDTH = 40


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(demo)


def demo(as_json: Json = False) -> int:
    """Work through the samples in a home of their own, and show what came of them."""
    with tempfile.TemporaryDirectory(prefix="orchestration-demo-") as folder, ExitStack() as stack:
        # While its home is there: at the exit of the process it would find no lock to take, and leave it running.
        stack.callback(stop_embedded_server, Path(folder) / "home" / "postgres")
        base_url = stack.enter_context(serve(Path(folder) / "feed"))
        days = [_day(Path(folder), day, base_url, shown=not as_json) for day in DAYS]
        prints = _prints(Path(folder), base_url, shown=not as_json)
        pictures = _mockups(Path(folder), base_url, shown=not as_json)
        gallery = _gallery(Path(folder), base_url, shown=not as_json)
        canvas = _canvas(Path(folder), base_url, shown=not as_json)
        previews = _previews(Path(folder), base_url, shown=not as_json)
    parts = [*days, prints, pictures, gallery, canvas, previews]
    if as_json:
        print_json(parts)
    return 0 if all(part["as_expected"] for part in parts) else SOME_FAILED


def _day(folder: Path, day: int, base_url: str, *, shown: bool) -> dict[str, Any]:
    note(f"Day {day}: writing the sample feed")
    feed = write_feed(folder / "feed", day=day, base_url=base_url)
    started = time.monotonic()
    with job_runner(_settings(folder, base_url)) as runner:
        synced = sync_catalogue(runner, SyncOptions())
        seconds = time.monotonic() - started
        render_catalogue_images(runner)
        checks = check_catalogue(runner).checks
        changes = _changes(runner)
    summary = synced.as_json(seconds)
    differences = _unexpected(summary, feed)
    if shown:
        _show(day, summary, changes, differences)
        print_table(f"What the checks of day {day} found", ("check", "found", "what to do"), checks)
    found = {check.name: check.found for check in checks}
    return {
        "day": day, "summary": summary, "changes": len(changes), "checks": found, "as_expected": not differences,
    }  # fmt: skip


def _settings(folder: Path, base_url: str) -> Settings:
    host = urlsplit(base_url).netloc
    return load_settings(
        home=folder / "home", database_url=None, dagster_database_url=None, object_store=None,
        promidata_base_url=base_url, gallery_image_hosts=(host,), preview_asset_hosts=(host,),
        image_retry_seconds=1.0, family_retry_seconds=1.0, log_level="ERROR",
    )  # fmt: skip


def _prints(folder: Path, base_url: str, *, shown: bool) -> dict[str, Any]:
    """Import the sample orders, render them, and look at what was refused."""
    note("Importing and rendering the sample orders")
    started = time.monotonic()
    with job_runner(_settings(folder, base_url)) as runner:
        rendered = print_samples(runner, folder / "orders.csv")
    counts = print_counts(rendered)
    summary: dict[str, Any] = {**counts, "seconds": round(time.monotonic() - started, 1)}
    expected = summary["rendered"] + summary["cached"] == orders.RENDERED and summary["refused"] == orders.REFUSED
    if shown:
        console().print(f"Prints in {summary['seconds']} s", style="bold")
        console().print("  orders:   " + ", ".join(f"{count} {name}" for name, count in counts.items()))
        print_table("Refused", ("task", "why, and what to do"), list(print_problems(rendered).items()))
    return {"prints": summary, "as_expected": expected}


def _mockups(folder: Path, base_url: str, *, shown: bool) -> dict[str, Any]:
    """Submit the sample mockups, and render them; one is broken, and fails alone."""
    note("Rendering the sample mockups")
    started = time.monotonic()
    with job_runner(_settings(folder, base_url)) as runner:
        counts = mockup_counts(mockup_samples(runner))
    summary: dict[str, Any] = {**counts, "seconds": round(time.monotonic() - started, 1)}
    if shown:
        console().print(f"Mockups in {summary['seconds']} s", style="bold")
        console().print("  jobs:     " + ", ".join(f"{count} {name}" for name, count in counts.items()))
    expected = (summary["rendered"], summary["failed"]) == (mockups.RENDERED, mockups.FAILED)
    return {"mockups": summary, "as_expected": expected}


def _gallery(folder: Path, base_url: str, *, shown: bool) -> dict[str, Any]:
    """Load sample histories, mirror them with smaller forms of their images, and choose the signup images."""
    note("Mirroring the sample histories")
    started = time.monotonic()
    with job_runner(_settings(folder, base_url)) as runner:
        loaded = load_gallery_samples(runner, folder / "feed", base_url)
        show_gallery_samples(runner)
        with runner.domains.gallery.database.connect() as connection:
            drift, signup = find_drift(connection), signup_set(connection)
    summary = {
        "histories": loaded.histories,
        "public": drift.mirror,
        "differing": drift.total,
        "signup_images": signup.shown,
        "seconds": round(time.monotonic() - started, 1),
    }
    if shown:
        console().print(f"Gallery in {summary['seconds']} s", style="bold")
        console().print("  mirror:   " + ", ".join(f"{count} {name}" for name, count in summary.items()))
    return {"gallery": summary, "as_expected": drift.mirror == loaded.public > 0 == drift.total and signup.shown > 0}


def _canvas(folder: Path, base_url: str, *, shown: bool) -> dict[str, Any]:
    """Load sample projects and media, save the projects, and mark the media that nothing refers to."""
    note("Saving the sample projects, and collecting their media")
    started = time.monotonic()
    with job_runner(_settings(folder, base_url)) as runner:
        samples = canvas_samples(runner)
        bucket = runner.domains.canvas.media.reconcile()
    saved, collected = samples.saved.metadata["summary"], samples.collected.metadata["summary"]
    summary = {
        "projects": samples.projects.projects,
        "operations": samples.projects.operations,
        "snapshots": len(saved["created"]),
        "media": samples.media.media,
        "marked": len(collected["marked"]),
        "bytes_unexplained": bucket.unexplained,
        "seconds": round(time.monotonic() - started, 1),
    }
    if shown:
        console().print(f"Canvas in {summary['seconds']} s", style="bold")
        console().print("  projects: " + ", ".join(f"{count} {name}" for name, count in summary.items()))
    as_expected = summary["snapshots"] > 0 < summary["marked"] and bucket.unexplained == 0
    return {"canvas": summary, "as_expected": as_expected}


def _previews(folder: Path, base_url: str, *, shown: bool) -> dict[str, Any]:
    """Queue the sample previews and render them."""
    note("Rendering the sample previews")
    started = time.monotonic()
    with job_runner(_settings(folder, base_url)) as runner:
        rendered = preview_samples(runner, folder / "feed", base_url)
    names = ("completed", "dryrun", "failed", "invalid", "film_seconds", "cpu_seconds")
    summary = {name: rendered.metadata.get(name, 0) for name in names}
    summary["seconds"] = round(time.monotonic() - started, 1)
    if shown:
        console().print(f"Previews in {summary['seconds']} s", style="bold")
        console().print("  jobs:     " + ", ".join(f"{count} {name}" for name, count in summary.items()))
    return {"previews": summary, "as_expected": rendered.success and summary["completed"] == PREVIEWS}


def _changes(runner: JobRunner) -> list[dict[str, Any]]:
    """The changes of this day's syncs, without the families that came whole."""
    with runner.domains.catalogue.database.begin() as connection:
        rows = list(export_rows(connection, Export.CHANGES))
    newest = {row["supplier"]: row["sync_id"] for row in sorted(rows, key=lambda row: row["sync_id"] or 0)}
    return [row for row in rows if row["sync_id"] == newest[row["supplier"]] and row["kind"] != "added"]


def _unexpected(summary: dict[str, Any], feed: SampleFeed) -> list[str]:
    """Where the outcome differs from what the sample feed is known to hold."""
    expected = {name: len(getattr(feed.outcome, name)) for name in _COMPARED}
    found = {name: summary["families"][name] for name in _COMPARED}
    return [f"{name}: {found[name]} instead of {expected[name]}" for name in _COMPARED if found[name] != expected[name]]


_COMPARED = ("added", "changed", "removed", "unchanged", "quarantined", "held_back")


def _show(day: int, summary: dict[str, Any], changes: list[dict[str, Any]], differences: list[str]) -> None:
    families, images = summary["families"], summary["images"]
    out = console()
    out.print(f"Day {day} in {summary['seconds']:.1f} s", style="bold")
    out.print("  families: " + ", ".join(f"{count} {name}" for name, count in families.items()))
    out.print("  images:   " + ", ".join(f"{count} {name}" for name, count in images.items()))
    if changes:
        rows = [
            (row["key"], row["kind"], row["field"], *map(_cut, shown_values(row["before"], row["after"])))
            for row in changes
        ]
        print_table(f"Changes of day {day}", ("key", "kind", "field", "before", "after"), rows[:SHOWN_CHANGES])
        if len(rows) > SHOWN_CHANGES:
            out.print(f"... and {len(rows) - SHOWN_CHANGES} more")
    for difference in differences:
        out.print(f"UNEXPECTED {difference}", style="red")


def _cut(text: str) -> str:
    return text if len(text) <= COLUMN_WIDTH else f"{text[: COLUMN_WIDTH - 1]}…"
