"""Name look-ups that only ever answer with addresses that the rules admit.

The connector connects to the very addresses that `resolve` returned, so a name that changes its mind between check and
connect (DNS rebinding) gains nothing. That filter. Keep out: addresses written as such in a URL, which
never come here (`rules`).
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from aiohttp.abc import AbstractResolver, ResolveResult

from orchestration.errors import InvalidInputError, RefusedError

if TYPE_CHECKING:
    from orchestration.media.rules import HostRules


class PinningResolver(AbstractResolver):
    """Looks names up with the inner resolver and keeps the admitted addresses."""

    def __init__(self, rules: HostRules, inner: AbstractResolver) -> None:
        self._rules = rules
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the admitted addresses; RefusedError when the name has others only, OSError when it has none."""
        try:
            found = await self._inner.resolve(host, port, family)
        except UnicodeError as error:  # a label that is empty or longer than 63 bytes
            raise InvalidInputError(f"{host} is no host name: {error}") from error
        admitted = [result for result in found if self._rules.admits(host, port, result["host"])]
        if found and not admitted:
            raise RefusedError(
                f"{host} leads to {found[0]['host']}, which is not a public address; "
                f"to allow it, add {host}:{port} to {self._rules.setting}"
            )
        return admitted

    async def close(self) -> None:
        """Close the inner resolver."""
        await self._inner.close()
