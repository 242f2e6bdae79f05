"""Submitting, draining and looking, for the tests of render jobs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from orchestration.mockups.drains import render_mockups
from orchestration.mockups.jobs.model import JobOptions
from orchestration.mockups.jobs.submission import Submission, submit
from orchestration.work_queue.options import DrainOptions
from orchestration_tests.mockups.drawing import MADE

if TYPE_CHECKING:
    from collections.abc import Collection

    from orchestration.mockups.jobs.model import RenderJob
    from orchestration.mockups.mockups import Mockups
    from orchestration.mockups.tasks.outcomes import RenderedJob
    from orchestration.storage.database import Database

PRODUCT, VARIANT = "A1-1000", "A1-1000-navy"
ALL_FILES = 10
"""The composite and its print file, six stills, a turntable and its poster."""


def add_products(database: Database, *skus: str) -> None:
    """A shirt in the catalogue, with a navy variant and those of `skus`."""
    with database.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO supplier (code, name) VALUES ('A1', 'Cotton Mill') ON CONFLICT DO NOTHING; "
                "INSERT INTO product_family (a_number, supplier, supplier_hash, content_hash)"
                " VALUES ('A1-1000', 'A1', 'x', 'x') ON CONFLICT DO NOTHING"
            )
        )
        for sku in (VARIANT, *skus):
            connection.execute(
                sa.text(
                    "INSERT INTO product_variant (a_number, sku, name, color, hex_color)"
                    " VALUES ('A1-1000', :sku, :sku, 'navy', '#101840') ON CONFLICT DO NOTHING"
                ),
                {"sku": sku},
            )


def order(mockups: Mockups, text: str, *, variant_id: str | None = VARIANT, **options: Any) -> RenderJob:  # noqa: ANN401 - fields of JobOptions
    """Submit a mockup of a text."""
    wish = Submission(PRODUCT, "chest-medium", variant_id=variant_id, options=JobOptions(text=text, **options))
    return asyncio.run(submit(mockups, wish))


def drain(mockups: Mockups, skus: Collection[str] | None = None) -> list[RenderedJob]:
    """Render what is due, or these SKUs again; what was reported."""
    reported: list[RenderedJob] = []
    asyncio.run(render_mockups(mockups, reported.extend, DrainOptions(idle_seconds=None), skus))
    return reported


def look(mockups: Mockups, job_id: str) -> RenderJob:
    """The job as it is now."""
    with mockups.render_jobs() as jobs:
        return jobs.retrieve(job_id)


def made(mockups: Mockups) -> list[str]:
    """Every step that a render process has made, in order."""
    file = mockups.settings.home.absolute() / "mockups" / "passes" / MADE
    return file.read_text().splitlines() if file.exists() else []


def count(database: Database, query: str) -> int:
    """The number that a query gives."""
    with database.connect() as connection:
        return int(connection.execute(sa.text(query)).scalar_one())
