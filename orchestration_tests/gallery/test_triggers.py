"""Whoever writes the history, by whatever statement, the mirror's task is in the queue when the writer commits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from orchestration.errors import PermanentError
from orchestration.gallery import history
from orchestration.gallery.history import User
from orchestration.gallery.queues import MirrorOp, mirror_task
from orchestration.gallery.tables import generation_history
from orchestration.gallery.takedowns import lift, takedown
from orchestration.work_queue import statements
from orchestration.work_queue.model import NewTask, Outcome, Priority
from orchestration.work_queue.tables import task
from orchestration_tests.gallery.mirroring import change, execute, generation, image, rename, waiting, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestration.gallery.gallery import Gallery
    from orchestration.storage.database import Database

# The columns that the mirror shows, and another value for each.
SHOWN = {
    "uid": "'u2'",
    "status": "'failed'",
    "nsfw": "true",
    "generation_type": "NULL",
    "aesthetic_score": "6",
    "document": "'{}'",
    "created_at": "'2020-01-01'",
}


def clear(database: Database) -> None:
    execute(database, "DELETE FROM task")


def tasks(database: Database) -> list[dict[str, Any]]:
    """Every task but for what tells two equal ones apart."""
    ignored = {"id", "run_at", "sort_at", "enqueued_at", "lease_until", "claimed_at", "finished_at", "first_failed_at"}
    with database.begin() as connection:
        rows = connection.execute(sa.select(task).order_by(task.c.id)).mappings()
        found = [{name: value for name, value in row.items() if name not in ignored} for row in rows]
    for row in found:
        row["history"] = [{**death, "dead_at": None} for death in row["history"]]
        row["payload"] = {name: value for name, value in row["payload"].items() if name != "at"}
    return found


def test_the_database_enqueues_by_the_very_statement_of_the_queue(database: Database) -> None:
    with database.begin() as connection:
        body = connection.execute(sa.text("SELECT prosrc FROM pg_proc WHERE proname = 'enqueue_tasks'")).scalar_one()
    ours = f"{statements.ENQUEUE.text};{statements.NOTIFY.text}"
    ours = re.sub(r"(?<!:):queue\b", "$1", re.sub(r"(?<!:):tasks\b", "$2", ours))
    # Else write a revision that replaces the function.
    assert body.split() == ours.replace(";SELECT", "; SELECT").split()


def finish(gallery: Gallery, error: Exception | None) -> None:
    with gallery.database.begin() as connection:
        claimed = gallery.mirror_queue.claim(connection, worker=0)
        gallery.mirror_queue.settle(connection, [Outcome(one, error) for one in claimed])


def claim(gallery: Gallery) -> None:
    with gallery.database.begin() as connection:
        gallery.mirror_queue.claim(connection, worker=0)


def claim_and_ask_again(gallery: Gallery) -> None:
    claim(gallery)
    with gallery.database.begin() as connection:
        gallery.mirror_queue.enqueue(connection, [mirror_task("h1")])


SITUATIONS: dict[str, Callable[[Gallery], None]] = {
    "waiting": lambda _: None,
    "active": claim,
    "active and asked for again": claim_and_ask_again,
    "completed": lambda gallery: finish(gallery, None),
    "failed once": lambda gallery: finish(gallery, ValueError("again")),
    "dead": lambda gallery: finish(gallery, PermanentError("never")),
}


@pytest.mark.parametrize("op", [MirrorOp.UPSERT, MirrorOp.REMOVE])
def test_both_ways_to_enqueue_leave_the_same_task(gallery: Gallery, op: MirrorOp) -> None:
    """The function of the database, and `TaskQueue.enqueue`, over a task in each situation and over none."""

    def enqueue_by_function(connection: sa.Connection) -> None:
        one = sa.text(
            "SELECT enqueue_tasks('mirror', json_build_array(mirror_task(:key, :op), mirror_task('h2', :op)))"
        )
        connection.execute(one, {"key": "h1", "op": op})

    def enqueue_by_queue(connection: sa.Connection) -> None:
        gallery.mirror_queue.enqueue(connection, [mirror_task("h1", op), mirror_task("h2", op)])

    def enqueue_in(situation: str, enqueue: Callable[[sa.Connection], None]) -> list[dict[str, Any]]:
        clear(gallery.database)
        with gallery.database.begin() as connection:
            gallery.mirror_queue.enqueue(connection, [mirror_task("h1", MirrorOp.UPDATE)])
        SITUATIONS[situation](gallery)
        with gallery.database.begin() as connection:
            enqueue(connection)
        return tasks(gallery.database)

    for situation in SITUATIONS:
        by_function = enqueue_in(situation, enqueue_by_function)
        assert by_function == enqueue_in(situation, enqueue_by_queue), situation
        assert {row["key"] for row in by_function} == {"h1", "h2"}


def test_whoever_drains_is_woken_when_the_writer_commits(gallery: Gallery) -> None:
    with gallery.database.connect() as listener:
        listener.execute(statements.LISTEN)
        driver: Any = listener.connection.driver_connection
        write(gallery, generation())
        assert {notify.payload for notify in driver.notifies(timeout=5, stop_after=1)} == {"mirror"}
        listener.invalidate()


def test_each_statement_asks_for_what_it_made_or_unmade_visible(gallery: Gallery) -> None:
    write(gallery, generation("h1"), generation("h2", is_public=False))
    assert waiting(gallery.database) == {"h1": "upsert"}
    clear(gallery.database)
    change(gallery, "h1", {"prompt": "a vixen"})
    change(gallery, "h2", {"prompt": "a vixen"})
    assert waiting(gallery.database) == {"h1": "update"}
    change(gallery, "h1", {"visibility": "unlisted"})
    assert waiting(gallery.database) == {"h1": "remove"}
    clear(gallery.database)
    execute(gallery.database, "UPDATE generation_history SET is_public = true, visibility = 'public'")
    assert waiting(gallery.database) == {"h1": "upsert", "h2": "upsert"}
    clear(gallery.database)
    execute(gallery.database, "UPDATE generation_history SET history_id = 'h3' WHERE history_id = 'h2'")
    assert waiting(gallery.database) == {"h2": "remove", "h3": "upsert"}
    clear(gallery.database)
    execute(gallery.database, "DELETE FROM generation_history")
    assert waiting(gallery.database) == {"h1": "remove", "h3": "remove"}


def test_a_change_that_the_mirror_does_not_show_enqueues_nothing(gallery: Gallery) -> None:
    write(gallery, generation("h1"), generation("h2", is_public=False))
    clear(gallery.database)
    change(gallery, "h2", {"prompt": "private", "images": [image(2)]})
    change(gallery, "h1", {"prompt": "a fox"})  # as before
    execute(gallery.database, "UPDATE generation_history SET updated_at = now() + interval '1 hour'")
    assert waiting(gallery.database) == {}


def test_every_column_that_is_shown_enqueues_its_item(gallery: Gallery) -> None:
    write(gallery, generation(generation_type="logo", aesthetic_score=5.0))
    for column, value in SHOWN.items():
        clear(gallery.database)
        execute(gallery.database, f"UPDATE generation_history SET {column} = {value}")  # noqa: S608 - see above
        assert waiting(gallery.database) == {"h1": "update"}, column


def test_the_columns_of_the_history_are_all_accounted_for() -> None:
    deciding = {"visibility", "is_public", "is_deleted", "is_visible"}
    bookkeeping = {"history_id", "updated_at", "revision", "deleted_at"}
    assert {column.name for column in generation_history.columns} == {*SHOWN} | deciding | bookkeeping


def test_what_has_to_disappear_goes_before_what_has_to_appear(gallery: Gallery) -> None:
    write(gallery, *(generation(f"h{n}") for n in range(5)))
    change(gallery, "h4", {"isDeleted": True})
    with gallery.database.begin() as connection:
        first, *_ = gallery.mirror_queue.claim(connection, worker=0)
    assert first.key == "h4"


def test_a_rolled_back_change_enqueues_nothing(gallery: Gallery) -> None:
    def fail() -> None:
        with gallery.database.begin() as connection:
            history.create(connection, [generation()])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert waiting(gallery.database) == {}


def test_one_statement_over_many_items_enqueues_each_once(gallery: Gallery) -> None:
    write(gallery, *(generation(f"h{n}") for n in range(1_000)))
    execute(gallery.database, "UPDATE generation_history SET nsfw = true")
    assert len(waiting(gallery.database)) == 1_000
    assert {row["payload"]["op"] for row in tasks(gallery.database)} == {"update"}


def test_an_upsert_of_an_outside_writer_is_seen_as_what_it_did(gallery: Gallery) -> None:
    write(gallery, generation("h1"))
    clear(gallery.database)
    execute(
        gallery.database,
        "INSERT INTO generation_history (history_id, uid, is_public, visibility) VALUES "
        "('h1', 'u2', true, 'public'), ('h2', 'u2', true, 'public') ON CONFLICT (history_id) DO UPDATE SET uid = 'u2'",
    )
    assert waiting(gallery.database) == {"h1": "update", "h2": "upsert"}


def test_a_user_who_is_called_otherwise_is_one_task_whatever_they_have_made(gallery: Gallery) -> None:
    write(gallery, *(generation(f"h{n}") for n in range(3)))
    clear(gallery.database)
    rename(gallery, "u1", "fox")
    assert waiting(gallery.database) == {"creator:u1": "creator"}
    clear(gallery.database)
    execute(gallery.database, "UPDATE app_user SET email = 'other@example.org'")
    assert waiting(gallery.database) == {}
    execute(gallery.database, "UPDATE app_user SET photo_url = NULL")
    assert waiting(gallery.database) == {"creator:u1": "creator"}
    clear(gallery.database)
    execute(gallery.database, "DELETE FROM app_user")
    assert waiting(gallery.database) == {"creator:u1": "creator"}


def test_an_item_cannot_be_called_like_the_task_of_a_user(gallery: Gallery) -> None:
    with pytest.raises(sa.exc.IntegrityError, match="history_id"):
        write(gallery, generation("creator:u1"))


def test_taking_down_and_lifting_ask_for_the_item(gallery: Gallery) -> None:
    with gallery.database.begin() as connection:
        takedown(connection, ["h1"], "asked for by its subject")
    assert waiting(gallery.database) == {"h1": "remove"}
    assert tasks(gallery.database)[0]["priority"] == Priority.HIGH
    clear(gallery.database)
    with gallery.database.begin() as connection:
        lift(connection, ["h1"])
    assert waiting(gallery.database) == {"h1": "upsert"}


def test_two_writers_who_change_the_same_items_do_not_meet_in_a_ring(gallery: Gallery) -> None:
    """Both statements enqueue in order of the key, so the order in which tasks are written is the same."""
    with gallery.database.begin() as connection:
        history.create(connection, [generation(key) for key in ("h3", "h1", "h2")])
        history.save_users(connection, [User("u3"), User("u1"), User("u2")])
    assert list(waiting(gallery.database)) == ["h1", "h2", "h3", "creator:u1", "creator:u2", "creator:u3"]


def test_the_shape_of_a_task_is_the_same_from_python_and_from_the_database(gallery: Gallery) -> None:
    write(gallery, generation("h1"))
    (by_trigger,) = tasks(gallery.database)
    clear(gallery.database)
    with gallery.database.begin() as connection:
        gallery.mirror_queue.enqueue(connection, [mirror_task("h1")])
    assert tasks(gallery.database) == [by_trigger]
    assert mirror_task("h1") == NewTask("h1", {"op": MirrorOp.UPSERT})


PUBLIC_IS_ONE_THING = {
    "is_public alone": ("is_public", "true", (True, "public")),
    "visibility alone": ("visibility", "'public'", (True, "public")),
    "both": ("is_public, visibility", "true, 'public'", (True, "public")),
    "unlisted": ("visibility", "'unlisted'", (False, "unlisted")),
    "neither": ("uid", "'u'", (False, "private")),
    "the more private one": ("is_public, visibility", "true, 'private'", (False, "private")),
    "the other more private one": ("is_public, visibility", "false, 'public'", (False, "private")),
}


@pytest.mark.parametrize("case", PUBLIC_IS_ONE_THING)
def test_public_means_one_thing_whichever_column_a_writer_sets(gallery: Gallery, case: str) -> None:
    columns, values, meaning = PUBLIC_IS_ONE_THING[case]
    columns, values = (columns, values) if "uid" in columns else (f"uid, {columns}", f"'u', {values}")
    execute(gallery.database, f"INSERT INTO generation_history (history_id, {columns}) VALUES ('h', {values})")  # noqa: S608
    with gallery.database.connect() as connection:
        row = connection.execute(sa.text("SELECT is_public, visibility, is_visible FROM generation_history")).one()
    assert tuple(row) == (*meaning, meaning[0])


def test_each_of_the_two_columns_follows_the_other(gallery: Gallery) -> None:
    execute(gallery.database, "INSERT INTO generation_history (history_id, uid) VALUES ('h', 'u')")
    steps = (
        ("is_public = true", (True, "public")), ("visibility = 'unlisted'", (False, "unlisted")),
        ("visibility = 'public'", (True, "public")), ("is_public = false", (False, "private")),
    )  # fmt: skip
    for change_, meaning in steps:
        execute(gallery.database, f"UPDATE generation_history SET {change_}")  # noqa: S608
        with gallery.database.connect() as connection:
            row = connection.execute(sa.text("SELECT is_public, visibility FROM generation_history")).one()
        assert tuple(row) == meaning, change_


@pytest.mark.parametrize("score", ["NaN", "Infinity", "-Infinity", "12.5", "-1"])
def test_what_is_no_score_is_none(gallery: Gallery, score: str) -> None:
    statement = (
        "INSERT INTO generation_history (history_id, uid, aesthetic_score) VALUES ('h', 'u', CAST(:s AS float8))"
    )
    execute(gallery.database, statement, s=score)
    with gallery.database.connect() as connection:
        assert connection.execute(sa.text("SELECT aesthetic_score FROM generation_history")).scalar() is None


def test_the_moment_of_a_deletion_is_kept_until_it_is_taken_back(gallery: Gallery) -> None:
    def moment() -> object:
        with gallery.database.connect() as connection:
            return connection.execute(sa.text("SELECT deleted_at FROM generation_history")).scalar()

    execute(gallery.database, "INSERT INTO generation_history (history_id, uid) VALUES ('h', 'u')")
    assert moment() is None
    execute(gallery.database, "UPDATE generation_history SET is_deleted = true")
    first = moment()
    assert first is not None
    execute(gallery.database, "UPDATE generation_history SET nsfw = true, deleted_at = NULL")
    assert moment() == first
    execute(gallery.database, "UPDATE generation_history SET is_deleted = false")
    assert moment() is None
