"""The records beside a preview: `preview.json` says what it is, `container.json` what files it has.

Their forms, which clients of the system before this one read. A job that is rendered again gets the same records to
the byte, or each attempt would leave objects of its own behind: so they tell no time but that at which its rendering
first began, and nothing of what an attempt cost. Keep out: where they are stored.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

import msgspec

from orchestration.previews.film.pages import UNTITLED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from orchestration.previews.film.order import FilmReport
    from orchestration.previews.payload.model import PreviewJob

PREVIEW, CONTAINER = "preview.json", "container.json"


def preview_record(job: PreviewJob, report: FilmReport, begun_at: datetime) -> dict[str, Any]:
    """What was made."""
    request = job.preview_request
    return {
        "jobId": job.job_id,
        "projectId": job.project_id,
        "title": request.title.strip() or UNTITLED,
        "status": "success",
        "dryRun": job.dry_run,
        "createdAt": _iso(begun_at),
        "steps": len(request.steps),
        "assets": len(request.assets),
        "renderInfo": {
            "duration": _clock(report.seconds),
            "seconds": report.seconds,
            "frames": report.frames,
            "resolution": request.options.resolution,
            "format": request.options.format.value,
        },
        "notes": list(report.notes),
    }


def container_record(job: PreviewJob, files: Sequence[tuple[str, str]], begun_at: datetime) -> dict[str, Any]:
    """Every file, by its path and SHA-256."""
    listed = [{"path": path, "sha256": sha256} for path, sha256 in files]
    return {"jobId": job.job_id, "projectId": job.project_id, "files": listed, "createdAt": _iso(begun_at)}


def record_text(record: dict[str, Any]) -> bytes:
    """A record as it is written."""
    return msgspec.json.format(msgspec.json.encode(record), indent=2)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
