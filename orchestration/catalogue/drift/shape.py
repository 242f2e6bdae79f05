"""The shape of documents: which fields a supplier sends, of which types, and what drifts from that.

It reads the shape of one document, merges those of a supplier's documents, and compares. Keep out: what fields are
good for (`wire`), the quick test (`fit_test`), storing shapes (`drift`).

A shape is a set of JSON paths with types. List indices and the keys of mappings (languages, regions, filters: data, not
field names) are `*`, as in `$.ChildProducts[*].ProductDetails.*.Name`. `null` says that a field is there, and agrees
with any type.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from urllib.parse import quote

import msgspec

from orchestration.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MIN_DOCUMENTS_FOR_GONE = 5

ROOT = "$"
ANY_KEY = ".*"
ANY_INDEX = "[*]"

# Objects whose keys are data. So are those of any object with more keys than a record has fields.
_MAPPINGS = frozenset(
    {
        "ProductDetails",
        "ImprintLocationTexts",
        "ImprintTexts",
        "Texts",
        "ProductPriceCountryBased",
        "ProductPriceRegionBased",
        "SamplePriceCountryBased",
        "DefaultProducts",
        "IsActiveCountryBased",
        "IsActiveRegionBased",
        "ProductFiltersByGroup",
        "Errors",
        "Warnings",
    }
)
_MOST_FIELDS = 200
_MOST_LEVELS = 50
_SHOWN_NAME = 100
_BOM = b"\xef\xbb\xbf"

_NO_TYPES: frozenset[str] = frozenset()
_NULL = "null"
_OBJECT = "object"
_TYPES: Mapping[type, str] = {
    dict: _OBJECT,
    list: "array",
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    type(None): _NULL,
}

_Level = defaultdict[str, list[Any]]


@dataclass(frozen=True)
class Shape:
    """The fields of one document: path to JSON types."""

    types: Mapping[str, frozenset[str]]


class PathShape(NamedTuple):
    """What is known of one path: the types seen, and how many documents did not lack it.

    A document lacks a field if it has the object that the field belongs to, but not the field.
    """

    types: frozenset[str]
    documents: int


@dataclass(frozen=True)
class SupplierShape:
    """The fields of all of a supplier's documents so far, and how many documents that were."""

    documents: int = 0
    paths: Mapping[str, PathShape] = field(default_factory=dict)


class Drift(NamedTuple):
    """A field that is new, gone, or of another type than before; types in alphabetical order."""

    kind: Literal["new", "gone", "type"]
    path: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def inspect(data: bytes) -> Shape:
    """The shape of a document. Raises InvalidInputError for what is no JSON."""
    try:
        return Shape(_types_by_path(msgspec.json.decode(data.removeprefix(_BOM))))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInputError(f"no shape can be read from the document: {error}") from error


def merge(baseline: SupplierShape, shape: Shape) -> SupplierShape:
    """The supplier's shape with one more document in it."""
    paths = {
        path: PathShape(known.types | shape.types.get(path, _NO_TYPES), known.documents + (not _is_lacked(path, shape)))
        for path, known in baseline.paths.items()
    }
    paths |= {path: PathShape(types, 1) for path, types in shape.types.items() if path not in paths}
    return SupplierShape(baseline.documents + 1, paths)


def merge_fitting(baseline: SupplierShape, count: int) -> SupplierShape:
    """The supplier's shape with `count` more documents that lack nothing that none lacked before, and add nothing.

    A field that some document lacks is counted too low then: all that matters is whether any did.
    """
    paths = {
        path: PathShape(known.types, known.documents + count) if known.documents == baseline.documents else known
        for path, known in baseline.paths.items()
    }
    return SupplierShape(baseline.documents + count, paths)


def compare(baseline: SupplierShape, shape: Shape) -> list[Drift]:
    """How a document drifts from the supplier's earlier ones; of a new or lost branch only the top, by path.

    New is a field that no earlier document had. Gone is one that this document lacks and none of at least five
    earlier ones did. A supplier without earlier documents has nothing to drift from.
    """
    return sorted([*_new_and_retyped(baseline, shape), *_gone(baseline, shape)], key=lambda drift: drift.path)


def _new_and_retyped(baseline: SupplierShape, shape: Shape) -> Iterator[Drift]:
    for path, types in shape.types.items():
        known = baseline.paths.get(path)
        if known is None:
            if _is_field(path) and _OBJECT in _types_before(baseline, _parent(path)):
                yield Drift("new", path, (), tuple(sorted(types)))
        elif known.types != {_NULL} and not types <= known.types | {_NULL}:
            yield Drift("type", path, tuple(sorted(known.types)), tuple(sorted(types)))


def _gone(baseline: SupplierShape, shape: Shape) -> Iterator[Drift]:
    if baseline.documents < MIN_DOCUMENTS_FOR_GONE:
        return
    for path, known in baseline.paths.items():
        if known.documents == baseline.documents and _is_lacked(path, shape):
            yield Drift("gone", path, tuple(sorted(known.types)), ())


def _is_lacked(path: str, shape: Shape) -> bool:
    is_missing = path not in shape.types and _is_field(path)
    return is_missing and _OBJECT in shape.types.get(_parent(path), _NO_TYPES)


def _types_before(baseline: SupplierShape, path: str) -> frozenset[str]:
    known = baseline.paths.get(path)
    return known.types if known is not None else _NO_TYPES


def _is_field(path: str) -> bool:
    """Whether the path ends in a field's name: an entry that comes or goes in a list or a mapping is no drift."""
    return "." in path and not path.endswith((ANY_KEY, ANY_INDEX))


def _parent(path: str) -> str:
    return path[: path.rindex(".")]


def _types_by_path(tree: object) -> dict[str, frozenset[str]]:
    """Level by level: all values at a path are read together."""
    types: dict[str, frozenset[str]] = {}
    level: _Level = defaultdict(list)
    level[ROOT].append(tree)
    for _ in range(_MOST_LEVELS):
        below: _Level = defaultdict(list)
        for path, values in level.items():
            types[path] = frozenset(map(_TYPES.__getitem__, set(map(type, values))))
            _descend(path, values, below)
        level = below
    return types


def _descend(path: str, values: Iterable[object], below: _Level) -> None:
    """Put what the values at a path hold into the level below."""
    is_mapping = path.rpartition(".")[2] in _MAPPINGS
    records: defaultdict[tuple[str, ...], list[Iterable[object]]] = defaultdict(list)
    for value in values:
        if isinstance(value, dict):
            records[tuple(value)].append(value.values())
        elif isinstance(value, list) and value:
            below[path + ANY_INDEX] += value
    for names, rows in records.items():  # objects with the same fields are read column by column, which is faster
        holds_data = is_mapping or len(names) > _MOST_FIELDS
        for name, column in zip(names, zip(*rows, strict=True), strict=True):
            below[path + (ANY_KEY if holds_data else f".{_escaped(name)}")] += column


def _escaped(name: str) -> str:
    """A field's name that cannot be taken for more than one step of a path, nor for a wildcard."""
    return name if name.isidentifier() else quote(name[:_SHOWN_NAME], safe=" -").replace(".", "%2E")
