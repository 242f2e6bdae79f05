"""Nothing is removed on the word of a damaged reading: of Import.txt, of CAT.csv, or of a document."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orchestration.catalogue.feed.category_rows import NotACategoryFileError
from orchestration.catalogue.feed.feed import NotAFeedError, parse_feed
from orchestration_tests.catalogue.sample_documents import as_bytes, family_document, feed_bytes
from orchestration_tests.catalogue.syncing import plan, rows, sync

if TYPE_CHECKING:
    from orchestration.catalogue.catalogue import Catalogue
    from orchestration_tests.catalogue.feed_folder import FeedFolder

ACTIVE = "SELECT a_number FROM product_family WHERE is_active ORDER BY a_number"
ACTIVE_VARIANTS = "SELECT sku FROM product_variant WHERE is_active ORDER BY sku"


def cut(feed: FeedFolder, end: int) -> None:
    """Let Import.txt end after so many bytes, or so many before its end."""
    file = feed.root / "Import" / "Import.txt"
    file.write_bytes(file.read_bytes()[:end])


@pytest.mark.parametrize("end", [-3, -30, -43, -60, -80])
def test_a_file_that_ends_within_a_line_holds_every_removal_back(
    catalogue: Catalogue, feed: FeedFolder, end: int
) -> None:
    feed.put(*(family_document(f"A23-{number}", pictures=0) for number in range(3)))
    sync(catalogue)
    feed.remove("A23-0")
    cut(feed, end)

    (planned,) = plan(catalogue, allow_mass_removal=True)

    assert planned.plan is not None
    assert planned.plan.held_back >= 1
    assert "Import.txt is damaged, it ends within line 3" in planned.plan.removals.reason
    assert len(rows(catalogue.database, ACTIVE)) == 3


def test_a_hash_that_breaks_off_after_32_of_40_digits_shows_the_cut() -> None:
    feed = parse_feed(feed_bytes({"A23-1": "A" * 40, "A23-2": "B" * 40}).rstrip()[:-8])
    assert [entry.a_number for entry in feed.entries] == ["A23-1"]
    assert feed.refused("A23") == {"A23-2"}
    assert feed.damage == "it ends within line 3"


def test_a_whole_last_line_without_a_line_break_is_sound() -> None:
    assert parse_feed(feed_bytes({"A23-1": "A" * 32}).rstrip()).damage == ""


def test_an_error_page_within_the_file_shows_damage() -> None:
    page = b"<br />\r\n<b>Fatal error</b>: memory exhausted in export.php\r\n"
    assert "line 3 is none of a feed: <br />" in parse_feed(feed_bytes({"A23-1": "A" * 40}) + page).damage


def test_a_file_cut_between_two_lines_removes_nothing_until_another_file_says_the_same(
    catalogue: Catalogue, feed: FeedFolder
) -> None:
    feed.put(*(family_document(f"A23-{number}", pictures=0) for number in range(8)))
    sync(catalogue)
    feed.remove("A23-7")

    assert sync(catalogue).families == {"held_back": 1, "unchanged": 7}
    assert sync(catalogue).families == {"held_back": 1, "unchanged": 7}
    [entry] = rows(catalogue.database, "SELECT url FROM feed_entry WHERE a_number = 'A23-7'")
    assert entry.endswith("A23-7.json")

    feed.put(family_document("A23-0", name="Another", pictures=0))
    assert sync(catalogue).families == {"changed": 1, "removed": 1, "unchanged": 6}


@settings(max_examples=60)
@example(end=198)
@given(end=st.integers(0, 4_000))
def test_a_truncated_import_txt_shows_damage_unless_it_was_cut_between_two_lines(end: int) -> None:
    """A reading that lacks a family shows damage, or was cut between two lines."""
    known = {f"A{supplier}-{number}": f"{number:040x}" for supplier in (23, 24) for number in range(12)}
    whole = feed_bytes(known)
    feed_text = whole[:end]
    try:
        feed = parse_feed(feed_text)
    except NotAFeedError:
        return
    listed = {entry.a_number for entry in feed.entries}
    assert listed <= set(known)
    if listed | {name for code in ("A23", "A24") for name in feed.refused(code)} < set(known):
        lines = feed_text.rstrip(b"\r\n")
        # 32 digits are a whole hash too, and no other line tells of 40. The plan holds such removals back all the same,
        # since the lines at the end of the file before are missing.
        is_lone_hash = [len(entry.supplier_hash) for entry in feed.entries] == [32]
        assert feed.damage or is_lone_hash or not lines or whole[len(lines) :].startswith((b"\r", b"\n"))


@pytest.mark.parametrize("seed", range(3))
def test_no_truncation_of_the_feeds_files_changes_what_is_published(
    catalogue: Catalogue, feed: FeedFolder, seed: int
) -> None:
    feed.put(*(family_document(f"A{code}-{number}", pictures=0) for code in (23, 24) for number in range(7)))
    sync(catalogue)
    stored = asyncio.run(catalogue.sync_categories()).changes.added
    import_file, categories = feed.root / "Import" / "Import.txt", feed.root / "CAT.csv"
    whole, table = import_file.read_bytes(), categories.read_bytes()
    for end in range(seed, len(whole), 97):
        import_file.write_bytes(whole[:end])
        _read(catalogue)
        import_file.write_bytes(whole)
        _read(catalogue)
    for end in range(seed, len(table), 7):
        categories.write_bytes(table[:end])
        with contextlib.suppress(NotACategoryFileError):
            asyncio.run(catalogue.sync_categories())
    assert len(rows(catalogue.database, ACTIVE)) == 14
    assert rows(catalogue.database, "SELECT code FROM category ORDER BY sort_order") == list(stored)


@pytest.mark.parametrize("seed", range(3))
def test_no_truncation_of_a_document_changes_what_is_published(
    catalogue: Catalogue, feed: FeedFolder, seed: int
) -> None:
    documents = [family_document(f"A23-{number}", children=3, pictures=1) for number in range(6)]
    feed.put(*documents)
    sync(catalogue)
    published = [rows(catalogue.database, query) for query in (ACTIVE, ACTIVE_VARIANTS)]
    choose = random.Random(seed)
    for number, document in enumerate(documents):
        whole = as_bytes(document)
        feed.put_broken(f"A23-{number}", whole[: choose.randrange(len(whole))], f"{seed * 100 + number:040X}")

    synced = sync(catalogue)

    assert synced.families.get("removed", 0) == 0
    assert sum(synced.families.values()) == 6
    assert [rows(catalogue.database, query) for query in (ACTIVE, ACTIVE_VARIANTS)] == published


def _read(catalogue: Catalogue) -> None:
    try:
        planned = plan(catalogue)
    except NotAFeedError:
        return
    assert sum(one.plan.removed for one in planned if one.plan) == 0
