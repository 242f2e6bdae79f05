"""Tests of reading an Import.txt."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.catalogue.feed.feed import NotAFeedError, parse_feed
from orchestration.catalogue.feed.lines import FeedEntry
from orchestration.catalogue.labels import tidy
from orchestration_tests.catalogue.sample_documents import (
    BASE_URL,
    a360_documents,
    a461_documents,
    feed_bytes,
    feed_of,
)

HASH = "751159B8B70A7230BA6701227C1C5C63F9F2D108"
OTHER_HASH = "0B9C2F1D7A3E45F6889910ABCDEF0123456789AB"
LINE = f"{BASE_URL}/A23/A23-100804.json|{HASH}"


def feed_text(*lines: str) -> bytes:
    return "\n".join((f"{BASE_URL}/CAT.csv", *lines)).encode()


def line_for(file_name: str, *, folder: str = "A23", supplier_hash: str = HASH) -> str:
    return f"{BASE_URL}/{folder}/{file_name}.json|{supplier_hash}"


def test_a_line_gives_the_family_its_supplier_its_address_and_its_hash() -> None:
    feed = parse_feed(feed_text(LINE))
    assert feed.entries == (FeedEntry("A23-100804", "A23", f"{BASE_URL}/A23/A23-100804.json", HASH),)
    assert feed.problems == ()
    assert feed.categories_url == f"{BASE_URL}/CAT.csv"


def test_one_hundred_and_ten_files_of_one_supplier_are_one_hundred_and_ten_families() -> None:
    feed = parse_feed(feed_of([*a360_documents(), *a461_documents()]))
    assert {supplier: len(entries) for supplier, entries in feed.by_supplier().items()} == {"A360": 110, "A461": 14}
    assert len({entry.a_number for entry in feed.entries}) == 124


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("supplier_hash", [HASH, HASH.lower()], ids=["upper", "lower"])
def test_the_form_of_the_file_does_not_matter(mark: bytes, line_end: bytes, supplier_hash: str) -> None:
    lines = [f"{BASE_URL}/CAT.csv", "", f"{BASE_URL}/A23/A23-100804.json|{supplier_hash}", "  ", ""]
    assert parse_feed(mark + line_end.join(line.encode() for line in lines)) == parse_feed(feed_text(LINE))


@pytest.mark.parametrize(
    "sku",
    [
        "A23-a b",
        "A23-a&b",
        "A23-a+b",
        "A23-50%",
        "A23-'\"",
        "A23-v1.2",
        "A23-größe",
        "A23-手袋",
        "A23-a,b;c|d",
        "A23-#1?",
    ],
)
def test_a_sku_is_the_percent_decoded_file_name(sku: str) -> None:
    feed = parse_feed(feed_bytes({sku: HASH}))
    assert [entry.a_number for entry in feed.entries] == [sku]
    assert feed.problems == ()


def test_skus_that_differ_in_case_only_are_two_families() -> None:
    feed = parse_feed(feed_bytes({"A23-abc": HASH, "A23-ABC": OTHER_HASH}))
    assert [entry.a_number for entry in feed.entries] == ["A23-abc", "A23-ABC"]


def test_a_hash_of_thirty_two_digits_is_as_good_as_one_of_forty() -> None:
    (entry,) = parse_feed(feed_text(line_for("A23-1", supplier_hash="d41d8cd98f00b204e9800998ecf8427e"))).entries
    assert entry.supplier_hash == "D41D8CD98F00B204E9800998ECF8427E"


@pytest.mark.parametrize("tail", ["", "|SKIP", f"|{HASH}"])
@pytest.mark.parametrize("position", [0, 1])
def test_the_category_line_is_known_with_and_without_a_hash_and_anywhere(tail: str, position: int) -> None:
    lines = [LINE]
    lines.insert(position, f"{BASE_URL}/CAT.csv{tail}")
    feed = parse_feed("\n".join(lines).encode())
    assert feed.categories_url == f"{BASE_URL}/CAT.csv"
    assert len(feed.entries) == 1
    assert feed.problems == ()


def test_a_second_category_file_with_another_address_is_reported() -> None:
    feed = parse_feed(feed_text("https://example.com/CAT.csv", f"{BASE_URL}/CAT.csv"))
    assert feed.categories_url == f"{BASE_URL}/CAT.csv"
    assert [problem.line_number for problem in feed.problems] == [2]
    assert feed.repeated == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("garbage", "neither CAT.csv nor"),
        ("A23/A23-1.json|" + HASH, "neither CAT.csv nor"),
        (f"ftp://example.com/A23/A23-1.json|{HASH}", "neither CAT.csv nor"),
        (f"{BASE_URL}/A23/A23-1.xml|{HASH}", "neither CAT.csv nor"),
        (f"|{HASH}", "no address"),
        (f"{BASE_URL}/A23/A23-1.json|", "no hash"),
        (f"{BASE_URL}/A23/A23-1.json", "no hash"),
        (line_for("A23-1", supplier_hash=HASH[:-1]), "not 32 or 40"),
        (line_for("A23-1", supplier_hash="G" * 40), "not 32 or 40"),
        (line_for("A23-1", folder="a23"), "no supplier code"),
        (line_for("A23-1", folder="Import"), "no supplier code"),
        (line_for("A23%2F..%2Fx"), "path separator"),
        (line_for("..%5Cx"), "path separator"),
        (line_for("A23-%00"), "control character"),
        (line_for("A23-%0A1"), "control character"),
        (line_for("A23-\x00"), "control character"),
        (line_for("%2E%2E"), "no SKU"),
        (line_for("."), "no SKU"),
        (line_for(""), "no SKU"),
        (line_for("%20"), "no SKU"),
        (line_for("A" * 201), "201 characters"),
        (line_for("A23-%FF"), "not UTF-8"),
        (line_for("A23-%ED%A0%80"), "not UTF-8"),
        (line_for("A23-50%"), "no percent-escape"),
    ],
)
def test_a_line_that_fits_nothing_is_reported_with_its_reason(line: str, reason: str) -> None:
    feed = parse_feed(feed_text(LINE, line))
    assert [entry.a_number for entry in feed.entries] == ["A23-100804"]
    (problem,) = feed.problems
    assert problem.line_number == 3
    assert reason in problem.reason


def test_a_line_that_is_not_utf8_spoils_no_other_line() -> None:
    feed = parse_feed(feed_text(LINE) + b"\n" + line_for("A23-2").encode().replace(b"23-2", b"23-\xff"))
    assert len(feed.entries) == 1
    assert feed.problems[0].reason == "not UTF-8"
    assert feed.problems[0].text.isprintable()


def test_the_text_of_a_problem_is_cut() -> None:
    (problem,) = parse_feed(feed_text(LINE, "x" * 10_000)).problems
    assert len(problem.text) <= 201


def test_the_same_line_twice_is_harmless() -> None:
    feed = parse_feed(feed_text(LINE, LINE, LINE.replace(HASH, HASH.lower())))
    assert len(feed.entries) == 1
    assert feed.repeated == 2
    assert feed.problems == ()


@pytest.mark.parametrize(
    "second",
    [LINE.replace(HASH, OTHER_HASH), LINE.replace("A23-100804", "A23%2D100804")],
    ids=["another hash", "another address"],
)
def test_a_family_listed_twice_with_a_difference_is_refused_and_both_lines_are_named(second: str) -> None:
    feed = parse_feed(feed_text(LINE, line_for("A23-2"), second))
    assert [entry.a_number for entry in feed.entries] == ["A23-2"]
    (conflict,) = feed.conflicts
    assert (conflict.a_number, conflict.suppliers, conflict.line_numbers) == ("A23-100804", ("A23",), (2, 4))
    (problem,) = feed.problems
    assert problem.line_number == 4
    assert "line 2" in problem.reason


def test_a_refused_family_is_named_so_that_it_does_not_look_removed() -> None:
    feed = parse_feed(
        feed_text(LINE, LINE.replace(HASH, OTHER_HASH), line_for("A23-2"), line_for("A23-3", supplier_hash="no"))
    )
    assert feed.refused("A23") == {"A23-100804", "A23-3"}
    assert [entry.a_number for entry in feed.by_supplier()["A23"]] == ["A23-2"]


def test_a_family_in_a_folder_that_is_no_supplier_is_refused_for_every_supplier() -> None:
    feed = parse_feed(feed_text(line_for("A24-1", folder="A24"), line_for("A23-1", folder="a23")))
    assert feed.refused("A23") == feed.refused("A24") == {"A23-1"}


def test_a_family_claimed_by_two_suppliers_is_refused_for_both() -> None:
    feed = parse_feed(feed_text(line_for("X-1", folder="A23"), line_for("X-1", folder="A24")))
    assert feed.entries == ()
    assert feed.refused("A23") == feed.refused("A24") == {"X-1"}


def test_suppliers_are_discovered_in_order_even_if_all_their_lines_are_refused() -> None:
    feed = parse_feed(
        feed_text(line_for("B-1", folder="XD01"), line_for("A-1", folder="A23", supplier_hash="no"), line_for("C-1"))
    )
    assert feed.suppliers == ("XD01", "A23")
    assert {supplier: len(entries) for supplier, entries in feed.by_supplier().items()} == {"XD01": 1, "A23": 1}


def test_a_fingerprint_moves_only_with_its_own_suppliers_lines() -> None:
    ours, theirs = line_for("A23-1"), line_for("A24-1", folder="A24")
    before = parse_feed(feed_text(ours, theirs))
    reordered = parse_feed(feed_text(theirs, ours, theirs))
    changed = parse_feed(feed_text(ours, line_for("A24-1", folder="A24", supplier_hash=OTHER_HASH)))
    assert before.fingerprint("A23") == reordered.fingerprint("A23") == changed.fingerprint("A23")
    assert before.fingerprint("A24") == reordered.fingerprint("A24") != changed.fingerprint("A24")


def test_a_fingerprint_moves_when_a_family_becomes_refused() -> None:
    unlisted = parse_feed(feed_text(line_for("A23-1")))
    refused = parse_feed(feed_text(line_for("A23-1"), line_for("A23-2", supplier_hash="no")))
    assert unlisted.fingerprint("A23") != refused.fingerprint("A23")


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\r\n\r\n", f"{BASE_URL}/CAT.csv\n".encode()])
def test_a_feed_without_families_is_empty_and_no_error(data: bytes) -> None:
    feed = parse_feed(data)
    assert (feed.entries, feed.suppliers, feed.problems) == ((), (), ())


@pytest.mark.parametrize(
    "data",
    [
        b"<!DOCTYPE html>\n<html><body>502 Bad Gateway</body></html>",
        b'{"error": "not found"}',
        bytes(range(256)),
        "no line of a feed".encode("utf-16"),
        b"\x89PNG\r\n\x1a\n\0\0",
    ],
    ids=["HTML", "JSON", "binary", "UTF-16", "PNG"],
)
def test_a_document_that_is_no_feed_is_an_error_and_never_an_empty_feed(data: bytes) -> None:
    with pytest.raises(NotAFeedError, match=r"not an Import\.txt"):
        parse_feed(data)


SKUS = st.text(
    st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="/\\"), min_size=1, max_size=60
).filter(lambda sku: sku == tidy(sku) and sku not in {"", ".", ".."})
HASHES = st.text("0123456789abcdefABCDEF", min_size=40, max_size=40)


@given(st.dictionaries(SKUS, HASHES, max_size=20), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_what_is_written_is_read_back(hashes: dict[str, str], line_end: str, has_mark: bool) -> None:
    lines = [f"{BASE_URL}/A23/{quote(sku, safe='')}.json|{supplier_hash}" for sku, supplier_hash in hashes.items()]
    feed = parse_feed(b"\xef\xbb\xbf" * has_mark + line_end.join([f"{BASE_URL}/CAT.csv", *lines]).encode())
    assert {entry.a_number: entry.supplier_hash for entry in feed.entries} == {
        sku: supplier_hash.upper() for sku, supplier_hash in hashes.items()
    }
    assert feed.problems == ()


FRAGMENTS = st.sampled_from(
    [
        "https://",
        "h/",
        "A23/",
        "a/",
        "A23-1",
        "A23-2",
        ".json",
        "|",
        HASH,
        OTHER_HASH,
        "%2F",
        "%",
        "/CAT.csv",
        "\t",
        "é",
        "\0",
    ]
)


@given(st.lists(st.lists(FRAGMENTS, max_size=6).map("".join), max_size=12))
def test_every_line_is_accounted_for(lines: list[str]) -> None:
    feed = parse_feed(feed_text(*lines))
    written = sum(1 for line in lines if line.strip()) + 1
    refused_at_first = len(feed.conflicts)
    assert written == len(feed.entries) + len(feed.problems) + feed.repeated + refused_at_first + 1


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_arbitrary_bytes_are_a_feed_or_a_clear_error(data: bytes) -> None:
    try:
        feed = parse_feed(data)
    except NotAFeedError:
        return
    for problem in feed.problems:
        assert problem.text.isprintable()
