"""Runs in any state that nobody executes, as the run queue sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

if TYPE_CHECKING:
    from collections.abc import Mapping


def add_run(
    instance: dg.DagsterInstance, status: dg.DagsterRunStatus, job: str = "work", tags: Mapping[str, str] | None = None
) -> str:
    """A run of `job` in this state; its id."""
    location = ManagedGrpcPythonEnvCodeLocationOrigin(LoadableTargetOrigin(module_name="orchestration.definitions"))
    origin = RemoteJobOrigin(RemoteRepositoryOrigin(location, "__repository__"), job)
    run = instance.create_run(
        job_name=job, run_id=None, run_config={}, status=status, tags=tags, root_run_id=None, parent_run_id=None,
        step_keys_to_execute=None, execution_plan_snapshot=None, job_snapshot=None, parent_job_snapshot=None,
        asset_selection=None, asset_check_selection=None, resolved_op_selection=None, op_selection=None,
        remote_job_origin=origin, job_code_origin=None, asset_graph=dg.Definitions().resolve_asset_graph(),
    )  # fmt: skip
    return run.run_id
