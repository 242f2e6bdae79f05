"""Random operations that fit a canvas, for hypothesis: few ids, so that they meet; values from the edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from hypothesis import strategies as st

from orchestration.canvas.model import FARTHEST, Element, ElementType, Operation, OperationType, clean, normal
from orchestration.canvas.operations import apply, settle
from orchestration.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping


IDS = [*"abcdef", "Größe", "g1", "g2"]

lengths = st.floats(-1e6, 1e6) | st.integers(-100, 100) | st.sampled_from([0.1, -0.0, FARTHEST, -FARTHEST])
sizes = st.floats(0, 1e6) | st.integers(0, 100)
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats(-1e9, 1e9) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=3,
)
metas = st.fixed_dictionaries(
    {},
    optional={
        "mediaId": st.sampled_from(["m-1", "m-2"]),
        "text": texts,
        "fill": values,
        "groupId": st.sampled_from(["frame-1", "frame-2"]),
    },
)
fields = {
    "x": lengths, "y": lengths, "width": sizes, "height": sizes, "rotation": lengths, "scaleX": lengths,
    "scaleY": lengths, "opacity": st.floats(0, 1), "visible": st.booleans(), "locked": st.booleans(),
    "zIndex": st.integers(-5, 5), "meta": metas,
}  # fmt: skip
looks = st.fixed_dictionaries({}, optional={"opacity": st.floats(0, 1), "fill": values, "fontSize": values})


def drawn(*kinds: ElementType) -> st.SearchStrategy[dict[str, Any]]:
    """Elements of these kinds as a client sends them."""
    return st.fixed_dictionaries({"type": st.sampled_from([str(kind) for kind in kinds])}, optional=fields)


updates = st.fixed_dictionaries({}, optional=fields)
documents = drawn(*ElementType)


class Idea(NamedTuple):
    """An operation before it is known what is on the canvas: elements are numbers."""

    kind: OperationType
    numbers: list[int]
    data: dict[str, Any]

    def on(self, elements: Mapping[str, Element]) -> Operation:
        """The operation on this canvas; it mostly fits."""
        there = [_pick(sorted(self._fitting(elements)), number) for number in self.numbers]
        new = [_pick([key for key in IDS if key not in elements], number) for number in self.numbers]
        data = dict(self.data)
        for name, ids in (("elements", new), ("each", there)):
            if name in data:
                return clean(Operation(self.kind, data={name: dict(zip(ids, data[name], strict=False))}))
        if self.kind is OperationType.CONNECT:
            return clean(Operation(self.kind, new[0], data=data | {"from": there[0], "to": there[-1]}))
        if self.kind in {OperationType.CREATE, OperationType.GROUP}:
            return clean(Operation(self.kind, new[0], tuple(there), data))
        if self.kind is OperationType.UNGROUP:
            return clean(Operation(self.kind, there[0], data=data))
        return clean(Operation(self.kind, element_ids=tuple(there), data=data))

    def _fitting(self, elements: Mapping[str, Element]) -> list[str]:
        wanted = {OperationType.UNGROUP: ElementType.GROUP, OperationType.DISCONNECT: ElementType.CONNECTOR}
        kind = wanted.get(self.kind)
        return [key for key, element in elements.items() if kind in {None, element.type}]


def _pick(ids: list[str], number: int) -> str:
    return (ids or IDS)[number % len(ids or IDS)]


def _idea(kind: OperationType, **data: st.SearchStrategy[Any]) -> st.SearchStrategy[Idea]:
    numbers = st.lists(st.integers(0, 8), min_size=1, max_size=3)
    return st.builds(Idea, st.just(kind), numbers, st.fixed_dictionaries(data))


ideas = st.one_of(
    _idea(OperationType.CREATE, element=documents),
    _idea(OperationType.CREATE, elements=st.lists(documents, min_size=1, max_size=3)),
    _idea(OperationType.DELETE),
    _idea(OperationType.UPDATE, updates=updates),
    _idea(OperationType.UPDATE, each=st.lists(updates, min_size=1, max_size=3)),
    _idea(OperationType.MOVE, delta=st.fixed_dictionaries({"x": lengths, "y": lengths})),
    _idea(OperationType.RESIZE, width=sizes, height=sizes),
    _idea(OperationType.RESIZE, width=sizes, height=sizes, x=lengths),
    _idea(OperationType.SELECT),
    _idea(OperationType.CONNECT, toAnchor=values),
    _idea(OperationType.CONNECT, element=drawn(ElementType.CONNECTOR)),
    _idea(OperationType.DISCONNECT),
    _idea(OperationType.GROUP),
    _idea(OperationType.GROUP, element=drawn(ElementType.GROUP)),
    _idea(OperationType.UNGROUP),
    _idea(OperationType.LAYER, zIndex=st.integers(-9, 9)),
    _idea(OperationType.STYLE, style=looks),
)
starts = _idea(OperationType.CREATE, elements=st.lists(documents, min_size=2, max_size=3))


def _history(drawn: tuple[Idea, list[Idea]]) -> list[Operation]:
    start, later = drawn
    elements: dict[str, Element] = {}
    history = []
    for idea in (start, *later):
        operation = idea.on(elements)
        try:
            settle(elements, apply(elements, operation).touched)
        except InvalidInputError:
            continue
        history.append(operation)
    return history


# Operations that can be applied one after another to an empty canvas; the first makes a few elements.
histories = st.tuples(starts, st.lists(ideas, max_size=15)).map(_history)


def element(kind: ElementType = ElementType.SHAPE, **values: Any) -> Element:  # noqa: ANN401 - an element's fields
    """An element as the rules keep it."""
    return normal(msgspec.structs.replace(Element(kind), **values))
