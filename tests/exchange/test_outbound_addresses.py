"""The address table: every special-purpose range is named, ordinary public addresses are not."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from exchange.addresses import denial, is_allowed, parse_address

SPECIAL = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.8.8.8",
    "168.63.129.16", "169.254.169.254", "169.254.0.1", "172.16.0.1", "172.31.255.255", "192.0.0.9", "192.0.0.170",
    "192.0.2.1", "192.31.196.1", "192.52.193.1", "192.88.99.1", "192.168.1.1", "192.175.48.1", "198.18.0.1",
    "198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::10.0.0.1", "::8.8.8.8", "64:ff9b::7f00:1", "64:ff9b::8.8.8.8", "64:ff9b:1::1",
    "100::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:2::1", "2001:20::1", "2001:db8::1",
    "2002:7f00:1::", "2002:808:808::1", "2620:4f:8000::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254",
    "fdff::1", "fe80::1", "fe80::1%eth0", "febf::1", "fec0::1", "ff02::1", "ff0e::1", "4000::1", "8000::1", "200::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:8.8.8.8",
]  # fmt: skip
ORDINARY = ["8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "198.20.0.1",
            "168.63.129.17", "223.255.255.255", "2606:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888",
            "2400:cb00::1", "::ffff:8.8.8.8"]  # fmt: skip


@pytest.mark.parametrize("text", SPECIAL)
def test_an_address_of_a_special_registry_is_denied_by_name(text: str) -> None:
    assert denial(parse_address(text))


@pytest.mark.parametrize("text", ORDINARY)
def test_an_ordinary_public_address_is_not_denied(text: str) -> None:
    assert denial(parse_address(text)) == ""


def test_an_address_inside_a_network_the_operator_named_is_allowed() -> None:
    allow = (ip_network("127.0.0.0/8"), ip_network("fd00::/8"))
    assert is_allowed(parse_address("127.0.0.1"), allow)
    assert is_allowed(parse_address("::ffff:127.0.0.1"), allow)
    assert is_allowed(parse_address("fd00::1"), allow)
    assert not is_allowed(parse_address("128.0.0.1"), allow)
    assert not is_allowed(parse_address("::1"), allow)
