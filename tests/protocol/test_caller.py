"""Whose word about the caller's address is believed: that of our own proxies, hop by hop (A32)."""

from __future__ import annotations

import timeit
from ipaddress import ip_network
from typing import Any

import pytest

from exchange.caller import MAX_HOPS, Caller, caller_of
from tests.attacks import attack

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def seen(client: str, *forwarded: str, trusted: Any = PROXIES, **fields: str) -> Caller:
    headers = [(b"x-forwarded-for", line.encode("latin-1")) for line in forwarded]
    headers += [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in fields.items()]
    return caller_of({"method": "POST", "headers": headers, "client": (client, 1)}, trusted)


ADDRESSES = {
    "a stranger without the field": (("203.0.113.9",), "203.0.113.9"),
    "a stranger with the field": (("203.0.113.9", "198.51.100.1"), "203.0.113.9"),
    "our proxy without the field": (("10.0.0.1",), "10.0.0.1"),
    "our proxy with the field": (("10.0.0.1", "198.51.100.1"), "198.51.100.1"),
    "what the caller wrote before our proxy did": (("10.0.0.1", "1.2.3.4, 198.51.100.1"), "198.51.100.1"),
    "two of our proxies": (("10.0.0.1", "198.51.100.1, 10.0.0.2"), "198.51.100.1"),
    "two fields": (("10.0.0.1", "1.2.3.4", "198.51.100.1"), "198.51.100.1"),
    "a caller who writes one of our addresses": (("10.0.0.1", "10.9.9.9, 198.51.100.1"), "198.51.100.1"),
    "nothing but our own": (("10.0.0.1", "10.0.0.3, 10.0.0.2"), "10.0.0.3"),
    "no address at all": (("10.0.0.1", "unknown"), "unknown"),
    "version 6": (("fd00::1", "2001:db8::7"), "2001:db8::7"),
}


@attack("A32")
@pytest.mark.parametrize(("sent", "address"), ADDRESSES.values(), ids=ADDRESSES.keys())
def test_the_address_is_the_one_next_to_the_last_proxy_we_run(sent: tuple[str, ...], address: str) -> None:
    assert seen(*sent).address == address


@attack("A32")
def test_without_trusted_proxies_nobody_is_believed() -> None:
    assert seen("10.0.0.1", "198.51.100.1", trusted=()).address == "10.0.0.1"


def test_a_caller_without_an_address_has_none() -> None:
    assert (
        caller_of({"method": "POST", "headers": [(b"x-forwarded-for", b"1.2.3.4")], "client": None}, PROXIES).address
        == ""
    )


def test_no_more_hops_are_looked_at_than_any_path_has() -> None:
    assert seen("10.0.0.1", ", ".join(["1.2.3.4", *["10.0.0.2"] * MAX_HOPS])).address == "10.0.0.2"


@pytest.mark.parametrize("client", ["203.0.113.9", "10.0.0.1"])
def test_a_field_of_a_megabyte_costs_as_little_as_reading_it(client: str) -> None:
    def cost(**fields: Any) -> float:
        return min(
            timeit.repeat(lambda: seen(client, *fields.get("forwarded", ()), **fields.get("other", {})), number=1)
        )

    megabyte = "," * 1_000_000
    assert cost(forwarded=[megabyte]) < 20 * cost(other={"x-request-id": megabyte})


@pytest.mark.parametrize(
    ("content_type", "is_form"),
    [
        ("application/x-www-form-urlencoded", True),
        ("Application/X-WWW-Form-Urlencoded ; charset=x", True),
        ("application/x-www-form-urlencodedx", False),
        ("text/plain", False),
        ("", False),
        (";application/x-www-form-urlencoded", False),
        ("\xe9", False),
    ],
)
def test_the_media_type_is_compared_without_case_and_parameters(content_type: str, *, is_form: bool) -> None:
    assert seen("203.0.113.9", **{"content-type": content_type}).is_form is is_form


def test_repeated_fields_stay_repeated() -> None:
    headers = [(b"authorization", b"a"), (b"authorization", b"b"), (b"dpop", b"c"), (b"dpop", b"d")]
    caller = caller_of({"method": "POST", "headers": headers, "client": ("203.0.113.9", 1)}, ())
    assert (caller.authorization, caller.proofs) == (("a", "b"), ("c", "d"))
