"""From orders to files: who is rendered, how often, and under which names."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from orchestration.prints.prints import Prints
from orchestration.prints.tasks.outcomes import Printing
from orchestration.prints.tasks.queue import RenderOptions
from orchestration.services import Services
from orchestration_tests.prints.printing import (
    CLIP,
    SKUS,
    STYLE3,
    drain,
    endings,
    order,
    renders,
    rows,
    run_sql,
    take_in,
    tasks,
)
from orchestration_tests.prints.solid.sketching import sketch_slowly

if TYPE_CHECKING:
    from orchestration.prints.tasks.outcomes import PrintedTask
    from orchestration.storage.database import Database


def test_an_order_of_each_product_becomes_proven_files_in_the_store(print_services: Services) -> None:
    shop = Prints(print_services)
    take_in(shop, *(order(sku, "Zoë", sku, color_1="Blue", color_2="White") for sku in SKUS))

    assert endings(drain(shop)) == {Printing.RENDERED: 5}

    outputs = rows(shop.database, "SELECT * FROM print_output ORDER BY task_id, position")
    assert [output["pretty_path"] for output in outputs if output["task_id"] == outputs[-1]["task_id"]] == [
        "cable-clip/Z/Zo_35mm.stl",
        "cable-clip/Z/Zo_35mm.3mf",
        "cable-clip/Z/Zo_40mm.stl",
        "cable-clip/Z/Zo_40mm.3mf",
        "cable-clip/Z/Zo.png",
    ]
    stored = shop.services.objects.sizes("prints")
    assert all(stored[output["object_key"]] == output["bytes"] for output in outputs)
    solids = [output["facts"] for output in outputs if output["kind"] == "stl"]
    assert all(facts["watertight"] and facts["bodies"] == 1 for facts in solids)
    assert len(solids) == 6


def test_a_finished_task_has_path_product_link_and_no_trace_of_trouble(shop: Prints, database: Database) -> None:
    take_in(shop, order(1, "Jason"))
    drain(shop)

    [task] = tasks(database)
    assert (task["stl_render_state"], task["stl_path"]) == ("completed", "dual-colours/J/Jason.stl")
    assert (task["annotation"], task["render_retries"], task["render_pid"]) == (None, 0, None)
    assert task["status"] == "pending"  # printing is not rendering
    outputs = rows(database, "SELECT url, url_expires_at - now() AS life FROM print_output")
    assert all(
        "signature=" in output["url"] and 160 < output["life"].total_seconds() / 3600 < 169 for output in outputs
    )


def test_orders_are_rendered_from_the_oldest_on_whenever_they_were_queued(shop: Prints, database: Database) -> None:
    take_in(shop, *(order(number, f"Name{number}", order_status="on_hold") for number in range(3)))
    run_sql(database, "UPDATE print_task SET created_at = created_at - id * interval '1 hour'")
    take_in(shop, order("young", "Young"))
    run_sql(database, "UPDATE shop_order SET order_status = 'awaiting_shipment'")

    assert [task.text for task in drain(shop)] == ["Name2", "Name1", "Name0", "Young"]


def test_only_orders_that_await_shipment_and_have_a_design_are_rendered(shop: Prints, database: Database) -> None:
    take_in(
        shop,
        order(1, "Jason"),
        order(2, "Held", order_status="on_hold"),
        order(3, "Gone", order_status="shipped"),
        order(4, "Other", sku="PER-KEY3D-STY1-Y3D"),
        order(5, "Off"),
    )
    run_sql(database, "UPDATE print_task SET status = 'cancelled' WHERE custom_text = 'Off'")

    assert [task.text for task in drain(shop)] == ["Jason"]
    assert [task["stl_render_state"] for task in tasks(database)] == ["completed", *["pending"] * 4]
    assert [task.text for task in drain(shop, options=RenderOptions(any_status=True))] == ["Held", "Gone"]


def test_an_order_that_is_cancelled_while_it_is_queued_is_left_pending(shop: Prints, database: Database) -> None:
    take_in(shop, order(1, "Jason"))
    run_sql(database, "UPDATE shop_order SET order_status = 'cancelled'")

    assert drain(shop) == []

    with database.connect() as connection:
        assert shop.print_queue.counts(connection).completed == 1
    assert tasks(database)[0]["stl_render_state"] == "pending"
    assert shop.queue_due_tasks() == 0


@pytest.mark.parametrize("drains", [1, 2])
def test_1000_orders_of_300_different_products_cost_300_renderings(
    print_services: Services, database: Database, drains: int
) -> None:
    shops = [Prints(print_services, sketch_slowly) for _ in range(drains)]
    lines = [(SKUS[n % 4], f"Name {n // 12}", ("Red", "Blue", "Gold")[n % 3]) for n in range(300)]
    assert len(set(lines)) == 300
    chosen = [lines[n * 7 % 300] for n in range(1000)]
    take_in(shops[0], *(order(n, text, sku, color_1=color) for n, (sku, text, color) in enumerate(chosen)))
    heard: list[list[PrintedTask]] = [[] for _ in shops]

    def work(number: int) -> None:
        heard[number] = drain(shops[number])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(drains)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert renders(database) == 300
    assert endings(task for one in heard for task in one) == {Printing.RENDERED: 300, Printing.CACHED: 700}
    assert {task["stl_render_state"] for task in tasks(database)} == {"completed"}
    assert all(heard)


def test_equal_orders_of_another_day_and_process_cost_nothing(shop: Prints, print_services: Services) -> None:
    take_in(shop, order(1, "Jason"))
    drain(shop)

    take_in(shop, order(2, "  Jason"))  # the spaces are not printed
    assert endings(drain(Prints(print_services))) == {Printing.CACHED: 1}


def test_a_changed_text_is_rendered_anew_and_the_old_file_stays(shop: Prints, database: Database) -> None:
    take_in(shop, order(1, "Jason", line="a"))
    drain(shop)
    [old] = rows(database, "SELECT * FROM print_output WHERE kind = 'stl'")

    take_in(shop, order(1, "Jasmine", line="a"))
    [task] = tasks(database)
    assert (task["stl_render_state"], task["stl_path"]) == ("pending", None)
    assert rows(database, "SELECT * FROM print_output") == []

    assert endings(drain(shop)) == {Printing.RENDERED: 1}
    assert tasks(database)[0]["stl_path"] == "dual-colours/J/Jasmine.stl"
    assert shop.services.objects.get(old["object_key"])
    assert rows(database, "SELECT path FROM print_path WHERE sha256 = :sha", sha=old["sha256"]) == [
        {"path": "dual-colours/J/Jason.stl"}
    ]


def test_names_that_differ_in_case_or_marks_only_never_share_a_path(shop: Prints, database: Database) -> None:
    texts = ["Anna", "anna", "aNNA", "ANNA", "Ann\u00e4a", "Anna/Smith", "Anna/Jones"]
    take_in(shop, *(order(number, text) for number, text in enumerate(texts)))
    drain(shop)

    paths = [task["stl_path"] for task in tasks(database)]
    assert len({path.lower() for path in paths}) == len(texts)
    assert paths[0] == "dual-colours/A/Anna.stl"
    assert paths[3] == "dual-colours/A/ANNA_UC.stl"
    assert paths[1].startswith("dual-colours/A/anna-")


def test_another_colour_of_a_name_is_another_3mf_of_the_same_stl(shop: Prints, database: Database) -> None:
    take_in(shop, order(1, "Anna", color_1="Red"), order(2, "Anna", color_1="Blue"))
    drain(shop)

    found = rows(database, "SELECT kind, pretty_path FROM print_output ORDER BY task_id, position")
    stl = {one["pretty_path"] for one in found if one["kind"] == "stl"}
    threemf = {one["pretty_path"] for one in found if one["kind"] == "3mf"}
    assert (len(stl), len(threemf)) == (1, 2)


def test_a_text_that_changes_while_it_is_rendered_does_not_get_the_old_files(
    print_services: Services, database: Database
) -> None:
    shop = Prints(print_services, sketch_slowly)
    take_in(shop, order(1, "Old", line="a"))
    shop.environment  # noqa: B018 - looks for the fonts now, and not while the clock of this test runs
    taken = threading.Event()

    def change() -> None:
        while not any(task["stl_render_state"] == "running" for task in tasks(database)):
            pass
        take_in(shop, order(1, "New", line="a"))
        taken.set()

    thread = threading.Thread(target=change)
    thread.start()
    heard = drain(shop)
    thread.join()

    assert taken.is_set()
    assert heard[-1].text == "New"
    assert tasks(database)[0]["stl_path"] == "dual-colours/N/New.stl"
    assert {output["pretty_path"] for output in rows(database, "SELECT * FROM print_output")} == {
        f"dual-colours/N/New.{kind}" for kind in ("stl", "3mf", "png")
    }


def test_what_a_person_should_look_at_is_told(shop: Prints, database: Database) -> None:
    take_in(shop, order(1, "Anna", color_1="Ultraviolet"), order(2, "One/Two/Three/Four"), order(3, "Ben"))
    drain(shop)

    reasons = [task["review_reason"] for task in tasks(database)]
    assert "ultraviolet" in reasons[0]
    assert "Four" in reasons[1]
    assert reasons[2] is None
    assert [task["needs_review"] for task in tasks(database)] == [True, True, False]


def test_the_notice_of_a_print_is_written_with_it_and_says_what_is_to_be_done(
    print_services: Services, database: Database
) -> None:
    settings = print_services.settings.model_copy(update={"mail_to": ("shop@example.org",)})
    services = Services(settings)
    shop = Prints(services, sketch_slowly)
    vera = {"shipstation_order_id": "77", "color_1": "Blue", "color_2": "White", "ship_by_date": "2026-03-01"}
    willi = {"quantity": "3", "color_1": "Ultraviolet"}
    take_in(shop, order(1, "Vera", **vera), order(1, "Willi", STYLE3, **willi), order(3, "\U0001f496"))
    drain(shop)

    notices = [one["payload"] for one in rows(database, "SELECT payload FROM notification ORDER BY key")]
    services.close()
    assert [one["data"]["order_number"] for one in notices] == ["1", "1"]
    assert notices[0]["shop_order_id"] == "77"
    assert notices[0]["link"] == notices[1]["link"], "one link leads to all prints of an order"
    first, second = (one["data"] for one in notices)
    assert (first["quantity"], first["color_1"], first["color_2"], first["ship_by_date"]) == (
        1, "blue", "white", "2026-03-01",
    )  # fmt: skip
    assert second["quantity"] == 3
    assert "ultraviolet" in second["review_reason"]
    assert notices[1]["subject"] == "Order 1: 3 x Willi is ready to review"
    for said in ("3 x Willi", "ultraviolet", "To review"):
        assert said in notices[1]["text"]
    assert "Ship by 2026-03-01" in notices[0]["text"]


def test_a_cable_clip_owns_both_its_files(print_services: Services, database: Database) -> None:
    shop = Prints(print_services)
    take_in(shop, order(1, "Luca", CLIP))
    drain(shop)

    found = rows(database, "SELECT sha256, facts FROM print_output WHERE kind = 'stl' ORDER BY position")
    assert found[0]["facts"]["volume_mm3"] > found[1]["facts"]["volume_mm3"]
    assert tasks(database)[0]["stl_path"] == "cable-clip/L/Luca_35mm.stl"
