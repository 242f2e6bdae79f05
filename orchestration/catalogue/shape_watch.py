"""Watching a supplier's documents for drift, at next to no cost while there is none.

Belongs here: learning a supplier's shape, and passing documents that fit it. Does not: what drift is (`shape`).

Reading the shape of a document costs several times what decoding it does. Once a supplier's shape has settled, it is
turned into strict types: fields that no document lacked are required, unknown ones forbidden. A document that decodes
into them has no drift; only one that does not is inspected.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from types import GenericAlias
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import msgspec

from orchestration.catalogue.shape import (
    ANY_INDEX,
    ANY_KEY,
    ROOT,
    Drift,
    SupplierShape,
    compare,
    inspect,
    merge,
    merge_fitting,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    FitTest = Callable[[bytes], bool]

SETTLED_AFTER = 5  # documents in a row that taught nothing
_Spec: TypeAlias = Any  # a type as msgspec takes it, which no class covers

_SCALARS: Mapping[str, _Spec] = {"string": str, "number": float, "boolean": bool, "null": None}
_EMPTY_LIST = Annotated[list[Any], msgspec.Meta(max_length=0)]
_BOM = b"\xef\xbb\xbf"


def fit_test(shape: SupplierShape) -> FitTest | None:
    """A test that only documents pass which do not drift from `shape`; None when no types can say that.

    It may refuse a document that does not drift either: one in which an object lacks a field that its siblings have.
    """
    types = _Types(shape)
    if not types.are_exact():
        return None
    decoder = msgspec.json.Decoder(types.at(ROOT))

    def fits(data: bytes) -> bool:
        try:
            decoder.decode(data.removeprefix(_BOM))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        return True

    return fits


class ShapeWatch:
    """Learns from each document and tells how it drifts from those before it.

    Starts from `baseline`, the supplier's shape so far. `inspected` counts the documents that had to be inspected.
    """

    def __init__(self, baseline: SupplierShape) -> None:
        self._shape = baseline
        self._passed = 0
        self._taught_nothing = 0
        self._fits: FitTest | None = None
        self.inspected = 0

    @property
    def shape(self) -> SupplierShape:
        """The supplier's shape with all documents that were learnt from."""
        if self._passed:
            self._shape = merge_fitting(self._shape, self._passed)
            self._passed = 0
        return self._shape

    def see(self, data: bytes, *, learn: bool = True) -> list[Drift]:
        """Tell the drift of a document, and learn from it unless it is no measure for later ones.

        Raises InvalidInputError for what is no JSON.
        """
        if self._fits is not None and self._fits(data):
            self._passed += learn
            return []
        before, shape = self.shape, inspect(data)
        self.inspected += 1
        if learn:
            self._learn(before, merge(before, shape))
        return compare(before, shape)

    def _learn(self, before: SupplierShape, after: SupplierShape) -> None:
        self._shape = after
        if _required(before) == _required(after) and _types(before) == _types(after):
            self._taught_nothing += 1
        else:
            self._taught_nothing = 0
            self._fits = None
        if self._taught_nothing == SETTLED_AFTER:
            self._fits = fit_test(after)


def _required(shape: SupplierShape) -> frozenset[str]:
    return frozenset(path for path, known in shape.paths.items() if known.documents == shape.documents)


def _types(shape: SupplierShape) -> dict[str, frozenset[str]]:
    return {path: known.types for path, known in shape.paths.items()}


class _Types:
    """The types that msgspec decodes the values at each path of a shape with."""

    def __init__(self, shape: SupplierShape) -> None:
        self._paths = shape.paths
        self._documents = shape.documents
        self._fields: dict[str, list[str]] = {}
        for path in shape.paths:
            parent, dot, name = path.rpartition(".")
            if dot and name != "*" and not name.endswith(ANY_INDEX):
                self._fields.setdefault(parent, []).append(name)

    def are_exact(self) -> bool:
        """Whether each object is either a record or a mapping, and each name is itself and not escaped."""
        is_mixed = any(path + ANY_KEY in self._paths for path in self._fields)
        return not is_mixed and all(name.isidentifier() for names in self._fields.values() for name in names)

    def at(self, path: str) -> _Spec:
        return reduce(or_, (self._one(path, kind) for kind in sorted(self._paths[path].types)))

    def _one(self, path: str, kind: str) -> _Spec:
        if kind == "object":
            return self._object(path)
        if kind == "array":
            items = path + ANY_INDEX
            return GenericAlias(list, self.at(items)) if items in self._paths else _EMPTY_LIST
        return _SCALARS[kind]

    def _object(self, path: str) -> _Spec:
        values = path + ANY_KEY
        if values in self._paths:
            return GenericAlias(dict, (str, self.at(values)))
        names = self._fields.get(path, [])
        fields = [self._field(f"{path}.{name}", f"field_{index}") for index, name in enumerate(names)]
        rename = {f"field_{index}": name for index, name in enumerate(names)}
        return msgspec.defstruct("Fields", fields, rename=rename, forbid_unknown_fields=True, kw_only=True, gc=False)

    def _field(self, path: str, attribute: str) -> tuple[str, _Spec] | tuple[str, _Spec, None]:
        kind = self.at(path)
        return (attribute, kind) if self._paths[path].documents == self._documents else (attribute, kind, None)
