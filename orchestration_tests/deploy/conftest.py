"""A cloud that answers as Amazon's does, and an instance of a variant of dagster.yaml with a run in it."""

from __future__ import annotations

import logging
import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

import orchestration
from orchestration.definitions import defs
from orchestration.runtime.instance import CONFIGURATION

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(orchestration.__file__).parents[1]
DEPLOY = ROOT / "deploy"
IMAGE = "registry.example.com/orchestration:0.1.0"


@pytest.fixture(scope="session")
def cloud() -> Iterator[str]:
    """The endpoint of a server that speaks ECS, EC2 and S3."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # or each request is a line on standard error
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(cloud: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Its endpoint, to which the usual variables lead."""
    for name, value in {
        "AWS_ENDPOINT_URL": cloud,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(name, value)
    return cloud


@pytest.fixture
def instance_home(tmp_path: Path, database_url: str, dagster_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The variables and the empty home of an instance on databases of this test's own."""
    monkeypatch.setattr(os, "environ", os.environ.copy())
    home = tmp_path / "instance"
    home.mkdir()
    for name, value in {
        "DAGSTER_HOME": str(home),
        "ORCHESTRATION_DATABASE_URL": database_url,
        "ORCHESTRATION_DAGSTER_DATABASE_URL": dagster_url,
        "ORCHESTRATION_HOME": str(tmp_path / "home"),
        "ORCHESTRATION_LOG_DIRECTORY": str(tmp_path / "logs"),
        "ORCHESTRATION_LOG_BUCKET": "logs",
    }.items():
        monkeypatch.setenv(name, value)
    return home


@contextmanager
def instance_of(home: Path, configuration: Path = CONFIGURATION) -> Iterator[dg.DagsterInstance]:
    """The instance that this file configures."""
    shutil.copyfile(configuration, home / "dagster.yaml")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield instance


def add_launchable_run(instance: dg.DagsterInstance, job_name: str = "maintenance_prune", **tags: str) -> dg.DagsterRun:
    """A run as the code server of a deployment asks for it, with its image."""
    from dagster._core.code_pointer import ModuleCodePointer
    from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin

    repository = RemoteRepositoryOrigin(
        GrpcServerCodeLocationOrigin(host="orchestration-code", port=4000, location_name="orchestration"),
        "__repository__",
    )
    code = RepositoryPythonOrigin(
        "python", ModuleCodePointer("orchestration.definitions", "defs", "/tmp"), container_image=IMAGE,  # noqa: S108 - in the image
        entry_point=["dagster"], container_context=None,
    )  # fmt: skip
    job = defs.resolve_job_def(job_name)
    options: dict[str, Any] = {"remote_job_origin": RemoteJobOrigin(repository, job_name)}
    return instance.create_run_for_job(
        job, tags=tags, job_code_origin=JobPythonOrigin(job_name, code), **options, status=dg.DagsterRunStatus.STARTING
    )
