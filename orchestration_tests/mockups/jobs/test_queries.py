"""The service of render jobs: lists, counts and statistics, as a caller sees them."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from orchestration.errors import InvalidInputError
from orchestration.mockups.jobs.model import (
    JobFilters,
    Order,
)
from orchestration.mockups.jobs.service import RenderJobs
from orchestration.mockups.statuses import JobStatus
from orchestration_tests.mockups.jobs.conftest import NOON, Clock, Jobs
from orchestration_tests.mockups.jobs.made import SHIRT, ids, many, moved


def test_a_list_is_a_page_of_the_newest_fifty(jobs: Jobs, clock: Clock) -> None:
    made = many(jobs, clock, 60)
    assert ids(jobs.list_jobs()) == made[:9:-1]
    assert ids(jobs.list_jobs(JobFilters(limit=2, offset=1))) == [made[58], made[57]]
    assert ids(jobs.list_jobs(JobFilters(limit=2, order=Order.ASC))) == made[:2]
    for wrong in (JobFilters(limit=-1), JobFilters(offset=-1)):
        with pytest.raises(InvalidInputError, match="negative"):
            jobs.list_jobs(wrong)


def test_a_list_with_its_count_knows_how_many_there_are(jobs: Jobs, clock: Clock) -> None:
    made = many(jobs, clock, 5)
    found, total = jobs.list_and_count(JobFilters(limit=2))
    assert (ids(found), total) == ([made[4], made[3]], 5)
    page = jobs.list_with_count(JobFilters(limit=2, offset=4))
    assert (ids(page.jobs), page.total, page.limit, page.offset, page.has_more) == ([made[0]], 5, 2, 4, False)
    assert jobs.list_with_count(JobFilters(limit=2)).has_more


def test_lists_are_filtered_by_product_variant_and_one_or_several_states(jobs: Jobs, clock: Clock) -> None:
    shirts, bags = many(jobs, clock, 3), many(jobs, clock, 1, product_id="A1-2000", variant_id="A1-2000-red")
    jobs.update_status(shirts[0], JobStatus.FAILED)
    jobs.update_status(shirts[1], JobStatus.COMPOSITING)
    assert ids(jobs.list_jobs(JobFilters(product_id="A1-2000"))) == bags
    assert ids(jobs.list_jobs(JobFilters(variant_id="A1-2000-red"))) == bags
    assert ids(jobs.list_jobs(JobFilters(sku="A1-1000", status=JobStatus.PENDING))) == [shirts[2]]
    several = (JobStatus.FAILED, JobStatus.COMPOSITING)
    assert ids(jobs.list_jobs(JobFilters(status=several))) == [shirts[1], shirts[0]]
    assert ids(jobs.list_jobs(JobFilters(status=()))) == []


def test_the_jobs_of_a_product_come_newest_first(jobs: Jobs, clock: Clock) -> None:
    shirts, _ = many(jobs, clock, 52), many(jobs, clock, 1, product_id="A1-2000")
    assert ids(jobs.by_product("A1-1000")) == shirts[::-1]
    assert jobs.by_product("A1-3000") == []
    jobs.update_status(shirts[0], JobStatus.FAILED)
    assert ids(jobs.list_by_product("A1-1000", JobFilters(status=JobStatus.FAILED))) == [shirts[0]]
    assert len(jobs.list_by_product("A1-1000")) == 50


def test_the_jobs_in_a_state_and_the_active_ones_come_oldest_first(jobs: Jobs, clock: Clock) -> None:
    made = many(jobs, clock, 5)
    moved(jobs, made[1], JobStatus.COMPOSITING)
    moved(jobs, made[2], JobStatus.COMPOSITING, JobStatus.RENDERING)
    moved(jobs, made[3], JobStatus.COMPOSITING, JobStatus.RENDERING, JobStatus.COMPLETED)
    moved(jobs, made[4], JobStatus.FAILED)
    assert ids(jobs.by_status(JobStatus.PENDING)) == [made[0]]
    assert ids(jobs.active()) == made[:3]


def test_recent_jobs_are_those_of_the_last_day_newest_first(jobs: Jobs, clock: Clock) -> None:
    old, *new = many(jobs, clock, 4)
    clock.now = NOON.replace(day=5, minute=1)
    assert ids(jobs.recent()) == new[::-1]
    assert ids(jobs.recent(limit=1)) == [new[2]]
    assert ids(jobs.recent(hours=48)) == [*new[::-1], old]
    with pytest.raises(InvalidInputError, match="hours"):
        jobs.recent(hours=0)


def test_whether_a_product_has_an_active_job(jobs: Jobs) -> None:
    assert not jobs.has_active("A1-1000")
    job, other = jobs.create(SHIRT), jobs.create(SHIRT)
    read: list[int] = []
    sa.event.listen(jobs.connection, "after_cursor_execute", lambda *args: read.append(args[1].rowcount))
    assert jobs.has_active("A1-1000")
    assert read == [1]
    moved(jobs, job.id, JobStatus.FAILED)
    assert jobs.has_active("A1-1000")
    moved(jobs, other.id, JobStatus.FAILED)
    assert not jobs.has_active("A1-1000")


def test_the_service_has_the_23_methods_of_the_requirements() -> None:
    """R2.13 to R2.36; a test of each stands here or in `test_service`."""
    methods = {name for name in vars(RenderJobs) if not name.startswith("_")}
    assert methods == {
        "create", "get", "delete", "list_with_count", "update_status", "update_results", "by_product", "by_status",
        "active", "list_by_product", "stats", "recent", "has_active", "clean_up", "retry", "retrieve", "list_jobs",
        "list_and_count", "create_many", "update", "delete_many", "soft_delete", "restore",
    }  # fmt: skip


def test_statistics_count_the_states_of_a_product_or_of_all(jobs: Jobs, clock: Clock) -> None:
    made = many(jobs, clock, 5)
    many(jobs, clock, 1, product_id="A1-2000")
    moved(jobs, made[0], JobStatus.COMPOSITING, JobStatus.RENDERING, JobStatus.COMPLETED)
    moved(jobs, made[1], JobStatus.COMPOSITING, JobStatus.RENDERING)
    moved(jobs, made[2], JobStatus.COMPOSITING)
    moved(jobs, made[3], JobStatus.FAILED)
    stats = jobs.stats("A1-1000")
    assert stats._asdict() == {
        "total": 5, "pending": 1, "compositing": 1, "rendering": 1, "completed": 1, "failed": 1,
    }  # fmt: skip
    assert (jobs.stats().total, jobs.stats("A1-3000").total) == (6, 0)


def test_statistics_are_one_query(jobs: Jobs) -> None:
    statements: list[str] = []
    sa.event.listen(jobs.connection, "before_cursor_execute", lambda *args: statements.append(args[2]))
    jobs.stats("A1-1000")
    assert len(statements) == 1
