"""What commands print, and how they end.

Tables for people, one JSON line for programs, exit codes. Keep out: what is printed.
Standard output carries the result and nothing else; progress and logs go to standard error. What is printed holds words
of strangers, which no terminal may obey.
"""

from __future__ import annotations

import codecs
import os
import sys
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.observability.untrusted import for_json_line, for_terminal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

DONE, SOME_FAILED, BAD_USAGE = 0, 1, 2
# As shells report a command that SIGINT has ended.
STOPPED = 130
# Wider than any row: rich gives what is no terminal the 80 columns of an old one.
_UNLIMITED = 100_000
# Words up to this long are not broken if the terminal has room for those of all columns, and what is between them.
_WORD, _BETWEEN = 20, 3


def print_json(value: object) -> None:
    """One JSON line on standard output, in UTF-8 also where the terminal has another encoding."""
    if narrow := _narrow_output():
        narrow.reconfigure(encoding="utf-8")
    sys.stdout.write(for_json_line(msgspec.json.encode(value).decode()) + "\n")
    sys.stdout.flush()


class SafeConsole(Console):
    """A console that no text can make do anything: no marks of its own, no control characters."""

    def print(self, *objects: Any, **options: Any) -> None:  # noqa: ANN401 - as the class above has it
        """Print, with texts made harmless; what rich draws itself, as tables, is given to it harmless."""
        options = {"markup": False, **options}
        super().print(*(for_terminal(one) if isinstance(one, str) else one for one in objects), **options)


def console() -> Console:
    """Standard output for people; a line stays one, however narrow the terminal.

    What an encoding such as Latin-1 cannot say is written by its number, as on standard error.
    """
    if narrow := _narrow_output():
        narrow.reconfigure(errors="backslashreplace")
    return SafeConsole(highlight=False, soft_wrap=True)


def _narrow_output() -> TextIOWrapper | None:
    """Standard output, if its encoding lacks characters."""
    output = sys.stdout
    if isinstance(output, TextIOWrapper) and codecs.lookup(output.encoding).name != "utf-8":
        return output
    return None


def note(text: str) -> None:
    """A line for people on standard error."""
    SafeConsole(stderr=True, highlight=False, soft_wrap=True).print(text)


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table for people; says so when there are no rows.

    No cell loses a character, since people copy numbers, paths and links from here. In a terminal long ones take
    several lines; anywhere else, as in a pipe to grep, a row is one line, but for the breaks in its texts.
    """
    table = Table(title=escape(for_terminal(title)), title_justify="left")
    texts = [["" if cell is None else for_terminal(str(cell)) for cell in row] for row in rows]
    terminal = console()
    if not terminal.is_terminal:
        terminal.width = _UNLIMITED
    words = [max(map(len, " ".join(cells).split()), default=0) for cells in zip(columns, *texts, strict=True)]
    least = [min(_WORD, longest) for longest in words]
    fits = sum(least) + _BETWEEN * len(least) < terminal.width
    for column, width in zip(columns, least, strict=True):
        table.add_column(column, overflow="fold", min_width=width if fits else None)
    for row in texts:
        table.add_row(*map(escape, row))
    if table.row_count:
        terminal.print(table, soft_wrap=False)
    else:
        console().print(f"{title}: none")


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write, which takes the place of `path` at the end of the block; after an error all is as before.

    What is no file, such as a pipe, is written to as it is.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    target = Path(os.path.realpath(path))  # a link goes on leading there; one that leads nowhere is replaced
    part = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with part.open("wb") as file:
            yield file
        if target.exists():
            part.chmod(target.stat().st_mode)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
