"""The tolerant reading of a document that the strict one refuses: what cannot be used falls out, the rest stays.

It brings a JSON value to the types of `wire`, field by field. Keep out: those types, and what a whole document must
fulfil (`decode`).

Harmless spellings are read as what they are, without a word: null, `""`, `[]` and `{}` where something else is expected
are none; 0, 1, `"true"` and `"False"` are booleans; numbers are codes, and texts of digits, also with a decimal comma,
are numbers; an object with the keys 0, 1, 2 is a list. What is left is an oddity: an optional field, an entry of a list
or of a mapping is left out, with its path and the reason. A required field that cannot be read takes its object along.
"""

from __future__ import annotations

import functools
import json
import math
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec import inspect as types

from orchestration.catalogue.documents.faults import Fault
from orchestration.catalogue.documents.wire import PositionList, ReferenceTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.catalogue.documents.oddities import Oddities

URL_BYTES: Final = 2_000
_RAW: Final[dict[str, object]] = {"ImprintPositions": PositionList, "ImprintReferences": ReferenceTable}
_BLANKS: Final[tuple[object, ...]] = (None, "", [], {})
_TRUE, _FALSE = frozenset({"1", "true", "yes"}), frozenset({"0", "false", "no"})
_SURROGATE = re.compile("[\ud800-\udfff]")
_DECIMAL = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?")
_INDEX = re.compile("[0-9]{1,9}")
_PICTURES = ("Image", "MediaGalleryImages")
_SHOWN = 60


class UnusableError(Exception):
    """The value cannot be brought to its type; carries the reason, its kind, and where it is."""

    def __init__(self, reason: str, at: _Place, code: Fault = Fault.WRONG_TYPE) -> None:
        super().__init__(reason)
        self.reason = reason
        self.at = at
        self.code = code


class _Place(NamedTuple):
    path: str
    shape: str

    def field(self, name: str) -> _Place:
        return _Place(f"{self.path}.{name}", f"{self.shape}.{name}")

    def key(self, key: str) -> _Place:
        return _Place(f"{self.path}.{key}", f"{self.shape}.*")

    def item(self, index: int) -> _Place:
        return _Place(f"{self.path}[{index}]", f"{self.shape}[*]")


_NONE: Final = object()  # nothing to write, and nothing lost


def brought_to(expected: object, value: object, oddities: Oddities, path: str = "$", shape: str = "$") -> object:
    """The JSON value, so that it decodes as the type `expected`; what was left out is noted.

    Raises UnusableError when a part is missing or unusable that the whole cannot do without.
    """
    found = _Walk(oddities).value(_type_info(expected), value, _Place(path, shape))
    return None if found is _NONE else found


@functools.cache
def _type_info(expected: object) -> types.Type:
    return types.type_info(expected)


class _Walk:
    """One walk through a value and its type at the same time."""

    def __init__(self, oddities: Oddities) -> None:
        self._oddities = oddities

    def value(self, kind: types.Type, value: Any, at: _Place) -> Any:  # noqa: ANN401 - any JSON value
        match kind:
            case types.UnionType():
                return self._union(kind, value, at)
            case types.StructType():
                return self._struct(kind, value, at)
            case types.ListType():
                return self._list(kind, value, at)
            case types.DictType():
                return self._dict(kind, value, at)
            case types.AnyType():
                return _anything(value, at)
        return _NONE if value in _BLANKS and not isinstance(kind, types.StrType) else _scalar(kind, value, at)

    def _union(self, kind: types.UnionType, value: Any, at: _Place) -> Any:  # noqa: ANN401
        """The member that the JSON type points to; None where the union has it and nothing else fits a blank."""
        members = [member for member in kind.types if not isinstance(member, types.NoneType)]
        if value in _BLANKS and not (value == "" and any(isinstance(one, types.StrType) for one in members)):
            return None if len(members) < len(kind.types) else _NONE
        objects = [one for one in members if isinstance(one, types.StructType | types.DictType)]
        fitting = objects if isinstance(value, dict) and objects else [one for one in members if one not in objects]
        return self.value((fitting or members)[0], value, at)

    def _struct(self, kind: types.StructType, value: Any, at: _Place) -> Any:  # noqa: ANN401
        if value in _BLANKS:
            return _NONE if value is None or any(field.required for field in kind.fields) else {}
        if not isinstance(value, dict):
            raise UnusableError(f"expected an object, got {_shown(value)}", at)
        taken: dict[str, Any] = {}
        for field in kind.fields:
            place = at.field(field.encode_name)
            if field.encode_name not in value:
                if field.required:
                    raise UnusableError("a required field is missing", place, Fault.MISSING)
                continue
            expected = _type_info(_RAW[field.encode_name]) if isinstance(field.type, types.RawType) else field.type
            found = self._part(expected, value[field.encode_name], place, is_required=field.required)
            if found is not _NONE:
                taken[field.encode_name] = found
        return taken

    def _part(self, kind: types.Type, value: Any, at: _Place, *, is_required: bool = False) -> Any:  # noqa: ANN401
        """A part of a larger value; what is unusable is left out, unless the whole needs it."""
        try:
            found = self.value(kind, value, at)
        except UnusableError as error:
            if is_required:
                raise
            is_loss = at.shape.endswith("ChildProducts[*]") or any(f".{name}" in error.at.shape for name in _PICTURES)
            self._oddities.add(error.at.path, f"left out: {error.reason}", shape=error.at.shape, is_loss=is_loss)
            return _NONE
        if found is _NONE and is_required:
            raise UnusableError(f"expected {_name(kind)}, got {_shown(value)}", at)
        return found

    def _list(self, kind: types.ListType, value: Any, at: _Place) -> Any:  # noqa: ANN401
        if value in _BLANKS:
            return []
        if isinstance(value, dict) and all(map(_INDEX.fullmatch, value)):
            value = [value[key] for key in sorted(value, key=int)]
        if not isinstance(value, list):
            raise UnusableError(f"expected a list, got {_shown(value)}", at)
        items = (self._part(kind.item_type, item, at.item(index)) for index, item in enumerate(value))
        return [item for item in items if item is not _NONE]

    def _dict(self, kind: types.DictType, value: Any, at: _Place) -> Any:  # noqa: ANN401
        if value in _BLANKS:
            return {}
        if not isinstance(value, dict):
            raise UnusableError(f"expected an object, got {_shown(value)}", at)
        return dict(self._entries(kind, value, at))

    def _entries(self, kind: types.DictType, value: dict[str, Any], at: _Place) -> Iterator[tuple[str, Any]]:
        for key, entry in value.items():
            if self._part(kind.key_type, key, at.key(key[:_SHOWN])) is _NONE:
                continue
            found = self._part(kind.value_type, entry, at.key(key))
            if found is not _NONE:
                yield key, found


def _scalar(kind: types.Type, value: Any, at: _Place) -> Any:  # noqa: ANN401
    match kind:
        case types.StrType():
            return _text(kind, value, at)
        case types.FloatType() | types.IntType():
            return _number(kind, value, at)
        case types.BoolType():
            return _boolean(value, at)
        case types.LiteralType():
            return value if value in kind.values else _NONE
    raise UnusableError(f"expected {_name(kind)}, got {_shown(value)}", at)


def _text(kind: types.StrType, value: Any, at: _Place) -> Any:  # noqa: ANN401
    if value is None or value in ([], {}):
        return _NONE
    if isinstance(value, int | float) and not isinstance(value, bool) and _is_finite(value):
        value = str(int(value)) if float(value).is_integer() else str(value)
    if not isinstance(value, str):
        raise UnusableError(f"expected a text, got {_shown(value)}", at)
    if len(value) < (kind.min_length or 0):
        raise UnusableError("it is blank", at, Fault.MISSING)
    if kind.max_length is not None and len(value) > kind.max_length:
        raise UnusableError(f"it is {len(value)} characters long, {kind.max_length} are allowed", at, Fault.TOO_LONG)
    if kind.pattern is not None and not re.search(kind.pattern, value):
        raise UnusableError(f"it is {len(value.encode())} bytes long, {URL_BYTES} are allowed", at, Fault.TOO_LONG)
    _check_characters(value, at)
    return value


def _check_characters(value: str, at: _Place) -> None:
    """No text that holds them can be stored."""
    if "\0" in value:
        raise UnusableError("the text holds a NUL character", at, Fault.NUL_CHARACTER)
    if not value.isascii() and _SURROGATE.search(value):
        raise UnusableError("the text holds half of a surrogate pair", at, Fault.LONE_SURROGATE)


def _anything(value: Any, at: _Place) -> Any:  # noqa: ANN401
    """A value of any type, unless it holds a text that cannot be stored."""
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            _check_characters(node, at)
        elif isinstance(node, int | float) and not _is_finite(node):
            raise UnusableError(f"{_shown(node)} is out of range", at, Fault.OUT_OF_RANGE)
        elif isinstance(node, dict | list):
            waiting += [*node, *node.values()] if isinstance(node, dict) else node
    return value


def _number(kind: types.FloatType | types.IntType, value: Any, at: _Place) -> Any:  # noqa: ANN401
    if isinstance(value, str) and _DECIMAL.fullmatch(value.strip()):
        value = float(value.strip().replace(",", "."))
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnusableError(f"expected a number, got {_shown(value)}", at)
    if not _is_finite(value) or (kind.ge is not None and value < kind.ge) or (kind.le is not None and value > kind.le):
        raise UnusableError(f"{_shown(value)} is out of range", at, Fault.OUT_OF_RANGE)
    if isinstance(kind, types.FloatType):
        return float(value)
    if float(value) != int(value):
        raise UnusableError(f"expected a whole number, got {value!r}", at)
    return int(value)


def _is_finite(value: float) -> bool:
    """Whether it is a number that a double holds: JSON may write a whole number of any length."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _boolean(value: object, at: _Place) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, int | str) else ""
    if word in _TRUE | _FALSE:
        return word in _TRUE
    raise UnusableError(f"expected true or false, got {_shown(value)}", at)


def _name(kind: types.Type) -> str:
    names = {types.StrType: "a text", types.BoolType: "true or false", types.ListType: "a list"}
    return names.get(type(kind), "an object" if isinstance(kind, types.StructType | types.DictType) else "a number")


def _shown(value: object) -> str:
    """A value in a message: its kind, and a text or a number itself."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = json.dumps(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
