"""Asset checks as standing inventories of what is wrong, with examples and the remedy.

It turns findings into check results, and runs each domain's checks after the domain's runs. Keep out: the questions.

Checks look at the database, not at one run. They run after failures as well, which an automation condition on the
assets would not do.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import dagster as dg
import sqlalchemy as sa

from orchestration.observability.findings import Finding
from orchestration.runtime.assets import CHECKS_TAG, MAX_RUNTIME_TAG, AssetJob
from orchestration.runtime.metadata import markdown_table, picture
from orchestration.storage.database import Database

CHECK_SECONDS = 300


class HasDatabase(Protocol):
    """A domain, as far as its checks have to know it."""

    @property
    def database(self) -> Database:
        """The domain's database."""


def check(domain: HasDatabase, question: Callable[[sa.Connection], Finding]) -> dg.AssetCheckResult:
    """Ask one question of the domain's database."""
    with domain.database.connect() as connection:
        return check_result(question(connection))


def check_result(found: Finding) -> dg.AssetCheckResult:
    """A finding as the result of a check: passed when nothing was found."""
    shown: dict[str, dg.MetadataValue] = {"count": dg.MetadataValue.int(found.total)}
    if found.total:
        shown["remedy"] = dg.MetadataValue.text(found.remedy)
        shown["examples"] = dg.MetadataValue.md(markdown_table(found.columns, found.examples))
        for caption, image in found.pictures:
            if drawn := picture(caption, image):
                shown[caption] = dg.MetadataValue.md(drawn)
    severity = dg.AssetCheckSeverity.ERROR if found.is_error else dg.AssetCheckSeverity.WARN
    return dg.AssetCheckResult(passed=not found.total, severity=severity, metadata=shown)


def check_job(domain: str, checks: Sequence[dg.AssetChecksDefinition]) -> AssetJob:
    """The job `<domain>_check`, which runs them."""
    return dg.define_asset_job(
        f"{domain}_check",
        dg.AssetSelection.checks(*checks),
        executor_def=dg.in_process_executor,
        tags={MAX_RUNTIME_TAG: str(CHECK_SECONDS)},
        description=f"Look at what is standing wrong in the domain {domain}.",
    )


def check_sensors(parts: Sequence[dg.Definitions]) -> list[dg.SensorDefinition]:
    """The sensors that launch the checks that a run's job names, after success and after failure."""
    jobs = [job for part in parts for job in part.jobs or () if isinstance(job, AssetJob)]
    names = {job.tags[CHECKS_TAG] for job in jobs if job.tags and CHECKS_TAG in job.tags}
    check_jobs = [job for job in jobs if job.name in names]
    return [_sensor_after(status, check_jobs) for status in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE)]


def _sensor_after(status: dg.DagsterRunStatus, check_jobs: Sequence[AssetJob]) -> dg.SensorDefinition:
    @dg.run_status_sensor(
        run_status=status,
        name=f"checks_after_{status.value.lower()}_sensor",
        request_jobs=list(check_jobs),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Runs the checks of a domain after each of its runs.",
    )
    def sensor(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
        run = context.dagster_run
        job = run.tags.get(CHECKS_TAG)
        if job is None:
            return dg.SkipReason(f"{run.job_name} has no checks")
        return dg.RunRequest(run_key=run.run_id, job_name=job)

    return sensor
