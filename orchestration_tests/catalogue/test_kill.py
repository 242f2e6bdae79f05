"""A sync that is killed, wherever it stands, and started again, ends as if nothing had happened."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, NamedTuple

import pytest

from orchestration.services import Services
from orchestration.settings import Settings
from orchestration.storage.database import Database
from orchestration_tests.catalogue.feed_folder import FeedFolder
from orchestration_tests.catalogue.killing import KillingServer, killing_server
from orchestration_tests.catalogue.sample_documents import family_document
from orchestration_tests.catalogue.syncing import contents, rows
from orchestration_tests.conftest import fresh_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.engine import URL

FAMILIES = 12
# The feed itself, documents, then pictures: from the first request to one of the last.
POINTS = (1, 2, 3, 5, 8, 12, 13, 14, 17, 22, 28, 36, 44)


class Scene(NamedTuple):
    """A served feed, and what an undisturbed sync of it leaves behind."""

    server: KillingServer
    contents: dict[str, list[str]]
    objects: dict[str, int]


@pytest.fixture(scope="module")
def scene(server_url: URL, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Good families, a broken one and a missing picture, synced once without a kill."""
    folder = tmp_path_factory.mktemp("killing")
    with killing_server(folder / "feed") as server, fresh_database(server_url, template) as url:
        feed = FeedFolder(folder / "feed", server.base_url)
        feed.put(*(family_document(f"A{23 + number % 2}-{number}", children=3) for number in range(FAMILIES)))
        feed.put_broken("A23-broken", b'{"ANumber": ')
        next((folder / "feed" / "images").iterdir()).unlink()
        settings = Settings(database_url=url, object_store=(folder / "objects").as_uri(), image_retry_seconds=0)
        assert server.sync(settings) == 0
        database = Database(url)
        yield Scene(server, contents(database), objects_of(settings))
        database.close()


def objects_of(settings: Settings) -> dict[str, int]:
    """Every stored object with its size."""
    return Services(settings).objects.sizes()


@pytest.mark.parametrize("point", POINTS)
def test_a_sync_killed_once_ends_like_an_undisturbed_one(
    scene: Scene, settings: Settings, database: Database, point: int
) -> None:
    assert scene.server.sync(settings, fatal=point) == -signal.SIGKILL
    assert scene.server.sync(settings) == 0

    assert (contents(database), objects_of(settings)) == (scene.contents, scene.objects)


def test_a_sync_killed_again_and_again_ends_like_an_undisturbed_one(
    scene: Scene, settings: Settings, database: Database
) -> None:
    killed = [scene.server.sync(settings, fatal=point) for point in (3, 5, 7, 9)]
    assert killed == [-signal.SIGKILL] * 4

    assert scene.server.sync(settings) == 0

    assert (contents(database), objects_of(settings)) == (scene.contents, scene.objects)


def test_a_sync_stopped_by_a_signal_ends_like_an_undisturbed_one_after_the_next(
    scene: Scene, settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scene.server, "signal", signal.SIGTERM)
    assert [scene.server.sync(settings, fatal=point) for point in (4, 9, 0)] == [0, 0, 0]

    assert (contents(database), objects_of(settings)) == (scene.contents, scene.objects)


def test_a_sync_that_is_throttled_and_meets_errors_ends_like_an_undisturbed_one(
    scene: Scene, settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scene.server, "is_moody", True)
    assert scene.server.sync(settings.model_copy(update={"family_retry_seconds": 0})) == 0

    assert (contents(database), objects_of(settings)) == (scene.contents, scene.objects)
    assert len(scene.server.throttled) > 1
    assert scene.server.early == []


def test_a_kill_while_one_document_is_slow_keeps_the_others(settings: Settings, tmp_path: Path) -> None:
    database = Database(settings.database_url or "")
    skus = [f"A23-{number:03}" for number in range(100)]
    with killing_server(tmp_path / "feed") as server:
        feed = FeedFolder(tmp_path / "feed", server.base_url)
        feed.put(*(family_document(sku, pictures=0) for sku in skus))
        server.held["/A23/A23-000.json"] = lambda: wait_for_families(database, len(skus) - 1)

        assert server.sync(settings) == -signal.SIGKILL
        assert rows(database, "SELECT a_number FROM product_family ORDER BY a_number") == skus[1:]
        assert server.sync(settings) == 0

        assert rows(database, "SELECT count(*) FROM product_family") == [len(skus)]
        assert rows(database, "SELECT status FROM sync ORDER BY id") == ["stopped", "completed"]
    database.close()


def wait_for_families(database: Database, count: int) -> None:
    """Wait until so many families are stored, up to half a minute."""
    for _ in range(300):
        if rows(database, "SELECT count(*) FROM product_family") == [count]:
            return
        time.sleep(0.1)
