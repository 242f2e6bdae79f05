"""What a fuzz target is, and when what it did counts as a finding.

The measure of one input: which errors may come, how much time and memory it may take. Keep out: the targets, which
stand by domain, and what makes inputs (`mutation`, `__main__`).
"""

from __future__ import annotations

import resource
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from orchestration.api.problems import ProblemError
from orchestration.api.routes import read_json
from orchestration.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from orchestration_tests.fuzz.mutation import Mutation

MOST_SECONDS: Final = 2.0
"""Of the processor, since how long a machine takes says how busy it is."""
MOST_BYTES: Final = 512 * 2**20
"""By how much one input may raise the memory that the process has had at most."""
_TEXT_ERRORS: Final = "surrogateescape"


class FindingError(AssertionError):
    """An input took too long or too much, or what came of it breaks a promise."""


@dataclass(frozen=True)
class Target:
    """A reader of bytes from outside.

    `run` gives them to the product and holds what comes of it against what the product promises. `declared` are the
    errors that the product may raise for such an input; each other is a finding. `seeds` are inputs to begin with.
    `mutation` knows the form of the input; None changes its bytes blindly. `longest` is in bytes.
    """

    name: str
    run: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]
    declared: tuple[type[Exception], ...] = (InvalidInputError,)
    mutation: Mutation | None = None
    longest: int = 4096


def attempt(target: Target, data: bytes) -> None:
    """Give one input to a target; raises what it raises beside what is declared, and `FindingError`."""
    started, before = time.process_time(), _peak()
    try:
        target.run(data)
    except target.declared:
        pass
    except RecursionError as error:
        raise FindingError("nested deeper than the interpreter goes") from error
    seconds, further = time.process_time() - started, _peak() - before
    if seconds > MOST_SECONDS:
        raise FindingError(f"{len(data)} bytes took {seconds:.1f} s")
    if further > MOST_BYTES:
        raise FindingError(f"{len(data)} bytes took {further / 2**20:.0f} MiB")


def each(*readers: Callable[[bytes], None], declared: tuple[type[Exception], ...]) -> Callable[[bytes], None]:
    """Readers of one form as one: each of them is given the input, whatever the others say of it."""

    def run(data: bytes) -> None:
        for reader in readers:
            with suppress(*declared):
                reader(data)

    return run


def text_of(data: bytes) -> str:
    """Bytes as text, in which also halves of characters occur: each byte that is no UTF-8 becomes one."""
    return data.decode("utf-8", _TEXT_ERRORS)


def json_of(data: bytes) -> Any:  # noqa: ANN401 - as JSON
    """Bytes as JSON that the API and PostgreSQL let through; raises `InvalidInputError` for what is none."""
    try:
        return read_json(data)
    except ProblemError as error:
        raise InvalidInputError("no JSON") from error


def bytes_of(*parts: str) -> bytes:
    """Texts as the bytes that `parts_of` takes apart again."""
    return "\0".join(parts).encode("utf-8", _TEXT_ERRORS)


def parts_of(data: bytes, count: int) -> list[str]:
    """So many texts, parted by NUL; the last one has what is left, and those that lack are empty."""
    parts = text_of(data).split("\0", count - 1)
    return parts + [""] * (count - len(parts))


def expect(holds: object, promise: str) -> None:
    """Raise `FindingError` for a promise that is not kept."""
    if not holds:
        raise FindingError(promise)


def expect_storable(*texts: str | None) -> None:
    """Hold texts against what PostgreSQL stores: no NUL, no halves of characters."""
    for text in texts:
        if text is not None:
            expect("\0" not in text, f"{text!r} holds NUL")
            expect(not any("\ud800" <= character <= "\udfff" for character in text), f"{text!r} is no Unicode")


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
