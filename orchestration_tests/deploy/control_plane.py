"""A real control plane of Kubernetes on this machine: etcd, API server, controllers, and what stands for a node.

Started by the tests that ask for it, where its programs are: the variable `ORCHESTRATION_TEST_KUBERNETES` names a
folder with kube-apiserver and kube-controller-manager; etcd is on the path. Keep out: what is applied to it.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import kubernetes
import urllib3
import yaml
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

FOLDER = os.environ.get("ORCHESTRATION_TEST_KUBERNETES", "")
PROGRAMS = ("kube-apiserver", "kube-controller-manager")
MISSING = [name for name in PROGRAMS if not (Path(FOLDER) / name).is_file()] if FOLDER else list(PROGRAMS)
REASON = f"ORCHESTRATION_TEST_KUBERNETES names no folder with {' and '.join(MISSING)}"
IS_THERE = not MISSING and shutil.which("etcd") is not None
_ADMIN = "admin-token"


def kubeconfig(path: Path, server: str, token: str, namespace: str = "default") -> Path:
    """A kubeconfig for this token. The server's certificate is its own, on the loopback interface."""
    cluster = {"server": server, "insecure-skip-tls-verify": True}
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "here", "cluster": cluster}],
                "users": [{"name": "me", "user": {"token": token}}],
                "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me", "namespace": namespace}}],
                "current-context": "here",
            }
        ),
        encoding="utf-8",
    )
    return path


@contextmanager
def control_plane(folder: Path) -> Iterator[Path]:
    """A running control plane with authorization by roles; the kubeconfig of its administrator."""
    etcd, peer = (f"http://127.0.0.1:{_free_port()}" for _ in range(2))
    port = _free_port()
    private, public = _keys(folder)
    tokens = folder / "tokens.csv"
    tokens.write_text(f"{_ADMIN},admin,admin,system:masters\n", encoding="utf-8")
    admin = kubeconfig(folder / "admin.yaml", f"https://127.0.0.1:{port}", _ADMIN)
    store = {
        "data-dir": folder / "etcd",
        "listen-client-urls": etcd,
        "advertise-client-urls": etcd,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"default={peer}",
    }
    server = {
        "etcd-servers": etcd,
        "bind-address": "127.0.0.1",
        "secure-port": port,
        "cert-dir": folder / "certificates",
        "token-auth-file": tokens,
        "authorization-mode": "RBAC",
        "service-account-key-file": public,
        "service-account-signing-key-file": private,
        "service-account-issuer": f"https://127.0.0.1:{port}",
        "service-cluster-ip-range": "10.96.0.0/16",
        "disable-admission-plugins": "ServiceAccount",
    }
    controllers = {
        "kubeconfig": admin,
        "leader-elect": "false",
        "controllers": "job,serviceaccount,serviceaccount-token",
        "port": 0,
        "secure-port": 0,
        "service-account-private-key-file": private,
    }
    with ExitStack() as stack:
        _start(stack, folder, "etcd", store)
        _start(stack, folder, f"{FOLDER}/kube-apiserver", server)
        wait_until(lambda: bool(_core(admin).list_namespace().items), "the API server does not answer")
        _start(stack, folder, f"{FOLDER}/kube-controller-manager", controllers)
        yield admin


def _keys(folder: Path) -> tuple[Path, Path]:
    """A key pair that signs the tokens of service accounts."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private, public = folder / "accounts.key", folder / "accounts.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


def _start(stack: ExitStack, folder: Path, program: str, options: Mapping[str, object]) -> None:
    log = stack.enter_context((folder / f"{Path(program).name}.log").open("wb"))
    command = [program, *(f"--{name}={value}" for name, value in options.items())]
    process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)  # noqa: S603 - our own
    stack.callback(process.wait, 30)
    stack.callback(process.terminate)


def _core(path: Path) -> Any:  # noqa: ANN401 - the client has no types
    return kubernetes.client.CoreV1Api(kubernetes.config.new_client_from_config(str(path)))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(is_done: Callable[[], bool], problem: str, seconds: float = 120) -> None:
    """Ask until it is so; an error of the client counts as no."""
    deadline = time.monotonic() + seconds
    while True:
        with suppress(OSError, kubernetes.client.ApiException, urllib3.exceptions.HTTPError):
            if is_done():
                return
        assert time.monotonic() < deadline, problem
        time.sleep(0.2)


class Node:
    """Runs each pod's command as a process of this machine, reports its state, and ends it when the pod is deleted."""

    def __init__(self, admin: Path, environment: Mapping[str, str], programs: Path) -> None:
        self._api = _core(admin)
        self._environment, self._programs = dict(environment), programs
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._asked: set[str] = set()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        for process in self._processes.values():
            process.kill()
            process.wait()

    def _work(self) -> None:
        while not self._stopped.wait(0.2):
            for pod in self._api.list_pod_for_all_namespaces().items:
                with suppress(kubernetes.client.ApiException):  # it went meanwhile
                    self._look_after(pod)

    def _look_after(self, pod: Any) -> None:  # noqa: ANN401 - the client has no types
        process = self._processes.get(pod.metadata.uid)
        if process is None and not pod.metadata.deletion_timestamp:
            self._bind(pod)
            self._processes[pod.metadata.uid] = self._run(pod)
            self._report(pod, "Running")
        elif process is not None and (code := process.poll()) is not None:
            if pod.metadata.deletion_timestamp:
                self._delete(pod)
            elif pod.status.phase == "Running":
                self._report(pod, "Failed" if code else "Succeeded")
        elif process is not None and pod.metadata.deletion_timestamp and pod.metadata.uid not in self._asked:
            self._asked.add(pod.metadata.uid)  # a second signal would mean: at once
            process.terminate()

    def _bind(self, pod: Any) -> None:  # noqa: ANN401
        target = {"apiVersion": "v1", "kind": "Node", "name": "here"}
        body = {"metadata": {"name": pod.metadata.name}, "target": target}
        self._api.create_namespaced_binding(pod.metadata.namespace, body, _preload_content=False)

    def _run(self, pod: Any) -> subprocess.Popen[bytes]:  # noqa: ANN401
        container = pod.spec.containers[0]
        given = {one.name: one.value for one in container.env or () if one.value}
        command = [str(self._programs / container.args[0]), *container.args[1:]]
        environment = {**given, **self._environment}
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - the product's

    def _report(self, pod: Any, phase: str) -> None:  # noqa: ANN401
        self._api.patch_namespaced_pod_status(pod.metadata.name, pod.metadata.namespace, {"status": {"phase": phase}})

    def _delete(self, pod: Any) -> None:  # noqa: ANN401
        self._api.delete_namespaced_pod(pod.metadata.name, pod.metadata.namespace, grace_period_seconds=0)
