"""One timeline for an item: from the order or the line of the feed through attempts, outbox and runs to the files.

Everything that the product keeps about a name, by time, each with a link. Keep out: finding names (`search`).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response

from orchestration.admin.audit import list_actions
from orchestration.admin.frame import Looking, address
from orchestration.admin.places import run_address, task_address
from orchestration.admin.runs import read_runs
from orchestration.admin.search import LONGEST
from orchestration.admin.shown import words as shown_words
from orchestration.catalogue.listing import ChangeFilter, list_changes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import APIRouter

    from orchestration.admin.frame import Frame

SHOWN = 300
# What actions are done to, as their lines in the audit name it.
_TARGETS = ("family", "print", "mockup", "preview", "generation", "project", "task", "supplier", "queue", "sku")


class Event(NamedTuple):
    """Something that happened."""

    at: datetime
    what: str
    note: str = ""
    href: str | None = None
    tone: str = "plain"


def add_timeline(pages: APIRouter, frame: Frame) -> None:
    """The page of one item's timeline."""

    @pages.get("/admin/timeline")
    def show_timeline(request: Request, visitor: Looking, q: str = "") -> Response:
        words = q.replace("\0", "").strip()[:LONGEST]
        with frame.reading() as connection:
            events = sorted(_events(frame, connection, words), key=lambda one: one.at) if words else []
        return frame.render(
            request,
            visitor,
            "timeline.html",
            title=f"Timeline: {words}",
            words=words,
            events=events[-SHOWN:],
            left_out=max(0, len(events) - SHOWN),
        )


def _events(frame: Frame, connection: sa.Connection, name: str) -> Iterator[Event]:
    values: dict[str, object] = {"name": name, "queues": [queue.name for queue in frame.domains.queues]}
    for row in connection.execute(_ROWS, values):
        if row.at is not None:
            parts = [one for one in (row.place, row.target) if one]
            yield Event(row.at, row.what, row.note or "", address(*parts) if parts else None, row.tone)
    yield from _of_tasks(connection, values)
    for change in list_changes(connection, ChangeFilter(a_number=name), limit=SHOWN, is_newest_first=True):
        after = shown_words(change["after"])[:120]
        what = f"{change['entity']} {change['kind']}"
        yield Event(
            change["at"],
            what,
            f"{change['field']}: {shown_words(change['before'])[:120]} → {after}" if change["field"] else change["key"],
            address("changes", family=name),
            "good" if change["kind"] != "removed" else "warn",
        )
    for one in list_actions(connection, targets=[f"{kind}:{name}" for kind in _TARGETS], limit=100):
        tone = "good" if one["outcome"] == "done" else "bad"
        href = address("audit", target=one["target"])
        yield Event(one["at"], f"{one['caller']}: {one['action']}", one["message"], href, tone)
    yield from _of_runs(frame, connection, name)


def _of_tasks(connection: sa.Connection, values: dict[str, object]) -> Iterator[Event]:
    """The attempts of the tasks of that key, and of those of the prints of an order of that number."""
    for row in connection.execute(_TASKS, values):
        page = task_address(row.queue, row.key)
        yield Event(row.enqueued_at, f"queued in {row.queue}", row.key, page)
        if row.first_failed_at:
            yield Event(row.first_failed_at, f"first failed in {row.queue}", row.first_error or "", page, "bad")
        for death in row.history:
            at = datetime.fromisoformat(death["dead_at"])
            yield Event(at, f"died in {row.queue}", death.get("error") or "", page, "bad")
        if row.claimed_at:
            yield Event(row.claimed_at, f"attempt {row.attempt} in {row.queue}", row.step or "", page, "busy")
        if row.finished_at:
            tone = {"completed": "good", "dead": "bad"}.get(row.state, "warn")
            yield Event(row.finished_at, f"{row.state} in {row.queue}", row.error or "", page, tone)


def _of_runs(frame: Frame, connection: sa.Connection, name: str) -> Iterator[Event]:
    for asset, key in connection.execute(_PARTITIONS, {"name": name}).tuples():
        for one in read_runs(frame, asset, key):
            tone = {"materialized": "good", "failed": "bad"}.get(one.what, "plain")
            href = run_address(frame.services.settings, one.run_id)
            yield Event(
                one.at, f"{asset} {one.what}", f"run {one.run_id[:8]}, {one.run_status or 'unknown'}", href, tone
            )


_TASKS = sa.text("""
SELECT queue, key, state, attempt, step, error, first_error, first_failed_at, history, enqueued_at, claimed_at,
    finished_at
FROM task WHERE queue = ANY (CAST(:queues AS text[])) AND key = :name AND state NOT IN ('completed', 'cancelled')
UNION ALL
SELECT queue, key, state, attempt, step, error, first_error, first_failed_at, history, enqueued_at, claimed_at,
    finished_at
FROM task WHERE queue = ANY (CAST(:queues AS text[])) AND key = :name AND state IN ('completed', 'cancelled')
UNION ALL (
SELECT t.queue, t.key, t.state, t.attempt, t.step, t.error, t.first_error, t.first_failed_at, t.history, t.enqueued_at,
    t.claimed_at, t.finished_at
FROM shop_order AS o JOIN order_item AS i ON i.order_id = o.id JOIN print_task AS p ON p.order_item_id = i.id
JOIN task AS t ON t.queue = 'print' AND t.key = CAST(p.id AS text) AND t.state IN ('waiting', 'active', 'dead')
WHERE o.order_number = :name LIMIT 50)""")
_ROWS = sa.text("""
WITH prints AS (
    SELECT t.*, o.order_number, o.created_at AS ordered_at, o.order_status, p.rendered_at, p.milliseconds
    FROM shop_order AS o JOIN order_item AS i ON i.order_id = o.id JOIN print_task AS t ON t.order_item_id = i.id
    LEFT JOIN print_product AS p ON p.address = t.product_address WHERE o.order_number = :name LIMIT 50
)
SELECT ordered_at AS at, 'ordered' AS what, custom_text AS note, 'prints' AS place, CAST(id AS text) AS target,
    'plain' AS tone
    FROM prints
UNION ALL SELECT render_started_at, 'rendering', custom_text, 'prints', CAST(id AS text), 'busy' FROM prints
UNION ALL SELECT rendered_at, 'product rendered', stl_path, 'prints', CAST(id AS text), 'good' FROM prints
UNION ALL SELECT updated_at, 'print ' || stl_render_state, coalesce(refused_problem, annotation, ''), 'prints',
    CAST(id AS text),
    CASE stl_render_state WHEN 'failed' THEN 'bad' WHEN 'completed' THEN 'good' ELSE 'plain' END FROM prints
UNION ALL SELECT n.created_at, 'notice queued for ' || n.channel, n.event, 'notifications', NULL, 'plain'
    FROM prints JOIN notification AS n ON n.key = 'print:' || prints.id || ':' || prints.revision
UNION ALL SELECT n.delivered_at, 'notice delivered to ' || n.channel, n.event, NULL, NULL, 'good'
    FROM prints JOIN notification AS n ON n.key = 'print:' || prints.id || ':' || prints.revision
UNION ALL SELECT since, 'document in quarantine', reason, 'explain', a_number, 'bad' FROM quarantine WHERE
    a_number = :name
UNION ALL SELECT synced_at, 'family synced', supplier, 'families', a_number, 'good' FROM product_family WHERE
    a_number = :name
UNION ALL SELECT removed_at, 'left the feed', '', 'families', a_number, 'warn' FROM product_family WHERE
    a_number = :name
UNION ALL SELECT created_at, 'mockup submitted', preset, 'mockups', id, 'plain' FROM render_job WHERE id = :name
UNION ALL SELECT started_at, 'mockup begun', '', 'mockups', id, 'busy' FROM render_job WHERE id = :name
UNION ALL SELECT completed_at, 'mockup ' || status, coalesce(error_message, ''), 'mockups', id,
    CASE status WHEN 'failed' THEN 'bad' ELSE 'good' END FROM render_job WHERE id = :name
UNION ALL SELECT o.created_at, o.kind || ' ' || o.angle, coalesce(o.object_key, o.url), 'mockups', o.job_id, 'good'
    FROM render_output AS o WHERE o.job_id = :name
UNION ALL SELECT created_at, 'preview taken in', project_id, 'previews', job_id, 'plain' FROM preview_job WHERE
    job_id = :name
UNION ALL SELECT started_at, 'preview begun', '', 'previews', job_id, 'busy' FROM preview_job WHERE job_id = :name
UNION ALL SELECT finished_at, 'preview ' || state, coalesce(error, ''), 'previews', job_id,
    CASE state WHEN 'completed' THEN 'good' ELSE 'bad' END FROM preview_job WHERE job_id = :name
UNION ALL SELECT created_at, 'generation made', left(document ->> 'prompt', 80), 'gallery', history_id, 'plain'
    FROM generation_history WHERE history_id = :name
UNION ALL SELECT updated_at, 'history changed', visibility, 'gallery', history_id, 'plain' FROM generation_history
    WHERE history_id = :name
UNION ALL SELECT mirrored_at, 'mirrored', '', 'gallery', history_id, 'good' FROM public_generation WHERE
    history_id = :name
UNION ALL SELECT taken_down_at, 'taken down', reason, 'gallery', history_id, 'warn' FROM gallery_takedown WHERE
    history_id = :name
UNION ALL SELECT requested_at, 'asked for ' || kind, requested_by, 'requests', CAST(id AS text), 'plain' FROM
    work_request
    WHERE request_id = :name""")
_PARTITIONS = sa.text("""
SELECT 'catalogue/product_families', a_number FROM product_family WHERE a_number = :name
UNION ALL SELECT 'catalogue/family_images', a_number FROM product_family WHERE a_number = :name
UNION ALL SELECT 'mockups/stills', sku FROM render_job WHERE id = :name
UNION ALL (SELECT DISTINCT 'prints/stl', p.sku FROM shop_order AS o JOIN order_item AS i ON i.order_id = o.id
    JOIN product AS p ON p.id = i.product_id WHERE o.order_number = :name LIMIT 10)""")
