"""Which line a row means: by what it says, never by its place in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.prints.orders.importing import Imported
from orchestration_tests.prints.printing import CLIP, STYLE3, drain, order, rows, run_sql, take_in, tasks

if TYPE_CHECKING:
    from orchestration.prints.orders.importing import ImportReport
    from orchestration.prints.prints import Prints
    from orchestration.storage.database import Database


def lines(database: Database) -> list[tuple[str, str, str]]:
    """Name, text and state of each line."""
    query = """SELECT i.line_key, t.custom_text, t.stl_render_state FROM print_task AS t
        JOIN order_item AS i ON i.id = t.order_item_id ORDER BY t.id"""
    return [tuple(row.values()) for row in rows(database, query)]


def outcomes(report: ImportReport) -> list[Imported]:
    return [row.outcome for row in report.rows]


def test_a_sorted_file_changes_nothing(shop: Prints, database: Database) -> None:
    take_in(shop, order(1, "Hugo"), order(1, "Ida"))
    drain(shop)
    before = tasks(database)

    assert outcomes(take_in(shop, order(1, "Ida"), order(1, "Hugo"))) == [Imported.UNCHANGED, Imported.UNCHANGED]
    assert tasks(database) == before


def test_a_row_that_was_refused_before_becomes_a_line_of_its_own(shop: Prints, database: Database) -> None:
    take_in(shop, order(1, "Hugo", quantity="x"), order(1, "Ida"))
    drain(shop)

    report = take_in(shop, order(1, "Hugo", quantity="2"), order(1, "Ida"))

    assert outcomes(report) == [Imported.IMPORTED, Imported.UNCHANGED]
    assert lines(database) == [("~1", "Ida", "completed"), ("~2", "Hugo", "pending")]


def test_a_part_of_an_order_leaves_its_other_lines_alone(shop: Prints, database: Database) -> None:
    take_in(shop, order(1, "Hugo"), order(1, "Ida"), order(1, "Otto"))
    before = tasks(database)

    assert outcomes(take_in(shop, order(1, "Otto"))) == [Imported.UNCHANGED]
    assert tasks(database) == before


def test_a_row_that_is_repeated_is_refused_rather_than_printed_twice(shop: Prints, database: Database) -> None:
    for _ in range(2):
        report = take_in(shop, order(1, "Hugo"), order(1, " Hugo"), order(1, "Hugo", color_1="Blue"))
        assert [row.row for row in report.refused] == [3]
        assert "repeats row 2" in report.refused[0].problem
    assert [task["color_1"] for task in tasks(database)] == [None, "Blue"]


def test_a_correction_reaches_the_line_that_is_left_while_nothing_is_made_of_it(
    shop: Prints, database: Database
) -> None:
    take_in(shop, order(1, "Hugo"), order(1, "Idda"))

    assert outcomes(take_in(shop, order(1, "Ida"), order(1, "Hugo"))) == [Imported.CHANGED, Imported.UNCHANGED]
    assert [line[:2] for line in lines(database)] == [("~1", "Hugo"), ("~2", "Ida")]


def test_what_may_change_a_finished_line_goes_to_review(shop: Prints, database: Database) -> None:
    take_in(shop, order(1, "Hugo"), order(1, "Idda"))
    drain(shop)

    report = take_in(shop, order(1, "Ida"), order(1, "Hugo"))

    [refused] = report.refused
    assert (refused.row, refused.column) == (2, "line")
    assert "line ~2 ('Idda')" in refused.problem
    assert lines(database) == [("~1", "Hugo", "completed"), ("~2", "Idda", "completed")]
    assert [task["needs_review"] for task in tasks(database)] == [False, True]
    assert "'Ida'" in tasks(database)[1]["review_reason"]

    # Named, it is what somebody wants.
    assert outcomes(take_in(shop, order(1, "Ida", line="~2"))) == [Imported.CHANGED]
    drain(shop)
    assert lines(database)[1] == ("~2", "Ida", "completed")
    assert tasks(database)[1]["needs_review"] is False


def test_a_colour_that_is_corrected_reaches_its_line_until_the_printing_has_begun(
    shop: Prints, database: Database
) -> None:
    take_in(shop, order(1, "Hugo", color_1="Red"), order(1, "Ida"))
    drain(shop)

    report = take_in(shop, order(1, "Hugo", color_1="Blue"), order(1, "Ida"))
    assert outcomes(report) == [Imported.CHANGED, Imported.UNCHANGED]
    drain(shop)
    run_sql(database, "UPDATE print_task SET status = 'in_progress'")
    report = take_in(shop, order(1, "Hugo", color_1="Green"), order(1, "Ida"))
    assert outcomes(report) == [Imported.REFUSED, Imported.UNCHANGED]
    assert tasks(database)[0]["color_1"] == "Blue"


def test_a_row_that_may_mean_several_lines_may_confirm_one_and_change_none(shop: Prints, database: Database) -> None:
    take_in(shop, order(1, "Hugo", color_1="Red", quantity="2"), order(1, "Hugo", color_1="Blue", quantity="3"))
    before = tasks(database)

    assert outcomes(take_in(shop, order(1, "Hugo", quantity="3"))) == [Imported.UNCHANGED]
    assert outcomes(take_in(shop, order(1, "Hugo", quantity="4"))) == [Imported.REFUSED]
    assert tasks(database) == before


def test_a_line_takes_the_name_that_a_later_file_has_for_it(shop: Prints, database: Database) -> None:
    take_in(shop, order(1, "Ida"), order(1, "Hugo"))

    report = take_in(shop, order(1, "Hugo", line="1"), order(1, "Ida", line="2"))

    assert outcomes(report) == [Imported.UNCHANGED, Imported.UNCHANGED]
    assert [line[:2] for line in lines(database)] == [("2", "Ida"), ("1", "Hugo")]


def test_a_name_that_no_file_gave_is_refused_unless_it_is_stored(shop: Prints) -> None:
    [refused] = take_in(shop, order(1, "Ida", line="~7")).refused
    assert "no line ~7" in refused.problem


def test_two_rows_of_one_name_are_refused_with_the_row_that_is_repeated(shop: Prints) -> None:
    report = take_in(shop, order(1, "Anna", line="a"), order(1, "Ben", line="a"), order(1, "Cara", line="b"))
    assert outcomes(report) == [Imported.IMPORTED, Imported.REFUSED, Imported.IMPORTED]
    assert "row 2" in report.refused[0].problem


ORDERED = [
    order(1, "Hugo", color_1="Red", quantity="2"),
    order(1, "Hugo", color_1="Blue", color_2="White"),
    order(1, "Hugo", STYLE3),
    order(1, "Ida", color_1="Blue", quantity="4", ship_by_date="2026-03-01"),
    order(2, "Ida\nLea", color_1="Blue"),
    order(2, "", CLIP),
    order(3, "Otto", line="a", color_1="Blue", order_status="on_hold", customer_name="O"),
    order(3, "Otto", line="b", color_1="Red", order_status="on_hold", customer_name="O"),
    order(4, "Uwe", order_status="cancelled", shipstation_order_id="77"),
]
ERASABLE = ("text", "color_1", "color_2", "quantity", "order_status", "customer_name", "ship_by_date", "line")


@st.composite
def files(draw: st.DrawFn) -> list[dict[str, str]]:
    """What may become of a file: its rows in another order, some of them, some twice, with cells emptied."""
    chosen = draw(st.lists(st.sampled_from(ORDERED), max_size=12))
    return [{**row, **dict.fromkeys(draw(st.sets(st.sampled_from(ERASABLE))) & row.keys(), "")} for row in chosen]


def stored(database: Database) -> list[Any]:
    query = """SELECT to_jsonb(t) - 'needs_review' - 'review_reason' - 'import_note' - 'updated_at' AS task,
        to_jsonb(i) AS item, to_jsonb(o) - 'updated_at' AS order FROM print_task AS t
        JOIN order_item AS i ON i.id = t.order_item_id JOIN shop_order AS o ON o.id = i.order_id ORDER BY t.id"""
    return rows(database, query)


@pytest.mark.parametrize("is_made", [False, True])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files())
def test_any_file_of_the_same_rows_leaves_the_same_tasks(
    shop: Prints, database: Database, is_made: bool, file: list[dict[str, str]]
) -> None:
    if not tasks(database):
        assert not take_in(shop, *ORDERED).refused
        if is_made:
            drain(shop)
    before = stored(database)

    take_in(shop, *file)

    assert stored(database) == before
