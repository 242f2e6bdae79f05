"""The catalogue against a rival: whole syncs, each a command of its own, over the same served feed in the same run.

    python -m orchestration_tests.benchmarks catalogue             the races
    python -m orchestration_tests.benchmarks.catalogue             seconds a family as the feed grows a hundredfold

The server of the feed and PostgreSQL are processes of their own, and their CPU is not counted. The marks: a strong Node
program of the same job took 7 s (7 CPU s) for 600 families with 207 MB of JSON and 2,000 images of 160 kB, 22 s with
80 ms of latency, and 47 s (29 CPU s) for 25,000 small families with 66,000 variants.
"""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import structlog

from orchestration.catalogue.catalogue import Catalogue
from orchestration.catalogue.drains import import_families, mirror_images
from orchestration.services import Services
from orchestration.settings import Settings
from orchestration.work_queue.options import DrainOptions
from orchestration_tests.benchmarks.bulk_feed import served, touch, write_bulk_feed
from orchestration_tests.benchmarks.rival import installed_rival, naive_rival
from orchestration_tests.benchmarks.timing import Race, Timing, command, median, report, report_race, rounds, timed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration_tests.benchmarks.options import Options
    from orchestration_tests.benchmarks.rival import Rival

IN_MEMORY = Path("/dev/shm")  # noqa: S108 - the feed's disk is not what is measured


class BulkSpec(NamedTuple):
    """The size of a feed."""

    title: str
    suppliers: int
    families: int
    children: float
    document_bytes: int | None = None
    images: int = 0


TINY = BulkSpec("10 families", 1, 10, 2.64)
HEAVY = BulkSpec("600 families, 207 MB, 2,000 images", 6, 600, 18, 345_000, 2_000)
WIDE = BulkSpec("25,000 small families", 25, 25_000, 2.64)
# The feed, its latency, rounds at most, and what of the time they may take.
RACES = ((HEAVY, 0.0, 3, 0.3), (HEAVY, 0.08, 3, 0.4), (WIDE, 0.0, 1, 0.3))
GROWTH = (100, 1_000, 10_000)


@contextmanager
def catalogue_over(base_url: str) -> Iterator[Catalogue]:
    """A catalogue with a database and a store of its own."""
    with tempfile.TemporaryDirectory(prefix="orchestration-bench-") as folder, ExitStack() as stack:
        services = Services(Settings(home=Path(folder), promidata_base_url=base_url))
        stack.callback(services.close)
        _ = services.database
        yield Catalogue(services)


@contextmanager
def feed_of(spec: BulkSpec, latency: float = 0.0) -> Iterator[tuple[Path, str]]:
    """A served feed of this size: its folder and URL."""
    place = IN_MEMORY if IN_MEMORY.is_dir() else None
    with (
        tempfile.TemporaryDirectory(prefix="orchestration-feed-", dir=place) as folder,
        served(Path(folder), latency) as url,
    ):
        write_bulk_feed(
            Path(folder),
            base_url=url,
            suppliers=spec.suppliers,
            families=spec.families,
            children=spec.children,
            document_bytes=spec.document_bytes,
            images_per_family=spec.images / spec.families,
        )
        yield Path(folder), url


def sync(catalogue: Catalogue) -> None:
    """A whole sync without Dagster: plan, import, mirror."""
    feed = asyncio.run(catalogue.read_feed())
    list(catalogue.plan_suppliers(feed))
    until_empty = DrainOptions(idle_seconds=None)
    asyncio.run(import_families(catalogue, lambda _: None, until_empty))
    asyncio.run(mirror_images(catalogue, lambda _: None, lambda _: None, until_empty))


@contextmanager
def migrated_home(base_url: str) -> Iterator[dict[str, str]]:
    """The variables of a system over this feed whose database stands, and runs."""
    with catalogue_over(base_url) as catalogue:
        home = {"ORCHESTRATION_HOME": str(catalogue.settings.home), "PROMIDATA_BASE_URL": base_url}
        command("env", variables=home)  # makes Dagster's tables
        yield home


def race(spec: BulkSpec, rival: Rival, latency: float, most: int, seconds: float) -> Iterator[Race]:
    """Ours from nothing, again unchanged, and with 1 % changed; where the rival has no like, beside its first."""
    ours: dict[str, list[Timing]] = {"first": [], "unchanged": [], "1 % changed": []}
    theirs: dict[str, list[Timing]] = {name: [] for name in ours}
    with feed_of(spec, latency) as (folder, url):
        for _ in rounds(most, seconds):
            for name, timing in zip(theirs, rival.sync(url, spec.families), strict=False):
                theirs[name].append(timing)
            with migrated_home(url) as variables:
                for name, timings in ours.items():
                    if name == "1 % changed":
                        touch(folder, spec.families // 100)
                    timings.append(command("sync", "--json", variables=variables))
    for name, timings in ours.items():
        raced = theirs[name] or theirs["first"]
        all_of_it = "" if theirs[name] else ", all of it"
        title = f"sync {spec.title}, {1000 * latency:.0f} ms: {name}"
        yield Race(title, median(timings), median(raced), f"{rival.name}{all_of_it}")


def races(options: Options) -> Iterator[Race]:
    """Whole syncs with and without latency, and a wide feed."""
    with ExitStack() as stack:
        folder = options.rival
        rival = stack.enter_context(installed_rival(folder)) if folder else naive_rival(catalogue_over)
        if folder:
            with feed_of(TINY) as (_, url):
                rival.sync(url, TINY.families)  # installs its packages
        for spec, latency, most, share in RACES:
            for raced in race(spec, rival, latency, most, share * options.seconds):
                report_race(raced)
                yield raced


def growth() -> None:
    """Seconds a family as the feed grows a hundredfold."""
    print("\nGrowth, small families")
    for families in GROWTH:
        spec = BulkSpec("", max(1, families // 1000), families, 2.64)
        with feed_of(spec) as (_, url), catalogue_over(url) as catalogue:
            found: list[Timing] = []
            with timed(found):
                sync(catalogue)
            report(f"{families} families", found[0], items=families, what="families")


def main() -> None:
    """Show how syncs grow."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    growth()


if __name__ == "__main__":
    main()
