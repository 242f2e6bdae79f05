"""Drift: fields of a supplier's documents that are new, gone, of another type than they were, or odd.

It compares the documents of an import with what each supplier's documents looked like before, and holds the rows. Keep
out: what a shape is (`shape`), and the quick test for it (`fit_test`).

A document that fits all that is known of its supplier costs a decode and no more; only others are looked at field by
field. A supplier's first sync teaches what its documents look like; drift is what later ones show. What a document had
to do without (`documents.oddities`) is recorded from the first day on.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from orchestration.catalogue.drift.fit_test import fit_test
from orchestration.catalogue.drift.shape import PathShape, Shape, SupplierShape, compare, inspect, merge, merge_fitting
from orchestration.catalogue.tables import document_shape, drift, supplier, sync
from orchestration.errors import InvalidInputError
from orchestration.storage import bulk

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from orchestration.catalogue.documents.model import Family
    from orchestration.catalogue.documents.oddities import Oddity

ODDITY = "oddity"


class DriftEntry(NamedTuple):
    """A drift as operators see it; `example` is a family that shows it."""

    supplier: str
    path: str
    kind: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    example: str
    seen_at: datetime
    reason: str = ""


class Observation(NamedTuple):
    """One family's document: its shape, or None when it fits all that was known.

    A refused document is compared, but is no measure for later ones.
    """

    supplier: str
    a_number: str
    shape: Shape | None
    is_refused: bool = False


class _KnownShape:
    """What one import knows of a supplier: the shape of its documents so far, and a quick test for it.

    Making the test costs less than inspecting one document, so that there is one from the first document on.
    """

    def __init__(self, shape: SupplierShape) -> None:
        self._shape = shape
        self._fits = fit_test(shape) if shape.paths else None

    def fits(self, document: bytes) -> bool:
        """Whether the document surely shows nothing new."""
        return self._fits is not None and self._fits(document)

    def learn(self, shape: Shape) -> None:
        """Take in a document's shape."""
        before = self._shape
        self._shape = merge(before, shape)
        if _facts(before) != _facts(self._shape):
            self._fits = fit_test(self._shape)


class DriftWatch:
    """What one import knows of its suppliers' documents. Not for use by two threads at once."""

    def __init__(self) -> None:
        self._suppliers: dict[str, _KnownShape] = {}

    def prepare(self, connection: sa.Connection, suppliers: Collection[str]) -> None:
        """Read what is known of suppliers that were not met before."""
        for code in set(suppliers) - self._suppliers.keys():
            self._suppliers[code] = _KnownShape(_read_shape(connection, code))

    def forget(self) -> None:
        """Start again from what is stored: what was observed since could not be recorded."""
        self._suppliers.clear()

    def observe(self, code: str, a_number: str, document: bytes, *, is_refused: bool = False) -> Observation | None:
        """Look at a document; None when it is no JSON at all.

        Where nothing is known of the supplier, since it was forgotten or not prepared, the whole shape is observed.
        """
        known = self._suppliers.get(code)
        if known and known.fits(document):
            return Observation(code, a_number, None, is_refused)
        try:
            shape = inspect(document)
        except InvalidInputError:
            return None
        if known and not is_refused:
            known.learn(shape)
        return Observation(code, a_number, shape, is_refused)


def record_observations(connection: sa.Connection, observations: Sequence[Observation]) -> None:
    """Note what drifted from what is known of each supplier, and learn from the rest."""
    by_supplier: dict[str, list[Observation]] = defaultdict(list)
    for observation in observations:
        by_supplier[observation.supplier].append(observation)
    for code, observed in sorted(by_supplier.items()):
        # Two workers that learn of one supplier must see each other's findings.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(f"shape {code}"))))
        if any(one.shape for one in observed):
            known = _read_shape(connection, code)
            _write_shape(connection, code, known, _learn(connection, known, observed))
        _count_documents(connection, code, observed)


def record_oddities(connection: sa.Connection, found: Iterable[tuple[Family, Sequence[Oddity]]]) -> None:
    """Note what documents could do without, once for each kind of place; a supplier's first sync is no exception."""
    rows = {
        (family.supplier, oddity.shape): {
            "supplier": family.supplier,
            "path": oddity.shape,
            "kind": ODDITY,
            "before": [],
            "after": [],
            "example": family.a_number,
            "reason": oddity.reason,
        }
        for family, oddities in found
        for oddity in oddities
    }
    if rows:
        connection.execute(pg.insert(drift).on_conflict_do_nothing(), [rows[place] for place in sorted(rows)])


def _learn(connection: sa.Connection, known: SupplierShape, observed: Sequence[Observation]) -> SupplierShape:
    """The shape with these documents in it; those that fit did so after the others had been learned from."""
    learned = known
    has_history = _has_finished_sync(connection, observed[0].supplier)
    for one in observed:
        if one.shape is None:
            continue
        if has_history:
            _note(connection, one, one.shape, learned)
        if not one.is_refused:
            learned = merge(learned, one.shape)
    return merge_fitting(learned, sum(one.shape is None and not one.is_refused for one in observed))


def list_drift(connection: sa.Connection) -> list[DriftEntry]:
    """All recorded drift, newest first."""
    rows = connection.execute(sa.select(drift).order_by(drift.c.seen_at.desc(), drift.c.supplier, drift.c.path))
    return [
        DriftEntry(
            row.supplier, row.path, row.kind, tuple(row.before), tuple(row.after), row.example, row.seen_at, row.reason
        )
        for row in rows
    ]


def accept_drift(connection: sa.Connection, code: str | None = None) -> int:
    """Forget recorded drift, of one supplier or of all: it has been looked at. How many entries."""
    statement = sa.delete(drift) if code is None else sa.delete(drift).where(drift.c.supplier == code)
    return connection.execute(statement).rowcount


def _has_finished_sync(connection: sa.Connection, code: str) -> bool:
    finished = sa.exists().where(sync.c.supplier == code, sync.c.finished_at.is_not(None), sync.c.planned > 0)
    return bool(connection.execute(sa.select(finished)).scalar_one())


def _read_shape(connection: sa.Connection, code: str) -> SupplierShape:
    """A field that some document lacked counts as one that none had: all that matters is whether any did."""
    seen = connection.execute(sa.select(supplier.c.documents_seen).where(supplier.c.code == code)).scalar() or 0
    rows = connection.execute(sa.select(document_shape).where(document_shape.c.supplier == code))
    return SupplierShape(
        seen, {row.path: PathShape(frozenset(row.types), seen if row.is_required else 0) for row in rows}
    )


def _write_shape(connection: sa.Connection, code: str, known: SupplierShape, learned: SupplierShape) -> None:
    before, after = _facts(known), _facts(learned)
    rows = [
        {"supplier": code, "path": path, "types": types, "is_required": is_required}
        for path, (types, is_required) in sorted(after.items())
        if before.get(path) != (types, is_required)
    ]
    bulk.upsert(connection, document_shape, rows, columns=("supplier", "path", "types", "is_required"))


def _count_documents(connection: sa.Connection, code: str, observed: Sequence[Observation]) -> None:
    count = sum(not one.is_refused for one in observed)
    seen = sa.update(supplier).where(supplier.c.code == code)
    connection.execute(seen.values(documents_seen=supplier.c.documents_seen + count))


def _facts(shape: SupplierShape) -> dict[str, tuple[list[str], bool]]:
    return {path: (sorted(known.types), known.documents == shape.documents) for path, known in shape.paths.items()}


def _note(connection: sa.Connection, observation: Observation, shape: Shape, known: SupplierShape) -> None:
    rows = [
        {
            "supplier": observation.supplier,
            "path": found.path,
            "kind": found.kind,
            "before": list(found.before),
            "after": list(found.after),
            "example": observation.a_number,
        }
        for found in compare(known, shape)
    ]
    if rows:
        connection.execute(pg.insert(drift).on_conflict_do_nothing(), rows)
