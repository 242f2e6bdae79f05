"""Mirrored images go when nothing has shown them for a TTL: no product, no generation that is there or in the trash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from orchestration.canvas.media_gc.collector import CollectOptions, MediaGarbageCollector
from orchestration.catalogue.families.images import SHOWN_IMAGES
from orchestration.errors import TransientError
from orchestration.gallery.references import media_references, shown_images
from orchestration.media.identify import content_hash
from orchestration.media.unshown import _NOTE, _UNSHOWN, _shown, hold_found
from orchestration.storage.objects import content_key
from orchestration_tests.canvas.media_gc.scripted import Clock

if TYPE_CHECKING:
    from orchestration.canvas.media_gc.model import Result
    from orchestration.services import Services
    from orchestration.storage.database import Database

TTL_DAYS = 30
_MEDIA = "INSERT INTO media (content_hash, key, bytes, mime, width, height) VALUES (:hash, :key, 6, 'image/avif', 1, 1)"


class Mirror:
    """Mirrored images, what shows them, and a collector."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.clock = Clock()
        shown = (SHOWN_IMAGES, *shown_images(services.settings))
        self.collector = MediaGarbageCollector(services, media_references(services.settings), self.clock, shown=shown)

    def execute(self, statement: str, **values: object) -> None:
        with self.services.database.begin() as connection:
            connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
            connection.execute(sa.text(statement), values)

    async def add(self, name: str) -> str:
        """Store an image with one rendition under `https://host/<name>`; the key of the rendition."""
        bodies = {folder: f"{name} {folder}".encode() for folder in ("media", "media/avif")}
        keys = {folder: content_key(folder, content_hash(body), "avif") for folder, body in bodies.items()}
        for folder, key in keys.items():
            await self.services.objects.put_once(key, bodies[folder])
        values = {"hash": content_hash(bodies["media"]), "key": keys["media"], "small": keys["media/avif"], "url": name}
        self.execute(_MEDIA, **values)
        self.execute("INSERT INTO media_source (url, content_hash) VALUES ('https://host/' || :url, :hash)", **values)
        self.execute("INSERT INTO media_variant VALUES (:hash, 'avif', :small, 6, 'image/avif', 1, 1)", **values)
        return keys["media/avif"]

    def generation(self, name: str) -> None:
        document = f'{{"images": [{{"url": "https://host/{name}"}}]}}'
        self.execute(
            "INSERT INTO generation_history (history_id, uid, document, visibility, is_public) "
            "VALUES (:name, 'u', :document, 'private', false)",
            name=name, document=document,
        )  # fmt: skip

    def collect(self, days: float, **options: object) -> Result:
        self.clock.turn(days=days)
        collection = self.collector.collect(CollectOptions(**options))  # type: ignore[arg-type]
        assert collection.result is not None
        assert not collection.plan.unshown_refused
        return collection.result

    def keys(self) -> set[str]:
        return set(self.services.objects.sizes("media"))


@pytest.fixture
def mirror(services: Services) -> Mirror:
    return Mirror(services)


async def test_an_image_goes_a_ttl_after_the_last_that_showed_it(mirror: Mirror) -> None:
    for name in ("product", "public", "trash", "gone"):
        await mirror.add(name)
    mirror.execute("INSERT INTO family_image (a_number, position, url) VALUES ('A1', 0, 'https://host/product')")
    mirror.execute("INSERT INTO generation_picture VALUES ('g', 'https://host/public')")
    mirror.generation("trash")
    mirror.execute("UPDATE generation_history SET is_deleted = true, deleted_at = now() - interval '29 days'")
    assert mirror.collect(0).unshown == ()
    assert mirror.collect(TTL_DAYS - 1).unshown == (), "since the first collection that found it so"
    result = mirror.collect(2)
    assert list(result.unshown) == [content_hash(b"gone media")]
    assert (result.freed > 0, len(mirror.keys()), result.orphans) == (True, 6, [])

    mirror.execute("UPDATE generation_history SET deleted_at = now() - interval '31 days'")
    mirror.execute("DELETE FROM generation_picture")
    assert mirror.collect(1).unshown == (), "now their time begins"
    mirror.execute("INSERT INTO generation_picture VALUES ('g', 'https://host/public')")
    assert list(mirror.collect(TTL_DAYS + 1).unshown) == [content_hash(b"trash media")]
    assert mirror.collect(TTL_DAYS + 1).unshown == (), "what is shown again begins from nothing"


async def test_in_doubt_an_image_stays(mirror: Mirror) -> None:
    """One whose rendition some page links to, and all, when nothing at all seems to be shown."""
    small = await mirror.add("linked")
    mirror.execute("INSERT INTO app_user (uid, photo_url) VALUES ('u', :url)", url=f"https://cdn/{small}?w=64")
    mirror.collect(0)
    assert mirror.collect(TTL_DAYS + 1).unshown == ()
    for number in range(11):
        await mirror.add(f"n{number}")
    mirror.collect(1)
    mirror.clock.turn(days=TTL_DAYS + 1)
    collection = mirror.collector.collect()
    assert "nothing shows 11 of 12 mirrored images" in collection.plan.unshown_refused
    assert len(mirror.keys()) == 24
    mirror.collector.collect(CollectOptions(allow=("unshown",)))
    assert len(mirror.keys()) == 2


async def test_an_object_that_is_found_in_place_is_held_until_its_row_is_there(mirror: Mirror) -> None:
    """The next collection knows that it was to go, and finds its row."""
    small = await mirror.add("again")
    mirror.collect(0)
    with mirror.services.database.begin() as connection:
        hold_found(connection, mirror.services.objects, [small])
        result = mirror.collect(TTL_DAYS + 1)
        assert list(result.skipped) == [small]
        assert mirror.keys() == {small}
        connection.execute(sa.text(_MEDIA), {"hash": "h", "key": "k"})
        connection.execute(sa.text("INSERT INTO media_variant VALUES ('h', 'avif', :key, 1, '', 1, 1)"), {"key": small})
    mirror.collect(1)
    assert mirror.keys() == {small}


async def test_an_object_that_is_gone_before_it_is_held_is_made_again(mirror: Mirror) -> None:
    with mirror.services.database.begin() as connection, pytest.raises(TransientError, match="deleted at this moment"):
        hold_found(connection, mirror.services.objects, ["media/aa/gone.png"])


@pytest.mark.parametrize("statement", [_NOTE, _UNSHOWN], ids=["note", "find"])
def test_what_is_shown_is_joined_and_no_list_that_is_gone_through_for_each_image(
    database: Database, statement: str
) -> None:
    values = {"now": "2026-07-01", "before": "2026-07-01", "most": 100}
    with database.connect() as connection:
        explained = sa.text(f"EXPLAIN {statement.format(shown=_shown([SHOWN_IMAGES]))}")
        plan = "\n".join(connection.execute(explained, values).scalars())
    assert "(ANY (" not in plan, "as in: Filter (NOT (ANY (content_hash = (SubPlan 3).col1)))"
