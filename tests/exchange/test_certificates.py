"""Whether a certificate is the client's: names, chains, uses, times and keys (RFC 8705 sections 2.1 and 2.2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ObjectIdentifier

from exchange.certificates import check_chain, check_key
from exchange.keyring import EMPTY, key_ring
from exchange.protocol.client_certificate import ClientCertificate, read_certificate
from partners.selectors import RegisteredCertificate
from partners.vocabulary import CertificateName
from policy.reasons import Reason
from tests.certificates import SERVERS, Authority, Holder, make
from tests.conformance.rules import rule

if TYPE_CHECKING:
    from exchange.jwt_checks import Wrong

ROOT = Authority()
BETWEEN = Authority("Kestrel Clients", ROOT)
STRANGER = Authority()  # of the same name, with another key
DN = "CN=settlement,O=Kestrel Payments"
NOW = datetime.now(UTC)
UNKNOWN = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00")


def presented(holder: Holder, *chain: Holder) -> ClientCertificate:
    certificate = read_certificate((holder.field,), tuple(link.field for link in chain))
    assert certificate is not None
    return certificate


def check(holder: Holder, *chain: Holder, anchors: str = "", **named: str) -> Wrong | None:
    kind, name = next(iter((named or {"subject_dn": DN}).items()))
    registered = RegisteredCertificate(
        kind=CertificateName(kind), name=name, trust_anchors=ROOT.pem if anchors == "" else anchors
    )
    return check_chain(presented(holder, *chain), registered, NOW)


def refused(wrong: Wrong | None, received: str = "") -> None:
    assert wrong is not None
    assert wrong.reason is Reason.CERTIFICATE_REFUSED
    assert received in wrong.received


GENERAL: dict[str, tuple[x509.GeneralName, list[str], list[str]]] = {
    "san_dns": (
        x509.DNSName("settle.kestrel.example"),
        ["settle.kestrel.example", "SETTLE.Kestrel.Example"],
        ["kestrel.example", "*.kestrel.example", "settle.kestrel.example."],
    ),
    "san_uri": (
        x509.UniformResourceIdentifier("spiffe://kestrel.example/settlement"),
        ["spiffe://kestrel.example/settlement"],
        ["spiffe://kestrel.example/Settlement", "spiffe://kestrel.example/settlement/"],
    ),
    "san_ip": (x509.IPAddress(ip_address("2001:db8::1")), ["2001:db8::1", "2001:DB8:0:0::1"], ["2001:db8::2"]),
    "san_email": (
        x509.RFC822Name("settle@kestrel.example"),
        ["settle@kestrel.example"],
        ["Settle@kestrel.example", "kestrel.example"],
    ),
}


@rule(88, "RFC 8705", "2.1")
@pytest.mark.parametrize("kind", GENERAL)
def test_a_name_of_the_certificate_is_compared_whole(kind: str) -> None:
    name, right, wrong = GENERAL[kind]
    holder = ROOT.issue(names=(x509.DNSName("other.example"), name))
    assert [check(holder, **{kind: value}) for value in right] == [None] * len(right)
    for value in wrong:
        refused(check(holder, **{kind: value}))
    for other in GENERAL.keys() - {kind}:
        refused(check(holder, **{other: GENERAL[other][1][0]}))


@rule(88, "RFC 8705", "2.1")
def test_a_wildcard_in_the_certificate_stands_for_nobody() -> None:
    refused(check(ROOT.issue(names=(x509.DNSName("*.kestrel.example"),)), san_dns="settle.kestrel.example"))


@rule(88, "RFC 8705", "2.1")
@pytest.mark.parametrize(
    ("name", "is_same"),
    [
        (DN, True),
        ("CN=settlement+O=Kestrel Payments", False),
        ("O=Kestrel Payments,CN=settlement", False),
        ("CN=settlement", False),
        ("CN=Settlement,O=Kestrel Payments", False),
        ("CN=settlement,O=Kestrel Payments,C=DE", False),
    ],
)
def test_the_subject_is_compared_by_its_parts_in_their_order(name: str, *, is_same: bool) -> None:
    assert (check(ROOT.issue(), subject_dn=name) is None) is is_same


@rule(88, "RFC 8705", "2.1")
def test_a_chain_leads_to_an_anchor_by_way_of_what_the_proxy_tells_or_to_the_one_between() -> None:
    holder = BETWEEN.issue()
    assert check(holder, BETWEEN.holder) is None
    assert check(holder, BETWEEN.holder, ROOT.holder) is None
    assert check(holder, anchors=BETWEEN.pem) is None
    refused(check(holder), "candidates exhausted")


@rule(88, "RFC 8705", "2.1")
@pytest.mark.parametrize(
    ("holder", "chain"),
    [
        (make(DN), ()),
        (STRANGER.issue(), ()),
        (STRANGER.issue(), (STRANGER.holder,)),
        (make(DN, ROOT.issue()), (ROOT.issue(),)),
        (ROOT.issue(ends_in=timedelta(hours=-1)), ()),
        (ROOT.issue(usage=SERVERS), ()),
        (ROOT.issue(extensions=[(UNKNOWN, True)]), ()),
    ],
    ids=[
        "signed by itself",
        "an authority of the same name",
        "that authority in the chain",
        "issued by another client",
        "ended",
        "for servers",
        "something critical",
    ],
)
def test_what_the_anchors_do_not_vouch_for_is_refused(holder: Holder, chain: tuple[Holder, ...]) -> None:
    refused(check(holder, *chain))


@rule(88, "RFC 8705", "2.1")
def test_a_client_that_is_itself_an_issuer_lends_its_name_to_nobody() -> None:
    leaf = ROOT.issue()
    refused(check(make(DN, leaf), leaf), "candidates exhausted")


@rule(88, "RFC 8705", "2.1")
def test_without_anchors_nobody_is_vouched_for() -> None:
    registered = RegisteredCertificate(kind=CertificateName.SUBJECT_DN, name=DN, trust_anchors="")
    refused(check_chain(presented(ROOT.issue()), registered, NOW), "none")


def test_bytes_that_are_no_certificate_are_refused() -> None:
    junk = ClientCertificate(der=b"junk", chain=(), thumbprint="x")
    registered = RegisteredCertificate(kind=CertificateName.SUBJECT_DN, name=DN, trust_anchors=ROOT.pem)
    refused(check_chain(junk, registered, NOW), "something else")
    refused(check_key(junk, EMPTY, NOW), "something else")


def ring(*holders: Holder) -> Any:
    keys = tuple({**holder.jwk, "kid": str(number)} for number, holder in enumerate(holders))
    return key_ring(keys, is_fetched=False, usable_until=None)


@rule(89, "RFC 8705", "2.2")
def test_a_self_signed_certificate_is_known_by_its_key_alone() -> None:
    mine, other = make("anybody"), make("anybody")
    assert check_key(presented(mine), ring(other, mine), NOW) is None
    assert check_key(presented(make("renewed")), ring(mine), NOW) is not None
    refused(check_key(presented(mine), ring(other), NOW), "another key")
    refused(check_key(presented(mine), EMPTY, NOW), "another key")


@rule(89, "RFC 8705", "2.2")
def test_a_self_signed_certificate_ends_when_it_says_so() -> None:
    ended = make("anybody", ends_in=timedelta(hours=-1))
    refused(check_key(presented(ended), ring(ended), NOW), "valid until")
