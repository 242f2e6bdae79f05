"""On ECS each run is a task: launched, watched and ended through the API, with the definitions of `deploy/ecs`."""

from __future__ import annotations

import json
from string import Template
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from dagster._core.launcher import LaunchRunContext, WorkerStatus

from orchestration_tests.deploy.conftest import DEPLOY, IMAGE, add_launchable_run, instance_of
from orchestration_tests.http_server import serving_with

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VALUES = {
    "ACCOUNT": "123456789012",
    "FEED_URL": "https://promi-dl.de/Profiles/Live/0",
    "IMAGE": IMAGE,
    "LOG_BUCKET": "logs",
    "OBJECT_STORE": "s3://assets/factory",
    "PUBLIC_URL": "https://assets.example.com",
    "REGION": "eu-central-1",
    "SECRETS_ARN": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:orchestration",
}
DEFINITIONS = sorted(path.stem for path in (DEPLOY / "ecs").glob("*.json") if path.stem != "launcher-policy")
CLUSTER = "orchestration"


def definition(name: str) -> dict[str, Any]:
    """A task definition, with everything filled in that a deployment fills in."""
    filled: dict[str, Any] = json.loads(Template((DEPLOY / f"ecs/{name}.json").read_text()).substitute(VALUES))
    return filled


def test_the_client_and_the_api_accept_every_task_definition(aws: str) -> None:
    """The client refuses a field that the API does not have."""
    ecs = boto3.client("ecs")
    assert DEFINITIONS == ["api", "code", "daemon", "migrate", "run", "webserver"]
    for name in DEFINITIONS:
        registered = ecs.register_task_definition(**definition(name))["taskDefinition"]
        assert registered["family"] == f"orchestration-{name}", aws
    with pytest.raises(Exception, match="Unknown parameter"):
        ecs.register_task_definition(**definition("run"), readonlyRoot=True)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_no_container_is_root_or_can_write_to_its_image(name: str) -> None:
    (container,) = definition(name)["containerDefinitions"]
    assert container["user"] == "10001:10001"
    assert container["readonlyRootFilesystem"]
    assert container["linuxParameters"]["capabilities"]["drop"] == ["ALL"]
    assert ("healthCheck" in container) == (name not in {"migrate", "run"})


def test_the_policy_of_the_launcher_is_one(aws: str) -> None:
    policy = definition("launcher-policy")
    iam = boto3.client("iam")
    assert iam.create_policy(PolicyName="launcher", PolicyDocument=json.dumps(policy))["Policy"]["Arn"], aws
    policy["Statement"][0]["Resource"] = "orchestration-run"
    with pytest.raises(iam.exceptions.MalformedPolicyDocumentException):
        iam.create_policy(PolicyName="other", PolicyDocument=json.dumps(policy))


@pytest.fixture
def daemon_task(aws: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The daemon's own task, as ECS describes it to the process in it."""
    ecs, ec2 = boto3.client("ecs"), boto3.client("ec2")
    ecs.create_cluster(clusterName=CLUSTER)
    for name in ("daemon", "run"):
        ecs.register_task_definition(**definition(name))
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    network = {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [group]}}
    started = ecs.run_task(
        cluster=CLUSTER, taskDefinition="orchestration-daemon", launchType="FARGATE", networkConfiguration=network
    )["tasks"][0]
    metadata = json.dumps({"Cluster": CLUSTER, "TaskARN": started["taskArn"]}).encode()
    with serving_with(lambda _: (200, metadata)) as host:
        monkeypatch.setenv("ECS_CONTAINER_METADATA_URI_V4", f"http://{host}")
        monkeypatch.setenv("ORCHESTRATION_RUN_TASK_DEFINITION", "orchestration-run")
        yield {"subnet": subnet, "group": group, "aws": aws}


@pytest.fixture
def calls(aws: str) -> Iterator[set[str]]:
    """What is asked of the cloud, as policies name it."""
    assert aws
    made: set[str] = set()
    boto3.setup_default_session()
    session = boto3.DEFAULT_SESSION
    assert session is not None
    session.events.register(
        "before-call", lambda model, **_: made.add(f"{model.service_model.service_name}:{model.name}")
    )
    yield made
    boto3.setup_default_session()


def test_a_run_is_launched_in_the_daemons_network_watched_and_ended_with_the_rights_of_the_policy(
    calls: set[str], daemon_task: dict[str, Any], instance_home: Path
) -> None:
    ecs = boto3.client("ecs")
    calls.clear()
    with instance_of(instance_home, DEPLOY / "ecs/dagster.yaml") as instance:
        run = add_launchable_run(instance)
        instance.run_launcher.launch_run(LaunchRunContext(run, workspace=None))
        launched = instance.get_run_by_id(run.run_id)
        assert launched is not None
        assert launched.tags["ecs/cluster"].endswith(CLUSTER)
        arn = launched.tags["ecs/task_arn"]
        (task,) = ecs.describe_tasks(cluster=CLUSTER, tasks=[arn])["tasks"]
        assert ":task-definition/orchestration-run:" in task["taskDefinitionArn"]
        details = {one["name"]: one["value"] for one in task["attachments"][0]["details"]}
        assert details["subnetId"] == daemon_task["subnet"]
        (override,) = task["overrides"]["containerOverrides"]
        assert override["name"] == "run"
        assert override["command"][:3] == ["dagster", "api", "execute_run"]

        assert instance.run_launcher.check_run_worker_health(launched).status == WorkerStatus.RUNNING
        assert instance.run_launcher.terminate(run.run_id)
        assert ecs.describe_tasks(cluster=CLUSTER, tasks=[arn])["tasks"][0]["lastStatus"] == "STOPPED"
        gone = instance.run_launcher.check_run_worker_health(launched)
        assert gone.status in {WorkerStatus.FAILED, WorkerStatus.SUCCESS}
    policy = definition("launcher-policy")
    allowed = {action for statement in policy["Statement"] for action in statement["Action"]}
    assert calls - allowed == set()
    assert {"ecs:RunTask", "ecs:StopTask"} <= calls
