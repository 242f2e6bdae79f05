"""Which hosts are network addresses, and which addresses are on the public internet.

Facts about addresses. Keep out: who is trusted (`rules`), or looking names up (`resolver`).
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from orchestration.errors import RefusedError

# A name that ends in a number is read as an IPv4 address by the system resolver, in any of its old spellings
# (WHATWG URL, "ends in a number").
_ENDS_IN_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")

# Python 3.11 calls these global: protocol assignments and the 6to4 relays (IANA special-purpose registry).
_SPECIAL_V4 = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"))

# IPv6 is judged the other way round: only global unicast counts. That leaves out the mapped, IPv4-compatible and
# NAT64 forms, which carry an IPv4 address past a check of the outer one; 6to4 does so inside 2000::/3.
_GLOBAL_UNICAST_V6 = IPv6Network("2000::/3")
_SPECIAL_V6 = (IPv6Network("2002::/16"), IPv6Network("3fff::/20"))


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether the address is an ordinary one on the public internet.

    False for private, loopback, link-local, shared, multicast, reserved and documentation ranges, and for every
    IPv6 form that carries an IPv4 address (mapped, NAT64, 6to4, Teredo), whatever it carries.
    """
    if isinstance(address, IPv4Address):
        special = address.is_multicast or address.is_reserved or any(address in net for net in _SPECIAL_V4)
    else:
        special = address not in _GLOBAL_UNICAST_V6 or any(address in net for net in _SPECIAL_V6)
    return address.is_global and not special


def ip_literal(host: str) -> IPv4Address | IPv6Address | None:
    """Return the address that the host spells out, or None for a name.

    Raises RefusedError for the old spellings of an IPv4 address (`2130706433`, `0x7f.1`, `127.1`, `0177.0.0.1`):
    nobody honest writes them, and programs disagree on what they mean.
    """
    try:
        return ip_address(host)
    except ValueError:
        if _ENDS_IN_NUMBER.fullmatch(host.lower()):
            raise RefusedError(f"{host} is an address in an unusual spelling: write it as four numbers") from None
        return None
