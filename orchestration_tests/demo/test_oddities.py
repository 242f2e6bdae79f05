"""The sample feed is odd as real ones are, and the catalogue reads the same from it as from a plain one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestration.catalogue.documents.decode import Decoded, decode_family
from orchestration.catalogue.feed.categories import parse_categories
from orchestration.demo.categories import CATEGORIES
from orchestration.demo.days import FAULTS
from orchestration.demo.feed import write_feed
from orchestration.demo.german import GERMAN_FAMILIES
from orchestration.demo.oddities import LOST_CHILDREN, ODDITIES

if TYPE_CHECKING:
    from pathlib import Path

    from orchestration_tests.demo.conftest import WrittenDay

SAID = {
    "A360-CMSOCK_CS02": ["CustomsTariffNumber", "Weight"],
    "A461-2140100": ["SearchColor"],
    "A461-2140110": ["Sku"],
}


def decoded(day: WrittenDay, sku: str) -> Decoded:
    return decode_family(day.document(sku), a_number=sku, supplier=sku.partition("-")[0])


@pytest.mark.parametrize("sku", sorted(ODDITIES))
def test_an_odd_document_is_read_and_what_is_left_out_is_said(days: dict[int, WrittenDay], sku: str) -> None:
    found = decoded(days[2], sku)
    assert sorted(oddity.path.rpartition(".")[2] for oddity in found.oddities) == SAID.get(sku, [])
    assert any(oddity.is_loss for oddity in found.oddities) == (sku in LOST_CHILDREN)
    assert [variant.sku for variant in found.variants] == list(days[2].feed.families[sku].variants)


@pytest.mark.parametrize("sku", sorted(GERMAN_FAMILIES))
def test_two_families_come_in_the_german_form(days: dict[int, WrittenDay], sku: str) -> None:
    family = decoded(days[1], sku).family
    assert {tier.country_code for tier in family.price_tiers} == {"DE"}
    assert {position.max_dimensions for position in family.imprint_positions} == {"90 x 60 mm"}
    assert all(position.print_technique for position in family.imprint_positions)


def test_the_whole_feed_can_be_written_in_the_german_form(days: dict[int, WrittenDay], tmp_path: Path) -> None:
    feed = write_feed(tmp_path, day=1, base_url=days[1].base_url, picture_size=32, is_german=True)
    tree = parse_categories((tmp_path / "CAT.csv").read_bytes())
    assert {category.code: category.parent_code for category in tree.categories} == feed.categories
    assert tree.problems == ()
    for sku, family in feed.families.items():
        document = (tmp_path / family.supplier / f"{sku}.json").read_bytes()
        found = decode_family(document, a_number=sku, supplier=family.supplier)
        plain = decoded(days[1], sku)
        assert {tier.region for tier in found.family.price_tiers} == {"DEU"}
        assert [position.sku for position in found.family.imprint_positions] == [
            position.sku for position in plain.family.imprint_positions
        ]
        assert len(found.variants) == len(plain.variants)
    assert len(CATEGORIES) == len(tree.categories)
    assert not set(FAULTS) & set(feed.families)
