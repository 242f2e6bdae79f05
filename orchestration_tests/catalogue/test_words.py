"""Families by words: the same are found where the words are frequent, rare, or only far from the list's beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from orchestration.catalogue import listing
from orchestration.catalogue.listing import FamilyFilter, list_families

if TYPE_CHECKING:
    from orchestration.storage.database import Database


EXPECTED = {
    "pe": range(1, 58, 2),
    "steel": (58, 59),
    "A7-1": range(60),
    "A7-10": range(10),
    "pen 3": (3, *range(31, 40, 2)),
    "none": (),
}


@pytest.mark.parametrize("near", [4, 1_000])
@pytest.mark.parametrize("words", EXPECTED)
def test_pages_by_words_hold_each_family_once(
    database: Database, monkeypatch: pytest.MonkeyPatch, words: str, near: int
) -> None:
    monkeypatch.setattr(listing, "NEAR_FAMILIES", near)
    found: list[str] = []
    with database.begin() as connection:
        connection.execute(sa.text("INSERT INTO supplier (code, name) VALUES ('A7', 'Seven')"))
        connection.execute(
            sa.text("""
            INSERT INTO product_family (a_number, supplier, supplier_hash, content_hash, name)
            SELECT 'A7-' || 100 + n, 'A7', 'x', 'x', jsonb_build_object('en',
                CASE WHEN n > 57 THEN 'Steel cup' WHEN n % 2 = 0 THEN 'Cup' ELSE 'Pen ' || n END)
            FROM generate_series(0, 59) AS n""")
        )
        while page := list_families(connection, FamilyFilter(words=words), after=found[-1] if found else None, limit=3):
            found += [family["a_number"] for family in page]
    assert found == [f"A7-{100 + n}" for n in EXPECTED[words]]
