"""Create the tables of canvas media and their collection, and what keeps writers and the collection apart.

A collection deletes a medium after it has locked its row and then found no reference. A writer's reference that is not
committed yet would be overlooked, so whoever adds one holds the row too, as a foreign key would: these triggers lock
the row of each medium that a new reference names, lift its mark, and refuse an element whose medium is gone.
A change of these functions is a new revision that replaces them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# What a value names: the key inside of it when it holds one, as signed and absolute links do, else itself.
_NAME = """
CREATE FUNCTION canvas_media_name(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
SELECT CASE WHEN strpos(value, 'canvas/media/') > 0
    THEN split_part(split_part(substr(value, strpos(value, 'canvas/media/')), '?', 1), '#', 1) ELSE value END
$body$
"""

# Every text in a document, at any depth: a reference under a name that nobody thought of counts too.
_TEXTS = """
CREATE FUNCTION media_texts(document jsonb) RETURNS SETOF text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
SELECT text #>> '{}' FROM jsonb_path_query(document, 'strict $.** ? (@.type() == "string")') AS text
$body$
"""

# $1 are values of new references; $2 media ids among them that must exist. Rows are locked in one order. Marks that
# somebody else is about to change are left to the collection, so that writers never wait for each other. A few names
# are looked up by index whatever the planner knows of the table, which may have been filled a moment ago.
_HOLD = """
CREATE FUNCTION hold_canvas_media(named text[], required text[]) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $body$
DECLARE
    found text[];
    held text[];
    gone text;
BEGIN
    IF named IS NULL THEN
        RETURN;
    END IF;
    named := named || ARRAY(
        SELECT canvas_media_name(value) FROM unnest(named) AS value WHERE strpos(value, 'canvas/media/') > 0
    );
    SELECT array_agg(media_id) INTO found FROM (
        SELECT media_id FROM canvas_media WHERE media_id = ANY (named)
        UNION SELECT media_id FROM canvas_media WHERE url = ANY (named)
        UNION SELECT media_id FROM canvas_media WHERE storage_path = ANY (named)
    ) AS any_name;
    IF found IS NOT NULL THEN
        SELECT array_agg(media_id) INTO held FROM (
            SELECT media_id FROM canvas_media WHERE media_id = ANY (found) ORDER BY media_id FOR KEY SHARE
        ) AS locked;
        DELETE FROM media_gc_mark WHERE media_id IN (
            SELECT media_id FROM media_gc_mark WHERE media_id = ANY (held) FOR UPDATE SKIP LOCKED
        );
    END IF;
    IF required IS NULL OR required <@ coalesce(held, '{}') THEN
        RETURN;
    END IF;
    SELECT t.media_id INTO gone FROM media_tombstone AS t
        WHERE t.media_id = ANY (required) AND NOT t.media_id = ANY (coalesce(held, '{}')) LIMIT 1;
    IF gone IS NOT NULL THEN
        RAISE foreign_key_violation USING
            MESSAGE = format('The medium %s was deleted, because nothing had referred to it for long', gone),
            HINT = 'Upload it again, under this id or another';
    END IF;
END
$body$
"""

# What a row refers to: all its values, and the media that must exist.
_REFERENCES = {
    "canvas_element": ("ARRAY(SELECT media_texts({row}.meta))", "ARRAY[{row}.meta ->> 'mediaId']"),
    "canvas_snapshot": ("{row}.media_refs", "'{{}}'::text[]"),
    "canvas_project": (
        "ARRAY(SELECT media_texts({row}.preview_images)) || {row}.thumbnail",
        "'{{}}'::text[]",
    ),
    "generation_history": ("ARRAY(SELECT media_texts({row}.document))", "'{{}}'::text[]"),
    "public_generation": ("ARRAY(SELECT media_texts({row}.document))", "'{{}}'::text[]"),
}

# When an updated row may refer to something new: the columns, and what must have changed. Elsewhere, as when an
# element is moved, the update costs nothing more.
_UPDATED = {
    "canvas_element": ("meta", "NEW.meta IS DISTINCT FROM OLD.meta"),
    "canvas_snapshot": ("media_refs", "NEW.media_refs IS DISTINCT FROM OLD.media_refs"),
    "canvas_project": (
        "thumbnail, preview_images",
        "(NEW.thumbnail, NEW.preview_images) IS DISTINCT FROM (OLD.thumbnail, OLD.preview_images)",
    ),
    "generation_history": (
        "document, is_deleted",
        "NEW.document IS DISTINCT FROM OLD.document OR (OLD.is_deleted AND NOT NEW.is_deleted)",
    ),
    "public_generation": ("document", "NEW.document IS DISTINCT FROM OLD.document"),
}

_INSERTED_FUNCTION = """
CREATE FUNCTION hold_media_of_new_{table}() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    named text[];
    required text[];
BEGIN
    SELECT array_agg(DISTINCT value) INTO named FROM new_rows AS r, unnest({named}) AS value;
    SELECT array_agg(DISTINCT value) INTO required FROM new_rows AS r, unnest({required}) AS value;
    PERFORM hold_canvas_media(named, required);
    RETURN NULL;
END
$body$
"""

_UPDATED_FUNCTION = """
CREATE FUNCTION hold_media_of_{table}() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM hold_canvas_media({named}, {required});
    RETURN NULL;
END
$body$
"""


def upgrade() -> None:
    """Apply the revision."""
    _create_canvas_media()
    _create_run()
    _create_mark()
    _create_tombstone()
    _create_orphan()
    for function in (_NAME, _TEXTS, _HOLD):
        op.execute(function)
    for table in _REFERENCES:
        _create_triggers(table)


def downgrade() -> None:
    """Take it back."""
    for table in _REFERENCES:
        op.execute(f"DROP FUNCTION hold_media_of_new_{table}, hold_media_of_{table} CASCADE")
    op.execute("DROP FUNCTION hold_canvas_media, media_texts, canvas_media_name")
    for table in ("media_orphan", "media_tombstone", "media_gc_mark", "media_gc_run", "canvas_media"):
        op.drop_table(table)


def _create_triggers(table: str) -> None:
    named, required = _REFERENCES[table]
    new, updated = (
        {"table": table, "named": named.format(row=row), "required": required.format(row=row)} for row in ("r", "NEW")
    )
    op.execute(_INSERTED_FUNCTION.format(**new))
    op.execute(_UPDATED_FUNCTION.format(**updated))
    op.execute(
        f"CREATE TRIGGER hold_media_insert AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows "
        f"FOR EACH STATEMENT EXECUTE FUNCTION hold_media_of_new_{table}()"
    )
    columns, changed = _UPDATED[table]
    op.execute(
        f"CREATE TRIGGER hold_media_update AFTER UPDATE OF {columns} ON {table} "
        f"FOR EACH ROW WHEN ({changed}) EXECUTE FUNCTION hold_media_of_{table}()"
    )


def _time(name: str, comment: str | None = None, **options: bool | sa.TextClause) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), comment=comment, **options)  # type: ignore[arg-type]  # passed on


def _count(name: str, comment: str | None = None) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default="0", nullable=False, comment=comment)


def _create_canvas_media() -> None:
    op.create_table(
        "canvas_media",
        sa.Column("media_id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("storage_path", sa.Text(), nullable=False, comment="Object key; rows of equal content share it"),
        sa.Column("origin", sa.Text(), server_default="upload", nullable=False),
        sa.Column(
            "project_id", sa.Text(), nullable=True, comment="Where it was made; a medium may outlive its project"
        ),
        sa.Column(
            "referenced_by_count",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="Places that refer to it, as the last collection counted them; a hint, never a reason to delete",
        ),
        sa.Column(
            "metadata",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
            comment="width, height, duration, format",
        ),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        _time("created_at", server_default=sa.text("now()"), nullable=False),
        _time("updated_at", "The last upload", server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("origin IN ('canvas', 'wildmind', 'upload')", name=op.f("ck_canvas_media_origin")),
        sa.CheckConstraint("storage_path <> ''", name=op.f("ck_canvas_media_storage_path")),
        sa.CheckConstraint("bytes >= 0", name=op.f("ck_canvas_media_bytes")),
        sa.PrimaryKeyConstraint("media_id", name=op.f("pk_canvas_media")),
    )
    op.create_index(op.f("ix_canvas_media_storage_path"), "canvas_media", ["storage_path"], unique=False)
    op.create_index("ix_canvas_media_url", "canvas_media", ["url"], unique=False)


def _create_run() -> None:
    op.create_table(
        "media_gc_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        _time("started_at", nullable=False),
        _time("finished_at"),
        sa.Column("is_dry_run", sa.Boolean(), nullable=False),
        sa.Column("is_forced", sa.Boolean(), nullable=False),
        sa.Column("ttl_days", sa.Float(), nullable=False),
        sa.Column("grace_hours", sa.Float(), nullable=False),
        _count("media", "Rows of `canvas_media` when it began"),
        _count("media_bytes"),
        sa.Column(
            "places",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
            comment="Places that refer to media, by source",
        ),
        _count("repaired", "Stored counts that were wrong"),
        _count("candidates", "Media that nothing refers to, old enough, and not marked before"),
        _count("marked"),
        _count("revived", "Marks lifted because something refers to the medium again"),
        _count("deleted", "Media, without orphaned objects"),
        _count("orphans", "Objects without a row that were removed"),
        _count("bytes", "Freed in the object store"),
        _count("skipped"),
        _count("failed"),
        sa.Column("refused_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media_gc_run")),
    )


def _create_mark() -> None:
    op.create_table(
        "media_gc_mark",
        sa.Column("media_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        _time("marked_at", nullable=False),
        _time("delete_after", nullable=False),
        _time("undone_at", "Undone by an operator: not marked again for another TTL"),
        sa.CheckConstraint("delete_after >= marked_at", name=op.f("ck_media_gc_mark_delete_after")),
        sa.ForeignKeyConstraint(
            ["media_id"], ["canvas_media.media_id"], name=op.f("fk_media_gc_mark_media_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["media_gc_run.id"], name=op.f("fk_media_gc_mark_run_id")),
        sa.PrimaryKeyConstraint("media_id", name=op.f("pk_media_gc_mark")),
    )
    op.create_index(op.f("ix_media_gc_mark_run_id"), "media_gc_mark", ["run_id"], unique=False)


def _create_tombstone() -> None:
    op.create_table(
        "media_tombstone",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("media_id", sa.Text(), nullable=True, comment="None for an object that no row named"),
        sa.Column("storage_path", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=True),
        sa.Column("project_id", sa.Text(), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=False, comment="Of the object"),
        _time("created_at", "The medium's"),
        _time("marked_at", nullable=False),
        sa.Column("marked_by", sa.BigInteger(), nullable=True, comment="The collection that marked it"),
        _time("deleted_at", "When the row was taken away", nullable=False),
        sa.Column("object_state", sa.Text(), server_default="pending", nullable=False),
        _time("settled_at", "When that of the object was known"),
        sa.Column("freed", sa.BigInteger(), server_default="0", nullable=False, comment="Bytes, once an object"),
        sa.Column("error", sa.Text(), nullable=True, comment="Why the object is still there"),
        sa.CheckConstraint("reason IN ('unreferenced', 'orphan')", name=op.f("ck_media_tombstone_reason")),
        sa.CheckConstraint("(reason = 'orphan') = (media_id IS NULL)", name=op.f("ck_media_tombstone_media_id")),
        sa.CheckConstraint(
            "object_state IN ('pending', 'deleted', 'shared', 'missing', 'foreign')",
            name=op.f("ck_media_tombstone_object_state"),
        ),
        sa.CheckConstraint(
            "(object_state = 'pending') = (settled_at IS NULL)", name=op.f("ck_media_tombstone_settled")
        ),
        sa.CheckConstraint(
            "freed = 0 OR (object_state = 'deleted' AND freed = bytes)", name=op.f("ck_media_tombstone_freed")
        ),
        sa.ForeignKeyConstraint(["marked_by"], ["media_gc_run.id"], name=op.f("fk_media_tombstone_marked_by")),
        sa.ForeignKeyConstraint(["run_id"], ["media_gc_run.id"], name=op.f("fk_media_tombstone_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media_tombstone")),
    )
    op.create_index(op.f("ix_media_tombstone_marked_by"), "media_tombstone", ["marked_by"], unique=False)
    op.create_index(op.f("ix_media_tombstone_media_id"), "media_tombstone", ["media_id"], unique=False)
    op.create_index(op.f("ix_media_tombstone_run_id"), "media_tombstone", ["run_id"], unique=False)
    op.create_index(
        "ix_media_tombstone_pending",
        "media_tombstone",
        ["storage_path"],
        unique=False,
        postgresql_where=sa.text("object_state = 'pending'::text"),
    )


def _create_orphan() -> None:
    op.create_table(
        "media_orphan",
        sa.Column("storage_path", sa.Text(), nullable=False),
        _time("seen_at", "When a collection first found it without a row", nullable=False),
        sa.PrimaryKeyConstraint("storage_path", name=op.f("pk_media_orphan")),
    )
