"""What a run of the mockups records: each SKU's newest jobs with pictures, by stage, and the counts of the whole run.

It holds sums and their form. Keep out: how events are stored (`runtime.recording`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration.errors import OrchestrationError
from orchestration.mockups.mockup_request import OutputKind, StageName
from orchestration.mockups.tasks.outcomes import Rendering
from orchestration.mockups.views.angles import ANGLES
from orchestration.runtime.metadata import PICTURE_PIXELS, PICTURES_PER_RUN, full_size, markdown_table, picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.mockups.jobs.model import StoredOutput
    from orchestration.mockups.tasks.outcomes import RenderedJob
    from orchestration.runtime.recording import PartitionRecorder
    from orchestration.services import Services

SAMPLES = 4
SHOWN_FAILURES = 50
# The name of the summary's metadata that holds the reason of each job without pictures, for programs.
PROBLEMS = "problems"
# The pictures of each stage that are shown, by kind and angle, the first one first.
_SHOWN = {
    StageName.COMPOSITES: [(OutputKind.COMPOSITE, "")],
    StageName.STILLS: [(OutputKind.STILL, angle) for angle in ANGLES],
    StageName.TURNTABLES: [(OutputKind.POSTER, "")],
}


class MockupReport:
    """Adds up a run by SKU and as a whole."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._objects = services.objects
        self._left = dict.fromkeys(StageName, PICTURES_PER_RUN)
        self._counts: Counter[Rendering] = Counter()
        self._problems: dict[str, str] = {}
        self._jobs: defaultdict[str, dict[str, RenderedJob]] = defaultdict(dict)

    @property
    def skus(self) -> Sequence[str]:
        """The SKUs that the run did something for."""
        return list(self._jobs)

    def record(self, rendered: Sequence[RenderedJob]) -> None:
        """Count a batch; what will be tried again is no failure yet."""
        for job in rendered:
            if not job.is_final:
                continue
            self._jobs[job.sku][job.job_id] = job
            self._counts[job.outcome] += 1
            if job.problem and len(self._problems) < SHOWN_FAILURES:
                self._problems[job.job_id or job.sku] = job.problem

    def summary(self) -> dict[str, Any]:
        """How many jobs of the run ended how, and why the first that failed did, by job."""
        counts: dict[str, Any] = {outcome.value: self._counts[outcome] for outcome in Rendering}
        return counts | {PROBLEMS: dg.MetadataValue.json(self._problems)}

    def finish(self, stage: StageName, recorder: PartitionRecorder) -> None:
        """Record a stage of every SKU: as failed if a job of it lacks that stage because it failed."""
        for sku in sorted(self._jobs):
            jobs = list(self._jobs[sku].values())
            failed = [job for job in jobs if job.outcome is Rendering.FAILED and not _files(job, stage)]
            done = [job for job in jobs if _files(job, stage)]
            if failed:
                recorder.failed(sku, _reason(failed, jobs), self._metadata(stage, done) if done else None)
            elif done:
                recorder.materialized(sku, self._metadata(stage, done))

    def _metadata(self, stage: StageName, jobs: Sequence[RenderedJob]) -> dict[str, Any]:
        newest = sorted(jobs, key=lambda job: job.job_id, reverse=True)
        files = [one for job in jobs for one in _files(job, stage)]
        found: dict[str, Any] = {
            "jobs": len(jobs),
            "reused": sum(job.outcome is Rendering.REUSED for job in jobs),
            "files": len(files),
            "bytes": sum(one.bytes for one in files),
            "milliseconds": round(sum(job.milliseconds.get(stage, 0.0) for job in jobs), 1),
            "newest": dg.MetadataValue.md(markdown_table(_COLUMNS, [_row(job, stage) for job in newest])),
        }
        found |= self._samples(stage, newest)
        if warnings := [row for job in newest for row in _warnings(job, stage)]:
            found["warnings"] = dg.MetadataValue.md(markdown_table(("job", "picture", "what", "found"), warnings))
        return found

    def _samples(self, stage: StageName, newest: Sequence[RenderedJob]) -> dict[str, dg.MetadataValue[Any]]:
        """Of one job, all views; of several, the first one of each."""
        shown = _SHOWN[stage] if len(newest) == 1 else _SHOWN[stage][:1]
        samples: dict[str, dg.MetadataValue[Any]] = {}
        for number, job in enumerate(newest[:SAMPLES], start=1):
            by_place = {(one.kind, one.angle): one.object_key for one in job.outputs}
            for place in shown:
                name = place[1] or f"sample_{number}" if len(newest) == 1 else f"sample_{number}"
                if drawn := self._drawn(stage, by_place.get(place), place[1] or job.job_id[-6:]):
                    samples[name] = dg.MetadataValue.md(drawn)
                    samples |= full_size(self._services, name, by_place.get(place))
        return samples

    def _drawn(self, stage: StageName, key: str | None, caption: str) -> str | None:
        """A small picture in Markdown; None when there is none, or enough have been shown."""
        if key is None or self._left[stage] == 0:
            return None
        self._left[stage] -= 1
        try:
            return picture(caption, _on_white(self._objects.get(key)))
        except OrchestrationError:
            return None  # an object that is gone has a check of its own


def _on_white(image: bytes) -> bytes:
    """The picture, small and without transparency, which would take most of the bytes that one in place may have."""
    import pyvips

    try:
        small = pyvips.Image.thumbnail_buffer(image, 2 * PICTURE_PIXELS)
        flat = small.flatten(background=[255, 255, 255]) if small.hasalpha() else small
        body: bytes = flat.jpegsave_buffer(Q=90)
    except pyvips.Error:
        return image
    return body


_COLUMNS = ("job", "preset", "fabric", "outcome", "files", "size")


def _files(job: RenderedJob, stage: StageName) -> list[StoredOutput]:
    return [one for one in job.outputs if one.kind.stage is stage]


def _row(job: RenderedJob, stage: StageName) -> tuple[object, ...]:
    files = _files(job, stage)
    sizes = dict.fromkeys(f"{one.width} x {one.height}" for one in files)
    return job.job_id, job.preset, job.fabric, job.outcome.value, len(files), ", ".join(sizes)


def _warnings(job: RenderedJob, stage: StageName) -> list[tuple[object, ...]]:
    """What the visual checks of the job's pictures found, and what the print will be like."""
    rows: list[tuple[object, ...]] = []
    for one in _files(job, stage):
        picture = f"{one.kind.value} {one.angle}".strip()
        checks = one.facts.get("checks") or {}
        rows += [(job.job_id, picture, name, found["message"]) for name, found in checks.items() if not found["passed"]]
        if (verdict := one.facts.get("verdict", "printable")) != "printable":
            rows.append((job.job_id, picture, "verdict", verdict))
    return rows


def _reason(failed: Sequence[RenderedJob], jobs: Sequence[RenderedJob]) -> str:
    """Why the SKU is recorded as failed; names the job when others of the SKU were done."""
    first = failed[0]
    if len(jobs) == 1:
        return f"{first.job_id}: {first.problem}" if first.job_id else first.problem
    return f"{len(failed)} of {len(jobs)} render jobs failed; {first.job_id}: {first.problem}"
