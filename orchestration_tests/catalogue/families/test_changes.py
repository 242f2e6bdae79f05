"""Tests of field-level changes and of the price moves in them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.catalogue.families.changes import FieldChange, PriceMove, field_changes, price_moves, shown_values
from orchestration_tests.catalogue.documents.decoding import decode
from orchestration_tests.catalogue.sample_documents import family_document, with_value

if TYPE_CHECKING:
    from orchestration.catalogue.documents.model import Family
    from orchestration_tests.catalogue.sample_documents import JsonObject

SKU = "A461-7001234"
PRICES = "ChildProducts.0.ProductPriceCountryBased.EURO"


def test_a_field_that_differs_is_a_change_with_both_values() -> None:
    assert field_changes("variant", "V", {"size": "M", "color": "Red"}, {"size": "L", "color": "Red"}) == [
        FieldChange("variant", "V", "size", "changed", "M", "L")
    ]


def test_changes_are_in_order_of_their_fields() -> None:
    changes = field_changes("family", "F", {"b": 1, "a": 1}, {"a": 2, "b": 2, "c": 2})
    assert [change.field for change in changes] == ["a", "b", "c"]


def test_a_record_that_comes_or_goes_is_one_change() -> None:
    assert field_changes("family", "F", None, {"a": 1}) == [FieldChange("family", "F", "", "added")]
    assert field_changes("family", "F", {"a": 1}, None) == [FieldChange("family", "F", "", "removed")]
    assert field_changes("family", "F", None, None) == []


def test_a_missing_field_is_null() -> None:
    assert field_changes("family", "F", {}, {"a": None}) == []


def test_true_is_not_one_but_one_is_one_point_zero() -> None:
    assert field_changes("family", "F", {"a": [1]}, {"a": (1.0,)}) == []
    assert len(field_changes("family", "F", {"a": [{"b": 1}]}, {"a": [{"b": True}]})) == 1


def test_a_decoded_record_equals_its_stored_form() -> None:
    record = msgspec.to_builtins(decode(family_document(SKU, children=3)).family)
    assert field_changes("family", SKU, json.loads(json.dumps(record)), record) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.dictionaries(st.text(max_size=2), JSON, max_size=4)


@given(RECORDS)
def test_a_record_does_not_differ_from_itself(record: dict[str, object]) -> None:
    assert field_changes("family", "F", record, json.loads(json.dumps(record))) == []


@given(RECORDS, RECORDS)
def test_the_changes_turn_the_one_record_into_the_other(before: dict[str, object], after: dict[str, object]) -> None:
    patched = before | {change.field: change.after for change in field_changes("family", "F", before, after)}
    assert field_changes("family", "F", patched, after) == []


def moves_between(before: JsonObject, after: JsonObject) -> list[PriceMove]:
    old: Family = decode(before).family
    new: Family = decode(after).family
    return price_moves(field_changes("family", SKU, msgspec.to_builtins(old), msgspec.to_builtins(new)))


def test_a_price_that_moved_is_shown_with_its_place_and_its_percentage() -> None:
    before = family_document(SKU, price=100.0)
    after = with_value(before, f"{PRICES}.RecommendedSellingPrice.1.Price", 90.25)
    assert moves_between(before, after) == [PriceMove(SKU, "selling", "EURO", 100, 95.0, 90.25, -5.0)]


def test_a_buying_price_moves_on_its_own() -> None:
    before = family_document(SKU, price=100.0)
    after = with_value(before, f"{PRICES}.GeneralBuyingPrice.0.Price", 56.1)
    assert moves_between(before, after) == [PriceMove(SKU, "buying", "EURO", 1, 55.0, 56.1, 2.0)]


def test_the_lowest_and_highest_price_move_too() -> None:
    moves = moves_between(family_document(SKU, price=100.0), family_document(SKU, price=110.0))
    limits = {move.price_type: (move.before, move.after, move.percent) for move in moves if move.region is None}
    assert limits == {"lowest": (49.5, 54.45, 10.0), "highest": (100.0, 110.0, 10.0)}


def test_a_step_that_begins_or_ends_has_no_percentage() -> None:
    before = family_document(SKU, price=100.0)
    after = with_value(before, f"{PRICES}.RecommendedSellingPrice.1.Quantity", 200)
    moves = [move for move in moves_between(before, after) if move.price_type == "selling"]
    assert moves == [
        PriceMove(SKU, "selling", "EURO", 100, 95.0, None, None),
        PriceMove(SKU, "selling", "EURO", 200, None, 95.0, None),
    ]


def test_what_is_no_price_moves_none() -> None:
    before = family_document(SKU)
    assert moves_between(before, with_value(before, "ProductDetails.nl.Name", "Other")) == []
    assert price_moves(field_changes("family", SKU, None, {"price_min": 1.0})) == []
    assert price_moves([FieldChange("variant", "V", "price_min", "changed", 1.0, 2.0)]) == []


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (1.5, 2, ("1.5", "2")),
        (None, "new", ("", "new")),
        ({"nl": "a", "de": "b"}, {"nl": "a", "de": "c", "fr": "d"}, ("de: b", "de: c, fr: d")),
        (["Blue", "Red"], ["Blue"], ("Blue, Red", "Blue")),
        ([{"price": 1}], [{"price": 2}, {"price": 3}], ("1 record", "2 records")),
        ([{"price": 1, "quantity": 5}], [{"price": 2, "quantity": 5}], ("price: 1", "price: 2")),
        ([{"price": 1}, {"price": 3}], [{"price": 2}, {"price": 4}], ("price: 1, and 1 more", "price: 2, and 1 more")),
        (None, {"nl": "a"}, ("", "nl: a")),
    ],
)
def test_a_change_is_told_in_short(before: object, after: object, expected: tuple[str, str]) -> None:
    assert shown_values(before, after) == expected
