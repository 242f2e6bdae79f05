"""Files of orders as spreadsheets and shops write them: read as what they mean, or refused by name."""

from __future__ import annotations

import pytest

from orchestration.errors import InvalidInputError
from orchestration.prints.orders.csv_file import BROKEN, LARGEST_FILE, SURPLUS
from orchestration.prints.orders.csv_rows import COLUMNS, check_rows, read_csv
from orchestration_tests.prints.printing import TAG

HEADER = "order_number,sku,text"


def read(content: str) -> list[tuple[int, dict[str, str]]]:
    return list(read_csv(content.encode()))


def texts(content: str) -> list[str]:
    return [cells["text"] for _, cells in read(content)]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("separator_line", ["", "sep={}\r\n", '"sep={}"\n'])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_file_is_read_whatever_separates_its_cells_and_lines(
    delimiter: str, separator_line: str, mark: str, line_end: str
) -> None:
    header, row = HEADER.replace(",", delimiter), f'17,{TAG},"Zo\u00eb, the 1st"'.replace(",", delimiter, 2)
    content = f"{mark}{separator_line.format(delimiter)}{header}{line_end}{row}{line_end}"

    assert read(content) == [(2, {"order_number": "17", "sku": TAG, "text": "Zo\u00eb, the 1st"})]


def test_empty_rows_and_an_empty_column_without_a_name_are_passed_over() -> None:
    assert read(f"{HEADER},\n1,{TAG},Mara,\n,,,\n\n , ,,\n2,{TAG},Ben,\n") == [
        (2, {"order_number": "1", "sku": TAG, "text": "Mara"}),
        (6, {"order_number": "2", "sku": TAG, "text": "Ben"}),
    ]


def test_what_stands_in_a_column_without_a_name_refuses_its_row() -> None:
    [(_, cells)] = read(f"{HEADER},\n1,{TAG},Mara,gift wrap\n")
    assert cells[SURPLUS] == "gift wrap"
    [refused] = check_rows([(2, cells)]).problems
    assert "gift wrap" in refused.problem


def test_text_behind_a_closing_quote_refuses_its_row_and_no_other() -> None:
    rows = read(f'order_number,sku,color_1,color_2,text\n1,{TAG},White,Black,"M1A"x\n2,{TAG},White,Black,Anna\n')
    assert [number for number, _ in rows] == [2, 3]
    checked = check_rows(iter(rows))
    assert [row.cells["text"] for row in checked.rows] == ["Anna"]
    [refused] = checked.problems
    assert (refused.row, refused.column, refused.problem) == (2, BROKEN, "text stands behind a closing quote")


@pytest.mark.parametrize(
    "rows",
    [
        f'2011,{TAG},"Nana\u201d\n2012,{TAG},Anna\n',  # never closes
        f'2011,{TAG},"Nana\u201d\n2012,{TAG},Anna\n2013,{TAG},"Ben"\n',  # closed by another row's, with text behind
        f'2011,{TAG},"Nana\u201d\n2012,{TAG},"\n',  # closed by another row's, with nothing behind
    ],
)
def test_a_quote_that_swallows_rows_refuses_the_file_with_the_line_where_it_opens(rows: str) -> None:
    with pytest.raises(InvalidInputError, match="opens in line 2"):
        read(f"{HEADER}\n{rows}")


def test_a_text_of_several_lines_swallows_nothing() -> None:
    assert texts(f'{HEADER}\n1,{TAG},"Anna\nSmith, Ben, Cara"\n2,{TAG},Ida\n') == ["Anna\nSmith, Ben, Cara", "Ida"]


def test_a_column_that_is_there_twice_refuses_the_file() -> None:
    with pytest.raises(InvalidInputError, match="column text twice"):
        read(f"{HEADER},color_1,text\n1,{TAG},Jonas,Red,gift wrap please\n")


def test_a_cell_that_is_kept_as_text_is_read_as_its_text() -> None:
    assert read(f'{HEADER}\n"=""0017""",{TAG},="007"\n')[0][1] == {"order_number": "0017", "sku": TAG, "text": "007"}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"order_number,text\n1,Anna\n", "no column sku"),
        (b"order_number,sku,text,colour\n1,A,Anna,Red\n", "unknown column 'colour'"),
        (b"", "no column order_number"),
        ("order_number,sku,text\n1,A,Zo\u00eb\n".encode("latin-1"), "not UTF-8 at byte 28, in line 2"),
        ("order_number,sku,text\n1,A,Zo\u00eb\n".encode("utf-16"), "is UTF-16"),
        (b"x" * (LARGEST_FILE + 1), "in parts"),
    ],
)
def test_a_file_that_is_none_is_refused_whole(content: bytes, told: str) -> None:
    with pytest.raises(InvalidInputError, match=told):
        list(read_csv(content))


def test_a_cell_beyond_every_measure_refuses_its_row() -> None:
    rows = read(f"{HEADER}\n1,{TAG},{'x' * 200_000}\n2,{TAG},Anna\n")
    assert "more than 131072 characters" in rows[0][1][BROKEN]
    assert rows[1][1]["text"] == "Anna"


ROW = {"order_number": "1", "sku": TAG, "text": "Anna"}


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("order_number", "1.23457E+11"),
        ("order_number", "2,05E+10"),
        ("order_number", "12345.0"),
        ("line", "4.0E+15"),
        ("text", "7.7009E+09"),
        ("text", "#NAME?"),
        ("color_1", "#N/A"),
        ("order_number", "########"),
        ("text", "Zo\ufffd"),
        ("customer_name", "J\ufffdrn"),
        ("color_1", "Peak\x02Green"),
        ("customer_name", "A\x1bB"),
        ("color_2", "Bl\ud800ue"),
        ("order_number", "10\u200b01"),
        ("sku", f"{TAG}\u200d"),
        ("ship_by_date", "03/01/2026"),
        ("ship_by_date", "2026-02-30"),
        ("print_settings", '{"a": "\\u0000"}'),
        ("print_settings", '{"a": "\\ud800"}'),
        ("print_settings", '{"a": 1e999}'),
        ("print_settings", '{"a": NaN}'),
        ("print_settings", '{"a": ' + "[" * 4_000 + "]" * 4_000 + "}"),
        ("print_settings", '{"a": "' + "x" * 20_000 + '"}'),
    ],
)
def test_what_was_damaged_on_the_way_refuses_its_row_and_no_other(column: str, cell: str) -> None:
    checked = check_rows([(2, ROW), (3, {**ROW, column: cell}), (4, {**ROW, "order_number": "2"})])
    assert [row.number for row in checked.rows] == [2, 4]
    [refused] = checked.problems
    assert (refused.row, refused.column) == (3, column)
    assert refused.remedy


@pytest.mark.parametrize(
    "moment", ["2026-03-01", "2026-03-01T00:00:00.0000000", "2026-03-01 23:59", "2026-03-01T10:00Z"]
)
def test_a_moment_is_read_as_its_day(moment: str) -> None:
    [row] = check_rows([(2, {**ROW, "ship_by_date": moment})]).rows
    assert row.cells["ship_by_date"] == "2026-03-01"


def test_an_empty_cell_says_nothing_and_a_hyphen_erases() -> None:
    [row] = check_rows([(2, {**dict.fromkeys(COLUMNS, " "), **ROW, "color_1": "-", "text": "-"})]).rows
    told = {"order_number": "1", "sku": TAG, "text": "-", "marketplace": "shop", "task_index": 0, "color_1": None}
    assert row.cells == told


def test_rows_that_contradict_each_other_about_their_order_are_refused() -> None:
    checked = check_rows(
        [
            (2, {**ROW, "order_status": "cancelled"}),
            (3, {**ROW, "text": "Ben"}),
            (4, {**ROW, "text": "Cara", "order_status": "awaiting_shipment"}),
            (5, {**ROW, "order_number": "2", "order_status": "cancelled"}),
        ]
    )
    assert [row.number for row in checked.rows] == [5]
    assert [(problem.row, problem.column) for problem in checked.problems] == [
        (2, "order_status"), (3, "order_status"), (4, "order_status"),
    ]  # fmt: skip
    assert "'cancelled' in row 2 and 'awaiting_shipment' in row 4" in checked.problems[0].problem
