"""Programs of others reach no network and stay within their limits, and so does what they start."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys

import pytest

from orchestration.rendering.confined import Limits, closes_network, confined

ROOMY = Limits(20, 2**30)
needs_filter = pytest.mark.skipif(
    not closes_network(), reason="this system has no filter of system calls: OpenSCAD and Blender keep their network"
)


def python(*arguments: str) -> list[str]:
    """A program that runs a line of Python."""
    return [sys.executable, "-I", "-S", "-c", *arguments]


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - Python itself
        command, capture_output=True, text=True, check=False, timeout=60
    )


@needs_filter
@pytest.mark.parametrize("started_by", ["itself", "a program that it starts"])
def test_a_program_that_is_confined_cannot_connect(started_by: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        connect = python(f"import socket; socket.create_connection(('127.0.0.1', {server.getsockname()[1]}), 5)")
        assert run(connect).returncode == 0
        if started_by != "itself":
            connect = python("import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode)", *connect)
        refused = run(confined(connect, ROOMY))
    assert refused.returncode == 1
    assert "PermissionError" in refused.stderr


@needs_filter
@pytest.mark.parametrize("family", ["AF_INET6", "AF_UNIX", "AF_NETLINK"])
def test_no_other_kind_of_socket_is_left(family: str) -> None:
    refused = run(confined(python(f"import socket; socket.socket(socket.{family}, socket.SOCK_DGRAM)"), ROOMY))
    assert "PermissionError" in refused.stderr


def test_files_programs_and_output_are_as_ever() -> None:
    work = "import subprocess, tempfile; tempfile.TemporaryFile().write(b'x'); subprocess.run(['echo', 'done'])"
    done = run(confined(python(work), ROOMY))
    assert (done.returncode, done.stdout) == (0, "done\n")


def test_beyond_its_limits_a_program_gets_nothing_more() -> None:
    greedy = run(confined(python("bytearray(2**30)"), Limits(20, 2**28)))
    assert "MemoryError" in greedy.stderr
    busy = run(confined(python("while True: pass"), Limits(1, 2**30)))
    assert busy.returncode == -signal.SIGXCPU
