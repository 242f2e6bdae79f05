"""What a client of a canvas sends, and what is read back of it: operations, boards, snapshots."""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING

import msgspec

from orchestration.canvas.model import Element, Operation, read_operation
from orchestration.canvas.operations import apply, difference, needed, replay, settle, with_members
from orchestration.canvas.snapshot_form import VERSION, read_snapshot, write_snapshot
from orchestration.errors import InvalidInputError
from orchestration_tests.canvas.boards import made_by, work
from orchestration_tests.fuzz.mutation import of_json
from orchestration_tests.fuzz.target import Target, expect, expect_storable, json_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    Elements = dict[str, Element]

_NUL = b"\\u0000"


def play_operations(data: bytes) -> None:
    """A list of operations on an empty canvas.

    What is applied can be taken back, stored, saved and loaded; and a replay of the log gives the same board.
    """
    documents = json_of(data)
    board: Elements = {}
    log: list[Operation] = []
    for document in documents if isinstance(documents, list) else [documents]:
        try:
            operation = read_operation(document)
            needed([operation])
            operation = with_members(board, operation)
            _do(board, operation)
        except InvalidInputError as error:
            expect_storable(str(error).encode("utf-8", "replace").decode())
        else:
            log.append(operation)
    expect(replay({}, log) == board, "a replay gives another board")
    saved = write_snapshot(board)
    expect(read_snapshot(*saved[:4]) == board, "a snapshot gives another board")
    expect(not difference(board, board), "a board differs from itself")


def _do(board: Elements, operation: Operation) -> None:
    """Apply an operation, and see that its inverse gives back what was."""
    before = dict(board)
    change = apply(before, operation)
    text = msgspec.json.encode((operation, change.touched))
    expect(_NUL not in text, "a NUL is kept")
    settle(board, change.touched)
    if change.inverse is not None:
        again = dict(board)
        settle(again, apply(again, change.inverse).touched)
        expect(again == before, f"{operation} is not taken back by {change.inverse}")


def load_snapshot(data: bytes) -> None:
    """The bytes of a snapshot; their checksum is right, so that what they hold is looked at."""
    packed = zlib.compress(data[1:]) if data[:1] == b"{" else data
    read_snapshot(VERSION, hashlib.sha256(packed).hexdigest(), len(data), packed)


def _boards() -> Iterable[bytes]:
    return (msgspec.json.encode(work(20, seed, most=6)) for seed in range(8))


def snapshots() -> Iterable[bytes]:
    packed = write_snapshot(made_by(work(12, 1))).elements
    yield from (packed, b"{" + zlib.decompress(packed), zlib.compress(b"[]"))


TARGETS = (Target("canvas-operations", play_operations, _boards, mutation=of_json, longest=20_000),)
