"""Rows as a system at each revision may hold them, in the tables and columns that the revision brought."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

ROWS: Final[Mapping[str, str]] = {
    "0001": """
        INSERT INTO media (content_hash, key, bytes, mime, width, height)
            VALUES ('aa', 'media/aa/aa.png', 3, 'image/png', 1, 1);
        INSERT INTO media_source (url, content_hash) VALUES ('https://images/1.jpg', 'aa');
        INSERT INTO media_variant (content_hash, name, key, bytes, mime, width, height)
            VALUES ('aa', 'thumb', 'media/aa/aa.webp', 2, 'image/webp', 1, 1);
        INSERT INTO task (queue, key, payload) VALUES ('product-family', 'A1-1', '{"sync": 2}');
        INSERT INTO task (queue, key, state, finished_at, reason) VALUES ('image-upload', 'u', 'dead', now(), 'no');
    """,
    "0002": """
        INSERT INTO supplier (code, name) VALUES ('A1', 'Größe & Söhne');
        INSERT INTO category (code, parent_code) VALUES ('TEXTILES/CAPS', 'TEXTILES'), ('TEXTILES', NULL);
        INSERT INTO sync (supplier, status, added) VALUES ('A1', 'completed', 1), ('A1', 'running', 0);
        INSERT INTO feed_entry (a_number, supplier, url, supplier_hash)
            VALUES ('A1-1', 'A1', 'https://feed/A1/A1-1.json', 'ABC');
        INSERT INTO product_family (a_number, supplier, supplier_hash, content_hash, name, price_min, available_colors)
            VALUES ('A1-1', 'A1', 'ABC', 'def', '{"nl": "Pet"}', 3.1415, '{Blue,"Dark, red"}');
        INSERT INTO product_variant (a_number, sku, name, weight) VALUES ('A1-1', 'A1-1-M', 'Pet M', 0.25);
        INSERT INTO family_image (a_number, url, position) VALUES ('A1-1', 'https://images/1.jpg', 0);
        INSERT INTO change (sync_id, a_number, entity, key, kind, field, before, after)
            VALUES (1, 'A1-1', 'family', 'A1-1', 'changed', 'price_min', '3', '3.1415');
        INSERT INTO quarantine (a_number, supplier, url, supplier_hash, code, reason, document)
            VALUES ('A1-2', 'A1', 'https://feed/A1/A1-2.json', 'ABD', 'json', 'cut short', '\\x00ff');
        INSERT INTO document_shape (supplier, path, types, is_required) VALUES ('A1', '$.Sku', '{string}', true);
        INSERT INTO drift (supplier, path, kind, before, after, example)
            VALUES ('A1', '$.New', 'new', '{}', '{string}', 'A1-1');
    """,
    "0003": """
        INSERT INTO notification (key, channel, event, payload, token)
            VALUES ('print:1:ab', 'webhook', 'print.completed', '{"key": "print:1:ab"}', 'a');
        INSERT INTO notification (key, channel, event, payload, token, state, delivered_at)
            VALUES ('print:1:ab', 'shipstation', 'print.completed', '{}', 'b', 'delivered', now());
        INSERT INTO notification (key, channel, event, payload, token, state, problem)
            VALUES ('print:1:ab', 'email:a@example.org', 'print.completed', '{}', 'c', 'given up', 'no such user');
    """,
    "0004": """
        INSERT INTO product (sku, name) VALUES ('Y3D-NKC-002', 'Schlüsselanhänger');
        INSERT INTO shop_order (marketplace, order_number, ship_by_date) VALUES ('etsy', '17', '2026-03-01');
        INSERT INTO order_item (order_id, product_id, line_key, quantity, unit_price, print_settings)
            SELECT o.id, p.id, '1', 2, 9.95, '{"nozzle": 0.4}' FROM shop_order AS o, product AS p;
        INSERT INTO print_product (address, geometry, sku, lines, fonts, body_color, text_color, outputs, milliseconds)
            VALUES ('ad', 'ge', 'Y3D-NKC-002', '{Zoë,"a, b"}', '{"a.ttf": "ff"}', 'blue', 'white', '[]', 12.5);
        INSERT INTO print_task (order_item_id, custom_text, stl_render_state, stl_path, product_address)
            SELECT id, 'Zoë', 'completed', 'style3-tag/Z/Zo.stl', 'ad' FROM order_item;
        INSERT INTO print_path (folded, path, sha256, object_key)
            VALUES ('style3-tag/z/zo.stl', 'style3-tag/Z/Zo.stl', 'aa', 'prints/aa/aa.stl');
        INSERT INTO print_output (task_id, kind, suffix, position, object_key, sha256, bytes, pretty_path, url,
                url_expires_at)
            SELECT id, 'stl', '.stl', 0, 'prints/aa/aa.stl', 'aa', 84, 'style3-tag/Z/Zo.stl', 'https://x', now()
            FROM print_task;
    """,
    "0005": """
        INSERT INTO app_user (uid, username, email) VALUES ('u1', 'Zoë', 'zoe@example.org');
        INSERT INTO generation_history (history_id, uid, visibility, is_public, document)
            VALUES ('h1', 'u1', 'public', true, '{"prompt": "ein Fuchs"}'), ('h2', 'u1', 'private', false, '{}');
        INSERT INTO gallery_takedown (history_id, reason) VALUES ('h3', 'asked for by its subject');
        INSERT INTO public_generation
            (history_id, uid, nsfw, document, source_revision, content_hash, created_at, updated_at)
            VALUES ('h1', 'u1', false, '{"prompt": "ein Fuchs"}', 1, 'ab', now(), now());
        INSERT INTO signup_image (image_url, creator, score) VALUES ('https://images/1.avif', NULL, 8.5);
    """,
    "0006": """
        INSERT INTO canvas_project
            (project_id, name, owner_uid, collaborators, next_op_index, last_snapshot_op_index, last_snapshot_at)
            VALUES ('p', 'Autumn', 'ada', '[{"uid": "bob", "role": "editor"}]', 2, 0, now());
        INSERT INTO canvas_operation (project_id, op_index, type, element_id, data, inverse, actor_uid, request_id)
            VALUES ('p', 0, 'create', 'e', '{"element": {"type": "image"}}', '{"type": "delete"}', 'ada', 'r');
        INSERT INTO canvas_operation (project_id, op_index, type, element_ids, actor_uid)
            VALUES ('p', 1, 'select', '{e,"f,g"}', 'bob');
        INSERT INTO canvas_element (project_id, element_id, type, x, meta)
            VALUES ('p', 'e', 'image', 0.1, '{"mediaId": "m"}');
        INSERT INTO canvas_snapshot
            (project_id, op_index, version, checksum, element_count, elements, media_refs, name)
            VALUES ('p', 0, 1, 'ab', 1, '\\x00ff', '{m}', 'before the talk');
        INSERT INTO canvas_snapshot
            (project_id, op_index, version, checksum, element_count, elements, corrupt_reason, corrupt_since)
            VALUES ('p', 0, 1, 'ab', 0, '\\x', 'its checksum differs', now());
    """,
    "0007": """
        INSERT INTO canvas_media (media_id, url, storage_path, origin, project_id, metadata, bytes)
            VALUES ('m', 'https://canvas/m', 'canvas/media/aa/aa.png', 'canvas', 'p', '{"width": 640}', 3);
        INSERT INTO media_gc_run (started_at, is_dry_run, is_forced, ttl_days, grace_hours, places)
            VALUES (now(), false, false, 30, 72, '{"elements": 1}');
        INSERT INTO media_gc_mark (media_id, run_id, marked_at, delete_after)
            SELECT 'm', id, now(), now() + interval '3 days' FROM media_gc_run;
        INSERT INTO media_tombstone (run_id, reason, media_id, storage_path, bytes, marked_at, deleted_at)
            SELECT id, 'unreferenced', 'gone', 'canvas/media/bb/bb.png', 4, now(), now() FROM media_gc_run;
        INSERT INTO media_orphan (storage_path, seen_at) VALUES ('canvas/media/cc/cc.png', now());
    """,
    "0008": """
        INSERT INTO generation_picture (history_id, url) VALUES ('h1', 'https://images/1.jpg');
    """,
    "0009": """
        INSERT INTO task (queue, key, state, finished_at, result, percent) VALUES
            ('mirror', 'h1', 'completed', now(), '{"images": 2}', 100), ('mirror', 'h1', 'cancelled', now(), NULL, 50);
        INSERT INTO task (queue, key, state, finished_at, reason, first_error, first_failed_at, replays, history)
            VALUES ('mirror', 'h2', 'dead', now(), 'no', 'first', now(), 1, '[{"attempts": 3, "error": "first"}]');
        INSERT INTO task_worker (number, queue, host, pid, run_id) VALUES (1, 'mirror', 'a', 17, 'run');
        INSERT INTO task_statistic (queue, outcome, hour, waited_class, ran_class, tasks, waited_seconds, ran_seconds)
            VALUES ('mirror', 'completed', now(), 5, 6, 1, 0.5, 1.5);
        INSERT INTO state_transition (table_name, column_name, old_state, new_state)
            VALUES ('render_job', 'state', 'pending', 'running');
    """,
    "0010": """
        INSERT INTO sync (supplier, status, step, images, images_settled, images_failed)
            VALUES ('A1', 'stopped', 'mirroring_images', 3, 2, 1);
        INSERT INTO sync_item (sync_id, kind, key, is_failed)
            SELECT max(id), 'image', 'https://images/1.jpg', true FROM sync;
    """,
    "0011": """
        INSERT INTO work_request (kind, arguments, requested_by) VALUES ('catalogue.sync', '{"full": true}', 'ada');
    """,
    "0012": """
        INSERT INTO render_job (id, product_id, variant_id, preset, options)
            VALUES ('rjob_1', 'A1-1', 'A1-1-red', 'chest-medium',
                '{"further_prints": [{"preset": "back-small", "design_key": "k"}]}');
        INSERT INTO render_output (job_id, kind, angle, object_key, bytes, sha256, garment_version, renderer_version)
            VALUES ('rjob_1', 'still', 'front_0deg', 'mockups/ab/ab.png', 5, 'ab', '1', '1');
    """,
    "0013": """
        INSERT INTO preview_job (job_id, project_id, request_id, payload, priority, dry_run)
            VALUES ('j1', 'p', 'r', '{"jobId": "j1"}', 'high', false);
        UPDATE preview_job SET state = 'running', percent = 40, attempt = 1, started_at = now();
        UPDATE preview_job SET state = 'completed', result = '{"files": []}', finished_at = now();
        INSERT INTO preview_count (outcome, total) VALUES ('completed', 1);
    """,
    "0014": """
        INSERT INTO api_key (name, role, secret_hash, last_used_at) VALUES ('shop', 'enqueue', '\\x00ff', now());
        INSERT INTO task_pause (queue, paused_by) VALUES ('mirror', 'ada');
        UPDATE work_request SET request_id = 'req-1', http_request_id = 'ab';
    """,
    "0015": """
        INSERT INTO feed_problem (file, position, line_number, text, reason, is_refused)
            VALUES ('Import.txt', 0, 7, 'Export of all articles', 'neither', true);
    """,
    "0016": """
        UPDATE print_task SET import_note = 'an order file says ''Zoe'' without the name of this line';
        INSERT INTO notification_address (address, reason) VALUES ('webhook ab12', 'answered with status 410');
        INSERT INTO print_plate
            (body_color, text_color, object_key, sha256, bytes, picture_key, grams, minutes, density)
            VALUES ('blue', 'white', 'plates/ab/ab.3mf', 'ab', 9, 'plates/ac/ac.png', 31.5, 240, 0.75);
        INSERT INTO print_plate_task (task_id, plate_id, pieces, product_address)
            SELECT t.id, e.id, 2, 'ad' FROM print_task AS t, print_plate AS e;
    """,
    "0017": """
        INSERT INTO media_unreferenced (media_id, since) SELECT media_id, now() FROM canvas_media;
    """,
    "0018": """
        INSERT INTO admin_action (caller, role, action, target, outcome, message)
            VALUES ('ada', 'admin', 'queue.pause', 'queue:mirror', 'done', 'Paused');
        INSERT INTO bulk_action (queue, asked_by, total) VALUES ('image-upload', 'ada', 1);
        INSERT INTO bulk_item (bulk_id, position, key, outcome) VALUES (1, 0, 'u', 'replayed');
        INSERT INTO error_mark (queue, fingerprint, resolved_by) VALUES ('image-upload', 'ab12', 'ada');
    """,
    "0019": """
        INSERT INTO task_total (queue, outcome, waited_class, ran_class, tasks, waited_seconds, ran_seconds)
            VALUES ('mirror', 'completed', 5, 6, 1, 0.5, 1.5);
    """,
    "0020": """
        UPDATE media SET unused_since = now();
        INSERT INTO media_tombstone (run_id, reason, storage_path, bytes, marked_at, deleted_at)
        SELECT id, 'unshown', 'media/ab/old.png', 3, now(), now() FROM media_gc_run;
    """,
    "0030": "SELECT 'no table of its own'",
    "0031": "UPDATE task SET run_id = '6e8f6d4c-0b0e-4f5e-9f0e-2a3d1f4b5c6d'",
    "0032": "SELECT 'no table of its own'",
    "0033": "SELECT 'no table of its own'",
}
