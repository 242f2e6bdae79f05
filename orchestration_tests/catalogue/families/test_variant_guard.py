"""Variants that a document no longer lists: deactivated when that is likely meant, kept when it is likely a bad day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from orchestration.catalogue import health
from orchestration.catalogue.feed.guard import OVERRIDE, judge_variants
from orchestration_tests.catalogue.sample_documents import child_document, family_document
from orchestration_tests.catalogue.syncing import rows, sync

if TYPE_CHECKING:
    from orchestration.catalogue.catalogue import Catalogue
    from orchestration_tests.catalogue.feed_folder import FeedFolder

ACTIVE = "SELECT sku FROM product_variant WHERE is_active ORDER BY sku"


def family(*colors: int, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    """A family with a child for each of these numbers."""
    children = [child_document(f"A23-1-{number}", color=number, pictures=0) for number in colors]
    return family_document("A23-1", children=children, pictures=0, **changes)


@pytest.mark.parametrize(
    ("active", "removed", "is_allowed"), [(8, 7, False), (8, 4, True), (8, 5, False), (2, 1, True), (1, 1, True)]
)
def test_several_variants_that_are_more_than_half_are_held_back(active: int, removed: int, *, is_allowed: bool) -> None:
    verdict = judge_variants(active, removed, allow=False)
    assert verdict.allowed == is_allowed
    assert (OVERRIDE in verdict.reason) != is_allowed
    assert judge_variants(active, removed, allow=True).allowed


def test_on_a_partial_day_the_variants_stay_and_a_whole_document_releases_them(
    catalogue: Catalogue, feed: FeedFolder
) -> None:
    feed.put(family(*range(8)))
    sync(catalogue)
    feed.put(family(3))

    assert sync(catalogue).families == {"changed": 1}

    assert len(rows(catalogue.database, ACTIVE)) == 8
    assert rows(catalogue.database, "SELECT variant_count, variants_held_back FROM product_family") == [(8, 7)]
    with catalogue.database.connect() as connection:
        finding = health.held_back_variants(connection)
    assert (finding.total, finding.examples) == (7, [("A23-1", "A23", 7, 8)])
    assert OVERRIDE in finding.remedy
    assert sync(catalogue, full=True).families == {"unchanged": 1}

    feed.put(family(*range(8)))
    sync(catalogue)
    assert rows(catalogue.database, "SELECT variant_count, variants_held_back FROM product_family") == [(8, 0)]


def test_the_override_removes_them(catalogue: Catalogue, feed: FeedFolder) -> None:
    feed.put(family(*range(8)))
    sync(catalogue)
    feed.put(family(3))
    sync(catalogue)

    assert sync(catalogue, allow_mass_removal=True).families == {"changed": 1}

    assert rows(catalogue.database, ACTIVE) == ["A23-1-3"]
    assert rows(catalogue.database, "SELECT variant_count, variants_held_back FROM product_family") == [(1, 0)]
    assert sync(catalogue, allow_mass_removal=True).families == {"unchanged": 1}


@pytest.mark.parametrize("flags", [{"ChildHasErrors": True}, {"Errors": {"export": "3 children failed"}}])
def test_a_document_that_the_feed_marks_as_faulty_removes_no_variant(
    catalogue: Catalogue, feed: FeedFolder, flags: dict[str, Any]
) -> None:
    feed.put(family(*range(8)))
    sync(catalogue)
    feed.put(family(*range(7), **flags))
    sync(catalogue)
    assert len(rows(catalogue.database, ACTIVE)) == 8


def test_a_child_that_cannot_be_read_stays_as_it_was(catalogue: Catalogue, feed: FeedFolder) -> None:
    feed.put(family(0, 1, 2))
    sync(catalogue)
    document = family(0, 1, 2)
    document["ChildProducts"][1]["ProductDetails"] = "see attachment"
    feed.put(document)
    sync(catalogue)
    assert rows(catalogue.database, ACTIVE) == ["A23-1-0", "A23-1-1", "A23-1-2"]

    document["ChildProducts"][1] = "see attachment"
    feed.put(document)
    sync(catalogue)
    assert rows(catalogue.database, ACTIVE) == ["A23-1-0", "A23-1-1", "A23-1-2"]


def test_a_warning_of_the_feed_is_an_oddity(catalogue: Catalogue, feed: FeedFolder) -> None:
    feed.put(family(0, Warnings={"price": "older than a year"}))
    sync(catalogue)
    assert rows(catalogue.database, "SELECT path, kind, reason FROM drift") == [
        ("$.Warnings", "oddity", 'the feed warns: {"price":"older than a year"}')
    ]
