"""Orders from a file: what is taken, what is refused and why, and what a second import changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestration.prints.orders.csv_rows import COLUMNS, check_rows, read_csv
from orchestration.prints.orders.importing import Imported
from orchestration.prints.orders.listing import OrderFilter, list_tasks, sku_statuses
from orchestration.prints.statuses import OrderStatus, RenderState
from orchestration_tests.prints.printing import STYLE3, TAG, drain, order, rows, take_in, tasks

if TYPE_CHECKING:
    from orchestration.prints.prints import Prints
    from orchestration.storage.database import Database

HEADER = "order_number,sku,text,quantity,unit_price,ship_by_date,customer_email,color_1\n"


def outcomes(shop: Prints, content: str) -> list[str]:
    """What became of each row of a file."""
    return [row.outcome.value for row in shop.import_orders(read_csv(content.encode())).rows]


def test_a_text_that_a_separator_cuts_in_two_is_refused_rather_than_printed_by_half() -> None:
    content = f"order_number,sku,text\n17,{TAG},Zo\u00eb, the 1st\n18,{TAG},Anna,\n"

    checked = check_rows(read_csv(content.encode()))

    assert [row.cells["text"] for row in checked.rows] == ["Anna"]
    [refused] = checked.problems
    assert (refused.row, refused.problem) == (2, "it has more cells than the header: ' the 1st'")
    assert "quotes" in refused.remedy


def test_a_text_may_have_lines(shop: Prints, database: Database) -> None:
    assert outcomes(shop, f'order_number,sku,text\r\n17,{TAG},"Anna\nSmith"\r\n') == ["imported"]
    assert tasks(database)[0]["custom_text"] == "Anna\nSmith"


def test_every_column_reaches_its_place(shop: Prints, database: Database) -> None:
    cells = {
        "marketplace": "etsy",
        "order_status": "on_hold",
        "shipstation_order_id": "77",
        "customer_name": "J\u00f8rn",
        "customer_email": "j@example.org",
        "ship_by_date": "2026-03-01",
        "line": "b",
        "task_index": "2",
        "product_name": "Tag",
        "quantity": "3",
        "unit_price": "9.95",
        "color_1": "Blue",
        "color_2": "White",
        "print_settings": '{"nozzle": 0.4}',
    }
    assert cells.keys() | {"order_number", "sku", "text"} == COLUMNS.keys()
    take_in(shop, order(1, "Anna", **cells))

    query = """SELECT o.*, i.*, p.*, t.task_index, t.color_1, t.color_2, CAST(o.ship_by_date AS text) AS ship_by_date
        FROM print_task AS t JOIN order_item AS i ON i.id = t.order_item_id JOIN product AS p ON p.id = i.product_id
        JOIN shop_order AS o ON o.id = i.order_id"""
    [found] = rows(database, query)
    found["unit_price"] = str(found["unit_price"])
    expected = {name: value for name, value in cells.items() if name not in {"line", "product_name", "print_settings"}}
    expected |= {"line_key": "b", "name": "Tag"}
    assert {name: str(found[name]) for name in expected} == expected
    assert found["print_settings"] == {"nozzle": 0.4}


def test_the_same_file_twice_changes_nothing(shop: Prints, database: Database) -> None:
    content = f"{HEADER}1,{TAG},Anna,2,9.95,2026-03-01,a@example.org,Blue\n1,{STYLE3},Ben,1,,,,\n"
    assert outcomes(shop, content) == ["imported", "imported"]
    before = tasks(database)

    assert outcomes(shop, content) == ["unchanged", "unchanged"]
    assert tasks(database) == before


def test_a_change_is_told_and_only_what_is_drawn_asks_for_a_rendering(shop: Prints, database: Database) -> None:
    take_in(shop, order(1, "Anna", color_1="Blue"), order(2, "Ben"))
    drain(shop)

    report = take_in(shop, order(1, "Anna", color_1="Red"), order(2, "Ben", quantity="5", customer_name="B"))

    assert [row.outcome for row in report.rows] == [Imported.CHANGED, Imported.CHANGED]
    assert [task["stl_render_state"] for task in tasks(database)] == ["pending", "completed"]
    assert report.queued == 1


def test_a_column_that_a_file_lacks_leaves_alone_what_is_stored(shop: Prints, database: Database) -> None:
    take_in(shop, order(1, "Anna", color_1="Blue", customer_name="A"))

    assert outcomes(shop, f"order_number,sku,text\n1,{TAG},Anna\n") == ["unchanged"]
    assert outcomes(shop, f"order_number,sku,text,color_1\n1,{TAG},Anna,\n") == ["unchanged"]
    assert outcomes(shop, f"order_number,sku,text,color_1\n1,{TAG},Anna,-\n") == ["changed"]
    assert tasks(database)[0]["color_1"] is None
    assert rows(database, "SELECT customer_name FROM shop_order") == [{"customer_name": "A"}]


def test_another_sku_for_a_line_makes_its_files_stale(shop: Prints, database: Database) -> None:
    take_in(shop, order(1, "Anna", line="a"))
    drain(shop)

    take_in(shop, order(1, "Anna", STYLE3, line="a"))

    assert tasks(database)[0]["stl_render_state"] == "pending"
    assert drain(shop)[0].sku == STYLE3


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"order_number": " "}, "order_number"),
        ({"sku": ""}, "sku"),
        ({"text": "x" * 1_001}, "text"),
        ({"text": "A\0nna"}, "text"),
        ({"order_status": "awaiting_shipmnt"}, "order_status"),
        ({"quantity": "0"}, "quantity"),
        ({"quantity": "two"}, "quantity"),
        ({"unit_price": "9,95"}, "unit_price"),
        ({"unit_price": "NaN"}, "unit_price"),
        ({"ship_by_date": "01.03.2026"}, "ship_by_date"),
        ({"customer_email": "nobody"}, "customer_email"),
        ({"shipstation_order_id": "9" * 30}, "shipstation_order_id"),
        ({"task_index": "-1"}, "task_index"),
        ({"print_settings": "[1]"}, "print_settings"),
    ],
)
def test_a_wrong_cell_refuses_its_row_and_no_other(cells: dict[str, str], column: str) -> None:
    rows_of_file = [order(1, "Good"), {**order(2, "Bad"), **cells}, order(3, "Good")]

    checked = check_rows(enumerate(rows_of_file, start=2))

    assert [row.number for row in checked.rows] == [2, 4]
    [refused] = checked.problems
    assert (refused.row, refused.column) == (3, column)
    assert refused.problem
    assert refused.remedy


def test_a_refused_row_is_reported_in_its_place(shop: Prints) -> None:
    report = take_in(shop, order(1, "Good"), order(2, "Bad", quantity="0"), order(3, "Good"))

    assert [row.outcome for row in report.rows] == [Imported.IMPORTED, Imported.REFUSED, Imported.IMPORTED]
    assert [row.column for row in report.refused] == ["quantity"]


def test_an_empty_cell_decides_nothing_about_an_order_that_is_stored(shop: Prints, database: Database) -> None:
    take_in(shop, order(1, "Hans", order_status="cancelled", customer_name="Hans H"))

    content = f"order_number,sku,text,order_status,customer_name\n1,{TAG},Hans,,\n2,{TAG},Ida,,\n"
    assert outcomes(shop, content) == ["unchanged", "imported"]

    found = rows(database, "SELECT order_status, customer_name FROM shop_order ORDER BY id")
    assert [tuple(row.values()) for row in found] == [("cancelled", "Hans H"), ("awaiting_shipment", None)]
    assert [task.text for task in drain(shop)] == ["Ida"]


def test_an_order_ships_when_the_first_of_its_lines_must(shop: Prints, database: Database) -> None:
    dated = [order(1, "Hugo", ship_by_date="2026-03-05"), order(1, "Ida", ship_by_date="2026-03-01")]
    for _ in range(2):
        take_in(shop, *dated)
        dated.reverse()
    [found] = rows(database, "SELECT CAST(ship_by_date AS text) FROM shop_order")
    assert found == {"ship_by_date": "2026-03-01"}


def test_a_sku_that_nobody_prints_is_reported_with_the_one_that_is_meant(shop: Prints) -> None:
    skus = [TAG.lower(), TAG.replace("-", "\u2011"), f"{TAG}-BLUE", "PER-KEY3D-STY1-Y3D", "MUG-1", TAG]

    report = take_in(shop, *(order(number, "Olga", sku) for number, sku in enumerate(skus)))

    assert report.count(Imported.IMPORTED) == len(skus)
    assert [(row.row, row.is_mistaken) for row in report.unprinted] == [(2, True), (3, True), (4, True), (6, False)]
    assert all(TAG in row.remedy for row in report.unprinted[:3])
    assert report.queued == 1


def test_orders_are_listed_by_what_is_asked(shop: Prints, database: Database) -> None:
    take_in(
        shop,
        order(1, "Anna", marketplace="etsy"),
        order(2, "Ben", STYLE3),
        order(3, "Cara", order_status="on_hold"),
    )
    drain(shop)

    def texts(wanted: OrderFilter) -> list[str]:
        with database.connect() as connection:
            return [task.text for task in list_tasks(connection, wanted)]

    assert texts(OrderFilter()) == ["Cara", "Ben", "Anna"]
    assert texts(OrderFilter(order_status=OrderStatus.ON_HOLD)) == ["Cara"]
    assert texts(OrderFilter(state=RenderState.COMPLETED, sku=TAG)) == ["Anna"]
    assert texts(OrderFilter(marketplace="etsy")) == ["Anna"]
    assert texts(OrderFilter(text="EN")) == ["Ben"]
    assert texts(OrderFilter(limit=1)) == ["Cara"]
    with database.connect() as connection:
        [anna] = list_tasks(connection, OrderFilter(text="anna"))
        statuses = {status.sku: (status.pending, status.completed) for status in sku_statuses(connection)}
    assert [output["kind"] for output in anna.outputs] == ["stl", "3mf", "png"]
    assert statuses == {TAG: (1, 1), STYLE3: (0, 1)}
