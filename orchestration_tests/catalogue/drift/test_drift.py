"""Tests of watching a supplier's documents: what is known costs no inspection, and each drift is recorded once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from orchestration.catalogue.drift.drift import (
    DriftWatch,
    Observation,
    accept_drift,
    list_drift,
    record_observations,
)
from orchestration_tests.catalogue.sample_documents import as_bytes, family_document, with_value, without

if TYPE_CHECKING:
    from orchestration.storage.database import Database

FAMILY = as_bytes(family_document("A461-7001234", children=8))
NOVEL = as_bytes(with_value(json.loads(FAMILY), "Novelty", 1))


class Watched:
    """A supplier that has been synced before, and the watch of one import."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.start_over()

    def start_over(self) -> None:
        """Begin another import."""
        self.watch = DriftWatch()
        with self.database.connect() as connection:
            self.watch.prepare(connection, {"A461"})

    def see(self, *documents: bytes, is_refused: bool = False) -> list[Observation]:
        """Observe documents in one batch, and record it."""
        observed = [self.watch.observe("A461", "A461-1", body, is_refused=is_refused) for body in documents]
        observations = [one for one in observed if one is not None]
        with self.database.begin() as connection:
            record_observations(connection, observations)
        return observations

    def drift(self) -> set[tuple[str, str]]:
        """The recorded drift: path and kind."""
        with self.database.connect() as connection:
            return {(entry.path, entry.kind) for entry in list_drift(connection)}


@pytest.fixture
def watched(database: Database) -> Watched:
    """A supplier whose documents are known."""
    with database.begin() as connection:
        connection.execute(sa.text("INSERT INTO supplier (code, name) VALUES ('A461', 'Texet')"))
        connection.execute(
            sa.text("INSERT INTO sync (supplier, status, planned, finished_at) VALUES ('A461', 'completed', 1, now())")
        )
    watched = Watched(database)
    watched.see(*(as_bytes(family_document(f"A461-{number}", children=1 + number)) for number in range(9)))
    accept(watched)
    return watched


def accept(watched: Watched) -> None:
    """Forget what was recorded so far."""
    with watched.database.begin() as connection:
        accept_drift(connection)


def test_documents_of_a_known_supplier_are_not_inspected(watched: Watched) -> None:
    assert [one.shape for one in watched.see(*[FAMILY] * 5)] == [None] * 5
    watched.start_over()
    assert [one.shape for one in watched.see(FAMILY)] == [None]
    assert watched.drift() == set()


def test_drift_of_every_kind_is_recorded(watched: Watched) -> None:
    family = json.loads(FAMILY)
    watched.see(
        as_bytes(with_value(family, "ChildProducts.7.ProductDetails.fr.Novelty", {"a": 1})),
        as_bytes(with_value(family, "ChildProducts.0.Ean", 7)),
        as_bytes(without(family, "VideoUrl")),
    )
    assert {kind for _, kind in watched.drift()} == {"new", "type", "gone"}


def test_what_drifted_once_is_known_from_then_on(watched: Watched) -> None:
    watched.see(NOVEL)
    assert watched.drift() == {("$.Novelty", "new")}
    accept(watched)
    seen = watched.see(NOVEL, NOVEL)
    assert seen[-1].shape is None
    assert watched.drift() == set()


def test_a_refused_document_is_recorded_and_teaches_nothing(watched: Watched) -> None:
    for _ in range(2):
        watched.see(NOVEL, is_refused=True)
        assert watched.drift() == {("$.Novelty", "new")}
        accept(watched)


def test_what_is_no_json_is_not_observed(watched: Watched) -> None:
    assert watched.see(b"<html>", b"[" * 100_000, is_refused=True) == []


def test_a_failed_batch_does_not_break_another_that_is_under_way(watched: Watched) -> None:
    watched.watch.forget()
    (observed,) = watched.see(NOVEL)
    assert observed.shape
    assert watched.drift() == {("$.Novelty", "new")}
