"""Tests of price staircases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from orchestration.catalogue.documents.prices import price_range, price_tiers
from orchestration.catalogue.documents.wire import PriceBlock
from orchestration_tests.catalogue.documents.decoding import decode
from orchestration_tests.catalogue.sample_documents import family_document

if TYPE_CHECKING:
    from orchestration.catalogue.documents.model import PriceTier

# The staircase of supplier A23: quantity, selling price, buying price.
A23 = [(1, 8.98, 6.47), (100, 8.75, 6.30), (250, 8.51, 6.13), (500, 8.27, 5.95), (1000, 8.11, 5.84), (1500, 7.95, 5.72)]


def tier(quantity: int, price: float, *, on_request: bool = False) -> dict[str, object]:
    return {"Quantity": quantity, "Price": price, "OnRequest": on_request, "Valuta": "EURO"}


def tiers_of(regions: dict[str, object]) -> tuple[PriceTier, ...]:
    return price_tiers(msgspec.convert(regions, dict[str, PriceBlock | None]))


def block(
    selling: list[dict[str, object]] | None = None, buying: list[dict[str, object]] | None = None
) -> dict[str, object]:
    return {"RecommendedSellingPrice": selling, "GeneralBuyingPrice": buying}


def test_selling_and_buying_prices_of_a_quantity_make_one_tier() -> None:
    selling = [tier(quantity, price) for quantity, price, _ in A23]
    buying = [tier(quantity, price) for quantity, _, price in A23]
    found = tiers_of({"BENELUX": block(selling, buying)})
    assert [(step.quantity, step.price, step.buying_price) for step in found] == A23
    assert {(step.price_type, step.region, step.currency, step.country_code) for step in found} == {
        ("selling", "BENELUX", "EUR", None)
    }
    assert price_range(found) == (5.72, 8.98)


def test_a_buying_price_without_a_selling_price_is_a_tier_of_its_own() -> None:
    first, second = tiers_of({"EURO": block([tier(1, 2.0)], [tier(1, 1.5), tier(50, 1.2)])})
    assert (first.quantity, first.price_type, first.price, first.buying_price) == (1, "selling", 2.0, 1.5)
    assert (second.quantity, second.price_type, second.price, second.buying_price) == (50, "buying", 1.2, 1.2)


def test_regions_stand_in_order_and_those_without_prices_are_left_out() -> None:
    found = tiers_of({"NL": block([tier(1, 2.0)]), "BENELUX": block([tier(1, 1.0)]), "EURO": None, "DE": block()})
    assert [(step.region, step.country_code) for step in found] == [("BENELUX", None), ("NL", "NL")]


def test_a_price_on_request_is_none_and_a_free_one_is_zero() -> None:
    found = tiers_of({"EURO": block([tier(1, 0.0, on_request=True), tier(2, 0.0), tier(3, 1.0, on_request=True)])})
    assert [step.price for step in found] == [None, 0.0, 1.0]


def test_the_range_covers_all_regions_and_ignores_zero() -> None:
    found = tiers_of({"EURO": block([tier(1, 0.0), tier(2, 3.0)]), "BENELUX": block([tier(1, 4.0)], [tier(1, 1.0)])})
    assert price_range(found) == (1.0, 4.0)
    assert price_range(()) == (None, None)
    assert price_range(tiers_of({"EURO": block([tier(1, 0.0)])})) == (None, None)


def test_the_range_has_the_digits_that_the_tables_keep() -> None:
    assert price_range(tiers_of({"EURO": block([tier(1, 0.123456)])})) == (0.1235, 0.1235)


def test_imprint_steps_without_quantity_or_price_are_left_out() -> None:
    steps: list[dict[str, object]] = [
        {"Quantity": 1, "Price": ""},
        {"Quantity": "", "Price": 1.0},
        {"Quantity": None, "Price": 1.0},
        {"Quantity": 5},
        {"Quantity": 10, "Price": None, "OnRequest": True},
        {"Quantity": 20, "Price": 2, "Valuta": None},
    ]
    found = price_tiers(msgspec.convert({"EURO": block(steps)}, dict[str, PriceBlock | None]))
    assert [(step.quantity, step.price, step.currency) for step in found] == [(10, None, "EUR"), (20, 2.0, "EUR")]


@pytest.mark.parametrize(
    ("region", "country", "is_odd"),
    [("DEU", "DE", False), ("AT", "AT", False), ("EURO", None, False), ("BENELUX", None, False), ("ASIA", None, True)],
)
def test_a_region_gives_its_country_and_one_that_nobody_knows_is_kept_and_named(
    region: str, country: str | None, *, is_odd: bool
) -> None:
    found = decode(family_document("A461-1", region=region))
    assert {(tier.region, tier.country_code) for tier in found.family.price_tiers} == {(region, country)}
    assert [region in oddity.reason for oddity in found.oddities] == [True] * is_odd
