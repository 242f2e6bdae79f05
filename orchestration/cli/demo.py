"""`orchestration demo`: two days of the sample feed, headless, through Dagster; what changed is printed.

Belongs here: the order of the show. Does not: the sample supplier (`orchestration.demo`).
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.catalogue.changes import told
from orchestration.catalogue.export import Export, export_rows
from orchestration.cli.conductor import SyncOptions, conductor
from orchestration.cli.output import SOME_FAILED, console, note, print_json, print_table
from orchestration.cli.session import Json
from orchestration.demo.feed import write_feed
from orchestration.demo.server import serve
from orchestration.settings import load_settings

if TYPE_CHECKING:
    import typer

    from orchestration.cli.conductor import Conductor
    from orchestration.demo.feed import SampleFeed

DAYS = (1, 2)
SHOWN_CHANGES = 25
COLUMN_WIDTH = 40


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(demo)


def demo(as_json: Json = False) -> int:
    """Sync two days of the sample feed in a home of their own, and show what changed."""
    with tempfile.TemporaryDirectory(prefix="orchestration-demo-") as folder, serve(Path(folder) / "feed") as base_url:
        days = [_day(Path(folder), day, base_url, shown=not as_json) for day in DAYS]
    if as_json:
        print_json(days)
    return 0 if all(day["as_expected"] for day in days) else SOME_FAILED


def _day(folder: Path, day: int, base_url: str, *, shown: bool) -> dict[str, Any]:
    note(f"Day {day}: writing the sample feed")
    feed = write_feed(folder / "feed", day=day, base_url=base_url)
    settings = load_settings(
        home=folder / "home", database_url=None, dagster_database_url=None, object_store=None,
        promidata_base_url=base_url,
        image_retry_seconds=1.0, family_retry_seconds=1.0, log_level="ERROR",
    )  # fmt: skip
    started = time.monotonic()
    with conductor(settings) as conduct:
        conduct.sync(SyncOptions())
        seconds = time.monotonic() - started
        conduct.render()
        conduct.check()
        changes = _changes(conduct)
    summary = conduct.catalogue.tally.summary(seconds)
    differences = _unexpected(summary, feed)
    if shown:
        _show(day, summary, changes, differences)
    return {"day": day, "summary": summary, "changes": len(changes), "as_expected": not differences}


def _changes(conduct: Conductor) -> list[dict[str, Any]]:
    """The changes of this day's syncs, without the families that came whole."""
    with conduct.catalogue.database.begin() as connection:
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
            (row["key"], row["kind"], row["field"], *map(_cut, told(row["before"], row["after"]))) for row in changes
        ]
        print_table(f"Changes of day {day}", ("key", "kind", "field", "before", "after"), rows[:SHOWN_CHANGES])
        if len(rows) > SHOWN_CHANGES:
            out.print(f"... and {len(rows) - SHOWN_CHANGES} more")
    for difference in differences:
        out.print(f"UNEXPECTED {difference}", style="red")


def _cut(text: str) -> str:
    return text if len(text) <= COLUMN_WIDTH else f"{text[: COLUMN_WIDTH - 1]}…"
