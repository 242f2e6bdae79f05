"""Drift: fields of a supplier's documents that are new, gone, or of another type than they were.

Belongs here: watching the documents of an import against what each supplier's documents looked like before, and the
rows. Does not: what a shape is (`shape`), or a quick test for it (`shape_watch`).

A document that fits all that is known of its supplier costs a decode and no more; only others are looked at field by
field. A supplier's first sync tells what its documents look like; drift is what later ones show.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from orchestration.catalogue.shape import PathShape, Shape, SupplierShape, compare, inspect, merge, merge_fitting
from orchestration.catalogue.shape_watch import fit_test
from orchestration.catalogue.tables import document_shape, drift, supplier, sync
from orchestration.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from orchestration.catalogue.shape_watch import FitTest


class DriftEntry(NamedTuple):
    """A drift as operators see it; `example` is a family that shows it."""

    supplier: str
    path: str
    kind: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    example: str
    seen_at: datetime


class Observation(NamedTuple):
    """One family's document: its shape, or None when it fits all that was known.

    A refused document is compared, but is no measure for later ones.
    """

    supplier: str
    a_number: str
    shape: Shape | None
    is_refused: bool = False


class DriftWatch:
    """What one import knows of its suppliers' documents. Not for use by two threads at once."""

    def __init__(self) -> None:
        self._tests: dict[str, FitTest | None] = {}

    def prepare(self, connection: sa.Connection, suppliers: Collection[str]) -> None:
        """Read what is known of suppliers that were not met before."""
        for code in set(suppliers) - self._tests.keys():
            known = _read_shape(connection, code)
            self._tests[code] = fit_test(known) if known.paths else None

    def observe(self, code: str, a_number: str, document: bytes, *, is_refused: bool = False) -> Observation | None:
        """Look at a document; None when it is no JSON at all."""
        fits = self._tests.get(code)
        if fits is not None and fits(document):
            return Observation(code, a_number, None, is_refused)
        try:
            return Observation(code, a_number, inspect(document), is_refused)
        except InvalidInputError:
            return None

    def record(self, connection: sa.Connection, observations: Sequence[Observation]) -> None:
        """Note what drifted from what is known of each supplier, and learn from the rest."""
        by_supplier: dict[str, list[Observation]] = defaultdict(list)
        for observation in observations:
            by_supplier[observation.supplier].append(observation)
        for code, observed in sorted(by_supplier.items()):
            # Two workers that learn of one supplier must see each other's findings.
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(f"shape {code}"))))
            known = _read_shape(connection, code)
            learned = _learn(connection, known, observed)
            if learned.paths and any(one.shape for one in observed):
                self._tests[code] = fit_test(learned)
            _write_shape(connection, code, known, learned)


def _learn(connection: sa.Connection, known: SupplierShape, observed: Sequence[Observation]) -> SupplierShape:
    fitting = sum(one.shape is None and not one.is_refused for one in observed)
    learned = merge_fitting(known, fitting)
    has_history = _has_finished_sync(connection, observed[0].supplier)
    for one in observed:
        if one.shape is None:
            continue
        if has_history:
            _note(connection, one, one.shape, learned)
        if not one.is_refused:
            learned = merge(learned, one.shape)
    return learned


def list_drift(connection: sa.Connection) -> list[DriftEntry]:
    """All recorded drift, newest first."""
    rows = connection.execute(sa.select(drift).order_by(drift.c.seen_at.desc(), drift.c.supplier, drift.c.path))
    return [
        DriftEntry(row.supplier, row.path, row.kind, tuple(row.before), tuple(row.after), row.example, row.seen_at)
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
    if rows:
        statement = pg.insert(document_shape)
        renewed = {name: statement.excluded[name] for name in ("types", "is_required")}
        connection.execute(statement.on_conflict_do_update(index_elements=["supplier", "path"], set_=renewed), rows)
    if learned.documents != known.documents:
        seen = sa.update(supplier).where(supplier.c.code == code)
        connection.execute(seen.values(documents_seen=learned.documents))


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
