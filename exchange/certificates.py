"""Whether a certificate is a client's: by a chain and a name, or by its key (RFC 8705 sections 2.1 and 2.2).

Chains are validated by the ``cryptography`` library (RFC 5280 section 6) against the anchors that were registered for
this client or its partner, never against those of the system: a public authority certifies anybody.
"""

from __future__ import annotations

from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError

from exchange.jwt_checks import Wrong
from partners.certificate_names import matches
from policy.reasons import Reason, shown

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography.x509.verification import Policy

    from exchange.keyring import KeyRing
    from exchange.protocol.client_certificate import ClientCertificate
    from partners.selectors import RegisteredCertificate

MAX_INTERMEDIATES: Final = 4


def check_chain(presented: ClientCertificate, registered: RegisteredCertificate, now: datetime) -> Wrong | None:
    """What keeps the certificate from being this client's by its name and its issuer (rule 88).

    The name is compared first: what a stranger's certificate costs says nothing about whose client id was guessed.
    """
    certificate = _load(presented.der)
    if certificate is None:
        return _wrong("an X.509 certificate", "something else")
    if not matches(registered.kind, registered.name, certificate):
        return _wrong(f"{registered.kind} {registered.name}", shown(certificate.subject.rfc4514_string()))
    if not registered.trust_anchors:
        return _wrong("registered trust anchors", "none")
    chain = [_load(der) for der in presented.chain]
    builder = PolicyBuilder().store(_store(registered.trust_anchors)).time(now).max_chain_depth(MAX_INTERMEDIATES)
    verifier = builder.extension_policies(ee_policy=_OF_CLIENTS, ca_policy=_OF_AUTHORITIES).build_client_verifier()
    try:
        verifier.verify(certificate, [link for link in chain if link is not None])
    except (VerificationError, ValueError, UnsupportedAlgorithm) as error:
        return _wrong("a chain to a registered trust anchor", shown(str(error)))
    return None


def check_key(presented: ClientCertificate, keys: KeyRing, now: datetime) -> Wrong | None:
    """What keeps the certificate from being this client's by its key: nobody vouches for it, so no chain (rule 89)."""
    certificate = _load(presented.der)
    if certificate is None:
        return _wrong("an X.509 certificate", "something else")
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        return _wrong(f"valid at {now:%FT%TZ}", f"valid until {certificate.not_valid_after_utc:%FT%TZ}")
    if not keys.holds(_public_key(certificate)):
        return _wrong("a key of the client's key set", "another key")
    return None


def _wrong(expected: str, received: str) -> Wrong:
    return Wrong(reason=Reason.CERTIFICATE_REFUSED, expected=expected, received=received)


_UNREADABLE: Final = (
    *(ValueError, TypeError, UnsupportedAlgorithm),
    *(x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType),
)
_READ_LATER: Final = tuple(map(attrgetter, ("extensions", "not_valid_before_utc", "not_valid_after_utc")))


@lru_cache(maxsize=1024)
def _load(der: bytes) -> x509.Certificate | None:
    """Parsed once: a client sends the same certificate with each of its requests.

    The library reads names, times and extensions only when asked; what it cannot read then is no certificate either.
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        certificate.subject.rfc4514_string()
        for read in _READ_LATER:
            read(certificate)
    except _UNREADABLE:
        return None
    return certificate


def _public_key(certificate: x509.Certificate) -> bytes:
    """The key as a SubjectPublicKeyInfo; empty for an algorithm nobody here knows."""
    try:
        return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm):
        return b""


@lru_cache(maxsize=1024)
def _store(anchors: str) -> Store:
    return Store(x509.load_pem_x509_certificates(anchors.encode("ascii")))


def _for_clients(_: Policy, __: x509.Certificate, usage: x509.ExtendedKeyUsage | None) -> None:
    """A certificate that names its uses names this one (RFC 5280 section 4.2.1.12)."""
    if usage is not None and ExtendedKeyUsageOID.CLIENT_AUTH not in usage:
        message = "the certificate is not for client authentication"
        raise ValueError(message)


def _signs_certificates(_: Policy, __: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    """Private authorities often name no use; one that does must name this one (RFC 5280 section 4.2.1.3)."""
    if usage is not None and not usage.key_cert_sign:
        message = "a certificate of the chain may not issue others"
        raise ValueError(message)


_OF_CLIENTS: Final = (
    ExtensionPolicy.webpki_defaults_ee()
    .may_be_present(x509.SubjectAlternativeName, Criticality.AGNOSTIC, None)
    .may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _for_clients)
)
_OF_AUTHORITIES: Final = ExtensionPolicy.webpki_defaults_ca().may_be_present(
    x509.KeyUsage, Criticality.AGNOSTIC, _signs_certificates
)
