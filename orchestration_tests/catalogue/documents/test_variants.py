"""Tests of the variant records: colours, sizes, pictures and texts of the children."""

from __future__ import annotations

import pytest

from orchestration.catalogue.documents.model import InformationFile, Variant
from orchestration_tests.catalogue.documents.decoding import decode
from orchestration_tests.catalogue.sample_documents import (
    JsonObject,
    child_document,
    family_document,
    image_url,
    with_value,
    without,
)

SKU = "A461-7001234"


def variants(*children: JsonObject) -> tuple[Variant, ...]:
    return decode(family_document(SKU, children=children, name="Jacket")).variants


def variant_with(path: str, value: object, *, color: int | None = 0) -> Variant:
    (found,) = variants(with_value(child_document(f"{SKU}-1", color=color, size="M"), path, value))
    return found


def test_a_name_is_the_familys_english_one_with_colour_and_size() -> None:
    (found,) = variants(child_document(f"{SKU}-1", color=0, size="M"))
    assert found.name == "Jacket (en) - Blue - M"


def test_without_english_the_dutch_name_is_used() -> None:
    document = family_document(SKU, name="Jacket", languages=("de", "nl"))
    assert decode(document).variants[0].name == "Jacket (nl) - Blue"


@pytest.mark.parametrize(
    ("search_color", "fields", "expected"),
    [
        ("Blue", [("Color", "Kleur", "Marine")], "Blue"),
        ("Undefined", [("Size", "Afmeting", "M"), ("Color", "Kleur", "Marine")], "Marine"),
        ("Undefined", [("49P_CONFIG_1", "Druktechniek", "Zeefdruk"), ("49P_CONFIG_2", "Kleur", "Marine")], "Marine"),
        (None, None, None),
    ],
)
def test_the_colour_is_the_search_colour_or_else_the_configured_one(
    search_color: str | None, fields: list[tuple[str, str, str]] | None, expected: str | None
) -> None:
    child = with_value(child_document(f"{SKU}-1"), "NonLanguageDependedProductDetails.SearchColor", search_color)
    keys = ("ConfigurationName", "ConfigurationNameTranslated", "ConfigurationValue")
    configured = None if fields is None else [dict(zip(keys, field, strict=True)) for field in fields]
    for language in child["ProductDetails"]:
        child = with_value(child, f"ProductDetails.{language}.ConfigurationFields", configured)
    assert variants(child)[0].color == expected


@pytest.mark.parametrize("label", ["Afmeting", "Größe", "Groesse", "Maat", "Taille"])
def test_a_size_is_known_by_its_translated_name(label: str) -> None:
    field = {"ConfigurationName": "49P_CONFIG_3", "ConfigurationNameTranslated": label, "ConfigurationValue": "XL"}
    assert variant_with("ProductDetails.nl.ConfigurationFields", [field]).size == "XL"


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1b2a49", "#1B2A49"), ("#1b2a49", "#1B2A49"), ("", None), ("none", None), ("1B2A49/FFFFFF", None)],
)
def test_the_hex_colour_is_read_from_the_languages_with_or_without_its_sign(value: str, expected: str | None) -> None:
    child = child_document(f"{SKU}-1", languages=("nl",))
    child = with_value(child, "ProductDetails.nl.UnstructuredInformation.HexColor", value)
    assert variants(child)[0].hex_color == expected


def test_one_variant_of_each_colour_is_its_primary_and_knows_the_sizes_of_its_colour() -> None:
    looks = [(0, "L"), (0, "S"), (1, "M"), (1, "3XL"), (0, "XXL")]
    found = variants(
        *(child_document(f"{SKU}-{number}", color=color, size=size) for number, (color, size) in enumerate(looks))
    )
    assert [variant.is_primary_for_color for variant in found] == [True, False, True, False, False]
    assert found[4].sizes == ("S", "L", "XXL")
    assert found[2].sizes == ("M", "3XL")


def test_children_without_a_colour_share_one_primary() -> None:
    found = variants(*(child_document(f"{SKU}-{number}", color=None) for number in range(3)))
    assert [variant.color for variant in found] == [None] * 3
    assert [variant.is_primary_for_color for variant in found] == [True, False, False]


def test_a_child_may_carry_the_roots_sku_among_others() -> None:
    assert [variant.sku for variant in variants(child_document(SKU), child_document("A461-x_01"))] == [SKU, "A461-x_01"]


def test_a_blank_ean_is_none() -> None:
    assert variant_with("Ean", "").ean is None


def test_pictures_are_unique_over_all_languages_and_without_the_primary() -> None:
    (found,) = variants(child_document(f"{SKU}-1", pictures=4))
    assert found.primary_image == image_url(f"{SKU}-1 0")
    assert found.gallery_images == tuple(image_url(f"{SKU}-1 {number}") for number in (1, 2, 3))


def test_pictures_that_one_language_alone_shows_come_last() -> None:
    child = child_document(f"{SKU}-1", pictures=2, languages=("de", "nl"))
    child = with_value(child, "ProductDetails.de.Image.Url", "https://x.test/de.jpg")
    gallery = [{"Url": image_url(f"{SKU}-1 0")}, {"Url": "https://x.test/more.jpg"}, {"Url": ""}, {"Url": None}]
    child = with_value(child, "ProductDetails.de.MediaGalleryImages", gallery)
    (found,) = variants(child)
    assert found.primary_image == image_url(f"{SKU}-1 0")
    assert found.gallery_images == (image_url(f"{SKU}-1 1"), "https://x.test/more.jpg", "https://x.test/de.jpg")


def test_files_are_taken_once_as_records_or_bare_addresses() -> None:
    files = [{"Url": "https://x.test/a.pdf", "FileName": "a.pdf", "Description": ""}, "https://x.test/b.pdf"]
    child = with_value(child_document(f"{SKU}-1"), "ProductDetails.nl.InformationFiles", files)
    child = with_value(child, "ProductDetails.de.InformationFiles", files[:1])
    assert variants(child)[0].information_files == (
        InformationFile(url="https://x.test/a.pdf", file_name="a.pdf"),
        InformationFile(url="https://x.test/b.pdf"),
    )


def test_measures_and_flags_are_the_childs_own() -> None:
    child = child_document(f"{SKU}-1")
    child["NonLanguageDependedProductDetails"] |= {
        "DimensionsDiameter": 12.5,
        "Fragile": True,
        "USBItem": True,
        "OuterCartonLengthCM": 40.5,
        "OuterCartonWeightGrossKG": 12,
        "OuterCartonQuantityPerCarton": 50,
    }
    (found,) = variants(child)
    assert (found.dimensions_length, found.dimensions_diameter, found.weight) == (300, 12.5, 660)
    assert (found.fragile, found.usb_item) == (True, True)
    assert (found.outer_carton_length_cm, found.outer_carton_weight_gross_kg, found.outer_carton_quantity) == (
        40.5,
        12,
        50,
    )
    assert found.outer_carton_width_cm is None


def test_important_information_counts_in_any_language() -> None:
    info = {"ImprintRequired": True, "TronLogoEnabled": True, "TronLogoReference": "T-1"}
    found = variant_with("ProductDetails.fr.ImportantInformation", info)
    assert (found.imprint_required, found.tron_logo_enabled, found.tron_logo_reference) == (True, True, "T-1")


def test_meta_texts_are_the_suppliers_or_made_of_name_colour_and_size() -> None:
    found = variant_with("ProductDetails.nl.MetaKeywords", "jas,winter")
    assert found.meta_description == {"en": "Jacket (en) in Blue, size M"}
    assert found.meta_keywords == {"en": "Jacket (en), Blue, M", "nl": "jas,winter"}
    assert variant_with("ProductDetails.en.MetaDescription", "Warm").meta_description == {"en": "Warm"}


def test_suppliers_own_codes_come_from_the_first_language_that_has_them() -> None:
    child = with_value(child_document(f"{SKU}-1"), "ProductDetails.fr.UnstructuredInformation.SupplierColorCode", "600")
    (found,) = variants(child)
    assert found.supplier_color_code == "600"
    assert found.supplier_search_color == "Marine"
    assert found.supplier_main_category == "TEXTILE/JACKETS"


def test_a_child_without_dutch_is_a_variant_like_any_other() -> None:
    (found,) = variants(without(child_document(f"{SKU}-1", size="M"), "ProductDetails.nl"))
    assert found.size == "M"
    assert found.primary_image is not None
