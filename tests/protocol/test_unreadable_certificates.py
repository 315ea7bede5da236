"""Certificates that the library takes and cannot read: refused like any other that will not do (RFC 8705 section 2)."""

from __future__ import annotations

import pytest

from exchange.certificates import check_chain, check_key
from exchange.keyring import key_ring
from exchange.protocol.client_certificate import ClientCertificate
from partners.selectors import RegisteredCertificate
from partners.vocabulary import CertificateName
from policy.reasons import Reason
from tests.fuzz.certificates import CLIENT, ROOT
from tests.fuzz.signed import NOW

BASIC_CONSTRAINTS, KEY_USAGE = b"\x06\x03\x55\x1d\x13", b"\x06\x03\x55\x1d\x25"
COMMON_NAME = b"\x06\x03\x55\x04\x03\x0c\x0asettlement"
SPOILT = {
    "a version nobody knows": CLIENT.der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x42"),
    "an extension twice": CLIENT.der.replace(KEY_USAGE, BASIC_CONSTRAINTS),
    "a subject of another kind": CLIENT.der.replace(COMMON_NAME, COMMON_NAME.replace(b"\x06\x03", b"\x61\x03")),
    "a subject that is not UTF-8": CLIENT.der.replace(b"settlement", b"settle\xff\xfe\xfd\xfc"),
    "no certificate": b"\x30\x00",
}


def presented(der: bytes) -> ClientCertificate:
    return ClientCertificate(der=der, chain=(), thumbprint="")


@pytest.mark.parametrize("der", SPOILT.values(), ids=SPOILT.keys())
@pytest.mark.parametrize("kind", CertificateName)
def test_what_cannot_be_read_is_refused_by_name_and_by_key(der: bytes, kind: CertificateName) -> None:
    assert der != CLIENT.der
    registered = RegisteredCertificate(kind=kind, name="192.0.2.1", trust_anchors=ROOT.pem)
    keys = key_ring((CLIENT.jwk,), is_fetched=False, usable_until=None)
    for wrong in (check_chain(presented(der), registered, NOW), check_key(presented(der), keys, NOW)):
        assert wrong is not None
        assert wrong.reason is Reason.CERTIFICATE_REFUSED


def test_the_certificate_they_were_made_from_is_taken() -> None:
    registered = RegisteredCertificate(kind=CertificateName.SUBJECT_DN, name="CN=settlement", trust_anchors=ROOT.pem)
    keys = key_ring((CLIENT.jwk,), is_fetched=False, usable_until=None)
    assert check_chain(presented(CLIENT.der), registered, NOW) is None
    assert check_key(presented(CLIENT.der), keys, NOW) is None
