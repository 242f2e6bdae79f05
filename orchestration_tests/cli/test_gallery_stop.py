"""A drain of the mirror that a signal stops: what was done is printed and recorded, and nothing is called a failure."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from orchestration.gallery import history
from orchestration.gallery.history import NewGeneration, Status
from orchestration_tests.gallery.mirroring import wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from orchestration.storage.database import Database

COUNT = 8_000
# A run as the sensor keeps it up: it waits for more work for as long as it may.
WARM = """
from orchestration.cli.job_runner import job_runner
from orchestration.cli.output import print_json
from orchestration.gallery.defs.public_generations import MirrorConfig, public_generations
from orchestration.runtime.assets import run_config
from orchestration.settings import load_settings
with job_runner(load_settings()) as runner:
    outcome = runner.run("gallery_mirror", run_config(public_generations, MirrorConfig(idle_seconds=3_000.0)))
    last = runner.instance.get_latest_materialization_event(public_generations.key)
    told = {name: value.value for name, value in last.asset_materialization.metadata.items()}
    status = runner.instance.get_run_by_id(outcome.run_id).status.value
    print_json({"status": status, "same_run": last.run_id == outcome.run_id, "added": told["added"]})
"""


@pytest.fixture
def backlog(variables: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of public items that nobody has mirrored, and drains that take them a few at a time."""
    monkeypatch.setenv("ORCHESTRATION_LOG_LEVEL", "ERROR")
    monkeypatch.setenv("MIRROR_QUEUE_BATCH_LIMIT", "12")
    assert not variables.exists()
    items = [NewGeneration(f"h{n}", "u", {}, Status.COMPLETED, is_public=True) for n in range(COUNT)]
    with database.begin() as connection:
        history.create(connection, items)


def stopped(database: Database, arguments: Sequence[str], number: signal.Signals) -> tuple[int, str, str]:
    """Start the program, and send the signal in the middle; its exit code and what it wrote."""
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        wait_until(lambda: mirrored(database) > COUNT / 8, seconds=120)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    return process.returncode, out, err


def mirrored(database: Database) -> int:
    """How many items are shown."""
    with database.connect() as connection:
        return int(connection.execute(sa.text("SELECT count(*) FROM public_generation")).scalar_one())


@pytest.mark.usefixtures("backlog")
def test_an_interrupted_command_says_what_it_did_and_that_it_was_stopped(database: Database) -> None:
    code, out, err = stopped(database, ["-m", "orchestration", "gallery", "drain", "--json"], signal.SIGINT)
    assert code == 130, err
    told = json.loads(out)
    assert told["success"]
    assert told["added"] == mirrored(database) < COUNT
    assert err == "Stopped by a signal; what is left is still queued, run the command again\n"


@pytest.mark.usefixtures("backlog")
def test_a_warm_run_that_is_terminated_is_green_and_has_recorded_all_that_it_did(database: Database) -> None:
    code, out, err = stopped(database, ["-c", WARM], signal.SIGTERM)
    assert (code, err) == (0, "")
    assert json.loads(out) == {"status": "SUCCESS", "same_run": True, "added": mirrored(database)}
    assert mirrored(database) < COUNT
