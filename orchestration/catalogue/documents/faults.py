"""What can be wrong with a family's document, where, and what to do about it.

It holds the error that quarantines a document, and says why bytes are no JSON. Keep out: the
checks themselves (`decode`).
"""

from __future__ import annotations

import json
import re
from enum import StrEnum
from typing import NamedTuple

import msgspec

from orchestration.errors import InvalidInputError

_ASK = "the supplier has to correct the document; once it is, replay it from the quarantine"
_FETCH = "the next sync fetches it again; if that changes nothing, ask the supplier"
_SHOWN_TEXT = 200


class Fault(StrEnum):
    """The kinds of fault; the values are stored."""

    EMPTY = "empty"
    HTML = "html"
    NUL_CHARACTER = "nul_character"
    NOT_UTF8 = "not_utf8"
    LONE_SURROGATE = "lone_surrogate"
    NOT_JSON = "not_json"
    TRUNCATED = "truncated"
    TOO_DEEP = "too_deep"
    WRONG_TYPE = "wrong_type"
    MISSING = "missing"
    TOO_LONG = "too_long"
    OUT_OF_RANGE = "out_of_range"
    WRONG_FAMILY = "wrong_family"
    NO_VARIANTS = "no_variants"

    @property
    def remedy(self) -> str:
        """What an operator can do."""
        return _FETCH if self.is_of_the_transfer else _ASK

    @property
    def is_of_the_transfer(self) -> bool:
        """Whether the transfer may be at fault, and not the document."""
        return self in _OF_THE_TRANSFER


_OF_THE_TRANSFER = frozenset({Fault.EMPTY, Fault.HTML, Fault.TRUNCATED})


class DocumentError(InvalidInputError):
    """A family's document that cannot be taken: `code`, and `path` as a JSON path from `$`, the root."""

    def __init__(self, a_number: str, code: Fault, found: str, *, path: str = "$") -> None:
        super().__init__(f"{a_number}: {path}: {found}; {code.remedy}")
        self.a_number = a_number
        self.code = code
        self.path = path


class Explanation(NamedTuple):
    """Why the JSON decoder refused."""

    code: Fault
    found: str
    path: str = ""


_SURROGATE = re.compile(r"[\ud800-\udfff]")


def explain(error: Exception, data: bytes) -> Explanation:
    """Explain the msgspec.DecodeError or RecursionError that reading `data` as JSON raised."""
    if isinstance(error, RecursionError):
        return Explanation(Fault.TOO_DEEP, "the JSON is nested too deeply")
    if isinstance(error, msgspec.ValidationError):
        return Explanation(Fault.WRONG_TYPE, str(error)[:_SHOWN_TEXT])
    return _explain_syntax(error, data)


def _explain_syntax(error: Exception, data: bytes) -> Explanation:
    path = _path_of_surrogate(data)
    if path is not None:
        return Explanation(Fault.LONE_SURROGATE, "a text holds half of a surrogate pair, which is no character", path)
    if "truncated" in str(error):
        return Explanation(Fault.TRUNCATED, f"the document breaks off after {len(data)} bytes")
    return Explanation(Fault.NOT_JSON, str(error)[:_SHOWN_TEXT])


def _path_of_surrogate(data: bytes) -> str | None:
    """The standard library reads what the strict decoder takes for broken: a lone surrogate."""
    try:
        return path_of_text(json.loads(data), _SURROGATE)
    except (ValueError, RecursionError):
        return None


def path_of_text(tree: object, pattern: re.Pattern[str]) -> str | None:
    """The path below `$` of the first text in a JSON value that `pattern` finds something in; None when none does.

    For a key it is the path of its object, since the key itself cannot be shown.
    """
    waiting: list[tuple[str, object]] = [("", tree)]
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, str) and pattern.search(node):
            return path
        if isinstance(node, list):
            waiting += reversed([(f"{path}[{index}]", value) for index, value in enumerate(node)])
        if isinstance(node, dict):
            if any(pattern.search(key) for key in node):
                return path
            waiting += reversed([(f"{path}.{key}", value) for key, value in node.items()])
    return None
