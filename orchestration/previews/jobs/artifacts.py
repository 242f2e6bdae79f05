"""The artifacts of a job: its files under content-addressed keys, with `preview.json` and `container.json`.

Storing, and the form of a result. Keep out: making files, and links to them.
"""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any

from orchestration.errors import TransientError
from orchestration.previews.film.film import described
from orchestration.previews.jobs.states import ARTIFACTS_FOLDER
from orchestration.previews.records import CONTAINER, PREVIEW, container_record, preview_record, record_text

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from orchestration.previews.film.order import FilmReport, MadeFile, Storyboard
    from orchestration.previews.payload.model import PreviewJob
    from orchestration.storage.objects import ObjectStore


async def store_film(
    objects: ObjectStore, job: PreviewJob, report: FilmReport, folder: Path, begun_at: datetime
) -> dict[str, Any]:
    """Store every file of a film, and its two records; the result that the job remembers.

    `begun_at` is when the job's rendering first began: a later attempt stores the same objects.
    Raises `TransientError` when the store does not take one, or does not answer for one that it has taken.
    """
    keys = [await _put(objects, folder, made) for made in report.files]
    record = _written(folder / PREVIEW, record_text(preview_record(job, report, begun_at)), "record")
    files = [*zip(report.files, keys, strict=True), (record, await _put(objects, folder, record))]
    listed = [(key, made.sha256) for made, key in files]
    container = _written(folder / CONTAINER, record_text(container_record(job, listed, begun_at)), "container")
    files.append((container, await _put(objects, folder, container)))
    await asyncio.to_thread(_require, objects, [(key, made.bytes) for made, key in files])
    return {
        "files": [_entry(made, key) for made, key in files],
        "seconds": report.seconds,
        "frames": report.frames,
        "notes": list(report.notes),
        "assets": list(report.assets),
        "proof": report.proof,
        "cost": report.facts,
    }


def board_result(board: Storyboard) -> dict[str, Any]:
    """The result of a dry run: the storyboard, its pictures within."""
    stills = [
        {
            "step": still.step,
            "start": round(still.start, 3),
            "seconds": round(still.seconds, 3),
            "picture": f"data:image/webp;base64,{base64.b64encode(still.picture).decode()}",
        }
        for still in board.stills
    ]
    return {
        "dryRun": True,
        "storyboard": stills,
        "seconds": board.seconds,
        "frames": board.frames,
        "notes": list(board.notes),
        "assets": list(board.assets),
    }


def _written(path: Path, body: bytes, kind: str) -> MadeFile:
    path.write_bytes(body)
    return described(kind, path, "application/json", {})


async def _put(objects: ObjectStore, folder: Path, made: MadeFile) -> str:
    extension = made.name.rpartition(".")[2]
    stored = await objects.put_file(folder / made.name, folder=ARTIFACTS_FOLDER, extension=extension, mime=made.mime)
    return stored.key


def _require(objects: ObjectStore, expected: list[tuple[str, int]]) -> None:
    """Raise unless the store answers for every object: until then no artifact is announced."""
    missing = [key for key, size in expected if objects.size(key) != size]
    if missing:
        raise TransientError(f"The object store does not answer for {', '.join(missing)}")


def _entry(made: MadeFile, key: str) -> dict[str, Any]:
    known = {"kind": made.kind, "name": made.name, "mime": made.mime, "key": key}
    return {**known, "sha256": made.sha256, "bytes": made.bytes, **made.facts}
