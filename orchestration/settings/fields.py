"""How a setting is declared: its variable's name where that is not its own, and lists of words.

The spelling of fields that every domain's mix-in shares. Keep out: the fields.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

from pydantic import AliasChoices, BeforeValidator, Field
from pydantic_settings import NoDecode

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

PREFIX = "ORCHESTRATION_"

# As many drain runs of one queue does `dagster.yaml` admit at the same time.
MOST_DRAINS = 8

POOL = "pool"


def _split(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""Several values, separated by commas."""


def _listed(value: object) -> object:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return value  # which is no list, as the check of the type will say


Box = Annotated[tuple[float, float, float], NoDecode, BeforeValidator(_listed)]
"""Width, depth and height, as a JSON list."""


def web_address(value: str) -> str:
    """An address that links begin with; raises ValueError for one that no browser would follow."""
    try:
        parts = urlsplit(value)
        is_whole = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
        is_followed = is_whole and not (parts.query or parts.fragment)
    except ValueError:  # as for a port that is no number
        is_followed = False
    if not is_followed:
        raise ValueError("Input should be an address such as https://assets.example.com")
    return value


def renamed(default: object, *variables: str, **rules: Any) -> Any:  # noqa: ANN401 - as pydantic's `Field`
    """A field that is read from `variables`, the first of them that is set, rather than from one named like it."""
    return Field(default, validation_alias=AliasChoices(*variables), **rules)


def drains(default: int, *, pool: str, description: str) -> Any:  # noqa: ANN401 - as pydantic's `Field`
    """A field that says how many drain runs a queue gets; `pool`, in which they run, admits as many."""
    return Field(
        default,
        ge=1,
        le=MOST_DRAINS,
        description=f"{description}, {MOST_DRAINS} at most",
        json_schema_extra={POOL: pool},
    )


def variables_of(name: str, field: FieldInfo) -> tuple[str, ...]:
    """The environment variables that a field is read from; the first is its proper one."""
    alias = field.validation_alias
    return tuple(map(str, alias.choices)) if isinstance(alias, AliasChoices) else (f"{PREFIX}{name}".upper(),)
