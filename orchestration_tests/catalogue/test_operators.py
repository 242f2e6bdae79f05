"""What operators do to syncs, and what syncs do by themselves when something failed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from orchestration.catalogue import health
from orchestration.catalogue.families.images import image_states
from orchestration.catalogue.feed.stopping import stop_supplier
from orchestration.catalogue.feed.suppliers import set_supplier
from orchestration.errors import LockTimeoutError, NotFoundError
from orchestration.work_queue.queue import TaskQueue
from orchestration_tests.catalogue.sample_documents import family_document
from orchestration_tests.catalogue.syncing import plan, rows, sync

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.catalogue.catalogue import Catalogue
    from orchestration.work_queue.model import Enqueued, NewTask
    from orchestration_tests.catalogue.feed_folder import FeedFolder


def test_a_plan_that_fails_for_now_is_tried_again_and_leaves_a_row_when_that_is_in_vain(
    catalogue: Catalogue, feed: FeedFolder
) -> None:
    feed.put(family_document("A23-1"), family_document("A360-1"))
    values = {"supplier_attempts": 2, "supplier_retry_seconds": 0.0}
    catalogue.settings = catalogue.settings.model_copy(update=values)
    queue, tries = catalogue.family_queue, []

    class Busy(TaskQueue):
        def enqueue(self, connection: sa.Connection, tasks: Sequence[NewTask]) -> Enqueued:
            tries.append(tasks[0].key if tasks else "")
            if tasks[0].key == "A23-1":
                raise LockTimeoutError("a row stayed locked")
            return super().enqueue(connection, tasks)

    catalogue.family_queue = Busy(queue.policy)
    plan(catalogue)

    assert tries == ["A23-1", "A23-1", "A360-1"]
    query = "SELECT supplier, status, message FROM sync ORDER BY supplier"
    assert rows(catalogue.database, query) == [("A23", "failed", "a row stayed locked"), ("A360", "running", "")]


def test_stopping_reaches_what_is_being_imported_and_a_change_of_the_feed_resumes_it(
    catalogue: Catalogue, feed: FeedFolder
) -> None:
    feed.put(family_document("A23-1", pictures=0), family_document("A23-2", pictures=0))
    plan(catalogue)
    with catalogue.database.begin() as connection:
        worker = catalogue.family_queue.register_worker(connection)
        (claimed,) = catalogue.family_queue.claim(connection, worker, limit=1)
    with catalogue.database.begin() as connection:
        stopped = stop_supplier(connection, catalogue.family_queue, "A23", by="an operator")
        assert stopped == (1, 1)
        assert catalogue.family_queue.cancel_requested(connection, worker) == {claimed.id}
    with catalogue.database.begin() as connection, pytest.raises(NotFoundError, match="A404 is no supplier"):
        stop_supplier(connection, catalogue.family_queue, "A404", by="an operator")
    [(status, message)] = rows(catalogue.database, "SELECT status, message FROM sync")
    assert status == "stopped"
    assert "`orchestration sync --supplier A23` goes on" in message

    assert list(catalogue.changed_suppliers(asyncio.run(catalogue.read_feed()))) == ["A23"]


def test_a_supplier_without_automatic_import_is_synced_by_name_only_and_an_inactive_one_not_at_all(
    catalogue: Catalogue, feed: FeedFolder
) -> None:
    feed.put(family_document("A23-1", pictures=0), family_document("A24-1", pictures=0))
    sync(catalogue)
    with catalogue.database.begin() as connection:
        assert set_supplier(connection, "A23", auto_import=False)
        assert set_supplier(connection, "A24", is_active=False)
        assert not set_supplier(connection, "A25", is_active=False)
    feed.put(family_document("A23-2", pictures=0), family_document("A24-2", pictures=0))

    assert plan(catalogue) == []
    assert catalogue.changed_suppliers(asyncio.run(catalogue.read_feed())) == {}
    named, inactive = plan(catalogue, ["A23", "A24"])
    assert named.queued == ("A23-2",)
    assert "A24 is inactive" in inactive.problem


def test_a_missing_picture_is_asked_for_at_each_sync_and_never_forgotten(
    catalogue: Catalogue, feed: FeedFolder
) -> None:
    feed.put(family_document("A23-1", pictures=3))
    lost = min((feed.root / "images").iterdir())
    body = lost.read_bytes()
    lost.unlink()
    assert sync(catalogue).images == {"stored": 2, "failed": 1}

    assert sync(catalogue).images == {"failed": 1}

    with catalogue.database.begin() as connection:  # as after the seven days for which dead tasks are kept
        connection.execute(sa.text("DELETE FROM task WHERE state = 'dead'"))
        finding = health.missing_images(connection, catalogue.image_queue)
    assert finding.total == 1
    assert finding.examples[0][0].endswith(lost.name)
    assert "asks for them again" in finding.remedy

    lost.write_bytes(body)
    assert sync(catalogue).images == {"stored": 1}
    with catalogue.database.connect() as connection:
        assert health.missing_images(connection, catalogue.image_queue).total == 0


def test_a_family_that_lacks_a_picture_never_counts_as_whole(catalogue: Catalogue, feed: FeedFolder) -> None:
    feed.put(family_document("A23-1", pictures=3))
    min((feed.root / "images").iterdir()).unlink()
    sync(catalogue)
    with catalogue.database.begin() as connection:
        connection.execute(sa.text("DELETE FROM task"))
        [state] = image_states(connection, catalogue.image_queue, ["A23-1"])
    assert (state.stored, state.total) == (2, 3)
    assert len(state.problems) == 1
    assert "the next sync asks again" in state.problems[0]
