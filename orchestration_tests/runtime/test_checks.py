"""A finding becomes a check: passed when nothing was found, else with examples, pictures and the remedy."""

from __future__ import annotations

import dagster as dg
import pytest

from orchestration.observability.findings import Finding
from orchestration.runtime.assets import asset_job
from orchestration.runtime.checks import check_job, check_result, check_sensors
from orchestration_tests.media.pictures import encode, scene


def test_nothing_found_is_a_pass() -> None:
    result = check_result(Finding(0, "nothing to do"))
    assert result.passed
    assert set(result.metadata) == {"count"}


def test_a_finding_fails_with_its_examples_and_the_remedy() -> None:
    finding = Finding(
        2, "fix it", ("what", "why"), [("a", "broken")], [("a drawn", encode(scene(), "PNG"))], is_error=True
    )
    result = check_result(finding)
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert result.metadata["count"].value == 2
    assert result.metadata["remedy"].value == "fix it"
    assert "| a | broken |" in str(result.metadata["examples"].value)
    assert "data:image" in str(result.metadata["a drawn"].value)


def test_a_picture_that_cannot_be_drawn_is_left_out() -> None:
    finding = Finding(1, "fix it", ("what",), [("a",)], [("a drawn", b"no picture")])
    assert "a drawn" not in check_result(finding).metadata


@dg.asset
def things() -> None:
    """Things."""


@dg.asset
def broken() -> None:
    """Fails."""
    raise ZeroDivisionError


@dg.asset_check(asset=things)
def things_are_well() -> dg.AssetCheckResult:
    return check_result(Finding(0, ""))


def product() -> dg.Definitions:
    """Two jobs with checks, and one without."""
    checks = check_job("things", [things_are_well])
    jobs = [
        asset_job("things_make", things, description="", checks=checks, max_runtime=60),
        asset_job("things_break", broken, description="", checks=checks, max_runtime=60),
        asset_job("things_alone", things, description="", max_runtime=60),
    ]
    part = dg.Definitions([things, broken], asset_checks=[things_are_well], jobs=[*jobs, checks])
    return dg.Definitions.merge(part, dg.Definitions(sensors=check_sensors([part])))


def test_checks_run_in_their_time() -> None:
    definitions = product()
    assert definitions.resolve_job_def("things_check").tags["dagster/max_runtime"] == "300"
    with dg.DagsterInstance.ephemeral() as instance:
        result = definitions.resolve_job_def("things_check").execute_in_process(instance=instance)
    assert [one.passed for one in result.get_asset_check_evaluations()] == [True]


@pytest.mark.parametrize(
    ("job", "kind", "launched"),
    [
        ("things_make", "success", ["things_check"]),
        ("things_break", "failure", ["things_check"]),
        ("things_alone", "success", []),
    ],
)
def test_one_pair_of_sensors_runs_the_checks_that_a_job_names(job: str, kind: str, launched: list[str]) -> None:
    definitions = product()
    sensor = definitions.resolve_sensor_def(f"checks_after_{kind}_sensor")
    with dg.DagsterInstance.ephemeral() as instance:
        result = definitions.resolve_job_def(job).execute_in_process(instance=instance, raise_on_error=False)
        event = result.get_run_success_event() if kind == "success" else result.get_run_failure_event()
        context = dg.build_run_status_sensor_context(
            sensor_name=sensor.name, dagster_instance=instance, dagster_run=result.dagster_run, dagster_event=event
        )
        answer = sensor(context)
    requests = [answer] if isinstance(answer, dg.RunRequest) else []
    assert [request.job_name for request in requests] == launched
    assert [request.run_key for request in requests] == [result.run_id] * len(launched)
