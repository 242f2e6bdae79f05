"""The checks that show what a feed lacks though nothing failed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from orchestration.catalogue import health
from orchestration_tests.catalogue.feed_folder import drawn
from orchestration_tests.catalogue.sample_documents import family_document, with_value
from orchestration_tests.catalogue.syncing import sync

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestration.catalogue.catalogue import Catalogue
    from orchestration.observability.findings import Finding
    from orchestration_tests.catalogue.feed_folder import FeedFolder

CATEGORY = "NonLanguageDependedProductDetails.Category"


def ask(catalogue: Catalogue, question: Callable[[Any], Finding]) -> Finding:
    """The answer to one question."""
    with catalogue.database.connect() as connection:
        return question(connection)


def test_families_whose_category_is_not_in_the_tree_are_found(catalogue: Catalogue, feed: FeedFolder) -> None:
    lost = with_value(
        family_document("A23-2", pictures=0), "NonLanguageDependedProductDetails.Category", "TEXTILES/OTHER"
    )
    known = with_value(family_document("A23-1", pictures=0), "NonLanguageDependedProductDetails.Category", "TEXTILES")
    feed.put(known, lost)
    sync(catalogue)
    assert ask(catalogue, health.unknown_categories).total == 0  # there is no tree yet

    asyncio.run(catalogue.sync_categories())

    found = ask(catalogue, health.unknown_categories)
    assert found.examples == [("TEXTILES/OTHER", 1, "A23-2")]
    assert "CAT.csv" in found.remedy


def test_positions_that_nothing_can_print_are_found(catalogue: Catalogue, feed: FeedFolder) -> None:
    bare = family_document("A23-2", pictures=0)
    bare["ChildProducts"][0]["ImprintPositions"][0]["ImprintOptions"] = []
    feed.put(family_document("A23-1", pictures=0), bare)
    sync(catalogue)
    found = ask(catalogue, health.positions_without_technique)
    assert (found.total, found.examples) == (1, [("A23-2", "A23", 1)])


def test_one_picture_under_many_families_is_a_placeholder(catalogue: Catalogue, feed: FeedFolder) -> None:
    for number in range(health.PLACEHOLDER_FAMILIES):
        document = feed.with_pictures(family_document(f"A23-{number}", pictures=1))
        details = document["ChildProducts"][0]["ProductDetails"]["nl"]
        details["MediaGalleryImages"] = [{"Url": feed.picture(f"none-{number}.jpg", drawn("no picture"))}]
        feed.put(document)
    sync(catalogue)
    found = ask(catalogue, health.placeholder_images)
    assert [row[1:3] for row in found.examples] == [(5, 5)]


def test_a_feed_without_categories_is_sound_and_the_stored_ones_stay(catalogue: Catalogue, feed: FeedFolder) -> None:
    stored = asyncio.run(catalogue.sync_categories())
    listing = feed.root / "Import" / "Import.txt"
    feed.put(family_document("A23-1", pictures=0))
    listing.write_bytes(
        b"".join(line for line in listing.read_bytes().splitlines(keepends=True) if b"CAT.csv" not in line)
    )
    synced = asyncio.run(catalogue.sync_categories())
    assert not synced.has_file
    assert (synced.changes.removed, len(stored.changes.added)) == ((), 2)


def test_a_category_that_families_use_stays_with_those_above_it(catalogue: Catalogue, feed: FeedFolder) -> None:
    table = feed.root / "CAT.csv"
    table.write_text("Code;Name;ParentCode\nA;Alpha;\nA/B;Beta;A\nC;Gamma;\nD;Delta;\n")
    asyncio.run(catalogue.sync_categories())
    feed.put(with_value(family_document("A23-1", pictures=0), CATEGORY, "A/B"))
    sync(catalogue)
    table.write_text("Code;Name;ParentCode\nD;Delta;\n")
    changes = asyncio.run(catalogue.sync_categories()).changes
    assert (changes.removed, changes.kept) == (("C",), ("A", "A/B"))
