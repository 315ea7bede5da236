"""The Client-Cert and Client-Cert-Chain fields: RFC 9440 section 2, and whose word they are (section 3)."""

from __future__ import annotations

from base64 import b64encode
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.caller import Caller, caller_of
from exchange.protocol.client_certificate import MAX_CHAIN, MAX_FIELD_LENGTH, ClientCertificate, read_certificate
from exchange.protocol.errors import OAuthError
from policy.reasons import Reason
from tests.certificates import Authority, make
from tests.conformance.rules import rule

PROXIES = (ip_network("10.0.0.0/8"),)
HOLDER = make("settlement")
ROOT = Authority()


def sequence(raw: bytes) -> str:
    return f":{b64encode(raw).decode()}:"


def read(*certificates: str, chain: tuple[str, ...] = ()) -> ClientCertificate | None:
    return read_certificate(certificates, chain)


@rule(93, "RFC 9440", "2")
@rule(91, "RFC 8705", "3.1")
def test_the_field_is_the_certificate_in_der_and_gives_its_thumbprint() -> None:
    certificate = read(HOLDER.field)
    assert certificate == ClientCertificate(der=HOLDER.der, chain=(), thumbprint=HOLDER.thumbprint)
    assert "=" not in HOLDER.thumbprint


def test_an_empty_list_is_no_chain() -> None:
    assert read(HOLDER.field, chain=("",)) == read(HOLDER.field)


def test_without_the_fields_there_is_no_certificate() -> None:
    assert read() is None


@rule(93, "RFC 9440", "2")
@pytest.mark.parametrize(
    "chain",
    [
        (sequence(b"one") + ", " + sequence(b"two"),),
        (sequence(b"one"), sequence(b"two")),
        (sequence(b"one") + " \t,\t " + sequence(b"two"),),
    ],
    ids=["one field", "two fields", "blanks"],
)
def test_the_chain_is_one_list_however_it_is_split(chain: tuple[str, ...]) -> None:
    certificate = read(HOLDER.field, chain=chain)
    assert certificate is not None
    assert certificate.chain == (b"one", b"two")


WRONG = {
    "nothing in it": ("",),
    "two fields": (HOLDER.field, HOLDER.field),
    "two in one field": (f"{HOLDER.field}, {HOLDER.field}",),
    "no colons": (HOLDER.field.strip(":"),),
    "one colon": (HOLDER.field[:-1],),
    "only colons": ("::",),
    "a parameter": (f"{HOLDER.field};a=1",),
    "a quoted string": ('"abc"',),
    "base64 with a line break": (":YW\nJj:",),
    "base64url": (":-_-_:",),
    "no padding": (":YQ:",),
    "PEM": (HOLDER.pem.replace("\n", " "),),
    "percent-encoded PEM": ("-----BEGIN%20CERTIFICATE-----",),
    "letters of another alphabet": (":é:",),
    "too long": (sequence(b"a" * MAX_FIELD_LENGTH),),
}


@rule(93, "RFC 9440", "2")
@pytest.mark.parametrize("certificates", WRONG.values(), ids=WRONG.keys())
def test_more_than_one_field_or_bad_syntax_is_refused(certificates: tuple[str, ...]) -> None:
    with pytest.raises(OAuthError) as caught:
        read(*certificates)
    assert caught.value.reason is Reason.CERTIFICATE_MALFORMED
    assert (caught.value.error, caught.value.status) == ("invalid_request", 400)


@rule(93, "RFC 9440", "2")
@pytest.mark.parametrize(
    ("certificates", "chain"),
    [
        ((), (ROOT.holder.field,)),
        ((HOLDER.field,), (f"{ROOT.holder.field},",)),
        ((HOLDER.field,), (",".join([ROOT.holder.field] * (MAX_CHAIN + 1)),)),
    ],
    ids=["without a certificate", "a comma at the end", "too many"],
)
def test_a_chain_that_is_no_list_of_certificates_is_refused(
    certificates: tuple[str, ...], chain: tuple[str, ...]
) -> None:
    with pytest.raises(OAuthError) as caught:
        read(*certificates, chain=chain)
    assert caught.value.reason is Reason.CERTIFICATE_MALFORMED


@given(text=st.text(max_size=40), chain=st.lists(st.text(max_size=20), max_size=3))
def test_any_text_is_read_or_refused(text: str, chain: list[str]) -> None:
    reason = None
    try:
        assert read(text, chain=tuple(chain)) is not None
    except OAuthError as error:
        reason = error.reason
    assert reason in {None, Reason.CERTIFICATE_MALFORMED}


def seen(client: Any, *, trusted: Any = PROXIES, **fields: str) -> Caller:
    headers = [(name.replace("_", "-").encode(), value.encode()) for name, value in fields.items()]
    return caller_of({"method": "POST", "headers": headers, "client": client}, trusted)


@rule(94, "RFC 9440", "3")
@rule(94, "RFC 9440", "4")
@pytest.mark.parametrize(
    ("client", "trusted", "is_believed"),
    [
        (("10.0.0.1", 1), PROXIES, True),
        (("203.0.113.9", 1), PROXIES, False),
        (("10.0.0.1", 1), (), False),
        (None, PROXIES, False),
        (("unix:", 1), PROXIES, False),
    ],
    ids=["our proxy", "a stranger", "no proxy configured", "no address", "no number"],
)
def test_only_a_configured_proxy_is_believed(client: Any, trusted: Any, *, is_believed: bool) -> None:
    caller = seen(client, trusted=trusted, client_cert=HOLDER.field, client_cert_chain=ROOT.holder.field)
    expected = ((HOLDER.field,), (ROOT.holder.field,)) if is_believed else ((), ())
    assert (caller.certificates, caller.certificate_chains) == expected


@rule(94, "RFC 9440", "4")
def test_what_the_stranger_says_about_the_proxy_does_not_make_him_one() -> None:
    caller = seen(("203.0.113.9", 1), client_cert=HOLDER.field, x_forwarded_for="10.0.0.1")
    assert caller.certificates == ()
