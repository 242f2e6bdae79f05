"""Find references to media in every form that a text can have them in, and count deadlines from the last one.

Until now a reference was found only as a whole value. What a medium is called and what a text names are now one pair of
functions, which the census, the last look before a deletion, the snapshots and the triggers all use. The history also
gets one meaning of public, scores that are scores, and the moment of a deletion.
"""

from __future__ import annotations

import json
import zlib

import sqlalchemy as sa
from alembic import op

from orchestration.storage.migrations import media_names
from orchestration.storage.migrations.versions import v0005_gallery, v0007_media_gc

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_NAME_MEDIUM = """
CREATE FUNCTION name_medium() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    NEW.names := media_names(NEW.media_id, NEW.url, NEW.storage_path);
    RETURN NEW;
END
$body$
"""

# $1 are the texts of new references; $2 media ids among them that must exist. Rows are locked in one order. Marks that
# somebody else is about to change are left to the collection, so that writers never wait for each other, and so is the
# note that a medium has come to be used. A few names are looked up by index whatever the planner knows of the table,
# which may have been filled a moment ago.
_HOLD = """
CREATE OR REPLACE FUNCTION hold_canvas_media(named text[], required text[]) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $body$
DECLARE
    held text[];
    gone text;
BEGIN
    IF named IS NOT NULL AND EXISTS (SELECT FROM canvas_media) THEN
        SELECT array_agg(media_id) INTO held FROM (
            SELECT media_id FROM canvas_media WHERE names && ARRAY(
                SELECT DISTINCT name FROM unnest(named) AS one, media_names_in(one) AS name
            ) ORDER BY media_id FOR KEY SHARE
        ) AS locked;
    END IF;
    IF held IS NOT NULL THEN
        DELETE FROM media_gc_mark WHERE media_id IN (
            SELECT media_id FROM media_gc_mark WHERE media_id = ANY (held) FOR UPDATE SKIP LOCKED
        );
        UPDATE canvas_media SET referenced_by_count = 1 WHERE media_id IN (
            SELECT media_id FROM canvas_media WHERE media_id = ANY (held) AND referenced_by_count <= 0
            FOR NO KEY UPDATE SKIP LOCKED
        );
    END IF;
    IF required IS NULL OR required <@ coalesce(held, '{}') THEN
        RETURN;
    END IF;
    SELECT t.media_id INTO gone FROM media_tombstone AS t
        WHERE t.media_id = ANY (required) AND NOT t.media_id = ANY (coalesce(held, '{}'))
            AND NOT EXISTS (SELECT FROM canvas_media AS m WHERE m.media_id = t.media_id) LIMIT 1;
    IF gone IS NOT NULL THEN
        RAISE foreign_key_violation USING
            MESSAGE = format('The medium %s was deleted, because nothing had referred to it for long', gone),
            HINT = 'Upload it again, under this id or another';
    END IF;
END
$body$
"""

# What a row holds that may refer to media, as texts, and the media that must exist.
_REFERENCES = {
    "canvas_element": ("ARRAY[CAST({row}.meta AS text)]", "ARRAY[{row}.meta ->> 'mediaId']"),
    "canvas_snapshot": ("ARRAY[CAST(to_jsonb({row}.media_refs) AS text)]", "'{{}}'::text[]"),
    "canvas_project": (
        "ARRAY[{row}.thumbnail, {row}.description, CAST({row}.preview_images AS text), CAST({row}.settings AS text)]",
        "'{{}}'::text[]",
    ),
    "generation_history": ("ARRAY[CAST({row}.document AS text)]", "'{{}}'::text[]"),
    "public_generation": ("ARRAY[CAST({row}.document AS text)]", "'{{}}'::text[]"),
    "app_user": ("ARRAY[{row}.photo_url]", "'{{}}'::text[]"),
}
_UPDATED = {
    "canvas_project": (
        "thumbnail, preview_images, description, settings",
        (
            "(NEW.thumbnail, NEW.preview_images, NEW.description, NEW.settings) IS DISTINCT FROM "
            "(OLD.thumbnail, OLD.preview_images, OLD.description, OLD.settings)"
        ),
    ),
    "app_user": ("photo_url", "NEW.photo_url IS DISTINCT FROM OLD.photo_url"),
}

# Public is one thing, said in two columns: each follows the other, and of two that contradict the more private holds.
# The row is locked before this runs, so of two changes of one item the later one has the greater number.
_NUMBER_CHANGE = """
CREATE OR REPLACE FUNCTION number_generation_change() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.visibility := coalesce(NEW.visibility, CASE WHEN NEW.is_public THEN 'public' ELSE 'private' END);
        NEW.is_public := coalesce(NEW.is_public, NEW.visibility = 'public');
    ELSIF NEW.is_public = OLD.is_public AND NEW.visibility <> OLD.visibility THEN
        NEW.is_public := NEW.visibility = 'public';
    ELSIF NEW.is_public <> OLD.is_public AND NEW.visibility = OLD.visibility THEN
        NEW.visibility := CASE WHEN NEW.is_public THEN 'public' ELSE 'private' END;
    END IF;
    IF NEW.is_public AND NEW.visibility <> 'public' THEN
        NEW.is_public := false;
    ELSIF NOT NEW.is_public AND NEW.visibility = 'public' THEN
        NEW.visibility := 'private';
    END IF;
    IF NEW.aesthetic_score NOT BETWEEN 0 AND 10 THEN
        NEW.aesthetic_score := NULL;
    END IF;
    NEW.deleted_at := CASE
        WHEN NOT NEW.is_deleted THEN NULL
        WHEN TG_OP = 'UPDATE' AND OLD.is_deleted THEN OLD.deleted_at
        ELSE statement_timestamp() END;
    IF TG_OP = 'INSERT' THEN
        NEW.revision := nextval('generation_revision');
    ELSIF (NEW.history_id, NEW.uid, NEW.status, NEW.visibility, NEW.is_public, NEW.is_deleted, NEW.nsfw,
            NEW.generation_type, NEW.aesthetic_score, NEW.document, NEW.created_at)
        IS DISTINCT FROM (OLD.history_id, OLD.uid, OLD.status, OLD.visibility, OLD.is_public, OLD.is_deleted, OLD.nsfw,
            OLD.generation_type, OLD.aesthetic_score, OLD.document, OLD.created_at)
    THEN
        NEW.revision := nextval('generation_revision');
        IF NEW.updated_at = OLD.updated_at THEN
            NEW.updated_at := statement_timestamp();
        END IF;
    ELSE
        NEW.revision := OLD.revision;
    END IF;
    RETURN NEW;
END
$body$
"""

_HISTORY_AS_IT_IS = """
UPDATE generation_history SET
    visibility = CASE WHEN visibility = 'public' AND NOT is_public THEN 'private' ELSE visibility END,
    is_public = is_public AND visibility = 'public',
    aesthetic_score = CASE WHEN aesthetic_score BETWEEN 0 AND 10 THEN aesthetic_score END,
    deleted_at = CASE WHEN is_deleted THEN updated_at END
WHERE is_deleted OR is_public <> (visibility = 'public') OR aesthetic_score NOT BETWEEN 0 AND 10
"""

# What earlier versions showed and nobody listed goes at once; the next comparison of the mirror with its source makes
# each document again, whose source it is no longer known to be made from.
_SHOWN = (
    "{prompt,userPrompt,lyrics,model,tags,frameSize,aspectRatio,aspect_ratio,style,quality,resolution,duration,"
    "seed,characterName,images,videos,audios,id,uid,status,visibility,isPublic,isDeleted,nsfw,generationType,aestheticScore,"
    "createdBy,createdAt,updatedAt}"
)
_HIDE_WHAT_IS_PRIVATE = f"""
UPDATE public_generation SET source_revision = -1, document = (
    SELECT coalesce(jsonb_object_agg(name, CASE WHEN name = 'createdBy' AND CAST(value AS text) ~ '@' THEN NULL
        ELSE value END), '{{}}')
    FROM jsonb_each(CASE jsonb_typeof(document) WHEN 'object' THEN document ELSE '{{}}' END) AS field (name, value)
    WHERE name = ANY (CAST('{_SHOWN}' AS text[])))
"""  # noqa: S608 - our own names


def upgrade() -> None:
    """Apply the revision."""
    for function in (media_names.ESCAPE, media_names.PLAIN, media_names.NAMES_IN, media_names.NAMES):
        op.execute(sa.text(function.replace(":", r"\:")))
    comment = "What a text calls it by; set by the trigger"
    names: sa.Column[object] = sa.Column(
        "names", sa.ARRAY(sa.Text()), server_default="{}", nullable=False, comment=comment
    )
    op.add_column("canvas_media", names)
    op.execute("UPDATE canvas_media SET names = media_names(media_id, url, storage_path)")
    op.execute(_NAME_MEDIUM)
    op.execute(
        "CREATE TRIGGER name_medium BEFORE INSERT OR UPDATE OF media_id, url, storage_path ON canvas_media "
        "FOR EACH ROW EXECUTE FUNCTION name_medium()"
    )
    op.create_index(
        "ix_canvas_media_names",
        "canvas_media",
        ["names"],
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    op.create_table(
        "media_unreferenced",
        sa.Column("media_id", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False, comment="When a collection first found it so"),
        sa.ForeignKeyConstraint(
            ["media_id"], ["canvas_media.media_id"], name=op.f("fk_media_unreferenced_media_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("media_id", name=op.f("pk_media_unreferenced")),
        comment="Media that were in use and are no longer",
    )
    _renew_holds()
    _list_references_of_snapshots()
    _change_history()
    undoes: sa.Column[int] = sa.Column("undoes", sa.BigInteger(), comment="The operation that this one takes back")
    op.add_column("canvas_operation", undoes)
    known = sa.text("undoes IS NOT NULL")
    op.create_index(
        "uq_canvas_operation_undoes", "canvas_operation", ["project_id", "undoes"], unique=True, postgresql_where=known
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_index("uq_canvas_operation_undoes", table_name="canvas_operation")
    op.drop_column("canvas_operation", "undoes")
    op.drop_constraint(op.f("ck_generation_history_public"), "generation_history", type_="check")
    op.drop_constraint(op.f("ck_generation_history_aesthetic_score"), "generation_history", type_="check")
    op.execute(v0005_gallery._NUMBER_CHANGE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))  # noqa: SLF001
    op.drop_column("generation_history", "deleted_at")
    op.alter_column("generation_history", "visibility", server_default="private")
    op.alter_column("generation_history", "is_public", server_default=sa.text("false"))
    for table in _REFERENCES:
        op.execute(f"DROP FUNCTION hold_media_of_new_{table}, hold_media_of_{table} CASCADE")
    op.execute(v0007_media_gc._NAME)  # noqa: SLF001
    op.execute(v0007_media_gc._TEXTS)  # noqa: SLF001
    op.execute(v0007_media_gc._HOLD.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))  # noqa: SLF001
    for table in v0007_media_gc._REFERENCES:  # noqa: SLF001
        v0007_media_gc._create_triggers(table)  # noqa: SLF001
    op.drop_table("media_unreferenced")
    op.drop_index("ix_canvas_media_names", table_name="canvas_media")
    op.execute("DROP FUNCTION name_medium CASCADE")
    op.alter_column("canvas_snapshot", "media_refs", comment=_FORMER_REFS)
    op.drop_column("canvas_media", "names")
    op.execute("DROP FUNCTION media_names, media_longest, media_names_in, media_plain_text, media_unescaped")


def _renew_holds() -> None:
    """Put the triggers that hold media on every table that refers to some, with the new rule."""
    for table in v0007_media_gc._REFERENCES:  # noqa: SLF001 - what that revision made goes
        op.execute(f"DROP FUNCTION hold_media_of_new_{table}, hold_media_of_{table} CASCADE")
    op.execute(_HOLD)
    for table, (named, required) in _REFERENCES.items():
        _create_triggers(table, named, required)
    op.execute("DROP FUNCTION media_texts, canvas_media_name")


def _create_triggers(table: str, named: str, required: str) -> None:
    new, updated = (
        {"table": table, "named": named.format(row=row), "required": required.format(row=row)} for row in ("r", "NEW")
    )
    op.execute(v0007_media_gc._INSERTED_FUNCTION.format(**new))  # noqa: SLF001
    op.execute(v0007_media_gc._UPDATED_FUNCTION.format(**updated))  # noqa: SLF001
    op.execute(
        f"CREATE TRIGGER hold_media_insert AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows "
        f"FOR EACH STATEMENT EXECUTE FUNCTION hold_media_of_new_{table}()"
    )
    columns, changed = _UPDATED.get(table) or v0007_media_gc._UPDATED[table]  # noqa: SLF001
    op.execute(
        f"CREATE TRIGGER hold_media_update AFTER UPDATE OF {columns} ON {table} "
        f"FOR EACH ROW WHEN ({changed}) EXECUTE FUNCTION hold_media_of_{table}()"
    )


_FORMER_REFS = "Every mediaId, url and storagePath of its elements, and what else may be one"


def _list_references_of_snapshots() -> None:
    """Add what the new rule finds in the snapshots that there are; one that cannot be read keeps its list."""
    comment = "Everything in its elements that may be the name of a medium"
    op.alter_column("canvas_snapshot", "media_refs", comment=comment)
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT id, elements FROM canvas_snapshot WHERE version = 1")).all()
    for row in rows:
        try:
            elements = json.loads(zlib.decompress(row.elements))
            texts = [json.dumps(one.get("meta", {}), ensure_ascii=False) for one in elements.values()]
        except (zlib.error, ValueError, AttributeError):
            continue
        connection.execute(_LIST_REFERENCES, {"id": row.id, "texts": texts})


_LIST_REFERENCES = sa.text("""
    UPDATE canvas_snapshot SET media_refs = ARRAY(
        SELECT unnest(media_refs)
        UNION SELECT name FROM unnest(CAST(:texts AS text[])) AS one, media_names_in(one) AS name
    ) WHERE id = :id
""")


def _change_history() -> None:
    op.add_column(
        "generation_history",
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True, comment="Set by the trigger"),
    )
    op.alter_column("generation_history", "visibility", server_default=None)
    op.alter_column("generation_history", "is_public", server_default=None)
    op.execute(_HISTORY_AS_IT_IS)
    op.execute(_HIDE_WHAT_IS_PRIVATE)
    op.execute(_NUMBER_CHANGE)
    op.create_check_constraint(
        op.f("ck_generation_history_public"), "generation_history", "is_public = (visibility = 'public')"
    )
    op.create_check_constraint(
        op.f("ck_generation_history_aesthetic_score"), "generation_history", "aesthetic_score BETWEEN 0 AND 10"
    )
