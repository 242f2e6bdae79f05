"""What is wrong with previews now: counted, with examples and the remedy.

It holds the questions. Keep out: how the answers are shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.observability.findings import SAMPLE, Finding
from orchestration.previews.jobs.states import ARTIFACTS_FOLDER

if TYPE_CHECKING:
    from orchestration.storage.objects import ObjectStore

_FAILED = sa.text("""
SELECT count(*) OVER () AS total, job_id, project_id, attempt, error_type, error FROM preview_job
WHERE state = 'failed' AND error_type <> 'invalid' ORDER BY finished_at DESC LIMIT :limit""")
_INVALID = sa.text("""
SELECT count(*) OVER () AS total, job_id, project_id, error FROM preview_job
WHERE state = 'failed' AND error_type = 'invalid' AND finished_at > now() - interval '1 day'
ORDER BY finished_at DESC LIMIT :limit""")
_FILES = sa.text("""
SELECT j.job_id, f ->> 'name' AS name, f ->> 'key' AS key, (f ->> 'bytes')::bigint AS bytes
FROM preview_job AS j, jsonb_array_elements(j.result -> 'files') AS f
WHERE j.state = 'completed' AND NOT j.dry_run ORDER BY j.finished_at DESC, name""")


def failed_jobs(connection: sa.Connection) -> Finding:
    """Jobs whose rendering failed for good."""
    rows = connection.execute(_FAILED, {"limit": SAMPLE}).all()
    return Finding(
        rows[0].total if rows else 0,
        "Fix what the error names; `orchestration queue replay` with the queue of previews renders them again.",
        ("job", "project", "attempts", "type", "error"),
        [(row.job_id, row.project_id, row.attempt, row.error_type, row.error) for row in rows],
        is_error=True,
    )


def invalid_jobs(connection: sa.Connection) -> Finding:
    """Jobs of the last day whose payload or assets could not be used."""
    rows = connection.execute(_INVALID, {"limit": SAMPLE}).all()
    return Finding(
        rows[0].total if rows else 0,
        "Their senders have to correct what the error names, and send a job with another id.",
        ("job", "project", "error"),
        [(row.job_id, row.project_id, row.error) for row in rows],
    )


def missing_artifacts(connection: sa.Connection, objects: ObjectStore) -> Finding:
    """Files of completed jobs that the object store does not have, or not whole."""
    files = connection.execute(_FILES).all()
    stored = objects.sizes(ARTIFACTS_FOLDER) if files else {}
    missing = [row for row in files if stored.get(row.key) != row.bytes]
    return Finding(
        len(missing),
        "Restore the object store; a job is rendered again under another id only.",
        ("job", "file", "key", "bytes"),
        [(row.job_id, row.name, row.key, row.bytes) for row in missing[:SAMPLE]],
        is_error=True,
    )
