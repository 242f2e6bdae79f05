"""The sample's mockups: on shirts that the catalogue has, each submitted once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.catalogue.feed.suppliers import know_supplier
from orchestration.catalogue.tables import product_family, product_variant
from orchestration.demo.mockups import FAILED, MENS, RENDERED, WOMENS, sample_mockups
from orchestration.mockups.tables import render_job

if TYPE_CHECKING:
    from orchestration.storage.database import Database


def test_only_those_that_were_not_submitted_before_are_submitted(database: Database) -> None:
    with database.begin() as connection:
        know_supplier(connection, "A461")
        for product in (MENS, WOMENS):
            hashes = {"supplier_hash": "h", "content_hash": "c"}
            connection.execute(sa.insert(product_family).values(a_number=product, supplier="A461", **hashes))
            colours = [
                {"a_number": product, "sku": f"{product}-{n}", "name": "n", "position": n, "hex_color": f"#00000{n}"}
                for n in range(4)
            ]
            connection.execute(sa.insert(product_variant), colours)
        every = list(sample_mockups(connection))
        submitted = [{"id": f"rjob_{n}", "product_id": one.product_id, "preset": one.preset, "metadata": one.metadata}
                     for n, one in enumerate(every[:3])]  # fmt: skip
        others = {"id": "rjob_other", "product_id": MENS, "preset": "back-large", "metadata": {}}
        connection.execute(sa.insert(render_job), [*submitted, others])
        rest = list(sample_mockups(connection))
    assert len(every) == RENDERED + FAILED
    assert [(one.variant_id, one.preset) for one in rest] == [(one.variant_id, one.preset) for one in every[3:]]
