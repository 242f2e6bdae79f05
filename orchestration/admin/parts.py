"""What pages are made of: cells, tables, facts, pictures, buttons. Plain values that the templates show.

A page says what is shown and of which kind it is; the templates say how it looks, once for all pages. Keep out: HTML.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Kind(StrEnum):
    """How a value is shown."""

    TEXT = "text"
    CODE = "code"
    STATE = "state"
    TIME = "time"
    NUMBER = "number"
    BYTES = "bytes"
    SECONDS = "seconds"
    PROGRESS = "progress"
    PICTURE = "picture"
    SWATCHES = "swatches"
    PICK = "pick"
    TREND = "trend"


@dataclass(frozen=True, slots=True)
class Cell:
    """One value. `href` leads to what it names; `note` stands beside it in small letters."""

    value: Any
    kind: Kind = Kind.TEXT
    href: str | None = None
    note: str | None = None

    @property
    def is_filled(self) -> bool:
        """Whether it shows anything."""
        return self.value not in (None, "", [], ())


@dataclass(frozen=True, slots=True)
class Button:
    """A form of one action, with its arguments; where the action has fields, they are asked beside it."""

    action: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    label: str | None = None
    is_short: bool = False
    """Without the fields, as in the row of a table."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table, with its buttons at the end, and the link to its partition in Dagster's UI if it has one."""

    cells: Sequence[Cell]
    buttons: Sequence[Button] = ()
    partition: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under named columns; numbers stand to the right. `empty` is what is said without rows.

    With `pick`, rows whose first cell is of the kind `PICK` may be ticked for this action.
    """

    columns: Sequence[str]
    rows: Sequence[Row]
    empty: str = "Nothing here."
    pick: Button | None = None
    is_grid: bool = False
    """Cards with large pictures instead of rows."""

    @property
    def places(self) -> Sequence[int]:
        """The columns in which some row says something; the others would only take room."""
        filled = [place for place in range(len(self.columns)) if any(row.cells[place].is_filled for row in self.rows)]
        return filled or range(len(self.columns))


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with what it shows; `href` leads to it in full. `mime` tells a film from a picture."""

    url: str
    caption: str
    href: str | None = None
    mime: str = "image/png"

    @property
    def is_film(self) -> bool:
        """Whether it moves."""
        return self.mime.startswith("video/")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page under a heading. It has one or several of: facts, table, pictures, a text, a solid to turn."""

    title: str
    facts: Sequence[tuple[str, Cell]] = ()
    table: Table | None = None
    pictures: Sequence[Picture] = ()
    text: str | None = None
    solid: str | None = None
    note: str | None = None
    state: str | None = None
    more: tuple[str, str] | None = None
    """A link to all of it: its address and its words."""
    buttons: Sequence[Button] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter: a field of the address. Without `options` it is a text."""

    name: str
    label: str
    options: Sequence[str] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page: what it is called, what can be done, its parts. `is_live` pages renew themselves."""

    title: str
    sections: Sequence[Section] = ()
    lead: str | None = None
    state: str | None = None
    links: Sequence[tuple[str, str]] = ()
    """Where else the thing is shown: words and address."""
    buttons: Sequence[Button] = ()
    is_live: bool = False
    seconds: int = 5


def text(value: object, *, href: str | None = None, note: str | None = None) -> Cell:
    """A cell of words."""
    return Cell(value, Kind.TEXT, href, note)


def code(value: object, *, href: str | None = None, note: str | None = None) -> Cell:
    """A cell that is copied rather than read: a key, a hash."""
    return Cell(value, Kind.CODE, href, note)


def number(value: object, *, href: str | None = None, note: str | None = None) -> Cell:
    """A cell of a number."""
    return Cell(value, Kind.NUMBER, href, note)


def moment(value: object) -> Cell:
    """A cell of a time."""
    return Cell(value, Kind.TIME)


def state(value: object, *, href: str | None = None, note: str | None = None) -> Cell:
    """A cell of a state, with the colour that it has everywhere."""
    return Cell(value, Kind.STATE, href, note)


def picture(url: str | None, alt: str = "", *, href: str | None = None) -> Cell:
    """A cell with a small picture, or an empty frame."""
    return Cell(url, Kind.PICTURE, href, alt)


def progress(percent: float | None, note: str | None = None) -> Cell:
    """A cell with how far something is, in percent."""
    return Cell(percent, Kind.PROGRESS, None, note)
