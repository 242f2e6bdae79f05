"""Tests of the order of sizes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestration.catalogue.documents.attributes import in_size_order


def test_sizes_run_from_small_to_large() -> None:
    sizes = ["5XL", "XXL", "M", "XS", "4XL", "S", "L", "3XL", "XL"]
    assert in_size_order(sizes) == ("XS", "S", "M", "L", "XL", "XXL", "3XL", "4XL", "5XL")


def test_two_ways_of_writing_a_size_stand_side_by_side() -> None:
    assert in_size_order(["3XL", "2XL", "XL", "XXXL"]) == ("XL", "2XL", "3XL", "XXXL")


def test_unknown_sizes_come_last_numbers_by_value() -> None:
    assert in_size_order(["one size", "104", "98", "M", "98/104"]) == ("M", "98", "98/104", "104", "one size")


@given(st.lists(st.text(max_size=6)))
def test_each_size_is_there_once_in_an_order_of_its_own(sizes: list[str]) -> None:
    ordered = in_size_order(sizes)
    assert sorted(ordered) == sorted(set(sizes))
    assert in_size_order(reversed(ordered)) == ordered
