"""`orchestration preview`: one payload rendered from the command line, without a database.

Reading the options and printing what came of them. Keep out: making the preview.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli.options import Json
from orchestration.cli.output import DONE, SOME_FAILED, console, note, print_json
from orchestration.errors import ConfigurationError, OrchestrationError
from orchestration.settings import load_settings

if TYPE_CHECKING:
    from orchestration.previews.film.order import FilmReport, Storyboard
    from orchestration.previews.maker import FilmMaker
    from orchestration.previews.payload.model import PreviewJob

CACHE = "segments"


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("preview")(preview)


def preview(
    file: Annotated[Path, typer.Argument(help="The payload, as JSON.")],
    out: Annotated[Path, typer.Option(help="The folder to write to.")],
    *,
    allow_files: Annotated[bool, typer.Option("--allow-files", help="Assets may be file:// URLs.")] = False,
    as_json: Json = False,
) -> int:
    """Render one preview: video, poster, captions, and the proof that they are right."""
    job = read_file(file)
    started = time.monotonic()
    try:
        out.mkdir(parents=True, exist_ok=True)
        result = asyncio.run(_make(job, out, allow_files=allow_files))
    except ConfigurationError:
        raise
    except OrchestrationError as error:
        return _failed(job, error, as_json=as_json)
    except OSError as error:
        raise ConfigurationError(f"cannot write to {out}: {error.strerror}") from error
    result |= {"milliseconds": round(1000 * (time.monotonic() - started))}
    print_json(result) if as_json else _print(result)
    return DONE


def read_file(file: Path) -> PreviewJob:
    """The payload in a file; an unreadable or invalid one is bad usage."""
    from orchestration.previews.payload.reading import UnreadablePayloadError, decode, read_payload
    from orchestration.previews.payload.schema import InvalidPayloadError

    try:
        return read_payload(decode(file.read_bytes()))
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from error
    except (UnreadablePayloadError, InvalidPayloadError) as error:
        raise ConfigurationError(f"{file}: {error}; `orchestration previews validate` lists every fault") from error


def _failed(job: PreviewJob, error: OrchestrationError, *, as_json: bool) -> int:
    from orchestration.previews.payload.schema import InvalidPayloadError

    faults = error.faults if isinstance(error, InvalidPayloadError) else ()
    if as_json:
        print_json({"jobId": job.job_id, "failed": str(error), "faults": [fault._asdict() for fault in faults]})
    note(f"{job.job_id}: {error}")
    return SOME_FAILED


async def _make(job: PreviewJob, out: Path, *, allow_files: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="preview-") as scratch:
        async with _maker(allow_files=allow_files) as maker:
            folder = Path(scratch)
            if job.dry_run:
                return _write_storyboard(job, await maker.storyboard(job, folder), out)
            return _write_film(job, await maker.film(job, folder), folder, out)


def _maker(*, allow_files: bool) -> FilmMaker:
    from orchestration.previews.maker import FilmMaker
    from orchestration.previews.options import maker_options

    settings = load_settings()
    options = maker_options(settings)
    if allow_files:
        options = replace(options, rules=replace(options.rules, root=Path("/")))
    cache = (settings.home.absolute() / CACHE).as_uri()
    return FilmMaker(replace(options, segments_url=cache), processes=1)


def _write_film(job: PreviewJob, report: FilmReport, folder: Path, out: Path) -> dict[str, Any]:
    from orchestration.previews.records import CONTAINER, PREVIEW, container_record, preview_record, record_text

    now = datetime.now(UTC)
    for made in report.files:
        shutil.copyfile(folder / made.name, out / made.name)
    record = record_text(preview_record(job, report, now))
    (out / PREVIEW).write_bytes(record)
    listed = [*((made.name, made.sha256) for made in report.files), (PREVIEW, hashlib.sha256(record).hexdigest())]
    (out / CONTAINER).write_bytes(record_text(container_record(job, listed, now)))
    files = [
        {"kind": made.kind, "path": str(out / made.name), "sha256": made.sha256, "bytes": made.bytes, **made.facts}
        for made in report.files
    ]
    facts = {"seconds": report.seconds, "frames": report.frames, **report.facts}
    return {
        "jobId": job.job_id, "dryRun": False, "files": files, **facts,
        "notes": list(report.notes), "assets": list(report.assets), "proof": report.proof,
    }  # fmt: skip


def _write_storyboard(job: PreviewJob, board: Storyboard, out: Path) -> dict[str, Any]:
    stills = []
    for number, still in enumerate(board.stills):
        path = out / f"storyboard-{number:02d}.webp"
        path.write_bytes(still.picture)
        stills.append({"step": still.step, "start": still.start, "seconds": still.seconds, "path": str(path)})
    return {
        "jobId": job.job_id, "dryRun": True, "storyboard": stills, "seconds": board.seconds, "frames": board.frames,
        "notes": list(board.notes), "assets": list(board.assets),
    }  # fmt: skip


def _print(result: dict[str, Any]) -> None:
    console().print(f"{result['jobId']}: {result['seconds']:.2f} s, {result['frames']} frames", markup=False)
    for made in result.get("files") or result["storyboard"]:
        console().print(f"  {made['path']}", markup=False)
    for line in result["notes"]:
        console().print(f"  {line}", markup=False)
