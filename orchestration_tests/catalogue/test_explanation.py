"""A family's explanation holds what is known of this family, and not of one whose number looks alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from orchestration.catalogue.explanation import explain_family
from orchestration.catalogue.queues import family_queue, image_queue
from orchestration.catalogue.tables import feed_problem
from orchestration.errors import NotFoundError
from orchestration.settings import Settings

if TYPE_CHECKING:
    from orchestration.storage.database import Database

TEXTS = ("A23/A23-10.json", "A23/A23-100.json|XY", "A23/BA23-10.json", "A23/A23x10.json", "A23/A23-10.5.json")


def lines_about(connection: sa.Connection, a_number: str) -> object:
    """The refused lines that the first step shows."""
    settings = Settings()
    steps = explain_family(connection, a_number, family_queue(settings), image_queue(settings))
    return steps[0].facts["lines with something wrong"]


def test_a_refused_line_is_told_of_the_family_that_it_names_and_of_no_other(database: Database) -> None:
    rows = [
        {"file": "Import.txt", "position": at, "line_number": at, "text": text, "reason": "no hash", "is_refused": True}
        for at, text in enumerate(TEXTS)
    ]
    with database.begin() as connection:
        connection.execute(sa.insert(feed_problem), rows)
        assert lines_about(connection, "A23-10") == ["no hash: A23/A23-10.json"]
        assert lines_about(connection, "A23-10.5") == ["no hash: A23/A23-10.5.json"]
        for unknown in ("A23_10", "A23-1", "A%", "10"):
            with pytest.raises(NotFoundError):
                explain_family(connection, unknown, family_queue(Settings()), image_queue(Settings()))
