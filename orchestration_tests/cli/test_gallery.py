"""`orchestration gallery`: mirroring, comparing, the signup images, taking down; each with a line for programs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from orchestration.gallery import history
from orchestration.gallery import mirror as gallery_mirror
from orchestration.gallery.history import NewGeneration, Status, Visibility
from orchestration.gallery.images.queues import image_queue, rendition_queue
from orchestration.gallery.merge import public_document
from orchestration.gallery.queues import mirror_queue
from orchestration.media.identify import identify
from orchestration.media.picture_process import PictureProcess, RenderedPicture
from orchestration.settings import Settings
from orchestration.work_queue.policy import QueuePolicy
from orchestration_tests.gallery.images.serving import serving
from orchestration_tests.media.pictures import encode, scene

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestration.gallery.merge import HistoryItem
    from orchestration.storage.database import Database
    from orchestration.work_queue.queue import TaskQueue
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
    assert orchestration("gallery", "drift").err.startswith("2 more are queued: a running system mirrors them")
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
    assert (ended.code, ended.json) == (0, {"taken_down": 1, "were_down": 0, "unknown": []})
    assert orchestration("gallery", "remove", "a", "--json").json == {"taken_down": 0, "were_down": 1, "unknown": []}
    assert orchestration("gallery", "drain", "--json").json["removed"] == 1

    with database.begin() as connection:
        history.update(connection, "a", {"prompt": "again"})
    assert orchestration("gallery", "drain", "--json").json["added"] == 0

    mistaken = orchestration("gallery", "remove", " a", "nobody", "--json")
    assert (mistaken.code, mistaken.json) == (1, {"taken_down": 0, "were_down": 0, "unknown": [" a", "nobody"]})
    assert "The history knows no generation 'nobody'" in mistaken.err
    lifted = orchestration("gallery", "lift", "a", "never", "--json")
    assert (lifted.code, lifted.json) == (1, {"lifted": 1, "were_not_down": 1})
    one = orchestration("gallery", "mirror", "a", "nobody", "--json")
    assert (one.code, one.json["added"]) == (1, 1)
    assert "The history knows no generation 'nobody'" in one.err


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


def nested(depth: int) -> str:
    """A document of so many objects within each other."""
    return '{"prompt": "x", "workflow": ' + '{"a":' * depth + "1" + "}" * depth + "}"


@pytest.mark.parametrize("bug", [None, RecursionError("maximum recursion depth exceeded"), KeyError("prompt")])
def test_one_item_that_breaks_the_mirror_keeps_no_removal_and_no_neighbour_back(
    orchestration: Command, database: Database, monkeypatch: pytest.MonkeyPatch, bug: Exception | None
) -> None:
    monkeypatch.setenv("ORCHESTRATION_MIRROR_RETRY_SECONDS", "0.01")
    names = [f"good{number}" for number in range(9)]
    write(database, *names, "secret1", "secret2")
    orchestration("gallery", "drain")
    if bug is not None:
        monkeypatch.setattr(gallery_mirror, "public_document", broken_for("deep", bug))
    with database.begin() as connection:
        history.set_visibility(connection, ["secret1", "secret2"], Visibility.PRIVATE)
        for name in names:
            history.update(connection, name, {"prompt": "changed"})
        item = NewGeneration("deep", "u", {}, Status.COMPLETED, is_public=True)
        history.create(connection, [item])
        connection.execute(
            sa.text("UPDATE generation_history SET document = CAST(:text AS jsonb) WHERE history_id = 'deep'"),
            {"text": nested(500)},
        )
    ended = orchestration("gallery", "drain", "--json")
    told = ended.json
    assert (ended.code, told["changed"], told["removed"], told["failed"]) == (1, 9, 2, 1)
    assert ended.err.count("deep failed: ") == 1
    assert shown(database) == set(names)
    with database.connect() as connection:
        (dead,) = mirror_queue(Settings()).dead(connection)
    assert dead.key == "deep"
    reason = "deep: the document in the history is not nested 200 levels deep" if bug is None else type(bug).__name__
    assert reason in str(dead.error)

    again = orchestration("gallery", "drift", "--repair", "--json").json
    assert (again["queued"], again["missing"], again["shown_wrongly"]) == (0, ["deep"], [])
    assert orchestration("gallery", "drain", "--json").code == 0, "a repair comes to rest"
    assert shown(database) == set(names)


def broken_for(history_id: str, bug: Exception) -> Callable[..., object]:
    """`public_document` with a bug that one item shows."""

    def broken(item: HistoryItem | None, **facts: Any) -> object:  # noqa: ANN401 - as of the real one
        if item is not None and item.history_id == history_id:
            raise bug
        return public_document(item, **facts)

    return broken


def shown(database: Database) -> set[str]:
    """What the public sees."""
    with database.connect() as connection:
        return set(connection.execute(sa.text("SELECT history_id FROM public_generation")).scalars())


def identified(body: bytes, **limits: Any) -> object:  # noqa: ANN401 - as of the real one
    """`identify` with a bug that one image meets."""
    if body == BODIES[7]:
        raise KeyError("a table of our own")
    return identify(body, **limits)


BODIES = [encode(scene(40 + number, 30), "PNG") for number in range(20)]


_render = PictureProcess.render


async def rendered(process: PictureProcess, body: bytes, item: str) -> RenderedPicture:
    """`render` with a bug that one image meets."""
    if body == BODIES[7]:
        raise KeyError("a table of our own")
    return await _render(process, body, item)


@pytest.mark.parametrize(
    ("bug", "queue"),
    [
        (("fetcher.identify", identified), image_queue),
        (("picture_process.PictureProcess.render", rendered), rendition_queue),
    ],
    ids=["fetching", "rendering"],
)
def test_one_image_that_breaks_the_code_keeps_none_of_the_others_back(
    orchestration: Command,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    bug: tuple[str, Callable[..., object]],
    queue: Callable[[Settings], TaskQueue],
) -> None:
    place, broken = bug
    monkeypatch.setattr(f"orchestration.media.{place}", broken)
    with serving() as server:
        monkeypatch.setenv("ORCHESTRATION_GALLERY_IMAGE_HOSTS", server.endpoint)
        server.files |= {f"/{number}.png": body for number, body in enumerate(BODIES)}
        write(database, "g", images=[{"id": str(n), "url": server.url(f"/{n}.png")} for n in range(20)])
        ended = orchestration("gallery", "drain", "--json")
    assert ended.code == 1
    with database.connect() as connection:
        (dead,) = queue(Settings()).dead(connection)
        query = "SELECT document -> 'images' FROM public_generation"
        images = connection.execute(sa.text(query)).scalar_one()
    assert "KeyError" in str(dead.error)
    assert ended.err.count(" failed: ") == 1
    assert re.search(rf"{re.escape(dead.key)} failed: .*KeyError", ended.err)
    assert [number for number, image in enumerate(images) if "thumbnailUrl" not in image] == [7]

    with database.begin() as connection:
        history.update(connection, "g", {"prompt": "changed"})
    assert orchestration("gallery", "drain", "--json").code == 0, "what is dead is not begun again by every change"
