"""A run of checks tells what they found, and what is to be done about it."""

from __future__ import annotations

import dagster as dg

from orchestration.cli.job_runner import FailedCheck, JobRunner
from orchestration.domains import Domains
from orchestration.observability.findings import Finding
from orchestration.runtime.checks import check_job, check_result
from orchestration.runtime.orphans import process_tags
from orchestration.runtime.shutdown import GracefulShutdown
from orchestration.services import Services
from orchestration.settings import Settings


@dg.asset
def things() -> None:
    """Things."""


@dg.asset_check(asset=things)
def things_are_whole() -> dg.AssetCheckResult:
    return check_result(Finding(2, "Repair them.", ("what",), [("a cup",), ("a jug",)]))


@dg.asset_check(asset=things)
def things_are_there() -> dg.AssetCheckResult:
    return check_result(Finding(0, "Look for them."))


def test_the_checks_that_found_something_are_in_the_outcome_with_their_remedies() -> None:
    checks = [things_are_whole, things_are_there]
    definitions = dg.Definitions(assets=[things], asset_checks=checks, jobs=[check_job("things", checks)])
    with dg.DagsterInstance.ephemeral() as instance:
        runner = JobRunner(definitions, instance, Domains(Services(Settings())), GracefulShutdown())
        outcome = runner.run("things_check")
        run = instance.get_run_by_id(outcome.run_id)
    assert run is not None
    assert run.tags.items() >= process_tags().items()
    assert outcome.success
    assert outcome.checks == [FailedCheck("things_are_whole", 2, "Repair them.")]
