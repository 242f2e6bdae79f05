"""Lists: filters that live in the address, pages that begin after a key, rows without payloads. One mechanism for all.

    frame_list = ListPage("Families", "families", columns, choices, read)

Keep out: the queries, which each domain has, and how tables look.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from orchestration.admin.frame import address
from orchestration.admin.parts import Button, Choice, Row, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import sqlalchemy as sa
    from starlette.requests import Request
    from starlette.responses import Response

    from orchestration.admin.frame import Frame
    from orchestration.admin.session import Visitor

PAGE_ROWS = 50
LONGEST_VALUE = 512
_FITS_NOT = "Nothing fits these filters."


class Query(NamedTuple):
    """What a list is asked for: the filters that are set, the key after which it begins, and how many rows."""

    values: Mapping[str, str]
    after: str | None
    limit: int

    def get(self, name: str) -> str | None:
        """A filter's value; None when it is not set."""
        return self.values.get(name)

    def number(self) -> int | None:
        """The key as a number; None at the beginning."""
        return int(self.after) if self.after and self.after.isascii() and self.after.isdecimal() else None


class Found(NamedTuple):
    """A page of rows, and the key of the last one when there are more."""

    rows: Sequence[Row]
    next: str | int | None = None


@dataclass(frozen=True, slots=True)
class ListPage:
    """A list. `read` gives one row more than is asked for by `paged`; `lead` says in a sentence what it shows."""

    title: str
    path: str
    columns: Sequence[str]
    choices: Sequence[Choice]
    read: Callable[[sa.Connection, Query], Found]
    lead: str = ""
    empty: str = "There is nothing here yet."
    buttons: Sequence[Button] = ()
    links: Sequence[tuple[str, str]] = ()
    pick: Button | None = None
    is_live: bool = True
    is_grid: bool = False


def paged(items: Sequence[Any], limit: int, row: Callable[[Any], Row], key: Callable[[Any], str | int]) -> Found:
    """A page of `limit` rows out of `items`, of which the caller has read one more if there is one."""
    shown = items[:limit]
    return Found([row(one) for one in shown], key(shown[-1]) if len(items) > limit else None)


def show_list(frame: Frame, request: Request, visitor: Visitor, page: ListPage) -> Response:
    """Answer with the part of a list that the address asks for."""
    given = request.query_params
    values = {one.name: given[one.name].strip()[:LONGEST_VALUE] for one in page.choices if given.get(one.name)}
    values = {name: value.replace("\0", "") for name, value in values.items() if value}
    query = Query(values, given.get("after") or None, PAGE_ROWS)
    with frame.reading() as connection:
        found = page.read(connection, query)
    more = None if found.next is None else address(*page.path.split("/"), **values, after=found.next)
    return frame.render(
        request,
        visitor,
        "list.html",
        title=page.title,
        page=page,
        values=values,
        table=Table(page.columns, found.rows, _FITS_NOT if values else page.empty, page.pick, page.is_grid),
        more=more,
        is_first=query.after is None,
        first=address(*page.path.split("/"), **values),
        all_rows=address(*page.path.split("/")),
    )
