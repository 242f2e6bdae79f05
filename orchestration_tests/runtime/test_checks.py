"""A finding becomes a check: passed when nothing was found, else with examples, pictures and the remedy."""

from __future__ import annotations

import dagster as dg

from orchestration.observability.findings import Finding
from orchestration.runtime.checks import check_job, check_result, check_sensors
from orchestration_tests.media.pictures import encode, scene


def test_nothing_found_is_a_pass() -> None:
    result = check_result(Finding(0, "nothing to do"), dg.AssetCheckSeverity.WARN)
    assert result.passed
    assert set(result.metadata) == {"count"}


def test_a_finding_fails_with_its_examples_and_the_remedy() -> None:
    finding = Finding(2, "mend it", ("what", "why"), [("a", "broken")], [("a drawn", encode(scene(), "PNG"))])
    result = check_result(finding, dg.AssetCheckSeverity.ERROR)
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert result.metadata["count"].value == 2
    assert result.metadata["remedy"].value == "mend it"
    assert "| a | broken |" in str(result.metadata["examples"].value)
    assert "data:image" in str(result.metadata["a drawn"].value)


def test_a_picture_that_cannot_be_drawn_is_left_out() -> None:
    finding = Finding(1, "mend it", ("what",), [("a",)], [("a drawn", b"no picture")])
    assert "a drawn" not in check_result(finding, dg.AssetCheckSeverity.WARN).metadata


def test_the_checks_run_after_each_run_of_their_domain() -> None:
    @dg.asset
    def things() -> None:
        """Things."""

    @dg.asset_check(asset=things)
    def things_are_well() -> dg.AssetCheckResult:
        return check_result(Finding(0, ""), dg.AssetCheckSeverity.WARN)

    makers = [dg.define_asset_job("things_make", [things])]
    job = check_job("things", [things_are_well])
    sensors = check_sensors("things", makers, job)

    definitions = dg.Definitions([things], asset_checks=[things_are_well], jobs=[*makers, job], sensors=sensors)

    assert [sensor.name for sensor in sensors] == [
        "things_checks_after_success_sensor",
        "things_checks_after_failure_sensor",
    ]
    assert definitions.resolve_job_def("things_check").tags["dagster/max_runtime"] == "300"
    with dg.DagsterInstance.ephemeral() as instance:
        result = definitions.resolve_job_def("things_check").execute_in_process(instance=instance)
    assert [one.passed for one in result.get_asset_check_evaluations()] == [True]
