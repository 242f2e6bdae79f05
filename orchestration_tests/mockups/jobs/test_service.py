"""The service of render jobs: each of its methods, as a caller sees it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from orchestration.errors import ConflictError, InvalidInputError, NotFoundError
from orchestration.mockups.jobs.model import (
    JobChange,
    JobFilters,
    JobOptions,
    JobResults,
    NewJob,
    RetryOverrides,
    StatusUpdate,
)
from orchestration.mockups.mockup_request import RenderMode
from orchestration.mockups.statuses import JobStatus
from orchestration_tests.mockups.jobs.conftest import NOON, Clock, Jobs
from orchestration_tests.mockups.jobs.made import SHIRT, failed, ids, many, moved

if TYPE_CHECKING:
    from orchestration.storage.database import Database


def test_a_new_job_is_pending_with_nothing_done(jobs: Jobs) -> None:
    job = jobs.create(
        NewJob(
            "A1-1000",
            "chest-medium",
            variant_id="A1-1000-red",
            design_file_url="https://shop.example/uploads/design.png",
            template_id="mens-tshirt",
            options=JobOptions(fabric="navy", mode=RenderMode.IMAGES_ONLY),
            metadata={"order": 17},
        )
    )
    assert re.fullmatch("rjob_[0-9A-HJKMNP-TV-Z]{26}", job.id)
    assert (job.status, job.progress, job.started_at, job.completed_at) == (JobStatus.PENDING, 0, None, None)
    assert (job.created_at, job.updated_at, job.deleted_at) == (NOON, NOON, None)
    assert (job.product_id, job.variant_id, job.sku) == ("A1-1000", "A1-1000-red", "A1-1000-red")
    assert (job.preset, job.template_id, job.metadata) == ("chest-medium", "mens-tshirt", {"order": 17})
    assert job.options == JobOptions(fabric="navy", mode=RenderMode.IMAGES_ONLY)
    assert (job.composited_file_url, job.rendered_image_url, job.animation_url) == (None, None, None)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"product_id": " "}, "product_id"),
        ({"variant_id": ""}, "variant_id"),
        ({"preset": "dead-center-medium"}, "preset"),
        ({"design_file_url": ""}, "design_file_url"),
        ({"design_file_url": "uploads/design.png"}, "design_file_url"),
        ({"metadata": {"name": "a\0b"}}, "NUL"),
        ({"metadata": {"name": "\ud800"}}, "metadata"),
        ({"metadata": {"when": object()}}, "metadata"),
    ],
)
def test_a_job_that_cannot_be_is_refused_with_its_field(jobs: Jobs, fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidInputError, match=problem):
        jobs.create(NewJob(**{"product_id": "A1-1000", "preset": "chest-medium"} | fields))
    assert jobs.list_jobs() == []


def test_many_jobs_are_created_all_or_none_in_their_order(jobs: Jobs) -> None:
    made = jobs.create_many([NewJob(f"A1-{n}", "back-small") for n in range(5)])
    assert [job.product_id for job in made] == [f"A1-{n}" for n in range(5)]
    assert ids(made) == sorted(ids(made))
    with pytest.raises(InvalidInputError):
        jobs.create_many([SHIRT, NewJob("", "back-small")])
    assert len(jobs.list_jobs()) == 5


def test_a_job_that_is_not_there_is_none_or_an_error(jobs: Jobs) -> None:
    job = jobs.create(SHIRT)
    assert jobs.get(job.id) == jobs.retrieve(job.id) == job
    assert jobs.get("rjob_none") is None
    with pytest.raises(NotFoundError, match="rjob_none"):
        jobs.retrieve("rjob_none")


def test_every_method_that_changes_one_job_says_when_there_is_none(jobs: Jobs) -> None:
    for change in (
        lambda: jobs.update([JobChange("rjob_none", preset="back-small")]),
        lambda: jobs.update_status("rjob_none", JobStatus.COMPOSITING),
        lambda: jobs.update_results("rjob_none", JobResults()),
        lambda: jobs.delete("rjob_none"),
        lambda: jobs.retry("rjob_none"),
    ):
        with pytest.raises(NotFoundError, match="rjob_none"):
            change()


def test_a_change_writes_what_is_given_and_leaves_the_rest(jobs: Jobs, clock: Clock) -> None:
    job = jobs.create(NewJob("A1-1000", "chest-medium", template_id="tote-bag", metadata={"order": 17, "by": "ada"}))
    later = clock.wait(minutes=1)
    changed = jobs.update(
        [JobChange(job.id, design_file_url="https://shop.example/d.png", metadata={"by": "bob"}, template_id=None)]
    )
    assert changed == [jobs.retrieve(job.id)]
    assert changed[0].design_file_url == "https://shop.example/d.png"
    assert changed[0].metadata == {"order": 17, "by": "bob"}
    assert (changed[0].template_id, changed[0].preset, changed[0].updated_at) == (None, "chest-medium", later)


def test_changes_of_many_jobs_happen_together_or_not_at_all(database: Database, clock: Clock) -> None:
    with database.begin() as connection:
        first = Jobs(connection, clock).create(SHIRT)
    with pytest.raises(NotFoundError), database.begin() as connection:
        Jobs(connection, clock).update([JobChange(first.id, preset="back-small"), JobChange("rjob_none")])
    with database.begin() as connection:
        assert Jobs(connection, clock).retrieve(first.id).preset == "chest-medium"


def test_what_decides_the_pictures_can_be_changed_only_before_the_job_begins(jobs: Jobs) -> None:
    job = jobs.create(SHIRT)
    jobs.update_status(job.id, JobStatus.COMPOSITING)
    with pytest.raises(ConflictError, match="preset"):
        jobs.update([JobChange(job.id, preset="back-small")])
    assert jobs.update([JobChange(job.id, metadata={"note": "seen"})])[0].metadata == {"note": "seen"}


def test_a_change_of_the_status_is_a_step_like_any_other(jobs: Jobs) -> None:
    job = jobs.create(SHIRT)
    with pytest.raises(InvalidInputError, match="pending to completed"):
        jobs.update([JobChange(job.id, status=JobStatus.COMPLETED)])
    assert jobs.update([JobChange(job.id, status=JobStatus.COMPOSITING)])[0].progress == 25


def test_a_status_update_carries_results_message_and_metadata(jobs: Jobs) -> None:
    job = jobs.create(SHIRT)
    url = "https://shop.example/uploads/composited.png"
    update = StatusUpdate(JobResults(composited_file_url=url), metadata={"host": "a"})
    job = jobs.update_status(job.id, JobStatus.COMPOSITING, update)
    assert (job.composited_file_url, job.metadata, job.progress) == (url, {"host": "a"}, 25)
    job = jobs.update_status(job.id, JobStatus.FAILED, StatusUpdate(error_message="the cloth tore"))
    assert (job.error_message, job.progress, job.composited_file_url) == ("the cloth tore", 0, url)


def test_times_are_set_when_a_job_begins_and_ends(jobs: Jobs, clock: Clock) -> None:
    job = jobs.create(SHIRT)
    started = clock.wait(seconds=1)
    jobs.update_status(job.id, JobStatus.COMPOSITING)
    clock.wait(seconds=1)
    jobs.update_status(job.id, JobStatus.RENDERING)
    ended = clock.wait(seconds=1)
    job = jobs.update_status(job.id, JobStatus.COMPLETED)
    assert (job.started_at, job.completed_at, job.progress) == (started, ended, 100)


def test_times_that_are_given_win(jobs: Jobs, clock: Clock) -> None:
    job = jobs.create(SHIRT)
    early = NOON.replace(hour=9)
    clock.wait(hours=1)
    job = jobs.update_status(job.id, JobStatus.COMPOSITING, StatusUpdate(started_at=early))
    assert job.started_at == early
    job = jobs.update_status(job.id, JobStatus.FAILED, StatusUpdate(completed_at=early))
    assert job.completed_at == early


def test_a_job_that_fails_before_it_begins_has_no_start(jobs: Jobs) -> None:
    job = failed(jobs)
    assert (job.started_at, job.completed_at) == (None, NOON)


def test_only_a_job_that_has_ended_has_an_end(jobs: Jobs) -> None:
    job = jobs.create(SHIRT)
    with pytest.raises(InvalidInputError, match="completed_at"):
        jobs.update_status(job.id, JobStatus.COMPOSITING, StatusUpdate(completed_at=NOON))


def test_progress_rises_with_the_metadata_of_status_updates_and_never_falls(jobs: Jobs) -> None:
    job = jobs.create(SHIRT)
    moved(jobs, job.id, JobStatus.COMPOSITING, JobStatus.RENDERING)
    seen = [
        jobs.update_status(job.id, JobStatus.RENDERING, StatusUpdate(metadata={"progress": percent})).progress
        for percent in (20, 58.5, 75, 60)
    ]
    assert seen == [50, 58.5, 75, 75]
    for wrong in (101, -1, "90", True):
        with pytest.raises(InvalidInputError, match="progress"):
            jobs.update_status(job.id, JobStatus.RENDERING, StatusUpdate(metadata={"progress": wrong}))


def test_results_are_set_one_by_one_and_can_be_taken_away(jobs: Jobs) -> None:
    job = jobs.create(SHIRT)
    image, film = "https://cdn.example/front.png", "https://cdn.example/turn.mp4"
    job = jobs.update_results(job.id, JobResults(rendered_image_url=image, animation_url=film))
    assert (job.composited_file_url, job.rendered_image_url, job.animation_url) == (None, image, film)
    job = jobs.update_results(job.id, JobResults(animation_url=None))
    assert (job.rendered_image_url, job.animation_url) == (image, None)
    with pytest.raises(InvalidInputError, match="animation_url"):
        jobs.update_results(job.id, JobResults(animation_url="turn.mp4"))


def test_a_deleted_job_is_hidden_kept_and_can_be_restored(jobs: Jobs, clock: Clock) -> None:
    kept, gone = many(jobs, clock, 2)
    jobs.delete(gone)
    assert jobs.get(gone) is None
    assert ids(jobs.list_jobs()) == [kept]
    history = jobs.list_jobs(JobFilters(with_deleted=True))
    assert [(job.id, job.deleted_at) for job in history] == [(gone, clock.now), (kept, None)]
    with pytest.raises(NotFoundError):
        jobs.delete(gone)
    assert jobs.restore([gone, kept]) == 1
    assert jobs.retrieve(gone).deleted_at is None


def test_many_jobs_are_marked_as_deleted_with_a_time(jobs: Jobs, clock: Clock) -> None:
    made = many(jobs, clock, 3)
    assert jobs.soft_delete(made[:2]) == 2
    assert jobs.soft_delete(made) == 1
    assert jobs.list_jobs() == []


def test_jobs_that_are_removed_for_good_are_gone_from_the_history_too(jobs: Jobs, clock: Clock) -> None:
    made = many(jobs, clock, 3, design_key="mockups/designs/ab/ab.png")
    jobs.update_results(made[0], JobResults(animation_url="https://cdn.example/turn.mp4"))
    assert jobs.delete_many(made[:2]) == []  # the third one has the design as well
    assert ids(jobs.list_jobs(JobFilters(with_deleted=True))) == [made[2]]
    assert jobs.delete_many(made[2:]) == ["mockups/designs/ab/ab.png"]
    assert jobs.connection.execute(sa.text("SELECT count(*) FROM render_output")).scalar_one() == 0


def test_a_retry_is_a_new_job_that_knows_where_it_comes_from(jobs: Jobs, clock: Clock) -> None:
    options = JobOptions(fabric="navy", background="white", samples=8)
    former = failed(jobs, NewJob("A1-1000", "chest-medium", variant_id="red", options=options, metadata={"order": 17}))
    clock.wait(minutes=1)
    again = jobs.retry(former.id)
    assert again.id != former.id
    assert (again.status, again.variant_id, again.options) == (JobStatus.PENDING, "red", options)
    assert again.metadata == {"order": 17, "retried_from": former.id, "retry_count": 1}
    assert jobs.retrieve(former.id) == former
    second = jobs.retry(jobs.update_status(again.id, JobStatus.FAILED).id)
    assert (second.metadata["retried_from"], second.retry_count) == (again.id, 2)


def test_a_retry_may_ask_for_something_else_and_records_it(jobs: Jobs) -> None:
    former = failed(jobs, NewJob("A1-1000", "chest-medium", options=JobOptions(fabric="navy", samples=8)))
    again = jobs.retry(former.id, RetryOverrides(preset="back-small", fabric="black", background="red"))
    assert (again.preset, again.options) == ("back-small", JobOptions(fabric="black", background="red", samples=8))
    assert again.metadata["overrides"] == {"preset": "back-small", "fabric": "black", "background": "red"}


def test_only_a_failed_job_can_be_retried(jobs: Jobs) -> None:
    job = jobs.create(SHIRT)
    with pytest.raises(InvalidInputError, match="pending"):
        jobs.retry(job.id)


def test_the_examples_of_the_requirements_run_as_they_stand_there(jobs: Jobs) -> None:
    """R2.109 to R2.112: create a job, move it on with a result, read the statistics, retry what has failed."""
    template, design = "mens-tshirt", "https://shop.example/static/uploads/design.png"
    job = jobs.create(NewJob("prod_123", "chest-medium", design_file_url=design, template_id=template))
    assert (job.status, job.preset, job.design_file_url, job.template_id) == (
        "pending",
        "chest-medium",
        design,
        template,
    )
    composited = "https://shop.example/static/media/composited.png"
    update = StatusUpdate(JobResults(composited_file_url=composited))
    job = jobs.update_status(job.id, JobStatus.COMPOSITING, update)
    assert (job.status, job.composited_file_url) == ("compositing", composited)
    moved(jobs, job.id, JobStatus.RENDERING, JobStatus.COMPLETED)
    stats = jobs.stats("prod_123")
    assert f"Total: {stats.total}, completed: {stats.completed}" == "Total: 1, completed: 1"
    again = jobs.retry(failed(jobs, NewJob("prod_123", "chest-medium")).id)
    assert f"Retry count: {again.metadata['retry_count']}" == "Retry count: 1"


def test_cleaning_up_marks_old_failures_as_deleted_in_one_statement_and_keeps_the_history(
    jobs: Jobs, clock: Clock
) -> None:
    old = [failed(jobs).id for _ in range(3)]
    done = moved(jobs, many(jobs, clock, 1)[0], JobStatus.COMPOSITING, JobStatus.RENDERING, JobStatus.COMPLETED)
    clock.wait(days=8)
    young = failed(jobs)
    statements: list[str] = []
    sa.event.listen(jobs.connection, "before_cursor_execute", lambda *args: statements.append(args[2]))
    assert jobs.clean_up(7) == 3
    assert len(statements) == 1
    assert jobs.clean_up(7) == 0
    assert {*ids(jobs.list_jobs())} == {done.id, young.id}
    history = jobs.list_jobs(JobFilters(status=JobStatus.FAILED, with_deleted=True))
    assert {job.id for job in history} == {*old, young.id}
    assert all(job.error_message == "no cloth" for job in history)
    for wrong in (0, -1, float("nan")):
        with pytest.raises(InvalidInputError, match="older_than_days"):
            jobs.clean_up(wrong)


def test_several_steps_happen_in_one_transaction_or_not_at_all(database: Database, clock: Clock) -> None:
    def create_and_skip_a_step() -> None:
        with database.begin() as connection:
            jobs = Jobs(connection, clock)
            job = jobs.create(SHIRT)
            jobs.update_status(job.id, JobStatus.COMPOSITING)
            jobs.update_status(job.id, JobStatus.COMPLETED)

    with pytest.raises(InvalidInputError):
        create_and_skip_a_step()
    with database.begin() as connection:
        assert Jobs(connection, clock).list_jobs() == []
