"""What operators do by hand: status, stop, restore, drift, queues."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

import pytest

from orchestration.catalogue.queues import family_queue, image_queue
from orchestration.errors import PermanentError
from orchestration.prints.tasks.queue import print_queue
from orchestration.settings import Settings
from orchestration.work_queue.model import NewTask, Outcome
from orchestration_tests.catalogue.sample_documents import family_document, with_value

if TYPE_CHECKING:
    from orchestration.storage.database import Database
    from orchestration_tests.cli.conftest import Command
    from orchestration_tests.cli.feed_folder import FeedFolder

# Every queue, in the order in which work flows through them.
QUEUES = [
    "product-family",
    "image-upload",
    "image-variant",
    "print",
    "notification",
    "render-engine",
    "mirror",
    "gallery-image",
    "gallery-variant",
    "preview-jobs",
]


@pytest.fixture
def dead_letters(database: Database) -> list[str]:
    """Two images that were given up; their keys."""
    queue = image_queue(Settings())
    keys = ["https://images/1.jpg", "https://images/2.jpg"]
    with database.begin() as connection:
        queue.enqueue(connection, [NewTask(key, grouping="A23") for key in keys])
        worker = queue.register_worker(connection)
        tasks = queue.claim(connection, worker)
        queue.settle(connection, [Outcome(task, PermanentError("it is [/b] gone")) for task in tasks])
    return keys


def test_the_status_tells_each_suppliers_last_sync(orchestration: Command, feed: FeedFolder) -> None:
    assert orchestration("status").out == "Suppliers: none\n"
    feed.put_plain("A23-1", "A23-2")
    feed.spoil("A461-1", b"broken")
    feed.publish()
    orchestration("sync")
    first, second = orchestration("status", "--json").json
    assert (first["supplier"], first["status"], first["counts"]["added"]) == ("A23", "completed", 2)
    assert first["progress"] == {"step": "complete", "completed": 2, "total": 2, "message": "2 of 2 families"}
    assert first["per_minute"] > 0
    assert second["counts"]["quarantined"] == 1
    assert "2 of 2 families" in orchestration("status").out


def test_a_stopped_sync_goes_on_from_where_it_ended(
    orchestration: Command, feed: FeedFolder, database: Database
) -> None:
    feed.put_plain("A23-1", "A23-2", "A23-3")
    feed.publish()
    # Planned, and not yet imported, as when an operator stops a long sync.
    orchestration("materialize", "catalogue/supplier_feed")
    queue = family_queue(Settings())
    with database.connect() as connection:
        assert queue.counts(connection).waiting == 3

    assert orchestration("stop", "A23", "--json").json == {"cancelled": 3, "interrupted": 0}
    (status,) = orchestration("status", "--json").json
    assert status["status"] == "stopped"
    assert status["message"].startswith("Stopped by an operator; the next Import.txt")
    assert orchestration("stop", "A23").out == "0 families taken from the queue\n"
    unknown = orchestration("stop", "A404")
    assert unknown.code == 1
    assert "A404 is no supplier" in unknown.err

    assert orchestration("sync", "--json").json["families"]["added"] == 3
    (status,) = orchestration("status", "--json").json
    assert status["status"] == "completed"


def test_a_removed_family_is_published_again_and_stays(orchestration: Command, feed: FeedFolder) -> None:
    feed.put_plain("A23-2", "A23-3", "A23-1")
    feed.publish()
    orchestration("sync")
    feed.drop(["A23-2", "A23-3"])
    feed.publish()
    orchestration("sync")
    ended = orchestration("restore", "A23-2", "A23-1", "A23-404", "--json")
    assert ended.code == 1
    assert ended.json == {"restored": ["A23-2"], "not_removed": ["A23-1", "A23-404"]}
    assert ended.err.count("is not a removed family; nothing was done for it") == 2
    assert orchestration("restore", "A23-3") == (0, "1 families published again\n", "")
    assert orchestration("sync", "--json").json["families"]["removed"] == 0
    suppliers = orchestration("export", "suppliers").json
    assert (suppliers["families"], suppliers["active_families"]) == (3, 3)


def test_drift_is_listed_until_it_is_accepted(orchestration: Command, feed: FeedFolder) -> None:
    feed.put_plain("A23-1", "A23-2")
    feed.publish()
    orchestration("sync")
    assert orchestration("drift", "list").out == "Drift: none\n"
    feed.put(with_value(family_document("A23-1", pictures=0), "Sustainability", "recycled"))
    feed.publish()
    orchestration("sync")
    (entry,) = orchestration("drift", "list", "--json").json
    assert (entry["supplier"], entry["kind"], entry["example"]) == ("A23", "new", "A23-1")
    assert "Sustainability" in entry["path"]
    assert "Sustainability" in orchestration("drift", "list").out
    assert orchestration("drift", "accept", "--supplier", "A461", "--json").json == {"accepted": 0}
    assert orchestration("drift", "accept").out == "1 entries accepted\n"
    assert orchestration("drift", "list", "--json").json == []


def test_dead_letters_are_counted_listed_and_replayed(orchestration: Command, dead_letters: list[str]) -> None:
    counts = orchestration("queue", "status", "--json").json
    assert list(counts) == QUEUES
    assert (counts["image-upload"]["failed"], counts["product-family"]["failed"]) == (2, 0)
    assert "image-upload" in orchestration("queue", "status").out

    letters = orchestration("queue", "dead", "image-upload", "--json").json
    assert sorted(letter["key"] for letter in letters) == dead_letters
    assert letters[0]["error"] == "PermanentError: it is [/b] gone"
    assert len(orchestration("queue", "dead", "image-upload", "--limit", "1", "--json").json) == 1
    assert "[/b]" in orchestration("queue", "dead", "image-upload").out, "it is text and no markup"

    rehearsed = orchestration("queue", "replay", "image-upload", "--dry-run", "--json")
    assert rehearsed.json == {"queue": "image-upload", "replayed": 0, "dead": 2}
    single = orchestration("queue", "replay", "image-upload", "--key", dead_letters[0], "--json")
    assert single.json == {"queue": "image-upload", "replayed": 1, "dead": 1}
    assert orchestration("queue", "replay", "image-upload").out == "1 tasks begin again\n"
    assert orchestration("queue", "status", "--json").json["image-upload"]["waiting"] == 2
    assert orchestration("queue", "pause", "image-upload").out == "Paused\n"
    (line,) = [one for one in orchestration("queue", "status").out.splitlines() if "image-upload" in one]
    assert f"by {getpass.getuser()}" in line, "who, and since when, for the one who is to resume it"
    assert orchestration("queue", "resume", "image-upload").out == "Resumed\n"


def test_a_queue_that_is_not_replayed_by_itself_names_the_command_and_keeps_its_letters(
    orchestration: Command, database: Database
) -> None:
    queue = print_queue(Settings())
    with database.begin() as connection:
        queue.enqueue(connection, [NewTask("17")])
        (task,) = queue.claim(connection, queue.register_worker(connection))
        queue.settle(connection, [Outcome(task, PermanentError("no font"))])
    ended = orchestration("queue", "replay", "print")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == ("A task of the queue print is not replayed by itself; run `orchestration prints retry`\n")
    assert [letter["key"] for letter in orchestration("queue", "dead", "print", "--json").json] == ["17"]


def test_a_task_is_shown_and_cancelled_by_its_key(orchestration: Command, database: Database) -> None:
    queue = image_queue(Settings())
    with database.begin() as connection:
        queue.enqueue(connection, [NewTask("active"), NewTask("waiting")])
        queue.claim(connection, queue.register_worker(connection), limit=1)
    assert orchestration("queue", "cancel", "image-upload", "waiting").out == "Cancelled\n"
    assert orchestration("queue", "cancel", "image-upload", "active", "--json").json["state"] == "active"
    shown = orchestration("queue", "show", "image-upload", "waiting", "--json").json
    assert (shown["key"], shown["state"], shown["attempt"]) == ("waiting", "cancelled", 0)
    assert "is_cancel_requested" in orchestration("queue", "show", "image-upload", "active").out
    for command in ("show", "cancel"):
        ended = orchestration("queue", command, "image-upload", "unknown")
        assert (ended.code, ended.out) == (1, "")
        assert "unknown" in ended.err


def test_workers_and_what_became_of_tasks_are_listed(orchestration: Command, dead_letters: list[str]) -> None:
    (worker,) = orchestration("queue", "workers", "--json").json
    assert (worker["queue"], worker["tasks"], worker["is_alive"]) == ("image-upload", 0, False)
    assert "image-upload" in orchestration("queue", "workers").out
    assert orchestration("queue", "status", "--json").json["image-upload"]["workers"] == 0
    (dead,) = orchestration("queue", "statistics", "image-upload", "--json").json
    assert (dead["outcome"], dead["tasks"]) == ("dead", len(dead_letters))
    assert dead["ran_p50"] <= dead["ran_p99"]
    assert "dead" in orchestration("queue", "statistics", "image-upload", "--hours", "1").out
    assert orchestration("queue", "statistics", "mirror").out == "Tasks of mirror, in seconds: none\n"


@pytest.mark.parametrize("command", ["dead", "replay", "statistics"])
def test_a_queue_that_does_not_exist_is_bad_usage(orchestration: Command, command: str) -> None:
    ended = orchestration("queue", command, "images")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"There is no queue images; there are {', '.join(QUEUES)}\n"


def test_a_supplier_can_be_left_out_of_syncs_of_all(orchestration: Command, feed: FeedFolder) -> None:
    feed.put_plain("A23-1", "A24-1")
    feed.publish()
    orchestration("sync")
    assert orchestration("supplier", "A24", "--no-auto-import", "--json").json == {
        "supplier": "A24",
        "auto_import": False,
    }
    assert orchestration("supplier", "A24").code == 2
    assert orchestration("supplier", "A404", "--active").code == 1

    assert orchestration("sync", "--json").json["suppliers"] == 1
    assert orchestration("sync", "--supplier", "A24", "--json").json["suppliers"] == 1
