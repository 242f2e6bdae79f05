"""Jobs from the queue to their artifacts, whatever happens to their neighbours."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from orchestration.previews.health import failed_jobs, invalid_jobs, missing_artifacts
from orchestration.previews.jobs.states import ErrorType, JobState
from orchestration.previews.previews import Previews
from orchestration_tests.previews.draining import counts, drain, found, sleepers, start_drain, wait_until
from orchestration_tests.previews.making import FAULTY, make_and_die, make_and_stumble, make_for_ever, make_late
from orchestration_tests.previews.payloads import small

if TYPE_CHECKING:
    from orchestration.services import Services
    from orchestration.settings import Settings


def scratch(pid: int | None = None) -> set[Path]:
    """The scratch folders of previews that a process has, by default this one."""
    return set(Path(tempfile.gettempdir()).glob(f"orchestration-preview-{pid or os.getpid()}-*"))


def test_a_job_becomes_stored_files_that_name_each_other(previews: Previews) -> None:
    previews.submit(small("one"))
    [rendered] = drain(previews)
    row = found(previews, "one")
    assert (row.state, row.percent, row.renders, rendered.problem) == (JobState.COMPLETED, 100.0, 1, None)
    assert row.result is not None
    files: dict[str, Any] = {file["kind"]: file for file in row.result["files"]}
    assert list(files) == ["video", "poster", "proof", "record", "container"]
    for file in files.values():
        body = previews.services.objects.get(file["key"])
        assert (hashlib.sha256(body).hexdigest(), len(body)) == (file["sha256"], file["bytes"])
        assert file["key"].startswith(f"previews/sha256/{file['sha256'][:2]}/{file['sha256']}.")
    container = json.loads(previews.services.objects.get(files["container"]["key"]))
    listed = {(one["path"], one["sha256"]) for one in container["files"]}
    assert listed == {(file["key"], file["sha256"]) for kind, file in files.items() if kind != "container"}
    record = json.loads(previews.services.objects.get(files["record"]["key"]))
    assert (record["status"], record["steps"], record["renderInfo"]["duration"]) == ("success", 1, "00:00:04")
    assert counts(previews) == {"started": 1, "completed": 1}
    assert scratch() == set()
    with previews.database.connect() as connection:
        assert missing_artifacts(connection, previews.services.objects).total == 0
        previews.services.objects.delete(files["video"]["key"])
        assert missing_artifacts(connection, previews.services.objects).total == 1


def test_a_dry_run_leaves_a_record_and_no_artifact(previews: Previews) -> None:
    previews.submit(small("dry", dry_run=True))
    drain(previews)
    row = found(previews, "dry")
    assert row.result is not None
    assert (row.state, row.result["frames"], len(row.result["storyboard"])) == (JobState.COMPLETED, 84, 2)
    assert row.result["storyboard"][0]["picture"].startswith("data:image/webp;base64,")
    assert previews.services.objects.sizes("previews") == {}
    assert counts(previews) == {"started": 1, "dryrun": 1}


def test_an_asset_that_cannot_be_had_fails_its_job_at_once_and_no_other(previews: Previews) -> None:
    bad = [{"id": "a", "type": "image", "url": "http://10.0.0.1/a.png"}]
    local = [{"id": "a", "type": "image", "url": "file:///etc/passwd"}]
    previews.submit(small("inside", assets=bad))
    previews.submit(small("local", assets=local))
    previews.submit(small("good"))
    drain(previews)
    for name in ("inside", "local"):
        row = found(previews, name)
        assert (row.state, row.attempt, row.error_type) == (JobState.FAILED, 1, ErrorType.INVALID)
        assert row.faults is not None
        assert row.faults[0]["path"] == "$.previewRequest.assets[0].url"
    assert found(previews, "good").state is JobState.COMPLETED
    assert counts(previews) == {"started": 3, "completed": 1, "invalid": 2}
    with previews.database.connect() as connection:
        assert invalid_jobs(connection).total == 2
        assert {letter.key for letter in previews.preview_queue.dead(connection)} == {"local", "inside"}


def test_a_payload_that_went_around_the_door_is_refused_by_the_worker(previews: Previews) -> None:
    previews.submit(small("one"))
    with previews.database.begin() as connection:
        connection.execute(sa.text("""UPDATE preview_job SET payload = '{"jobId": "one", "more": 1}'"""))
    drain(previews)
    row = found(previews, "one")
    assert (row.attempt, row.error_type) == (1, ErrorType.INVALID)
    assert {fault["path"] for fault in row.faults or ()} >= {"$.more", "$.previewRequest"}


@pytest.mark.parametrize(("make", "said"), [(make_and_stumble, "ZeroDivisionError"), (make_and_die, "exit code")])
def test_an_unexpected_end_fails_one_job_after_its_attempts(preview_services: Services, make: Any, said: str) -> None:  # noqa: ANN401
    previews = Previews(preview_services, make)
    for name in ("first", FAULTY, "last"):
        previews.submit(small(name, options={"format": "png"}))
    rendered = drain(previews)
    row = found(previews, FAULTY)
    assert (row.state, row.attempt, row.error_type) == (JobState.FAILED, 2, ErrorType.RENDER)
    assert said in (row.error or "")
    assert {found(previews, name).state for name in ("first", "last")} == {JobState.COMPLETED}
    assert [one.is_final for one in rendered if one.job_id == FAULTY] == [False, True]
    with previews.database.connect() as connection:
        assert failed_jobs(connection).total == 1


def test_a_dead_letter_that_is_replayed_is_rendered(preview_services: Services) -> None:
    broken = Previews(preview_services, make_and_stumble)
    broken.submit(small(FAULTY, options={"format": "png"}))
    drain(broken)
    mended = Previews(preview_services)
    with mended.database.begin() as connection:
        assert mended.preview_queue.replay(connection, [FAULTY]) == 1
    drain(mended)
    row = found(mended, FAULTY)
    assert (row.state, row.error, row.renders) == (JobState.COMPLETED, None, 1)
    assert row.first_failed_at is not None


def test_a_rendering_over_its_time_is_killed(preview_services: Services) -> None:
    preview_services.settings = preview_services.settings.model_copy(
        update={"preview_timeout_minutes": 2 / 60, "preview_attempts": 1}
    )
    previews = Previews(preview_services, make_for_ever)
    previews.submit(small("endless"))
    drain(previews)
    row = found(previews, "endless")
    assert (row.state, row.error_type, row.percent > 0) == (JobState.FAILED, ErrorType.TIMEOUT, True)
    wait_until(lambda: not sleepers())


def test_a_cancelled_rendering_ends_with_its_processes_and_its_files(preview_services: Services) -> None:
    previews = Previews(preview_services, make_for_ever)
    previews.submit(small("endless"))
    draining = threading.Thread(target=drain, args=(previews,))
    draining.start()
    wait_until(lambda: sleepers() and found(previews, "endless").percent > 0)
    row = found(previews, "endless")
    assert (row.state, row.stage) == (JobState.RUNNING, "frames")
    previews.cancel("endless")
    wait_until(lambda: found(previews, "endless").state is JobState.CANCELLED and not sleepers() and not scratch())
    draining.join(60)
    assert not draining.is_alive()
    assert counts(previews) == {"started": 1, "cancelled": 1}


def test_a_killed_drain_leaves_its_job_to_the_next_one(preview_settings: Settings, previews: Previews) -> None:
    previews.submit(small("one"))
    process = start_drain(preview_settings, make_for_ever)
    wait_until(sleepers)
    assert process.pid is not None
    process.kill()
    process.join()
    wait_until(lambda: not sleepers())  # what it had started ended with it
    drain(previews)
    row = found(previews, "one")
    assert (row.state, row.attempt, row.renders) == (JobState.COMPLETED, 2, 1)
    assert not scratch(process.pid)


def test_progress_never_falls_over_attempts(preview_services: Services) -> None:
    previews = Previews(preview_services, make_late)
    previews.submit(small("late"))
    draining = threading.Thread(target=drain, args=(previews,))
    draining.start()
    seen = [0.0]
    while draining.is_alive():
        seen.append(found(previews, "late").percent)
        time.sleep(0.05)
    assert seen == sorted(seen)
    row = found(previews, "late")
    assert (row.attempt, row.state, row.percent) == (2, JobState.COMPLETED, 100.0)
    assert any(50 < percent < 100 for percent in seen)
