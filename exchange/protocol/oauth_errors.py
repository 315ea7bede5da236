"""The OAuth errors: what a caller is told, word by word (RFC 6749 section 5.2, RFC 8693 section 2.2.2).

    OAuthError
    |-- InvalidRequest                400 invalid_request
    |   |-- MethodNotAllowed          405
    |   |-- RequestTooLarge           413
    |   |-- RequestTooSlow            408
    |   |-- RepeatedParameter, MissingParameter, UnsupportedTokenType
    |   |-- MalformedCertificate, MissingCertificate (RFC 9440, RFC 8705 section 3)
    |   `-- UnacceptableToken         a subject or actor token that will not do
    |       `-- ExpiredToken, UntrustedIssuer, ConstrainedToken, ReplayedToken, DelegationRefused
    |-- InvalidClient                 401 invalid_client
    |-- InvalidDpopProof              400 invalid_dpop_proof (RFC 9449 section 5)
    |   `-- MissingDpopProof
    |-- UseDpopNonce                  400 use_dpop_nonce (RFC 9449 section 8)
    |-- UnauthorizedClient            400 unauthorized_client
    |-- InvalidGrant                  400 invalid_grant
    |-- AuthorizationPending          400 authorization_pending (RFC 8628 section 3.5)
    |-- PolledTooFast                 400 slow_down
    |-- AccessDenied                  400 access_denied
    |-- ExpiredGrant                  400 expired_token
    |-- UnsupportedGrantType          400 unsupported_grant_type
    |-- InvalidScope                  400 invalid_scope
    |-- InvalidTarget                 400 invalid_target (RFC 8707 section 2)
    |   `-- MissingTarget
    |-- SlowDown                      429 slow_down (RFC 6585, RFC 8628 section 3.5)
    |-- TemporarilyUnavailable        503 temporarily_unavailable
    `-- ServerError                   500 server_error

Descriptions are fixed sentences: they name an action and never a rule, a pattern or an expected value, which would
make the endpoint an oracle for probing policy. The renderer adds the reference by which the portal shows the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from policy.reasons import Reason, Step


class OAuthError(Exception):
    """One refusal: the reason for admins, the steps that led to it, and the fixed words for the caller."""

    error: ClassVar[str]
    status: ClassVar[int] = 400
    description: ClassVar[str]

    def __init__(self, reason: Reason, steps: tuple[Step, ...] = (), *, is_challenged: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.steps = steps
        self.is_challenged = is_challenged
        """Whether the caller used the Authorization header, so that the answer must name a scheme (rule 7)."""


class InvalidRequest(OAuthError):
    """The request is not one the standards allow."""

    error = "invalid_request"
    description = "The request is malformed. Send a form-encoded POST body with each parameter once."


class MethodNotAllowed(InvalidRequest):
    """The endpoint takes POST."""

    status = 405
    description = "This endpoint takes POST."


class RequestTooLarge(InvalidRequest):
    """The body or a token in it is larger than any legitimate one."""

    status = 413
    description = "The request is too large."


class RequestTooSlow(InvalidRequest):
    """The body did not arrive in time."""

    status = 408
    description = "The request took too long to arrive."


class RepeatedParameter(InvalidRequest):
    """RFC 6749 section 3.2."""

    description = "A parameter was sent more than once. Only audience and resource may repeat."


class MissingParameter(InvalidRequest):
    """RFC 8693 section 2.1."""

    description = "A required parameter is missing, or one came without the parameter it belongs to."


class UnsupportedTokenType(InvalidRequest):
    """RFC 8693 section 2.1: a type that is not accepted or cannot be issued."""

    description = "A token type in the request is not supported here."


class MalformedCertificate(InvalidRequest):
    """RFC 9440 section 2: what our own proxy says about the client's certificate cannot be read."""

    description = "The client certificate could not be read."


class MissingCertificate(InvalidRequest):
    """RFC 8705 section 3: the client's tokens are bound to its certificate, and the connection brought none."""

    description = "This client receives certificate-bound tokens only. Connect with its certificate."


class UnacceptableToken(InvalidRequest):
    """RFC 8693 section 2.2.2: an invalid or unacceptable token is invalid_request, not invalid_grant."""

    description = "The subject or actor token was not accepted."


class ExpiredToken(UnacceptableToken):
    """The token's own times."""

    description = "The subject or actor token is expired, not yet valid, or lives too long. Get a new one."


class UntrustedIssuer(UnacceptableToken):
    """No trust names this issuer for this partner."""

    description = "The issuer of the subject or actor token is not trusted for this client."


class ConstrainedToken(UnacceptableToken):
    """The token is bound to a key that this request does not prove (rule 32)."""

    description = "The subject or actor token is bound to a key. Prove possession of that key in the same request."


class ReplayedToken(UnacceptableToken):
    """A one-time token came a second time."""

    description = "The subject token was used before. Get a new one."


class DelegationRefused(UnacceptableToken):
    """RFC 8693 sections 4.1 and 4.4."""

    description = "This combination of subject and actor is not allowed."


class InvalidClient(OAuthError):
    """Client authentication failed. The words are the same for an unknown client and a wrong credential (rule 7)."""

    error = "invalid_client"
    status = 401
    description = "Client authentication failed."


class InvalidDpopProof(OAuthError):
    """RFC 9449 section 5."""

    error = "invalid_dpop_proof"
    description = "The DPoP proof was not accepted. Make a new one for this request."


class MissingDpopProof(InvalidDpopProof):
    """RFC 9449 section 5.2."""

    description = "This client receives DPoP-bound tokens only. Send a DPoP proof."


class UseDpopNonce(OAuthError):
    """RFC 9449 section 8: the header ``DPoP-Nonce`` of the answer holds the one to use."""

    error = "use_dpop_nonce"
    description = "The DPoP proof needs the nonce of this answer. Make a new one with it."


class UnauthorizedClient(OAuthError):
    """A known client, and a grant type it is not registered for."""

    error = "unauthorized_client"
    description = "This client is not registered for this grant type."


class InvalidGrant(OAuthError):
    """The code or the refresh token of an interactive grant will not do."""

    error = "invalid_grant"
    description = "The authorization code or refresh token was not accepted. Start again."


class AssertionRefused(InvalidGrant):
    """Whatever is wrong with the assertion of a jwt-bearer grant (RFC 7521 section 4.1.1)."""

    description = "The assertion was not accepted. Get a new one, made for this server."


class AuthorizationPending(OAuthError):
    """RFC 8628 section 3.5: nobody answered the device's request yet."""

    error = "authorization_pending"
    description = "The request was not answered yet. Ask again after the interval."


class PolledTooFast(OAuthError):
    """RFC 8628 section 3.5: still pending, and the interval is 5 seconds longer from now on."""

    error = "slow_down"
    description = "The request was not answered yet. Ask less often: the interval is 5 seconds longer from now on."


class AccessDenied(OAuthError):
    """RFC 8628 section 3.5: somebody said no."""

    error = "access_denied"
    description = "The request was refused by the person it was shown to."


class ExpiredGrant(OAuthError):
    """RFC 8628 section 3.5: nobody answered in time."""

    error = "expired_token"
    description = "The device code is expired. Start again."


class UnsupportedGrantType(OAuthError):
    """A grant type nobody can use here."""

    error = "unsupported_grant_type"
    description = "This grant type is not supported."


class InvalidScope(OAuthError):
    """Malformed, unknown to every target named, or nothing left after narrowing."""

    error = "invalid_scope"
    description = "None of the requested scopes can be granted, or one is malformed or unknown."


class InvalidTarget(OAuthError):
    """RFC 8707 section 2: unknown, malformed, or not allowed, with the same words for each."""

    error = "invalid_target"
    description = "No mapping allows this token at the requested target."


class MissingTarget(InvalidTarget):
    """A token without an audience is never minted (rule 24)."""

    description = "Name a target with audience or resource."


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """The limit that was reached, as the answer's fields say it: its name, its measure, and when to come back.

    ``seconds`` is what ``Retry-After`` says: whole seconds, at least one (RFC 9110 section 10.2.3).
    """

    policy: str
    quota: int
    window: int
    seconds: int


class SlowDown(OAuthError):
    """Too many requests (RFC 6585 section 4). The word is the one RFC 8628 section 3.5 registered for this endpoint."""

    error = "slow_down"
    status = 429
    description = "Too many requests. Wait as long as Retry-After says."
    pause: Pause | None = None


class TemporarilyUnavailable(OAuthError):
    """We cannot answer truthfully now; nothing was issued. A word of RFC 6749 section 4.1.2.1, since 5.2 has none."""

    error = "temporarily_unavailable"
    status = 503
    description = "The service cannot answer now. Nothing was issued. Try again shortly."


class ServerError(OAuthError):
    """A fault of ours, named by its reference only."""

    error = "server_error"
    status = 500
    description = "The service failed. Nothing was issued."
