"""From a published generation to smaller forms of its images in the public document, over a real server and store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from orchestration.errors import ConfigurationError
from orchestration.gallery.drains import drain_mirror
from orchestration.gallery.gallery import Gallery
from orchestration.gallery.history import NewGeneration, Status, Visibility, create, set_visibility, update
from orchestration.gallery.images.drains import make_renditions
from orchestration.gallery.images.store import servable
from orchestration.media.fetcher import FetchOutcome, MirroredImage
from orchestration.services import Services
from orchestration.work_queue.options import DrainOptions
from orchestration.work_queue.policy import QueuePolicy
from orchestration_tests.gallery.images.serving import Server, serving
from orchestration_tests.media.pictures import encode, scene

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.media.renditions import Rendition
    from orchestration.settings import Settings


@pytest.fixture(autouse=True)
def _quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drains find out quickly that there is nothing left to do."""
    monkeypatch.setattr(QueuePolicy, "poll", lambda _policy, _in_vain: 0.02)


@pytest.fixture
def server() -> Iterator[Server]:
    """Serves two pictures, one of them at two addresses, and what is none."""
    one, other = encode(scene(900, 600), "PNG"), encode(scene(500, 700), "JPEG")
    script = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    with serving() as server:
        server.files |= {"/1.png": one, "/same.png": one, "/2.jpg": other, "/evil.svg": script, "/page.png": b"<html>"}
        yield server


@pytest.fixture
def gallery(settings: Settings, server: Server) -> Iterator[Gallery]:
    """A gallery that may fetch from that server."""
    services = Services(settings.model_copy(update={"gallery_image_hosts": (server.endpoint,)}))
    yield Gallery(services)
    services.close()


def publish(gallery: Gallery, history_id: str, *urls: str, **image: object) -> None:
    """Write a public generation with images at these addresses."""
    images = [{"id": f"{history_id}-{number}", "url": url, **image} for number, url in enumerate(urls)]
    item = NewGeneration(history_id, "u", {"images": images}, Status.COMPLETED, is_public=True)
    with gallery.database.begin() as connection:
        create(connection, [item])


def mirror(gallery: Gallery) -> None:
    """Bring the mirror in step."""
    asyncio.run(drain_mirror(gallery, lambda _: None, DrainOptions(idle_seconds=None)))


def make(gallery: Gallery) -> tuple[list[MirroredImage], list[Rendition]]:
    """Work off the queues of images; what became of them."""
    images: list[MirroredImage] = []
    variants: list[Rendition] = []
    asyncio.run(make_renditions(gallery, images.extend, variants.extend, DrainOptions(idle_seconds=None)))
    return images, variants


def shown_images(gallery: Gallery, history_id: str) -> list[dict[str, Any]]:
    """The images in the public document."""
    query = sa.text("SELECT document -> 'images' FROM public_generation WHERE history_id = :id")
    with gallery.database.connect() as connection:
        found: list[dict[str, Any]] = connection.execute(query, {"id": history_id}).scalar_one()
    return found


def key_of(gallery: Gallery, url: str) -> str:
    """The object's key in a variant's address."""
    return url.removeprefix(f"{gallery.media_url}/")


def test_a_published_image_gets_its_smaller_forms_and_the_document_shows_them(gallery: Gallery, server: Server) -> None:
    publish(gallery, "g", server.url("/1.png"), server.url("/2.jpg"))
    mirror(gallery)
    assert "thumbnailUrl" not in shown_images(gallery, "g")[0]
    images, variants = make(gallery)
    assert [image.outcome for image in images] == [FetchOutcome.STORED] * 2
    assert [set(one.variant_bytes) for one in variants] == [{"thumbnail", "webp", "avif"}] * 2
    mirror(gallery)
    first, second = shown_images(gallery, "g")
    assert first["optimized"]
    assert first["blurDataUrl"].startswith("data:image/webp;base64,")
    assert (first["width"], first["height"]) == (900, 600)
    for field in ("thumbnailUrl", "avifUrl", "webpUrl"):
        assert gallery.services.objects.size(key_of(gallery, first[field]))
        assert first[field] != second[field]


def test_the_same_bytes_are_rendered_once_whatever_their_address_and_whoever_shows_them(
    gallery: Gallery, server: Server
) -> None:
    publish(gallery, "a", server.url("/1.png"))
    publish(gallery, "b", server.url("/same.png"))
    mirror(gallery)
    _, variants = make(gallery)
    assert len(variants) == 1
    mirror(gallery)
    assert shown_images(gallery, "a")[0]["avifUrl"] == shown_images(gallery, "b")[0]["avifUrl"]

    publish(gallery, "c", server.url("/same.png"))
    mirror(gallery)
    assert shown_images(gallery, "c")[0]["avifUrl"] == shown_images(gallery, "a")[0]["avifUrl"]
    assert make(gallery) == ([], [])
    assert sorted(server.asked) == ["/1.png", "/same.png"]


def test_an_image_that_is_stored_already_is_shown_without_being_fetched_again(gallery: Gallery, server: Server) -> None:
    publish(gallery, "a", server.url("/1.png"))
    mirror(gallery)
    make(gallery)
    with gallery.database.begin() as connection:  # made by another domain, which knows nothing of this gallery
        connection.execute(sa.text("TRUNCATE generation_picture"))
        connection.execute(sa.text("DELETE FROM task"))
        connection.execute(sa.text("DELETE FROM media_variant"))
    publish(gallery, "b", server.url("/1.png"))
    mirror(gallery)
    images, variants = make(gallery)
    assert [(image.outcome, len(variants)) for image in images] == [(FetchOutcome.DEDUPLICATED, 1)]
    mirror(gallery)
    assert shown_images(gallery, "b")[0]["avifUrl"]
    assert server.asked == ["/1.png"]


def test_an_image_that_is_only_stored_is_not_called_optimised(gallery: Gallery, server: Server) -> None:
    publish(gallery, "g", server.url("/1.png"))
    mirror(gallery)
    make(gallery)
    with gallery.database.begin() as connection:
        connection.execute(sa.text("DELETE FROM media_variant"))
        update(connection, "g", {"prompt": "another"})
    mirror(gallery)
    assert "optimized" not in shown_images(gallery, "g")[0]


@pytest.mark.parametrize("path", ["/evil.svg", "/page.png", "/gone.png"])
def test_what_is_no_picture_is_given_up_with_a_reason_and_the_generation_stays_as_it_is(
    gallery: Gallery, server: Server, path: str
) -> None:
    publish(gallery, "g", server.url(path), server.url("/1.png"))
    mirror(gallery)
    images, variants = make(gallery)
    assert {image.url: image.outcome for image in images}[server.url(path)] is FetchOutcome.FAILED
    assert len(variants) == 1
    mirror(gallery)
    bad, good = shown_images(gallery, "g")
    assert "thumbnailUrl" not in bad
    assert good["thumbnailUrl"]
    with gallery.database.connect() as connection:
        (dead,) = gallery.image_queue.dead(connection)
    assert dead.key == server.url(path)
    assert dead.error

    with gallery.database.begin() as connection:
        update(connection, "g", {"prompt": "another"})
    mirror(gallery)
    assert make(gallery) == ([], [])


def test_images_elsewhere_and_images_that_have_their_forms_are_left_alone(gallery: Gallery, server: Server) -> None:
    publish(gallery, "a", "https://elsewhere.example/1.png", "ftp://x/y", "data:image/png;base64,AA")
    publish(gallery, "b", server.url("/1.png"), thumbnailUrl="https://cdn/t.jpg", avifUrl="https://cdn/a.avif")
    mirror(gallery)
    assert make(gallery) == ([], [])
    assert server.asked == []
    assert shown_images(gallery, "b")[0]["avifUrl"] == "https://cdn/a.avif"


def test_without_allowed_hosts_nothing_is_asked_for_until_the_operator_names_one(
    settings: Settings, gallery: Gallery, server: Server
) -> None:
    closed = Gallery(Services(settings))
    publish(closed, "g", server.url("/1.png"))
    mirror(closed)
    assert make(closed) == ([], [])
    closed.services.close()

    assert gallery.image_flow.ask_for_all(gallery.database) == 1
    make(gallery)
    mirror(gallery)
    assert shown_images(gallery, "g")[0]["thumbnailUrl"]


def test_a_host_that_is_none_names_the_setting(settings: Settings) -> None:
    gallery = Gallery(Services(settings.model_copy(update={"gallery_image_hosts": ("com",)})))
    with pytest.raises(ConfigurationError, match="ORCHESTRATION_GALLERY_IMAGE_HOSTS: 'com' would allow"):
        _ = gallery.image_rules


def test_a_smaller_form_is_served_only_while_somebody_shows_the_image(gallery: Gallery, server: Server) -> None:
    publish(gallery, "a", server.url("/1.png"))
    publish(gallery, "b", server.url("/same.png"))
    mirror(gallery)
    make(gallery)
    mirror(gallery)
    key = key_of(gallery, shown_images(gallery, "a")[0]["avifUrl"])

    def served() -> bool:
        with gallery.database.connect() as connection:
            return servable(connection, key)

    assert served()
    for history_id, expected in (("a", True), ("b", False)):
        with gallery.database.begin() as connection:
            set_visibility(connection, [history_id], Visibility.PRIVATE)
        assert served() is expected  # at once, before the mirror has heard of it
    mirror(gallery)
    assert not served()


def test_an_image_that_a_generation_shows_no_longer_is_forgotten(gallery: Gallery, server: Server) -> None:
    publish(gallery, "g", server.url("/1.png"))
    mirror(gallery)
    make(gallery)
    mirror(gallery)
    key = key_of(gallery, shown_images(gallery, "g")[0]["thumbnailUrl"])
    with gallery.database.begin() as connection:
        update(connection, "g", {"images": [{"id": "g-0", "url": server.url("/2.jpg")}]})
    mirror(gallery)
    assert "thumbnailUrl" not in shown_images(gallery, "g")[0]
    with gallery.database.connect() as connection:
        assert not servable(connection, key)
    make(gallery)
    mirror(gallery)
    assert key_of(gallery, shown_images(gallery, "g")[0]["thumbnailUrl"]) != key


def test_mirroring_and_rendering_at_the_same_time_neither_lose_anything_nor_block_each_other(
    gallery: Gallery, server: Server
) -> None:
    names = [f"g{number}" for number in range(60)]
    for name in names:
        publish(gallery, name, server.url("/1.png"), server.url("/same.png"), server.url("/2.jpg"))

    async def work() -> None:
        options, failures = DrainOptions(idle_seconds=1.0), list[str | None]()
        await asyncio.gather(
            drain_mirror(gallery, lambda done: failures.extend(one.problem for one in done), options),
            make_renditions(gallery, lambda _: None, lambda _: None, options),
        )
        assert set(failures) == {None}

    asyncio.run(work())
    # The mirror may have been idle for a second while the last pictures were made: then their items are queued.
    mirror(gallery)
    for name in names:
        assert all(image["avifUrl"] for image in shown_images(gallery, name))
