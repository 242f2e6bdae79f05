"""Tests of the family record: each field comes from where real documents have it."""

from __future__ import annotations

import pytest

from orchestration.catalogue.documents.model import Dimensions, Family, WebShopText
from orchestration_tests.catalogue.documents.decoding import decode
from orchestration_tests.catalogue.sample_documents import (
    JsonObject,
    child_document,
    family_document,
    image_url,
    with_value,
)

SKU = "A461-7001234"


def family(document: JsonObject) -> Family:
    return decode(document).family


def family_with(path: str, value: object) -> Family:
    return family(with_value(family_document(SKU, children=3), path, value))


def test_names_and_descriptions_are_the_roots_without_colour_or_size() -> None:
    found = family(family_document(SKU, children=3, name="Jacket", languages=("nl", "de")))
    assert found.name == {"nl": "Jacket (nl)", "de": "Jacket (de)"}
    assert found.description["nl"] == "Two colours<br />warm and light (nl)"
    assert found.short_description == {}


def test_a_blank_text_is_left_out_of_its_language() -> None:
    assert "de" not in family_with("ProductDetails.de.Description", " ").description


def test_codes_are_taken_apart() -> None:
    found = family(family_document("A130-893635"))
    assert (found.a_number, found.supplier, found.supplier_sku) == ("A130-893635", "A130", "893635")


def test_the_supplier_name_is_what_is_to_be_shown() -> None:
    assert family(family_document(SKU)).supplier_name == "Voorbeeld BV"
    silent = with_value(family_document(SKU), "UnstructuredInformation", {})
    assert family(silent).supplier_name == "Voorbeeld BV"
    assert family(with_value(silent, "ChildProducts.0.UnstructuredInformation", {})).supplier_name is None


def test_what_the_root_leaves_null_comes_from_the_first_child() -> None:
    found = family(family_document(SKU, children=3))
    assert found.country_of_origin == "BD"
    assert found.customs_tariff_number == "62019300"
    assert found.product_filters == {"GenderType": "Male"}
    assert found.dimensions == Dimensions(length=300, width=200, height=40, diameter=0, depth=0, weight=660)


def test_a_blank_brand_is_none() -> None:
    assert family(family_document(SKU)).brand == "Example Wear"
    document = with_value(family_document(SKU), "NonLanguageDependedProductDetails.Brand", "")
    assert family(with_value(document, "ChildProducts.0.NonLanguageDependedProductDetails.Brand", "")).brand is None


def test_secondary_categories_are_those_of_root_and_first_child() -> None:
    document = with_value(family_document(SKU), "NonLanguageDependedProductDetails.SecondaryCategories", ["A", "B"])
    path = "ChildProducts.0.NonLanguageDependedProductDetails.SecondaryCategories"
    assert family(with_value(document, path, ["B", "C"])).secondary_categories == ("A", "B", "C")


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("Material", "material"),
        ("RefiningInfoText", "refining"),
        ("RefiningDimensionText", "refining_dimensions"),
        ("RefiningLocationText", "refining_location"),
    ],
)
def test_texts_for_the_shop_are_fields_of_their_own(key: str, field: str) -> None:
    entry = {"InformationLabel": "Label", "InformationValue": "Value"}
    found = family_with("ProductDetails.nl.WebShopInformation", {key: entry})
    assert getattr(found, field)["nl"] == "Value"
    assert found.web_shop_info["nl"] == {key: WebShopText(label="Label", value="Value")}


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ({"DeliveryTimeInDays": "12", "DeliveryTimeInfoText": "two weeks"}, "12"),
        ({"DeliveryTimeInfoText": "two weeks"}, "two weeks"),
    ],
)
def test_the_delivery_time_is_in_days_or_else_in_words(notes: JsonObject, expected: str) -> None:
    document = with_value(family_document(SKU), "ChildProducts.0.UnstructuredInformation", {})
    assert family(with_value(document, "UnstructuredInformation", notes)).delivery_time == expected


def test_prices_are_those_of_the_first_child_and_not_the_roots_cheapest() -> None:
    found = family(family_document(SKU, children=3, price=100.0))
    assert [(tier.quantity, tier.price, tier.buying_price) for tier in found.price_tiers] == [
        (1, 100.0, 55.0),
        (100, 95.0, 52.25),
        (500, 90.0, 49.5),
    ]
    assert (found.price_min, found.price_max) == (49.5, 100.0)
    assert {tier.currency for tier in found.price_tiers} == {"EUR"}


def test_colours_are_unique_in_order_of_appearance_and_sizes_in_size_order() -> None:
    children = [
        child_document(f"{SKU}-{number}", color=color, size=size)
        for number, (color, size) in enumerate([(1, "XL"), (0, "S"), (1, "M"), (0, "XL")])
    ]
    found = family(family_document(SKU, children=children))
    assert found.available_colors == ("Black", "Blue")
    assert found.available_sizes == ("S", "M", "XL")
    assert found.hex_colors == ("#232325", "#1B2A49")


@pytest.mark.parametrize(("rate", "tax"), [(0, "H"), (21, "H"), (9, "L")])
def test_tax_is_high_unless_a_reduced_rate_is_given(rate: float, tax: str) -> None:
    assert family_with("ChildProducts.0.ProductPriceCountryBased.EURO.VatPercentage", rate).tax == tax


def test_an_imprint_is_a_must_when_root_or_first_child_says_so() -> None:
    assert not family(family_document(SKU)).must_have_imprint
    assert family_with("ProductDetails.nl.ImportantInformation", {"ImprintRequired": True}).must_have_imprint
    assert family_with(
        "ChildProducts.0.ProductDetails.nl.ImportantInformation", {"ImprintRequired": True}
    ).must_have_imprint
    assert not family_with(
        "ChildProducts.1.ProductDetails.nl.ImportantInformation", {"ImprintRequired": True}
    ).must_have_imprint


def test_imprint_options_tell_the_most_colours_and_the_print_group() -> None:
    found = family(family_document(SKU))
    assert (found.max_colors, found.print_option_group) == (2, "T")


def test_default_products_are_skus_by_region() -> None:
    assert family(family_document(SKU, DefaultProducts={"EURO": SKU, "BENELUX": None})).default_products == {
        "EURO": SKU
    }


def test_battery_and_certificates_are_kept_as_they_are() -> None:
    found = family(family_document(SKU, BatteryInformation={"Cells": 2}, RequiredCertificates=[]))
    assert found.battery_information == {"Cells": 2}
    assert found.required_certificates is None


def test_the_main_image_is_the_first_childs_and_the_model_image_the_roots() -> None:
    document = with_value(family_document(SKU, children=3), "ProductDetails.nl.Image.Url", "https://x.test/root.jpg")
    found = family(document)
    assert found.main_image == image_url(f"{SKU} 0 0")
    assert found.model_image == "https://x.test/root.jpg"
    assert found.gallery_images == ()


def test_without_a_picture_of_a_variant_the_roots_is_the_main_image() -> None:
    document = family_document(SKU, pictures=0)
    document = with_value(document, "ProductDetails.de.Image", {"Url": "https://x.test/root.jpg"})
    assert family(document).main_image == "https://x.test/root.jpg"
    assert family(family_document(SKU, pictures=0)).main_image is None


def test_a_family_is_inactive_only_when_it_is_in_every_language() -> None:
    document = with_value(family_document(SKU, languages=("nl", "de")), "ProductDetails.nl.IsActive", value=False)
    assert family(document).is_active
    assert not family(with_value(document, "ProductDetails.de.IsActive", value=False)).is_active
