"""What each operation does to the elements of a canvas, and which operation takes it back.

Pure rules over a map of id and element. Keep out: who may do it, or where it is stored (`log`).

The same rules serve the tables, a replay and an undo, so the three cannot come apart. An operation tells the elements
that it touched, as they are afterwards, and its inverse: an ordinary operation that, applied to the result, gives the
map that was. Applied later, after others have worked on, it takes back what it can without undoing them: a move back
by the same distance, the former values of just the fields that were changed.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from orchestration.canvas.model import (
    FARTHEST,
    Element,
    ElementType,
    Meta,
    Operation,
    OperationType,
    normal,
    on_grid,
)
from orchestration.canvas.operation_data import (
    DATA,
    Connect,
    Create,
    Delete,
    Group,
    Layering,
    Move,
    Resize,
    Style,
    Ungroup,
    Update,
    Updates,
)
from orchestration.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    Elements = Mapping[str, Element]
    Rule = Callable[[Elements, Operation, Any], "Change"]


class Change(NamedTuple):
    """What an operation did: each touched element as it is now, None for one that is gone, and the way back.

    `inverse` is None for an operation that changes no element.
    """

    touched: Mapping[str, Element | None]
    inverse: Operation | None


def apply(elements: Elements, operation: Operation) -> Change:
    """Apply an operation to a map, which is left as it is.

    Raises `InvalidInputError`, naming the element, when the map lacks an element that it needs or holds one that it
    would create, and when its data are not those of its type.
    """
    with _named_errors(operation):
        data = msgspec.convert(operation.data, DATA[operation.type])
        return _RULES[operation.type](elements, operation, data)


def needed(operations: Iterable[Operation]) -> tuple[set[str], set[str]]:
    """The elements that operations look at, by id, and the groups whose members they look at.

    Raises `InvalidInputError` as `apply` does, for data that are not those of their type.
    """
    ids: set[str] = set()
    groups: set[str] = set()
    for operation in operations:
        with _named_errors(operation):
            data = msgspec.convert(operation.data, DATA[operation.type])
            ids.update(operation.named, data.names())
        if isinstance(data, Delete) or (isinstance(data, Ungroup) and data.group_ids is None):
            groups.update(operation.named)
    return ids, groups


def with_members(elements: Elements, operation: Operation) -> Operation:
    """The operation, and if it deletes groups, who leaves them by it: the log has to say what was done.

    A client need not say it; what it says under that name is replaced.
    """
    if operation.type is not OperationType.DELETE:
        return operation
    gone = set(operation.named)
    members = [key for key, element in elements.items() if element.meta.get("groupId") in gone and key not in gone]
    data = {name: value for name, value in operation.data.items() if name != "members"}
    return msgspec.structs.replace(operation, data={**data, "members": sorted(members)} if members else data)


def replay(elements: dict[str, Element], operations: Iterable[Operation]) -> dict[str, Element]:
    """Apply operations to `elements`, one after another, in place; gives the same map."""
    for operation in operations:
        settle(elements, apply(elements, operation).touched)
    return elements


def settle(elements: dict[str, Element], touched: Mapping[str, Element | None]) -> None:
    """Bring a map to what a change says."""
    for element_id, element in touched.items():
        if element is None:
            elements.pop(element_id, None)
        else:
            elements[element_id] = element


def difference(current: Elements, wanted: Elements) -> list[Operation]:
    """The operations that turn one map into another: at most a delete, a create and an update."""
    gone = [key for key, element in current.items() if key not in wanted or wanted[key].type is not element.type]
    new = {key: wanted[key] for key in wanted if key not in current or key in gone}
    changed = {
        key: _updates(current[key], element)
        for key, element in wanted.items()
        if key not in new and current[key] != element
    }
    operations = [_delete(sorted(gone))] if gone else []
    if new:
        operations.append(_create(new))
    if changed:
        operations.append(_update(changed))
    return operations


def _do_create(elements: Elements, operation: Operation, data: Create) -> Change:
    made = data.made(operation)
    for element_id in made:
        _absent(elements, element_id, operation)
    touched = {key: normal(element) for key, element in made.items()}
    # Who has come into another group since, or is gone, stays as it is.
    back = {key for key in data.group_ids if key in elements and "groupId" not in elements[key].meta}
    touched |= {key: _with_meta(elements[key], {"groupId": data.group_ids[key]}) for key in back}
    return Change(touched, _delete(list(made), sorted(back)))


def _do_delete(elements: Elements, operation: Operation, data: Delete) -> Change:
    gone = {key: _present(elements, key, operation) for key in _named(operation)}
    left = {
        key: str(elements[key].meta["groupId"])
        for key in data.members
        if key in elements and key not in gone and elements[key].meta.get("groupId") in gone
    }
    touched: dict[str, Element | None] = {key: _with_meta(elements[key], {"groupId": None}) for key in left}
    return Change(touched | dict.fromkeys(gone), _create(gone, left))


def _do_disconnect(elements: Elements, operation: Operation, _: object) -> Change:
    for key in _named(operation):
        if _present(elements, key, operation).type is not ElementType.CONNECTOR:
            raise InvalidInputError(f"{_title(operation)}: {key} is no connector")
    return _do_delete(elements, operation, Delete())


def _do_move(elements: Elements, operation: Operation, data: Move) -> Change:
    right, down = on_grid(data.delta.x), on_grid(data.delta.y)
    touched = {}
    for key in _named(operation):
        element = _present(elements, key, operation)
        moved = msgspec.structs.replace(element, x=element.x + right, y=element.y + down)
        touched[key] = _checked(moved, key, operation)
    back = {"delta": {"x": 0.0 - right, "y": 0.0 - down}}
    return Change(touched, msgspec.structs.replace(operation, data=back))


def _do_update(elements: Elements, operation: Operation, data: Update) -> Change:
    return _change_fields(elements, operation, data.each(operation))


def _do_resize(elements: Elements, operation: Operation, data: Resize) -> Change:
    return _change_fields(elements, operation, dict.fromkeys(_named(operation), data.updates()))


def _do_layer(elements: Elements, operation: Operation, data: Layering) -> Change:
    return _change_fields(elements, operation, dict.fromkeys(_named(operation), Updates(z_index=data.z_index)))


def _do_style(elements: Elements, operation: Operation, data: Style) -> Change:
    return _change_fields(elements, operation, dict.fromkeys(_named(operation), data.updates()))


def _do_nothing(_: Elements, __: Operation, ___: object) -> Change:
    """Who has selected what is nobody's past: it changes no element, and there is nothing to take back."""
    return Change({}, None)


def _do_connect(elements: Elements, operation: Operation, data: Connect) -> Change:
    connector_id = _single(operation)
    _absent(elements, connector_id, operation)
    for end in (data.start, data.end):
        _present(elements, end, operation)
    return Change({connector_id: normal(data.connector())}, _only(OperationType.DISCONNECT, [connector_id]))


def _do_group(elements: Elements, operation: Operation, data: Group) -> Change:
    group_id = _single(operation)
    _absent(elements, group_id, operation)
    members = {key: _present(elements, key, operation) for key in data.members(operation)}
    former = {key: element.meta.get("groupId") for key, element in members.items()}
    touched = {key: _with_meta(element, {"groupId": group_id}) for key, element in members.items()}
    touched[group_id] = normal(data.group(list(members)))
    inverse = Operation(OperationType.UNGROUP, group_id, data={"groupIds": former})
    return Change(touched, inverse)


def _do_ungroup(elements: Elements, operation: Operation, data: Ungroup) -> Change:
    group_id = _single(operation)
    group = _present(elements, group_id, operation)
    if group.type is not ElementType.GROUP:
        raise InvalidInputError(f"{_title(operation)}: {group_id} is no group")
    candidates = elements if data.group_ids is None else data.group_ids
    members = [
        key
        for key in candidates
        if key != group_id and key in elements and elements[key].meta.get("groupId") == group_id
    ]
    former = data.group_ids or {}
    touched: dict[str, Element | None] = {
        key: _with_meta(elements[key], {"groupId": former.get(key)}) for key in members
    }
    touched[group_id] = None
    again = {"element": msgspec.to_builtins(group), "members": members}
    return Change(touched, Operation(OperationType.GROUP, group_id, data=again))


_RULES: dict[OperationType, Rule] = {
    OperationType.CREATE: _do_create,
    OperationType.UPDATE: _do_update,
    OperationType.DELETE: _do_delete,
    OperationType.MOVE: _do_move,
    OperationType.RESIZE: _do_resize,
    OperationType.SELECT: _do_nothing,
    OperationType.DESELECT: _do_nothing,
    OperationType.CONNECT: _do_connect,
    OperationType.DISCONNECT: _do_disconnect,
    OperationType.GROUP: _do_group,
    OperationType.UNGROUP: _do_ungroup,
    OperationType.LAYER: _do_layer,
    OperationType.STYLE: _do_style,
}


@contextmanager
def _named_errors(operation: Operation) -> Iterator[None]:
    """Turn complaints of the data's form into ours, which name the operation."""
    try:
        yield
    except msgspec.ValidationError as error:
        raise InvalidInputError(f"{_title(operation)} cannot be used: {error}") from error


_FIELDS = {field.name: field.encode_name for field in msgspec.structs.fields(Updates)}


def _change_fields(elements: Elements, operation: Operation, updates: Mapping[str, Updates]) -> Change:
    """Set fields of elements; the inverse sets the same fields to what they were."""
    touched, former = {}, {}
    for key, wanted in updates.items():
        element = _present(elements, key, operation)
        changed = {name: value for name in _FIELDS if (value := getattr(wanted, name)) is not msgspec.UNSET}
        entries: Meta = changed.pop("meta", {})
        touched[key] = _checked(msgspec.structs.replace(_with_meta(element, entries), **changed), key, operation)
        former[key] = {_FIELDS[name]: getattr(element, name) for name in changed}
        if entries:
            former[key]["meta"] = {entry: element.meta.get(entry) for entry in entries}
    return Change(touched, _update(former))


def _updates(before: Element, after: Element) -> dict[str, Any]:
    """The updates that turn one element into another of its type."""
    changed = {
        written: getattr(after, name)
        for name, written in _FIELDS.items()
        if name != "meta" and getattr(before, name) != getattr(after, name)
    }
    entries = {
        entry: after.meta.get(entry)
        for entry in {**before.meta, **after.meta}
        if before.meta.get(entry) != after.meta.get(entry)
    }
    return changed | {"meta": entries} if entries else changed


def _with_meta(element: Element, entries: Meta) -> Element:
    """The element with entries of `meta` set, or taken out where they are null."""
    if not entries:
        return element
    meta = {key: value for key, value in {**element.meta, **entries}.items() if value is not None}
    return msgspec.structs.replace(element, meta=meta)


def _checked(element: Element, element_id: str, operation: Operation) -> Element:
    """The element on the grid; raises `InvalidInputError` when it left the canvas."""
    element = normal(element)
    if max(abs(element.x), abs(element.y)) > FARTHEST:
        raise InvalidInputError(f"{_title(operation)}: {element_id} would leave the canvas, {FARTHEST:.0f} units wide")
    return element


def _present(elements: Elements, element_id: str, operation: Operation) -> Element:
    try:
        return elements[element_id]
    except KeyError:
        raise InvalidInputError(f"{_title(operation)}: there is no element {element_id}") from None


def _absent(elements: Elements, element_id: str, operation: Operation) -> None:
    if element_id in elements:
        raise InvalidInputError(f"{_title(operation)}: there is an element {element_id} already")


def _named(operation: Operation) -> tuple[str, ...]:
    if not operation.named:
        raise InvalidInputError(f"{_title(operation)} names no element; give elementId or elementIds")
    return operation.named


def _single(operation: Operation) -> str:
    if operation.element_id is None:
        raise InvalidInputError(f"{_title(operation)} names no element of its own; give elementId")
    return operation.element_id


def _title(operation: Operation) -> str:
    return f"{operation.type} {', '.join(operation.named[:3])}".strip()


def _delete(ids: list[str], members: list[str] | None = None) -> Operation:
    operation = _only(OperationType.DELETE, ids)
    return msgspec.structs.replace(operation, data={"members": members}) if members else operation


def _only(kind: OperationType, ids: list[str]) -> Operation:
    """An operation that needs no data."""
    return Operation(kind, ids[0]) if len(ids) == 1 else Operation(kind, element_ids=tuple(ids))


def _create(made: Mapping[str, Element], groups: Mapping[str, str] | None = None) -> Operation:
    data = {"elements": {key: msgspec.to_builtins(made[key]) for key in made}}
    return Operation(OperationType.CREATE, data={**data, "groupIds": dict(groups)} if groups else data)


def _update(updates: Mapping[str, Mapping[str, Any]]) -> Operation:
    return Operation(OperationType.UPDATE, data={"each": dict(updates)})
