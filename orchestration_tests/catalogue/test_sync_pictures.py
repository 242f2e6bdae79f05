"""A sync mirrors each picture once, whole and in order, and none of them holds up its family."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.storage.objects import content_key
from orchestration_tests.catalogue.feed_folder import drawn
from orchestration_tests.catalogue.sample_documents import family_document
from orchestration_tests.catalogue.syncing import import_due, mirror_due, plan, rows, sync

if TYPE_CHECKING:
    from orchestration.catalogue.catalogue import Catalogue
    from orchestration_tests.catalogue.feed_folder import FeedFolder


def test_a_family_of_5_variants_with_3_images_each_gives_15_image_tasks(catalogue: Catalogue, feed: FeedFolder) -> None:
    document = family_document("A23-1", children=5)
    for number, child in enumerate(document["ChildProducts"]):
        for details in child["ProductDetails"].values():
            details["Image"] = {"Url": feed.picture(f"{number}-0.jpg"), "Description": "", "FileName": "a.jpg"}
            details["MediaGalleryImages"] = [
                {"Url": feed.picture(f"{number}-{view}.jpg"), "Description": "", "FileName": "b.jpg"} for view in (1, 2)
            ]
    for details in document["ProductDetails"].values():
        details["Image"] = {"Url": feed.picture("0-0.jpg"), "Description": "", "FileName": "a.jpg"}
    feed.put(document)
    plan(catalogue)
    import_due(catalogue)

    with catalogue.database.connect() as connection:
        assert catalogue.image_queue.counts(connection).waiting == 15
    [state] = mirror_due(catalogue)
    assert (state.stored, state.total, state.problems) == (15, 15, ())


def test_the_same_bytes_under_two_urls_of_two_suppliers_are_one_object(catalogue: Catalogue, feed: FeedFolder) -> None:
    body = drawn("shared")
    for sku in ("A23-1", "A24-1"):
        document = family_document(sku, pictures=1)
        url = feed.picture(f"{sku}.jpg", body)
        for record in (document, *document["ChildProducts"]):
            for details in record["ProductDetails"].values():
                details["Image"]["Url"] = url
        feed.put(document)

    synced = sync(catalogue)

    assert synced.images == {"stored": 1, "deduplicated": 1}
    [(content_hash, size)] = rows(catalogue.database, "SELECT content_hash, bytes FROM media")
    assert catalogue.services.objects.sizes("media") == {content_key("media", content_hash, "jpg"): size}
    assert rows(catalogue.database, "SELECT count(*) FROM media_source") == [2]


def test_galleries_are_whole_in_order_and_each_picture_once(catalogue: Catalogue, feed: FeedFolder) -> None:
    document = feed.with_pictures(family_document("A23-1", children=2, pictures=4))
    feed.put(document)

    sync(catalogue)

    details = document["ChildProducts"][0]["ProductDetails"]["nl"]
    listed = [image["Url"] for image in details["MediaGalleryImages"]]
    [(primary, gallery)] = rows(
        catalogue.database, "SELECT primary_image, gallery_images FROM product_variant WHERE position = 0"
    )
    assert primary == details["Image"]["Url"]
    assert gallery == listed
    assert rows(catalogue.database, "SELECT main_image FROM product_family") == [primary]


def test_a_picture_that_cannot_be_had_fails_its_family_images_but_not_the_family(
    catalogue: Catalogue, feed: FeedFolder
) -> None:
    document = feed.with_pictures(family_document("A23-1", pictures=2))
    feed.put(document)
    broken = document["ProductDetails"]["nl"]["Image"]["Url"]
    (feed.root / "images" / broken.rpartition("/")[2]).write_bytes(b"<html>no picture</html>")

    plan(catalogue)
    [family] = import_due(catalogue)
    [state] = mirror_due(catalogue)

    assert family.problem is None
    assert (state.stored, len(state.problems)) == (1, 1)
    assert broken in state.problems[0]


def test_a_picture_that_was_mended_is_retried_alone(catalogue: Catalogue, feed: FeedFolder) -> None:
    document = feed.with_pictures(family_document("A23-1", pictures=2))
    feed.put(document)
    name = document["ProductDetails"]["nl"]["Image"]["Url"].rpartition("/")[2]
    (feed.root / "images" / name).write_bytes(b"")
    sync(catalogue)
    feed.picture(name, drawn(name))

    with catalogue.database.begin() as connection:
        assert catalogue.image_queue.replay(connection) == 1
    [state] = mirror_due(catalogue)

    assert (state.stored, state.problems) == (2, ())


def test_a_picture_that_changed_under_its_url_is_found_when_the_family_is_asked_for(
    catalogue: Catalogue, feed: FeedFolder
) -> None:
    document = feed.with_pictures(family_document("A23-1", pictures=1))
    feed.put(document)
    sync(catalogue)
    name = document["ProductDetails"]["nl"]["Image"]["Url"].rpartition("/")[2]
    feed.picture(name, drawn("another", size=(80, 80)))

    mirror_due(catalogue, ["A23-1"])

    query = "SELECT m.width FROM media_source AS s JOIN media AS m USING (content_hash)"
    assert rows(catalogue.database, query) == [80]


def test_pictures_that_were_not_asked_for_in_a_while_are_asked_for_again(
    catalogue: Catalogue, feed: FeedFolder
) -> None:
    document = feed.with_pictures(family_document("A23-1", pictures=2))
    feed.put(document)
    sync(catalogue)
    assert catalogue.queue_stale_images() == 0
    name = document["ProductDetails"]["nl"]["Image"]["Url"].rpartition("/")[2]
    feed.picture(name, drawn("another", size=(80, 80)))
    with catalogue.database.begin() as connection:
        connection.execute(sa.text("UPDATE media_source SET checked_at = now() - interval '8 days'"))

    assert catalogue.queue_stale_images() == 2
    mirror_due(catalogue)

    assert catalogue.queue_stale_images() == 0
    query = "SELECT max(m.width) FROM media_source AS s JOIN media AS m USING (content_hash)"
    assert rows(catalogue.database, query) == [80]


def test_a_picture_that_is_gone_at_its_source_stays_in_the_store(catalogue: Catalogue, feed: FeedFolder) -> None:
    document = feed.with_pictures(family_document("A23-1", pictures=1))
    feed.put(document)
    sync(catalogue)
    (feed.root / "images" / document["ProductDetails"]["nl"]["Image"]["Url"].rpartition("/")[2]).unlink()

    [state] = mirror_due(catalogue, ["A23-1"])

    assert (state.stored, state.problems) == (1, ())
    assert len(catalogue.services.objects.sizes("media")) == 1
