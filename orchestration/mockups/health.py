"""What is wrong with mockups now, from any cause: counted, with examples and the remedy.

It holds the questions. Keep out: how the answers are shown, and the visual checks themselves (`checks`), whose answers
stand with each picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.errors import OrchestrationError
from orchestration.mockups.jobs.objects import FOLDER
from orchestration.mockups.mockup_request import OutputKind
from orchestration.observability.findings import SAMPLE, Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.mockups.mockup_request import StageName
    from orchestration.storage.objects import ObjectStore

SHOWN_PICTURES = 3

# Of jobs that nobody has deleted, the pictures of the last week: older ones were looked at then.
_UNSEEMLY = sa.text("""
SELECT count(*) OVER () AS total, j.id, j.sku, o.kind, o.angle, o.object_key, o.mime, c.key AS question,
    c.value ->> 'message' AS message
FROM render_job AS j JOIN render_output AS o ON o.job_id = j.id, jsonb_each(o.facts -> 'checks') AS c
WHERE j.deleted_at IS NULL AND j.created_at > now() - interval '7 days' AND o.kind = ANY (CAST(:kinds AS text[]))
    AND c.value ->> 'passed' = 'false'
ORDER BY j.created_at DESC, j.id DESC, o.angle LIMIT :limit""")
_UNPRINTABLE = sa.text("""
SELECT count(*) OVER () AS total, j.id, j.sku, j.preset, j.options ->> 'fabric' AS fabric,
    o.facts ->> 'verdict' AS verdict, o.facts -> 'warnings' ->> 0 AS warning, o.object_key
FROM render_job AS j JOIN render_output AS o ON o.job_id = j.id AND o.kind = 'composite'
WHERE j.deleted_at IS NULL AND j.created_at > now() - interval '7 days' AND o.facts ->> 'verdict' <> 'printable'
ORDER BY j.created_at DESC, j.id DESC LIMIT :limit""")
_FAILED = sa.text("""
SELECT count(*) OVER () AS total, j.id, j.sku, j.preset, j.error_message, j.completed_at FROM render_job AS j
WHERE j.deleted_at IS NULL AND j.status = 'failed'
    AND NOT EXISTS (SELECT FROM render_job AS again WHERE again.metadata ->> 'retried_from' = j.id)
ORDER BY j.completed_at DESC, j.id DESC LIMIT :limit""")
_STORED = sa.text("SELECT object_key, min(bytes) FROM render_output WHERE object_key IS NOT NULL GROUP BY object_key")
_SHOWN = sa.text("""
SELECT DISTINCT ON (o.object_key) o.object_key, o.bytes, j.id, j.sku, o.kind, o.angle
FROM render_output AS o JOIN render_job AS j ON j.id = o.job_id
WHERE o.object_key = ANY (CAST(:keys AS text[])) ORDER BY o.object_key, j.created_at DESC""")


def unseemly_pictures(connection: sa.Connection, objects: ObjectStore, stage: StageName) -> Finding:
    """Pictures of a stage that a visual check of the last week was not content with, with the first few."""
    kinds = [kind.value for kind in OutputKind if kind.stage is stage]
    rows = connection.execute(_UNSEEMLY, {"kinds": kinds, "limit": SAMPLE}).all()
    keys = [(f"{_short(row.id)} {row.angle}".strip(), row.object_key) for row in rows if row.mime.startswith("image/")]
    return Finding(
        rows[0].total if rows else 0,
        "Look at the picture; submit the mockup with another design, preset or fabric if it is wrong.",
        ("job", "SKU", "picture", "question", "found"),
        [(row.id, row.sku, f"{row.kind} {row.angle}".strip(), row.question, row.message) for row in rows],
        _pictures(objects, keys),
    )


def unprintable_designs(connection: sa.Connection, objects: ObjectStore) -> Finding:
    """Designs of the last week of which little would be seen on their fabric."""
    rows = connection.execute(_UNPRINTABLE, {"limit": SAMPLE}).all()
    return Finding(
        rows[0].total if rows else 0,
        "`orchestration mockups colours` ranks the fabrics for a design; `orchestration mockups submit --fabric` "
        "takes another one.",
        ("job", "SKU", "preset", "fabric", "verdict", "warning"),
        [(row.id, row.sku, row.preset, row.fabric, row.verdict, row.warning) for row in rows],
        _pictures(objects, [(_short(row.id), row.object_key) for row in rows]),
    )


def failed_jobs(connection: sa.Connection) -> Finding:
    """Jobs that failed and that nobody has retried or deleted."""
    rows = connection.execute(_FAILED, {"limit": SAMPLE}).all()
    return Finding(
        rows[0].total if rows else 0,
        "Fix what the message names; `orchestration mockups retry JOB` makes a new job of it.",
        ("job", "SKU", "preset", "message", "failed at"),
        [(row.id, row.sku, row.preset, row.error_message, f"{row.completed_at:%Y-%m-%d %H:%M}") for row in rows],
        is_error=True,
    )


def missing_outputs(connection: sa.Connection, objects: ObjectStore) -> Finding:
    """Files of jobs that the object store does not have, or not whole."""
    outputs = connection.execute(_STORED).all()
    stored = objects.sizes(FOLDER) if outputs else {}
    missing = [key for key, size in outputs if stored.get(key) != size]
    rows = connection.execute(_SHOWN, {"keys": missing[:SAMPLE]}).all()
    return Finding(
        len(missing),
        "Materialize the SKU, or run `orchestration mockups drain --sku SKU`: its newest job is rendered again.",
        ("job", "SKU", "file", "key", "bytes"),
        [(row.id, row.sku, f"{row.kind} {row.angle}".strip(), row.object_key, row.bytes) for row in rows],
        is_error=True,
    )


def _short(job_id: str) -> str:
    """The end of an id, which tells jobs apart and leaves room for the picture that it is the caption of."""
    return job_id[-6:]


def _pictures(objects: ObjectStore, keys: Sequence[tuple[str, str]]) -> list[tuple[str, bytes]]:
    found = [(caption, _picture(objects, key)) for caption, key in keys[:SHOWN_PICTURES]]
    return [(caption, body) for caption, body in found if body is not None]


def _picture(objects: ObjectStore, key: str) -> bytes | None:
    try:
        return objects.get(key)
    except OrchestrationError:
        return None  # the finding stands without it
