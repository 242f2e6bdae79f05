"""What is on disk is what the account says, and what the format and its oddities ask for."""

from __future__ import annotations

import errno
import hashlib
import io
from collections import Counter
from typing import TYPE_CHECKING

import msgspec
import pytest
from PIL import Image

from orchestration.demo.days import FAULTS, FIXED_ON_DAY_2, LISTED_TWICE, SILENT_EDITS
from orchestration.demo.feed import CATEGORY_PATH, IMPORT_PATH, is_written, write_feed
from orchestration.errors import ConfigurationError
from orchestration_tests.demo.conftest import PICTURE_SIZE, WrittenDay, snapshot

if TYPE_CHECKING:
    from pathlib import Path

Days = dict[int, WrittenDay]


def sha1(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest().upper()


def upper(hashes: list[str]) -> set[str]:
    return {listed.upper() for listed in hashes}


def readable(day: WrittenDay) -> set[str]:
    """Families whose file is a JSON object with a list of children."""
    good = set()
    for sku in day.listed:
        try:
            document = day.decoded(sku)
        except msgspec.DecodeError:
            continue
        if isinstance(document["ChildProducts"], list):
            good.add(sku)
    return good


def test_day_two_over_day_one_leaves_the_same_bytes_as_day_two_alone(days: Days, tmp_path: Path) -> None:
    feed = write_feed(tmp_path, day=2, base_url=f"{days[2].base_url}/", picture_size=PICTURE_SIZE)

    assert snapshot(tmp_path) == days[2].files
    assert feed == days[2].feed


def test_a_file_that_stays_the_same_is_not_touched(days: Days) -> None:
    for before, after in ((days[1], days[2]), (days[2], days[3])):
        same = {path for path in after.files if before.files.get(path) == after.files[path]}
        touched = {path for path in after.files if before.changed_at.get(path) != after.changed_at[path]}

        assert len(same) > 200
        assert touched == after.files.keys() - same


def test_a_day_that_does_not_exist_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="1, 2, 3, not 4"):
        write_feed(tmp_path, day=4, base_url="http://127.0.0.1")
    assert not list(tmp_path.iterdir())


def test_the_import_file_has_a_mark_and_dos_line_ends_and_starts_with_the_categories(days: Days) -> None:
    raw = days[1].files[IMPORT_PATH]

    assert raw.startswith(b"\xef\xbb\xbf")
    assert raw.count(b"\n") == raw.count(b"\r\n")
    assert days[1].lines[0] == f"{days[1].base_url}/{CATEGORY_PATH}"


@pytest.mark.parametrize("day", [1, 2, 3])
def test_every_line_is_a_family_the_categories_blank_or_one_of_the_unfit_ones(days: Days, day: int) -> None:
    written = days[day]
    families = sum(map(len, written.listed.values()))
    blank = written.lines.count("")

    assert len(written.lines) == 1 + families + blank + len(written.feed.unfit_lines)
    assert set(written.feed.unfit_lines) < set(written.lines)


@pytest.mark.parametrize("day", [1, 2, 3])
def test_the_listed_hash_is_that_of_the_file_unless_it_lies_or_the_family_is_listed_twice(days: Days, day: int) -> None:
    written = days[day]
    wrong = {sku for sku, hashes in written.listed.items() if {sha1(written.document(sku))} != upper(hashes)}

    assert wrong == written.feed.outcome.lied | LISTED_TWICE
    assert all(len(set(written.listed[sku])) == 2 for sku in LISTED_TWICE)


def test_one_supplier_lists_its_hashes_in_lower_case(days: Days) -> None:
    lower = {sku.partition("-")[0] for sku, hashes in days[1].listed.items() if hashes[0] == hashes[0].lower()}
    assert lower == {"A360"}


@pytest.mark.parametrize("day", [1, 2, 3])
def test_the_broken_documents_and_no_others_cannot_be_read(days: Days, day: int) -> None:
    outcome = days[day].feed.outcome
    assert days[day].listed.keys() - readable(days[day]) == outcome.quarantined


def test_one_broken_document_is_whole_the_next_day(days: Days) -> None:
    assert days[1].feed.outcome.quarantined == set(FAULTS)
    assert days[2].feed.outcome.quarantined == set(FAULTS) - FIXED_ON_DAY_2
    assert days[2].feed.outcome.added > FIXED_ON_DAY_2


def test_the_account_of_the_second_day_is_what_the_listed_hashes_say(days: Days) -> None:
    before, after, outcome = days[1], days[2], days[2].feed.outcome
    kept = before.listed.keys() & after.listed.keys()

    assert after.listed.keys() - before.listed.keys() == outcome.added - FIXED_ON_DAY_2
    assert before.listed.keys() - after.listed.keys() == outcome.removed
    assert {sku for sku in kept if before.listed[sku] != after.listed[sku]} == outcome.changed | FIXED_ON_DAY_2


def test_a_lying_hash_hides_a_change_of_content(days: Days) -> None:
    (liar,) = SILENT_EDITS

    assert days[2].feed.outcome.lied == {liar}
    assert days[1].listed[liar] == days[2].listed[liar]
    assert days[1].document(liar) != days[2].document(liar)


def test_the_whole_supplier_of_the_third_day_is_held_back_and_all_else_is_as_before(days: Days) -> None:
    outcome = days[3].feed.outcome

    assert not any(path.startswith("A360/") for path in days[3].files)
    assert outcome.held_back == {sku for sku in days[2].feed.outcome.stored if sku.startswith("A360-")}
    assert len(outcome.held_back) > 5
    assert all(days[3].document(sku) == days[2].document(sku) for sku in days[3].listed)
    assert outcome.stored == days[2].feed.outcome.stored


def test_variants_and_pictures_of_the_account_are_those_of_the_documents(days: Days) -> None:
    for written in days.values():
        for sku, family in written.feed.families.items():
            children = written.decoded(sku)["ChildProducts"]
            languages = [details for child in children for details in child["ProductDetails"].values()]
            pictures = [
                picture["Url"]
                for details in languages
                for picture in (details["Image"], *(details["MediaGalleryImages"] or ()))
            ]
            assert family.variants == tuple(child["Sku"] for child in children if child["Sku"])
            assert family.pictures == tuple(dict.fromkeys(pictures))


def test_every_picture_is_served_with_its_hash_but_for_the_missing_and_the_truncated_one(days: Days) -> None:
    feed, files = days[1].feed, days[1].files
    referred = {url for family in feed.families.values() for url in family.pictures}
    found = {url: files.get(days[1].path(url)) for url in referred}

    assert referred == feed.pictures.keys() | feed.lost_pictures
    assert {url: hashlib.sha256(found[url] or b"").hexdigest() for url in feed.pictures} == dict(feed.pictures)
    (truncated,) = (content for url in feed.lost_pictures if (content := found[url]))
    assert sum(found[url] is None for url in feed.lost_pictures) == 1
    with pytest.raises(OSError, match="truncated"):
        Image.open(io.BytesIO(truncated)).load()


def test_every_other_picture_decodes_in_the_size_asked_for(days: Days) -> None:
    formats: Counter[str | None] = Counter()
    for url in days[1].feed.pictures:
        picture = Image.open(io.BytesIO(days[1].files[days[1].path(url)]))
        picture.load()
        formats[picture.format] += 1
        assert picture.size == (PICTURE_SIZE, PICTURE_SIZE)
        assert url.endswith({"JPEG": ".jpg", "PNG": ".png"}[picture.format or ""])

    assert formats["JPEG"] > formats["PNG"] > 0


def test_two_suppliers_share_pictures_by_content_under_different_addresses(days: Days) -> None:
    suppliers_by_content: dict[str, set[str]] = {}
    for family in days[1].feed.families.values():
        for url in family.pictures:
            if url in days[1].feed.pictures:
                suppliers_by_content.setdefault(days[1].feed.pictures[url], set()).add(family.supplier)

    assert {"A23", "A360"} in suppliers_by_content.values()


def test_the_picture_counts_of_the_days_add_up(days: Days) -> None:
    first, second = days[1].feed.picture_counts(), days[2].feed.picture_counts(days[1].feed)
    addresses = days[1].feed.pictures.keys() | days[2].feed.pictures.keys()
    contents = {*days[1].feed.pictures.values(), *days[2].feed.pictures.values()}

    assert first.stored + second.stored == len(contents)
    assert first.deduplicated + second.deduplicated == len(addresses) - len(contents) > 0
    assert (first.failed, second.failed) == (2, 0)
    assert days[3].feed.picture_counts(days[2].feed) == (0, 0, 0)


def test_a_replaced_picture_has_a_new_address_and_new_content(days: Days) -> None:
    before, after = (days[day].feed.families["A461-2140200"].pictures for day in (1, 2))

    assert len(before) == len(after)
    assert not set(before) & set(after)


def test_the_categories_name_their_parents_in_both_ways(days: Days) -> None:
    rows = [line.split(";") for line in days[1].files[CATEGORY_PATH].decode().split("\r\n")[1:-1]]
    ways = Counter("column" if parent else "path" if "/" in code else "root" for code, _, parent in rows)

    assert set(ways) == {"column", "path", "root"}
    assert {code: parent or code.rpartition("/")[0] or None for code, _, parent in rows} == days[1].feed.categories


def test_every_category_of_a_product_but_one_is_in_the_tree(days: Days) -> None:
    used = {days[2].decoded(sku)["NonLanguageDependedProductDetails"]["Category"] for sku in days[2].feed.families}
    assert used - days[2].feed.categories.keys() == {"BAGS/COTTON_BAGS"}, "the one that a check finds"


def test_keys_hold_every_character_that_breaks_an_address(days: Days) -> None:
    letters = set("".join(days[1].listed))

    assert set(" &+%\"'.") <= letters
    assert any(ord(letter) > 127 for letter in letters)
    twins = Counter(sku.casefold() for sku in days[1].listed)
    assert [sku for sku, count in twins.items() if count > 1] == ["a23-enamel-retro"]


def test_no_half_written_file_stays_behind(days: Days) -> None:
    assert not [path for path in days[3].files if path.endswith(".part")]


def test_a_day_counts_as_written_when_the_last_of_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = "http://127.0.0.1:1"
    assert not is_written(tmp_path, day=1, base_url=address)
    write_feed(tmp_path, day=1, base_url=address, picture_size=32)
    assert is_written(tmp_path, day=1, base_url=f"{address}/")
    assert not is_written(tmp_path, day=2, base_url=address)
    assert not is_written(tmp_path, day=1, base_url="http://127.0.0.1:2")

    def full_disk(_root: Path, _files: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr("orchestration.demo.feed._publish", full_disk)
    with pytest.raises(OSError, match="full"):
        write_feed(tmp_path, day=2, base_url=address, picture_size=32)
    assert not is_written(tmp_path, day=1, base_url=address), "half of the next day lies over it"
