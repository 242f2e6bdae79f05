"""Which line of its order a row means.

A row that names its line, in the column `line`, means the line of that name. Any other is known by what it says: SKU,
text and colours, as far as it says them. Its place in the file never counts, so a file that is sorted, cut, repeated
or corrected changes no line that it does not mean. In turn, a row without a name means

1. the only stored line that it does not contradict, or one of several if it changes nothing of that;
2. the only line that is left, when the file has every other line of the order and this row says its SKU or its text:
   it was corrected. Colours are, until the printing has begun; anything else, while no file is made of it yet;
3. a new line, when no line that is left has its SKU or text.

Everything else is refused with the lines that it might mean, for a person to name one: most of all what would change a
line that is made already, which is marked for review as well. A row that repeats another one of its order is refused,
since it may stand for a second piece or for a file that was joined from two. Keep out: cells (`csv_rows`), statements
(`importing`).
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from orchestration.prints.orders.csv_rows import OrderRow, RowProblem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

UNNAMED: Final = "~"
"""How the names of lines begin that no file has named."""
_CONTENT: Final = ("sku", "text", "color_1", "color_2")
_NAME_IT: Final = "name it in the column `line`"


class StoredLine(NamedTuple):
    """A print task as it is stored. `is_made`: its files are rendered; `is_begun`: its printing has begun.

    `values` holds all columns of the line and its task, as JSON has them.
    """

    item_id: int
    task_id: int
    line: str
    task_index: int
    sku: str
    text: str
    color_1: str | None
    color_2: str | None
    is_made: bool
    is_begun: bool
    values: Mapping[str, Any]

    @property
    def shown(self) -> str:
        """The line in words."""
        return f"line {self.line} ({self.text!r})"


class Assigned(NamedTuple):
    """A row and the name of its line; `stored` is the line if it is stored, perhaps under another name."""

    row: OrderRow
    line: str
    stored: StoredLine | None = None


class Lines(NamedTuple):
    """The lines of an order's rows, why some have none, and the tasks to be reviewed for that, with the reason."""

    assigned: Sequence[Assigned]
    problems: Sequence[RowProblem]
    reviews: Mapping[int, str]


def find_lines(rows: Sequence[OrderRow], stored: Sequence[StoredLine]) -> Lines:
    """Find the line of each row of one order."""
    return _Finder(stored).find(rows)


class _Finder:
    """Finds the lines of one order's rows."""

    def __init__(self, stored: Sequence[StoredLine]) -> None:
        self._stored = stored
        self._free = list(stored)
        self._assigned: list[Assigned] = []
        self._problems: list[RowProblem] = []
        self._reviews: dict[int, str] = {}
        self._items = {line.line: line for line in stored}

    def find(self, rows: Sequence[OrderRow]) -> Lines:
        rows = self._without_repetitions(rows)
        named = [row for row in rows if row.value("line")]
        self._take_named(named)
        unnamed = [row for row in rows if not row.value("line")]
        for index in sorted({row.cells["task_index"] for row in unnamed}):
            self._take_unnamed([row for row in unnamed if row.cells["task_index"] == index], index)
        return Lines(self._assigned, self._problems, self._reviews)

    def _without_repetitions(self, rows: Sequence[OrderRow]) -> list[OrderRow]:
        """Refuse rows that say what an earlier one says, or name the same line."""
        seen: dict[tuple[object, ...], int] = {}
        kept: list[OrderRow] = []
        for row in rows:
            index, line = row.cells["task_index"], row.value("line")
            content = (line,) if line else (None, *(_plain(row.value(name)) for name in _CONTENT))
            earlier = seen.setdefault((index, *content), row.number)
            if earlier == row.number:
                kept.append(row)
            elif line:
                self._refuse(row, f"row {earlier} is the same line of the same order",
                             "give each line a name of its own, or a task_index")  # fmt: skip
            else:
                self._refuse(row, f"it repeats row {earlier}", f"for a second piece raise the quantity, or {_NAME_IT}")
        return kept

    def _take_named(self, rows: Sequence[OrderRow]) -> None:
        known = [row for row in rows if row.cells["line"] in self._items]
        new = [row for row in rows if row.cells["line"] not in self._items]
        for row in known:
            self._assign(row, self._piece(row, self._items[row.cells["line"]]))
        for row in new:
            self._take_newly_named(row)

    def _take_newly_named(self, row: OrderRow) -> None:
        """Give a line that no file had named its name, or begin a new one."""
        name = row.cells["line"]
        if name.startswith(UNNAMED):
            self._refuse(row, f"the order has no line {name}", f"leave the cell empty, or {_NAME_IT}")
            return
        # Another piece of the same line may have found it.
        item = self._items.get(name)
        agreeing = [line for line in self._unnamed(row) if _agree(row, line)]
        line = self._piece(row, item) if item else self._only(row, agreeing)
        if line is not None:
            self._items[name] = line
        elif related := [line for line in self._unnamed(row) if _related(row, line)]:
            self._review(related, row)
        self._assign(row, line)

    def _unnamed(self, row: OrderRow) -> list[StoredLine]:
        return [line for line in self._left(row.cells["task_index"]) if line.line.startswith(UNNAMED)]

    def _piece(self, row: OrderRow, item: StoredLine) -> StoredLine:
        """Return the task of the item that has the row's index, or one that is to be made."""
        index = row.cells["task_index"]
        for line in self._stored:
            if (line.item_id, line.task_index) == (item.item_id, index):
                return line
        return item._replace(task_index=index)

    def _take_unnamed(self, rows: Sequence[OrderRow], index: int) -> None:
        stored = [line for line in self._stored if line.task_index == index]
        agreeing = {row.number: [line for line in stored if _agree(row, line)] for row in rows}
        # A row that means one line alone goes before one that may mean several.
        for row in sorted(rows, key=lambda row: len(agreeing[row.number])):
            if (lines := agreeing[row.number]) and (line := self._only(row, lines)) is not None:
                self._assign(row, line)
            elif lines:
                named = ", ".join(line.shown for line in lines)
                self._refuse(row, f"it may mean {named}, or repeat another row", _NAME_IT)
        rows = [row for row in rows if not agreeing[row.number]]
        rows = [row for row in rows if not self._took_corrected(row, rows, index)]
        for row in rows:
            if maybe := [line for line in self._left(index) if _related(row, line)]:
                self._review(maybe, row)
                named = ", ".join(line.shown for line in maybe)
                self._refuse(row, f"it may change {named}, or be a new line", f"{_NAME_IT}, as the list of orders does")
            else:
                self._assign(row, None)

    def _only(self, row: OrderRow, lines: Sequence[StoredLine]) -> StoredLine | None:
        """Return which of `lines`, all of which agree with a row, it means: the only one, or one that it confirms."""
        if len(lines) == 1:
            return lines[0] if lines[0] in self._free else None
        return next((line for line in lines if line in self._free and _confirms(row, line)), None)

    def _took_corrected(self, row: OrderRow, rows: Sequence[OrderRow], index: int) -> bool:
        """Assign the only row that is left to the only line that is left, unless that is made already."""
        lines = self._left(index)
        if len(lines) != 1 or len(rows) != 1 or not _related(row, lines[0]):
            return False
        (line,) = lines
        is_same_print = _same(row, line, "sku") and _same(row, line, "text")
        is_open = not line.is_begun if is_same_print else not (line.is_made or line.is_begun)
        if is_open:
            self._assign(row, line)
        return is_open

    def _left(self, index: int) -> list[StoredLine]:
        return [line for line in self._free if line.task_index == index]

    def _assign(self, row: OrderRow, line: StoredLine | None) -> None:
        if line in self._free:
            self._free.remove(line)
        if line is not None and _plain(row.value("text")) == _plain(line.text):
            # Spaces at its ends and the kind of its line breaks are the file's, not the customer's.
            row = row._replace(cells={**row.cells, "text": line.text})
        name = row.value("line") or (line.line if line else self._new_name())
        self._assigned.append(Assigned(row, name, line))

    def _new_name(self) -> str:
        taken = {line.line for line in self._stored} | {one.line for one in self._assigned}
        return next(name for name in _names() if name not in taken)

    def _refuse(self, row: OrderRow, problem: str, remedy: str) -> None:
        self._problems.append(RowProblem(row.number, "line", problem, remedy))

    def _review(self, lines: Iterable[StoredLine], row: OrderRow) -> None:
        text = row.value("text")
        for line in lines:
            self._reviews[line.task_id] = f"an order file says {text!r} without the name of this line"


def _names() -> Iterator[str]:
    number = 0
    while True:
        number += 1
        yield f"{UNNAMED}{number}"


def _plain(value: object) -> object:
    """Return a text as it counts: the lines without spaces at their ends."""
    if not isinstance(value, str):
        return value
    return "\n".join(line.strip() for line in value.strip().splitlines())


def _same(row: OrderRow, line: StoredLine, name: str) -> bool:
    return _plain(row.value(name)) == _plain(getattr(line, name))


def _agree(row: OrderRow, line: StoredLine) -> bool:
    """Whether a row contradicts nothing of a line's SKU, text and colours."""
    return all(_same(row, line, name) for name in _CONTENT if name in row.cells)


def _confirms(row: OrderRow, line: StoredLine) -> bool:
    """Whether a row that agrees with a line changes nothing else of it either."""
    others = row.cells.keys() & line.values.keys() - {"task_index"}
    return all(row.cells[name] == line.values[name] for name in others)


def _related(row: OrderRow, line: StoredLine) -> bool:
    """Whether a row may be a new wording of a line: it has its SKU or its text."""
    return _same(row, line, "sku") or _same(row, line, "text")


def rows_by_order(rows: Iterable[OrderRow]) -> dict[tuple[str, str], list[OrderRow]]:
    """Sort rows into their orders."""
    orders: defaultdict[tuple[str, str], list[OrderRow]] = defaultdict(list)
    for row in rows:
        orders[row.order].append(row)
    return dict(orders)
