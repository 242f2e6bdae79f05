"""Ports that a command is to listen on, looked at before it begins.

Keep out: the servers, which take the ports.
"""

from __future__ import annotations

import socket
from collections import Counter
from typing import TYPE_CHECKING

from orchestration.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping


_LARGEST = 65_535


def check_ports(host: str, ports: Mapping[str, int]) -> None:
    """Raise `ConfigurationError` for a port that nobody can listen on now; `ports` are by the options that give them.

    Servers would find out by themselves, but late, when others run already, and each in words of its own.
    """
    for port, count in Counter(ports.values()).items():
        if port and count > 1:
            options = " and ".join(option for option, value in ports.items() if value == port)
            raise ConfigurationError(f"{options} are both {port}; give each a port of its own")
    for option, port in ports.items():
        try:
            _listen(host, port)
        except (OSError, OverflowError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            remedy = "end what listens there, or give another port"
            raise ConfigurationError(f"{option} {port} cannot be used on {host}: {reason}; {remedy}") from error


def _listen(host: str, port: int) -> None:
    if not 0 <= port <= _LARGEST:
        raise OverflowError(f"a port is a number up to {_LARGEST}")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        with socket.socket(family, kind, protocol) as one:
            # As servers do: connections that have ended do not count.
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(address)
