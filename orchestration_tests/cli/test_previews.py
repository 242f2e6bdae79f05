"""`orchestration preview` and `orchestration previews`, from a file to files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestration_tests.previews.making import picture
from orchestration_tests.previews.payloads import MINIMAL, small

if TYPE_CHECKING:
    from orchestration_tests.cli.conftest import Command


def write(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_one_payload_becomes_files_without_a_database(orchestration: Command, tmp_path: Path) -> None:
    photo = picture(tmp_path / "photo.png")
    steps = [{"text": "Hello", "durationMs": 500, "assetIds": ["photo"]}]
    assets = [{"id": "photo", "type": "image", "url": photo.as_uri()}]
    file = write(tmp_path / "job.json", small("one", steps=steps, assets=assets))
    refused = orchestration("preview", file, "--out", tmp_path / "out", "--json")
    assert refused.code == 1
    assert refused.json["faults"][0]["path"] == "$.previewRequest.assets[0].url"

    made = orchestration("preview", file, "--out", tmp_path / "out", "--allow-files", "--json")
    assert made.code == 0
    files = {one["kind"]: one for one in made.json["files"]}
    body = Path(files["video"]["path"]).read_bytes()
    assert (hashlib.sha256(body).hexdigest(), len(body)) == (files["video"]["sha256"], files["video"]["bytes"])
    assert files["video"]["seconds"] == 3.5
    assert made.json["milliseconds"] > 0
    container = json.loads((tmp_path / "out" / "container.json").read_text())
    for one in container["files"]:
        assert hashlib.sha256((tmp_path / "out" / one["path"]).read_bytes()).hexdigest() == one["sha256"]


def test_a_dry_run_writes_the_storyboard(orchestration: Command, tmp_path: Path) -> None:
    made = orchestration(
        "preview", write(tmp_path / "a.json", small(dry_run=True)), "--out", tmp_path / "out", "--json"
    )
    assert made.json["frames"] == 84
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["storyboard-00.webp", "storyboard-01.webp"]


def test_validation_tells_valid_from_invalid_from_unreadable(orchestration: Command, tmp_path: Path) -> None:
    valid = orchestration("previews", "validate", write(tmp_path / "a.json", MINIMAL), "--json")
    assert (valid.code, valid.json) == (0, {"valid": True, "jobId": "preview-job-0001"})
    invalid = orchestration("previews", "validate", write(tmp_path / "b.json", MINIMAL | {"more": 1}))
    assert invalid.code == 2
    assert "$.more" in invalid.err
    (tmp_path / "c.json").write_text("{")
    assert orchestration("previews", "validate", tmp_path / "c.json").code == 3
    assert orchestration("previews", "validate", tmp_path / "none.json", "--json").json["valid"] is False
    assert json.loads(orchestration("previews", "schema").out)["title"] == "PreviewJob"


def test_jobs_of_a_table_are_queued_and_rendered(orchestration: Command, tmp_path: Path) -> None:
    template = write(tmp_path / "a.json", small("{{name}}", title="For {{name}} of {{city}}", steps=[]))
    table = tmp_path / "t.csv"
    table.write_text("name,city\nann,Rome\nbob,\n")
    queued = orchestration("previews", "submit", template, "--data", table, "--json")
    assert queued.code == 1
    good, bad = queued.json["jobs"]
    assert (good["jobId"], good["status"], good["new"]) == ("ann", "queued", True)
    assert "$.previewRequest.title" in bad["problem"]
    assert "line 3" in queued.err
    drained = orchestration("previews", "drain", "--json")
    assert (drained.code, drained.json["completed"]) == (0, 1)
    status = orchestration("previews", "status", "ann", "--json").json
    assert (status["status"], status["artifacts"][0]["name"]) == ("success", "preview.mp4")
    assert orchestration("previews", "status", "--json").json["completed"] == 1
    assert orchestration("previews", "status", "nobody").code == 1


def test_an_unexpected_error_in_one_job_of_a_drain_is_that_jobs(
    orchestration: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRATION_PREVIEW_RETRY_SECONDS", "0")
    monkeypatch.setenv("ORCHESTRATION_PREVIEW_ATTEMPTS", "2")
    monkeypatch.setattr("orchestration.previews.jobs.handler.store_film", _stumbling())
    for name in ("good", "bad"):
        orchestration("previews", "submit", write(tmp_path / "a.json", small(name, options={"format": "png"})))
    drained = orchestration("previews", "drain", "--json")
    assert drained.code == 1
    assert (drained.json["completed"], drained.json["failed"]) == (1, 1)
    assert "bad: ZeroDivisionError" in drained.err
    status = orchestration("previews", "status", "bad", "--json").json
    assert (status["status"], status["attemptsMade"]) == ("failed", 2)


def _stumbling() -> Any:  # noqa: ANN401 - the function that it stands for
    from orchestration.previews.jobs.artifacts import store_film

    async def store(objects: Any, job: Any, *rest: Any) -> Any:  # noqa: ANN401
        if job.job_id == "bad":
            raise ZeroDivisionError("nobody foresaw it")
        return await store_film(objects, job, *rest)

    return store


def test_a_waiting_job_is_cancelled(orchestration: Command, tmp_path: Path) -> None:
    orchestration("previews", "submit", write(tmp_path / "a.json", small("one")))
    assert orchestration("previews", "cancel", "one", "--json").json == {"jobId": "one", "state": "cancelled"}
    again = orchestration("previews", "submit", write(tmp_path / "a.json", small("one", title="x")), "--json")
    assert (again.code, "$.previewRequest.title" in again.json["problem"]) == (1, True)


@pytest.mark.parametrize("arguments", [("preview", "none.json", "--out", "x"), ("previews", "submit", "none.json")])
def test_a_file_that_is_not_there_is_bad_usage(orchestration: Command, arguments: tuple[str, ...]) -> None:
    assert orchestration(*arguments).code == 2
