"""What is optional falls out of a document by itself; what is only spelled oddly is read as what it is."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.catalogue.documents.decode import Decoded, decode_family
from orchestration_tests.catalogue.sample_documents import JsonObject, as_bytes, family_document, with_value

SKU = "A461-7001234"
DOCUMENT = family_document(SKU, children=3)
SOUND = decode_family(as_bytes(DOCUMENT), a_number=SKU, supplier="A461")
PRICES = "ChildProducts.0.ProductPriceCountryBased.EURO.RecommendedSellingPrice"
PROPERTIES = "ChildProducts.0.NonLanguageDependedProductDetails"


def decode(document: JsonObject) -> Decoded:
    """As the importer does; written with escapes, so that any text can be in it."""
    return decode_family(json.dumps(document).encode(), a_number=SKU, supplier="A461")


def oddities(found: Decoded) -> list[tuple[str, bool]]:
    """The paths of what is odd, and whether a variant or a picture is missing for it."""
    return [(oddity.path, oddity.is_loss) for oddity in found.oddities]


@pytest.mark.parametrize("price", [None, "", 0])
def test_a_step_on_request_needs_no_price(price: object) -> None:
    step = {"Price": price, "Quantity": 5_000, "OnRequest": True, "Valuta": "EURO"}
    found = decode(with_value(DOCUMENT, f"{PRICES}.1", step))
    assert [tier.price for tier in found.family.price_tiers if tier.quantity == 5_000] == [None]
    assert found.oddities == ()


@pytest.mark.parametrize(
    ("flag", "is_on_request"), [(0, False), (1, True), ("false", False), ("True", True), ("", False)]
)
def test_a_number_or_a_word_is_a_boolean(flag: object, is_on_request: bool) -> None:
    step = {"Price": 0, "Quantity": 5_000, "OnRequest": flag, "Valuta": "EURO"}
    found = decode(with_value(DOCUMENT, f"{PRICES}.1", step))
    (tier,) = [tier for tier in found.family.price_tiers if tier.quantity == 5_000]
    assert (tier.price is None) == is_on_request
    assert found.oddities == ()


@pytest.mark.parametrize("none", [None, "", [], {}])
@pytest.mark.parametrize(
    "path",
    [
        "DefaultProducts", "ProductPriceCountryBased", "UnstructuredInformation", f"{PROPERTIES}.ProductFiltersByGroup",
        "ChildProducts.1.ProductDetails.en", "ChildProducts.1.ProductDetails.en.Image", f"{PROPERTIES}.Weight",
        "ChildProducts.1.ImprintPositions", "ImprintReferences", "ChildProducts.1.ProductDetails.en.IsActive",
    ],
)  # fmt: skip
def test_each_spelling_of_none_is_none(path: str, none: object) -> None:
    found = decode(with_value(DOCUMENT, path, none))
    assert len(found.variants) == 3
    assert found.oddities == ()


@pytest.mark.parametrize(
    ("path", "value", "read"),
    [
        ("ChildProducts.0.Ean", 8714612178119, lambda found: found.variants[0].ean == "8714612178119"),
        (f"{PROPERTIES}.Weight", "175", lambda found: found.variants[0].weight == 175),
        (f"{PROPERTIES}.DimensionsWidth", "15,8", lambda found: found.variants[0].dimensions_width == 15.8),
        (f"{PROPERTIES}.CustomsTariffNumber", 62019300, lambda found: found.family.customs_tariff_number == "62019300"),
        (f"{PRICES}.0.Valuta", "Euro", lambda found: found.family.price_tiers[0].currency == "EUR"),
        (f"{PRICES}.0.Valuta", "BGN", lambda found: found.family.price_tiers[0].currency == "BGN"),
        (f"{PRICES}.0.Valuta", None, lambda found: found.family.price_tiers[0].currency == "EUR"),
        ("ChildProducts", {"1": DOCUMENT["ChildProducts"][1], "0": DOCUMENT["ChildProducts"][0]},
         lambda found: found.variants == tuple(SOUND.variants[:2]) or len(found.variants) == 2),
    ],
)  # fmt: skip
def test_an_odd_spelling_is_read_without_a_word(path: str, value: object, read: Any) -> None:  # noqa: ANN401
    found = decode(with_value(DOCUMENT, path, value))
    assert read(found)
    assert found.oddities == ()


@pytest.mark.parametrize(
    ("path", "value", "json_path"),
    [
        ("ProductDetails.nl.Name", True, "$.ProductDetails.nl.Name"),
        ("ProductDetails.nl.Name", "a\0b", "$.ProductDetails.nl.Name"),
        ("ProductDetails.nl.Description", "a\ud83db", "$.ProductDetails.nl.Description"),
        ("ProductDetails.nl.Description", "d" * 200_001, "$.ProductDetails.nl.Description"),
        ("BatteryInformation", {"a": ["b\0"]}, "$.BatteryInformation"),
        (f"{PROPERTIES}.CustomsTariffNumber", "t" * 39,
         "$.ChildProducts[0].NonLanguageDependedProductDetails.CustomsTariffNumber"),
        (f"{PROPERTIES}.Weight", "heavy", "$.ChildProducts[0].NonLanguageDependedProductDetails.Weight"),
        (f"{PROPERTIES}.Weight", 1e400, "$.ChildProducts[0].NonLanguageDependedProductDetails.Weight"),
        (f"{PRICES}.1.Price", -1.0,
         "$.ChildProducts[0].ProductPriceCountryBased.EURO.RecommendedSellingPrice[1].Price"),
        (f"{PRICES}.1.Quantity", 2**31,
         "$.ChildProducts[0].ProductPriceCountryBased.EURO.RecommendedSellingPrice[1].Quantity"),
        ("ChildProducts.1.ImprintPositions.0.ImprintOptions.0.ImprintTexts.en.Name", True,
         "$.ChildProducts[1].ImprintPositions[0].ImprintOptions[0].ImprintTexts.en.Name"),
    ],
)  # fmt: skip
def test_an_optional_field_falls_out_alone_with_its_path_and_the_reason(
    path: str, value: object, json_path: str
) -> None:
    found = decode(with_value(DOCUMENT, path, value))
    assert oddities(found) == [(json_path, False)]
    assert found.oddities[0].reason.startswith("left out: ")
    assert [variant.sku for variant in found.variants] == [variant.sku for variant in SOUND.variants]


def test_an_address_that_is_too_long_is_a_pictures_fault() -> None:
    for url in ("https://x.test/" + "p" * 2_000, "https://x.test/" + "\u56fe" * 700):
        found = decode(with_value(DOCUMENT, "ChildProducts.2.ProductDetails.nl.Image.Url", url))
        assert oddities(found) == [("$.ChildProducts[2].ProductDetails.nl.Image.Url", True)]
        assert url not in found.images


@pytest.mark.parametrize(
    ("path", "value", "json_path"),
    [
        ("ChildProducts.1", "none", "$.ChildProducts[1]"),
        ("ChildProducts.1.Sku", "", "$.ChildProducts[1].Sku"),
        ("ChildProducts.1.Sku", " ", "$.ChildProducts"),
        ("ChildProducts.1.Sku", "s" * 201, "$.ChildProducts[1].Sku"),
        ("ChildProducts.1.Sku", f"{SKU}-600-3", "$.ChildProducts[1].Sku"),
        ("ChildProducts.1.Sku", f"{DOCUMENT['ChildProducts'][0]['Sku']} ", "$.ChildProducts[1].Sku"),
        ("ChildProducts.1.ProductDetails", "none", "$.ChildProducts[1].ProductDetails"),
    ],
)
def test_a_bad_child_leaves_its_siblings_alone(path: str, value: object, json_path: str) -> None:
    document = with_value(DOCUMENT, path, value)
    if path.endswith(".Sku") and value == f"{SKU}-600-3":
        document = with_value(document, path, DOCUMENT["ChildProducts"][0]["Sku"])
    found = decode(document)
    assert {variant.sku for variant in found.variants} == {
        DOCUMENT["ChildProducts"][number]["Sku"] for number in (0, 2)
    }
    assert (json_path, True) in oddities(found)


def test_a_sku_with_a_space_behind_is_the_same_sku_and_said() -> None:
    document = with_value(DOCUMENT, "ChildProducts.0.Sku", f"{DOCUMENT['ChildProducts'][0]['Sku']} ") | {
        "Sku": f"{SKU}\u200b"
    }
    found = decode_family(as_bytes(document), a_number=SKU, supplier="A461")
    assert found.family == SOUND.family
    assert found.variants == SOUND.variants
    assert oddities(found) == [("$.Sku", False), ("$.ChildProducts[0].Sku", False)]


def test_a_colour_with_a_zero_width_space_is_the_same_colour_and_said() -> None:
    found = decode(with_value(DOCUMENT, "ChildProducts.1.NonLanguageDependedProductDetails.SearchColor", "Blue\u200b"))
    assert found.family.available_colors == SOUND.family.available_colors
    assert oddities(found) == [("$.ChildProducts[1].NonLanguageDependedProductDetails.SearchColor", False)]


def test_utf_16_with_its_mark_is_read() -> None:
    data = as_bytes(DOCUMENT).decode().encode("utf-16")
    assert decode_family(data, a_number=SKU, supplier="A461") == SOUND


def test_names_are_plain_text_and_descriptions_stay_as_they_are_sent() -> None:
    document = with_value(DOCUMENT, "ProductDetails.en.Name", "Salt &amp; pepper&nbsp;mill")
    document = with_value(document, "ProductDetails.en.Description", "Salt &amp; pepper<br />")
    found = decode(document)
    assert found.family.name["en"] == "Salt & pepper mill"
    assert found.family.description["en"] == "Salt &amp; pepper<br />"
    assert found.variants[0].name.startswith("Salt & pepper mill - ")


MUST_HAVE = {"Sku", "ANumber", "ProductDetails", "NonLanguageDependedProductDetails", "ChildProducts"}
ODD = st.sampled_from(
    [None, True, 0, -1, 2**70, 1e400, 1.5, "", "x", "a\0b", "\ud800", "x" * 3_000, [], [None], {}, {"x": None}, "0"]
)


def optional_places(node: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:  # noqa: ANN401
    """The paths of a child's fields that it can do without."""
    entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [
        place
        for key, value in entries
        for place in ([] if key in MUST_HAVE and not path else [(*path, key)]) + optional_places(value, (*path, key))
    ]


PLACES = optional_places(DOCUMENT["ChildProducts"][1])


@settings(max_examples=200)
@given(st.lists(st.tuples(st.sampled_from(PLACES), ODD), min_size=1, max_size=4))
def test_oddities_in_optional_fields_of_a_child_never_cost_it_or_a_sibling(
    oddities: list[tuple[tuple[str | int, ...], object]],
) -> None:
    document = copy.deepcopy(DOCUMENT)
    for (*parents, key), value in oddities:
        node: Any = document["ChildProducts"][1]
        try:
            for step in parents:
                node = node[step]
            node[key]
            node[key] = value
        except (KeyError, IndexError, TypeError):  # an earlier one has replaced what is around it
            continue
    found = decode(document)
    assert [variant.sku for variant in found.variants] == [variant.sku for variant in SOUND.variants]
    for number in (0, 2):
        before, after = SOUND.variants[number], found.variants[number]
        assert (before.ean, before.color, before.primary_image) == (after.ean, after.color, after.primary_image)


def test_a_picture_without_a_scheme_has_the_documents_own() -> None:
    document = with_value(DOCUMENT, "ChildProducts.0.ProductDetails.nl.Image.Url", "//images.test/ok.png")
    for url, scheme in (("http://feed.test/A461/a.json", "http"), ("file:///feed/a.json", "https")):
        found = decode_family(as_bytes(document), a_number=SKU, supplier="A461", url=url)
        assert found.variants[0].primary_image == f"{scheme}://images.test/ok.png"
