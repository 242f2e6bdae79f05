"""The commands of previews: the schema, validation, jobs in and out.

Arguments, and what is printed. Keep out: the work, and `orchestration preview` (`preview`), which needs no database.
Only what runs jobs imports Dagster, which takes as long as the rest of a command.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli.options import Json, open_services, settings_for
from orchestration.cli.output import DONE, SOME_FAILED, STOPPED, console, note, print_json, print_table
from orchestration.errors import ConfigurationError, ConflictError, InvalidInputError, NotFoundError, QueueFullError
from orchestration.imports import lasting
from orchestration.previews.jobs.status import job_status, queue_metrics
from orchestration.previews.payload.merge import merge, read_table
from orchestration.previews.payload.reading import UnreadablePayloadError, decode, read_payload
from orchestration.previews.payload.schema import InvalidPayloadError, schema_text
from orchestration.previews.previews import Previews

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.cli.job_runner import JobRunner, RunOutcome
    from orchestration.previews.jobs.rows import JobRow

# As the validator of the system before this one reports.
INVALID, UNREADABLE = 2, 3
LISTED_FAILURES = 20
_COUNTS = ("completed", "dryrun", "invalid", "failed", "cancelled")

File = Annotated[Path, typer.Argument(help="The payload, as JSON.")]
JobId = Annotated[str, typer.Argument(help="The job's id.", metavar="ID")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    group = typer.Typer(help="Previews: from described steps to videos.", no_args_is_help=True)
    for name, command in (
        ("schema", previews_schema), ("validate", previews_validate), ("submit", previews_submit),
        ("status", previews_status), ("drain", previews_drain), ("cancel", previews_cancel),
    ):  # fmt: skip
        group.command(name)(command)
    app.add_typer(group, name="previews")


def render_previews(runner: JobRunner) -> RunOutcome:
    """Render the preview jobs that are due."""
    from orchestration.cli.job_runner import UNTIL_EMPTY
    from orchestration.previews.defs.artifacts import artifacts
    from orchestration.runtime.assets import run_config

    return runner.run("previews_render", run_config(artifacts, UNTIL_EMPTY))


def check_previews(runner: JobRunner) -> None:
    """Run the checks of previews."""
    runner.run("previews_check")


def previews_schema() -> None:
    """Print the JSON Schema (draft-07) of a payload."""
    typer.echo(schema_text(), nl=False)


def previews_validate(file: File, as_json: Json = False) -> int:
    """Check a payload: 0 valid, 2 invalid with each fault by its path, 3 unreadable."""
    try:
        job = read_payload(decode(file.read_bytes()))
    except (OSError, UnreadablePayloadError) as error:
        problem = error.strerror if isinstance(error, OSError) else str(error)
        print_json({"valid": False, "unreadable": problem}) if as_json else note(f"{file}: {problem}")
        return UNREADABLE
    except InvalidPayloadError as error:
        if as_json:
            print_json({"valid": False, "faults": [fault._asdict() for fault in error.faults]})
        for fault in error.faults:
            note(f"{fault.path}: {fault.problem}")
        return INVALID
    print_json({"valid": True, "jobId": job.job_id}) if as_json else console().print(f"{job.job_id} is valid")
    return DONE


def previews_submit(
    file: File,
    *,
    data: Annotated[
        Path | None, typer.Option(help="A CSV file: one job for each row, its cells in {{fields}}.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Queue a preview job, or one for each row of a table."""
    rows: list[dict[str, Any]] = []
    documents = list(_documents(file, data))
    with open_services() as services:
        previews = Previews(services)
        for line, document, problem in documents:
            rows.append(_submitted(previews, line, document, problem))
    failed = [row for row in rows if "problem" in row]
    if as_json:
        print_json({"jobs": rows} if data else rows[0])
    else:
        print_table(
            "Preview jobs",
            ("job", "status", "new"),
            [(row["jobId"], row.get("status"), row.get("new")) for row in rows],
        )
    for row in failed[:LISTED_FAILURES]:
        place = f"line {row['line']}, " if data else ""
        note(f"{place}{row['jobId']}: {row['problem']}")
    return SOME_FAILED if failed else DONE


def _documents(file: Path, data: Path | None) -> Iterator[tuple[int, dict[str, Any], str | None]]:
    """Each document with its line, and why it was refused as it was merged."""
    template = _read_object(file)
    if data is None:
        yield 0, template, None
        return
    try:
        table = read_table(data.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{data} cannot be read: {error.strerror}") from error
    except InvalidInputError as error:
        raise ConfigurationError(f"{data}: {error}") from error
    for merged in merge(template, table):
        yield merged.line, merged.document or template, str(merged.error) if merged.error else None


def _read_object(file: Path) -> dict[str, Any]:
    try:
        document = decode(file.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from error
    except UnreadablePayloadError as error:
        raise ConfigurationError(f"{file}: {error}") from error
    if not isinstance(document, dict):
        raise ConfigurationError(f"{file} is no JSON object")
    return document


def _submitted(previews: Previews, line: int, document: dict[str, Any], problem: str | None) -> dict[str, Any]:
    row: dict[str, Any] = {"line": line, "jobId": str(document.get("jobId", ""))}
    if problem is not None:
        return row | {"problem": problem, "faults": []}
    try:
        submitted = previews.submit(document)
    except InvalidPayloadError as error:
        return row | {"problem": str(error), "faults": [fault._asdict() for fault in error.faults]}
    except (ConflictError, QueueFullError) as error:
        return row | {"problem": str(error)}
    return row | {"status": submitted.job.state.word, "new": submitted.is_new}


def previews_status(
    job: Annotated[str | None, typer.Argument(help="The job's id; without one, the queue.", metavar="ID")] = None,
    as_json: Json = False,
) -> None:
    """Show a job with links to its artifacts, or how many jobs of the queue are where."""
    with open_services() as services:
        previews = Previews(services)
        if job is None:
            with services.database.connect() as connection:
                metrics = queue_metrics(connection, previews)
            print_json(metrics) if as_json else print_table("Previews", ("what", "count"), list(metrics.items()))
            return
        _print_status(previews, _found(previews, job), as_json=as_json)


def _found(previews: Previews, job_id: str) -> JobRow:
    if (row := previews.find(job_id)) is None:
        raise NotFoundError(f"There is no preview job {job_id}")
    return row


def _print_status(previews: Previews, row: JobRow, *, as_json: bool) -> None:
    status = job_status(row, previews.services.links, previews.settings.public_url, datetime.now(UTC))
    if as_json:
        print_json(status)
        return
    shown = ("jobId", "status", "progress", "stage", "attemptsMade", "failedReason", "createdAt", "finishedOn")
    rows = [(name, status[name]) for name in shown if status[name] is not None]
    print_table("Preview job", ("what", "value"), rows + [(one["name"], one["url"]) for one in status["artifacts"]])


def previews_drain(as_json: Json = False) -> int:
    """Render what is queued, through Dagster, in this process."""
    with lasting():
        from orchestration.cli.job_runner import job_runner

    with job_runner(settings_for()) as runner:
        outcome = render_previews(runner)
    counts = {name: outcome.metadata.get(name, 0) for name in _COUNTS}
    if as_json:
        print_json(counts)
    else:
        print_table("Previews", ("what", "count"), list(counts.items()))
    for problem in [*outcome.problems, *(f"{job}: {reason}" for job, reason in outcome.failed.items())]:
        note(problem)
    if runner.shutdown.is_requested:
        return STOPPED
    return DONE if outcome.success and not (counts["failed"] or counts["invalid"]) else SOME_FAILED


def previews_cancel(job: JobId, as_json: Json = False) -> int:
    """Cancel a job; one that is rendered ends within moments, one that has ended stays as it is."""
    with open_services() as services:
        previews = Previews(services)
        row = previews.cancel(job)
    if as_json:
        print_json({"jobId": job, "state": row.state.value})
    else:
        console().print(f"{job} is {row.state.value}", markup=False)
    return DONE
