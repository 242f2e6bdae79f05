"""Tests of document shapes and of drift between them."""

from __future__ import annotations

import json
from functools import reduce
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.catalogue.drift.shape import Drift, PathShape, Shape, SupplierShape, compare, inspect, merge
from orchestration.errors import InvalidInputError
from orchestration_tests.catalogue.sample_documents import as_bytes, family_document, with_value, without

if TYPE_CHECKING:
    from orchestration_tests.catalogue.sample_documents import JsonObject

FAMILY = family_document("A461-7001234", children=8)
CHILD_NAME = "$.ChildProducts[*].ProductDetails.*.Name"


def shape_of(value: object) -> Shape:
    return inspect(json.dumps(value).encode())


def baseline_of(*values: object) -> SupplierShape:
    return reduce(merge, map(shape_of, values), SupplierShape())


def drift(earlier: list[object], now: object) -> list[Drift]:
    return compare(baseline_of(*earlier), shape_of(now))


def test_languages_regions_and_indices_are_wildcards() -> None:
    types = inspect(as_bytes(FAMILY)).types
    assert types[CHILD_NAME] == {"string"}
    assert types["$.ChildProducts[*].ProductPriceCountryBased.*.RecommendedSellingPrice[*].Price"] == {"number"}
    assert types["$.ChildProducts[*].ImprintPositions[*].ImprintOptions[*].ImprintCosts[*].Texts.*.Name"] == {"string"}
    assert types["$.DefaultProducts.*"] == {"string"}
    assert types["$.Ean"] == {"null"}


def test_an_empty_list_and_an_empty_mapping_have_nothing_in_them() -> None:
    types = inspect(as_bytes(FAMILY)).types
    assert types["$.NonLanguageDependedProductDetails.SecondaryCategories"] == {"array"}
    assert "$.NonLanguageDependedProductDetails.SecondaryCategories[*]" not in types
    assert "$.Errors.*" not in types


def test_every_json_type_is_told_apart() -> None:
    types = shape_of({"a": [1, 1.5, "x", True, False, None, {}, []]}).types
    assert types["$.a[*]"] == {"number", "string", "boolean", "null", "object", "array"}


def test_true_and_one_are_two_types_even_side_by_side() -> None:
    assert shape_of([{"a": 1}, {"a": True}]).types["$[*].a"] == {"number", "boolean"}


def test_names_that_look_like_paths_stay_one_step() -> None:
    types = shape_of({"a.b": 1, "*": 2, "x[*]": 3, "": 4}).types
    assert set(types) == {"$", "$.a%2Eb", "$.%2A", "$.x%5B%2A%5D", "$."}


def test_an_object_with_more_keys_than_a_record_has_is_a_mapping() -> None:
    types = shape_of({"a": {str(number): number for number in range(300)}}).types
    assert set(types) == {"$", "$.a", "$.a.*"}


@pytest.mark.parametrize("data", [b"", b"{", b'{"a": \xff}', b"[" * 100_000])
def test_what_is_no_json_has_no_shape(data: bytes) -> None:
    with pytest.raises(InvalidInputError):
        inspect(data)


def test_a_very_deep_document_has_the_shape_of_its_upper_levels() -> None:
    assert len(inspect(b'{"a":' * 400 + b"1" + b"}" * 400).types) <= 50


def test_merging_counts_documents_and_unites_types() -> None:
    merged = baseline_of({"a": 1}, {"a": "x", "b": None})
    assert merged == SupplierShape(
        2,
        {
            "$": PathShape(frozenset({"object"}), 2),
            "$.a": PathShape(frozenset({"number", "string"}), 2),
            "$.b": PathShape(frozenset({"null"}), 1),
        },
    )


def test_a_supplier_without_documents_has_nothing_to_drift_from() -> None:
    assert drift([], {"a": 1}) == []


def test_documents_of_one_supplier_do_not_drift() -> None:
    others: list[object] = [family_document(f"A461-{number}", children=2 + number) for number in range(6)]
    assert drift(others, FAMILY) == []


def test_a_new_field_is_reported_at_its_top_only() -> None:
    assert drift([{"a": 1}], {"a": 1, "b": {"c": [{"d": 1}]}}) == [Drift("new", "$.b", (), ("object",))]


def test_a_new_field_of_a_child_is_found() -> None:
    changed = with_value(FAMILY, "ChildProducts.3.ProductDetails.de.Novelty", 1)
    assert drift([FAMILY], changed) == [Drift("new", "$.ChildProducts[*].ProductDetails.*.Novelty", (), ("number",))]


def test_a_new_language_or_region_is_no_drift() -> None:
    assert drift([family_document("A1-1", languages=("nl",))], family_document("A1-1", region="BENELUX")) == []


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({"a": None}, {"a": {"b": 1}}),
        ({"a": None}, {"a": [{"b": 1}]}),
        ({"a": []}, {"a": [{"b": 1}]}),
        ({"a": {"b": 1}}, {"a": None}),
    ],
)
def test_null_and_empty_agree_with_anything(before: object, now: object) -> None:
    assert drift([before] * 6, now) == []


def test_another_type_is_reported_with_both() -> None:
    changed = with_value(FAMILY, "ChildProducts.0.NonLanguageDependedProductDetails.Weight", "660 g")
    path = "$.ChildProducts[*].NonLanguageDependedProductDetails.Weight"
    assert drift([FAMILY], changed) == [Drift("type", path, ("number",), ("number", "string"))]


def test_a_field_that_becomes_an_object_is_one_drift() -> None:
    assert drift([{"a": "x"}], {"a": {"b": {"c": 1}}}) == [Drift("type", "$.a", ("string",), ("object",))]


def test_a_field_that_five_documents_had_is_gone_when_the_next_lacks_it() -> None:
    gone = [Drift("gone", "$.a", ("object",), ())]
    assert drift([{"a": {"b": 1}}] * 5, {}) == gone
    assert drift([{"a": {"b": 1}}] * 4, {}) == []


def test_a_field_that_some_document_lacked_cannot_go() -> None:
    assert drift([*[{"a": 1}] * 9, {}], {}) == []


def test_a_document_without_the_object_does_not_lack_its_fields() -> None:
    earlier: list[object] = [*[{"a": [{"b": 1}]}] * 5, {"a": []}, {"a": None}, {}]
    assert [found.path for found in drift(earlier, {"a": [{}]})] == ["$.a[*].b"]


def test_a_field_is_not_gone_while_another_child_has_it() -> None:
    some = without(FAMILY, "ChildProducts.0.ProductDetails.nl.MetaName")
    assert drift([FAMILY] * 5, some) == []


def test_a_field_that_all_children_lost_is_gone() -> None:
    document: JsonObject = FAMILY
    for child in range(8):
        document = without(document, f"ChildProducts.{child}.SupplierSku")
    assert drift([FAMILY] * 5, document) == [Drift("gone", "$.ChildProducts[*].SupplierSku", ("string",), ())]


def test_items_that_are_gone_take_no_fields_with_them() -> None:
    assert drift([{"a": [{"b": 1}]}] * 6, {"a": []}) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab.*", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)


@given(st.lists(JSON, min_size=1, max_size=7), JSON)
def test_a_document_drifts_but_once(earlier: list[object], now: object) -> None:
    baseline = baseline_of(*earlier)
    assert compare(merge(baseline, shape_of(now)), shape_of(now)) == []


@given(st.lists(JSON, min_size=1, max_size=7), JSON)
def test_only_the_top_of_a_branch_drifts(earlier: list[object], now: object) -> None:
    found = drift(earlier, now)
    assert len(found) == len({single.path for single in found})
    tops = [single.path for single in found if single.kind != "type"]
    assert not [path for path in tops for top in tops if path.startswith((f"{top}.", f"{top}["))]
