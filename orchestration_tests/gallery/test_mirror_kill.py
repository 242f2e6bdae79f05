"""Several drains at once, some of them killed: each change is mirrored once, in order, and none is lost."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.gallery import history
from orchestration.gallery.history import Visibility
from orchestration.gallery.reconcile import MirrorDiff, find_drift
from orchestration_tests.gallery.killing import draining
from orchestration_tests.gallery.mirroring import drain, execute, generation, write

if TYPE_CHECKING:
    from orchestration.gallery.gallery import Gallery
    from orchestration.settings import Settings

COUNT = 1_500
# Every write of the mirror, in the order in which they were committed for an item; `public` is what the history
# said at that moment.
JOURNAL = """
CREATE TABLE journal (
    id bigint GENERATED ALWAYS AS IDENTITY, history_id text, revision bigint, public boolean, writer int);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO journal (history_id, revision, public, writer)
    SELECT NEW.history_id, NEW.source_revision, h.is_visible, pg_backend_pid()
    FROM generation_history AS h WHERE h.history_id = NEW.history_id;
    RETURN NULL;
END $$;
CREATE TRIGGER note AFTER INSERT OR UPDATE ON public_generation FOR EACH ROW EXECUTE FUNCTION note()
"""
TWICE = "SELECT count(*) FROM (SELECT FROM journal GROUP BY history_id, revision HAVING count(*) > 1) AS same"
BACK = """
SELECT count(*) FROM (
    SELECT revision <= lag(revision) OVER (PARTITION BY history_id ORDER BY id) AS back FROM journal
) AS steps WHERE back
"""
WRITERS = "SELECT count(DISTINCT writer) FROM journal"
LEAKS = "SELECT count(*) FROM journal WHERE NOT public"


def answer(gallery: Gallery, question: str) -> int:
    """A count."""
    with gallery.database.begin() as connection:
        return int(connection.execute(sa.text(question)).scalar_one())


def prepare(gallery: Gallery) -> None:
    """Items that nobody has mirrored, and a journal of what the mirror shows."""
    execute(gallery.database, JOURNAL.replace(":", "\\:"))
    write(gallery, *(generation(f"h{n}") for n in range(COUNT)))


def wait_for(gallery: Gallery, mirrored: int) -> None:
    deadline = time.monotonic() + 60
    while answer(gallery, "SELECT count(*) FROM journal") < mirrored:
        assert time.monotonic() < deadline, "the drains do not get ahead"
        time.sleep(0.005)


def change_everything(gallery: Gallery) -> None:
    """What users do meanwhile: they change each item twice, and take every third back."""
    for n in range(0, COUNT, 10):
        keys = [f"h{n + step}" for step in range(10)]
        with gallery.database.begin() as connection:
            connection.execute(
                sa.text("UPDATE generation_history SET nsfw = NOT nsfw WHERE history_id = ANY (:keys)"), {"keys": keys}
            )
        with gallery.database.begin() as connection:
            history.update(connection, keys[0], {"prompt": "another"})
            history.set_visibility(connection, keys[::3], Visibility.PRIVATE)


def test_killed_drains_leave_nothing_behind_and_nothing_twice(gallery: Gallery, settings: Settings) -> None:
    prepare(gallery)
    users = threading.Thread(target=change_everything, args=(gallery,))
    with draining(settings.model_copy(update={"mirror_batch": 25}), 4, idle_seconds=1) as processes:
        users.start()
        for victim, mirrored in zip(processes[:2], (COUNT // 10, COUNT // 3), strict=True):
            wait_for(gallery, mirrored)
            victim.kill()
        users.join()
    assert [process.exitcode for process in processes] == [-signal.SIGKILL] * 2 + [0, 0]
    with gallery.database.begin() as connection:
        assert find_drift(connection) == MirrorDiff(_left(), _left(), 0, (), (), ())
    assert (answer(gallery, TWICE), answer(gallery, BACK), answer(gallery, LEAKS)) == (0, 0, 0)
    assert answer(gallery, WRITERS) > 2


def _left() -> int:
    """Of each ten items, the first, fourth, seventh and tenth are taken back."""
    return COUNT - 4 * COUNT // 10


def test_what_a_killed_drain_had_in_hand_is_done_by_the_next(gallery: Gallery, settings: Settings) -> None:
    prepare(gallery)
    with draining(settings.model_copy(update={"mirror_batch": 100}), 1) as processes:
        wait_for(gallery, 100)
        processes[0].kill()
    drain(gallery)
    with gallery.database.begin() as connection:
        assert find_drift(connection) == MirrorDiff(COUNT, COUNT, 0, (), (), ())
    assert (answer(gallery, TWICE), answer(gallery, "SELECT count(*) FROM journal")) == (0, COUNT)
