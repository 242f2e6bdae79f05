"""Tests of the quick test: a document that passes it has no drift, and an ordinary one passes."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st

from orchestration.catalogue.drift.fit_test import fit_test
from orchestration.catalogue.drift.shape import SupplierShape, compare, inspect, merge
from orchestration_tests.catalogue.sample_documents import as_bytes, family_document, with_value, without

FAMILY = as_bytes(family_document("A461-7001234", children=8))


def shape_of(*documents: bytes) -> SupplierShape:
    """The shape of these documents together."""
    shape = SupplierShape()
    for document in documents:
        shape = merge(shape, inspect(document))
    return shape


def test_a_document_like_those_before_passes_and_any_drift_does_not() -> None:
    fits = fit_test(shape_of(*(as_bytes(family_document(f"A461-{number}", children=number)) for number in (1, 2, 9))))
    assert fits is not None
    family = json.loads(FAMILY)
    assert fits(FAMILY)
    assert not fits(as_bytes(with_value(family, "ChildProducts.7.ProductDetails.fr.Novelty", {"a": 1})))
    assert not fits(as_bytes(with_value(family, "ChildProducts.0.Ean", 7)))
    assert not fits(as_bytes(with_value(family, "ChildProducts.7.ImprintPositions.0.Novelty", 1)))
    assert not fits(as_bytes(with_value(family, "ChildProducts.7.ImprintPositions", "none")))
    assert not fits(as_bytes(without(family, "VideoUrl")))


def test_a_field_that_only_some_documents_have_may_come_or_not() -> None:
    bare = as_bytes(without(json.loads(FAMILY), "VideoUrl"))
    fits = fit_test(shape_of(FAMILY, bare))
    assert fits is not None
    assert (fits(FAMILY), fits(bare)) == (True, True)


def test_a_byte_order_mark_is_tolerated_and_what_is_no_json_fails() -> None:
    fits = fit_test(shape_of(FAMILY))
    assert fits is not None
    assert fits(b"\xef\xbb\xbf" + FAMILY)
    assert not any(map(fits, (b"", FAMILY[:-1], b"\xff", b"[" * 100_000)))


def test_names_that_no_type_can_carry_have_no_quick_test() -> None:
    assert fit_test(shape_of(b'{"a.b": 1}')) is None


NAMES = st.sampled_from(["a", "b", "Texts", "ChildProducts", "ImprintPositions"])
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


@example([{"ChildProducts": 1}, {"ChildProducts": "a"}], [{"ChildProducts": 2}, {"ChildProducts": "b"}])
@example([{"ChildProducts": [{"ImprintPositions": [{"a": 1}]}]}], [{"ChildProducts": [{"ImprintPositions": {}}]}])
@given(st.lists(DOCUMENTS, min_size=1, max_size=4), st.lists(DOCUMENTS, max_size=4))
def test_what_passes_shows_no_drift(known: list[object], later: list[object]) -> None:
    shape = shape_of(*(json.dumps(document).encode() for document in known))
    fits = fit_test(shape)
    for document in (*known, *later):
        text = json.dumps(document).encode()
        if fits is not None and fits(text):
            assert compare(shape, inspect(text)) == []
