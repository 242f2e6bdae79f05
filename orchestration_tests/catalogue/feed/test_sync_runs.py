"""A sync always ends, counts each family once, and is completed only when its images are settled."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from orchestration.catalogue.catalogue import Catalogue
from orchestration.catalogue.feed.sync_items import settle_families, settle_images
from orchestration.catalogue.feed.sync_runs import SupplierStatus, stop_sync, supplier_statuses
from orchestration.errors import OrchestrationError
from orchestration.services import Services
from orchestration_tests.catalogue.sample_documents import as_bytes, family_document
from orchestration_tests.catalogue.syncing import import_due, mirror_due, plan, rows, sync

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.settings import Settings
    from orchestration_tests.catalogue.feed_folder import FeedFolder

ENDS = "SELECT status, step, finished_at IS NOT NULL FROM sync ORDER BY id"
FAMILIES = "SELECT status, settled, planned, added, failed FROM sync ORDER BY id"
IMAGES = "SELECT status, images_settled, images, images_failed FROM sync ORDER BY id"


@pytest.fixture
def impatient(settings: Settings, feed: FeedFolder) -> Iterator[Catalogue]:
    """A catalogue over the feed that tries each family once."""
    values = {"promidata_base_url": feed.base_url, "family_attempts": 1}
    services = Services(settings.model_copy(update=values))
    yield Catalogue(services)
    services.close()


def status_of(catalogue: Catalogue, code: str = "A23") -> SupplierStatus:
    """The supplier's status."""
    with catalogue.database.connect() as connection:
        return next(one for one in supplier_statuses(connection) if one.supplier == code)


def with_pictures(feed: FeedFolder, sku: str, count: int = 1) -> dict[str, Any]:
    """A document with pictures of the feed's own, some of them shown twice."""
    return feed.with_pictures(family_document(sku, pictures=count))


def test_a_sync_runs_until_its_images_are_settled(catalogue: Catalogue, feed: FeedFolder) -> None:
    feed.put(*(with_pictures(feed, f"A23-{number}") for number in range(3)))
    plan(catalogue)
    assert status_of(catalogue).progress == ("importing_families", 0, 3, "0 of 3 families")

    import_due(catalogue)
    assert rows(catalogue.database, ENDS) == [("running", "mirroring_images", False)]
    assert status_of(catalogue).progress == ("mirroring_images", 0, 3, "0 of 3 images")
    assert status_of(catalogue).eta_seconds is None

    mirror_due(catalogue)
    assert rows(catalogue.database, ENDS) == [("completed", "complete", True)]
    assert status_of(catalogue).progress == ("complete", 3, 3, "3 of 3 families")
    assert rows(catalogue.database, "SELECT count(*) FROM sync_item") == [0]


def test_a_batch_that_records_changes_does_not_keep_another_from_counting(
    catalogue: Catalogue, feed: FeedFolder
) -> None:
    """Each would wait for the other, which learns of the supplier's documents before it counts."""
    feed.put(family_document("A23-1"), family_document("A23-2"))
    plan(catalogue)
    change = "INSERT INTO change (sync_id, a_number, entity, key, kind) SELECT id, 'A23-1', 'family', 'A23-1', 'added' "
    with catalogue.database.begin() as recording, catalogue.database.begin() as counting:
        recording.execute(sa.text(f"{change} FROM sync"))
        counting.execute(sa.text("SET LOCAL lock_timeout = '100ms'"))
        settle_families(counting, {"A23-2": "added"})
    assert rows(catalogue.database, FAMILIES) == [("running", 1, 2, 1, 0)]


def test_an_image_that_is_dead_is_told_and_a_replay_takes_it_back(catalogue: Catalogue, feed: FeedFolder) -> None:
    document = with_pictures(feed, "A23-1", 2)
    feed.put(document)
    name = document["ProductDetails"]["nl"]["Image"]["Url"].rpartition("/")[2]
    (feed.root / "images" / name).write_bytes(b"<html>")
    sync(catalogue)
    assert rows(catalogue.database, IMAGES) == [("completed", 2, 2, 1)]
    assert status_of(catalogue).progress.message == "1 of 1 families, 1 of 2 images dead"

    (feed.root / "images" / name).unlink()
    feed.picture(name)
    with catalogue.database.begin() as connection:
        catalogue.image_queue.replay(connection)
    mirror_due(catalogue)

    assert rows(catalogue.database, IMAGES) == [("completed", 2, 2, 0)]


def lose(catalogue: Catalogue) -> str:
    """Let the supplier's first family be lost with its worker as often as it may; its key."""
    queue = catalogue.family_queue
    with catalogue.database.begin() as connection:
        # Numbers without a process behind them, as killed workers leave them.
        [task] = queue.claim(connection, queue.register_worker(connection), limit=1)
        queue.reap(connection)
        queue.claim(connection, queue.register_worker(connection), limit=1)
    return task.key


def test_a_family_that_is_lost_with_its_worker_is_counted_as_failed(impatient: Catalogue, feed: FeedFolder) -> None:
    feed.put(family_document("A23-1", pictures=0), family_document("A23-2", pictures=0))
    plan(impatient)
    lost = lose(impatient)

    problems = {family.a_number: family.problem for family in import_due(impatient)}

    assert "died" in (problems[lost] or "")
    assert rows(impatient.database, FAMILIES) == [("failed", 2, 2, 1, 1)]
    assert status_of(impatient).progress == ("importing_families", 2, 2, "2 of 2 families")
    assert status_of(impatient).message.startswith("1 family is dead; `orchestration queue dead")
    assert status_of(impatient).eta_seconds is None


def test_a_replayed_family_counts_once_and_its_sync_is_completed_then(impatient: Catalogue, feed: FeedFolder) -> None:
    feed.put(with_pictures(feed, "A23-1"), with_pictures(feed, "A23-2"))
    plan(impatient)
    lose(impatient)
    import_due(impatient)
    mirror_due(impatient)
    assert rows(impatient.database, FAMILIES) == [("failed", 2, 2, 1, 1)]

    with impatient.database.begin() as connection:
        impatient.family_queue.replay(connection)
    import_due(impatient)
    assert rows(impatient.database, FAMILIES) == [("running", 2, 2, 2, 0)]

    mirror_due(impatient)
    assert rows(impatient.database, FAMILIES) == [("completed", 2, 2, 2, 0)]


def test_families_that_were_taken_from_the_queue_do_not_keep_their_sync_running(
    catalogue: Catalogue, feed: FeedFolder
) -> None:
    feed.put(family_document("A23-1", pictures=0), family_document("A24-1", pictures=0))
    plan(catalogue)
    with catalogue.database.begin() as connection:
        catalogue.family_queue.cancel(connection, "A24")

    import_due(catalogue)

    assert rows(catalogue.database, FAMILIES) == [("completed", 1, 1, 1, 0), ("failed", 1, 1, 0, 1)]


def test_a_family_that_is_imported_by_hand_meanwhile_counts_once(catalogue: Catalogue, feed: FeedFolder) -> None:
    feed.put(family_document("A23-1", pictures=0), family_document("A23-2", pictures=0))
    plan(catalogue)

    import_due(catalogue, ["A23-1"])
    import_due(catalogue, ["A23-1"])
    import_due(catalogue)

    assert rows(catalogue.database, FAMILIES) == [("completed", 2, 2, 2, 0)]


def test_a_stopped_sync_ends_and_nothing_moves_its_counts(catalogue: Catalogue, feed: FeedFolder) -> None:
    feed.put(*(family_document(f"A23-{number}", pictures=0) for number in range(3)))
    plan(catalogue)
    with catalogue.database.begin() as connection:
        stop_sync(connection, "A23", "Stopped by an operator")

    import_due(catalogue)

    assert rows(catalogue.database, ENDS) == [("stopped", "importing_families", True)]


def test_a_newer_sync_waits_for_what_the_one_before_left(catalogue: Catalogue, feed: FeedFolder) -> None:
    feed.put(with_pictures(feed, "A23-1", 2))
    plan(catalogue)
    import_due(catalogue)
    feed.put(with_pictures(feed, "A23-2", 1))
    plan(catalogue)
    assert rows(catalogue.database, ENDS)[0] == ("stopped", "mirroring_images", True)

    import_due(catalogue)
    assert rows(catalogue.database, IMAGES)[1] == ("running", 0, 3, 0)
    mirror_due(catalogue)

    assert rows(catalogue.database, IMAGES)[1] == ("completed", 3, 3, 0)


def test_a_feed_that_cannot_be_read_leaves_a_failed_sync_a_supplier(catalogue: Catalogue, feed: FeedFolder) -> None:
    feed.put(family_document("A23-1", pictures=0), family_document("A24-1", pictures=0))
    sync(catalogue)
    (feed.root / "Import" / "Import.txt").write_bytes(b"<html>maintenance</html>")

    for codes in (None, None, ["A23", "A999"]):
        with pytest.raises(OrchestrationError, match=r"Import\.txt"):
            asyncio.run(catalogue.read_feed_to_plan(codes))

    query = "SELECT supplier, status, step FROM sync ORDER BY id OFFSET 2"
    assert rows(catalogue.database, query) == [(code, "failed", "parsing_import") for code in ("A23", "A24")]
    status = status_of(catalogue)
    assert (status.status, status.progress.step) == ("failed", "parsing_import")
    assert "Import.txt" in status.message


def test_a_plan_that_fails_leaves_a_failed_sync_and_the_other_suppliers_are_planned(
    catalogue: Catalogue, feed: FeedFolder
) -> None:
    feed.put(*(family_document(f"{code}-1", pictures=0) for code in ("A23", "A24", "A25")))
    with catalogue.database.begin() as connection:
        connection.execute(sa.text("ALTER TABLE feed_entry ADD CONSTRAINT odd CHECK (supplier <> 'A24')"))

    planned = {one.code: one for one in plan(catalogue)}

    assert [planned[code].problem != "" for code in ("A23", "A24", "A25")] == [False, True, False]
    query = "SELECT supplier, status, step FROM sync ORDER BY supplier"
    assert rows(catalogue.database, query) == [
        ("A23", "running", "importing_families"),
        ("A24", "failed", "hash_check"),
        ("A25", "running", "importing_families"),
    ]
    # What was never planned is still news to the feed's sensor.
    assert "A24" in catalogue.changed_suppliers(asyncio.run(catalogue.read_feed()))


def test_two_workers_that_settle_the_last_images_at_the_same_time_end_the_sync(
    catalogue: Catalogue, feed: FeedFolder
) -> None:
    feed.put(with_pictures(feed, "A23-1", 2))
    plan(catalogue)
    import_due(catalogue)
    first, second = rows(catalogue.database, "SELECT key FROM sync_item ORDER BY key")

    def settle_second() -> None:
        with catalogue.database.begin() as connection:
            settle_images(connection, {second: False})

    other = threading.Thread(target=settle_second)
    with catalogue.database.begin() as connection:
        settle_images(connection, {first: False})
        other.start()
        other.join(0.2)  # it waits for this transaction, or has not begun yet
    other.join(30)

    assert rows(catalogue.database, IMAGES) == [("completed", 2, 2, 0)]


def test_an_honest_audit_is_completed_with_every_family_unchanged(catalogue: Catalogue, feed: FeedFolder) -> None:
    feed.put(with_pictures(feed, "A23-1"), with_pictures(feed, "A23-2"))
    sync(catalogue)
    feed.write("A23-2", as_bytes(with_pictures(feed, "A23-2")))

    assert sync(catalogue, full=True).families == {"unchanged": 2}
    assert rows(catalogue.database, ENDS)[-1] == ("completed", "complete", True)
