"""The notice to a job's callback, once the job has ended. Keep out: sending it (`orchestration.notifications`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestration.notifications.notice import Notice
from orchestration.previews.jobs.rows import next_notice

if TYPE_CHECKING:
    import sqlalchemy as sa

    from orchestration.notifications.outbox import Outbox
    from orchestration.previews.jobs.rows import JobRow
    from orchestration.previews.jobs.states import JobState


def notify(
    connection: sa.Connection,
    outbox: Outbox,
    row: JobRow,
    state: JobState,
    *,
    result: dict[str, Any] | None = None,
    error: str | None = None,
) -> None:
    """Queue the notice of a job that asked for one, in the transaction that ends the job; it is numbered."""
    url = (row.payload.get("previewRequest") or {}).get("callbackUrl")
    if not url:
        return
    number = next_notice(connection, row.job_id)
    data = {
        "jobId": row.job_id,
        "projectId": row.project_id,
        "requestId": row.request_id,
        "status": state.word,
        "number": number,
        "dryRun": row.dry_run,
        "files": [] if result is None else _files(result),
        "failedReason": error,
        "statusUrl": f"{outbox.public_url.rstrip('/')}/api/preview/job/{row.job_id}/status",
    }
    subject = f"Preview {row.job_id}: {state.word}"
    notice = Notice(
        f"preview:{row.job_id}:{number}", f"preview.{state.value}", subject, error or subject, data, callback_url=url
    )
    outbox.enqueue(connection, [notice])


def _files(result: dict[str, Any]) -> list[dict[str, Any]]:
    wanted = ("kind", "name", "mime", "sha256", "bytes")
    return [{name: file[name] for name in wanted} for file in result.get("files", ())]
