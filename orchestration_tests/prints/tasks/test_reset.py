"""Asking for files anew, and states that cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestration.errors import ConfigurationError
from orchestration.prints.tasks.outcomes import Printing
from orchestration.prints.tasks.queue import RenderOptions
from orchestration.prints.tasks.reset import TaskSelection, refresh, retry
from orchestration_tests.prints.printing import (
    STYLE3,
    TAG,
    drain,
    endings,
    order,
    renders,
    rows,
    run_sql,
    take_in,
    tasks,
)

if TYPE_CHECKING:
    from orchestration.prints.prints import Prints
    from orchestration.storage.database import Database


def send_back(shop: Prints, options: RenderOptions | None = None, *, skus: list[str] | None = None) -> list[int]:
    """Refresh; the ids of the tasks."""
    selection = TaskSelection(skus=skus)
    with shop.database.begin() as connection:
        return refresh(connection, shop.print_queue, shop.statuses, selection, options or RenderOptions())


@pytest.fixture
def done(shop: Prints) -> Prints:
    """A shop that has rendered three tasks, and has one whose order waits."""
    take_in(shop, order(1, "One"), order(2, "Two", STYLE3), order(3, "Three"), order(4, "Four", order_status="on_hold"))
    drain(shop)
    return shop


def test_a_refresh_takes_every_task_of_orders_that_await_shipment(done: Prints, database: Database) -> None:
    assert send_back(done) == [1, 2, 3]
    assert {task["stl_render_state"] for task in tasks(database)} == {"pending"}
    assert endings(drain(done)) == {Printing.CACHED: 3}


def test_a_refresh_with_force_renders_anew(done: Prints, database: Database) -> None:
    send_back(done, RenderOptions(force=True))
    assert endings(drain(done)) == {Printing.RENDERED: 3}
    assert renders(database) == 6


def test_a_refresh_with_skip_if_exists_keeps_what_is_in_the_store(done: Prints, database: Database) -> None:
    [gone] = rows(database, "SELECT object_key FROM print_output WHERE task_id = 2 AND kind = '3mf'")
    done.services.objects.delete(gone["object_key"])

    send_back(done, RenderOptions(skip_if_exists=True))

    assert endings(drain(done)) == {Printing.SKIPPED: 2, Printing.CACHED: 1}
    assert {task["stl_render_state"] for task in tasks(database)[:3]} == {"completed"}


def test_files_of_another_text_are_not_kept(done: Prints, database: Database) -> None:
    run_sql(database, "UPDATE print_task SET custom_text = 'Other' WHERE id = 1")
    run_sql(database, "UPDATE print_task SET color_1 = 'Red' WHERE id = 3")

    send_back(done, RenderOptions(skip_if_exists=True))

    assert endings(drain(done)) == {Printing.SKIPPED: 1, Printing.RENDERED: 2}
    assert tasks(database)[0]["stl_path"] == "dual-colours/O/Other.stl"


def test_a_refresh_of_one_sku_leaves_the_others(done: Prints) -> None:
    assert send_back(done, skus=[STYLE3]) == [2]


def test_a_drain_of_one_task_does_it_whatever_its_state_and_its_orders(done: Prints) -> None:
    assert [task.task_id for task in drain(done, TaskSelection(task_id=1))] == [1]
    assert [task.task_id for task in drain(done, TaskSelection(task_id=4))] == [4]


def test_a_task_that_does_not_exist_or_has_no_design_is_an_argument_that_is_wrong(done: Prints) -> None:
    take_in(done, order(5, "Jack", "PER-KEY3D-STY1-Y3D"))
    with pytest.raises(ConfigurationError, match="no print task 99"):
        drain(done, TaskSelection(task_id=99))
    with pytest.raises(ConfigurationError, match="PER-KEY3D-STY1-Y3D"):
        drain(done, TaskSelection(task_id=5))


def test_a_drain_of_a_sku_takes_what_is_pending_and_with_force_everything(done: Prints) -> None:
    take_in(done, order(6, "Six", STYLE3), order(7, "Seven"))
    assert "Six" in {task.text for task in drain(done, TaskSelection(skus=[STYLE3]))}
    assert {
        task.text for task in drain(done, TaskSelection(skus=[STYLE3]), RenderOptions(force=True)) if task.sku == STYLE3
    } == {
        "Two",
        "Six",
    }


def test_the_settings_may_ask_for_force_or_skipping_always(done: Prints) -> None:
    done.settings = done.settings.model_copy(update={"print_skip_if_exists": True})
    send_back(done)
    assert endings(drain(done)) == {Printing.SKIPPED: 3}

    done.settings = done.settings.model_copy(update={"print_skip_if_exists": False, "print_force": True})
    send_back(done)
    assert endings(drain(done)) == {Printing.RENDERED: 3}


def test_a_retry_takes_failed_tasks_only(done: Prints, database: Database) -> None:
    take_in(done, order(8, "\u200b"))
    drain(done)
    with database.begin() as connection:
        assert retry(connection, done.print_queue, done.statuses, TaskSelection()) == [5]


def test_a_running_task_that_nobody_works_at_is_done_again(shop: Prints, database: Database) -> None:
    take_in(shop, order(1, "One"))
    run_sql(database, "DELETE FROM task")
    run_sql(
        database,
        "UPDATE print_task SET stl_render_state = 'running', render_pid = 1, render_started_at = now()",
    )

    assert shop.queue_due_tasks() == 1
    assert endings(drain(shop)) == {Printing.RENDERED: 1}


def test_a_running_task_whose_queue_has_given_it_up_has_failed(shop: Prints, database: Database) -> None:
    take_in(shop, order(1, "One"))
    run_sql(
        database,
        "UPDATE task SET state = 'dead', attempt = 3, reason = 'worker died', error = NULL, finished_at = now()",
    )
    run_sql(
        database,
        "UPDATE print_task SET stl_render_state = 'running', render_pid = 1, render_started_at = now()",
    )

    assert shop.queue_due_tasks() == 0
    [task] = tasks(database)
    assert (task["stl_render_state"], task["render_retries"]) == ("failed", 3)
    assert task["annotation"] == "STL render error (3/3): the process that rendered it died"


def test_a_completed_task_without_files_is_done_again(done: Prints, database: Database) -> None:
    run_sql(database, "DELETE FROM print_output WHERE task_id = 2")

    assert done.queue_due_tasks() == 1
    assert [task.task_id for task in drain(done)] == [2]


def test_a_task_that_is_being_worked_at_is_left_alone(shop: Prints, database: Database) -> None:
    take_in(shop, order(1, "One"))
    run_sql(database, "UPDATE task SET state = 'active', worker = 1, lease_until = now() + interval '1 hour'")
    run_sql(
        database,
        "UPDATE print_task SET stl_render_state = 'running', render_pid = 1, render_started_at = now()",
    )

    assert shop.queue_due_tasks() == 0
    assert tasks(database)[0]["stl_render_state"] == "running"


def test_a_task_that_is_cancelled_in_the_queue_stays_so_until_it_is_retried(shop: Prints, database: Database) -> None:
    take_in(shop, order(1, "One"), order(2, "Two"))
    with shop.database.begin() as connection:
        shop.print_queue.request_cancel(connection, "1")
    assert [shop.queue_due_tasks(), shop.queue_due_tasks()] == [1, 1]
    assert (tasks(database)[0]["stl_render_state"], tasks(database)[0]["annotation"]) == (
        "failed",
        "Cancelled on request",
    )
    with shop.database.begin() as connection:
        assert retry(connection, shop.print_queue, shop.statuses, TaskSelection(1)) == [1]
    assert shop.queue_due_tasks() == 2


def test_looking_twice_queues_nothing_twice(shop: Prints, database: Database) -> None:
    take_in(shop, order(1, "One"), order(2, "Two", TAG))
    assert [shop.queue_due_tasks(), shop.queue_due_tasks()] == [2, 2]
    assert len(rows(database, "SELECT key FROM task")) == 2


def test_a_status_that_shipstation_does_not_have_is_a_setting_that_is_wrong(shop: Prints) -> None:
    shop.settings = shop.settings.model_copy(update={"print_order_statuses": ("awaiting_shipmnt",)})
    with pytest.raises(ConfigurationError, match="ORCHESTRATION_PRINT_ORDER_STATUSES"):
        shop.queue_due_tasks()
