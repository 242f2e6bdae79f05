"""Tests of reading a CAT.csv."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.catalogue.feed.categories import CategoryTree, parse_categories
from orchestration.catalogue.feed.category_rows import NotACategoryFileError

HEADER = "Code;Name;ParentCode"


def parse(*rows: str) -> CategoryTree:
    return parse_categories("\n".join((HEADER, *rows, "")).encode())


def parents(tree: CategoryTree) -> dict[str, str | None]:
    return {category.code: category.parent_code for category in tree.categories}


def names(tree: CategoryTree) -> dict[str, str]:
    return {category.code: category.name["en"] for category in tree.categories}


def reasons(tree: CategoryTree) -> list[tuple[int, str]]:
    return [(problem.line_number, problem.code) for problem in tree.problems]


def test_the_third_column_names_the_parent() -> None:
    tree = parse("BAGS;Bags;", "PACKS;Backpacks;BAGS")
    assert parents(tree) == {"BAGS": None, "PACKS": "BAGS"}
    assert tree.problems == ()


def test_a_blank_parent_is_read_from_the_path_of_the_code() -> None:
    tree = parse("BAGS;Bags;", "BAGS/SHOPPING;Shopping;", "BAGS/SHOPPING/PAPER;Paper")
    assert parents(tree) == {"BAGS": None, "BAGS/SHOPPING": "BAGS", "BAGS/SHOPPING/PAPER": "BAGS/SHOPPING"}


def test_a_blank_parent_is_read_from_the_name_when_the_code_is_no_path() -> None:
    tree = parse("B1;Bags & Luggage;", "B2;Bags & Luggage/Backpacks;", "B3;Bags & Luggage/Backpacks/Kids;")
    assert parents(tree) == {"B1": None, "B2": "B1", "B3": "B2"}
    assert names(tree) == {"B1": "Bags & Luggage", "B2": "Backpacks", "B3": "Kids"}


def test_the_third_column_is_believed_before_path_and_name() -> None:
    tree = parse("A;Alpha;", "B;Beta;", "A/X;Alpha/X;B")
    assert parents(tree)["A/X"] == "B"


def test_a_slash_that_names_no_category_belongs_to_the_name() -> None:
    tree = parse("CAPS;Hats/Caps;")
    assert names(tree) == {"CAPS": "Hats/Caps"}
    assert parents(tree) == {"CAPS": None}
    assert tree.problems == ()


def test_a_name_that_two_categories_carry_is_nobodys_parent() -> None:
    tree = parse("A;Bags;", "B;Bags;", "C;Bags/Small;")
    assert parents(tree)["C"] is None


def test_parents_stand_before_their_children_and_order_is_that_of_the_file() -> None:
    tree = parse("A/B/C;Leaf;", "Z;Zebra;", "A/B;Twig;", "A;Root;")
    assert [category.code for category in tree.categories] == ["A", "A/B", "A/B/C", "Z"]
    assert {category.code: category.sort_order for category in tree.categories} == {
        "A/B/C": 0,
        "Z": 1,
        "A/B": 2,
        "A": 3,
    }


@pytest.mark.parametrize("row", ["CHILD;Child;NOWHERE", "NOWHERE/CHILD;Child;"])
def test_an_unknown_parent_makes_a_root_and_is_reported(row: str) -> None:
    tree = parse(row)
    assert list(parents(tree).values()) == [None]
    assert "NOWHERE is not in the file" in tree.problems[0].reason


def test_a_cycle_is_broken_at_its_first_category_and_reported() -> None:
    tree = parse("IN;In;B", "A;Alpha;C", "B;Beta;A", "C;Gamma;B", "SELF;Self;SELF")
    assert parents(tree) == {"A": None, "B": "A", "C": "B", "IN": "B", "SELF": None}
    assert reasons(tree) == [(3, "A"), (6, "SELF")]


def test_a_code_that_repeats_is_reported_and_the_first_row_counts() -> None:
    tree = parse("A;Alpha;", "A;Other;")
    assert names(tree) == {"A": "Alpha"}
    assert reasons(tree) == [(3, "A")]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (";Name;", "no code"),
        ("CODE;;", "no name"),
        ("CODE", "no name"),
        ("C" * 51 + ";Name;", "51 characters"),
        ("CODE;" + "n" * 2001 + ";", "2001 characters"),
        ("CO\x00DE;Name;", "control character"),
    ],
)
def test_a_row_that_cannot_be_taken_is_reported(row: str, reason: str) -> None:
    tree = parse("FINE;Fine;", row)
    assert parents(tree) == {"FINE": None}
    assert reason in tree.problems[0].reason


def test_the_form_of_the_file_does_not_matter() -> None:
    data = b'\xef\xbb\xbfCode;Name;ParentCode;More\r\nA; Alpha ;;x\r\n\r\nB;"Be;ta";A;\r\n'
    tree = parse_categories(data)
    assert names(tree) == {"A": "Alpha", "B": "Be;ta"}
    assert parents(tree) == {"A": None, "B": "A"}


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", HEADER.encode(), f"{HEADER}\r\n\r\n".encode()])
def test_a_file_without_rows_has_no_categories(data: bytes) -> None:
    assert parse_categories(data) == CategoryTree((), ())


@pytest.mark.parametrize(
    "data",
    [b"<html><body>\n<p>Bad;Gateway;x</p></html>", b"Code;Name\n\x81;x\n", b'{"a":\n1}', b"\x89PNG\n\x1a\n\0\0"],
    ids=["HTML", "no encoding", "JSON", "PNG"],
)
def test_a_document_that_is_no_category_file_is_an_error_and_never_an_empty_tree(data: bytes) -> None:
    with pytest.raises(NotACategoryFileError):
        parse_categories(data)


def test_a_tree_as_deep_as_its_file_is_long_is_read() -> None:
    rows = [f"C{number};Name {number};C{number + 1}" for number in range(5_000)]
    tree = parse(*rows, "C5000;Root;")
    assert tree.categories[0].code == "C5000"
    assert len(tree.categories) == 5_001


CODES = st.sampled_from(["A", "B", "C", "D", "A/B", "A/B/C", "", "E" * 51])


@given(st.lists(st.tuples(CODES, st.sampled_from(["Name", "Name/Sub", ""]), CODES), max_size=12))
def test_the_result_is_a_tree_whatever_the_rows_say(rows: list[tuple[str, str, str]]) -> None:
    try:
        tree = parse(*(";".join(row) for row in rows))
    except NotACategoryFileError:
        return
    seen: set[str | None] = {None}
    for category in tree.categories:
        assert category.parent_code in seen
        assert category.code not in seen
        seen.add(category.code)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_a_tree_or_a_clear_error(data: bytes) -> None:
    try:
        tree = parse_categories(data)
    except NotACategoryFileError:
        return
    assert all(problem.code.isprintable() for problem in tree.problems)


GERMAN = "ICON;KEY;EN;DE;IMAGE"


def test_columns_are_read_by_their_names_in_any_order() -> None:
    tree = parse_categories(b"Name;Code;ParentCode\nTextiles;TEXTILES;\nSocks;TEXTILES/SOCKS;TEXTILES\n")
    assert parents(tree) == {"TEXTILES": None, "TEXTILES/SOCKS": "TEXTILES"}
    assert names(tree) == {"TEXTILES": "Textiles", "TEXTILES/SOCKS": "Socks"}


def test_a_file_of_paths_has_names_by_language_and_parents_by_path() -> None:
    rows = (
        ";OFFICE;Office;Büro;",
        ";OFFICE/PENS/BALL_PENS;Office / Pens / Ball pens;Büro / Stifte / Kugelschreiber;x.png",
        ";PROMO/PENS;Promotion / Pens;Werbung / Stifte;",
    )
    tree = parse_categories("\r\n".join((GERMAN, *rows, "")).encode())
    assert parents(tree) == {
        "OFFICE": None,
        "OFFICE/PENS": "OFFICE",
        "OFFICE/PENS/BALL_PENS": "OFFICE/PENS",
        "PROMO": None,
        "PROMO/PENS": "PROMO",
    }
    by_code = {category.code: category.name for category in tree.categories}
    assert by_code["OFFICE/PENS/BALL_PENS"] == {"de": "Kugelschreiber", "en": "Ball pens"}
    assert by_code["OFFICE/PENS"] == {"de": "Stifte", "en": "Pens"}
    assert by_code["PROMO"] == {"de": "Werbung", "en": "Promotion"}
    assert tree.problems == ()


def test_a_level_whose_key_is_no_path_is_known_by_its_names() -> None:
    tree = parse_categories("KEY;DE\nK17;Büro / Stifte\nK18;Büro / Hefte\n".encode())
    assert parents(tree) == {"BÜRO": None, "K17": "BÜRO", "K18": "BÜRO"}


def test_a_row_with_other_cells_than_the_header_is_reported() -> None:
    tree = parse_categories(b"KEY;DE;EN\nA;Taschen;Bags\nB;Stifte\nC;Hefte;Books;x\n")
    assert list(parents(tree)) == ["A"]
    assert [problem.reason for problem in tree.problems] == [
        "1 cells fewer than the header has",
        "1 cells more than the header has",
    ]


@pytest.mark.parametrize("header", ["TEXTILES;Textiles;", "Titel;Nummer", "KEY;ICON;IMAGE", "Code,Name,ParentCode"])
def test_a_header_of_neither_kind_is_refused_and_its_names_are_said(header: str) -> None:
    with pytest.raises(NotACategoryFileError, match="neither Code, Name, ParentCode nor KEY") as refused:
        parse_categories(f"{header}\nX;Y;Z\n".encode())
    assert header.split(";", maxsplit=1)[0] in str(refused.value)


def test_windows_1252_is_read_and_said() -> None:
    tree = parse_categories("Code;Name;ParentCode\r\nOFFICE;Büro;\r\n".encode("cp1252"))
    assert names(tree) == {"OFFICE": "Büro"}
    (problem,) = tree.problems
    assert "Windows-1252" in problem.reason
    assert not problem.is_refused


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_read_with_and_without_its_mark(codec: str) -> None:
    assert names(parse_categories(f"{HEADER}\nOFFICE;Büro;\n".encode(codec))) == {"OFFICE": "Büro"}


@pytest.mark.parametrize("row", ["CAPS;Hats", 'CAPS;"Unclosed;\nNEXT;Next;\n', ";Caps;"])
def test_a_file_that_ends_within_a_row_is_damaged(row: str) -> None:
    header = "KEY;DE;EN" if row == "CAPS;Hats" else HEADER
    with pytest.raises(NotACategoryFileError, match="is damaged: it ends within line"):
        parse_categories(f"{header}\nA;Alpha;Alpha\n{row}".encode())
