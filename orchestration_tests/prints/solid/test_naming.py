"""Lines, file names and content addresses."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.prints.solid.naming import (
    alpha_folder,
    base_name,
    content_address,
    digest,
    free_path,
    pretty_path,
    product_lines,
    slug,
    split_lines,
)
from orchestration.prints.solid.sku import LineRule


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Anna\r\nSmith", ["Anna", "Smith"]),
        ("Anna/Smith\\Jo", ["Anna", "Smith", "Jo"]),
        ("  Meadow  ", ["Meadow"]),
        ("\n/ \\\n", []),
        ("007\n2024", ["007", "2024"]),
    ],
)
def test_a_text_is_split_on_breaks_and_slashes_and_empty_lines_drop_out(text: str, lines: list[str]) -> None:
    assert split_lines(text) == lines


@pytest.mark.parametrize(
    ("text", "shown", "left_out"),
    [
        ("DOG PARK", ["DOG", "PARK"], []),
        ("Anna Maria Smith", ["Anna Maria", "Smith"], []),
        ("Anna  Smith", ["Anna", "Smith"], []),
        ("Anna Maria/Smith", ["Anna Maria", "Smith"], []),
        ("a/b/c/d/e", ["a", "b", "c"], ["d", "e"]),
    ],
)
def test_a_dual_colour_tag_splits_a_single_line_by_words_and_holds_three(
    text: str, shown: list[str], left_out: list[str]
) -> None:
    assert product_lines(text, LineRule.WORDS) == (shown, left_out)


def test_the_other_rules_keep_words_together() -> None:
    assert product_lines("DOG PARK", LineRule.LINES) == (["DOG PARK"], [])
    assert product_lines("Luca/red", LineRule.FIRST) == (["Luca"], ["red"])
    assert product_lines("AB12\nCDE/F", LineRule.WHOLE) == (["AB12 CDE/F"], [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Élise", "lise"),
        ("O'Neill Jr.", "ONeill_Jr"),
        ("a  \t b", "a_b"),
        ("a _ _ b", "a_b"),
        ("🎉", "Tag"),
        ("x" * 70, "x" * 60),
        ("../../etc/passwd", "etcpasswd"),
    ],
)
def test_a_slug_keeps_plain_characters_alone(text: str, expected: str) -> None:
    assert slug(text) == expected


@given(st.text())
def test_a_slug_is_always_a_safe_file_name(text: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,60}", slug(text))


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("ANNA", "ANNA_UC"),
        ("A", "A_UC"),
        ("Anna", "Anna"),
        ("007", "007"),
        ("AB12 CDE", "AB12_CDE_UC"),
        ("ANNA\nSmith", "ANNA_UC"),
    ],
)
def test_names_in_capitals_are_marked(text: str, base: str) -> None:
    assert base_name(text) == base


def test_a_task_without_lines_is_named_by_its_number() -> None:
    assert base_name(" / ", 12) == "Tag12"


@pytest.mark.parametrize(("base", "folder"), [("anna", "A"), ("Zoe", "Z"), ("007", "#"), ("_x", "#"), ("-", "#")])
def test_the_folder_is_the_first_letter(base: str, folder: str) -> None:
    assert alpha_folder(base) == folder


def test_the_pretty_path_is_the_originals() -> None:
    assert pretty_path("dual-colours", base_name("Élise"), ".stl") == "dual-colours/L/lise.stl"


@given(st.lists(st.sampled_from(["a" * 32, "b" * 32, "a" * 31 + "c", "a" * 8 + "d" * 24]), max_size=12))
def test_no_content_ever_takes_the_path_of_another(addresses: list[str]) -> None:
    held: dict[str, str] = {}
    for address in addresses:
        path = free_path("x/A/Anna.stl", address, lambda wanted: held.get(wanted.casefold()))
        assert held.setdefault(path.casefold(), address) == address


def test_the_same_content_keeps_its_path() -> None:
    assert free_path("x/A/Anna.stl", "f" * 32, {"x/A/Anna.stl": "f" * 32}.get) == "x/A/Anna.stl"


def _address(**changes: object) -> str:
    inputs: dict[str, object] = {
        "sku": "A",
        "design_version": "1",
        "parameters": digest({"size": 18, "bar": 1.5}),
        "fonts": {"F.ttf": "00"},
        "lines": ["Anna"],
    }
    return content_address(**(inputs | changes))  # type: ignore[arg-type]  # a table of keyword arguments


@pytest.mark.parametrize(
    "change",
    [
        {"sku": "B"},
        {"design_version": "2"},
        {"parameters": digest({"size": 18, "bar": 1.6})},
        {"fonts": {"F.ttf": "01"}},
        {"lines": ["anna"]},
        {"lines": ["An", "na"]},
    ],
)
def test_every_input_changes_the_address(change: dict[str, object]) -> None:
    assert _address(**change) != _address()


def test_the_order_in_which_parameters_are_named_does_not() -> None:
    assert _address(parameters=digest({"bar": 1.5, "size": 18})) == _address()
    assert re.fullmatch(r"[0-9a-f]{32}", _address())
