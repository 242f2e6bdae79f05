"""Where a collection and others meet, each at the very moment that matters."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from orchestration.canvas.log import NewOperation, append
from orchestration.canvas.media_gc.model import Medium
from orchestration.canvas.media_gc.store import MediaStore, one_collection
from orchestration.canvas.media_gc.uploads import Upload, store_media
from orchestration.canvas.model import Operation, OperationType
from orchestration.canvas.projects import NewProject, create_projects
from orchestration.errors import InvalidInputError, TransientError
from orchestration.storage.objects import ObjectStore
from orchestration_tests.canvas.media_gc.worlds import INSERT_ELEMENT, body_of, key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestration_tests.canvas.media_gc.worlds import RealWorld

SECONDS = 10


@pytest.fixture
def store(real: RealWorld) -> MediaStore:
    """The store of a collection that has marked `dead` and `other`, and may delete them now."""
    for number in range(20):
        real.add(f"used-{number}")
        real.refer(f"place-{number}", f"used-{number}")
    real.add("dead")
    real.add("other")
    run_id = real.collect().run_id
    real.clock.turn(days=3)
    return MediaStore(real.services.database, real.services.objects, real.collector.sources, run_id)


def claimed(real: RealWorld, store: MediaStore, *media: str) -> dict[str, str]:
    """Claim media; why each was kept, or an empty text."""
    found = store.claim([Medium(name, key_of(name), len(body_of(name))) for name in media], real.clock())
    return {str(one.medium): "" for one in found.tombstones} | dict(found.kept) | dict(found.failed)


class HeldObjects(ObjectStore):
    """An object store that stops where a test tells it to."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.reached = threading.Event()
        self.go_on = threading.Event()
        self.held = ""

    def hold(self, what: str) -> None:
        if what == self.held:
            self.reached.set()
            assert self.go_on.wait(SECONDS)

    async def put_once(self, key: str, body: bytes, *, mime: str | None = None) -> bool:
        created = await super().put_once(key, body, mime=mime)
        self.hold("after put")
        return created

    def delete(self, key: str) -> bool:
        self.hold("before delete")
        return super().delete(key)


def in_thread(work: Callable[[], object], pool: ThreadPoolExecutor) -> Callable[[], object]:
    """Start work; the function gives what became of it."""
    future = pool.submit(work)
    return lambda: future.result(SECONDS)


def test_a_reference_that_is_not_committed_yet_keeps_its_medium(real: RealWorld, store: MediaStore) -> None:
    with real.services.database.begin() as writer:
        writer.execute(INSERT_ELEMENT, {"id": "new", "meta": {"mediaId": "dead"}})
        assert claimed(real, store, "dead", "other") == {"dead": "somebody is using it", "other": ""}
    assert "dead" in real.media()
    assert real.marked() == set()


def test_a_reference_by_url_or_link_holds_like_one_by_id(real: RealWorld, store: MediaStore) -> None:
    links = ("https://host/objects/{key}?expires=1&signature=x", "{key}", "{key}?signature=x", "https://cdn/{key}#top")
    for number, link in enumerate(links):
        with real.services.database.begin() as writer:
            meta = {"deep": [{"model3d": link.format(key=key_of("dead"))}]}
            writer.execute(INSERT_ELEMENT, {"id": f"new-{number}", "meta": meta})
            assert claimed(real, store, "dead") == {"dead": "somebody is using it"}
            writer.rollback()


def test_a_reference_that_no_trigger_saw_is_found_by_the_last_look(real: RealWorld, store: MediaStore) -> None:
    real.refer("bypassed", "dead")
    assert "dead" in real.marked()
    assert claimed(real, store, "dead", "other") == {"dead": "something refers to it again", "other": ""}
    assert real.marked() == set()


def test_an_element_that_comes_too_late_is_refused(real: RealWorld, store: MediaStore) -> None:
    assert claimed(real, store, "dead") == {"dead": ""}
    with pytest.raises(sa.exc.IntegrityError, match="The medium dead was deleted, because nothing had referred to it"):
        real.show("late", "dead")
    real.execute("INSERT INTO generation_history (history_id, uid, document) VALUES ('h', 'u', '{\"url\": \"dead\"}')")
    real.add("dead")
    real.show("late", "dead")
    assert claimed(real, store, "dead") == {"dead": "somebody is using it"}


def test_an_operation_that_names_a_deleted_medium_is_refused(real: RealWorld, store: MediaStore) -> None:
    assert claimed(real, store, "dead") == {"dead": ""}
    element = {"type": "image", "meta": {"mediaId": "dead"}}
    late = NewOperation(Operation(OperationType.CREATE, "late", data={"element": element}), "owner")
    with real.services.database.begin() as connection:
        create_projects(connection, [NewProject("board", "Board", "owner")])
        with pytest.raises(InvalidInputError, match=r"The medium dead was deleted.*Upload it again"):
            append(connection, "board", [late])
        connection.rollback()


def test_a_writer_waits_for_a_deletion_and_hears_how_it_ended(real: RealWorld, store: MediaStore) -> None:
    database = real.services.database
    with ThreadPoolExecutor(1) as pool, database.begin() as collection:
        collection.execute(sa.text("SELECT 1 FROM canvas_media WHERE media_id = 'dead' FOR UPDATE"))
        late = in_thread(lambda: real.show("late", "dead"), pool)
        wait_for_a_waiter(real)
        collection.execute(sa.text("DELETE FROM canvas_media WHERE media_id = 'dead'"))
        bury = sa.text("""
            INSERT INTO media_tombstone (run_id, reason, media_id, storage_path, bytes, marked_at, deleted_at)
            SELECT max(id), 'unreferenced', 'dead', 'x', 1, now(), now() FROM media_gc_run
        """)
        collection.execute(bury)
        collection.commit()
        with pytest.raises(sa.exc.IntegrityError, match="The medium dead was deleted"):
            late()
    assert claimed(real, store, "other") == {"other": ""}


def wait_for_a_waiter(real: RealWorld) -> None:
    """Wait until somebody waits for a lock of this database."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    pause = threading.Event()
    for _ in range(SECONDS * 100):
        if real.execute(waiting)[0][0]:
            return
        pause.wait(0.01)
    raise AssertionError("nobody waits")


def test_a_writer_with_an_old_view_of_the_database_is_told_to_try_again(real: RealWorld, store: MediaStore) -> None:
    with real.services.database.begin() as writer:
        writer.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        writer.execute(sa.text("SELECT 1 FROM canvas_media"))
        assert claimed(real, store, "dead") == {"dead": ""}
        with pytest.raises(sa.exc.OperationalError, match="could not serialize"):
            writer.execute(INSERT_ELEMENT, {"id": "new", "meta": {"mediaId": "dead"}})
        writer.rollback()


def test_two_writers_that_hold_one_medium_do_not_wait_for_each_other(real: RealWorld, store: MediaStore) -> None:
    assert "dead" in real.marked()
    with real.services.database.begin() as first, real.services.database.begin() as second:
        for number, writer in enumerate((first, second)):
            writer.execute(sa.text("SET LOCAL lock_timeout = '2s'"))
            writer.execute(INSERT_ELEMENT, {"id": f"new-{number}", "meta": {"mediaId": "dead"}})
        first.rollback()
    # The second could not lift a mark that the first had lifted and then not; the last look finds its reference.
    assert claimed(real, store, "dead") == {"dead": "something refers to it again"}


@pytest.fixture
def their_table(real: RealWorld) -> Iterator[str]:
    """A table of somebody else's, whose foreign key nobody told us of."""
    real.execute("CREATE TABLE theirs (media_id text REFERENCES canvas_media)")
    yield "theirs"
    real.execute("DROP TABLE theirs")


def test_a_row_that_refuses_to_go_does_not_keep_the_others(
    real: RealWorld, store: MediaStore, their_table: str
) -> None:
    real.execute(f"INSERT INTO {their_table} VALUES ('dead')")  # noqa: S608 - the fixture's table
    ends = claimed(real, store, "dead", "other")
    assert ends["other"] == ""
    assert "violates foreign key constraint" in ends["dead"]
    assert "dead" in real.media()


def test_the_object_of_an_upload_that_is_under_way_is_not_deleted(real: RealWorld, store: MediaStore) -> None:
    held = HeldObjects(real.services.objects.url)
    held.held = "after put"
    (tombstone,) = store.claim([Medium("dead", key_of("dead"), 1)], real.clock()).tombstones

    def upload() -> bool:
        with real.services.database.begin() as connection:
            return store_media(connection, held, Upload("again", body_of("dead"), "bin"), real.clock()).is_new_object

    with ThreadPoolExecutor(1) as pool:
        uploaded = in_thread(upload, pool)
        assert held.reached.wait(SECONDS)
        (settled,) = store.settle([tombstone], real.clock())
        assert settled.is_wanted
        held.go_on.set()
        assert uploaded() is False, "it found the object of the deleted medium"
    (settled,) = store.settle([tombstone], real.clock())
    assert (settled.problem, settled.freed) == ("", 0)
    assert real.services.objects.get(key_of("dead")) == body_of("dead")
    assert real.execute("SELECT object_state FROM media_tombstone") == [("shared",)]


def test_an_upload_waits_for_the_deletion_of_its_object_and_stores_it_anew(real: RealWorld, store: MediaStore) -> None:
    held = HeldObjects(real.services.objects.url)
    held.held = "before delete"
    slow = MediaStore(real.services.database, held, real.collector.sources, store._run_id)
    tombstones = store.claim([Medium("dead", key_of("dead"), 1)], real.clock()).tombstones
    with ThreadPoolExecutor(2) as pool:
        settled = in_thread(lambda: slow.settle(tombstones, real.clock()), pool)
        assert held.reached.wait(SECONDS)
        uploaded = in_thread(lambda: real.add("again", "dead"), pool)
        wait_for_a_waiter(real)
        held.go_on.set()
        settled()
        uploaded()
    assert real.services.objects.get(key_of("dead")) == body_of("dead")
    assert real.collector.reconcile().difference == 0


def test_an_object_outside_of_the_canvas_is_nobodys_to_delete(real: RealWorld, store: MediaStore) -> None:
    real.put_object("media/ab/catalogue.png", 5)
    real.execute(
        "INSERT INTO canvas_media (media_id, storage_path, bytes) VALUES ('foreign', 'media/ab/catalogue.png', 5)"
    )
    store.mark(["foreign"], real.clock(), real.clock())
    tombstones = store.claim([Medium("foreign", "media/ab/catalogue.png", 5)], real.clock()).tombstones
    (settled,) = store.settle(tombstones, real.clock())
    assert (settled.problem, settled.freed) == ("", 0)
    assert real.services.objects.size("media/ab/catalogue.png") == 5
    assert real.execute("SELECT object_state FROM media_tombstone") == [("foreign",)]


def test_an_object_that_cannot_be_deleted_is_tried_again_by_the_next_collection(
    real: RealWorld, store: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert real.marked() == {"dead", "other"}, f"by the collection of {store}"
    delete = ObjectStore.delete

    def refuse(self: ObjectStore, key: str) -> bool:
        if key == key_of("dead"):
            raise TransientError("access denied")
        return delete(self, key)

    monkeypatch.setattr(ObjectStore, "delete", refuse)
    first = real.collect().result
    assert first is not None
    assert (first.deleted, first.failed) == (["other"], {"dead": "access denied"})
    assert real.collector.reconcile().condemned == {key_of("dead"): len(body_of("dead"))}
    assert real.execute("SELECT error FROM media_tombstone WHERE object_state = 'pending'") == [("access denied",)]

    monkeypatch.undo()
    second = real.collect()
    assert second.result is not None
    assert second.plan.freed == second.result.freed == len(body_of("dead"))
    assert real.collector.reconcile().difference == 0


def test_two_collections_do_not_run_at_once(real: RealWorld) -> None:
    with (
        one_collection(real.services.database),
        pytest.raises(TransientError, match="Another media collection is at work"),
    ):
        real.collect()
    real.collect()


def test_a_mark_that_came_too_late_to_be_due_is_not_claimed(real: RealWorld, store: MediaStore) -> None:
    store.revive(["dead"])
    store.mark(["dead"], real.clock(), real.clock() + timedelta(days=1))
    assert claimed(real, store, "dead") == {"dead": "somebody is using it"}
