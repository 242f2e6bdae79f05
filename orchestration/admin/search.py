"""One search for everything that has a name: families, variants, orders, jobs, requests, tasks, words of an error.

Each place is asked by an index. Keep out: what happened to what was found (`timeline`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response

from orchestration.admin.frame import Looking, address
from orchestration.admin.parts import Page, Row, Section, Table, code, state, text
from orchestration.admin.places import task_address
from orchestration.catalogue.listing import FamilyFilter, list_families

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import APIRouter

    from orchestration.admin.frame import Frame

MOST_OF_A_KIND, LONGEST = 10, 512
_BIGGEST = 2**63 - 1


class Hit(NamedTuple):
    """Something that was found."""

    kind: str
    name: str
    href: str
    note: str = ""
    state: str | None = None


def add_search(pages: APIRouter, frame: Frame) -> None:
    """The page of the search box."""

    @pages.get("/admin/search")
    def show_search(request: Request, visitor: Looking, q: str = "") -> Response:
        words = q.replace("\0", "").strip()[:LONGEST]
        with frame.reading() as connection:
            hits = list(search(connection, words, [queue.name for queue in frame.domains.queues])) if words else []
        rows = [Row((text(one.kind), code(one.name, href=one.href), text(one.note), state(one.state))) for one in hits]
        empty = "Nothing has that name. Names are searched whole, families and errors by the beginnings of words."
        table = Table(("What", "Name", "Note", "State"), rows, empty if words else "Type a name into the box above.")
        links = [("its timeline", address("timeline", q=words))] if words else []
        title = f"Search: {words}" if words else "Search"
        return frame.show(request, visitor, Page(title, [Section(f"{len(hits)} found", table=table)], links=links))


def search(connection: sa.Connection, words: str, queues: list[str]) -> Iterator[Hit]:
    """What has this name, or begins so, the exact first."""
    number = int(words) if words.isascii() and words.isdecimal() and int(words) <= _BIGGEST else None
    values = {"name": words, "upper": words.upper(), "number": number, "queues": queues, "most": MOST_OF_A_KIND}
    for row in connection.execute(_NAMED, values):
        yield Hit(row.kind, row.name, _address(row), row.note or "", row.state)
    for family in list_families(connection, FamilyFilter(words=words), limit=MOST_OF_A_KIND):
        name = family["name"].get("en") or next(iter(family["name"].values()), "")
        word = "published" if family["is_active"] else "removed"
        yield Hit("family", family["a_number"], address("families", family["a_number"]), name, word)
    for row in connection.execute(_ERRORS, values):
        yield Hit(
            "error",
            row.error[:160],
            address("errors", row.queue, row.fingerprint),
            f"{row.tasks} dead in {row.queue}",
            "dead",
        )


def _address(row: sa.Row[tuple[str, ...]]) -> str:
    if row.kind == "task":
        return task_address(row.place, row.name)
    if row.kind == "SKU of prints":
        return address("prints", sku=row.name)
    return address(*row.place.split("/"), row.target)


_NAMED = sa.text("""
SELECT 'supplier' AS kind, code AS name, 'suppliers' AS place, code AS target, name AS note, NULL AS state
    FROM supplier WHERE code = :upper
UNION ALL (SELECT 'variant', sku, 'families', a_number, v.name, CASE WHEN is_active THEN 'published' ELSE 'removed' END
    FROM product_variant AS v WHERE sku IN (:name, :upper) LIMIT :most)
UNION ALL (SELECT 'print', o.order_number, 'prints', CAST(t.id AS text), t.custom_text, t.stl_render_state
    FROM shop_order AS o JOIN order_item AS i ON i.order_id = o.id JOIN print_task AS t ON t.order_item_id = i.id
    WHERE o.order_number = :name LIMIT :most)
UNION ALL SELECT 'print', CAST(id AS text), 'prints', CAST(id AS text), custom_text, stl_render_state
    FROM print_task WHERE id = CAST(:number AS bigint)
UNION ALL SELECT 'SKU of prints', sku, 'prints', sku, name, NULL FROM product WHERE sku IN (:name, :upper)
UNION ALL SELECT 'mockup', id, 'mockups', id, sku, status FROM render_job WHERE id = :name
UNION ALL (SELECT 'mockup', id, 'mockups', id, sku, status FROM render_job
    WHERE sku IN (:name, :upper) AND deleted_at IS NULL ORDER BY created_at DESC LIMIT :most)
UNION ALL SELECT 'preview', job_id, 'previews', job_id, project_id, state FROM preview_job WHERE job_id = :name
UNION ALL (SELECT 'preview', job_id, 'previews', job_id, request_id, state FROM preview_job
    WHERE request_id = :name LIMIT :most)
UNION ALL (SELECT 'request', CAST(id AS text), 'requests', CAST(id AS text), kind, state FROM work_request
    WHERE request_id = :name OR id = CAST(:number AS bigint) LIMIT :most)
UNION ALL SELECT 'generation', history_id, 'gallery', history_id, left(document ->> 'prompt', 80), visibility
    FROM generation_history WHERE history_id = :name
UNION ALL SELECT 'canvas project', project_id, 'canvas', project_id, name, NULL FROM canvas_project WHERE
    project_id = :name
UNION ALL (SELECT 'task', key, queue, key, left(error, 120), state FROM task
    WHERE queue = ANY (CAST(:queues AS text[])) AND key = :name AND state NOT IN ('completed', 'cancelled') LIMIT :most)
UNION ALL (SELECT DISTINCT 'task', key, queue, key, '', state FROM task
    WHERE queue = ANY (CAST(:queues AS text[])) AND key = :name AND state IN ('completed', 'cancelled') LIMIT :most)""")
_ERRORS = sa.text("""
SELECT queue, fingerprint, count(*) AS tasks, min(error) AS error FROM (
    SELECT queue, fingerprint, error FROM task
    WHERE state = 'dead' AND to_tsvector('simple'::regconfig, error) @@ plainto_tsquery('simple'::regconfig,
        :name) LIMIT 2000
) AS dead GROUP BY 1, 2 ORDER BY 3 DESC LIMIT :most""")
