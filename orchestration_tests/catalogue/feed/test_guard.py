"""Tests of the removal rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.catalogue.feed.guard import OVERRIDE, RemovalVerdict, judge_removals


@pytest.mark.parametrize(
    ("active", "removed", "is_allowed"),
    [(100, 0, True), (100, 20, True), (100, 21, False), (10, 5, True), (10, 6, False), (6, 5, True), (1000, 200, True)],
)
def test_more_than_a_fifth_and_more_than_five_is_held_back(active: int, removed: int, *, is_allowed: bool) -> None:
    verdict = judge_removals(active, removed, active - removed, allow=False)
    assert verdict.allowed == is_allowed
    assert bool(verdict.reason) != is_allowed


def test_the_reason_gives_the_numbers_and_the_flag() -> None:
    reason = judge_removals(110, 60, 50, allow=False).reason
    assert "60 of 110 families (55 %)" in reason
    assert OVERRIDE in reason


@pytest.mark.parametrize("active", [1, 3, 500])
def test_a_supplier_that_vanishes_whole_is_held_back_whatever_its_size(active: int) -> None:
    verdict = judge_removals(active, active, 0, allow=False)
    assert not verdict.allowed
    assert f"none of the supplier's {active} families" in verdict.reason


def test_the_override_lets_it_happen_and_says_so() -> None:
    verdict = judge_removals(110, 110, 0, allow=True)
    assert verdict.allowed
    assert OVERRIDE in verdict.reason


def test_nothing_to_remove_is_never_held_back() -> None:
    assert judge_removals(0, 0, 0, allow=False) == RemovalVerdict(allowed=True)


def test_share_and_minimum_are_settings() -> None:
    assert judge_removals(100, 40, 60, allow=False, share=0.5).allowed
    assert not judge_removals(100, 2, 98, allow=False, share=0.01, minimum=1).allowed


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 300))
def test_with_the_override_nothing_is_held_back_and_without_it_every_refusal_has_a_reason(
    active: int, removed: int, listed: int
) -> None:
    assert judge_removals(active, removed, listed, allow=True).allowed
    verdict = judge_removals(active, removed, listed, allow=False)
    assert verdict.allowed or verdict.reason
