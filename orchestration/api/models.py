"""The forms of bodies, parameters and pages that all routers share.

JSON names are in camelCase. A response is made from the domain's own value by its attributes. Keep out: the models of
one domain, which stand in its router.
"""

from __future__ import annotations

import base64
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

import msgspec
from fastapi import Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from orchestration.api.problems import Fault, ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")
R = TypeVar("R")

LONGEST_NAME = 512
LARGEST_NUMBER = 2**63 - 1
LARGEST_PAGE, USUAL_PAGE = 500, 100


def _storable(text: str) -> str:
    """Refuse what PostgreSQL stores in no text: NUL, and halves of surrogate pairs."""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("it holds a character that no text can hold")
    return text


Name = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NAME), AfterValidator(_storable)]
"""A name, a code or an id."""

LongName = Annotated[str, StringConstraints(min_length=1, max_length=4_000), AfterValidator(_storable)]
"""A key that may be an address of the web."""

PathName = Annotated[Name, Path()]
"""A name as a part of the address; one that cannot be is a 404."""

Number = Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]
"""The number of a row."""

PathNumber = Annotated[Number, Path()]
"""The number of a row as a part of the address; one that cannot be is a 404."""

Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="At most so many")]
"""How many items a page may have; give it the default `USUAL_PAGE`."""

After = Annotated[Name | None, Query(description="The `next` of the page before")]
"""The key after which a page begins."""

AfterNumber = Annotated[Annotated[int, Field(ge=0, le=LARGEST_NUMBER)] | None, Query(description="The `next` before")]
"""The number after which a page begins."""


class ApiModel(BaseModel):
    """A body or an answer."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, from_attributes=True)


class Body(ApiModel):
    """A body that is sent; a field that is unknown is a fault, since it would be ignored otherwise."""

    model_config = ConfigDict(extra="forbid")


class Page(ApiModel, Generic[T]):
    """Items in their order. `next` is what to give as `after` for the following ones; null at the end."""

    items: list[T]
    next: str | int | None = None


def page_of(rows: Sequence[R], limit: int, key: Callable[[R], str | int]) -> dict[str, Any]:
    """A page of `limit` items out of `rows`, of which the caller has read one more if there is one."""
    items = rows[:limit]
    return {"items": items, "next": key(items[-1]) if len(rows) > limit else None}


def cursor_of(*parts: str) -> str:
    """Several parts of a key as one `next`, which nobody but `parts_of` reads."""
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).decode()


def parts_of(cursor: str) -> tuple[str, str]:
    """The two parts of a key; answers 422 for what `cursor_of` has not made."""
    try:
        first, second = msgspec.json.decode(base64.b64decode(cursor, b"-_", validate=True), type=tuple[str, str])
        return _storable(first), _storable(second)
    except (ValueError, msgspec.MsgspecError) as error:
        raise _not_a_next() from error


def moment_and_name_of(cursor: str) -> tuple[datetime, str]:
    """The two parts of a key, of which the first is a moment in ISO 8601; answers 422 as `parts_of` does."""
    first, second = parts_of(cursor)
    try:
        return datetime.fromisoformat(first), second
    except ValueError as error:
        raise _not_a_next() from error


def _not_a_next() -> ProblemError:
    fault = Fault(path="query.after", detail="give the `next` of the page before")
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", fault.detail, errors=[fault])


def example(**values: Any) -> ConfigDict:  # noqa: ANN401 - as JSON has them
    """The `model_config` of a model with an example, by its JSON names; the documentation shows it."""
    return ConfigDict(json_schema_extra={"examples": [values]})
