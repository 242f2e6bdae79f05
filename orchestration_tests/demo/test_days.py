"""The outcome of each day is consistent in itself and stays below the mass-change guard where it should."""

from __future__ import annotations

from itertools import combinations

import pytest

from orchestration.demo.days import DAYS, DRIFTS, EDITS, FAULTS, SILENT_EDITS, SUPPLIERS, offers, outcome
from orchestration.demo.documents import family_sku
from orchestration.errors import ConfigurationError

EVERY_FAMILY = {family_sku(line, supplier) for supplier in SUPPLIERS for line in supplier.lines}


@pytest.mark.parametrize("day", DAYS)
def test_a_family_has_one_outcome(day: int) -> None:
    found = outcome(day)
    outcomes = ("added", "changed", "removed", "unchanged", "quarantined", "refused", "held_back")
    groups = [getattr(found, name) for name in outcomes]

    assert not any(a & b for a, b in combinations(groups, 2))
    assert found.lied <= found.unchanged
    assert found.drifting <= found.changed


@pytest.mark.parametrize("day", DAYS)
def test_every_offered_family_is_accounted_for(day: int) -> None:
    found = outcome(day)
    assert {offer.sku for offer in offers(day)} == (found.stored - found.held_back) | found.quarantined | found.refused


def test_events_name_families_that_exist_and_are_sound() -> None:
    eventful = EDITS.keys() | SILENT_EDITS.keys() | DRIFTS.keys()

    assert eventful | FAULTS.keys() <= EVERY_FAMILY
    assert not eventful & FAULTS.keys()


def test_ordinary_removals_stay_below_the_guard() -> None:
    stored, removed = outcome(1).stored, outcome(2).removed
    for supplier in SUPPLIERS:
        had = {sku for sku in stored if sku.startswith(f"{supplier.code}-")}
        assert 0 < len(had & removed) <= min(5, 0.2 * len(had))


def test_the_feed_is_as_large_as_promised() -> None:
    counts = {supplier.code: sum(offer.supplier is supplier for offer in offers(1)) for supplier in SUPPLIERS}
    assert counts == {"A23": 20, "A360": 18, "A461": 14}


def test_keys_are_unique() -> None:
    assert len(EVERY_FAMILY) == sum(len(supplier.lines) for supplier in SUPPLIERS)


@pytest.mark.parametrize("day", [0, 4, -1])
def test_other_days_are_refused(day: int) -> None:
    with pytest.raises(ConfigurationError, match=f"not {day}"):
        offers(day)
