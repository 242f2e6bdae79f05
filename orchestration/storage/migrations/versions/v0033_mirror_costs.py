"""Have a change of an item cost less: no look for names of media where there are none, and no order of its tasks.

There is one unfinished task of an item, by its key, so an order key that says the same only costs two more indexes.
"""

from __future__ import annotations

from alembic import op

from orchestration.storage.migrations.versions import v0005_gallery, v0007_media_gc, v0017_media_names

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None
# The version before works on this schema too.
expands = True

_ORDERED = "'order_key', history_id"
# The tables of the gallery whose rows may name a medium in a whole document; none requires one to exist.
_TABLES = ("generation_history", "public_generation")

_HOLD_INSERTED = """
CREATE OR REPLACE FUNCTION hold_media_of_new_{table}() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF EXISTS (SELECT FROM canvas_media) THEN
        PERFORM hold_canvas_media(ARRAY(SELECT CAST(document AS text) FROM new_rows), NULL);
    END IF;
    RETURN NULL;
END
$body$
"""

_HOLD_UPDATED = """
CREATE OR REPLACE FUNCTION hold_media_of_{table}() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF EXISTS (SELECT FROM canvas_media) THEN
        PERFORM hold_canvas_media(ARRAY[CAST(NEW.document AS text)], NULL);
    END IF;
    RETURN NULL;
END
$body$
"""


def upgrade() -> None:
    """Apply the revision."""
    op.execute(_again(v0005_gallery._MIRROR_TASK).replace(_ORDERED, "'order_key', NULL"))  # noqa: SLF001
    for table in _TABLES:
        op.execute(_HOLD_INSERTED.format(table=table))
        op.execute(_HOLD_UPDATED.format(table=table))


def downgrade() -> None:
    """Take it back."""
    op.execute(_again(v0005_gallery._MIRROR_TASK))  # noqa: SLF001
    for table in _TABLES:
        named, required = v0017_media_names._REFERENCES[table]  # noqa: SLF001
        for function, row in ((v0007_media_gc._INSERTED_FUNCTION, "r"), (v0007_media_gc._UPDATED_FUNCTION, "NEW")):  # noqa: SLF001
            op.execute(
                _again(function).format(table=table, named=named.format(row=row), required=required.format(row=row))
            )


def _again(function: str) -> str:
    return function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
