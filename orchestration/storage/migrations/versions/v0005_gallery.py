"""Create the tables of the gallery, and the triggers that put each change of the history into the mirror queue.

A change of these functions, or of the queue's `ENQUEUE` that one of them repeats, is a new revision that replaces
them; a test compares what a migrated database holds with what the queue does today.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_revision_number = sa.Sequence("generation_revision")

# What `TaskQueue.enqueue` does, for writers inside the database: $1 is the queue, $2 the tasks as JSON.
_ENQUEUE_TASKS = """
CREATE FUNCTION enqueue_tasks(text, json) RETURNS void LANGUAGE sql AS $body$
WITH incoming AS (
    SELECT * FROM ROWS FROM (
        json_to_recordset(CAST($2 AS json))
        AS (key text, payload jsonb, "grouping" text, order_key text, priority smallint, delay float8)
    ) WITH ORDINALITY
), written AS (
    INSERT INTO task AS t (queue, key, payload, "grouping", order_key, priority, run_at)
    SELECT $1, key, coalesce(payload, 'null'), "grouping", order_key, priority,
        statement_timestamp() + make_interval(secs => delay)
    FROM incoming ORDER BY ordinality
    ON CONFLICT (queue, key) WHERE state <> 'completed' DO UPDATE SET
        payload = excluded.payload,
        "grouping" = excluded."grouping",
        priority = CASE WHEN t.state = 'dead' THEN excluded.priority ELSE least(t.priority, excluded.priority) END,
        run_at = CASE
            WHEN t.state = 'waiting' AND t.attempt > 0 THEN t.run_at
            WHEN t.state = 'waiting' OR t.rerun THEN least(t.run_at, excluded.run_at)
            ELSE excluded.run_at END,
        rerun = t.state = 'active',
        state = CASE WHEN t.state = 'dead' THEN 'waiting' ELSE t.state END,
        attempt = CASE WHEN t.state = 'dead' THEN 0 ELSE t.attempt END,
        enqueued_at = CASE WHEN t.state = 'dead' THEN statement_timestamp() ELSE t.enqueued_at END,
        finished_at = NULL, reason = NULL
    RETURNING xmax = 0 AS new
)
SELECT count(*) FILTER (WHERE new), count(*) FILTER (WHERE NOT new) FROM written;
SELECT pg_notify('task', $1)
$body$
"""

# One task of the mirror queue. What has to disappear goes before what has to appear.
_MIRROR_TASK = """
CREATE FUNCTION mirror_task(history_id text, op text) RETURNS json LANGUAGE sql STABLE AS $body$
SELECT json_build_object(
    'key', history_id, 'payload', json_build_object('op', op, 'at', extract(epoch FROM statement_timestamp())),
    'grouping', NULL, 'order_key', history_id, 'priority', CASE WHEN op = 'remove' THEN 0 ELSE 1 END, 'delay', 0)
$body$
"""

# The row is locked before this runs, so of two changes of one item the later one has the greater number.
_NUMBER_CHANGE = """
CREATE FUNCTION number_generation_change() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
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

# In order of the key, so that of two statements that change the same items one waits for the other, never in a ring.
_MIRROR_CHANGES = """
CREATE FUNCTION mirror_generation_changes() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    tasks json;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT json_agg(mirror_task(history_id, 'upsert') ORDER BY history_id) INTO tasks
        FROM new_rows WHERE is_visible;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT json_agg(mirror_task(history_id, 'remove') ORDER BY history_id) INTO tasks
        FROM old_rows WHERE is_visible;
    ELSE
        SELECT json_agg(mirror_task(history_id, CASE
            WHEN n.is_visible IS NOT TRUE THEN 'remove' WHEN o.is_visible THEN 'update' ELSE 'upsert' END)
            ORDER BY history_id) INTO tasks
        FROM old_rows AS o FULL JOIN new_rows AS n USING (history_id)
        WHERE (o.is_visible OR n.is_visible) AND o.revision IS DISTINCT FROM n.revision;
    END IF;
    IF tasks IS NOT NULL THEN
        PERFORM enqueue_tasks('mirror', tasks);
    END IF;
    RETURN NULL;
END
$body$
"""

_MIRROR_TAKEDOWNS = """
CREATE FUNCTION mirror_takedowns() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    tasks json;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT json_agg(mirror_task(history_id, 'remove') ORDER BY history_id) INTO tasks FROM new_rows;
    ELSE
        SELECT json_agg(mirror_task(history_id, 'upsert') ORDER BY history_id) INTO tasks FROM old_rows;
    END IF;
    IF tasks IS NOT NULL THEN
        PERFORM enqueue_tasks('mirror', tasks);
    END IF;
    RETURN NULL;
END
$body$
"""

# One task a user, which a drain turns into one for each of the items: after the commit, so that it sees also those
# that were written at the same time; and a user with 50,000 items does not wait for them.
_MIRROR_CREATORS = """
CREATE FUNCTION mirror_creators() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    tasks json;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT json_agg(mirror_task('creator:' || uid, 'creator') ORDER BY uid) INTO tasks FROM new_rows;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT json_agg(mirror_task('creator:' || uid, 'creator') ORDER BY uid) INTO tasks FROM old_rows;
    ELSE
        SELECT json_agg(mirror_task('creator:' || uid, 'creator') ORDER BY uid) INTO tasks
        FROM old_rows AS o FULL JOIN new_rows AS n USING (uid)
        WHERE o.uid IS NULL OR n.uid IS NULL
            OR (o.username, o.display_name, o.photo_url) IS DISTINCT FROM (n.username, n.display_name, n.photo_url);
    END IF;
    IF tasks IS NOT NULL THEN
        PERFORM enqueue_tasks('mirror', tasks);
    END IF;
    RETURN NULL;
END
$body$
"""

_FUNCTIONS = (_ENQUEUE_TASKS, _MIRROR_TASK, _NUMBER_CHANGE, _MIRROR_CHANGES, _MIRROR_TAKEDOWNS, _MIRROR_CREATORS)

# Rows as a statement trigger sees them; PostgreSQL wants a trigger of its own for each kind of statement.
_SEEN = {
    "INSERT": "NEW TABLE AS new_rows",
    "UPDATE": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "DELETE": "OLD TABLE AS old_rows",
}


def upgrade() -> None:
    """Apply the revision."""
    op.execute(sa.schema.CreateSequence(_revision_number))
    _create_app_user()
    _create_gallery_takedown()
    _create_generation_history()
    _create_public_generation()
    _create_signup_image()
    for function in _FUNCTIONS:
        op.execute(function)
    op.execute(
        "CREATE TRIGGER number_change BEFORE INSERT OR UPDATE ON generation_history "
        "FOR EACH ROW EXECUTE FUNCTION number_generation_change()"
    )
    _create_statement_triggers("generation_history", "mirror_generation_changes", ("INSERT", "UPDATE", "DELETE"))
    _create_statement_triggers("app_user", "mirror_creators", ("INSERT", "UPDATE", "DELETE"))
    _create_statement_triggers("gallery_takedown", "mirror_takedowns", ("INSERT", "DELETE"))


def downgrade() -> None:
    """Take it back."""
    op.drop_table("signup_image")
    op.drop_table("public_generation")
    op.drop_table("generation_history")
    op.drop_table("gallery_takedown")
    op.drop_table("app_user")
    op.execute("DROP FUNCTION mirror_creators, mirror_takedowns, mirror_generation_changes, number_generation_change")
    op.execute("DROP FUNCTION mirror_task, enqueue_tasks")
    op.execute(sa.schema.DropSequence(_revision_number))


def _create_statement_triggers(table: str, function: str, events: tuple[str, ...]) -> None:
    for event in events:
        op.execute(
            f"CREATE TRIGGER mirror_{event.lower()} AFTER {event} ON {table} REFERENCING {_SEEN[event]} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
        )


def _create_app_user() -> None:
    op.create_table(
        "app_user",
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True, comment="Never shown to anyone"),
        sa.Column("photo_url", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("uid", name=op.f("pk_app_user")),
    )


def _create_gallery_takedown() -> None:
    op.create_table(
        "gallery_takedown",
        sa.Column("history_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("taken_down_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("history_id", name=op.f("pk_gallery_takedown")),
        comment="Removed by an operator until lifted, whatever the history says",
    )


def _create_generation_history() -> None:
    op.create_table(
        "generation_history",
        sa.Column("history_id", sa.Text(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="generating", nullable=False),
        sa.Column("visibility", sa.Text(), server_default="private", nullable=False),
        sa.Column("is_public", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "is_visible",
            sa.Boolean(),
            sa.Computed("is_public AND NOT is_deleted AND visibility = 'public'", persisted=True),
            nullable=False,
            comment="Shown to everyone, unless it was taken down",
        ),
        sa.Column("nsfw", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("generation_type", sa.Text(), nullable=True),
        sa.Column("aesthetic_score", sa.Float(), nullable=True, comment="0 to 10, the highest of its media"),
        sa.Column(
            "document",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
            comment="All else, by camelCase names",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "revision",
            sa.BigInteger(),
            server_default=sa.text("nextval('generation_revision')"),
            nullable=False,
            comment="Rises with each change of what a mirror could show; set by the trigger",
        ),
        sa.CheckConstraint("history_id NOT LIKE 'creator:%'", name=op.f("ck_generation_history_history_id")),
        sa.CheckConstraint(
            "status IN ('generating', 'completed', 'failed')", name=op.f("ck_generation_history_status")
        ),
        sa.CheckConstraint(
            "visibility IN ('private', 'public', 'unlisted')", name=op.f("ck_generation_history_visibility")
        ),
        sa.PrimaryKeyConstraint("history_id", name=op.f("pk_generation_history")),
    )
    op.create_index(
        "ix_generation_history_uid", "generation_history", ["uid", sa.text("created_at DESC")], unique=False
    )
    op.create_index(
        "ix_generation_history_visible",
        "generation_history",
        ["uid"],
        unique=False,
        postgresql_where=sa.text("is_visible"),
    )


def _create_public_generation() -> None:
    op.create_table(
        "public_generation",
        sa.Column("history_id", sa.Text(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("generation_type", sa.Text(), nullable=True),
        sa.Column("nsfw", sa.Boolean(), nullable=False),
        sa.Column("aesthetic_score", sa.Float(), nullable=True),
        sa.Column(
            "document", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="The whole public document"
        ),
        sa.Column("source_revision", sa.BigInteger(), nullable=False, comment="Of the history that it was made from"),
        sa.Column(
            "content_hash", sa.Text(), nullable=False, comment="Of the document, by PostgreSQL's jsonb_hash_extended"
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, comment="The history's"),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, comment="The history's"),
        sa.Column("mirrored_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("history_id", name=op.f("pk_public_generation")),
    )
    for name, columns in _PUBLIC_INDEXES.items():
        op.create_index(name, "public_generation", [sa.text(column) for column in columns], unique=False)


_PUBLIC_INDEXES = {
    "ix_public_generation_newest": ("created_at DESC", "history_id"),
    "ix_public_generation_type": ("generation_type", "created_at DESC", "history_id"),
    "ix_public_generation_score": ("aesthetic_score DESC NULLS LAST", "history_id"),
    "ix_public_generation_uid": ("uid", "created_at DESC"),
}


def _create_signup_image() -> None:
    op.create_table(
        "signup_image",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("image_url", sa.Text(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=True),
        sa.Column("generation_id", sa.Text(), nullable=True),
        sa.Column("creator", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("cached_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signup_image")),
    )
