"""Certificates for tests: an authority that issues them, and self-signed ones. All are real X.509."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from joserfc.jwk import ECKey

from exchange.protocol.compact import encode_segment

CLIENTS = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
SERVERS = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])


@dataclass
class Holder:
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        return self.key.private_bytes(encoding, form, serialization.NoEncryption()).decode()

    @property
    def field(self) -> str:
        """The ``Client-Cert`` field (RFC 9440 section 2.2)."""
        return f":{b64encode(self.der).decode()}:"

    @property
    def thumbprint(self) -> str:
        """The ``x5t#S256`` (RFC 8705 section 3.1)."""
        return encode_segment(sha256(self.der).digest()).decode()

    @property
    def jwk(self) -> dict[str, Any]:
        """The public key as a JWK."""
        encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        key = ECKey.import_key(self.key.public_key().public_bytes(encoding, form))
        return {**key.as_dict(private=False), "kid": "certificate", "use": "sig"}


@dataclass
class Authority:
    """A certificate authority that nobody but a test trusts."""

    name: str = "Kestrel Root"
    issuer: Authority | None = None
    holder: Holder = field(init=False)

    def __post_init__(self) -> None:
        above = self.issuer.holder if self.issuer else None
        basic = x509.BasicConstraints(ca=True, path_length=None)
        self.holder = make(self.name, above, extensions=[(basic, True)], usage=None)

    @property
    def pem(self) -> str:
        return self.holder.pem

    def issue(self, name: str = "settlement", **options: Any) -> Holder:
        """A client's certificate; ``options`` as ``make`` has them."""
        return make(name, self.holder, **options)


def make(
    name: str,
    issuer: Holder | None = None,
    *,
    names: tuple[x509.GeneralName, ...] = (),
    usage: x509.ExtendedKeyUsage | None = CLIENTS,
    extensions: list[tuple[x509.ExtensionType, bool]] | None = None,
    ends_in: timedelta = timedelta(days=1),
) -> Holder:
    """A certificate by an issuer, or by its own key. ``names`` are its subject alternative names."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name.from_rfc4514_string(name if "=" in name else f"CN={name},O=Kestrel Payments")
    signer, above = (issuer.key, issuer.certificate.subject) if issuer else (key, subject)
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(above).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=2)).not_valid_after(now + ends_in)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    wanted = [*(extensions or []), (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)]
    wanted += [(identifier, False)]
    wanted += [(x509.SubjectAlternativeName(names), False)] if names else []
    wanted += [(usage, False)] if usage else []
    for extension, is_critical in wanted:
        builder = builder.add_extension(extension, critical=is_critical)
    return Holder(builder.sign(signer, hashes.SHA256()), key)
