"""What can be wrong with a family's document, where, and what to do about it.

It holds the error that quarantines a document, and translates the JSON decoder's complaints into it. Keep out: the
checks themselves (`decode`).
"""

from __future__ import annotations

import json
import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from orchestration.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable

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
    WRONG_VALUE = "wrong_value"
    MISSING = "missing"
    TOO_LONG = "too_long"
    OUT_OF_RANGE = "out_of_range"
    WRONG_FAMILY = "wrong_family"
    NO_VARIANTS = "no_variants"
    DUPLICATE_VARIANT = "duplicate_variant"

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
    """Why the JSON decoder refused: `path` is relative to what it was given."""

    code: Fault
    found: str
    path: str = ""


_COMPLAINTS = (
    (re.compile(r"missing required field|of length >= "), Fault.MISSING),
    (re.compile(r"of length <= "), Fault.TOO_LONG),
    (re.compile(r"` [<>]=? |out of range"), Fault.OUT_OF_RANGE),
    (re.compile(r"Invalid enum value"), Fault.WRONG_VALUE),
)
_LOCATED = re.compile(r"(?P<found>.*?)(?: - at (?:`key` in )?`\$(?P<path>.*)`)?", re.DOTALL)
_MISSING_FIELD = re.compile(r"Object missing required field `(.*)`")
_STEP = re.compile(r"\[\.\.\.\]|\[(\d+)\]|\.([^.\[]+)")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def explain(error: Exception, data: bytes, decode: Callable[[bytes], object]) -> Explanation:
    """Explain the msgspec.DecodeError or RecursionError that `decode` raised on `data`.

    A wrong value in a document that also breaks off is explained by the latter: the transfer is at fault.
    """
    if isinstance(error, RecursionError):
        return Explanation(Fault.TOO_DEEP, "the JSON is nested too deeply")
    if not isinstance(error, msgspec.ValidationError):
        return _explain_syntax(error, data)
    try:
        tree = msgspec.json.decode(data)
    except msgspec.ValidationError:  # a number that no decoder takes
        tree = None
    except (msgspec.DecodeError, RecursionError) as syntax:
        return explain(syntax, data, decode)
    return _explain_value(str(error), tree, decode)


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


def _explain_value(complaint: str, tree: object, decode: Callable[[bytes], object]) -> Explanation:
    match = _LOCATED.fullmatch(complaint)
    found, path = (match["found"], match["path"] or "") if match is not None else (complaint, "")
    code = next((fault for pattern, fault in _COMPLAINTS if pattern.search(found)), Fault.WRONG_TYPE)
    path = _name_keys(path, tree, decode, complaint)
    if missing := _MISSING_FIELD.fullmatch(found):
        return Explanation(code, "a required field is missing", f"{path}.{missing[1]}")
    return Explanation(code, f"{found[0].lower()}{found[1:_SHOWN_TEXT]}".replace("`", ""), path)


def _name_keys(path: str, tree: object, decode: Callable[[bytes], object], complaint: str) -> str:
    """The path with each `[...]`, which the decoder writes for any key of a mapping, replaced by the key.

    The key is found by trying: the mapping with that one key alone draws the same complaint. A path that does not lead
    through the tree is returned as it is: the tree is None for a document with a number that no decoder takes.
    """
    node: Any = tree
    exact = ""
    key: str | int
    for step in _STEP.finditer(path):
        if step[0] == "[...]":
            guilty = _guilty_key(node, lambda: decode(json.dumps(tree).encode()), complaint)
            if guilty is None:
                return path
            key, name = guilty, f".{guilty}"
        else:
            key, name = int(step[1]) if step[1] else step[2], step[0]
        exact += name
        try:
            node = node[key]
        except (KeyError, IndexError, TypeError):
            return path
    return exact


def _guilty_key(mapping: object, decode: Callable[[], object], complaint: str) -> str | None:
    """The key that draws the complaint when it is alone; all others are gone from the mapping then."""
    if not isinstance(mapping, dict):
        return None
    entries: dict[str, Any] = dict(mapping)
    for key, value in entries.items():
        mapping.clear()
        mapping[key] = value
        try:
            decode()
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            if str(error) == complaint:
                return key
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
