"""What the caller is told: the OAuth error of each reason (RFC 6749 section 5.2, RFC 8693 section 2.2.2).

    OAuthError
    |-- InvalidRequest                400 invalid_request
    |   |-- MethodNotAllowed          405
    |   |-- RequestTooLarge           413
    |   |-- RequestTooSlow            408
    |   |-- RepeatedParameter, MissingParameter, UnsupportedTokenType
    |   `-- UnacceptableToken         a subject or actor token that will not do
    |       `-- ExpiredToken, UntrustedIssuer, ConstrainedToken, ReplayedToken, DelegationRefused
    |-- InvalidClient                 401 invalid_client
    |-- InvalidDpopProof              400 invalid_dpop_proof (RFC 9449 section 5)
    |-- UnauthorizedClient            400 unauthorized_client
    |-- InvalidGrant                  400 invalid_grant
    |-- UnsupportedGrantType          400 unsupported_grant_type
    |-- InvalidScope                  400 invalid_scope
    |-- InvalidTarget                 400 invalid_target (RFC 8707 section 2)
    |   `-- MissingTarget
    |-- TemporarilyUnavailable        503 temporarily_unavailable
    `-- ServerError                   500 server_error

Descriptions are fixed sentences: they name an action and never a rule, a pattern or an expected value, which would
make the endpoint an oracle for probing policy. The renderer adds the reference by which the portal shows the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from policy.claim_rules import Verdict
from policy.reasons import Reason, Rule, Step

if TYPE_CHECKING:
    from collections.abc import Mapping


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


class UnauthorizedClient(OAuthError):
    """A known client, and a grant type it is not registered for."""

    error = "unauthorized_client"
    description = "This client is not registered for this grant type."


class InvalidGrant(OAuthError):
    """The code or the refresh token of an interactive grant will not do."""

    error = "invalid_grant"
    description = "The authorization code or refresh token was not accepted. Start again."


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


WIRE: Final[Mapping[Reason, type[OAuthError]]] = {
    Reason.METHOD_NOT_ALLOWED: MethodNotAllowed,
    Reason.REQUEST_MALFORMED: InvalidRequest,
    Reason.REQUEST_TOO_LARGE: RequestTooLarge,
    Reason.REQUEST_TOO_SLOW: RequestTooSlow,
    Reason.PARAMETER_REPEATED: RepeatedParameter,
    Reason.PARAMETER_MISSING: MissingParameter,
    Reason.PARAMETER_UNEXPECTED: MissingParameter,
    Reason.GRANT_TYPE_UNSUPPORTED: UnsupportedGrantType,
    Reason.TOKEN_TYPE_UNSUPPORTED: UnsupportedTokenType,
    Reason.SCOPE_MALFORMED: InvalidScope,
    Reason.TARGET_MALFORMED: InvalidTarget,
    Reason.CREDENTIALS_MISSING: InvalidClient,
    Reason.CREDENTIALS_SEVERAL: InvalidRequest,
    Reason.CREDENTIALS_MALFORMED: InvalidClient,
    Reason.CLIENT_ID_MISMATCH: InvalidRequest,
    Reason.CLIENT_UNKNOWN: InvalidClient,
    Reason.CLIENT_PUBLIC: InvalidClient,
    Reason.CLIENT_SUSPENDED: InvalidClient,
    Reason.PARTNER_INACTIVE: InvalidClient,
    Reason.METHOD_NOT_REGISTERED: InvalidClient,
    Reason.SECRET_WRONG: InvalidClient,
    Reason.ASSERTION_REFUSED: InvalidClient,
    Reason.ASSERTION_REPLAYED: InvalidClient,
    Reason.GRANT_TYPE_NOT_ALLOWED: UnauthorizedClient,
    Reason.GRANT_REFUSED: InvalidGrant,
    Reason.PROOF_INVALID: InvalidDpopProof,
    Reason.PROOF_REPLAYED: InvalidDpopProof,
    Reason.ISSUER_UNTRUSTED: UntrustedIssuer,
    Reason.TOKEN_TOO_LARGE: UnacceptableToken,
    Reason.TOKEN_MALFORMED: UnacceptableToken,
    Reason.TOKEN_ENCRYPTED: UnacceptableToken,
    Reason.HEADER_REFUSED: UnacceptableToken,
    Reason.ALGORITHM_REFUSED: UnacceptableToken,
    Reason.KEY_UNKNOWN: UnacceptableToken,
    Reason.KEYS_UNAVAILABLE: TemporarilyUnavailable,
    Reason.SIGNATURE_WRONG: UnacceptableToken,
    Reason.TYPE_MISMATCH: UnacceptableToken,
    Reason.CLAIM_MALFORMED: UnacceptableToken,
    Reason.TOKEN_EXPIRED: ExpiredToken,
    Reason.TOKEN_NOT_YET_VALID: ExpiredToken,
    Reason.LIFETIME_TOO_LONG: ExpiredToken,
    Reason.AUDIENCE_MISMATCH: UnacceptableToken,
    Reason.SENDER_CONSTRAINED: ConstrainedToken,
    Reason.TOKEN_REPLAYED: ReplayedToken,
    Reason.TRUST_RULE_UNMET: UnacceptableToken,
    Reason.TRUST_RULE_FAULT: UnacceptableToken,
    Reason.TARGET_MISSING: MissingTarget,
    Reason.TARGET_UNKNOWN: InvalidTarget,
    Reason.TARGET_NOT_MAPPED: InvalidTarget,
    Reason.TARGETS_DISAGREE: InvalidTarget,
    Reason.MAPPING_RULE_UNMET: InvalidTarget,
    Reason.MAPPING_RULE_FAULT: InvalidTarget,
    Reason.ACTOR_REQUIRED: DelegationRefused,
    Reason.ACTOR_NOT_NAMED: DelegationRefused,
    Reason.ACTOR_FOREIGN: DelegationRefused,
    Reason.CHAIN_REFUSED: DelegationRefused,
    Reason.CHAIN_TOO_DEEP: DelegationRefused,
    Reason.CHAIN_LOOP: DelegationRefused,
    Reason.SCOPE_UNKNOWN: InvalidScope,
    Reason.SCOPE_NOT_GRANTED: InvalidScope,
    Reason.SUBJECT_UNUSABLE: UnacceptableToken,
    Reason.LIFETIME_EXHAUSTED: ExpiredToken,
    Reason.LEDGER_UNAVAILABLE: TemporarilyUnavailable,
    Reason.OVERLOADED: TemporarilyUnavailable,
    Reason.INTERNAL: ServerError,
}
"""The only bridge from a reason to the wire. Total: a test compares its keys with ``Reason``."""


def refusal(
    reason: Reason, rule: Rule, expected: str = "", received: str = "", *, challenge: bool = False
) -> OAuthError:
    """The error to raise for a reason found outside ``decide``, with the one step that explains it."""
    return WIRE[reason](reason, (Step(rule, Verdict.REFUSED, expected, received),), is_challenged=challenge)
