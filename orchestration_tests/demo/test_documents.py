"""The documents have the keys, the habits and the oddities of real ones."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from orchestration.demo.days import DRIFTS, Drift
from orchestration.demo.german import GERMAN_FAMILIES
from orchestration.demo.oddities import ODDITIES
from orchestration_tests.demo.conftest import WrittenDay

if TYPE_CHECKING:
    from collections.abc import Iterator

Days = dict[int, WrittenDay]
Json = dict[str, Any]

SHARED_KEYS = {
    "ProductDetails", "ProductCosts", "ProductPriceRegionBased", "ProductPriceCountryBased", "SamplePriceCountryBased",
    "NonLanguageDependedProductDetails", "BatteryInformation", "ImprintPositions", "Ean", "VideoUrl", "Sku",
    "SupplierSku", "ANumber", "UnstructuredInformation", "ForbiddenRegions", "RequiredCertificates",
    "ProductCertificates", "Errors", "Warnings",
}  # fmt: skip
ROOT_KEYS = SHARED_KEYS | {"ChildHasErrors", "ChildProducts", "DefaultProducts", "ImprintReferences"}
LANGUAGE_KEYS = {
    "Name", "Description", "ShortDescription", "MetaName", "MetaDescription", "MetaKeywords", "Image",
    "MediaGalleryImages", "InformationFiles", "IsActive", "ConfigurationFields", "UnstructuredInformation",
    "WebShopInformation", "PIMV1Information", "ImportantInformation",
}  # fmt: skip
FACT_KEYS = {
    "LogoToolImageDefined", "SearchColor", "HexColor", "Fragile", "Category", "SecondaryCategories", "CountryOfOrigin",
    "ProductFiltersByGroup", "Weight", "DimensionsLength", "DimensionsHeight", "DimensionsDiameter", "DimensionsWidth",
    "DimensionsDepth", "Brand", "USBItem", "CustomsTariffNumber",
}  # fmt: skip
CARTON_KEYS = {f"OuterCarton{name}CM" for name in ("Length", "Width", "Height")} | {
    "OuterCartonWeightNetKG",
    "OuterCartonWeightGrossKG",
    "OuterCartonQuantityPerCarton",
}
LANGUAGES = {"A23": ["de", "fr", "en", "nl"], "A360": ["nl", "de"], "A461": ["nl", "de", "fr"]}


@pytest.fixture
def families(days: Days) -> dict[str, Json]:
    return {sku: days[1].decoded(sku) for sku in days[1].feed.families}


@pytest.fixture
def usual(families: dict[str, Json]) -> dict[str, Json]:
    """The documents that are neither odd nor in the form of another market, by key."""
    return {sku: family for sku, family in families.items() if sku not in ODDITIES.keys() | GERMAN_FAMILIES}


def children(families: dict[str, Json], supplier: str = "") -> Iterator[Json]:
    for sku, family in families.items():
        if sku.startswith(supplier):
            yield from family["ChildProducts"]


def test_a_family_has_the_keys_of_real_ones_at_every_level(families: dict[str, Json]) -> None:
    for family in families.values():
        assert family.keys() == ROOT_KEYS
        assert family["NonLanguageDependedProductDetails"].keys() == FACT_KEYS
        for child in family["ChildProducts"]:
            assert child.keys() == SHARED_KEYS
            facts = child["NonLanguageDependedProductDetails"].keys()
            assert facts in (FACT_KEYS, FACT_KEYS | CARTON_KEYS | {"WebShopInformation"})
        for details in (family["ProductDetails"], *(child["ProductDetails"] for child in family["ChildProducts"])):
            assert all(language.keys() == LANGUAGE_KEYS for language in details.values())


def test_the_first_level_holds_no_facts_and_only_the_cheapest_price(families: dict[str, Json]) -> None:
    for family in families.values():
        (prices,) = family["ProductPriceCountryBased"].values()
        (child_prices,) = family["ChildProducts"][0]["ProductPriceCountryBased"].values()
        paid = [tier["Price"] for tier in child_prices["RecommendedSellingPrice"] if tier["Price"]]

        assert family["NonLanguageDependedProductDetails"]["SearchColor"] == "Undefined"
        assert family["Ean"] is family["ImprintPositions"] is None
        assert [tier["Price"] for tier in prices["RecommendedSellingPrice"]] == [min(paid)]


def test_a_staircase_falls_with_the_quantity(usual: dict[str, Json]) -> None:
    for child in children(usual):
        for prices in child["ProductPriceCountryBased"].values():
            for staircase in (prices["RecommendedSellingPrice"], prices["GeneralBuyingPrice"]):
                paid = [tier for tier in staircase if not tier["OnRequest"]]
                assert all(a["Quantity"] < b["Quantity"] and a["Price"] >= b["Price"] for a, b in pairwise(paid))
                assert {tier["Valuta"] for tier in staircase} <= {"EURO"}


def test_a_price_on_request_is_zero(families: dict[str, Json]) -> None:
    prices = families['A23-PEN "CLASSIC"']["ChildProducts"][0]["ProductPriceCountryBased"]["BENELUX"]
    last = prices["RecommendedSellingPrice"][-1]
    assert (last["Price"], last["Quantity"], last["OnRequest"]) == (0.0, 15_000, True)


def test_the_supplier_number_is_the_same_on_every_level(families: dict[str, Json]) -> None:
    for sku, family in families.items():
        supplier = sku.partition("-")[0]
        assert {family["ANumber"], *(child["ANumber"] for child in family["ChildProducts"])} == {supplier}
        assert sku == family["Sku"] == f"{supplier}-{family['SupplierSku']}"


def test_languages_differ_by_supplier(families: dict[str, Json]) -> None:
    for sku, family in families.items():
        for details in (family["ProductDetails"], *(child["ProductDetails"] for child in family["ChildProducts"])):
            assert list(details) == LANGUAGES[sku.partition("-")[0]]
            assert all(language["Name"] and language["Description"] for language in details.values())


def test_the_gallery_repeats_under_each_language(families: dict[str, Json]) -> None:
    galleries = 0
    for child in children(families):
        first, *others = (details["MediaGalleryImages"] for details in child["ProductDetails"].values())
        assert all(other == first for other in others)
        galleries += bool(first)
    assert galleries > 100


def test_the_sock_supplier_has_one_child_with_the_sku_of_its_family(families: dict[str, Json]) -> None:
    for sku, family in families.items():
        if sku.startswith("A360-"):
            (child,) = family["ChildProducts"]
            assert child["Sku"] == sku


def test_the_textile_supplier_has_seven_to_thirty_five_children_in_each_family(families: dict[str, Json]) -> None:
    counts = [len(family["ChildProducts"]) for sku, family in families.items() if sku.startswith("A461-")]

    assert (min(counts), max(counts)) == (7, 35)
    assert len({child["Sku"] for child in children(families, "A461")}) == sum(counts) > 200


def test_textiles_name_the_size_before_the_colour_and_give_hex_without_a_hash_sign(families: dict[str, Json]) -> None:
    for child in children(families, "A461-212"):
        dutch = child["ProductDetails"]["nl"]
        assert [field["ConfigurationName"] for field in dutch["ConfigurationFields"]] == ["Size", "Color"]
        assert len(bytes.fromhex(dutch["UnstructuredInformation"]["HexColor"])) == 3
        assert child["NonLanguageDependedProductDetails"]["HexColor"] is None


def test_children_are_named_after_their_family_in_three_ways(families: dict[str, Json]) -> None:
    assert families["A461-2111041"]["ChildProducts"][0]["Sku"] == "A461-2111041-600-4"
    assert families["A23-101503_KRAFT"]["ChildProducts"][0]["Sku"] == "A23-101503_KRAFT_010"
    assert families["A461-K3022"]["ChildProducts"][0]["Sku"] == "A461-K3022ICC_80400_80184"


def test_configuration_names_may_be_codes(families: dict[str, Json]) -> None:
    fields = families["A23-PEN-L'AMI"]["ChildProducts"][0]["ProductDetails"]["nl"]["ConfigurationFields"]

    assert [field["ConfigurationName"] for field in fields] == ["49P_CONFIG_1", "49P_CONFIG_2"]
    assert [field["ConfigurationValue"] for field in fields] == ["Tampondruk", "Oranje"]


def test_a_colour_may_stand_in_the_configuration_only(families: dict[str, Json]) -> None:
    child = families["A23-101503_KRAFT"]["ChildProducts"][0]

    assert child["NonLanguageDependedProductDetails"]["SearchColor"] == "Undefined"
    assert child["ProductDetails"]["nl"]["ConfigurationFields"][0]["ConfigurationValue"] == "Naturel"


def test_every_child_carries_the_imprint_block_of_its_family(usual: dict[str, Json]) -> None:
    for family in usual.values():
        first, *others = (child["ImprintPositions"] for child in family["ChildProducts"])
        assert all(other == first for other in others)
        assert all(position["ImprintOptions"] for position in first)


def test_article_numbers_end_in_their_check_digit(usual: dict[str, Json]) -> None:
    for child in children(usual):
        digits = [int(digit) for digit in child["Ean"]]
        assert len(digits) in (0, 13)
        assert sum(digits[0::2], 3 * sum(digits[1::2])) % 10 == 0


def test_a_family_is_as_large_as_real_ones(days: Days) -> None:
    sizes = sorted(len(days[1].document(sku)) for sku in days[1].feed.families)

    assert sizes[0] > 6_000
    assert 20_000 < sizes[len(sizes) // 2] < 200_000
    assert sizes[-1] < 300_000


def test_drifting_documents_gain_and_lose_fields_on_the_second_day(days: Days) -> None:
    by_kind = {kind: sku for sku, kind in DRIFTS.items()}
    gained = days[2].decoded(by_kind[Drift.NEW_FIELD])["ChildProducts"][0]["NonLanguageDependedProductDetails"]
    lost = days[2].decoded(by_kind[Drift.LOST_FIELD])

    assert gained.keys() - FACT_KEYS == {"Sustainability"}
    assert ROOT_KEYS - lost.keys() == {"VideoUrl"}
    assert SHARED_KEYS - lost["ChildProducts"][0].keys() == {"VideoUrl"}
    assert lost["Warnings"] == []


def test_the_second_day_has_every_sort_of_change(days: Days) -> None:
    def price(day: int, sku: str) -> float:
        (region,) = days[day].decoded(sku)["ChildProducts"][0]["ProductPriceCountryBased"].values()
        return float(region["RecommendedSellingPrice"][0]["Price"])

    def name(day: int) -> str:
        return str(days[day].decoded("A23-101502")["ProductDetails"]["nl"]["Name"])

    def variants(day: int, sku: str) -> set[str]:
        return set(days[day].feed.families[sku].variants)

    assert price(2, "A23-100804") > price(1, "A23-100804")
    assert price(2, "A23-Bottle 500ml+") < price(1, "A23-Bottle 500ml+")
    assert (name(1), name(2)) == ("Notitebok A5 Linea", "Notitieboek A5 Linea")
    assert variants(2, 'A23-PEN "CLASSIC"') > variants(1, 'A23-PEN "CLASSIC"')
    assert variants(2, "A23-101611") < variants(1, "A23-101611")
    assert len(variants(1, "A461-2120010") - variants(2, "A461-2120010")) == 5
