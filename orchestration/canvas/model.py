"""The words of a canvas: kinds of elements and operations, an element, an operation.

What they are made of, and the one form that their values have. Keep out: what an operation does
(`operations`), or tables.

Lengths and angles are kept to a millionth of a unit within a hundred million units, and every result is rounded to
that grid. A double holds such a number and its neighbours apart, so a move and the move back end exactly where they
began, and a replay on any machine gives the same bytes.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import msgspec

from orchestration.errors import InvalidInputError
from orchestration.wire_types import prepared

FARTHEST = 1e8
DECIMALS = 6
DEEPEST = 32
LONGEST_ID = 200
_LARGEST_INTEGER = 2**63


class ElementType(StrEnum):
    """What can lie on a canvas."""

    IMAGE = "image"
    VIDEO = "video"
    TEXT = "text"
    SHAPE = "shape"
    GROUP = "group"
    CONNECTOR = "connector"
    MODEL_3D = "3d"
    IMAGE_GENERATOR = "image-generator"
    VIDEO_GENERATOR = "video-generator"
    MUSIC_GENERATOR = "music-generator"
    TEXT_GENERATOR = "text-generator"
    UPSCALE_PLUGIN = "upscale-plugin"


class OperationType(StrEnum):
    """What can be done to a canvas."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    MOVE = "move"
    RESIZE = "resize"
    SELECT = "select"
    DESELECT = "deselect"
    CONNECT = "connect"
    DISCONNECT = "disconnect"
    GROUP = "group"
    UNGROUP = "ungroup"
    LAYER = "layer"
    STYLE = "style"


Id = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_ID)]
Length = Annotated[float, msgspec.Meta(ge=-FARTHEST, le=FARTHEST)]
Size = Annotated[float, msgspec.Meta(ge=0, le=FARTHEST)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Layer = Annotated[int, msgspec.Meta(ge=-(2**31), lt=2**31)]
Meta = dict[str, Any]


class Element(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True):
    """One element, without its id: geometry in canvas units, degrees and factors; all else is in `meta`.

    Never changed in place, nor is `meta`: versions of an element share what did not change.
    """

    type: ElementType
    x: Length = 0.0
    y: Length = 0.0
    width: Size = 0.0
    height: Size = 0.0
    rotation: Length = 0.0
    scale_x: Length = 1.0
    scale_y: Length = 1.0
    opacity: Share = 1.0
    visible: bool = True
    locked: bool = False
    z_index: Layer = 0
    meta: Meta = {}


class Operation(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True):
    """One operation as it is stored: the elements it names, and the data of its type."""

    type: OperationType
    element_id: Id | None = None
    element_ids: tuple[Id, ...] = ()
    data: dict[str, Any] = {}

    @property
    def named(self) -> tuple[str, ...]:
        """The elements that it names beside its data, each once."""
        ids = self.element_ids if self.element_id is None else (self.element_id, *self.element_ids)
        return tuple(dict.fromkeys(ids))


NUMBERS = ("x", "y", "width", "height", "rotation", "scale_x", "scale_y", "opacity")


def on_grid(value: float) -> float:
    """The nearest number that a canvas keeps."""
    return round(value, DECIMALS) + 0.0  # never -0.0, which reads back as 0


def normal(element: Element) -> Element:
    """The element with its numbers on the grid, and without the entries of `meta` that are null."""
    numbers = {name: on_grid(getattr(element, name)) for name in NUMBERS}
    meta = {key: value for key, value in element.meta.items() if value is not None}
    return msgspec.structs.replace(element, **numbers, meta=meta)


_OPERATION = prepared(Operation)


def read_operation(document: object) -> Operation:
    """An operation from the JSON that a client sent; raises `InvalidInputError` that says what is wrong with it."""
    try:
        return msgspec.convert(plain(document), _OPERATION)
    except msgspec.ValidationError as error:
        raise InvalidInputError(f"The operation cannot be used: {error}") from error


def clean(operation: Operation) -> Operation:
    """The same operation with its values as the database gives them back; raises as `read_operation` does."""
    return read_operation(
        {
            "type": operation.type.value,
            "elementId": operation.element_id,
            "elementIds": operation.element_ids,
            "data": operation.data,
        }
    )


def plain(value: object, depth: int = 0) -> Any:  # noqa: ANN401 - any JSON value
    """A JSON value in the one form that the database gives back: 5.0 is 5, and text can be stored.

    Raises `InvalidInputError` for what JSON, UTF-8 or PostgreSQL cannot hold.
    """
    if depth > DEEPEST:
        raise InvalidInputError(f"A value is nested more than {DEEPEST} deep; flatten it")
    if isinstance(value, dict):
        return {_text(key): plain(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner, depth + 1) for inner in value]
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _number(value)
    raise InvalidInputError(f"{type(value).__name__} is no JSON value")


def _text(value: object) -> str:
    if not isinstance(value, str) or "\0" in value or (not value.isascii() and _has_surrogate(value)):
        raise InvalidInputError(f"{value!r} is no text that can be stored; take out NUL and lone surrogates")
    return str(value)


def _has_surrogate(value: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in value)


def _number(value: float) -> float:
    if not -_LARGEST_INTEGER < value < _LARGEST_INTEGER:
        raise InvalidInputError(f"{value} is too large a number, or none")
    return int(value) if value == int(value) else value
