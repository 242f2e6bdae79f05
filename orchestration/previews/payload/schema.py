"""The schema of preview jobs, compiled once, and the faults that it finds.

The one validator of the door and of the worker. Keep out: what the schema cannot say (`reading`), and the types
(`model`).
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from orchestration.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import jsonschema_rs

    Path = tuple[str | int, ...]

SCHEMA_FILE = "preview-job.schema.json"
# A payload that is wrong in ten thousand places is not listed to its end.
LISTED_FAULTS = 100


class Fault(NamedTuple):
    """What is wrong with one value of a payload; `path` is a JSONPath such as `$.previewRequest.steps[0].text`."""

    path: str
    problem: str


class InvalidPayloadError(InvalidInputError):
    """A payload breaks the schema or contradicts itself; `faults` lists where."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        more = f"; and {len(faults) - 1} more" if len(faults) > 1 else ""
        super().__init__(f"{faults[0].path}: {faults[0].problem}{more}")
        self.faults = tuple(faults)

    def __reduce__(self) -> tuple[type[InvalidPayloadError], tuple[tuple[Fault, ...]]]:
        """Come whole out of a render process."""
        return InvalidPayloadError, (self.faults,)


def schema_text() -> str:
    """The schema as it is published (JSON Schema draft-07)."""
    return files("orchestration.previews").joinpath("schemas", SCHEMA_FILE).read_text(encoding="utf-8")


def json_path(path: Path) -> str:
    """Write a path as JSONPath.

    >>> json_path(("previewRequest", "steps", 0, "text"))
    '$.previewRequest.steps[0].text'
    """
    return "$" + "".join(map(_segment, path))


def _segment(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if part.isidentifier() else f"[{msgspec.json.encode(part).decode()}]"


def schema_faults(document: object) -> list[Fault]:
    """What of the decoded `document` breaks the schema, in its order; text must be free of lone surrogates."""
    found: list[Fault] = []
    for error in _validator().iter_errors(document):
        found += _faults(error)
        if len(found) >= LISTED_FAULTS:
            break
    return sorted(found)[:LISTED_FAULTS]


@cache
def _validator() -> jsonschema_rs.Validator:
    import jsonschema_rs

    schema: dict[str, Any] = msgspec.json.decode(schema_text())
    return jsonschema_rs.validator_for(schema, validate_formats=True, mask="the value")


def _faults(error: jsonschema_rs.ValidationError) -> Iterator[Fault]:
    path, kind = tuple(error.instance_path), error.kind
    if kind.name == "additionalProperties":
        for name in kind.value:
            yield Fault(json_path((*path, name)), "is not a field of a preview job; remove it, or correct its name")
    elif kind.name == "required":
        yield Fault(json_path((*path, kind.value)), "is required")
    else:
        # The library's message, in which the value itself is not repeated.
        yield Fault(json_path(path), error.message)
