"""The credentials a caller presented: exactly one method (RFC 6749 s2.3, RFC 7521 s4.2, RFC 7523 s2.2, RFC 8705)."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from exchange.protocol.compact import MAX_TOKEN_LENGTH
from exchange.protocol.errors import OAuthError, refusal
from exchange.protocol.form import form_decode
from policy.parties import ClientAuthentication
from policy.raw import RawToken
from policy.reasons import Reason, Rule, shown

if TYPE_CHECKING:
    from exchange.protocol.client_certificate import ClientCertificate
    from exchange.protocol.form import Form

JWT_BEARER_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
JWT_SPIFFE_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe"
_METHODS: Final = {
    JWT_BEARER_ASSERTION: ClientAuthentication.PRIVATE_KEY_JWT,
    JWT_SPIFFE_ASSERTION: ClientAuthentication.WORKLOAD_JWT,
}
"""What an assertion's type says. The first is also that of a platform's token: the registration says which is meant."""


class Credentials(Struct, frozen=True, kw_only=True):
    """What a caller offers as proof of being ``client_id`` (None where an assertion will name it), not yet believed."""

    method: ClientAuthentication
    unverified_client_id: str | None
    credential: RawToken
    certificate: ClientCertificate | None = None
    """Only where the certificate is the credential. Which of its two methods is meant, the registration says."""

    @property
    def is_challenged(self) -> bool:
        """Whether it came in the Authorization header, so that a refusal must name a scheme (RFC 6749 section 5.2)."""
        return self.method is ClientAuthentication.CLIENT_SECRET_BASIC


def offers_credentials(authorization: tuple[str, ...], form: Form) -> bool:
    """Whether a request tries to authenticate its client at all; without, only a public client can be meant."""
    return bool(authorization) or any(
        form.get(name) is not None for name in ("client_secret", "client_assertion", "client_assertion_type")
    )


def present(authorization: tuple[str, ...], form: Form, certificate: ClientCertificate | None = None) -> Credentials:
    """The one set of credentials in a request.

    A certificate is one only where there is no other: it may be there to bind the token to (RFC 8705 section 3).
    Raises ``InvalidRequest`` for more than one method or for two different client ids (rule 6), ``InvalidClient`` for
    none or for something unreadable.
    """
    basic = _basic(authorization)
    if basic is not None and offers_credentials((), form):
        raise refusal(Reason.CREDENTIALS_SEVERAL, Rule.CLIENT, "one client authentication method", "header and body")
    offered = [found for found in (basic, _post(form), _assertion(form)) if found is not None]
    if len(offered) > 1:
        received = ", ".join(found.method for found in offered)
        raise refusal(Reason.CREDENTIALS_SEVERAL, Rule.CLIENT, "one client authentication method", received)
    if not offered and certificate is not None:
        return _certificate(form, certificate)
    if not offered:
        raise refusal(Reason.CREDENTIALS_MISSING, Rule.CLIENT, "client credentials", "none")
    credentials = offered[0]
    named = form.get("client_id")
    if named is not None and credentials.unverified_client_id not in {None, named}:
        raise refusal(Reason.CLIENT_ID_MISMATCH, Rule.CLIENT, "one client_id", "two different ones")
    return credentials


def _certificate(form: Form, certificate: ClientCertificate) -> Credentials:
    """RFC 8705 section 2: the form says who the certificate is meant to be (rule 90)."""
    client_id = form.get("client_id")
    if client_id is None:
        raise refusal(Reason.CREDENTIALS_MISSING, Rule.CLIENT, "client_id beside the client certificate", "absent")
    return Credentials(
        method=ClientAuthentication.TLS_CLIENT_AUTH,
        unverified_client_id=client_id,
        credential=RawToken(certificate.thumbprint),
        certificate=certificate,
    )


def _basic(authorization: tuple[str, ...]) -> Credentials | None:
    """RFC 6749 section 2.3.1: both halves are form-decoded after base64, so ``:`` ``%`` ``+`` work in either."""
    if not authorization:
        return None
    if len(authorization) > 1:
        raise refusal(Reason.CREDENTIALS_SEVERAL, Rule.CLIENT, "one Authorization header", str(len(authorization)))
    scheme, _, encoded = authorization[0].partition(" ")
    if scheme.lower() != "basic":
        raise _malformed("the Basic scheme", shown(scheme))
    if len(encoded) > MAX_TOKEN_LENGTH:
        raise _malformed(f"at most {MAX_TOKEN_LENGTH} characters", str(len(encoded)))
    try:
        client_id, separator, secret = b64decode(encoded.strip(), validate=True).partition(b":")
        decoded = form_decode(client_id), form_decode(secret)
    except (Base64Error, ValueError, OAuthError) as error:
        raise _malformed("base64 of id:secret", "something else") from error
    if not separator or not all(decoded):
        raise _malformed("base64 of id:secret", "no id or no secret")
    return Credentials(
        method=ClientAuthentication.CLIENT_SECRET_BASIC,
        unverified_client_id=decoded[0],
        credential=RawToken(decoded[1]),
    )


def _malformed(expected: str, received: str) -> OAuthError:
    return refusal(Reason.CREDENTIALS_MALFORMED, Rule.CLIENT, expected, received, challenge=True)


def _post(form: Form) -> Credentials | None:
    secret = form.get("client_secret")
    if secret is None:
        return None
    client_id = form.get("client_id")
    if client_id is None:
        raise refusal(Reason.CREDENTIALS_MALFORMED, Rule.CLIENT, "client_id beside client_secret", "absent")
    return Credentials(
        method=ClientAuthentication.CLIENT_SECRET_POST, unverified_client_id=client_id, credential=RawToken(secret)
    )


def _assertion(form: Form) -> Credentials | None:
    """Both parameters or neither; the type is the one of RFC 7523 (rule 58), or of SPIFFE (rule 130)."""
    assertion, kind = form.get("client_assertion"), form.get("client_assertion_type")
    if assertion is None and kind is None:
        return None
    method = _METHODS.get(kind or "")
    if assertion is None or method is None or len(assertion) > MAX_TOKEN_LENGTH:
        raise refusal(Reason.CREDENTIALS_MALFORMED, Rule.CLIENT, "client_assertion of type jwt-bearer", shown(kind))
    return Credentials(
        method=method,
        unverified_client_id=form.get("client_id"),
        credential=RawToken(assertion),
    )
