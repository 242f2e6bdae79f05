"""The commands on render jobs: submitting, following, retrying and cleaning up.

Options, and the form of results. Keep out: the work, the matrix (`mockups_matrix`), and what needs no database
(`mockup_commands`). Only what runs jobs imports Dagster, which takes as long as the rest of a command.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from orchestration.cli import mockup_commands
from orchestration.cli.mockup_commands import fail_with, parse_offset, read_design_file
from orchestration.cli.mockups_matrix import mockups_matrix
from orchestration.cli.options import Json, open_services, settings_for
from orchestration.cli.output import DONE, SOME_FAILED, STOPPED, console, note, print_json, print_table
from orchestration.errors import ConfigurationError, OrchestrationError
from orchestration.imports import lasting
from orchestration.mockups.garments.names import DEFAULT_TEMPLATE
from orchestration.mockups.jobs.model import JobFilters, JobOptions, Order, RetryOverrides
from orchestration.mockups.jobs.rows import media_entries, outputs_of
from orchestration.mockups.jobs.submission import FurtherPrint, Submission, submit
from orchestration.mockups.mockup_request import InkMode, RenderMode
from orchestration.mockups.mockups import Mockups
from orchestration.mockups.presets import Preset
from orchestration.mockups.statuses import JobStatus
from orchestration.mockups.tasks.outcomes import Rendering
from orchestration.runtime.partition_keys import encode_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from orchestration.cli.job_runner import JobRunner, RunOutcome
    from orchestration.mockups.defs.pictures import MockupConfig
    from orchestration.mockups.jobs.model import RenderJob, StoredOutput

LISTED_FAILURES = 20

Product = Annotated[str, typer.Option(help="The product: the a_number of a family in the catalogue.")]
Variant = Annotated[str | None, typer.Option(help="The SKU of one of its variants, whose colour the fabric has.")]
Jobs = Annotated[list[str], typer.Argument(metavar="JOB...", help="The jobs' ids.")]
Skus = Annotated[list[str] | None, typer.Option("--sku", help="Only this SKU; may be repeated.")]


def register(app: typer.Typer) -> None:
    """Add the group `mockups` to `app`."""
    group = typer.Typer(help="Render jobs of mockups, garments and colours.", no_args_is_help=True)
    commands = (
        mockups_submit, mockups_status, mockups_list, mockups_retry, mockups_stats, mockups_matrix, mockups_drain,
        mockups_cancel, mockups_delete, mockups_restore, mockups_cleanup,
    )  # fmt: skip
    for command in commands:
        group.command(command.__name__.removeprefix("mockups_"))(command)
    mockup_commands.add_to(group)
    app.add_typer(group, name="mockups")


def render_mockups(runner: JobRunner, config: MockupConfig | None = None) -> RunOutcome:
    """Render the jobs that are due, or as `config` asks; the outcome's metadata has their counts."""
    from orchestration.mockups.defs.pictures import MockupConfig, pictures
    from orchestration.runtime.assets import run_config

    return runner.run("mockups_render", run_config(pictures, config or MockupConfig(idle_seconds=None)))


def check_mockups(runner: JobRunner) -> None:
    """Run the checks of mockups."""
    runner.run("mockups_check")


def mockup_counts(outcome: RunOutcome) -> dict[str, int]:
    """How many render jobs of a run ended how."""
    return {ending.value: outcome.metadata.get(ending.value, 0) for ending in Rendering}


def mockups_submit(
    *,
    product: Product,
    variant: Variant = None,
    design: mockup_commands.Designs = None,
    text: Annotated[str | None, typer.Option(help="A text as the design, instead of a picture.")] = None,
    text_colour: Annotated[str | None, typer.Option("--text-colour", help="The letters' colour.")] = None,
    preset: mockup_commands.Presets = None,
    fabric: Annotated[str | None, typer.Option(help="Instead of the variant's colour: a name or #RRGGBB.")] = None,
    background: Annotated[str | None, typer.Option(help="A colour as --fabric's, or transparent.")] = None,
    mode: Annotated[RenderMode, typer.Option(help="Which pictures are made.")] = RenderMode.ALL,
    size: Annotated[int | None, typer.Option(min=64, max=4096, help="Side of a still in pixels.")] = None,
    samples: Annotated[int | None, typer.Option(min=1, max=4096, help="Samples of each pixel.")] = None,
    frames: Annotated[int | None, typer.Option(min=2, max=720, help="Frames of one turn.")] = None,
    template: Annotated[str | None, typer.Option(help="The garment; see `mockups garments`.")] = None,
    garment_size: Annotated[str | None, typer.Option(help="The size that is shown, such as L.")] = None,
    width_mm: Annotated[float | None, typer.Option(help="Width of the print, instead of the preset's.")] = None,
    offset_mm: Annotated[str | None, typer.Option(help="Shift of the print in mm, right,down: 10,-20.")] = None,
    ink: Annotated[InkMode, typer.Option(help="How it is printed.")] = InkMode.AUTO,
    metadata: Annotated[str | None, typer.Option(help="A JSON object that is kept with the job.")] = None,
    as_json: Json = False,
) -> None:
    """Submit a mockup; a drain renders it, by itself while `orchestration up` runs."""
    options = JobOptions(
        fabric=fabric, background=background, mode=mode, ink=ink, garment_size=garment_size, still_size=size,
        samples=samples, frames=frames, text=text, text_colour=text_colour, width_mm=width_mm,
        offset_mm=parse_offset(offset_mm),
    )  # fmt: skip
    try:
        wish = _submission(
            (product, variant), designs=design or [], presets=preset or [], options=options, template=template,
            metadata=_parsed(metadata),
        )  # fmt: skip
        with open_services() as services:
            job = asyncio.run(submit(Mockups(services), wish))
    except OrchestrationError as error:
        fail_with(error, as_json=as_json)
    if as_json:
        print_json(job_document(job))
    else:
        # Whatever the product is, it is shown on a garment: one that was not named is better said.
        shown = f"{job.template_id or DEFAULT_TEMPLATE} in {job.options.fabric}"
        how = f"`orchestration mockups status {job.id}` shows how far it is"
        console().print(f"{job.id} is {job.status}: a {shown}; {how}")


def mockups_status(
    job: Annotated[str | None, typer.Argument(metavar="[JOB]", help="The job's id.")] = None, *, as_json: Json = False
) -> None:
    """Show one job with its files, or how many jobs are in each state and in the queue."""
    with open_services() as services:
        mockups = Mockups(services)
        if job is not None:
            with mockups.render_jobs() as jobs:
                found = jobs.retrieve(job)
            with mockups.database.connect() as connection:
                outputs = outputs_of(connection, [job]).get(job, [])
            _print_job(mockups, found, outputs, as_json=as_json)
            return
        with mockups.render_jobs() as jobs:
            stats = jobs.stats()
        with mockups.database.connect() as connection:
            counts = mockups.render_queue.counts(connection)
    if as_json:
        print_json({"jobs": stats._asdict(), "queue": counts})
        return
    print_table("Render jobs", stats._fields, [stats])
    row = (counts.waiting, counts.active, counts.delayed, counts.failed)
    print_table("Queue", ("waiting", "active", "delayed", "failed"), [row])


def mockups_list(
    *,
    product: Annotated[str | None, typer.Option(help="Jobs of this product.")] = None,
    variant: Annotated[str | None, typer.Option(help="Jobs of this variant.")] = None,
    sku: Annotated[str | None, typer.Option(help="Jobs of this garment: the variant's SKU, or the product's.")] = None,
    status: Annotated[list[JobStatus] | None, typer.Option(help="Jobs in this state; may be repeated.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="At most so many.")] = 50,
    offset: Annotated[int, typer.Option(min=0, help="Pass over so many.")] = 0,
    order: Annotated[Order, typer.Option(help="By the time of creation.")] = Order.DESC,
    deleted: Annotated[bool, typer.Option("--deleted", help="Deleted jobs too.")] = False,
    as_json: Json = False,
) -> None:
    """List render jobs, newest first, and how many there are."""
    filters = JobFilters(product, variant, sku, status, limit, offset, order, deleted)
    with open_services() as services, Mockups(services).render_jobs() as jobs:
        page = jobs.list_with_count(filters)
    if as_json:
        print_json({"jobs": [job_document(job) for job in page.jobs], "total": page.total, "has_more": page.has_more})
        return
    rows = [
        (job.id, job.sku, job.status.value, f"{job.progress:.0f} %", job.preset, job.options.fabric,
         f"{job.created_at:%Y-%m-%d %H:%M}", job.error_message or "")
        for job in page.jobs
    ]  # fmt: skip
    columns = ("job", "SKU", "status", "progress", "preset", "fabric", "created", "problem")
    print_table(f"Render jobs, {len(page.jobs)} of {page.total}", columns, rows)


def mockups_retry(
    jobs: Jobs,
    *,
    preset: Annotated[Preset | None, typer.Option(help="Another preset.")] = None,
    fabric: Annotated[str | None, typer.Option(help="Another fabric.")] = None,
    background: Annotated[str | None, typer.Option(help="Another background.")] = None,
    samples: Annotated[int | None, typer.Option(min=1, max=4096, help="Other samples of each pixel.")] = None,
    as_json: Json = False,
) -> int:
    """Make a new job of each failed one, and queue it."""
    overrides = RetryOverrides(preset, fabric, background, samples)

    def retry(mockups: Mockups, job_id: str) -> dict[str, Any]:
        made = mockups.retry(job_id, overrides)
        return {"job": made.id, "retried_from": job_id, "retry_count": made.retry_count}

    return _each(jobs, retry, "{retried_from}: {job} is its retry number {retry_count}", as_json=as_json)


def mockups_stats(
    *, product: Annotated[str | None, typer.Option(help="Jobs of this product.")] = None, as_json: Json = False
) -> None:
    """Count the jobs of a product, or of all, by state."""
    with open_services() as services, Mockups(services).render_jobs() as jobs:
        stats = jobs.stats(product)
    if as_json:
        print_json({"product_id": product, **stats._asdict()})
    else:
        print_table(f"Render jobs of {product or 'all products'}", stats._fields, [stats])


def mockups_drain(*, sku: Skus = None, as_json: Json = False) -> int:
    """Render what is pending, through Dagster, in this process; with --sku, the newest job of the SKU again."""
    with lasting():
        from orchestration.cli.job_runner import job_runner
        from orchestration.mockups.defs.pictures import MockupConfig

    started = time.monotonic()
    config = MockupConfig(keys=[encode_key(name) for name in sku or ()], idle_seconds=None)
    with job_runner(settings_for()) as runner:
        outcome = render_mockups(runner, config)
    counts = mockup_counts(outcome)
    summary = {**counts, "seconds": round(time.monotonic() - started, 2)}
    if as_json:
        print_json(summary)
    else:
        print_table("Render jobs", ("what", "count"), list(summary.items()))
    note_problems(outcome)
    if runner.shutdown.is_requested:
        return STOPPED
    return DONE if outcome.success and not counts[Rendering.FAILED] else SOME_FAILED


def mockups_delete(
    jobs: Jobs,
    *,
    hard: Annotated[bool, typer.Option("--hard", help="Remove for good, with files that no other job has.")] = False,
    as_json: Json = False,
) -> int:
    """Mark jobs as deleted; they are kept for the history, and can be restored."""

    def delete(mockups: Mockups, job_id: str) -> dict[str, Any]:
        if hard:
            return {"job": job_id, "deleted": "for good", "files": len(mockups.hard_delete([job_id]))}
        with mockups.render_jobs() as service:
            service.delete(job_id)
        return {"job": job_id, "deleted": "marked", "files": 0}

    return _each(jobs, delete, "{job}: deleted ({deleted}), with {files} files", as_json=as_json)


def mockups_cancel(jobs: Jobs, *, as_json: Json = False) -> int:
    """Cancel jobs: a waiting one ends now, one that is rendered within moments; each can be retried."""

    def cancel(mockups: Mockups, job_id: str) -> dict[str, Any]:
        with mockups.database.begin() as connection:
            return {"job": job_id, "status": mockups.cancel(connection, job_id).status.value}

    return _each(jobs, cancel, "{job} is {status}", as_json=as_json)


def mockups_restore(jobs: Jobs, *, as_json: Json = False) -> None:
    """Take back the deletion of jobs."""
    with open_services() as services, Mockups(services).render_jobs() as service:
        restored = service.restore(jobs)
    if as_json:
        print_json({"restored": restored})
    else:
        console().print(f"{restored} of {len(jobs)} jobs were deleted and are there again")


def mockups_cleanup(
    *,
    days: Annotated[float | None, typer.Option(max=100_000, help="Older than so many; unset is the setting.")] = None,
    as_json: Json = False,
) -> None:
    """Mark jobs as deleted that failed long ago; their history stays."""
    if days is not None and not days > 0:
        raise ConfigurationError(f"--days {days} is no age; give more than 0")
    with open_services() as services:
        deleted = Mockups(services).clean_up(days)
    if as_json:
        print_json({"deleted": deleted})
    else:
        console().print(
            f"{deleted} failed jobs are marked as deleted; `orchestration mockups list --deleted` shows them"
        )


def note_problems(outcome: RunOutcome) -> None:
    """Print why the jobs of a run failed, the first of them."""
    from orchestration.mockups.defs.picture_metadata import PROBLEMS

    problems: Mapping[str, str] = outcome.metadata.get(PROBLEMS, {})
    for problem in outcome.problems:
        note(problem)
    for job_id, problem in list(problems.items())[:LISTED_FAILURES]:
        note(f"render job {job_id}: {problem}")
    failed = mockup_counts(outcome)[Rendering.FAILED]
    if failed > (shown := min(len(problems), LISTED_FAILURES)):
        note(f"... and {failed - shown} more; `orchestration mockups list --status failed`")


def job_document(job: RenderJob) -> dict[str, Any]:
    """A job as JSON shows it."""
    document: dict[str, Any] = msgspec.to_builtins(job)
    return document | {"retry_count": job.retry_count}


def _submission(
    garment: tuple[str, str | None],
    *,
    designs: Sequence[str],
    presets: Sequence[Preset],
    options: JobOptions,
    template: str | None,
    metadata: dict[str, Any] | None,
) -> Submission:
    """What is submitted: the first design, or a text, and a further one for the other side."""
    chosen = [preset.value for preset in presets or [Preset.CHEST_LARGE, Preset.BACK_LARGE]]
    if presets and len(presets) != max(1, len(designs)):
        raise ConfigurationError(f"{max(1, len(designs))} designs and {len(presets)} presets; give one for each design")
    files = [read_design_file(design) for design in designs]
    further = [FurtherPrint(preset, file) for preset, file in zip(chosen[1:], files[1:], strict=False)]
    return Submission(
        product_id=garment[0], variant_id=garment[1], preset=chosen[0], design=files[0] if files else None,
        template_id=template, options=options, metadata=metadata, further=tuple(further),
    )  # fmt: skip


def _parsed(metadata: str | None) -> dict[str, Any] | None:
    if metadata is None:
        return None
    try:
        return msgspec.json.decode(metadata, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ConfigurationError(f"--metadata is no JSON object: {error}") from error


def _each(job_ids: Iterable[str], act: Callable[[Mockups, str], dict[str, Any]], line: str, *, as_json: bool) -> int:
    """Do something to each job; what cannot be done to one is listed, and the rest goes on."""
    done, failed = [], {}
    with open_services() as services:
        mockups = Mockups(services)
        for job_id in dict.fromkeys(job_ids):
            try:
                done.append(act(mockups, job_id))
            except OrchestrationError as error:
                failed[job_id] = str(error)
    if as_json:
        print_json({"done": done, "failed": failed})
    else:
        for one in done:
            console().print(line.format(**one))
    for problem in failed.values():
        note(problem)
    return SOME_FAILED if failed else DONE


def _print_job(mockups: Mockups, job: RenderJob, outputs: Sequence[StoredOutput], *, as_json: bool) -> None:
    if as_json:
        print_json(job_document(job) | {"outputs": media_entries(job, outputs, mockups.link)})
        return
    facts = msgspec.to_builtins(job)
    shown = {name: value for name, value in facts.items() if value not in (None, {}, "")}
    print_table(f"Render job {job.id}", ("what", "value"), list(shown.items()))
    rows = [(one.kind.value, one.angle, f"{one.width} x {one.height}", one.bytes, one.object_key) for one in outputs]
    print_table("Files", ("kind", "view", "size", "bytes", "object"), rows)
