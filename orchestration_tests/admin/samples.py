"""A small factory in some disorder: a bit of everything that the pages show."""

from __future__ import annotations

import asyncio
import io
import struct
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from PIL import Image, ImageDraw
from sqlalchemy.dialects import postgresql as pg

from orchestration.canvas.log import NewOperation, append
from orchestration.canvas.model import read_operation
from orchestration.canvas.projects import NewProject, create_projects
from orchestration.canvas.snapshots import save
from orchestration.errors import PermanentError, TransientError
from orchestration.mockups.jobs.model import JobOptions, NewJob
from orchestration.mockups.statuses import JobStatus
from orchestration.prints.orders.csv_rows import read_csv
from orchestration.work_queue.model import NewTask, Outcome

if TYPE_CHECKING:
    from orchestration.domains import Domains

ODD = "<script>document.title='stolen'</script>"
FAMILY = "A23-100804"
COLOURS = ("#1f4e79", "#b3392f", "#2b7a3d", "#d9ad55", "#444444", "#f2f2f2")
ORDERS = b"""order_number,sku,text,quantity,color_1,color_2,customer_name
1001,Y3D-NKC-002,Zo\xc3\xab,2,black,white,Ada
1001,PER-KEY3D-STY3-Y3D,Jason Lee,1,red,white,Ada
1002,Y3D-NKC-002,<b>bold</b>,1,blue,white,Grace
1003,Y3D-REGKEY-STL1,AB12 CDE,3,yellow,black,Alan
1004,PER-2PER-USB,Mia,1,green,white,Edsger
"""


def picture(colour: str, words: str, size: int = 400) -> bytes:
    """A PNG that is told from others."""
    image = Image.new("RGB", (size, size), "white")
    drawing = ImageDraw.Draw(image)
    drawing.rounded_rectangle((size // 4, size // 6, 3 * size // 4, 5 * size // 6), size // 12, fill=colour)
    drawing.text((size // 3, size // 2), words, fill="white")
    body = io.BytesIO()
    image.save(body, "PNG")
    return body.getvalue()


def tag(width: float = 60.0, height: float = 24.0, thickness: float = 3.0) -> bytes:
    """A box as a binary STL file; mm."""
    corners = [(x, y, z) for x in (0.0, width) for y in (0.0, height) for z in (0.0, thickness)]
    faces = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
    triangles = [(a, b, c) for a, b, c, d in faces for a, b, c in ((a, b, c), (a, c, d))]
    rows = [struct.pack("<12fH", 0, 0, 0, *(value for one in face for value in corners[one]), 0) for face in triangles]
    return b"\0" * 80 + struct.pack("<I", len(rows)) + b"".join(rows)


def store(domains: Domains, folder: str, body: bytes, extension: str) -> tuple[str, str]:
    """Put an object; its key and hash."""
    digest = sha256(body).hexdigest()
    key = f"{folder}/{digest[:2]}/{digest}.{extension}"
    asyncio.run(domains.services.objects.put_once(key, body))
    return key, digest


def fill(domains: Domains, families: int = 8) -> None:
    """Fill the database and the store."""
    with domains.services.database.begin() as connection:
        _catalogue(connection, domains, families)
        _prints(connection, domains)
        _gallery(connection)
        _canvas(connection)
    domains.prints.import_orders(read_csv(ORDERS))
    with domains.services.database.begin() as connection:
        _rendered(connection, domains)
        _mockups(connection, domains)
        _previews(connection, domains)
        _tasks(connection, domains)


def _catalogue(connection: sa.Connection, domains: Domains, families: int) -> None:
    connection.execute(
        sa.text("INSERT INTO supplier (code, name) VALUES ('A23', 'XD Connects (Xindao)'), ('A360', 'Bosscher')")
    )
    connection.execute(
        sa.text("""
        INSERT INTO sync (supplier, status, step, listed, planned, settled, added, changed, finished_at) VALUES
            ('A360', 'completed', 'complete', 3, 3, 3, 3, 0, now()),
            ('A23', 'running', 'importing_families', 40, 40, 12, 9, 3, NULL)""")
    )
    for place in range(families):
        number = f"A23-{100804 + place}"
        colour, url = COLOURS[place % len(COLOURS)], f"https://images.example/{number}.png"
        key, digest = store(domains, "media", picture(colour, number), "png")
        connection.execute(
            sa.text("""
            INSERT INTO product_family (a_number, supplier, supplier_hash, content_hash, name, description,
                brand, category,
                price_min, price_max, main_image, variant_count, hex_colors, available_colors, price_tiers)
            VALUES (:number, 'A23', 'ABCD', 'ef01', jsonb_build_object('en', CAST(:name AS text)),
                jsonb_build_object('en', '<p>Keeps drinks cold.</p>'), 'Ocean', 'DRINKWARE/BOTTLES', 9.5, 14, :url, 2,
                ARRAY[CAST(:colour AS text)], '{Blue}',
                '[{"price_type": "recommended", "region": "EURO", "quantity": 1, "price": 14.0}]')"""),
            {
                "number": number,
                "name": f"Steel bottle {place}" if place else f"Bottle {ODD}",
                "url": url,
                "colour": colour,
            },
        )
        connection.execute(
            sa.text("""
            INSERT INTO media (content_hash, key, bytes, mime, width, height) VALUES (:digest, :key, 1000,
                'image/png', 400, 400);
            """),
            {"digest": digest, "key": key},
        )
        values = {"number": number, "url": url, "digest": digest, "colour": colour}
        connection.execute(sa.text("INSERT INTO media_source (url, content_hash) VALUES (:url, :digest)"), values)
        connection.execute(
            sa.text("INSERT INTO family_image VALUES (:number, :url, 0), (:number, :url || '?missing', 1)"), values
        )
        connection.execute(
            sa.text("""
            INSERT INTO product_variant (a_number, sku, name, color, hex_color, primary_image, weight)
            VALUES (:number, :number || '-01', 'Blue', 'Blue', :colour, :url, 310), (:number, :number || '-02',
                'Red', 'Red', '#b3392f', NULL, 310)"""),
            values,
        )
    connection.execute(
        sa.text("""
        INSERT INTO feed_entry SELECT a_number, supplier, 'https://feed.example/' || a_number, 'ABCD'
            FROM product_family;
        INSERT INTO change (sync_id, a_number, entity, key, kind, field, before, after)
            VALUES (1, 'A23-100804', 'family', 'A23-100804', 'changed', 'price_min', '9', '9.5');
        INSERT INTO quarantine (a_number, supplier, url, supplier_hash, code, path, reason)
            VALUES ('A23-100900', 'A23', 'https://feed.example/x', 'FF', 'json', '$.ChildProducts', 'cut short')""")
    )


def _prints(connection: sa.Connection, domains: Domains) -> None:  # noqa: ARG001 - as the others
    connection.execute(sa.text("INSERT INTO product (sku, name) VALUES ('UNKNOWN-1', 'Mug') ON CONFLICT DO NOTHING"))


def _rendered(connection: sa.Connection, domains: Domains) -> None:
    """Files for the first print task, a failure and a refusal for two others."""
    stl, stl_hash = store(domains, "prints", tag(), "stl")
    png, png_hash = store(domains, "prints", picture("#2f5bd3", "Zoe"), "png")
    ids = list(connection.execute(sa.text("SELECT id FROM print_task ORDER BY id")).scalars())
    connection.execute(
        sa.text("""
        INSERT INTO print_product (address, geometry, sku, lines, fonts, body_color, text_color, outputs,
            milliseconds)
        VALUES ('p1', 'g1', 'Y3D-NKC-002', '{Zoe}', '{}', 'black', 'white', '[]', 812)""")
    )
    connection.execute(
        sa.text("""UPDATE print_task SET stl_render_state = 'running', render_pid = 1,
            render_started_at = now() WHERE id = ANY (:ids)"""),
        {"ids": ids[:3]},
    )
    connection.execute(
        sa.text("""UPDATE print_task SET render_pid = NULL, render_started_at = NULL,
            stl_render_state = 'completed', product_address = 'p1', stl_path = 'style3-tag/Z/Zoe.stl'
                WHERE id = :id"""),
        {"id": ids[0]},
    )
    for position, (kind, key, digest, path) in enumerate(
        (("stl", stl, stl_hash, "style3-tag/Z/Zoe.stl"), ("png", png, png_hash, "style3-tag/Z/Zoe.png"))
    ):
        connection.execute(
            sa.text("""
            INSERT INTO print_output VALUES (:id, :kind, '', :position, :key, :digest, 684, :path, NULL,
                'http://x', now() + interval '1 day')"""),
            {"id": ids[0], "kind": kind, "position": position, "key": key, "digest": digest, "path": path},
        )
    connection.execute(
        sa.text("""UPDATE print_task SET render_pid = NULL, render_started_at = NULL,
            stl_render_state = 'failed', render_retries = 10, annotation = :error WHERE id = :id"""),
        {"id": ids[1], "error": f"The solid is open at {ODD}"},
    )
    connection.execute(
        sa.text("""UPDATE print_task SET render_pid = NULL, render_started_at = NULL,
            stl_render_state = 'failed', refused_check = 'characters_drawn', refused_problem = 'No font has U+1F600',
            refused_remedy = 'Ask the customer for another text', annotation = 'refused' WHERE id = :id"""),
        {"id": ids[2]},
    )


def _mockups(connection: sa.Connection, domains: Domains) -> None:
    from orchestration.mockups.jobs.service import RenderJobs

    jobs = RenderJobs(connection, domains.mockups.link, domains.mockups.clock)
    design, _ = store(domains, "mockups/designs", picture("#b3392f", "design"), "png")
    made = jobs.create_many(
        [NewJob(FAMILY, "chest-medium", f"{FAMILY}-01", design_key=design, options=JobOptions()) for _ in range(4)]
    )
    jobs.update_status(made[0].id, JobStatus.COMPOSITING)
    from orchestration.mockups.jobs.model import StatusUpdate

    jobs.update_status(made[0].id, JobStatus.FAILED, StatusUpdate(error_message="The design has nothing to print"))
    jobs.update_status(made[1].id, JobStatus.COMPOSITING)
    jobs.update_status(made[1].id, JobStatus.RENDERING)
    for kind, angle in (("composite", ""), ("still", "front"), ("still", "back")):
        key, digest = store(domains, "mockups", picture("#101840", f"{kind} {angle}"), "png")
        connection.execute(
            sa.text("""
            INSERT INTO render_output (job_id, kind, angle, object_key, mime, width, height, bytes, sha256,
                garment_version, renderer_version)
            VALUES (:job, :kind, :angle, :key, 'image/png', 400, 400, 900, :digest, '1', '1')"""),
            {"job": made[1].id, "kind": kind, "angle": angle, "key": key, "digest": digest},
        )
    jobs.update_status(made[1].id, JobStatus.COMPLETED)
    jobs.update_status(made[2].id, JobStatus.COMPOSITING)


def _previews(connection: sa.Connection, domains: Domains) -> None:
    key, digest = store(domains, "previews/sha256", picture("#855300", "poster"), "png")
    payload: dict[str, Any] = {"previewRequest": {"title": ODD}}
    file = {"kind": "poster", "name": "poster.png", "mime": "image/png", "key": key, "sha256": digest, "bytes": 900}
    rows = [
        ("preview-0001", "completed", {"files": [file], "proof": {"ok": True}}, 100.0, None),
        ("preview-0002", "running", None, 42.0, None),
        ("preview-0003", "failed", None, 20.0, "An asset could not be fetched"),
    ]
    for job_id, state, result, percent, error in rows:
        values = {
            "id": job_id,
            "payload": payload,
            "state": state,
            "result": result,
            "percent": percent,
            "error": error,
        }
        connection.execute(_NEW_PREVIEW, values)
        connection.execute(
            sa.text("UPDATE preview_job SET state = 'running', started_at = now() WHERE job_id = :id"), values
        )
        if state != "running":
            connection.execute(_ENDED_PREVIEW, values)


_NEW_PREVIEW = sa.text("""
    INSERT INTO preview_job (job_id, project_id, request_id, payload, priority, dry_run, percent)
    VALUES (:id, 'proj-1', 'req-1', :payload, 'normal', false, :percent)""").bindparams(
    sa.bindparam("payload", type_=pg.JSONB)
)
_ENDED_PREVIEW = sa.text("""
    UPDATE preview_job SET state = :state, result = :result, error = :error, finished_at = now()
    WHERE job_id = :id""").bindparams(sa.bindparam("result", type_=pg.JSONB(none_as_null=True)))


def _gallery(connection: sa.Connection) -> None:
    for place in range(6):
        connection.execute(
            sa.text("""
            INSERT INTO generation_history (history_id, uid, status, visibility, is_public, document, generation_type)
            VALUES (:id, 'u1', 'completed', :seen, :seen = 'public', jsonb_build_object('prompt',
                CAST(:prompt AS text)), 'text-to-image')"""),
            {"id": f"g{place}", "seen": "public" if place else "private", "prompt": f"a red fox in the snow {place}"},
        )
    connection.execute(
        sa.text("""
        INSERT INTO public_generation (history_id, uid, generation_type, nsfw, document, source_revision,
            content_hash, created_at, updated_at)
        SELECT history_id, uid, generation_type, nsfw, document, revision, 'x', created_at, updated_at
            FROM generation_history WHERE is_visible;
        INSERT INTO signup_image (image_url, prompt, generation_id, score)
            VALUES ('https://images.example/A23-100805.png', 'a red fox', 'g1', 9);
        INSERT INTO gallery_takedown (history_id, reason) VALUES ('g5', 'asked for by a rights holder')""")
    )


def _canvas(connection: sa.Connection) -> None:
    create_projects(connection, [NewProject("p-1", f"Poster {ODD}", "ada")])
    operations = [
        {"type": "create", "elementId": f"e{place}", "data": {"element": {"type": "text", "x": 10 * place}}}
        for place in range(4)
    ]
    append(connection, "p-1", [NewOperation(read_operation(one), "ada") for one in operations])
    save(connection, "p-1", name="before the launch")
    move = {"type": "move", "elementId": "e1", "data": {"delta": {"x": 5, "y": 0}}}
    append(connection, "p-1", [NewOperation(read_operation(move), "ada")])
    connection.execute(
        sa.text("""
        INSERT INTO media_gc_run (started_at, finished_at, is_dry_run, is_forced, ttl_days, grace_hours, media,
            candidates, deleted, bytes)
        VALUES (now(), now(), true, false, 30, 72, 810, 12, 3, 2400000), (now(), now(), false, false, 30, 72,
            810, 12, 3, 2400000);
        INSERT INTO work_request (kind, arguments, requested_by) VALUES ('catalogue.sync', '{}', 'api:shop');
        UPDATE work_request SET state = 'started', run_id = '6e8f6d4c-0b0e-4f5e-9f0e-2a3d1f4b5c6d',
            started_at = now();
        UPDATE work_request SET state = 'failed', error = 'The feed is away', finished_at = now()""")
    )


def _tasks(connection: sa.Connection, domains: Domains) -> None:
    """Dead letters of two errors, a task that is tried again, one that is active under a worker with a run."""
    queue = domains.catalogue.image_queue
    queue.enqueue(
        connection, [NewTask(f"https://images.example/{place}.jpg", {"secret": "payload"}) for place in range(14)]
    )
    worker = queue.register_worker(connection, run_id="6e8f6d4c-0b0e-4f5e-9f0e-2a3d1f4b5c6d")
    tasks = queue.claim(connection, worker, 12)
    ends = [Outcome(one, PermanentError(f"404 for '{one.key}' {ODD}")) for one in tasks[:8]]
    ends += [Outcome(one, PermanentError("The image is larger than 40000000 pixels")) for one in tasks[8:10]]
    queue.settle(
        connection, [*ends, Outcome(tasks[10]), Outcome(tasks[11], TransientError("Try later", retry_after=600.0))]
    )
    families = domains.catalogue.family_queue
    families.enqueue(connection, [NewTask(f"A23-2000{place:02}", grouping="A23") for place in range(20)])
    busy = families.register_worker(connection, run_id="6e8f6d4c-0b0e-4f5e-9f0e-2a3d1f4b5c6d")
    active = families.claim(connection, busy, 3)
    families.report_progress(connection, active[0], 40.0, step="download")
