"""Against a real API server: the manifests are accepted, and a run goes from the launcher to its end by their role."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import dagster as dg
import kubernetes
import pytest
import yaml
from dagster._core.launcher import LaunchRunContext, WorkerStatus

from orchestration.services import Services
from orchestration.settings import load_settings
from orchestration_tests.deploy.conftest import DEPLOY, ROOT, add_launchable_run, instance_of
from orchestration_tests.deploy.control_plane import IS_THERE, REASON, Node, control_plane, kubeconfig, wait_until
from orchestration_tests.deploy.test_kubernetes import rendered

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMESPACE = "orchestration-staging"
pytestmark = [
    pytest.mark.skipif(not IS_THERE, reason=REASON),
    pytest.mark.filterwarnings("ignore:Unverified HTTPS request"),
    pytest.mark.timeout(600),
]


def kubectl(admin: Path, *arguments: str, given: str | None = None) -> str:
    """Run kubectl as the administrator, or fail with what it says."""
    command = ["kubectl", f"--kubeconfig={admin}", *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The kubeconfig of a control plane that holds the overlay for staging, as far as the server's version knows it."""
    with control_plane(tmp_path_factory.mktemp("control-plane")) as admin:
        served = set(kubectl(admin, "api-versions").split())
        known = [one for one in rendered("staging") if one["apiVersion"] in served]
        left_out = {one["kind"] for one in rendered("staging") if one not in known}
        assert left_out <= {"HorizontalPodAutoscaler", "PodDisruptionBudget"}, "only what old servers do not serve"
        text = yaml.safe_dump_all(_for_old_servers(known))
        kubectl(admin, "apply", "--filename=-", given=text)
        # The roles are tested; its pods would wait for an image.
        kubectl(admin, f"--namespace={NAMESPACE}", "delete", "deployments,jobs,pods", "--all", "--wait=false")
        yield admin


def _for_old_servers(manifests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Checks over gRPC came with 1.24; a server before that gets one of the port."""
    text = (
        yaml.safe_dump(manifests).replace("grpc:\n", "tcpSocket:\n").replace("service: DagsterApi", "host: 127.0.0.1")
    )
    loaded: list[dict[str, Any]] = yaml.safe_load(text)
    return loaded


@pytest.fixture(scope="module")
def launcher(admin: Path) -> Path:
    """The kubeconfig of the service account that launches runs."""
    core = kubernetes.client.CoreV1Api(kubernetes.config.new_client_from_config(str(admin)))
    prefix = "orchestration-launcher-token"

    def secrets() -> list[Any]:
        return [one for one in core.list_namespaced_secret(NAMESPACE).items if one.metadata.name.startswith(prefix)]

    wait_until(lambda: bool(secrets()), "the account got no token")
    token = base64.b64decode(secrets()[0].data["token"]).decode()
    server = yaml.safe_load(admin.read_text(encoding="utf-8"))["clusters"][0]["cluster"]["server"]
    return kubeconfig(admin.with_name("launcher.yaml"), server, token, NAMESPACE)


@pytest.fixture
def instance(
    aws: str, launcher: Path, instance_home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    """The instance of the Kubernetes variant, which reaches the API server as its service account does."""
    assert aws
    boto3.client("s3").create_bucket(Bucket="logs", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    monkeypatch.setenv("KUBERNETES_NAMESPACE", NAMESPACE)
    configuration = yaml.safe_load((DEPLOY / "kubernetes/base/config/dagster.yaml").read_text(encoding="utf-8"))
    configuration["run_launcher"]["config"] |= {"load_incluster_config": False, "kubeconfig_file": str(launcher)}
    (instance_home / "variant.yaml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
    with instance_of(instance_home, instance_home / "variant.yaml") as instance:
        yield instance


@pytest.mark.usefixtures("admin")
def test_the_role_allows_what_the_launcher_does_and_nothing_more(launcher: Path) -> None:
    actions = ("create jobs", "delete jobs", "list pods", "get secrets", "create pods", "update jobs")
    may = {what: _answer(["kubectl", f"--kubeconfig={launcher}", "auth", "can-i", *what.split()]) for what in actions}
    assert [what for what, answer in may.items() if answer == "yes"] == ["create jobs", "delete jobs", "list pods"]


def _answer(command: list[str]) -> str:
    """What it prints, whatever its exit code, which says the same."""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603 - our own


def test_a_run_goes_from_the_launcher_to_success_and_a_drain_ends_when_it_is_asked_to(
    admin: Path, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "ORCHESTRATION_OBJECT_STORE": (tmp_path / "objects").as_uri()}
    with Node(admin, environment, Path(sys.executable).parent):
        run = add_launchable_run(instance)
        instance.run_launcher.launch_run(LaunchRunContext(run, workspace=None))
        drain = add_launchable_run(instance, "gallery_mirror", **{"orchestration/drain": "gallery_mirror"})
        instance.run_launcher.launch_run(LaunchRunContext(drain, workspace=None))
        assert instance.run_launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING
        wait_until(lambda: state(instance, run) == dg.DagsterRunStatus.SUCCESS, "the run did not succeed")
        wait_until(
            lambda: instance.run_launcher.check_run_worker_health(run).status == WorkerStatus.SUCCESS,
            "the job did not end",
        )
        wait_until(lambda: bool(workers()), "the drain has no worker")
        assert instance.run_launcher.terminate(drain.run_id)
        wait_until(lambda: state(instance, drain).value in {"CANCELED", "SUCCESS"}, "the drain did not end")
        wait_until(lambda: not workers(), "the drain's worker is still registered")
    keys = {one["Key"] for one in boto3.client("s3").list_objects_v2(Bucket="logs")["Contents"]}
    assert any(run.run_id in key and key.endswith(".err") for key in keys), "the logs of the run are in the bucket"


def state(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRunStatus:
    """How far the run is."""
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status


def workers() -> list[Any]:
    """The workers that are registered for any queue."""
    from orchestration.domains import Domains

    services = Services(load_settings())
    try:
        with services.database.connect() as connection:
            return [one for queue in Domains(services).queues for one in queue.workers(connection)]
    finally:
        services.close()
