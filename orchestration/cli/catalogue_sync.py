"""A whole sync of the catalogue through Dagster: its jobs in their order, and what they did together.

It serves the command, the demo and `up`. Keep out: printing (`catalogue_commands`).
"""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from mmap import mmap
from typing import TYPE_CHECKING, Any

from orchestration.catalogue.defs.families import product_families
from orchestration.catalogue.defs.families_metadata import LOST, ODD, VARIANTS_HELD_BACK
from orchestration.catalogue.defs.feed import FeedConfig, supplier_feed
from orchestration.catalogue.defs.feed_metadata import HELD_BACK, PLANNED, SYNCS
from orchestration.catalogue.defs.image_variants import image_variants
from orchestration.catalogue.defs.images import FAILED_IMAGES, MIRRORED, family_images
from orchestration.catalogue.families.quarantine import list_quarantine
from orchestration.catalogue.feed.problems import list_problems
from orchestration.catalogue.feed.sync_runs import SyncCounts, sync_counts
from orchestration.cli.job_runner import UNTIL_EMPTY, JobRunner, RunOutcome, job_runner
from orchestration.cli.second_process import SecondProcess, may_fork
from orchestration.errors import StoppedError
from orchestration.runtime.assets import run_config
from orchestration.runtime.partition_keys import decode_key, encode_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from orchestration.catalogue.catalogue import Catalogue
    from orchestration.settings import Settings

DOMAIN = ("catalogue",)
# An import that takes longer has a second process mirror beside it.
LONG_SECONDS = 0.4
# How often that one looks for the end of the import, and for the first images.
LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class SyncOptions:
    """What `orchestration sync` was asked for."""

    suppliers: Sequence[str] = ()
    full: bool = False
    allow_mass_removal: bool = False


@dataclass
class SyncSummary:
    """What a sync did, and what went wrong: by line, supplier, family or URL, with the reasons.

    `counts` are those of the rows with the ids `syncs`. `unlisted` are counts of suppliers whose plan wrote no row,
    since nothing had changed. `images` are counts by outcome. `odd_lines` were taken all the same; `lost_parts`
    are variants and pictures that families were imported without, `odd_parts` are fields. `stopped` is set when a
    signal ended the sync early.
    """

    syncs: Sequence[int] = ()
    suppliers: int = 0
    unlisted: Mapping[str, int] = field(default_factory=dict)
    counts: SyncCounts = field(default_factory=SyncCounts)
    images: Mapping[str, int] = field(default_factory=dict)
    category_rows: int = 0
    refused_lines: Mapping[str, str] = field(default_factory=dict)
    odd_lines: Mapping[str, str] = field(default_factory=dict)
    lost_parts: Mapping[str, str] = field(default_factory=dict)
    odd_parts: Mapping[str, str] = field(default_factory=dict)
    held_back: Mapping[str, str] = field(default_factory=dict)
    quarantined: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    failed_images: Mapping[str, str] = field(default_factory=dict)
    stopped: StoppedError | None = None

    @property
    def has_failures(self) -> bool:
        """Whether something needs an operator: the command then exits with 1."""
        dead_images = self.images.get("failed", 0)
        problems = self.refused_lines or self.held_back or self.quarantined or self.failed or self.lost_parts
        return bool(problems or self.counts.failed or dead_images)

    def as_json(self, seconds: float) -> dict[str, Any]:
        """The one line of `orchestration sync --json`; `seconds` is how long it took."""
        counts = self.counts
        families = {
            "added": counts.added,
            # A restored family is one that the feed lists again: a change of what is published.
            "changed": counts.changed + counts.restored,
            "removed": counts.removed,
            "unchanged": counts.unchanged,
            "quarantined": counts.quarantined,
            "failed": counts.failed,
            "held_back": counts.held_back,
        }
        return {
            "suppliers": self.suppliers,
            "families": {name: count + self.unlisted.get(name, 0) for name, count in families.items()},
            "variants": counts.variants,
            "images": {name: self.images.get(name, 0) for name in ("stored", "deduplicated", "failed")},
            "documents_downloaded": counts.documents,
            "rows_written": counts.rows_written + self.category_rows,
            "seconds": round(seconds, 3),
        }


class MirrorProcess(SecondProcess[[], "RunOutcome | None"]):
    """The second process of a sync: it mirrors images while the first imports families."""

    def __init__(self, settings: Settings) -> None:
        self._has_ended = mmap(-1, 1)  # a byte that both processes see
        super().__init__(partial(_mirror_beside, settings, self._has_ended))

    @contextmanager
    def beside_import(self) -> Iterator[Future[RunOutcome | None]]:
        """Mirror beside the block, which imports, and until the queue of images is empty then.

        The outcome is None when the block ended before there were images.
        """
        self._has_ended[0] = False
        try:
            yield self.start()
        finally:
            self._has_ended[0] = True


@contextmanager
def mirror_process(settings: Settings) -> Iterator[MirrorProcess | None]:
    """The second process of a sync, to be entered before anything else is opened; None where it cannot be forked."""
    if not may_fork():
        yield None
        return
    with MirrorProcess(settings) as mirror:
        yield mirror


def sync_catalogue(runner: JobRunner, options: SyncOptions, mirror: MirrorProcess | None = None) -> SyncSummary:
    """Plan the feed, and do all the work that it asks for; images beside families with a process that mirrors.

    A termination signal ends it after the run that it met; the summary then says what was done until there.
    """
    summary = SyncSummary()
    try:
        _run_jobs(runner, options, mirror, summary)
    except StoppedError as error:
        summary.stopped = error
    with runner.domains.catalogue.database.connect() as connection:
        summary.counts = sync_counts(connection, summary.syncs)
    return summary


def _run_jobs(runner: JobRunner, options: SyncOptions, mirror: MirrorProcess | None, summary: SyncSummary) -> None:
    catalogue = runner.domains.catalogue
    _plan(runner, options, summary)
    if runner.has_work(catalogue.family_queue):
        if mirror is None:
            _import(runner, summary)
        else:
            _import_and_mirror(runner, mirror, summary)
    _mirror_rest(runner, summary)
    if runner.shutdown.is_requested and runner.has_work(catalogue.family_queue, catalogue.image_queue):
        raise StoppedError("Stopped by a signal; what is left is still queued, run the command again")


def render_images(runner: JobRunner) -> RunOutcome:
    """Make the renditions that are queued."""
    return runner.run("catalogue_render", run_config(image_variants, UNTIL_EMPTY))


def check_catalogue(runner: JobRunner) -> RunOutcome:
    """Run the catalogue's checks."""
    return runner.run("catalogue_check")


def quarantined_families(catalogue: Catalogue) -> dict[str, str]:
    """The families in quarantine, with the reasons."""
    with catalogue.database.connect() as connection:
        return {entry.a_number: entry.reason for entry in list_quarantine(connection)}


def sort_failures(catalogue: Catalogue, outcome: RunOutcome) -> tuple[dict[str, str], dict[str, str]]:
    """The failures of an import by family: those that are in quarantine, and the others."""
    held = quarantined_families(catalogue)
    reasons = {decode_key(key): reason for key, reason in outcome.failed.items()}
    quarantined = {a_number: reason for a_number, reason in reasons.items() if a_number in held}
    return quarantined, {a_number: reason for a_number, reason in reasons.items() if a_number not in held}


def _plan(runner: JobRunner, options: SyncOptions, summary: SyncSummary) -> None:
    config = FeedConfig(
        keys=[encode_key(code) for code in options.suppliers],
        full=options.full,
        allow_mass_removal=options.allow_mass_removal,
    )
    outcome = runner.run("catalogue_sync", run_config(supplier_feed, config))
    runner.problems += outcome.failed.values()
    planned = outcome.metadata.get(PLANNED, {})
    summary.suppliers = planned.get("suppliers", 0)
    summary.unlisted = planned
    summary.category_rows = outcome.metadata.get("rows_written", 0)
    summary.held_back = outcome.metadata.get(HELD_BACK, {})
    summary.syncs = outcome.metadata.get(SYNCS, [])
    if PLANNED not in outcome.metadata:
        return  # what is stored of the feed's lines is of another reading
    with runner.domains.catalogue.database.connect() as connection:
        problems = list_problems(connection, options.suppliers)
    summary.refused_lines = {str(one): one.reason for one in problems if one.is_refused}
    summary.odd_lines = {str(one): one.reason for one in problems if not one.is_refused}


def _import_and_mirror(runner: JobRunner, mirror: MirrorProcess, summary: SyncSummary) -> None:
    runner.shutdown.call(mirror.terminate)
    with mirror.beside_import() as mirroring:
        _import(runner, summary)
    try:
        _mirror_rest(runner, summary)  # both do
    finally:
        _count_beside(runner, mirroring, summary)


def _count_beside(runner: JobRunner, mirroring: Future[RunOutcome | None], summary: SyncSummary) -> None:
    try:
        mirrored = mirroring.result()
    except BrokenProcessPool:
        if not runner.shutdown.is_requested:
            runner.problems.append("The process that mirrored images was killed; what it left is mirrored by this one")
        return
    if mirrored is not None:
        runner.count_problems(mirrored)
        _count_images(summary, mirrored)


def _mirror_beside(settings: Settings, has_ended: mmap) -> RunOutcome | None:
    if _ends_within(LONG_SECONDS, has_ended):
        return None
    with job_runner(settings, DOMAIN) as runner:
        while not (_ends_within(LOOK_SECONDS, has_ended) or runner.shutdown.is_requested):
            if runner.has_work(runner.domains.catalogue.image_queue):
                return _mirror(runner)
    return None


def _ends_within(seconds: float, has_ended: mmap) -> bool:
    until = time.monotonic() + seconds
    while not has_ended[0] and (left := until - time.monotonic()) > 0:
        time.sleep(min(left, LOOK_SECONDS))
    return bool(has_ended[0])


def _import(runner: JobRunner, summary: SyncSummary) -> None:
    outcome = runner.run("catalogue_import", run_config(product_families, UNTIL_EMPTY))
    summary.quarantined, summary.failed = sort_failures(runner.domains.catalogue, outcome)
    summary.held_back = dict(summary.held_back) | outcome.metadata.get(VARIANTS_HELD_BACK, {})
    summary.lost_parts = outcome.metadata.get(LOST, {})
    summary.odd_parts = outcome.metadata.get(ODD, {})


def _mirror_rest(runner: JobRunner, summary: SyncSummary) -> None:
    if runner.has_work(runner.domains.catalogue.image_queue):
        _count_images(summary, _mirror(runner))


def _mirror(runner: JobRunner) -> RunOutcome:
    return runner.run("catalogue_mirror", run_config(family_images, UNTIL_EMPTY))


def _count_images(summary: SyncSummary, outcome: RunOutcome) -> None:
    summary.images = Counter(summary.images) + Counter(outcome.metadata.get(MIRRORED, {}))
    summary.failed_images = dict(summary.failed_images) | outcome.metadata.get(FAILED_IMAGES, {})
