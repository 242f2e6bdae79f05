"""What goes wrong: refusals, errors, processes that hang or die, a database that goes away, a request to stop."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psutil  # type: ignore[import-untyped]  # it brings no types

from orchestration.errors import TransientError
from orchestration.observability.logs import configure_logging
from orchestration.prints.drains import render_prints
from orchestration.prints.health import dead_tasks, missing_outputs, refused_tasks
from orchestration.prints.prints import Prints
from orchestration.prints.solid.refusal import Check
from orchestration.prints.tasks.outcomes import PrintedTask, Printing
from orchestration.prints.tasks.queue import RenderOptions
from orchestration.prints.tasks.reset import TaskSelection, retry
from orchestration.runtime.shutdown import GracefulShutdown
from orchestration.services import Services
from orchestration.work_queue.options import DrainOptions
from orchestration_tests.prints import printing
from orchestration_tests.prints.killing import render_processes
from orchestration_tests.prints.printing import drain, endings, order, renders, rows, run_sql, take_in, tasks
from orchestration_tests.prints.solid import sketching

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pytest
    import sqlalchemy as sa

    from orchestration.settings import Settings
    from orchestration.storage.database import Database


@contextmanager
def changed(settings: Settings, **values: object) -> Iterator[Services]:
    """Services of these settings, changed, whose retries do not wait."""
    services = Services(settings.model_copy(update={"print_retry_seconds": 0.0, "print_attempts": 3, **values}))
    yield services
    services.close()


def test_a_refused_text_fails_at_once_and_says_which_character_and_what_to_do(shop: Prints, database: Database) -> None:
    take_in(shop, order(1, "Mia \U0001f496"), order(2, "Mia"))

    assert endings(drain(shop)) == {Printing.REFUSED: 1, Printing.RENDERED: 1}

    task = tasks(database)[0]
    assert (task["stl_render_state"], task["render_retries"]) == ("failed", 1)
    assert "U+1F496" in task["annotation"]
    assert (task["refused_check"], task["refused_remedy"]) == ("text", "leave it out")
    with database.connect() as connection:
        assert refused_tasks(connection, shop.services.objects, Check.TEXT).total == 1
        assert refused_tasks(connection, shop.services.objects, Check.BED).total == 0
        assert dead_tasks(connection).total == 0


def test_a_product_that_is_refused_for_its_size_is_shown(print_services: Services, database: Database) -> None:
    shop = Prints(print_services)
    take_in(shop, order(1, "Annabella Konstantinopoulou-Papadimitriou", printing.STYLE3))
    drain(shop)

    with database.connect() as connection:
        found = refused_tasks(connection, print_services.objects, Check.BED)
    assert found.total == 1
    [(caption, picture)] = found.pictures
    assert caption == "task 1"
    assert picture.startswith(b"\x89PNG")


def test_an_error_is_tried_again_and_counted_until_the_attempts_are_used_up(
    print_services: Services, database: Database
) -> None:
    shop = Prints(print_services, sketching.fail_at_fail)
    take_in(shop, order(1, "Fail"), order(2, "Fine"))

    heard = [task for task in drain(shop) if task.text == "Fail"]

    assert [task.is_final for task in heard] == [False, False, True]
    [failed, fine] = tasks(database)
    assert (failed["stl_render_state"], failed["render_retries"]) == ("failed", 3)
    assert failed["annotation"] == "STL render error (3/3): TransientError: RuntimeError: no luck"
    assert fine["stl_render_state"] == "completed"
    with database.connect() as connection:
        assert dead_tasks(connection).total == 1


def test_an_error_message_is_cut(print_services: Services, database: Database) -> None:
    shop = Prints(print_services, sketching.fail_at_length)
    take_in(shop, order(1, "Long"))
    drain(shop)

    annotation = tasks(database)[0]["annotation"]
    assert len(annotation.partition(": ")[2]) == 1_000


def test_a_failed_task_that_is_retried_begins_anew(print_services: Services, database: Database) -> None:
    take_in(Prints(print_services, sketching.fail_at_fail), order(1, "Fail"))
    drain(Prints(print_services, sketching.fail_at_fail))
    shop = Prints(print_services, sketching.sketch)

    with database.begin() as connection:
        assert retry(connection, shop.print_queue, shop.statuses, TaskSelection()) == [1]

    assert endings(drain(shop)) == {Printing.RENDERED: 1}
    assert tasks(database)[0]["stl_render_state"] == "completed"


def test_a_rendering_that_hangs_is_killed_and_the_others_are_done(settings: Settings, database: Database) -> None:
    with changed(settings, print_timeout_minutes=0.4 / 60, print_attempts=2) as services:
        shop = Prints(services, sketching.hang_at_hang)
        take_in(shop, *(order(n, text) for n, text in enumerate(["One", "Hang", "Two", "Three"])))
        before = set(psutil.Process().children(recursive=True))
        heard = drain(shop)
        left = [child for child in set(psutil.Process().children(recursive=True)) - before if _renders(child)]

    assert endings(task for task in heard if task.is_final) == {Printing.RENDERED: 3, Printing.FAILED: 1}
    failed = tasks(database)[1]
    assert (failed["stl_render_state"], failed["render_retries"]) == ("failed", 2)
    assert "took longer than" in failed["annotation"]
    assert left == []


def _renders(process: psutil.Process) -> bool:
    """Whether it is a render process: a child of the server that forks them, which is ours."""
    return bool(process.is_running()) and process.ppid() != os.getpid()


def test_a_process_that_dies_takes_no_innocent_line_with_it(print_services: Services, database: Database) -> None:
    shop = Prints(print_services, sketching.die_at_die)
    take_in(shop, *(order(n, text) for n, text in enumerate(["One", "Die", "Two", "Three"])))

    heard = drain(shop)

    assert endings(task for task in heard if task.is_final) == {Printing.RENDERED: 3, Printing.FAILED: 1}
    assert "exit code 11" in tasks(database)[1]["annotation"]


def test_a_database_that_fails_while_a_print_is_recorded_costs_no_attempt(
    shop: Prints, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in(shop, order(1, "Jason"))
    enqueue, failures = shop.outbox.enqueue, iter([True])

    def fail_once(connection: sa.Connection, notices: Sequence[Any]) -> int:
        if next(failures, False):
            backend = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            with database.connect() as other:
                other.exec_driver_sql(f"SELECT pg_terminate_backend({backend})")
        return enqueue(connection, notices) + len(list(connection.exec_driver_sql("SELECT 1")))

    monkeypatch.setattr(shop.outbox, "enqueue", fail_once)
    heard = drain(shop)

    # The file was stored and the row was not: the next attempt renders it again and finds the file in place.
    assert endings(heard) == {Printing.RENDERED: 1}
    [task] = tasks(database)
    assert (task["stl_render_state"], task["render_retries"]) == ("completed", 0)
    assert rows(database, "SELECT attempt, crashes FROM task WHERE queue = 'print'") == [{"attempt": 1, "crashes": 0}]


def test_an_error_while_a_print_is_recorded_is_how_its_attempt_ended(
    shop: Prints, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object, notices: Sequence[object]) -> int:
        if notices:
            raise KeyError("a fault of ours")
        return 0

    monkeypatch.setattr(shop.outbox, "enqueue", fail)
    take_in(shop, order(1, "Jason"), order(2, "Held"))
    run_sql(database, "UPDATE shop_order SET order_status = 'on_hold' WHERE order_number = '2'")

    drain(shop)

    annotation = tasks(database)[0]["annotation"]
    assert "KeyError in " in annotation
    assert "a fault of ours" in annotation
    assert tasks(database)[0]["stl_render_state"] == "failed"
    assert rows(database, "SELECT key, state FROM task WHERE queue = 'print' ORDER BY id") == [
        {"key": "1", "state": "dead"},
        {"key": "2", "state": "completed"},
    ]


def test_a_store_that_does_not_answer_is_an_error_like_any_other(
    shop: Prints, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> bool:
        raise TransientError("The object store did not answer")

    monkeypatch.setattr(shop.services.objects, "put_once", away)
    take_in(shop, order(1, "Jason"))
    drain(shop)

    assert "did not answer" in tasks(database)[0]["annotation"]
    assert renders(database) == 0


def test_a_request_to_stop_lets_the_batch_that_is_handled_end(print_services: Services, database: Database) -> None:
    shop = Prints(print_services, sketching.sketch_slowly)
    take_in(shop, *(order(number, f"Name{number}") for number in range(200)))
    reported: list[PrintedTask] = []

    def terminate(printed: Sequence[PrintedTask]) -> None:
        if not reported:
            os.kill(os.getpid(), signal.SIGTERM)
        reported.extend(printed)

    with GracefulShutdown() as stop:
        asyncio.run(render_prints(shop, terminate, DrainOptions(stop=stop)))

    states = [task["stl_render_state"] for task in tasks(database)]
    assert stop.is_requested
    assert Counter(states) == {"completed": len(reported), "pending": 200 - len(reported)}
    assert 0 < len(reported) < 200
    with database.connect() as connection:
        assert shop.print_queue.counts(connection).active == 0


def test_a_file_that_is_gone_from_the_store_is_found_and_rendered_anew(shop: Prints, database: Database) -> None:
    take_in(shop, order(1, "Jason"), order(2, "Anna"))
    drain(shop)
    [gone] = rows(database, "SELECT object_key FROM print_output WHERE task_id = 2 AND kind = 'stl'")
    shop.services.objects.delete(gone["object_key"])

    with database.connect() as connection:
        found = missing_outputs(connection, shop.services.objects)
    assert (found.total, found.examples[0][0]) == (1, 2)

    drain(shop, TaskSelection(task_id=2), RenderOptions(force=True))
    with database.connect() as connection:
        assert missing_outputs(connection, shop.services.objects).total == 0


def test_every_line_about_a_task_says_which_and_of_what_sku(shop: Prints) -> None:
    stream = io.StringIO()
    configure_logging("INFO", stream)
    take_in(shop, order(1, "Jason"), order(2, "\U0001f496"))
    drain(shop)

    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    about = [line for line in lines if line["event"] == "print task"]
    assert {(line["task_id"], line["sku"], line["outcome"]) for line in about} == {
        (1, printing.TAG, "rendered"),
        (2, printing.TAG, "refused"),
    }


def test_orphaned_render_processes_end_with_their_drain(settings: Settings) -> None:
    """A drain that is killed leaves no process behind that renders for nobody."""
    with changed(settings) as services:
        shop = Prints(services, sketching.hang_at_hang)
        take_in(shop, order(1, "Hang"))
        services.close()
    process = printing.start_drain(settings, sketching.hang_at_hang)
    children = render_processes(process.pid)
    process.kill()
    process.join()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
