"""A quick test of whether a document fits what is known of its supplier's documents.

It turns a shape into strict types. Keep out: what a shape is (`shape`), and learning one (`drift`).

Reading the shape of a document costs several times what decoding it does. So a known shape becomes types: fields that
no document lacked are required, unknown ones forbidden. A document that decodes into them has no drift; only one that
does not is inspected. The imprint positions are most of a document, and most children repeat those of the first: each
distinct text of them is decoded once.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from types import GenericAlias
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import msgspec

from orchestration.catalogue.drift.shape import ANY_INDEX, ANY_KEY, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from orchestration.catalogue.drift.shape import SupplierShape

    FitTest = Callable[[bytes], bool]

_Spec: TypeAlias = Any  # a type as msgspec takes it, which no class covers

_SCALARS: Mapping[str, _Spec] = {"string": str, "number": float, "boolean": bool, "null": None}
_EMPTY_LIST = Annotated[list[Any], msgspec.Meta(max_length=0)]
_BOM = b"\xef\xbb\xbf"
_CHILDREN = f"{ROOT}.ChildProducts"
_POSITIONS = f"{_CHILDREN}{ANY_INDEX}.ImprintPositions"


def fit_test(shape: SupplierShape) -> FitTest | None:
    """A test that only documents pass which do not drift from `shape`; None when no types can say that.

    It may refuse a document that does not drift either: one in which an object lacks a field that its siblings have.
    """
    types = _Types(shape)
    if not types.are_exact():
        return None
    whole, positions = msgspec.json.Decoder(types.at(ROOT)), msgspec.json.Decoder(types.of_positions())

    def fits(data: bytes) -> bool:
        try:
            document = whole.decode(data.removeprefix(_BOM))
            for text in {bytes(raw) for raw in types.positions_in(document)}:
                positions.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        return True

    return fits


class _Types:
    """The types that msgspec decodes the values at each path of a shape with."""

    def __init__(self, shape: SupplierShape) -> None:
        self._paths = shape.paths
        self._documents = shape.documents
        self._fields: dict[str, list[str]] = {}
        self._attributes: dict[str, str] = {}
        for path in shape.paths:
            parent, dot, name = path.rpartition(".")
            if dot and name != "*" and not name.endswith(ANY_INDEX):
                self._fields.setdefault(parent, []).append(name)

    def are_exact(self) -> bool:
        """Whether each object is either a record or a mapping, and each name is itself and not escaped."""
        is_mixed = any(path + ANY_KEY in self._paths for path in self._fields)
        return not is_mixed and all(name.isidentifier() for names in self._fields.values() for name in names)

    def at(self, path: str) -> _Spec:
        return msgspec.Raw if path == _POSITIONS else self._at(path)

    def of_positions(self) -> _Spec:
        """Of what `at` leaves as it is."""
        return self._at(_POSITIONS) if _POSITIONS in self._paths else Any

    def positions_in(self, document: object) -> Iterator[msgspec.Raw]:
        """What was left as it is, of each child that has it."""
        children = getattr(document, self._attributes.get(_CHILDREN, ""), None)
        for child in children if isinstance(children, list) else ():
            if (raw := getattr(child, self._attributes.get(_POSITIONS, ""), None)) is not None:
                yield raw

    def _at(self, path: str) -> _Spec:
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
        attributes = {f"field_{index}": name for index, name in enumerate(self._fields.get(path, []))}
        self._attributes |= {f"{path}.{name}": attribute for attribute, name in attributes.items()}
        fields = [self._field(f"{path}.{name}", attribute) for attribute, name in attributes.items()]
        return msgspec.defstruct(
            "Fields", fields, rename=attributes, forbid_unknown_fields=True, kw_only=True, gc=False
        )

    def _field(self, path: str, attribute: str) -> tuple[str, _Spec] | tuple[str, _Spec, None]:
        kind = self.at(path)
        return (attribute, kind) if self._paths[path].documents == self._documents else (attribute, kind, None)
