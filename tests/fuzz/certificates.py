"""The proxy's certificate fields (RFC 9440 section 2) and what is read in them: refusals, and never another's yes."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from exchange.certificates import check_chain, check_key
from exchange.keyring import key_ring
from exchange.protocol.client_certificate import read_certificate
from exchange.protocol.errors import MalformedCertificate
from partners.selectors import RegisteredCertificate
from partners.vocabulary import CertificateName
from policy.reasons import Reason
from tests.certificates import CLIENTS, Holder
from tests.fuzz.signed import NOW, private_key

FIELDS: Final = b"="
"""Begins an input that is the fields' own text, a line each; any other is a certificate's bytes, and its chain's."""
WORDS: Final = (":", ",", ";", "::", ";a=b", "\t", "MII", "\\x30\\x82", "\\x06\\x03\\x55\\x04\\x03", "\\x02\\x01")
_SEPARATOR: Final = b"\xff\x00\xff"


def _issue(name: str, issuer: Holder | None, *, serial: int) -> Holder:
    key = private_key(name)
    named = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    above = issuer or Holder(None, key)  # type: ignore[arg-type]  # who signs itself has no certificate yet
    builder = (
        x509.CertificateBuilder(subject_name=named, public_key=key.public_key(), serial_number=serial)
        .issuer_name(named if issuer is None else issuer.certificate.subject)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(above.key.public_key()), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    builder = builder if issuer is None else builder.add_extension(CLIENTS, critical=False)
    return Holder(builder.sign(above.key, SHA256()), key)


ROOT: Final = _issue("root", None, serial=1)
CLIENT: Final = _issue("settlement", ROOT, serial=2)
STRANGER: Final = _issue("stranger", None, serial=3)
_REGISTERED: Final = RegisteredCertificate(
    kind=CertificateName.SUBJECT_DN, name="CN=settlement", trust_anchors=ROOT.pem
)
_KEYS: Final = key_ring((CLIENT.jwk,), is_fetched=False, usable_until=None)


def seeds() -> list[bytes]:
    """The client's certificate with and without a chain, a stranger's, as bytes and as fields."""
    return [
        CLIENT.der,
        _SEPARATOR.join((CLIENT.der, ROOT.der)),
        STRANGER.der,
        FIELDS + CLIENT.field.encode(),
        FIELDS + f"{CLIENT.field}\n{ROOT.field}".encode(),
        FIELDS + "\n".join((CLIENT.field, f"{ROOT.field}, {STRANGER.field}")).encode(),
        FIELDS + f"{CLIENT.field};a=b".encode(),
    ]


def one(data: bytes) -> None:
    """One request's fields, read and judged by name and by key."""
    certificate, *chains = _fields(data)
    try:
        found = read_certificate((certificate,), tuple(chains))
    except MalformedCertificate:
        return
    assert found is not None
    by_chain, by_key = check_chain(found, _REGISTERED, NOW), check_key(found, _KEYS, NOW)
    for wrong in (by_chain, by_key):
        assert wrong is None or wrong.reason is Reason.CERTIFICATE_REFUSED
    if by_chain is None:
        signed = x509.load_der_x509_certificate(found.der).tbs_certificate_bytes
        assert signed == CLIENT.certificate.tbs_certificate_bytes, "a certificate that nobody issued was accepted"
    if by_key is None:
        public = x509.load_der_x509_certificate(found.der).public_key()
        assert public == CLIENT.key.public_key(), "another key was accepted"


def _fields(data: bytes) -> list[str]:
    if data.startswith(FIELDS):
        return data[len(FIELDS) :].decode("latin-1").split("\n")
    return [f":{b64encode(der).decode()}:" for der in data.split(_SEPARATOR)]
