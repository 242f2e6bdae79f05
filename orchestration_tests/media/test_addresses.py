"""Which addresses are public, and which hosts are addresses."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.errors import RefusedError
from orchestration.media.addresses import ip_literal, is_public


@pytest.mark.parametrize("address", ["8.8.8.8", "52.219.170.1", "2606:4700:4700::1111", "2a00:1450:4001:81b::200e"])
def test_ordinary_addresses_are_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104 - an address to judge, nothing binds to it
        "10.0.0.5",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.0.8",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "3fff::1",
        "2001:0:1::1",
    ],
)
def test_special_addresses_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@given(st.ip_addresses(v=4))
def test_no_ipv6_form_carries_an_ipv4_address_past_the_check(inner: IPv4Address) -> None:
    number = int(inner)
    carriers = [
        IPv6Address(f"::ffff:{inner}"),
        IPv6Address(f"::{inner}"),
        IPv6Address(f"64:ff9b::{inner}"),
        IPv6Address((0x2002 << 112) + (number << 80)),
        IPv6Address((0x20010000 << 96) + (number ^ 0xFFFFFFFF)),
    ]
    assert not any(is_public(carrier) for carrier in carriers)


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f.1", "127.1", "0177.0.0.1", "127.0.0.1.0", "0x7F000001", "1.2.3.256"]
)
def test_an_address_in_an_unusual_spelling_is_refused(host: str) -> None:
    with pytest.raises(RefusedError, match="unusual spelling"):
        ip_literal(host)


@pytest.mark.parametrize("host", ["images.promi-dl.de", "3com.com", "0x.example", "1.2.3.4.example"])
def test_a_name_is_not_an_address(host: str) -> None:
    assert ip_literal(host) is None


@given(st.ip_addresses())
def test_every_canonical_address_is_read_back(address: IPv4Address | IPv6Address) -> None:
    assert ip_literal(str(address)) == address
