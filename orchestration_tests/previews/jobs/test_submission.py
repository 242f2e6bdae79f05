"""A job is taken in once, whoever sends it how often."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
import sqlalchemy as sa

from orchestration.errors import NotFoundError, QueueFullError
from orchestration.previews.drains import forget
from orchestration.previews.jobs.intake import Arrival, Intake
from orchestration.previews.jobs.rows import complete_job, list_jobs
from orchestration.previews.jobs.states import JobState
from orchestration.previews.jobs.submission import JobConflictError, Submitted
from orchestration.previews.payload.reading import read_payload
from orchestration.previews.payload.schema import InvalidPayloadError
from orchestration.previews.queues import preview_queue
from orchestration.settings import Settings
from orchestration_tests.previews.draining import counts, found
from orchestration_tests.previews.payloads import MINIMAL, small

if TYPE_CHECKING:
    from orchestration.previews.previews import Previews
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


def test_many_at_the_same_time_are_each_answered_for_themselves(previews: Previews) -> None:
    def submit(number: int) -> str:
        try:
            return "new" if previews.submit(small(f"job-{number % 30}")).is_new else "repeated"
        except QueueFullError:
            return "full"

    with ThreadPoolExecutor(16) as threads:
        answers = Counter(threads.map(submit, range(60)))
    with previews.database.connect() as connection:
        jobs = len(list_jobs(connection, None, 100))
    assert (answers["new"], jobs, waiting(previews)) == (20, 20, 20), "of what was refused nothing is left"
    assert counts(previews) == {"repeated": answers["repeated"], "full": answers["full"]}


def test_a_fault_in_one_of_several_that_are_written_together_is_its_own(previews: Previews) -> None:
    arrivals = [Arrival(read_payload(document), document) for document in map(small, ("first", "last"))]
    faulty = small("faulty", title="\0")  # as a renderer of old may have let it in: no column takes it
    arrivals.insert(1, Arrival(msgspec.structs.replace(arrivals[0].job, job_id="faulty"), faulty))
    Intake(previews.preview_queue).write(previews.database, arrivals)
    assert [isinstance(one.answer, Submitted) for one in arrivals] == [True, False, True]
    assert waiting(previews) == 2


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
def test_one_priority_alone_may_fill_the_queue(most: int) -> None:
    policy = preview_queue(Settings().model_copy(update={"preview_queue_max": most})).policy
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


def test_a_job_whose_task_is_cancelled_in_the_queue_ends_too(previews: Previews) -> None:
    previews.submit(small("one"))
    previews.submit(small("two"))
    with previews.database.begin() as connection:
        previews.preview_queue.request_cancel(connection, "one")
    assert [previews.end_cancelled_jobs(), previews.end_cancelled_jobs()] == [1, 0]
    states = {name: found.state for name in ("one", "two") if (found := previews.find(name))}
    assert states == {"one": "cancelled", "two": "queued"}


def test_a_stranger_who_holds_the_counts_keeps_no_drain_from_its_work(previews: Previews) -> None:
    for name in ("one", "two"):
        previews.submit(small(name))
    previews.cancel("one")
    with previews.database.begin() as connection:
        previews.preview_queue.request_cancel(connection, "two")
    with previews.database.begin() as stranger:
        stranger.execute(sa.text("SELECT FROM preview_count WHERE outcome = 'cancelled' FOR UPDATE"))
        assert previews.end_cancelled_jobs() == 0
    assert previews.end_cancelled_jobs() == 1


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
