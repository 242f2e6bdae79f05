"""`orchestration api`: serves until it is asked to end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from pathlib import Path

    from orchestration_tests.cli.conftest import Command


def test_it_serves_and_ends_on_a_signal(variables: Path, unused_tcp_port: int) -> None:
    command = [sys.executable, "-m", "orchestration", "api", "--port", str(unused_tcp_port)]
    process = subprocess.Popen(command, env=dict(os.environ), stderr=subprocess.PIPE)  # noqa: S603 - our own
    try:
        answer = wait_for(f"http://127.0.0.1:{unused_tcp_port}/healthz")
        assert answer.json()["status"] == "ok"
        process.send_signal(signal.SIGINT)
        _, written = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0
    assert written == b"There are no API keys: only programs on this machine may call, with every right\n"
    assert list(variables.iterdir()) == [], "it keeps nothing in the home until it signs a link"


def wait_for(url: str) -> requests.Response:
    """The first answer."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return requests.get(url, timeout=10)
        except requests.ConnectionError:
            assert time.monotonic() < deadline, "it did not start"
            time.sleep(0.05)


def test_without_keys_it_listens_on_this_machine_only(orchestration: Command) -> None:
    ended = orchestration("api", "--host", "0.0.0.0")  # noqa: S104 - it is refused
    assert (ended.code, ended.out) == (2, "")
    assert "Without API keys the API listens on the loopback interface only" in ended.err


def test_keys_are_made_listed_and_revoked(orchestration: Command) -> None:
    made = orchestration("api-keys", "create", "shop", "--role", "enqueue", "--json").json
    assert (made["name"], made["role"], made["key"].startswith("orc_")) == ("shop", "enqueue", True)
    shown = orchestration("api-keys", "create", "reader")
    assert (shown.out.startswith("orc_"), shown.out.count("\n")) == (True, 1)
    assert orchestration("api-keys", "revoke", "shop", "--json").json["revoked_at"]
    listed = orchestration("api-keys", "list", "--json")
    assert [(one["name"], one["role"], bool(one["revoked_at"])) for one in listed.json] == [
        ("shop", "enqueue", True),
        ("reader", "read", False),
    ]
    assert made["key"].rpartition("_")[2] not in listed.out
    assert orchestration("api-keys", "revoke", "shop").code == 1


def test_a_database_that_is_away_is_one_clear_line(disconnected: Command) -> None:
    ended = disconnected("api")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.count("\n") == 1
    assert "did not answer" in ended.err
