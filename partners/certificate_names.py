"""The one name by which a client's certificate is known: how it is written, and how it is compared (RFC 8705 s2.1.2).

Comparison is exact, with two exceptions of the names' own standards: host names know no case (RFC 4343), and addresses
are compared as numbers. There are no wildcards: a certificate for ``*.kestrel.example`` is that name, nobody's else.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509

from partners.vocabulary import CertificateName

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


MAX_LENGTH: Final = 512


def expected_of(kind: CertificateName) -> str:
    """How a name of this kind is written, for messages and for the reference page."""
    return _EXPECTED[kind]


def is_written_right(kind: CertificateName, name: str) -> bool:
    """Whether a name of this kind can be compared with a certificate's at all."""
    try:
        return bool(name) and len(name) <= MAX_LENGTH and _READ[kind](name) is not None
    except ValueError:
        return False


def named(declared: object) -> dict[CertificateName, str]:
    """The names of its certificate that a client's declaration gives: one for ``tls_client_auth``, else none."""
    names = {kind: getattr(declared, f"tls_client_auth_{kind}") for kind in CertificateName}
    return {kind: name for kind, name in names.items() if name is not None}


def matches(kind: CertificateName, name: str, certificate: x509.Certificate) -> bool:
    """Whether the certificate carries this name."""
    try:
        wanted = _READ[kind](name)
        return wanted in _names(kind, certificate)
    except ValueError:
        return False


def _names(kind: CertificateName, certificate: x509.Certificate) -> list[Any]:
    if kind is CertificateName.SUBJECT_DN:
        return [certificate.subject]
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    found: list[Any] = names.get_values_for_type(_TYPES[kind])
    return [value.lower() for value in found] if kind is CertificateName.SAN_DNS else found


def _host(name: str) -> str:
    """Letters of ASCII only: an international name is registered in its encoded form, as certificates carry it."""
    if not name.isascii() or not name.isprintable() or " " in name:
        message = "not a host name"
        raise ValueError(message)
    return name.lower()


def _line(name: str) -> str:
    if not name.isascii() or not name.isprintable():
        message = "not printable ASCII"
        raise ValueError(message)
    return name


_READ: Final[Mapping[CertificateName, Callable[[str], Any]]] = {
    CertificateName.SUBJECT_DN: x509.Name.from_rfc4514_string,
    CertificateName.SAN_DNS: _host,
    CertificateName.SAN_URI: _line,
    CertificateName.SAN_IP: ip_address,
    CertificateName.SAN_EMAIL: _line,
}
_TYPES: Final[Mapping[CertificateName, type[Any]]] = {
    CertificateName.SAN_DNS: x509.DNSName,
    CertificateName.SAN_URI: x509.UniformResourceIdentifier,
    CertificateName.SAN_IP: x509.IPAddress,
    CertificateName.SAN_EMAIL: x509.RFC822Name,
}
_EXPECTED: Final[Mapping[CertificateName, str]] = {
    CertificateName.SUBJECT_DN: "a distinguished name such as CN=settlement,O=Kestrel (RFC 4514), at most 512 long",
    CertificateName.SAN_DNS: "a host name, without wildcard, at most 512 characters",
    CertificateName.SAN_URI: "a URI such as spiffe://kestrel.example/settlement, at most 512 characters",
    CertificateName.SAN_IP: "an IP address",
    CertificateName.SAN_EMAIL: "an e-mail address, at most 512 characters",
}
