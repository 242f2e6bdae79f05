"""Tests of decoding whole documents: what is taken, what is refused and why, and the content hash."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.catalogue.documents.decode import decode_family
from orchestration.catalogue.documents.faults import DocumentError, Fault
from orchestration_tests.catalogue.documents.decoding import decode
from orchestration_tests.catalogue.sample_documents import (
    a360_documents,
    a461_documents,
    as_bytes,
    child_document,
    family_document,
    image_url,
    large_document,
    with_value,
    without,
)

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from orchestration_tests.catalogue.sample_documents import JsonObject

SKU = "A461-7001234"


def refusal(data: bytes, *, a_number: str = SKU, supplier: str = "A461") -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        decode_family(data, a_number=a_number, supplier=supplier)
    assert a_number in str(caught.value)
    return caught.value


def refusal_of(document: JsonObject) -> tuple[Fault, str]:
    error = refusal(as_bytes(document))
    return error.code, error.path


def test_one_hundred_and_ten_single_child_files_are_one_hundred_and_ten_families() -> None:
    """Grouping by `ANumber`, which is the supplier's code on both levels, once made them a single family."""
    decoded = [decode(document) for document in a360_documents()]
    assert len({found.family.a_number for found in decoded}) == 110
    assert {found.family.supplier for found in decoded} == {"A360"}
    assert all([variant.sku for variant in found.variants] == [found.family.a_number] for found in decoded)


def test_fourteen_files_of_several_children_keep_their_variants() -> None:
    documents = a461_documents()
    counts = [decode(document).family.variant_count for document in documents]
    assert counts == [len(document["ChildProducts"]) for document in documents]
    assert (len(counts), min(counts), max(counts)) == (14, 7, 35)
    assert 250 <= sum(counts) <= 300


def test_variants_keep_the_order_of_the_document() -> None:
    found = decode(family_document(SKU, children=9))
    assert [variant.position for variant in found.variants] == list(range(9))
    assert {variant.a_number for variant in found.variants} == {SKU}


def test_images_are_all_urls_once_with_the_main_image_first() -> None:
    """Five variants with three pictures each are fifteen images, although every language repeats them."""
    children = [child_document(f"{SKU}-{number}", color=number) for number in range(5)]
    found = decode(family_document(SKU, children=children))
    assert len(found.images) == 15
    assert found.images[0] == found.family.main_image == image_url(f"{SKU}-0 0")
    assert found.images[:3] == tuple(image_url(f"{SKU}-0 {number}") for number in range(3))


def test_pictures_that_only_the_root_shows_are_images_too() -> None:
    document = with_value(
        family_document(SKU), "ProductDetails.de.MediaGalleryImages", [{"Url": "https://x.test/a.jpg"}]
    )
    assert "https://x.test/a.jpg" in decode(document).images


def test_a_byte_order_mark_is_tolerated() -> None:
    data = as_bytes(family_document(SKU))
    assert decode_family(b"\xef\xbb\xbf" + data, a_number=SKU, supplier="A461") == decode(family_document(SKU))


def test_keys_that_the_short_forms_leave_out_may_be_missing() -> None:
    document = {
        "ANumber": "A461",
        "Sku": SKU,
        "ProductDetails": {"nl": {"Name": "Jas"}},
        "NonLanguageDependedProductDetails": {},
        "ChildProducts": [
            {"ANumber": "A461", "Sku": f"{SKU}-1", "ProductDetails": {}, "NonLanguageDependedProductDetails": {}}
        ],
    }
    found = decode(document)
    assert found.family.name == {"nl": "Jas"}
    assert [variant.name for variant in found.variants] == ["Jas"]
    assert found.images == ()


@pytest.mark.parametrize("none", [None, []])
def test_null_and_an_empty_list_both_mean_none(none: object) -> None:
    document = family_document(SKU, children=2)
    for path in (
        "ChildProducts.0.ProductDetails.nl.MediaGalleryImages",
        "ChildProducts.0.ProductDetails.nl.ConfigurationFields",
        "ChildProducts.0.ProductDetails.nl.InformationFiles",
        "ChildProducts.0.NonLanguageDependedProductDetails.SecondaryCategories",
        "ChildProducts.0.ProductPriceCountryBased.EURO.GeneralBuyingPrice",
        "ChildProducts.0.ImprintPositions",
        "ChildProducts.1.ImprintPositions",
    ):
        document = with_value(document, path, none)
    found = decode(document)
    assert found.family.imprint_positions == ()
    assert found.family.secondary_categories == ()


def test_unknown_keys_are_tolerated() -> None:
    document = with_value(family_document(SKU), "ChildProducts.0.Novelty", {"a": [1]})
    assert decode(document) == decode(family_document(SKU))


DOCUMENT = family_document(SKU, children=3)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", Fault.EMPTY),
        (b"\xef\xbb\xbf \r\n", Fault.EMPTY),
        (b"<!DOCTYPE html><html></html>", Fault.HTML),
        (b"\n <?xml version='1.0'?>", Fault.HTML),
        (as_bytes(DOCUMENT)[:-200], Fault.TRUNCATED),
        (as_bytes(DOCUMENT)[:1], Fault.TRUNCATED),
        (b"not found", Fault.NOT_JSON),
        (as_bytes(DOCUMENT) + b"}", Fault.NOT_JSON),
        (as_bytes(DOCUMENT).replace(b"Polyester", b"Poly\xffester"), Fault.NOT_UTF8),
        (as_bytes(DOCUMENT).replace(b"Polyester", b"Poly\0ester"), Fault.NUL_CHARACTER),
        (b"[]", Fault.WRONG_TYPE),
        (b"null", Fault.WRONG_TYPE),
        (b"[" * 100_000, Fault.TOO_DEEP),
        (b'{"ANumber":1,"x":' + b"[" * 100_000, Fault.TOO_DEEP),
    ],
)
def test_bytes_that_are_no_document_are_refused_by_their_kind(data: bytes, code: Fault) -> None:
    assert refusal(data).code is code


def test_a_backslash_before_u0000_is_no_nul_character() -> None:
    document = with_value(DOCUMENT, "ProductDetails.nl.Description", "a\\u0000b")
    assert decode(document).family.description["nl"] == "a\\u0000b"


def test_a_document_that_breaks_off_is_truncated_even_if_something_before_is_wrong() -> None:
    assert refusal(as_bytes(with_value(DOCUMENT, "ProductDetails.nl.Name", 1))[:-200]).code is Fault.TRUNCATED


@pytest.mark.parametrize(
    ("path", "value", "code", "json_path"),
    [
        ("ProductDetails", "none", Fault.WRONG_TYPE, "$.ProductDetails"),
        ("ProductDetails", [], Fault.MISSING, "$.ProductDetails"),
        ("ProductDetails", {}, Fault.MISSING, "$.ProductDetails"),
        ("NonLanguageDependedProductDetails", 7, Fault.WRONG_TYPE, "$.NonLanguageDependedProductDetails"),
        ("ChildProducts", "see attachment", Fault.WRONG_TYPE, "$.ChildProducts"),
        ("ChildProducts", {}, Fault.NO_VARIANTS, "$.ChildProducts"),
        ("ChildProducts", None, Fault.NO_VARIANTS, "$.ChildProducts"),
        ("ChildProducts", [], Fault.NO_VARIANTS, "$.ChildProducts"),
        ("ChildProducts", ["a"], Fault.NO_VARIANTS, "$.ChildProducts[0]"),
        ("Sku", "", Fault.MISSING, "$.Sku"),
        ("Sku", "s" * 201, Fault.TOO_LONG, "$.Sku"),
        ("Sku", "s\0", Fault.NUL_CHARACTER, "$.Sku"),
        ("ANumber", 1e400, Fault.WRONG_TYPE, "$.ANumber"),
        ("Sku", "A461-7001235", Fault.WRONG_FAMILY, "$.Sku"),
        ("ANumber", "A462", Fault.WRONG_FAMILY, "$.ANumber"),
        ("ANumber", "7001234", Fault.WRONG_FAMILY, "$.ANumber"),
    ],
)
def test_a_wrong_value_is_refused_with_its_kind_and_its_path(
    path: str, value: object, code: Fault, json_path: str
) -> None:
    assert refusal_of(with_value(DOCUMENT, path, value)) == (code, json_path)


@pytest.mark.parametrize(
    "path",
    ["Sku", "ANumber", "ChildProducts", "ProductDetails", "NonLanguageDependedProductDetails"],
)
def test_a_key_that_must_be_there_is_missed_by_its_path(path: str) -> None:
    code, json_path = refusal_of(without(DOCUMENT, path))
    assert (code, json_path) == (Fault.MISSING, f"$.{path}")


def test_a_sku_that_differs_in_case_only_is_another_family() -> None:
    assert refusal(as_bytes(DOCUMENT), a_number=SKU.lower()).code is Fault.WRONG_FAMILY


def test_a_message_says_what_was_found_and_what_to_do() -> None:
    error = refusal(as_bytes(with_value(DOCUMENT, "ChildProducts", "see attachment")))
    assert 'expected a list, got "see attachment"' in str(error)
    assert "supplier has to correct the document" in str(error)
    assert "fetches it again" in str(refusal(b""))


def test_the_same_document_written_anew_has_the_same_content_hash() -> None:
    data = as_bytes(family_document(SKU, children=3))
    anew = json.dumps(json.loads(data), sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode()
    assert anew != data
    assert decode_family(anew, a_number=SKU, supplier="A461") == decode_family(data, a_number=SKU, supplier="A461")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("ProductDetails.fr.Name", "Autre"),
        ("ChildProducts.2.Ean", "1"),
        ("ChildProducts.1.ProductDetails.nl.UnstructuredInformation.HexColor", "000000"),
        ("ChildProducts.0.ProductPriceCountryBased.EURO.GeneralBuyingPrice.0.Price", 1.25),
        ("ChildProducts.0.ImprintPositions.0.ImprintOptions.0.ImprintCosts.0.CalculationAmount", 2),
        ("DefaultProducts.EURO", "other"),
        ("VideoUrl", "https://x.test/v.mp4"),
    ],
)
def test_the_content_hash_changes_with_what_is_kept_and_only_then(path: str, value: object) -> None:
    changed = with_value(DOCUMENT, path, value)
    before, after = decode(DOCUMENT), decode(changed)
    is_kept = path != "VideoUrl"
    assert (before.content_hash != after.content_hash) == is_kept
    assert ((before.family, before.variants) != (after.family, after.variants)) == is_kept


def test_the_order_of_the_children_is_content() -> None:
    turned = {**DOCUMENT, "ChildProducts": DOCUMENT["ChildProducts"][::-1]}
    assert decode(turned).content_hash != decode(DOCUMENT).content_hash


def test_a_long_document_is_decoded() -> None:
    document = large_document(kilobytes=5_000, children=20)
    assert len(as_bytes(document)) > 4_500_000
    assert len(decode(document).variants) == 20


def places(node: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every path of a document, but its root."""
    entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in entries:
        yield (*path, key)
        yield from places(value, (*path, key))


PLACES = list(places(DOCUMENT))
VALUES = st.sampled_from(
    [None, True, 0, -1, 2**70, 1.5, "", "x", "\0", "\ud800", "x" * 3_000, [], [None], {}, {"x": None}]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), VALUES | st.just("delete")), min_size=1, max_size=3), st.randoms())
def test_a_mutated_document_decodes_or_is_refused_and_never_fails_otherwise(
    mutations: list[tuple[tuple[str | int, ...], object]], chance: random.Random
) -> None:
    document = copy.deepcopy(DOCUMENT)
    for path, value in mutations:
        mutate(document, path, value)
    data = json.dumps(document).encode()
    if chance.random() < 0.1:
        data = data[: chance.randrange(len(data))]
    try:
        found = decode_family(data, a_number=SKU, supplier="A461")
    except DocumentError as error:
        refused = error
    else:
        assert found.variants
        assert len(set(found.images)) == len(found.images)
        assert "\0" not in repr(found.family) + repr(found.variants)
        return
    assert refused.path.startswith("$")
    assert "\0" not in str(refused)


def mutate(document: JsonObject, path: tuple[str | int, ...], value: object) -> None:
    parent: Any = document
    *parents, key = path
    try:
        for step in parents:
            parent = parent[step]
        if value == "delete":
            del parent[key]
        else:
            parent[key] = copy.deepcopy(value)  # two places that share one could close a circle
    except (KeyError, IndexError, TypeError):  # an earlier mutation removed the place
        return


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused(data: bytes) -> None:
    refusal(data)
