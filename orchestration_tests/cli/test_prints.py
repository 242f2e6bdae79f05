"""`orchestration orders` and `orchestration prints`, from a file to files."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from orchestration.demo import orders
from orchestration.prints.defs.stl_metadata import PrintReport
from orchestration.prints.solid.request import read
from orchestration.prints.tasks import handler, pool_process
from orchestration_tests.prints.solid.sketching import sketch, sketch_slowly

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from orchestration.prints.solid.request import OrderLine, Request
    from orchestration.prints.tasks.outcomes import PrintedTask
    from orchestration_tests.cli.conftest import Command

TAG = "PER-KEY3D-STY3-Y3D"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Three orders, of which one cannot be printed and one is no order."""
    path = tmp_path / "orders.csv"
    path.write_text(
        f"order_number;sku;text;quantity\n1;{TAG};Jason;1\n2;{TAG};Ben\u200bny;1\n3;{TAG};Cara;none\n", encoding="utf-8"
    )
    return path


def test_a_file_of_orders_becomes_files_and_a_report(orchestration: Command, file: Path) -> None:
    imported = orchestration("orders", "import", file, "--json")
    assert imported.code == 1
    assert (imported.json["imported"], imported.json["refused"], imported.json["queued"]) == (2, 1, 2)
    assert imported.json["rows"][2]["column"] == "quantity"
    assert "row 4, quantity" in imported.err

    drained = orchestration("prints", "drain", "--json")
    assert drained.code == 1
    assert (drained.json["rendered"], drained.json["refused"]) == (1, 1)
    assert "print task 2: U+200B" in drained.err

    [listed] = orchestration("orders", "list", "--state", "completed", "--json").json
    assert (listed["text"], listed["stl_path"]) == ("Jason", "dual-colours/J/Jason.stl")
    assert (orchestration.home / "objects" / listed["outputs"][0]["key"]).is_file()

    status = orchestration("prints", "status", "--json").json
    assert (status["skus"][0]["completed"], status["skus"][0]["refused"]) == (1, 1)
    assert status["queues"]["print"]["waiting"] == 0
    assert "Jason" in orchestration("orders", "list").out

    assert orchestration("prints", "retry", "--json").json == {"pending": 1, "tasks": [2]}
    assert orchestration("prints", "refresh", "--task", 1, "--force", "--json").json == {"pending": 1, "tasks": [1]}
    assert orchestration("prints", "drain", "--task", 1, "--json").json["cached"] == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("prints", "refresh", "--sku", "NO-SUCH"), "NO-SUCH"),
        (("prints", "drain", "--task", "99"), "no print task 99"),
        (("prints", "retry", "--task", "99"), "no print task 99"),
        (("orders", "import", "missing.csv"), "missing.csv"),
        (("orders", "list", "--status", "lost"), "lost"),
    ],
)
def test_what_cannot_be_meant_is_bad_usage(orchestration: Command, arguments: tuple[str, ...], told: str) -> None:
    ended = orchestration(*arguments)
    assert ended.code in {1, 2}
    assert told in ended.err
    assert "Traceback" not in ended.err


def test_the_sample_orders_are_rendered_or_refused_as_they_should(orchestration: Command, tmp_path: Path) -> None:
    path = orders.write_orders(tmp_path / "orders.csv")
    assert orchestration("orders", "import", path).code == 0

    summary = orchestration("prints", "drain", "--json").json

    assert summary["rendered"] + summary["cached"] == orders.RENDERED
    assert summary["refused"] == orders.REFUSED


def test_one_order_that_meets_a_bug_is_named_once_and_the_command_exits_with_1(
    orchestration: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_a_bug(line: OrderLine) -> Request:
        if line.text == "Bug":
            raise KeyError("a fault of ours")
        return read(line)

    monkeypatch.setenv("ORCHESTRATION_PRINT_ATTEMPTS", "2")
    monkeypatch.setenv("ORCHESTRATION_PRINT_RETRY_SECONDS", "0")
    monkeypatch.setattr(pool_process, "make", sketch)
    monkeypatch.setattr(handler, "read", with_a_bug)
    path = tmp_path / "orders.csv"
    texts = [*(f"Name {number}" for number in range(20)), "Bug", *(f"More {number}" for number in range(20))]
    path.write_text("order_number,sku,text\n" + "".join(f"{n},{TAG},{text}\n" for n, text in enumerate(texts)))
    orchestration("orders", "import", path)

    drained = orchestration("prints", "drain", "--json")

    assert drained.code == 1
    assert (drained.json["rendered"], drained.json["failed"]) == (40, 1)
    named = [line for line in drained.err.splitlines() if line.startswith("print task")]
    assert len(named) == 1
    assert named[0].startswith("print task 21: KeyError in ")


def test_a_signal_ends_a_drain_after_its_summary_with_130(
    orchestration: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, signals = PrintReport.record, iter([signal.SIGTERM])

    def with_signal(report: PrintReport, printed: Sequence[PrintedTask]) -> None:
        record(report, printed)
        for number in signals:  # one: a later one would force the end
            os.kill(os.getpid(), number)

    monkeypatch.setattr(pool_process, "make", sketch_slowly)
    monkeypatch.setattr(PrintReport, "record", with_signal)
    path = tmp_path / "orders.csv"
    path.write_text("order_number,sku,text\n" + "".join(f"{number},{TAG},Name {number}\n" for number in range(500)))
    orchestration("orders", "import", path)

    drained = orchestration("prints", "drain", "--json")

    assert drained.code == 130
    assert 0 < drained.json["rendered"] < 500
    status = orchestration("prints", "status", "--json").json["skus"][0]
    assert (status["completed"], status["running"]) == (drained.json["rendered"], 0)


def test_finished_prints_become_plates_that_can_be_taken_back(
    orchestration: Command, file: Path, tmp_path: Path
) -> None:
    orchestration("orders", "import", file)
    orchestration("prints", "drain")

    made = orchestration("prints", "plates", "--out", tmp_path / "plates", "--json")

    assert made.code == 0
    [plate] = made.json
    assert (plate["products"], plate["orders"], plate["changed"]) == (1, ["1"], 0)
    number = plate["id"]
    names = sorted(path.name for path in (tmp_path / "plates").iterdir())
    assert names == [f"plate-{number}.3mf", f"plate-{number}.png"]
    assert orchestration("prints", "plates", "--list", "--json").json == [plate]
    assert orchestration("prints", "plates", "--json").json == []

    undone = orchestration("prints", "plates", "--undo", number, "--undo", 999, "--json")
    assert (undone.code, undone.json) == (1, {"undone": [number], "unknown": [999]})
    assert orchestration("prints", "plates", "--list", "--json").json == []
    assert orchestration("prints", "plates", "--sku", "MUG").code == 2


def test_a_misspelled_sku_is_named_with_the_one_that_is_meant(orchestration: Command, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(f"order_number,sku,text\n1,{TAG.lower()},Olga\n2,PER-KEY3D-STY1-Y3D,Paul\n", encoding="utf-8")
    imported = orchestration("orders", "import", path, "--json")
    assert (imported.code, imported.json["imported"], imported.json["queued"]) == (1, 2, 0)
    assert f"row 2, sku: no design prints the SKU '{TAG.lower()}'; write {TAG}" in imported.err
    assert "row 3" not in imported.err


def test_a_print_that_nobody_renders_says_why_it_waits(orchestration: Command, tmp_path: Path) -> None:
    lines = ("order_number,sku,text,order_status", "1,PER-KEY3D-STY1-Y3D,Ida,", "2,PER-2PER-USBC,Uwe,awaiting_payment")
    (tmp_path / "orders.csv").write_text("\n".join((*lines, "3,PER-2PER-USBC,Sam,")), encoding="utf-8")
    assert orchestration("orders", "import", str(tmp_path / "orders.csv")).code == 0
    listed = orchestration("orders", "list").out.splitlines()
    assert "not printed here: no design has this SKU" in next(line for line in listed if "Ida" in line)
    waits = "its order is awaiting_payment; it is rendered once that is awaiting_shipment"
    assert waits in next(line for line in listed if "Uwe" in line)
    assert "its order is" not in next(line for line in listed if "Sam" in line)
