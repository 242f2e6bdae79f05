"""The data of each type of operation, as they are stored and as clients send them.

Their form, and what they mean by themselves. Keep out: what they do to elements (`operations`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from orchestration.canvas.model import (
    Element,
    ElementType,
    Id,
    Layer,
    Length,
    Meta,
    Operation,
    OperationType,
    Share,
    Size,
)
from orchestration.errors import InvalidInputError
from orchestration.wire_types import prepared

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Distance = Annotated[float, msgspec.Meta(ge=-2e8, le=2e8)]


class OperationData(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What the data of all types have in common."""

    def names(self) -> Iterable[str]:
        """The elements that they name beside those that the operation itself names."""
        return ()


class Nothing(OperationData, frozen=True, forbid_unknown_fields=False):
    """No data are needed; what a client adds is kept in the log."""


class Delete(OperationData, frozen=True, forbid_unknown_fields=False):
    """Who may be a member of a deleted group, and then is in none; the log adds it."""

    members: tuple[Id, ...] = ()

    def names(self) -> Iterable[str]:
        """The members."""
        return self.members


class Updates(OperationData, frozen=True):
    """New values of fields. `meta` is merged entry by entry, and an entry that is null is taken out (RFC 7396)."""

    x: Length | UnsetType = UNSET
    y: Length | UnsetType = UNSET
    width: Size | UnsetType = UNSET
    height: Size | UnsetType = UNSET
    rotation: Length | UnsetType = UNSET
    scale_x: Length | UnsetType = UNSET
    scale_y: Length | UnsetType = UNSET
    opacity: Share | UnsetType = UNSET
    visible: bool | UnsetType = UNSET
    locked: bool | UnsetType = UNSET
    z_index: Layer | UnsetType = UNSET
    meta: Meta | UnsetType = UNSET


class Create(OperationData, frozen=True):
    """`element` under the operation's elementId, or `elements` by their ids; and who is in the groups among them."""

    element: Element | UnsetType = UNSET
    elements: dict[Id, Element] | UnsetType = UNSET
    group_ids: dict[Id, Id] = {}

    def names(self) -> Iterable[str]:
        """The new elements, and those that come into their groups."""
        return (*(() if isinstance(self.elements, UnsetType) else self.elements), *self.group_ids)

    def made(self, operation: Operation) -> Mapping[str, Element]:
        """The elements by their ids."""
        if isinstance(self.elements, dict) and self.elements and isinstance(self.element, UnsetType):
            return self.elements
        if operation.element_id is None or isinstance(self.element, UnsetType):
            raise InvalidInputError("create needs elementId and data.element, or data.elements by their ids")
        return {operation.element_id: self.element}


class Update(OperationData, frozen=True):
    """`updates` of every named element, or of `each` element its own."""

    updates: Updates | UnsetType = UNSET
    each_: dict[Id, Updates] | UnsetType = msgspec.field(default=UNSET, name="each")

    def names(self) -> Iterable[str]:
        """The elements that have updates of their own."""
        return () if isinstance(self.each_, UnsetType) else self.each_

    def each(self, operation: Operation) -> Mapping[str, Updates]:
        """The updates by element."""
        if isinstance(self.each_, dict) and self.each_ and isinstance(self.updates, UnsetType):
            return self.each_
        if not operation.named or isinstance(self.updates, UnsetType):
            raise InvalidInputError("update needs elementId and data.updates, or data.each by element")
        return dict.fromkeys(operation.named, self.updates)


class Delta(OperationData, frozen=True):
    """A distance, to the right and down."""

    x: Distance = 0.0
    y: Distance = 0.0


class Move(OperationData, frozen=True):
    """How far the named elements are moved."""

    delta: Delta


class Resize(OperationData, frozen=True):
    """A new size; with a new place, when another corner than the lower right was pulled."""

    width: Size
    height: Size
    x: Length | UnsetType = UNSET
    y: Length | UnsetType = UNSET

    def updates(self) -> Updates:
        """The same as updates of fields."""
        return Updates(x=self.x, y=self.y, width=self.width, height=self.height)


class Layering(OperationData, frozen=True):
    """The layer that the named elements are put into; higher ones hide lower ones."""

    z_index: Layer


class Look(OperationData, frozen=True):
    """How an element looks: two fields, and those entries of `meta` that are about looks."""

    opacity: Share | UnsetType = UNSET
    visible: bool | UnsetType = UNSET
    fill: Any = UNSET
    stroke: Any = UNSET
    stroke_width: Any = UNSET
    font_size: Any = UNSET
    font_family: Any = UNSET


_LOOK_ENTRIES = {
    field.name: field.encode_name for field in msgspec.structs.fields(Look) if field.name not in {"opacity", "visible"}
}


class Style(OperationData, frozen=True):
    """A new look of the named elements; null takes an entry out."""

    style: Look

    def updates(self) -> Updates:
        """The same as updates of fields."""
        entries = {
            written: value
            for name, written in _LOOK_ENTRIES.items()
            if not isinstance(value := getattr(self.style, name), UnsetType)
        }
        return Updates(opacity=self.style.opacity, visible=self.style.visible, meta=entries or UNSET)


class Connect(OperationData, frozen=True):
    """The two elements that a new connector joins, where it is fastened to them, and how it looks."""

    start: Id = msgspec.field(name="from")
    end: Id = msgspec.field(name="to")
    from_anchor: Any = None
    to_anchor: Any = None
    element: Element = Element(ElementType.CONNECTOR)

    def names(self) -> Iterable[str]:
        """The two ends."""
        return self.start, self.end

    def connector(self) -> Element:
        """The connector's element."""
        if self.element.type is not ElementType.CONNECTOR:
            raise InvalidInputError(f"connect makes a connector, not a {self.element.type}")
        ends = {"connectorFrom": self.start, "connectorTo": self.end}
        anchors = {"fromAnchor": self.from_anchor, "toAnchor": self.to_anchor}
        anchors = {name: anchor for name, anchor in anchors.items() if anchor is not None}
        return msgspec.structs.replace(self.element, meta={**self.element.meta, **ends, **anchors})


class Group(OperationData, frozen=True):
    """The new group's own element, and its members: those given here, else by elementIds, else by the element."""

    element: Element | UnsetType = UNSET
    members_: tuple[Id, ...] | UnsetType = msgspec.field(default=UNSET, name="members")

    def names(self) -> Iterable[str]:
        """The members that the operation does not name."""
        return self._listed() if isinstance(self.members_, UnsetType) else self.members_

    def members(self, operation: Operation) -> Sequence[str]:
        """The members' ids; none only when that is said in so many words."""
        if not isinstance(self.members_, UnsetType):
            return self.members_
        if operation.element_ids:
            return tuple(dict.fromkeys(operation.element_ids))
        if isinstance(self.element, UnsetType):
            raise InvalidInputError(f"group {operation.element_id} needs its members as elementIds")
        return self._listed()

    def group(self, members: Sequence[str]) -> Element:
        """The group's element: as it came, or one that lists its members."""
        if isinstance(self.element, UnsetType):
            return Element(ElementType.GROUP, meta={"memberElementIds": list(members)})
        if self.element.type is not ElementType.GROUP:
            raise InvalidInputError(f"group makes a group, not a {self.element.type}")
        return self.element

    def _listed(self) -> tuple[str, ...]:
        meta = {} if isinstance(self.element, UnsetType) else self.element.meta
        return msgspec.convert(meta.get("memberElementIds", []), tuple[Id, ...])


class Ungroup(OperationData, frozen=True):
    """The groups that the members were in before, by member; without it all members end up in none."""

    group_ids: dict[Id, Any] | None = None

    def names(self) -> Iterable[str]:
        """The former members."""
        return self.group_ids or ()


_DATA: Mapping[OperationType, type[OperationData]] = {
    OperationType.CREATE: Create,
    OperationType.UPDATE: Update,
    OperationType.DELETE: Delete,
    OperationType.MOVE: Move,
    OperationType.RESIZE: Resize,
    OperationType.SELECT: Nothing,
    OperationType.DESELECT: Nothing,
    OperationType.CONNECT: Connect,
    OperationType.DISCONNECT: Nothing,
    OperationType.GROUP: Group,
    OperationType.UNGROUP: Ungroup,
    OperationType.LAYER: Layering,
    OperationType.STYLE: Style,
}
DATA: Mapping[OperationType, type[OperationData]] = {kind: prepared(data) for kind, data in _DATA.items()}
