"""Operations do what they say, can be taken back exactly, and refuse what does not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings

from orchestration.canvas.model import Element, ElementType, Operation, OperationType, clean, plain, read_operation
from orchestration.canvas.operations import apply, difference, needed, replay, settle
from orchestration.errors import InvalidInputError
from orchestration_tests.canvas.boards import made_by
from orchestration_tests.canvas.histories import Idea, element, histories, ideas

if TYPE_CHECKING:
    from collections.abc import Mapping

KIND = OperationType


def after(elements: Mapping[str, Element], *done: Operation) -> dict[str, Element]:
    """A canvas after operations."""
    return replay(dict(elements), [clean(operation) for operation in done])


def operation(kind: str, element_id: str | None = None, *ids: str, **data: Any) -> Operation:  # noqa: ANN401 - JSON
    """An operation as a client sends it."""
    return read_operation({"type": kind, "elementId": element_id, "elementIds": list(ids), "data": data})


@given(history=histories, idea=ideas)
@settings(max_examples=200, deadline=None)
def test_an_operation_and_its_inverse_leave_the_canvas_as_it_was(history: list[Operation], idea: Idea) -> None:
    before = made_by(history)
    try:
        done = idea.on(before)
        change = apply(before, done)
    except InvalidInputError:
        return
    later = dict(before)
    settle(later, change.touched)
    if change.inverse is None:
        assert later == before
        return
    inverse = clean(change.inverse)
    back = apply(later, inverse)
    settle(later, back.touched)
    assert later == before
    assert back.inverse is not None
    settle(later, apply(later, clean(back.inverse)).touched)
    assert later == after(before, done), "and the inverse of the inverse does it again"


@given(history=histories)
@settings(max_examples=60, deadline=None)
def test_a_whole_history_can_be_taken_back_step_by_step(history: list[Operation]) -> None:
    elements: dict[str, Element] = {}
    inverses = []
    for done in history:
        change = apply(elements, done)
        settle(elements, change.touched)
        if change.inverse:
            inverses.append(clean(change.inverse))
    assert replay(elements, reversed(inverses)) == {}


@given(history=histories)
@settings(max_examples=60, deadline=None)
def test_an_operation_needs_no_more_elements_than_it_names(history: list[Operation]) -> None:
    elements: dict[str, Element] = {}
    for done in history:
        ids, groups = needed([done])
        seen = {key: one for key, one in elements.items() if key in ids or one.meta.get("groupId") in groups}
        assert apply(seen, done) == apply(elements, done)
        settle(elements, apply(elements, done).touched)


@given(history=histories, other=histories)
@settings(max_examples=60, deadline=None)
def test_the_difference_of_two_canvases_turns_one_into_the_other(
    history: list[Operation], other: list[Operation]
) -> None:
    current, wanted = made_by(history), made_by(other)
    steps = difference(current, wanted)
    assert len(steps) <= 3
    assert after(current, *steps) == wanted
    assert difference(wanted, wanted) == []


@given(history=histories)
@settings(max_examples=40, deadline=None)
def test_elements_read_back_from_json_as_they_are(history: list[Operation]) -> None:
    elements = made_by(history)
    written = msgspec.json.encode(elements)
    assert msgspec.json.decode(written, type=dict[str, Element]) == elements


def test_moves_add_up_and_go_back_exactly() -> None:
    elements = {"a": element(x=0.1, y=0.2)}
    steps = [operation("move", "a", delta={"x": 0.1, "y": -1e-6}) for _ in range(10)]
    moved = after(elements, *steps)
    assert (moved["a"].x, moved["a"].y) == (1.1, 0.19999)
    inverse = apply(elements, steps[0]).inverse
    assert inverse is not None
    assert after(moved, *[inverse] * 10) == elements


def test_a_move_back_keeps_what_others_moved_meanwhile() -> None:
    elements = {"a": element()}
    mine = operation("move", "a", delta={"x": 5, "y": 0})
    theirs = operation("move", "a", delta={"x": 0, "y": 7})
    inverse = apply(elements, mine).inverse
    assert inverse is not None
    assert after(elements, mine, theirs, inverse)["a"] == element(y=7.0)


def test_an_update_merges_fields_and_entries_of_meta() -> None:
    elements = {"a": element(x=1.0, meta={"text": "old", "fill": {"red": 1}})}
    done = operation("update", "a", updates={"y": 2, "meta": {"text": None, "fill": {"green": 2}, "url": "u"}})
    assert after(elements, done)["a"] == element(x=1.0, y=2.0, meta={"fill": {"green": 2}, "url": "u"})


def test_an_undo_of_an_update_keeps_what_others_changed_meanwhile() -> None:
    elements = {"a": element(meta={"text": "old"})}
    mine = operation("update", "a", updates={"meta": {"text": "mine"}})
    theirs = operation("update", "a", updates={"opacity": 0.5, "meta": {"fill": "red"}})
    inverse = apply(elements, mine).inverse
    assert inverse is not None
    assert after(elements, mine, theirs, inverse)["a"] == element(opacity=0.5, meta={"text": "old", "fill": "red"})


def test_resize_layer_and_style_change_what_they_say() -> None:
    elements = {"a": element(), "b": element(ElementType.TEXT)}
    done = after(
        elements,
        operation("resize", "a", width=30, height=20, x=-5),
        operation("layer", None, "a", "b", zIndex=7),
        operation("style", "b", style={"opacity": 0.25, "fontSize": 12, "fill": "#000"}),
    )
    assert done == {
        "a": element(x=-5.0, width=30.0, height=20.0, z_index=7),
        "b": element(ElementType.TEXT, opacity=0.25, z_index=7, meta={"fontSize": 12, "fill": "#000"}),
    }


def test_connect_makes_a_connector_and_disconnect_takes_it_away() -> None:
    ends = {"a": element(), "b": element()}
    connected = after(ends, operation("connect", "c", **{"from": "a", "to": "b", "toAnchor": "left"}))
    meta = {"connectorFrom": "a", "connectorTo": "b", "toAnchor": "left"}
    assert connected["c"] == element(ElementType.CONNECTOR, meta=meta)
    assert after(connected, operation("disconnect", "c")) == ends
    with pytest.raises(InvalidInputError, match="a is no connector"):
        apply(connected, operation("disconnect", "a"))


def test_group_and_ungroup_set_the_members_group() -> None:
    lone = {"a": element(), "b": element(meta={"text": "x"})}
    grouped = after(lone, operation("group", "g", "a", "b"))
    assert grouped["g"] == element(ElementType.GROUP, meta={"memberElementIds": ["a", "b"]})
    assert [grouped[key].meta["groupId"] for key in "ab"] == ["g", "g"]
    assert after(grouped, operation("ungroup", "g")) == lone


def test_a_group_may_list_its_members_in_its_element() -> None:
    own = {"type": "group", "x": 3, "meta": {"memberElementIds": ["a"]}}
    grouped = after({"a": element()}, operation("group", "g", element=own))
    assert grouped["g"].x == 3
    assert grouped["a"].meta == {"groupId": "g"}


def test_grouping_groups_can_be_taken_back() -> None:
    lone = {"a": element(), "b": element()}
    inner = after(lone, operation("group", "inner", "a", "b"))
    regroup = operation("group", "outer", "a")
    inverse = apply(inner, regroup).inverse
    assert inverse is not None
    assert after(inner, regroup)["a"].meta["groupId"] == "outer"
    assert after(inner, regroup, inverse) == inner


def test_selections_change_nothing_and_have_no_inverse() -> None:
    elements = {"a": element()}
    for kind in ("select", "deselect"):
        assert apply(elements, operation(kind, "a", tool="lasso")) == ({}, None)


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (operation("create", "a", element={"type": "text"}), "there is an element a already"),
        (operation("create", "n"), "create needs elementId"),
        (operation("create", "n", element={"type": "sofa"}), "create n cannot be used.*sofa"),
        (operation("create", "n", element={"type": "text", "opacity": 1.5}), "create n cannot be used.*<= 1"),
        (operation("create", "n", element={"type": "text", "id": "n"}), "unknown field `id`"),
        (operation("update", "n", updates={"x": 1}), "update n: there is no element n"),
        (operation("update", "a"), "update needs"),
        (operation("update", "a", updates={"type": "text"}), "unknown field `type`"),
        (operation("delete", None, "a", "n"), "there is no element n"),
        (operation("delete"), "delete names no element"),
        (operation("move", "a"), "move a cannot be used: .*delta"),
        (operation("move", "a", delta={"x": "far"}), "move a cannot be used"),
        (operation("move", "far", delta={"x": 1}), "far would leave the canvas"),
        (operation("resize", "a", width=-1, height=1), "resize a cannot be used: .*>= 0"),
        (operation("connect", "n", **{"from": "a", "to": "m"}), "there is no element m"),
        (operation("connect", **{"from": "a", "to": "a"}), "connect names no element of its own"),
        (operation("connect", "n", **{"from": "a", "to": "a", "element": {"type": "text"}}), "not a text"),
        (operation("group", "n", "a", "m"), "there is no element m"),
        (operation("group", "n"), "group n needs its members"),
        (operation("group", "n", "a", element={"type": "text"}), "not a text"),
        (operation("group", "n", element={"type": "group", "meta": {"memberElementIds": 3}}), "group n cannot"),
        (operation("ungroup", "a"), "a is no group"),
        (operation("layer", "a", zIndex=1.5), "layer a cannot be used"),
        (operation("style", "a", style={"weight": 3}), "unknown field `weight`"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(wrong: Operation, complaint: str) -> None:
    elements = {"a": element(), "far": element(x=1e8)}
    kept = dict(elements)
    with pytest.raises(InvalidInputError, match=complaint):
        apply(elements, wrong)
    assert elements == kept


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("a\0b", "NUL"), ("\ud800", "surrogates"), ({"\0": 1}, "NUL"), (float("nan"), "too large"),
        (float("inf"), "too large"), (2**63, "too large"), (b"bytes", "bytes is no JSON value"),
    ],
)  # fmt: skip
def test_values_that_cannot_be_stored_are_refused(value: object, complaint: str) -> None:
    with pytest.raises(InvalidInputError, match=complaint):
        plain({"meta": [value]})


def test_deep_nesting_is_refused() -> None:
    value: list[Any] = []
    for _ in range(10_000):
        value = [value]
    with pytest.raises(InvalidInputError, match="nested"):
        plain(value)


@pytest.mark.parametrize(
    "document", [{}, {"type": "paint"}, {"type": "move", "elementId": ""}, {"type": "move", "x": 1}]
)
def test_documents_that_are_no_operations_are_refused(document: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match="cannot be used"):
        read_operation(document)
