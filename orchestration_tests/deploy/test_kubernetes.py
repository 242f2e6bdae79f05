"""Both overlays are valid, locked down, and consistent with the settings, the launcher and each other."""

from __future__ import annotations

import shutil
import smtplib
import subprocess
from functools import cache
from typing import TYPE_CHECKING, Any

import kubernetes_validate
import pytest
import yaml

from orchestration.settings import Settings
from orchestration.settings.fields import variables_of
from orchestration_tests.deploy.conftest import DEPLOY, IMAGE, ROOT, add_launchable_run, instance_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OVERLAYS = ("staging", "production")
VERSION = "1.33.0"
# What the deployment reads beside the settings: Dagster's and the cloud's own.
OTHER_VARIABLES = {"ORCHESTRATION_LOG_DIRECTORY", "ORCHESTRATION_LOG_BUCKET", "AWS_DEFAULT_REGION"}


def renders_overlays() -> bool:
    """Whether there is a kubectl whose kustomize knows what the overlays use; the first ones do not name theirs."""
    if shutil.which("kubectl") is None:
        return False
    asked = subprocess.run(["kubectl", "version", "--client", "-o", "json"], capture_output=True, check=False)  # noqa: S607
    return b"kustomizeVersion" in asked.stdout


pytestmark = pytest.mark.skipif(not renders_overlays(), reason="kubectl, of 1.24 or later, is missing")


@cache
def rendered(overlay: str) -> tuple[dict[str, Any], ...]:
    """The manifests of an overlay, as they are sent to a cluster."""
    command = ["kubectl", "kustomize", str(DEPLOY / "kubernetes/overlays" / overlay)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own folder
    return tuple(yaml.safe_load_all(text))


def named(overlay: str, kind: str, name: str) -> dict[str, Any]:
    """One of its manifests."""
    (found,) = [one for one in rendered(overlay) if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return found


def pods(overlay: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The pods that its workloads make."""
    for one in rendered(overlay):
        if one["kind"] in {"Deployment", "Job"}:
            yield one["metadata"]["name"], one["spec"]["template"]["spec"]


def assert_valid(manifest: dict[str, Any]) -> None:
    """It has the fields that its kind has, with values of their types, and no others."""
    kubernetes_validate.validate(manifest, VERSION, strict=True)


def assert_locked(pod: dict[str, Any]) -> None:
    """As the restricted level of the pod security standards asks, and the image cannot be written to."""
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in (*pod.get("initContainers", ()), *pod["containers"]):
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"]
        assert not context["allowPrivilegeEscalation"]
        assert context["capabilities"]["drop"] == ["ALL"]
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
        assert "memory" in container["resources"]["limits"]
        assert {"name": "scratch", "mountPath": "/tmp"} in container["volumeMounts"]  # noqa: S108 - in the image


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_manifest_is_valid_to_the_last_field(overlay: str) -> None:
    for manifest in rendered(overlay):
        assert_valid(manifest)
    misspelt = named(overlay, "Deployment", "orchestration-daemon")
    with pytest.raises(kubernetes_validate.ValidationError, match="replicaz"):
        assert_valid({**misspelt, "spec": {**misspelt["spec"], "replicaz": 1}})


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_pod_is_locked_and_of_the_one_image(overlay: str) -> None:
    for _, pod in pods(overlay):
        assert_locked(pod)
        assert {one["image"] for one in (*pod.get("initContainers", ()), *pod["containers"])} == {IMAGE}
    environment = named(overlay, "Deployment", "orchestration-code")["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "DAGSTER_CURRENT_IMAGE", "value": IMAGE} in environment


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_there_is_one_daemon_at_a_time_and_only_launchers_speak_to_kubernetes(overlay: str) -> None:
    daemon = named(overlay, "Deployment", "orchestration-daemon")["spec"]
    assert (daemon["replicas"], daemon["strategy"]) == (1, {"type": "Recreate"})
    trusted = {name for name, pod in pods(overlay) if pod["automountServiceAccountToken"]}
    assert trusted == {"orchestration-daemon", "orchestration-webserver"}
    assert not named(overlay, "ServiceAccount", "orchestration-run")["automountServiceAccountToken"]
    for rule in named(overlay, "Role", "orchestration-launcher")["rules"]:
        assert "*" not in {*rule["verbs"], *rule["resources"], *rule["apiGroups"]}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_workload_that_serves_has_its_checks_and_every_selector_meets_a_pod(overlay: str) -> None:
    for name, pod in pods(overlay):
        container = pod["containers"][0]
        assert ("livenessProbe" in container) == (name != "orchestration-migrate")
    components = {name.removeprefix("orchestration-") for name, _ in pods(overlay)} | {"run"}
    for one in rendered(overlay):
        if one["kind"] == "Service":
            assert one["spec"]["selector"]["app.kubernetes.io/component"] in components
        if one["kind"] == "PodDisruptionBudget":
            assert one["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"] in components


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_variable_is_a_setting_and_its_value_fits(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = named(overlay, "ConfigMap", "orchestration-settings")["data"]
    known = {name for field in Settings.model_fields.items() for name in variables_of(*field)}
    assert variables.keys() - OTHER_VARIABLES <= known
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    if overlay == "staging":
        concurrencies = {name: getattr(settings, name) for name in Settings.model_fields if "_concurrency" in name}
        assert set(concurrencies.values()) == {1}
        assert {getattr(settings, name) for name in Settings.model_fields if name.endswith("_max_drains")} == {1}


def test_a_pod_has_longer_to_end_than_the_longest_unit_takes(
    instance_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBERNETES_NAMESPACE", "orchestration-staging")
    settings = Settings()
    longest = max(
        settings.supplier_timeout_ms / 1000,
        settings.family_timeout_ms / 1000,
        settings.preview_timeout_minutes * 60,
        settings.mockup_timeout_minutes * 60,
    )
    assert job_of_a_run(instance_home)["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > longest


def test_mail_is_let_out_at_the_ports_that_a_mail_server_has_by_default() -> None:
    policies = yaml.safe_load_all((DEPLOY / "kubernetes/base/resources/network.yaml").read_text(encoding="utf-8"))
    rules = [rule for policy in policies for rule in policy["spec"].get("egress", ()) if "to" not in rule]
    ports = {one["port"] for rule in rules for one in rule["ports"]}
    assert {smtplib.SMTP_PORT, smtplib.SMTP_SSL_PORT, 587} <= ports


def job_of_a_run(home: Path) -> dict[str, Any]:
    """The Kubernetes job that the launcher of this configuration makes for a run."""
    from dagster_k8s.job import construct_dagster_k8s_job

    configuration = yaml.safe_load((DEPLOY / "kubernetes/base/config/dagster.yaml").read_text(encoding="utf-8"))
    # Outside of a cluster there is no token to be found; no server is asked for anything here.
    kubeconfig = home / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(KUBECONFIG), encoding="utf-8")
    configuration["run_launcher"]["config"] |= {"load_incluster_config": False, "kubeconfig_file": str(kubeconfig)}
    path = home / "variant.yaml"
    path.write_text(yaml.safe_dump(configuration), encoding="utf-8")
    with instance_of(home, path) as instance:
        run = add_launchable_run(instance)
        launcher: Any = instance.run_launcher
        context = launcher.get_container_context_for_run(run)
        job = construct_dagster_k8s_job(
            context.get_k8s_job_config(job_image=IMAGE, run_launcher=launcher),
            args=["dagster", "api", "execute_run"],
            job_name="dagster-run",
            user_defined_k8s_config=context.run_k8s_config,
            component="run_worker",
        )
        manifest: dict[str, Any] = launcher._api_client.batch_api.api_client.sanitize_for_serialization(job)
        return manifest


KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "here", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "launcher", "user": {"token": "none"}}],
    "contexts": [{"name": "here", "context": {"cluster": "here", "user": "launcher", "namespace": "orchestration"}}],
    "current-context": "here",
}


def test_the_job_of_a_run_is_valid_locked_and_reads_what_the_deployment_reads(
    instance_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBERNETES_NAMESPACE", "orchestration-staging")
    manifest = job_of_a_run(instance_home)
    assert_valid(manifest)
    pod = manifest["spec"]["template"]["spec"]
    assert_locked(pod)
    (container,) = pod["containers"]
    assert container["image"] == IMAGE
    sources = {source.get("configMapRef", source.get("secretRef"))["name"] for source in container["envFrom"]}
    assert sources == {"orchestration-settings", "orchestration-secrets"}
    # The instance travels in the arguments; the storage finds its databases by the variables.
    assert {"name": "DAGSTER_HOME", "value": "/opt/orchestration/instance"} in container["env"]
    labels = manifest["spec"]["template"]["metadata"]["labels"]
    assert labels["app.kubernetes.io/component"] == "run"  # by which network policies and budgets find it


def test_the_variants_of_dagster_yaml_are_those_that_its_one_source_makes() -> None:
    import runpy

    module = runpy.run_path(str(DEPLOY / "dagster/variants.py"))
    for name, target in module["TARGETS"].items():
        assert target.read_text(encoding="utf-8") == module["variant"](name), "run `make variants`"
    source = yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))
    for target in module["TARGETS"].values():
        made = yaml.safe_load(target.read_text(encoding="utf-8"))
        assert {key for key in made if made[key] != source.get(key)} == {
            "run_launcher",
            "compute_logs",
            "run_monitoring",
        }
