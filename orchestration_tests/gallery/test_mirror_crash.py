"""The database server dies between the claim of a mirror task, which it need not remember, and its settling."""

from __future__ import annotations

import asyncio
import threading
from itertools import islice
from typing import TYPE_CHECKING

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from orchestration.gallery.gallery import Gallery
from orchestration.gallery.mirror import MirrorEffect, MirrorHandler, MirrorResult
from orchestration.services import Services
from orchestration.settings import Settings
from orchestration.work_queue import claim_runner
from orchestration.work_queue.drain import drain_queue
from orchestration.work_queue.options import DrainOptions
from orchestration_tests.chaos.server import Server, own_server
from orchestration_tests.conftest import migrate_database, run_on_server
from orchestration_tests.gallery.mirroring import execute, generation, wait_until, waiting, write

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from orchestration.work_queue.claim import Claim

KEYS = ["first", "early", "late"]
# Who holds this lock keeps each commit that changed the mirror from being made.
JOURNAL = """
CREATE TABLE journal (history_id text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO journal VALUES (NEW.history_id);
    RETURN NULL;
END $$;
CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(1, 1);
    RETURN NULL;
END $$;
CREATE TRIGGER note AFTER INSERT OR UPDATE ON public_generation FOR EACH ROW EXECUTE FUNCTION note();
CREATE CONSTRAINT TRIGGER pause AFTER INSERT ON public_generation DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION pause()
"""
BLOCKED = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND (classid, objid) = (1, 1) AND NOT granted"


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that writes to disk what a commit waits for, and nothing else for a while."""
    with own_server() as server:
        for setting in ("wal_writer_delay = '10s'", "autovacuum = off"):
            run_on_server(make_url(server.url), f"ALTER SYSTEM SET {setting}")
        server.restart()
        migrate_database(server.url)
        yield server


@pytest.fixture
def gallery(server: Server, tmp_path: Path) -> Iterator[Gallery]:
    """A gallery on that server."""
    store = (tmp_path / "objects").as_uri()
    services = Services(Settings(home=tmp_path, database_url=server.url, object_store=store, mirror_retry_seconds=0.0))
    yield Gallery(services)
    services.close()


class Deaths:
    """Kills the server before the task `early` is handled, and while what was done for `late` is committed.

    Each time it is the first claim of that task; `claims` are all, by key and token.
    """

    def __init__(self, server: Server) -> None:
        self.claims: list[tuple[str, int]] = []
        self._server = server

    def before(self, claim: Claim[MirrorResult]) -> None:
        """Arrange what happens to the first claim of each task."""
        keys = [task.key for task in claim.tasks if task.key not in {key for key, _ in self.claims}]
        self.claims += [(task.key, task.token) for task in claim.tasks]
        if "early" in keys:
            self._server.restart()
        elif "late" in keys:
            held = psycopg.connect(self._server.url)
            held.execute("SELECT pg_advisory_lock(1, 1)")
            threading.Thread(target=self._kill_in_commit, args=(held,)).start()

    def _kill_in_commit(self, held: psycopg.Connection) -> None:
        wait_until(lambda: held.execute(BLOCKED).fetchone() == (1,))
        self._server.restart()
        held.close()


def test_a_claim_that_dies_with_the_server_is_made_again_and_its_task_done_and_reported_once(
    server: Server, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaths, handle = Deaths(server), MirrorHandler.handle
    reported: list[MirrorResult] = []
    keys = iter(KEYS)

    async def disturbed(handler: MirrorHandler, claim: Claim[MirrorResult]) -> None:
        await asyncio.to_thread(deaths.before, claim)
        await handle(handler, claim)

    def on_batch(results: Sequence[MirrorResult]) -> None:
        """Write the next item, once the one before it is settled, so that no other commit takes its claim to disk."""
        reported.extend(results)
        write(gallery, *map(generation, islice(keys, 1)))

    monkeypatch.setattr(MirrorHandler, "handle", disturbed)
    monkeypatch.setattr(claim_runner, "PAUSE_SECONDS", 0.05)
    execute(gallery.database, JOURNAL)
    on_batch([])
    handler = MirrorHandler(gallery.database, gallery.mirror_queue, base_url=gallery.media_url)
    options = DrainOptions(idle_seconds=None)
    drained = asyncio.run(drain_queue(gallery.database, gallery.mirror_queue, handler, on_batch, options))

    assert [deaths.claims.count((key, 1)) for key in KEYS] == [1, 2, 2]
    assert (drained.completed, drained.retried, drained.dead) == (3, 0, 0)
    assert [(one.history_id, one.effect) for one in reported] == [(key, MirrorEffect.ADDED) for key in KEYS]
    with gallery.database.connect() as connection:
        assert connection.execute(sa.text("SELECT history_id FROM journal")).scalars().all() == KEYS
    assert waiting(gallery.database) == {}
