"""Print orders through the whole path: claim, render, upload, record.

    python -m orchestration_tests.benchmarks.print_orders            orders a second against one task at a time
    python -m orchestration_tests.benchmarks.print_orders kill       5,000 tasks, 4 drains, two of them killed

The rival is the loop of the system before this one: it takes the oldest pending task, sets it to running, renders it,
writes its files, sets it to completed, and looks for the next. It has no cache and no second process; it renders with
our own native engine, kept warm, since the one that it had takes minutes.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil  # type: ignore[import-untyped]  # its stubs are a package of their own
import sqlalchemy as sa

from orchestration.lettering.fonts import FontLibrary
from orchestration.observability.logs import configure_logging
from orchestration.prints.drains import render_prints
from orchestration.prints.prints import Prints
from orchestration.prints.solid.engines.native import NativeEngine
from orchestration.prints.solid.files import write_product
from orchestration.prints.solid.renderer import Renderer
from orchestration.prints.solid.request import OrderLine
from orchestration.services import Services
from orchestration.settings import Settings, load_settings
from orchestration.work_queue.options import DrainOptions
from orchestration_tests.benchmarks.prints import NAMES, SKUS
from orchestration_tests.benchmarks.timing import Timing, report
from orchestration_tests.prints.killing import assert_done_once, drain_with_kills
from orchestration_tests.prints.printing import order, take_in
from orchestration_tests.prints.solid.sketching import sketch_slowly

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestration.storage.database import Database

ORDERS: Final = 400
KNOWN: Final = 40
RIVAL_ORDERS: Final = 60
KILL_TASKS, KILL_DRAINS, KILLS = 5_000, 4, 2

_TAKE = sa.text("""
SELECT t.id, p.sku, t.custom_text, t.color_1, t.color_2 FROM print_task AS t
JOIN order_item AS i ON i.id = t.order_item_id JOIN product AS p ON p.id = i.product_id
WHERE t.stl_render_state = 'pending' ORDER BY t.created_at, t.id LIMIT 1""")
_RUN = sa.text("""
UPDATE print_task SET stl_render_state = 'running', render_pid = 1, render_started_at = now()
WHERE id = :id AND stl_render_state = 'pending'""")
# Its table has no list of outputs, and the product is not kept: 'failed' stands for done, which asks for neither.
_DONE = sa.text("""
UPDATE print_task SET stl_render_state = 'failed', render_pid = NULL, render_started_at = NULL, stl_path = :path
WHERE id = :id""")


def orders(count: int, distinct: int) -> list[dict[str, str]]:
    """So many orders of so many different products, of all designs alike."""
    texts = [f"{NAMES[n % len(NAMES)]}{n // len(NAMES) or ''}" for n in range(distinct)]
    return [
        order(n, texts[n % distinct], SKUS[n % distinct % len(SKUS)], color_1="Blue", color_2="White")
        for n in range(count)
    ]


def one_at_a_time(database: Database, renderer: Renderer, folder: Path) -> int:
    """The rival; how many tasks it has done."""
    done = 0
    while True:
        with database.begin() as connection:
            task = connection.execute(_TAKE).one_or_none()
            if task is None:
                return done
            connection.execute(_RUN, {"id": task.id})
        product = renderer.render(OrderLine(task.sku, task.custom_text, task.color_1, task.color_2), task_id=task.id)
        written = write_product(product, folder)
        with database.begin() as connection:
            connection.execute(_DONE, {"id": task.id, "path": written[0].pretty_path})
        done += 1


def speed() -> None:
    """Print orders a second, and the ratios to the rival."""
    rival = _measured(orders(RIVAL_ORDERS, RIVAL_ORDERS), _rival)
    report("one task at a time, all different", rival, items=RIVAL_ORDERS, what="orders")
    scaled = Timing(rival.wall * ORDERS / RIVAL_ORDERS, rival.cpu * ORDERS / RIVAL_ORDERS, rival.peak_mb)
    for title, share in (("all different", 1), ("one in three is new", 3), ("one in ten is new", 10)):
        found = _measured(orders(ORDERS, ORDERS // share), _drained)
        report(f"drain, {title}", found, items=ORDERS, what="orders", rival=scaled)
    known = _measured(orders(ORDERS, KNOWN), _drained, warm=True)
    report("drain, all known", known, items=ORDERS, what="orders", rival=scaled)


def _measured(rows: Sequence[dict[str, str]], work: Callable[[Prints, Path], float], *, warm: bool = False) -> Timing:
    """The timing of `work` on these orders; with `warm`, once their products are known."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(home=Path(folder) / "home", database_url=None, object_store=None)
        services = Services(settings)
        shop = Prints(services)
        if warm:
            take_in(shop, *rows[:KNOWN])
            work(shop, Path(folder))
            rows = [{**row, "order_number": f"again {number}"} for number, row in enumerate(rows)]
        take_in(shop, *rows)
        wall, cpu = time.perf_counter(), time.process_time()
        elsewhere = work(shop, Path(folder))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        timing = Timing(time.perf_counter() - wall, time.process_time() - cpu + elsewhere, peak)
        services.close()
    return timing


def _drained(shop: Prints, _folder: Path) -> float:
    """Drain; the CPU seconds of the render processes, as far as they had come when the last batch was reported."""
    before, used = _cpu_of_children(), [0.0]
    until_empty = DrainOptions(idle_seconds=None)
    asyncio.run(render_prints(shop, lambda _: used.append(_cpu_of_children()), until_empty))
    return max(0.0, max(used) - before)


def _cpu_of_children() -> float:
    return sum(sum(child.cpu_times()[:2]) for child in psutil.Process().children(recursive=True))


def _rival(shop: Prints, folder: Path) -> float:
    one_at_a_time(shop.database, Renderer(NativeEngine(), FontLibrary(), cache_bytes=0), folder / "stl")
    return 0.0


def kill() -> None:
    """Print how long 5,000 tasks take four drains of which two are killed, after proving that each was done once."""
    with tempfile.TemporaryDirectory() as folder:
        settings = _kill_settings(Path(folder))
        services = Services(settings)
        shop = Prints(services, sketch_slowly)
        take_in(shop, *(order(n, f"Name {n % 3_000}", SKUS[n % 4]) for n in range(KILL_TASKS)))
        started = time.perf_counter()
        drain_with_kills(settings, shop.database, drains=KILL_DRAINS, tasks=KILL_TASKS, kills=KILLS)
        _drained(shop, Path(folder))
        seconds = time.perf_counter() - started
        assert_done_once(shop, KILL_TASKS)
        services.close()
    print(f"{KILL_TASKS} tasks, {KILL_DRAINS} drains, {KILLS} killed: {seconds:.1f} s; each done and told once")


def _kill_settings(folder: Path) -> Settings:
    settings = load_settings(home=folder / "home", database_url=None, object_store=None, print_retry_seconds=0.0)
    services = Services(settings.model_copy(update={"mail_to": ("shop@example.org",)}))
    url = services.database_urls.domain
    services.close()
    return services.settings.model_copy(update={"database_url": url})


def main(arguments: Sequence[str] = ()) -> None:
    """Run the part that the arguments name."""
    configure_logging("ERROR")
    match list(arguments):
        case ["kill"]:
            kill()
        case []:
            speed()
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
