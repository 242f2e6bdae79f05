"""`orchestration gallery`: mirroring, comparing, the signup images, taking down; each with a line for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from orchestration.gallery import history
from orchestration.gallery.history import NewGeneration, Status
from orchestration.work_queue.policy import QueuePolicy

if TYPE_CHECKING:
    from orchestration.storage.database import Database
    from orchestration_tests.cli.conftest import Command


@pytest.fixture(autouse=True)
def _quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drains find out quickly that there is nothing left to do."""
    monkeypatch.setattr(QueuePolicy, "poll", lambda _policy, _in_vain: 0.02)


def write(database: Database, *history_ids: str, images: object = None) -> None:
    """Write public generations into the history."""
    with database.begin() as connection:
        for number, one in enumerate(history_ids):
            shown = [{"id": "i", "url": f"https://images/{one}.png"}] if images is None else images
            item = NewGeneration(one, f"u{number}", {"images": shown}, Status.COMPLETED, is_public=True)
            history.create(connection, [item])


def test_a_drain_mirrors_and_tells_the_counts(orchestration: Command, database: Database) -> None:
    write(database, "a", "b")
    ended = orchestration("gallery", "drain", "--json")
    assert ended.code == 0
    told = ended.json
    assert (told["success"], told["added"], told["failed"], told["queue_waiting"]) == (True, 2, 0, 0)
    assert orchestration("gallery", "drift", "--json").json == {
        "in_history": 2, "in_mirror": 2, "differing": 0, "queued": 0,
        "shown_wrongly": [], "missing": [], "out_of_date": [],
    }  # fmt: skip


def test_an_item_that_cannot_be_mirrored_makes_the_drain_end_with_one(
    orchestration: Command, database: Database
) -> None:
    write(database, "a")
    write(database, "broken", images="none")
    ended = orchestration("gallery", "drain", "--json")
    assert (ended.code, ended.json["added"], ended.json["failed"]) == (1, 1, 1)


def test_drift_is_told_and_queued_on_demand(orchestration: Command, database: Database) -> None:
    write(database, "a", "b")
    orchestration("gallery", "drain")
    with database.begin() as connection:
        connection.execute(sa.text("DELETE FROM public_generation WHERE history_id = 'b'"))
    ended = orchestration("gallery", "drift", "--json")
    assert (ended.code, ended.json["missing"], ended.json["queued"]) == (1, ["b"], 0)
    assert "| missing" in orchestration("gallery", "drift").out.replace("│", "|")

    repaired = orchestration("gallery", "drift", "--repair", "--json")
    assert (repaired.code, repaired.json["queued"]) == (0, 1)
    assert orchestration("gallery", "drain", "--json").json["added"] == 1
    assert orchestration("gallery", "drift").code == 0


def test_what_an_operator_takes_down_stays_down_until_it_is_lifted(orchestration: Command, database: Database) -> None:
    write(database, "a", "b")
    orchestration("gallery", "drain")
    ended = orchestration("gallery", "remove", "a", "--reason", "asked for", "--json")
    assert (ended.code, ended.json) == (0, {"taken_down": 1, "were_down": 0})
    assert orchestration("gallery", "remove", "a", "--json").json == {"taken_down": 0, "were_down": 1}
    assert orchestration("gallery", "drain", "--json").json["removed"] == 1

    with database.begin() as connection:
        history.update(connection, "a", {"prompt": "again"})
    assert orchestration("gallery", "drain", "--json").json["added"] == 0

    lifted = orchestration("gallery", "lift", "a", "never", "--json")
    assert (lifted.code, lifted.json) == (1, {"lifted": 1, "were_not_down": 1})
    assert orchestration("gallery", "drain", "--json").json["added"] == 1


def test_the_signup_images_are_refreshed_and_an_empty_choice_says_that_the_old_set_stays(
    orchestration: Command, database: Database
) -> None:
    write(database, *"abcdef")
    orchestration("gallery", "drain")
    ended = orchestration("gallery", "refresh-signup", "--json")
    assert (ended.code, ended.json["images"], ended.json["candidates"]) == (0, 6, 6)

    with database.begin() as connection:
        connection.execute(sa.text("UPDATE generation_history SET nsfw = true"))
    kept = orchestration("gallery", "refresh-signup", "--json")
    assert (kept.code, kept.json["images"]) == (1, 0)
    assert "the old set of 6 stays" in kept.json["kept"]


def test_people_get_tables(orchestration: Command, database: Database) -> None:
    write(database, "a")
    assert "items per second" in orchestration("gallery", "drain").out
    assert "1 taken down" in orchestration("gallery", "remove", "a").out
    assert "1 lifted" in orchestration("gallery", "lift", "a").out


def test_samples_are_loaded_in_any_number(orchestration: Command, database: Database) -> None:
    ended = orchestration("demo-load", "--histories", 50, "--projects", 2, "--media", 3, "--seed", 4, "--json")
    assert ended.code == 0
    told = ended.json
    assert (told["seed"], told["histories"]["histories"], told["media"]["media"]) == (4, 50, 3)
    with database.connect() as connection:
        for table, count in (("generation_history", 50), ("canvas_project", 2), ("canvas_media", 3)):
            assert connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one() == count  # noqa: S608
    again = orchestration("demo-load", "--histories", 60, "--seed", 4)
    assert "10 histories" in again.out
    assert "Nothing was asked for" in orchestration("demo-load").out
