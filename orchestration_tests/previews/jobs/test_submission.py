"""A job is taken in once, whoever sends it how often."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from orchestration.errors import NotFoundError, QueueFullError
from orchestration.previews.drains import forget
from orchestration.previews.jobs.rows import complete_job, list_jobs
from orchestration.previews.jobs.states import JobState
from orchestration.previews.jobs.submission import JobConflictError
from orchestration.previews.payload.schema import InvalidPayloadError
from orchestration.previews.previews import Previews
from orchestration_tests.previews.draining import counts, found
from orchestration_tests.previews.payloads import MINIMAL, small

if TYPE_CHECKING:
    from orchestration.services import Services
    from orchestration.storage.database import Database
    from orchestration.work_queue.queue import TaskQueue


def waiting(previews: Previews) -> int:
    with previews.database.connect() as connection:
        return previews.preview_queue.counts(connection).waiting


def end(previews: Previews, job_id: str, now: datetime) -> None:
    """Note that a job is done, as its handler would."""
    with previews.database.begin() as connection:
        connection.execute(sa.text("UPDATE preview_job SET state = 'running'"))
        complete_job(connection, job_id, {"files": []}, now)
        connection.execute(sa.text("DELETE FROM task"))


def test_fifty_at_the_same_time_make_one_job(previews: Previews) -> None:
    with ThreadPoolExecutor(16) as threads:
        submitted = list(threads.map(lambda _: previews.submit(small("one")), range(50)))
    assert sum(one.is_new for one in submitted) == 1
    assert waiting(previews) == 1
    assert counts(previews) == {"repeated": 49}


def test_what_may_differ_does_not_make_another_job(previews: Previews) -> None:
    previews.submit(MINIMAL)
    again = {**MINIMAL, "requestId": "other", "createdAt": "2027-01-01T00:00:00Z", "attempts": 3, "priority": "normal"}
    again["updatedAt"] = "2027-01-01T00:00:00Z"
    assert not previews.submit(again).is_new


def test_another_payload_under_the_same_id_is_refused_by_the_fields_that_differ(previews: Previews) -> None:
    previews.submit(small("one"))
    other = small("one", priority="high", title="Other", steps=[{"title": "One", "text": "Bye.", "durationMs": 500}])
    with pytest.raises(JobConflictError) as caught:
        previews.submit(other)
    assert caught.value.fields == (
        "$.previewRequest.steps[0].text", "$.previewRequest.title", "$.priority",
    )  # fmt: skip
    assert found(previews, "one").priority == "normal"


def test_a_late_repeat_finds_its_job_long_after_the_queue_has_forgotten_it(previews: Previews) -> None:
    now = datetime.now(UTC)
    previews.submit(small("one"))
    end(previews, "one", now - timedelta(days=29))
    forget(previews, now)
    again = previews.submit(small("one"))
    assert (again.is_new, again.job.state, waiting(previews)) == (False, JobState.COMPLETED, 0)
    forget(previews, now + timedelta(days=2))
    assert previews.find("one") is None


def test_the_twenty_first_waiting_job_is_refused_with_a_wait_and_leaves_no_trace(previews: Previews) -> None:
    for number in range(20):
        previews.submit(small(f"job-{number}"))
    with pytest.raises(QueueFullError) as caught:
        previews.submit(small("late"))
    assert caught.value.retry_after is not None
    assert previews.find("late") is None
    assert not previews.submit(small("job-3")).is_new  # a repeat needs no place
    previews.cancel("job-0")
    assert previews.submit(small("late")).is_new


def test_no_priority_shuts_the_others_out(previews: Previews) -> None:
    for number in range(20):
        previews.submit(small(f"low-{number}", priority="low"))
    for priority in ("normal", "high"):
        for number in range(2):
            assert previews.submit(small(f"{priority}-{number}", priority=priority)).is_new
        with pytest.raises(QueueFullError):
            previews.submit(small(f"{priority}-2", priority=priority))


@pytest.mark.parametrize("most", [1, 2, 3, 7, 20, 100])
def test_one_priority_alone_may_fill_the_queue(services: Services, most: int) -> None:
    settings = services.settings.model_copy(update={"preview_queue_max": most})
    services.settings = settings
    policy = Previews(services).preview_queue.policy
    for level in range(3):
        assert policy.excess({level: most - 1}, {level: 1}) == 0
        assert policy.excess({level: most}, {level: 1}) == 1
        assert policy.excess({level: most}, {(level + 1) % 3: 1}) == 0


def test_an_invalid_payload_is_refused_and_counted(previews: Previews) -> None:
    with pytest.raises(InvalidPayloadError):
        previews.submit(small("../x"))
    assert counts(previews) == {"invalid": 1}
    assert waiting(previews) == 0


def test_a_callback_goes_only_where_the_setting_allows(previews: Previews) -> None:
    with pytest.raises(InvalidPayloadError) as caught:
        previews.submit(small("one", callbackUrl="http://169.254.169.254/latest"))
    assert caught.value.faults[0].path == "$.previewRequest.callbackUrl"
    assert "ORCHESTRATION_CALLBACK_HOSTS" in caught.value.faults[0].problem


def test_a_waiting_job_is_cancelled_at_once_and_stays_so(previews: Previews) -> None:
    previews.submit(small("one"))
    assert previews.cancel("one").state is JobState.CANCELLED
    assert previews.cancel("one").state is JobState.CANCELLED
    assert not previews.submit(small("one")).is_new
    assert (waiting(previews), counts(previews)["cancelled"]) == (0, 1)
    with pytest.raises(NotFoundError):
        previews.cancel("other")


def test_the_database_refuses_an_illegal_step(previews: Previews, preview_services: Services) -> None:
    previews.submit(small("one"))
    previews.cancel("one")
    database: Database = preview_services.database
    with pytest.raises(sa.exc.IntegrityError), database.begin() as connection:
        connection.execute(sa.text("UPDATE preview_job SET state = 'running', finished_at = NULL"))


def test_jobs_are_listed_newest_first_by_state(previews: Previews) -> None:
    for name in ("a", "b", "c"):
        previews.submit(small(name))
    previews.cancel("b")
    with previews.database.connect() as connection:
        assert [row.job_id for row in list_jobs(connection, None, 2)] == ["c", "b"]
        assert [row.job_id for row in list_jobs(connection, JobState.QUEUED, 10)] == ["c", "a"]


def test_an_urgent_job_goes_first_and_an_old_one_overtakes_it(previews: Previews) -> None:
    for priority in ("low", "normal", "high"):
        previews.submit(small(priority, priority=priority))
    queue: TaskQueue = previews.preview_queue
    with previews.database.begin() as connection:
        worker = queue.register_worker(connection)
        assert [queue.claim(connection, worker)[0].key for _ in range(2)] == ["high", "normal"]
    previews.submit(small("later", priority="high"))
    with previews.database.begin() as connection:
        connection.execute(sa.text("UPDATE task SET run_at = run_at - interval '10 minutes' WHERE key = 'low'"))
        assert queue.claim(connection, worker)[0].key == "low"
