"""Tests of watching a supplier's documents: the quick way says what the thorough one says."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from orchestration.catalogue.shape import ANY_INDEX, ANY_KEY, Drift, Shape, SupplierShape, compare, inspect, merge
from orchestration.catalogue.shape_watch import SETTLED_AFTER, ShapeWatch
from orchestration_tests.catalogue.documents import as_bytes, family_document, with_value, without

FAMILY = as_bytes(family_document("A461-7001234", children=8))


def settled_watch() -> ShapeWatch:
    watch = ShapeWatch(SupplierShape())
    for number in range(SETTLED_AFTER + 1):
        watch.see(as_bytes(family_document(f"A461-{number}", children=1 + number)))
    return watch


def test_documents_of_a_settled_supplier_are_not_inspected() -> None:
    watch = settled_watch()
    inspected = watch.inspected
    assert [watch.see(FAMILY) for _ in range(20)] == [[]] * 20
    assert watch.inspected == inspected
    assert watch.shape.documents == inspected + 20


def test_a_field_that_only_some_documents_have_costs_no_inspection() -> None:
    watch = ShapeWatch(SupplierShape())
    texts = [FAMILY, as_bytes(without(json.loads(FAMILY), "VideoUrl"))]
    for _ in range(SETTLED_AFTER + 1):
        assert [watch.see(text) for text in texts] == [[], []]
    inspected = watch.inspected
    assert [watch.see(text) for text in texts * 5] == [[]] * 10
    assert watch.inspected == inspected


def test_a_watch_goes_on_where_an_earlier_one_ended() -> None:
    watch = ShapeWatch(settled_watch().shape)
    changed = with_value(json.loads(FAMILY), "Novelty", 1)
    assert watch.see(as_bytes(changed)) == [Drift("new", "$.Novelty", (), ("number",))]


def test_drift_of_every_kind_is_found_after_documents_that_were_not_inspected() -> None:
    watch = settled_watch()
    watch.see(FAMILY)
    family = json.loads(FAMILY)
    novel = with_value(family, "ChildProducts.7.ProductDetails.fr.Novelty", {"a": 1})
    retyped = with_value(family, "ChildProducts.0.Ean", 7)
    assert [found.kind for found in watch.see(as_bytes(novel))] == ["new"]
    assert [found.kind for found in watch.see(as_bytes(retyped))] == ["type"]
    assert [found.kind for found in watch.see(as_bytes(without(family, "VideoUrl")))] == ["gone"]


def test_what_drifted_once_is_known_from_then_on() -> None:
    watch = settled_watch()
    changed = as_bytes(with_value(json.loads(FAMILY), "Novelty", 1))
    assert watch.see(changed)
    inspected = watch.inspected
    assert [watch.see(changed) for _ in range(SETTLED_AFTER + 9)] == [[]] * (SETTLED_AFTER + 9)
    assert watch.inspected <= inspected + SETTLED_AFTER


def test_a_document_that_is_no_measure_teaches_nothing() -> None:
    watch = settled_watch()
    before = watch.shape
    changed = as_bytes(with_value(json.loads(FAMILY), "Novelty", 1))
    assert [[found.kind for found in watch.see(changed, learn=False)] for _ in range(2)] == [["new"]] * 2
    assert watch.see(FAMILY, learn=False) == []
    assert watch.shape == before


def test_names_that_no_type_can_carry_are_inspected_every_time() -> None:
    watch = ShapeWatch(SupplierShape())
    for _ in range(SETTLED_AFTER + 5):
        watch.see(b'{"a.b": 1}')
    assert watch.see(b'{"a.b": "x"}') == [Drift("type", "$.a%2Eb", ("number",), ("string",))]


def required(shape: SupplierShape) -> set[str]:
    """The fields that no document lacked; of items there is nothing to tell."""
    return {
        path
        for path, known in shape.paths.items()
        if known.documents == shape.documents and not path.endswith((ANY_INDEX, ANY_KEY))
    }


NAMES = st.sampled_from(["a", "b", "Texts"])
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("a", max_size=1),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(NAMES, JSON, max_size=3)


@given(st.lists(DOCUMENTS, min_size=1, max_size=3), st.lists(DOCUMENTS, max_size=4), st.data())
def test_watching_says_what_inspecting_says(common: list[object], rare: list[object], data: st.DataObject) -> None:
    """Whatever is passed without inspection would have shown no drift, and the learnt shape agrees where it counts."""
    settling = common * (SETTLED_AFTER + 1)
    tail = data.draw(st.lists(st.sampled_from(common + rare), max_size=10))
    watch, baseline = ShapeWatch(SupplierShape()), SupplierShape()
    for document in (*settling, *tail):
        text = json.dumps(document).encode()
        shape: Shape = inspect(text)
        assert watch.see(text) == compare(baseline, shape)
        baseline = merge(baseline, shape)
    learnt = watch.shape
    assert learnt.documents == baseline.documents
    assert required(learnt) == required(baseline)
    assert {path: known.types for path, known in learnt.paths.items()} == {
        path: known.types for path, known in baseline.paths.items()
    }
