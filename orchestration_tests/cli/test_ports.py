"""A port that is taken is one clear line, before anything has begun."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from orchestration.cli.ports import check_ports
from orchestration.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration_tests.cli.conftest import Command


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("command", [("api", "--port"), ("up", "--api-port")])
def test_a_port_that_is_taken_is_bad_usage(orchestration: Command, taken: int, command: tuple[str, str]) -> None:
    ended = orchestration(*command, str(taken))
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert f"{command[1]} {taken} cannot be used on 127.0.0.1: Address already in use; end what" in ended.err


def test_two_servers_do_not_get_one_port() -> None:
    with pytest.raises(ConfigurationError, match="--port and --api-port are both 3001; give each"):
        check_ports("127.0.0.1", {"--port": 3001, "--api-port": 3001})


def test_a_port_that_was_just_left_and_port_0_are_free(taken: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        left = server.getsockname()[1]
        with socket.create_connection(server.getsockname()):
            server.accept()[0].close()
    check_ports("127.0.0.1", {"--port": left, "--api-port": 0, "--sample-port": 0})
    assert left != taken


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70_000), ("127.0.0.1", -1), ("nowhere.invalid", 3000)])
def test_what_can_be_no_address_is_bad_usage(host: str, port: int) -> None:
    with pytest.raises(ConfigurationError, match=f"--port {port} cannot be used on {host}: "):
        check_ports(host, {"--port": port})
