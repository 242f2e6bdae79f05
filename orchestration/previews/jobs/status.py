"""What is said about a job: its status with signed links to its artifacts, and the queue's figures.

The forms that clients of the system before this one read. Keep out: HTTP, and what changes a job.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    import sqlalchemy as sa

    from orchestration.previews.jobs.rows import JobRow
    from orchestration.previews.previews import Previews
    from orchestration.storage.links import Links

_SHOWN = ("kind", "name", "mime", "sha256", "bytes")


def job_status(row: JobRow, links: Links, public_url: str, now: datetime) -> dict[str, Any]:
    """The status of a job."""
    artifacts = job_artifacts(row, links, now)
    return {
        "jobId": row.job_id,
        "projectId": row.project_id,
        "requestId": row.request_id,
        "status": row.state.word,
        "state": row.state.value,
        "dryRun": row.dry_run,
        "priority": row.priority,
        "progress": round(row.percent, 1),
        "stage": row.stage,
        "etaSeconds": row.eta_seconds,
        "attemptsMade": row.attempt,
        "createdAt": row.created_at,
        "processedOn": row.started_at,
        "finishedOn": row.finished_at,
        "failedReason": row.error,
        "errorType": row.error_type,
        "faults": row.faults or [],
        "artifactUrls": [one["url"] for one in artifacts],
        "artifacts": artifacts,
        "result": _facts(row),
        "logs_url": f"{public_url.rstrip('/')}/api/preview/job/{row.job_id}/status",
    }


def _facts(row: JobRow) -> dict[str, Any] | None:
    """The result without the files, which stand beside it with their links."""
    if row.result is None:
        return None
    return {name: value for name, value in row.result.items() if name != "files"}


def job_artifacts(row: JobRow, links: Links, now: datetime) -> list[dict[str, Any]]:
    """The files of a completed job, each with a link that works for a while."""
    files = (row.result or {}).get("files", ())
    found = []
    for file in files:
        link = links.sign(file["key"], now=now, filename=f"{row.job_id}-{file['name']}")
        known = {name: file[name] for name in _SHOWN}
        found.append({**known, "url": link.url, "expiresAt": link.expires_at})
    return found


def queue_metrics(connection: sa.Connection, previews: Previews) -> dict[str, Any]:
    """How many jobs of the queue are where."""
    counts = previews.preview_queue.counts(connection)
    figures = {
        "waiting": counts.waiting,
        "active": counts.active,
        "completed": counts.completed,
        "failed": counts.failed,
        "delayed": counts.delayed,
    }
    return {"name": previews.preview_queue.name, **figures, "total": sum(figures.values())}
