"""`orchestration mockups`, from a design to files and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestration.mockups.jobs.model import NewJob
from orchestration.mockups.mockups import Mockups
from orchestration.mockups.tasks import handler, pool_process
from orchestration.mockups.tasks.request import request_address
from orchestration.services import Services
from orchestration.settings import load_settings
from orchestration_tests.mockups.drawing import sketch
from orchestration_tests.mockups.rendering import PRODUCT, VARIANT, add_products
from orchestration_tests.mockups.tasks.test_handler import PNG

if TYPE_CHECKING:
    from pathlib import Path

    from orchestration.mockups.mockup_request import MockupRequest
    from orchestration.mockups.tasks.request import Versions
    from orchestration_tests.cli.conftest import Command

GARMENT = ("--product", PRODUCT, "--variant", VARIANT)


@pytest.fixture
def orchestration(orchestration: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command over a catalogue with a shirt, and with small files instead of real ones."""
    monkeypatch.setattr(pool_process, "make", sketch)
    monkeypatch.setenv("ORCHESTRATION_MOCKUP_RETRY_SECONDS", "0")
    services = Services(load_settings())
    services.migrate()
    add_products(services.database)
    services.close()
    return orchestration


def submit(orchestration: Command, text: str) -> str:
    """Submit a text; the job's id."""
    job_id: str = orchestration("mockups", "submit", *GARMENT, "--text", text, "--json").json["id"]
    return job_id


def test_a_design_becomes_a_job_and_its_files(orchestration: Command, tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(PNG)
    submitted = orchestration(
        "mockups", "submit", *GARMENT, "--design", tmp_path / "logo.png", "--preset", "back-small",
        "--metadata", '{"order": 17}', "--mode", "images-only", "--json",
    )  # fmt: skip
    assert submitted.code == 0
    job = submitted.json
    assert (job["status"], job["preset"], job["metadata"]) == ("pending", "back-small", {"order": 17})
    assert (job["options"]["fabric"], job["options"]["mode"]) == ("#101840", "images-only")

    drained = orchestration("mockups", "drain", "--json")
    assert drained.code == 0
    assert (drained.json["rendered"], drained.json["failed"]) == (1, 0)

    status = orchestration("mockups", "status", job["id"], "--json").json
    assert (status["status"], status["progress"], len(status["outputs"])) == ("completed", 100, 8)
    front = next(one for one in status["outputs"] if one["angle"] == "front_0deg")
    assert front["metadata"] == {
        "generated_by": "render-engine",
        "render_job_id": job["id"],
        "camera_angle": "front_0deg",
        "preset": "back-small",
        "created_at": front["metadata"]["created_at"],
        "media_type": "image",
        "is_thumbnail": True,
    }
    assert (orchestration.home / "objects" / front["object_key"]).is_file()
    assert job["id"] in orchestration("mockups", "status", job["id"]).out
    assert orchestration("mockups", "stats", "--product", PRODUCT, "--json").json["completed"] == 1


def test_a_broken_job_in_a_full_batch_fails_alone_and_can_be_retried(
    orchestration: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = [submit(orchestration, f"name {number}") for number in range(6)]
    in_process, in_handler = submit(orchestration, "fault"), submit(orchestration, "unreadable")

    def fail_for_one(request: MockupRequest, versions: Versions) -> str:
        if "unreadable" in repr(request.prints):
            raise KeyError("no such colour")
        return request_address(request, versions)

    monkeypatch.setattr(handler, "request_address", fail_for_one)
    drained = orchestration("mockups", "drain", "--json")
    assert drained.code == 1
    assert (drained.json["rendered"], drained.json["failed"]) == (6, 2)
    lines = [line for line in drained.err.splitlines() if line.startswith("render job")]
    assert sorted(line.split()[2].rstrip(":") for line in lines) == sorted([in_process, in_handler])
    assert any("the raster has a hole" in line for line in lines)
    assert any("KeyError" in line and "handler" in line for line in lines)

    listed = orchestration("mockups", "list", "--status", "failed", "--status", "completed", "--json").json
    assert {job["id"]: job["status"] for job in listed["jobs"]} == {
        **dict.fromkeys(good, "completed"), in_process: "failed", in_handler: "failed",
    }  # fmt: skip

    monkeypatch.setattr(handler, "request_address", request_address)
    retried = orchestration("mockups", "retry", in_handler, good[0], "rjob_none", "--fabric", "red", "--json")
    assert retried.code == 1
    assert set(retried.json["failed"]) == {good[0], "rjob_none"}
    [again] = retried.json["done"]
    assert (again["retried_from"], again["retry_count"]) == (in_handler, 1)
    assert orchestration("mockups", "drain").code == 0
    assert orchestration("mockups", "status", again["job"], "--json").json["status"] == "completed"


def test_a_blind_replay_of_the_queue_is_refused_and_names_the_retry(orchestration: Command) -> None:
    assert ": a mens-tshirt in #101840; `" in orchestration("mockups", "submit", *GARMENT, "--text", "refused").out
    assert orchestration("mockups", "drain").code == 1
    replayed = orchestration("queue", "replay", "render-engine", "--json")
    assert replayed.code != 0
    assert "orchestration mockups retry" in replayed.err


def test_what_does_not_fit_is_one_clear_line(orchestration: Command, tmp_path: Path) -> None:
    (tmp_path / "logo.svg").write_text("<svg/>")
    refused = orchestration("mockups", "submit", *GARMENT, "--design", tmp_path / "logo.svg", "--json")
    assert (refused.code, refused.json["code"]) == (1, "INVALID_FILE_TYPE")
    unknown = orchestration("mockups", "submit", "--product", "A1-9", "--text", "Anna", "--json")
    assert (unknown.code, unknown.json["code"]) == (1, "PRODUCT_NOT_FOUND")
    for wrong in (
        ["submit", *GARMENT, "--text", "Anna", "--metadata", "[1]"],
        ["submit", *GARMENT, "--text", "Anna", "--preset", "chest"],
        ["submit", "--text", "Anna"],
        ["cleanup", "--days", "0"],
    ):
        ended = orchestration("mockups", *wrong)
        assert ended.code == 2
        assert len(ended.err.strip().splitlines()) == 1
    missing = orchestration("mockups", "status", "rjob_none")
    assert (missing.code, "rjob_none" in missing.err) == (1, True)
    assert orchestration("mockups", "list", "--json").json == {"jobs": [], "total": 0, "has_more": False}


def test_jobs_are_deleted_restored_and_removed(orchestration: Command) -> None:
    job_id = submit(orchestration, "Anna")
    orchestration("mockups", "drain")
    assert orchestration("mockups", "delete", job_id, "--json").json["done"][0]["deleted"] == "marked"
    assert orchestration("mockups", "list", "--json").json["total"] == 0
    assert orchestration("mockups", "restore", job_id, "--json").json == {"restored": 1}
    removed = orchestration("mockups", "delete", job_id, "--hard", "--json").json["done"][0]
    assert (removed["deleted"], removed["files"]) == ("for good", 10)
    assert orchestration("mockups", "list", "--deleted", "--json").json["total"] == 0
    assert orchestration("mockups", "cleanup", "--days", 1, "--json").json == {"deleted": 0}


def test_a_sku_is_rendered_again_on_request(orchestration: Command) -> None:
    submit(orchestration, "Anna")
    orchestration("mockups", "drain")
    assert orchestration("mockups", "drain", "--sku", VARIANT, "--json").json["rendered"] == 1
    unknown = orchestration("mockups", "drain", "--sku", "A1-9", "--json")
    assert (unknown.code, unknown.json["failed"]) == (1, 1)
    keys = orchestration.home / "keys.txt"
    keys.write_text(f"{VARIANT}\n")
    assert orchestration("materialize", "mockups/stills", "--keys", keys, "--json").code == 0


def test_a_job_waits_until_it_has_a_design(orchestration: Command) -> None:
    services = Services(load_settings())
    with Mockups(services).render_jobs() as jobs:
        job = jobs.create(NewJob(PRODUCT, "chest-medium"))
    services.close()
    assert orchestration("mockups", "drain", "--json").json["rendered"] == 0
    assert orchestration("mockups", "status", job.id, "--json").json["status"] == "pending"
