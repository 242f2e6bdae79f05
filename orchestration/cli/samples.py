"""The sample orders, mockups, histories and canvas projects, loaded and worked through by the product's own jobs.

`up` and `demo` show the same samples. Keep out: what the samples are (`orchestration.demo`).
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from orchestration.cli.canvas_commands import check_canvas, save_due
from orchestration.cli.catalogue_sync import SyncOptions, check_catalogue, sync_catalogue
from orchestration.cli.gallery_commands import check_gallery, mirror, refresh_signup, render_images
from orchestration.cli.gc_commands import collect
from orchestration.cli.job_runner import job_runner
from orchestration.cli.mockups_commands import check_mockups, render_mockups
from orchestration.cli.output import note
from orchestration.cli.previews_commands import check_previews, render_previews
from orchestration.cli.prints_commands import check_prints, notify, render_prints
from orchestration.demo.canvas_media import SAMPLE_MEDIA, load_media
from orchestration.demo.days import FIRST_DAY, NEXT_DAY
from orchestration.demo.feed import write_feed
from orchestration.demo.histories import SAMPLE_HISTORIES, SAMPLE_SEED, load_histories, served_pictures
from orchestration.demo.mockups import sample_mockups
from orchestration.demo.orders import write_orders
from orchestration.demo.previews import TRACK, sample_jobs, write_track
from orchestration.demo.projects import SAMPLE_PROJECTS, load_projects
from orchestration.mockups.jobs.submission import submit
from orchestration.observability.logs import configure_logging
from orchestration.prints.orders.csv_rows import read_csv

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestration.cli.job_runner import JobRunner, RunOutcome
    from orchestration.demo.canvas_media import LoadedMedia
    from orchestration.demo.histories import LoadedHistories
    from orchestration.demo.projects import LoadedProjects
    from orchestration.settings import Settings


class CanvasSamples(NamedTuple):
    """What was loaded, and the runs that saved the projects and collected their media."""

    projects: LoadedProjects
    media: LoadedMedia
    saved: RunOutcome
    collected: RunOutcome


def load_all(settings: Settings, root: Path, base_url: str) -> bool:
    """Sync the first day of the sample feed, which `root` is served from, and load the samples of every domain.

    False when a run failed as a whole, which is said.

    The next day lies in `root` then, so that sensors find something to do. What an earlier call has loaded stays as it
    is, so one that was interrupted is made whole by another.
    """
    note("Syncing the first day of the sample feed")
    write_feed(root, day=FIRST_DAY, base_url=base_url)
    with job_runner(settings) as runner, _logging_to(settings.home / "logs" / "samples.jsonl", settings.log_level):
        sync_catalogue(runner, SyncOptions())
        check_catalogue(runner)
        note("Rendering the sample orders, and loading the sample histories, canvas projects and previews")
        print_samples(runner, root / "orders.csv")
        submit_mockup_samples(runner)
        load_gallery_samples(runner, root, base_url)
        canvas_samples(runner)
        # The next day's pictures are those that are served from now on.
        write_feed(root, day=NEXT_DAY, base_url=base_url)
        # The sensor's drain renders them, so that there is something to watch.
        queue_preview_samples(runner, root, base_url)
        for problem in runner.problems:
            note(f"{problem}; the next start loads what is missing")
        return not runner.problems


@contextmanager
def _logging_to(file: Path, level: str) -> Iterator[None]:
    """Keep the console to a line for each step."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as stream:
        configure_logging(level, stream)
        try:
            yield
        finally:
            configure_logging(level)


def print_samples(runner: JobRunner, file: Path) -> RunOutcome:
    """Write the sample orders to `file`, import and render them, and report the finished ones to the shop."""
    runner.domains.prints.import_orders(read_csv(write_orders(file).read_bytes()))
    rendered = render_prints(runner)
    notify(runner)
    check_prints(runner)
    return rendered


def submit_mockup_samples(runner: JobRunner) -> int:
    """Submit the sample mockups, for shirts that the catalogue has; how many."""
    mockups = runner.domains.mockups
    with mockups.database.connect() as connection:
        wishes = list(sample_mockups(connection))
    for wish in wishes:
        asyncio.run(submit(mockups, wish))
    return len(wishes)


def mockup_samples(runner: JobRunner) -> RunOutcome:
    """Submit the sample mockups and render them."""
    submit_mockup_samples(runner)
    rendered = render_mockups(runner)
    check_mockups(runner)
    return rendered


def load_gallery_samples(runner: JobRunner, feed: Path, base_url: str) -> LoadedHistories:
    """Load the sample histories, with pictures that the sample feed in the folder `feed` serves."""
    pictures = served_pictures(feed, base_url)
    return load_histories(runner.domains.gallery.database, SAMPLE_HISTORIES, SAMPLE_SEED, pictures=pictures)


def show_gallery_samples(runner: JobRunner) -> None:
    """Mirror the histories with the smaller forms of their images, and choose the signup images."""
    mirror(runner)
    render_images(runner)
    refresh_signup(runner)
    check_gallery(runner)


def canvas_samples(runner: JobRunner) -> CanvasSamples:
    """Load the sample projects and media, save the projects, and mark the media that nothing refers to."""
    projects = load_projects(runner.domains.canvas.database, SAMPLE_PROJECTS, SAMPLE_SEED)
    media = load_media(runner.domains.services, SAMPLE_MEDIA, SAMPLE_SEED)
    saved = save_due(runner)
    collected = collect(runner)
    check_canvas(runner)
    return CanvasSamples(projects, media, saved, collected)


def queue_preview_samples(runner: JobRunner, feed: Path, base_url: str) -> None:
    """Queue the sample previews, of pictures and music that the sample feed in the folder `feed` serves."""
    write_track(feed)
    for document in sample_jobs(served_pictures(feed, base_url), f"{base_url}/{TRACK}"):
        runner.domains.previews.submit(document)


def preview_samples(runner: JobRunner, feed: Path, base_url: str) -> RunOutcome:
    """Queue the sample previews and render them."""
    queue_preview_samples(runner, feed, base_url)
    rendered = render_previews(runner)
    check_previews(runner)
    return rendered
