"""Tests of imprint positions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestration_tests.catalogue.documents.decoding import decode
from orchestration_tests.catalogue.sample_documents import JsonObject, child_document, family_document, with_value

if TYPE_CHECKING:
    from orchestration.catalogue.documents.model import ImprintPosition

SKU = "A461-7001234"
OPTION = "ImprintPositions.0.ImprintOptions.0"


def positions(*children: JsonObject) -> tuple[ImprintPosition, ...]:
    return decode(family_document(SKU, children=children)).family.imprint_positions


def child(number: int = 0, *, imprint_options: int = 1) -> JsonObject:
    return child_document(f"{SKU}-{number}", imprint_options=imprint_options)


def position_with(path: str, value: object) -> ImprintPosition:
    (found,) = positions(with_value(child(), path, value))
    return found


def test_a_position_and_a_technique_make_one_record_with_all_costs() -> None:
    (found,) = positions(child())
    assert found.position_code == "CHEST"
    assert found.position_name["nl"] == "Chest (nl)"
    assert (found.sku, found.print_code, found.print_technique) == ("TR0", "T", "Transfer 0 (en)")
    assert (found.max_colors, found.max_dimensions, found.is_active) == (2, "90 x 60 mm", True)
    assert [(tier.quantity, tier.price) for tier in found.print_costs] == [(1, 5.0), (25, 4.0)]
    (cost,) = found.setup_costs
    assert (cost.sku, cost.calculation_type, cost.operator) == ("TR0-C1", "Unique", "Always")
    assert [tier.price for tier in cost.price_tiers] == [35.0]


def test_positions_that_every_child_repeats_are_there_once() -> None:
    assert len(positions(*(child(number, imprint_options=12) for number in range(4)))) == 12


def test_a_position_that_a_later_child_adds_is_not_lost() -> None:
    more = with_value(child(1), "ImprintPositions.0.PositionCode", "BACK")
    assert [position.position_code for position in positions(child(0), more)] == ["CHEST", "BACK"]


def test_the_first_childs_costs_count_where_children_differ() -> None:
    dearer = with_value(child(1), f"{OPTION}.ProductPriceCountryBased.EURO.RecommendedSellingPrice.0.Price", 9.0)
    (found,) = positions(child(0), dearer)
    assert found.print_costs[0].price == 5.0


def test_two_techniques_with_one_sku_are_two_records() -> None:
    both = with_value(child(imprint_options=2), "ImprintPositions.0.ImprintOptions.1.Sku", "TR0")
    assert [position.print_technique for position in positions(both)] == ["Transfer 0 (en)", "Transfer 1 (en)"]


def test_a_position_without_options_is_kept_without_a_technique() -> None:
    (found,) = positions(child(imprint_options=0))
    assert (found.position_code, found.sku, found.print_technique) == ("CHEST", None, None)
    assert found.max_dimensions == "90 x 60 mm"


@pytest.mark.parametrize(("text", "expected"), [("3", 3), ("", 7), (None, 7), ("full colour", 7), ("99999999999", 7)])
def test_the_editors_number_of_colours_counts_if_it_is_one(text: str | None, expected: int) -> None:
    coloured = with_value(child(), f"{OPTION}.PrintColor", 7)
    (found,) = positions(with_value(coloured, f"{OPTION}.FastEditorNumberOfColors", text))
    assert found.max_colors == expected


def test_the_print_area_is_the_options_own_if_it_has_one() -> None:
    assert (
        position_with(f"{OPTION}.UnstructuredInformation", {"MaxPrintArea": "10 x 10 mm"}).max_dimensions
        == "10 x 10 mm"
    )
    bare = with_value(child(), "ImprintPositions.0.UnstructuredInformation", None)
    assert positions(with_value(bare, f"{OPTION}.Dimension", "A4"))[0].max_dimensions == "A4"
    sized = with_value(with_value(bare, f"{OPTION}.DimensionsWidth", 80), f"{OPTION}.DimensionsHeight", 20.5)
    assert positions(sized)[0].max_dimensions == "80 x 20.5 mm"
    assert positions(bare)[0].max_dimensions is None


@pytest.mark.parametrize(
    ("flags", "expected"), [(None, True), ({}, True), ({"EURO": True, "NL": False}, True), ({"EURO": False}, False)]
)
def test_a_technique_is_inactive_when_it_is_in_every_region(flags: dict[str, bool] | None, *, expected: bool) -> None:
    assert position_with(f"{OPTION}.IsActiveRegionBased", flags).is_active == expected


def with_position(**changes: object) -> JsonObject:
    """A family of one child with one position, which has these keys."""
    document = family_document("A461-1")
    document["ChildProducts"][0]["ImprintPositions"][0] |= changes
    return document


def test_options_that_stand_at_the_root_are_found_by_their_hash() -> None:
    document = with_position(ImprintOptionsReferences={"H1": None, "H2": {}}, ImprintOptions=[])
    option = family_document("A461-1")["ChildProducts"][0]["ImprintPositions"][0]["ImprintOptions"][0]
    document["ImprintReferences"] = {"H1": option, "H2": option | {"Sku": "A461-LASER", "SupplierSku": "LASER"}}
    found = decode(document)
    assert [position.sku for position in found.family.imprint_positions] == [option["Sku"], "A461-LASER"]
    assert found.oddities == ()


def test_a_reference_without_a_target_is_an_oddity_and_the_others_count() -> None:
    document = with_position(ImprintOptionsReferences={"H1": None})
    found = decode(document | {"ImprintReferences": {}})
    assert len(found.family.imprint_positions) == 1
    assert [oddity.reason for oddity in found.oddities] == ["left out: ImprintReferences has nothing under H1"]


@pytest.mark.parametrize(
    ("changes", "size"),
    [
        ({"PositionInformation": {"MaxWidth": 80, "MaxHeigth": 50}}, "80 x 50 mm"),
        ({"PositionInformation": {"MaxWidth": 80.5, "MaxHeight": 50}}, "80.5 x 50 mm"),
        (
            {
                "PositionInformation": {"MaxWidth": 0, "MaxHeigth": 0},
                "UnstructuredInformation": {"MaxPrintArea": "9 x 9"},
            },
            "9 x 9",
        ),
        ({"ImprintLocationTexts": {"de": {"Name": "Vorne (100 x 50 mm)"}}}, "100 x 50 mm"),
        ({"ImprintLocationTexts": {"de": {"Name": "Front 10x5,5cm"}}}, "100 x 55 mm"),
        ({"ImprintLocationTexts": {"de": {"Name": "Front"}}}, None),
    ],
)
def test_the_size_of_a_position_is_found_where_the_supplier_puts_it(changes: JsonObject, size: str | None) -> None:
    document = with_position(**({"ImprintOptions": [], "UnstructuredInformation": None} | changes))
    (position,) = decode(document).family.imprint_positions
    assert position.max_dimensions == size


def test_of_two_positions_with_one_code_the_first_counts_and_the_second_is_an_oddity() -> None:
    document = family_document("A461-1")
    (position,) = document["ChildProducts"][0]["ImprintPositions"]
    document["ChildProducts"][0]["ImprintPositions"].append(position | {"ImprintOptions": []})
    found = decode(document)
    assert len(found.family.imprint_positions) == 1
    assert "twice" in found.oddities[0].reason
