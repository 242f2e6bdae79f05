"""Why a product is refused, in words that an operator can act on.

It holds the names of the checks, and the refusal. Keep out: the checks, each of which stands beside what it measures.
"""

from __future__ import annotations

from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from orchestration.errors import RefusedError
from orchestration.lettering.errors import TextError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Check(StrEnum):
    """One promise that every printed file keeps."""

    TEXT = "text"
    CHARACTERS = "characters_drawn"
    STROKES = "strokes_printable"
    ONE_PIECE = "one_piece"
    SLIVERS = "no_slivers"
    BED = "fits_the_bed"
    WATERTIGHT = "watertight"


class PrintRefusedError(RefusedError):
    """The text or the product breaks one of the checks.

    `check` names the promise, `problem` the character or measure that failed, `remedy` what to do about it.
    """

    def __init__(self, check: Check, problem: str, *, remedy: str) -> None:
        super().__init__(f"{problem}: {remedy}")
        self.check = check
        self.problem = problem
        self.remedy = remedy

    @property
    def refusal(self) -> Refusal:
        """What it says, as plain data."""
        return Refusal(self.check, self.problem, self.remedy)


class Refusal(NamedTuple):
    """A refused product: `check`, `problem` and `remedy` as in the error; `picture` is the object key of a drawing."""

    check: Check
    problem: str
    remedy: str
    picture: str | None = None

    @property
    def error(self) -> PrintRefusedError:
        """The error that says the same."""
        return PrintRefusedError(self.check, self.problem, remedy=self.remedy)


@contextmanager
def refused_by(check: Check) -> Iterator[None]:
    """Turn a text that cannot be drawn into a product that `check` refuses."""
    try:
        yield
    except TextError as error:
        raise PrintRefusedError(check, error.problem, remedy=error.remedy) from error
