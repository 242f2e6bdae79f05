"""Reading what a batch of items is to be mirrored from, and writing the mirror.

It holds the SQL of the mirror. Keep out: what is shown (`merge`), and when (`mirror`).

Documents are decoded and encoded here rather than by the driver, which takes three times as long over it; and of the
mirror's documents only what a merge may keep of them. The server decides whether a row differs from what it should be.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import sqlalchemy as sa

from orchestration.gallery.merge import Creator, HistoryItem, ImageRenditions
from orchestration.gallery.shown import OPTIMISED
from orchestration.wire_types import prepared

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime


class _Kept(msgspec.Struct, gc=False):
    """What a merge may take over from an entry that the mirror shows."""

    id: Any = None
    url: Any = None
    storagePath: Any = None  # noqa: N815
    thumbnailUrl: Any = None  # noqa: N815 - the names of the documents
    avifUrl: Any = None  # noqa: N815
    webpUrl: Any = None  # noqa: N815
    blurDataUrl: Any = None  # noqa: N815
    posterUrl: Any = None  # noqa: N815
    optimized: Any = None
    optimizedAt: Any = None  # noqa: N815


# Numbers as they are written: PostgreSQL keeps more digits than a float does.
_RENDITION = prepared(ImageRenditions)
_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_decode_kept = msgspec.json.Decoder(list[_Kept]).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Situation(NamedTuple):
    """One item as the history, the operators and the mirror have it.

    Without an `item` there is no such history, without a `creator` no such user. `previous` is what the mirror's
    present document has that a merge may keep: of its media the identities, addresses and optimised fields. `read_at`
    is the database's clock in seconds since 1970.
    """

    history_id: str
    item: HistoryItem | None
    creator: Creator | None
    is_taken_down: bool
    previous: dict[str, Any]
    read_at: float


class PublicRow(NamedTuple):
    """A row of the mirror, by the names of its columns."""

    history_id: str
    uid: str
    generation_type: str | None
    nsfw: bool
    aesthetic_score: float | None
    document: dict[str, Any]
    source_revision: int
    created_at: datetime
    updated_at: datetime


def public_row(item: HistoryItem, document: dict[str, Any]) -> PublicRow:
    """The row that shows this document of the item."""
    return PublicRow(
        item.history_id,
        item.uid,
        item.generation_type,
        item.nsfw,
        item.aesthetic_score,
        document,
        item.revision,
        item.created_at,
        item.updated_at,
    )


def read_situations(connection: sa.Connection, history_ids: Sequence[str]) -> list[Situation]:
    """How each item stands, known or not, in the order given."""
    return [_situation(row) for row in connection.execute(_SITUATIONS, {"ids": list(history_ids)}).all()]


def read_renditions(connection: sa.Connection, urls: Collection[str], base_url: str) -> dict[str, ImageRenditions]:
    """What was made of the images at these addresses, as far as there is anything.

    A file's address is `base_url`, a slash, and its key in the object store (`media/thumbnail/ab/....jpg`).
    """
    if not urls:
        return {}
    found: dict[str, ImageRenditions] = {}
    for url, width, height, blur, names, keys in connection.execute(_RENDITIONS, {"urls": _text(list(urls))}):
        files = {
            _FIELD_OF[name]: f"{base_url}/{key}" for name, key in zip(names, keys, strict=True) if name in _FIELD_OF
        }
        placeholder = {"blurDataUrl": blur} if blur else {}
        found[url] = msgspec.convert({"width": width, "height": height, **placeholder, **files}, _RENDITION)
    return found


def write_rows(connection: sa.Connection, rows: Sequence[PublicRow]) -> dict[str, bool]:
    """Bring rows of the mirror to this content; of those that were not so already, whether they are new."""
    if not rows:
        return {}
    records = [row._asdict() for row in sorted(rows, key=lambda row: row.history_id)]
    written = connection.execute(_WRITE, {"rows": _text(records)}).tuples().all()
    return dict(written)


def delete_rows(connection: sa.Connection, history_ids: Sequence[str]) -> set[str]:
    """Delete rows of the mirror; those that were there."""
    return set(connection.execute(_DELETE, {"ids": list(history_ids)}).scalars()) if history_ids else set()


def enqueue_items_of(connection: sa.Connection, uid: str) -> None:
    """Put a task for each visible item of a user into the mirror queue."""
    connection.execute(_FAN_OUT, {"uid": uid})


def _situation(row: Sequence[Any]) -> Situation:
    history_id, read_at, is_taken_down, is_known, username, display_name, photo_url, images, videos, *fields = row
    *columns, created_at, updated_at, revision, text = fields
    item = None
    if revision is not None:
        item = HistoryItem._make([history_id, *columns, _read_document(text), created_at, updated_at, revision])
    previous = {"images": _read_kept(images), "videos": _read_kept(videos)}
    creator = Creator(username, display_name, photo_url) if is_known else None
    return Situation(history_id, item, creator, is_taken_down, previous, read_at)


def _text(value: object) -> str:
    return _encode(value).decode()


def _read_kept(text: str | None) -> list[dict[str, Any]]:
    """Those entries of a media list in the mirror that a merge may take something from."""
    if text is None or not any(name in text for name in OPTIMISED):
        return []
    try:
        entries = _decode_kept(text)
    except (msgspec.DecodeError, RecursionError):  # somebody else's writing; it is written over
        return []
    return [
        {name: value for name in _Kept.__struct_fields__ if (value := getattr(one, name)) is not None}
        for one in entries
    ]


def _read_document(text: str) -> object:
    """The document; its text when it cannot be read, because of a number or a depth beyond all bounds."""
    try:
        return _decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text


_FIELD_OF = {"thumbnail": "thumbnailUrl", "avif": "avifUrl", "webp": "webpUrl"}

_SITUATIONS = sa.text("""
SELECT k.history_id, CAST(extract(epoch FROM clock_timestamp()) AS float8), t.history_id IS NOT NULL,
    u.uid IS NOT NULL, u.username, u.display_name, u.photo_url,
    (p.document -> 'images')::text, (p.document -> 'videos')::text,
    h.uid, h.status, h.visibility, h.is_public, h.is_deleted, h.nsfw, h.generation_type, h.aesthetic_score,
    h.created_at, h.updated_at, h.revision, CASE WHEN h.is_visible THEN h.document::text ELSE 'null' END
FROM unnest(CAST(:ids AS text[])) WITH ORDINALITY AS k (history_id, place)
LEFT JOIN generation_history AS h USING (history_id)
LEFT JOIN app_user AS u ON u.uid = h.uid
LEFT JOIN gallery_takedown AS t ON t.history_id = k.history_id
LEFT JOIN public_generation AS p ON p.history_id = k.history_id AND h.is_visible
ORDER BY k.place""")

_RENDITIONS = sa.text("""
SELECT s.url, m.width, m.height, m.blur, v.names, v.keys
FROM media_source AS s JOIN media AS m USING (content_hash)
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(name), '{}') AS names, coalesce(array_agg(key), '{}') AS keys
    FROM media_variant WHERE content_hash = s.content_hash) AS v
WHERE s.url = ANY (ARRAY(SELECT json_array_elements_text(CAST(:urls AS json)))) AND v.names <> '{}'""")

# As one binary document, since a text would be read once to check it, once to part it, and each row's document again.
_NAMES = (*PublicRow._fields, "content_hash")
_STORED = ", ".join(f"p.{name}" for name in _NAMES)
_WANTED = ", ".join(f"excluded.{name}" for name in _NAMES)
_WRITE = sa.text(f"""
INSERT INTO public_generation AS p ({", ".join(_NAMES)})
SELECT {", ".join(PublicRow._fields)}, to_hex(jsonb_hash_extended(document, 0))
FROM jsonb_populate_recordset(NULL::public_generation, CAST(:rows AS jsonb))
ON CONFLICT (history_id) DO UPDATE SET ({", ".join(_NAMES)}, mirrored_at) = ROW ({_WANTED}, now())
WHERE ({_STORED}) IS DISTINCT FROM ({_WANTED})
RETURNING history_id, xmax = 0 AS is_new""")  # noqa: S608 - names of our own columns

_DELETE = sa.text("DELETE FROM public_generation WHERE history_id = ANY (CAST(:ids AS text[])) RETURNING history_id")

_FAN_OUT = sa.text("""
SELECT enqueue_tasks('mirror', tasks) FROM (
    SELECT json_agg(mirror_task(history_id, 'update') ORDER BY history_id) AS tasks
    FROM generation_history WHERE uid = :uid AND is_visible
) AS items WHERE tasks IS NOT NULL""")
