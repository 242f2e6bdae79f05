"""Rendering jobs: from a submission to stored files, and what becomes of jobs that cannot be rendered."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from orchestration.errors import ConflictError, NotFoundError
from orchestration.mockups.jobs.model import JobChange, JobFilters, NewJob, RetryOverrides
from orchestration.mockups.jobs.products import ProductNotFoundError
from orchestration.mockups.jobs.rows import outputs_of, product_thumbnail
from orchestration.mockups.jobs.submission import Submission, submit
from orchestration.mockups.mockup_request import DesignFile, OutputKind, RenderMode
from orchestration.mockups.refusals import MockupRefusedError, RefusalCode
from orchestration.mockups.statuses import JobStatus
from orchestration.mockups.tasks.outcomes import Rendering
from orchestration.mockups.views.angles import ANGLES
from orchestration_tests.mockups.rendering import ALL_FILES, PRODUCT, VARIANT, count, drain, look, made, order

if TYPE_CHECKING:
    from orchestration.mockups.jobs.model import StoredOutput
    from orchestration.mockups.mockups import Mockups
    from orchestration.storage.database import Database

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000000100000001080600000"
    "01f15c4890000000d49444154789c6360f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)


def files(mockups: Mockups, job_id: str) -> list[StoredOutput]:
    with mockups.database.connect() as connection:
        return outputs_of(connection, [job_id]).get(job_id, [])


def test_a_submitted_job_is_rendered_whole(mockups: Mockups) -> None:
    job = order(mockups, "Anna")
    assert (job.status, job.options.fabric, job.sku) == (JobStatus.PENDING, "#101840", VARIANT)

    (reported,) = drain(mockups)

    done = look(mockups, job.id)
    assert (done.status, done.progress, done.error_message) == (JobStatus.COMPLETED, 100, None)
    assert done.started_at is not None
    assert done.completed_at is not None
    stored = files(mockups, job.id)
    assert len(stored) == ALL_FILES
    assert {one.angle for one in stored if one.kind is OutputKind.STILL} == set(ANGLES)
    assert (reported.job_id, reported.outcome, len(reported.outputs)) == (job.id, Rendering.RENDERED, ALL_FILES)
    for one in stored:
        body = mockups.services.objects.get(one.object_key)
        assert (len(body), one.object_key[:8]) == (one.bytes, "mockups/")
    for address in (done.composited_file_url, done.rendered_image_url, done.animation_url):
        assert address is not None
        assert "/objects/mockups/" in address
        assert "signature=" in address


def test_the_metadata_says_what_was_asked_and_made(mockups: Mockups) -> None:
    job = order(mockups, "Anna", background="white", samples=2)
    drain(mockups)
    metadata = look(mockups, job.id).metadata
    assert metadata["workflow_input"] == {
        "template_id": "mens-tshirt",
        "fabric_color": "#101840",
        "background_color": "white",
        "render_mode": "all",
        "samples": 2,
    }
    assert metadata["workflow_started_at"] <= metadata["workflow_completed_at"]
    assert set(metadata["media_ids"]) == {one.object_key for one in files(mockups, job.id)}


@pytest.mark.parametrize(("mode", "number"), [(RenderMode.IMAGES_ONLY, 8), (RenderMode.ANIMATION_ONLY, 4)])
def test_each_mode_makes_its_files(mockups: Mockups, mode: RenderMode, number: int) -> None:
    job = order(mockups, "Anna", mode=mode)
    drain(mockups)
    assert look(mockups, job.id).status is JobStatus.COMPLETED
    assert len(files(mockups, job.id)) == number


def test_a_file_is_stored_and_printed(mockups: Mockups) -> None:
    wish = Submission(PRODUCT, "back-small", design=DesignFile("logo.png", PNG), metadata={"order": 17})
    job = asyncio.run(submit(mockups, wish))
    assert job.design_key is not None
    assert mockups.services.objects.get(job.design_key) == PNG
    assert f"/objects/{job.design_key}?" in (job.design_file_url or "")
    assert (job.options.fabric, job.sku, job.metadata) == ("white", PRODUCT, {"order": 17})
    drain(mockups)
    assert look(mockups, job.id).status is JobStatus.COMPLETED
    assert "logo.png stills front_0deg" in made(mockups)


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (Submission(PRODUCT, "chest-medium"), RefusalCode.MISSING_FILE),
        (Submission(PRODUCT, "chest-medium", design=DesignFile("a.svg", b"<svg/>")), RefusalCode.INVALID_FILE_TYPE),
        (Submission(PRODUCT, "chest-medium", design=DesignFile("a.png", b"")), RefusalCode.FILE_UPLOAD_ERROR),
        (Submission(PRODUCT, "chest", design=DesignFile("a.png", PNG)), RefusalCode.VALIDATION_ERROR),
        (
            Submission(PRODUCT, "chest-medium", design=DesignFile("a.png", PNG), template_id="cap"),
            RefusalCode.VALIDATION_ERROR,
        ),
    ],
)
def test_what_cannot_be_made_is_refused_before_anything_is_stored(
    mockups: Mockups, wish: Submission, code: RefusalCode
) -> None:
    with pytest.raises(MockupRefusedError) as refused:
        asyncio.run(submit(mockups, wish))
    assert refused.value.code is code
    with mockups.render_jobs() as jobs:
        assert jobs.list_jobs() == []
    assert mockups.services.objects.sizes() == {}


@pytest.mark.parametrize(("product", "variant"), [("A1-9", None), (PRODUCT, "A1-9"), ("A1-9", VARIANT)])
def test_a_product_that_the_catalogue_does_not_have_is_refused(
    mockups: Mockups, product: str, variant: str | None
) -> None:
    wish = Submission(product, "chest-medium", variant_id=variant, design=DesignFile("a.png", PNG))
    with pytest.raises(ProductNotFoundError, match="A1-9") as refused:
        asyncio.run(submit(mockups, wish))
    assert refused.value.code == "PRODUCT_NOT_FOUND"


def test_unchanged_inputs_render_nothing_the_second_time(mockups: Mockups) -> None:
    first = order(mockups, "Anna")
    drain(mockups)
    before = made(mockups)
    second = order(mockups, "Anna", variant_id=None, fabric="#101840")
    (reported,) = drain(mockups)
    assert made(mockups) == before
    assert reported.outcome is Rendering.REUSED
    assert look(mockups, second.id).metadata["reused_from"] == first.id
    assert [one.object_key for one in files(mockups, second.id)] == [one.object_key for one in files(mockups, first.id)]


def test_equal_jobs_of_one_batch_are_rendered_once(mockups: Mockups) -> None:
    ids = [order(mockups, "Anna").id for _ in range(3)]
    outcomes = sorted(one.outcome for one in drain(mockups))
    assert outcomes == [Rendering.RENDERED, Rendering.REUSED, Rendering.REUSED]
    assert len(made(mockups)) == 8
    assert all(look(mockups, job_id).status is JobStatus.COMPLETED for job_id in ids)


def test_another_fabric_or_another_mode_makes_only_what_is_new(mockups: Mockups) -> None:
    order(mockups, "Anna", mode=RenderMode.IMAGES_ONLY)
    drain(mockups)
    order(mockups, "Anna")
    drain(mockups)
    assert made(mockups)[7:] == ["Anna turntables"]
    order(mockups, "Anna", fabric="red")
    drain(mockups)
    assert len(made(mockups)) == 16


def test_a_file_that_the_store_has_lost_is_made_again(mockups: Mockups) -> None:
    first = order(mockups, "Anna")
    drain(mockups)
    lost = next(one for one in files(mockups, first.id) if one.angle == "left_90deg")
    mockups.services.objects.delete(lost.object_key)
    order(mockups, "Anna")
    drain(mockups)
    assert made(mockups)[8:] == ["Anna stills left_90deg"]
    assert mockups.services.objects.size(lost.object_key) == lost.bytes


@pytest.mark.parametrize(
    ("text", "problem", "attempts"),
    [("refused", "the design is empty", 1), ("fault", "the raster has a hole", 3), ("killer", "died", 3)],
)
def test_a_job_that_cannot_be_made_fails_alone(mockups: Mockups, text: str, problem: str, attempts: int) -> None:
    good = [order(mockups, name).id for name in ("Anna", "Ben")]
    bad = order(mockups, text)
    more = order(mockups, "Cleo").id

    reported = drain(mockups)

    assert all(look(mockups, job_id).status is JobStatus.COMPLETED for job_id in (*good, more))
    failed = look(mockups, bad.id)
    assert (failed.status, failed.progress) == (JobStatus.FAILED, 0)
    assert problem in (failed.error_message or "")
    assert [one.is_final for one in reported if one.job_id == bad.id] == [False] * (attempts - 1) + [True]
    with mockups.database.connect() as connection:
        assert [one.key for one in mockups.render_queue.dead(connection)] == [bad.id]


def test_a_rendering_that_takes_too_long_is_killed_and_its_job_fails(mockups: Mockups) -> None:
    mockups.settings = mockups.settings.model_copy(update={"mockup_timeout_minutes": 0.4 / 60})
    job = order(mockups, "endless")
    drain(mockups)
    failed = look(mockups, job.id)
    assert failed.status is JobStatus.FAILED
    assert "longer than 0.4 s" in (failed.error_message or "")


def test_a_job_that_failed_halfway_is_retried_as_a_new_one_that_keeps_what_is_finished(mockups: Mockups) -> None:
    former = order(mockups, "killer")
    drain(mockups)
    kept = files(mockups, former.id)
    assert {one.kind for one in kept} >= {OutputKind.COMPOSITE}
    again = mockups.retry(former.id, RetryOverrides())
    before = made(mockups)
    drain(mockups)
    assert look(mockups, former.id).status is JobStatus.FAILED
    assert again.metadata["retried_from"] == former.id
    assert "killer composites" not in made(mockups)[len(before) :]


def test_a_retry_with_something_else_is_checked_and_rendered(mockups: Mockups) -> None:
    former = order(mockups, "refused")
    drain(mockups)
    with pytest.raises(MockupRefusedError, match="plaid"):
        mockups.retry(former.id, RetryOverrides(fabric="plaid"))
    with mockups.render_jobs() as jobs:
        assert jobs.stats().total == 1
    again = mockups.retry(former.id, RetryOverrides(fabric="black", preset="back-large"))
    assert (again.options.fabric, again.preset) == ("black", "back-large")


def test_a_job_is_queued_once_it_has_a_design(mockups: Mockups) -> None:
    with mockups.render_jobs() as jobs:
        job = jobs.create(NewJob(PRODUCT, "chest-medium"))
    assert mockups.queue_due_jobs() == 0
    with mockups.render_jobs() as jobs:
        changed = order(mockups, "Anna")
        jobs.delete(changed.id)
        options = changed.options
    with mockups.render_jobs() as jobs:
        jobs.update([JobChange(job.id, options=options)])
    drain(mockups)
    assert look(mockups, job.id).status is JobStatus.COMPLETED


def test_a_job_that_is_deleted_before_its_turn_is_not_rendered(mockups: Mockups) -> None:
    job = order(mockups, "Anna")
    with mockups.render_jobs() as jobs:
        jobs.delete(job.id)
    (reported,) = drain(mockups)
    assert reported.outcome is Rendering.SKIPPED
    assert made(mockups) == []


def test_a_job_is_cancelled_at_once_while_it_waits_and_by_its_worker_while_it_is_made(mockups: Mockups) -> None:
    waiting, active = order(mockups, "Anna"), order(mockups, "Ben")
    queue = mockups.render_queue
    with mockups.database.begin() as connection:
        ended = mockups.cancel(connection, waiting.id)
        assert (ended.status, ended.error_message) == (JobStatus.FAILED, "Cancelled on request")
        with pytest.raises(ConflictError, match="is failed already"):
            mockups.cancel(connection, waiting.id)
        worker = queue.register_worker(connection)
        (task,) = queue.claim(connection, worker, 2)
        assert task.key == active.id
        assert mockups.cancel(connection, active.id).status is JobStatus.PENDING
        assert queue.cancel_requested(connection, worker) == {task.id}


def test_a_job_that_is_cancelled_in_the_queue_fails_and_says_so(mockups: Mockups) -> None:
    job = order(mockups, "Anna")
    with mockups.database.begin() as connection:
        mockups.render_queue.request_cancel(connection, job.id)
    assert mockups.queue_due_jobs() == 0
    assert look(mockups, job.id).error_message == "Cancelled on request"


def test_a_sku_is_rendered_again_as_a_new_job_that_makes_every_file(mockups: Mockups) -> None:
    first = order(mockups, "Anna")
    drain(mockups)
    reported = drain(mockups, [VARIANT, "A1-nothing"])
    assert len(made(mockups)) == 16
    with mockups.render_jobs() as jobs:
        newest = jobs.list_jobs(JobFilters(sku=VARIANT))[0]
    assert (newest.status, newest.metadata["rendered_again_from"]) == (JobStatus.COMPLETED, first.id)
    assert {(one.sku, one.outcome) for one in reported} == {
        (VARIANT, Rendering.RENDERED),
        ("A1-nothing", Rendering.FAILED),
    }


def test_the_front_of_the_newest_mockup_is_the_products_thumbnail(mockups: Mockups) -> None:
    order(mockups, "Anna")
    newest = order(mockups, "Ben")
    drain(mockups)
    with mockups.database.connect() as connection:
        thumbnail = product_thumbnail(connection, PRODUCT)
        assert product_thumbnail(connection, "A1-9") is None
    assert thumbnail in files(mockups, newest.id)
    assert thumbnail is not None
    assert thumbnail.angle == "front_0deg"


def test_files_that_jobs_share_survive_the_removal_of_one(mockups: Mockups, database: Database) -> None:
    one, other, alone = order(mockups, "Anna"), order(mockups, "Anna"), order(mockups, "Ben")
    drain(mockups)
    shared = files(mockups, other.id)
    own = {file.object_key for file in files(mockups, alone.id)}
    assert mockups.hard_delete([one.id]) == []
    assert all(mockups.services.objects.size(file.object_key) == file.bytes for file in shared)
    assert set(mockups.hard_delete([alone.id])) == own
    assert not own & set(mockups.services.objects.sizes("mockups"))
    assert count(database, "SELECT count(*) FROM render_output") == len(shared)
    with pytest.raises(NotFoundError):
        look(mockups, alone.id)
