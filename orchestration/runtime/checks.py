"""Asset checks as standing inventories of what is wrong, with examples and the remedy.

Belongs here: how a finding becomes a check, and when a domain's checks run. Does not: the questions.

Checks look at the database, not at one run; they run by themselves after every run of their domain.
"""

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

import dagster as dg
import sqlalchemy as sa

from orchestration.observability.findings import Finding
from orchestration.runtime.assets import AssetJob
from orchestration.runtime.markdown import markdown_table, picture
from orchestration.runtime.policy import MAX_RUNTIME_TAG
from orchestration.storage.database import Database

CHECK_SECONDS = 300


class HasDatabase(Protocol):
    """A domain, as far as its checks have to know it."""

    @property
    def database(self) -> Database:
        """The domain's database."""


Domain = TypeVar("Domain", bound=HasDatabase)


class DomainChecks(Generic[Domain]):
    """Makes the checks of the domain that is the resource `resource`."""

    def __init__(self, resource: str) -> None:
        self._resource = resource

    def ask(
        self,
        name: str,
        asset: dg.AssetsDefinition,
        question: Callable[[Domain, sa.Connection], Finding],
        *,
        description: str,
        severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.WARN,
    ) -> dg.AssetChecksDefinition:
        """A check of `asset` that asks one question of the domain's database."""

        @dg.asset_check(name=name, asset=asset, description=description, required_resource_keys={self._resource})
        def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
            domain: Domain = getattr(context.resources, self._resource)
            with domain.database.connect() as connection:
                return check_result(question(domain, connection), severity)

        return check


def check_result(found: Finding, severity: dg.AssetCheckSeverity) -> dg.AssetCheckResult:
    """A finding as the result of a check: passed when nothing was found."""
    shown: dict[str, dg.MetadataValue] = {"count": dg.MetadataValue.int(found.total)}
    if found.total:
        shown["remedy"] = dg.MetadataValue.text(found.remedy)
        shown["examples"] = dg.MetadataValue.md(markdown_table(found.columns, found.examples))
        for caption, image in found.pictures:
            if drawn := picture(caption, image):
                shown[caption] = dg.MetadataValue.md(drawn)
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


def check_sensors(domain: str, jobs: Sequence[AssetJob], job: AssetJob) -> list[dg.SensorDefinition]:
    """The sensors that launch the checks' `job` after each run of `jobs`, however it ended."""
    return [_sensor_after(status, domain, jobs, job) for status in _ENDINGS]


_ENDINGS = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE)


def _sensor_after(
    status: dg.DagsterRunStatus, domain: str, jobs: Sequence[AssetJob], job: AssetJob
) -> dg.SensorDefinition:
    @dg.run_status_sensor(
        run_status=status,
        name=f"{domain}_checks_after_{status.value.lower()}_sensor",
        monitored_jobs=list(jobs),
        request_job=job,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Runs the checks of the domain {domain} after each of its runs.",
    )
    def sensor(context: dg.RunStatusSensorContext) -> dg.RunRequest:
        return dg.RunRequest(run_key=context.dagster_run.run_id)

    return sensor
