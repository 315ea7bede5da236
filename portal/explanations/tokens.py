"""Reasons that lie in the subject or actor token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from policy.reasons import Reason
from portal.explanations.explanation import Explanation

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKENS: Final[Mapping[Reason, Explanation]] = {
    Reason.ISSUER_UNTRUSTED: Explanation(
        _("Issuer not trusted"),
        _("No trust of this partner names the issuer of the token. Issuers are compared character for character."),
        _("Add a trust for this issuer, or let the caller send a token of an issuer that is trusted."),
    ),
    Reason.TOKEN_TOO_LARGE: Explanation(
        _("Token too large"),
        _("The token is larger than any legitimate one, so it was not parsed."),
        _("Ask the issuer for a token with fewer claims."),
    ),
    Reason.TOKEN_MALFORMED: Explanation(
        _("Token not readable"),
        _("The token is not a signed JWT in compact form."),
        _("Send the token itself, without a prefix such as Bearer, and whole."),
    ),
    Reason.TOKEN_ENCRYPTED: Explanation(
        _("Token encrypted"),
        _("The token is encrypted, and encrypted tokens are not accepted."),
        _("Let the issuer sign its tokens without encrypting them."),
    ),
    Reason.HEADER_REFUSED: Explanation(
        _("Token header refused"),
        _("The token's header asks for something that is never believed, such as a key it brings along."),
        _("Tokens that name their own keys are a known attack. Find out who made this one."),
    ),
    Reason.ALGORITHM_REFUSED: Explanation(
        _("Algorithm not allowed"),
        _("The token is signed with an algorithm that the trust does not list."),
        _("Add the algorithm to the trust if the issuer really uses it."),
    ),
    Reason.KEY_UNKNOWN: Explanation(
        _("Signing key unknown"),
        _("The key that the token names is not in the issuer's key set, not even after fetching it again."),
        _("Check that the issuer publishes the key it signs with."),
    ),
    Reason.KEYS_UNAVAILABLE: Explanation(
        _("Issuer's keys not available"),
        _("The issuer's key set could not be fetched for so long that the keys held here are no longer believed."),
        _("The trust shows what the last fetch met. Exchanges work again after the next good one."),
    ),
    Reason.SIGNATURE_WRONG: Explanation(
        _("Signature wrong"),
        _("The token names a known key, but that key did not sign it."),
        _("The token was changed on its way, or forged. Find out where it came from."),
    ),
    Reason.TYPE_MISMATCH: Explanation(
        _("Token type does not fit"),
        _("The token is not of the type that the request says it is."),
        _("Send the type that fits the token."),
    ),
    Reason.CLAIM_MALFORMED: Explanation(
        _("Claim malformed"),
        _("A claim that every token needs is absent or of the wrong kind."),
        _("The step names the claim. The issuer has to mend it."),
    ),
    Reason.TOKEN_EXPIRED: Explanation(
        _("Token expired"),
        _("The token's time was over when it came, also with the leeway that the trust allows."),
        _("Get a fresh token before each exchange."),
    ),
    Reason.TOKEN_NOT_YET_VALID: Explanation(
        _("Token not yet valid"),
        _("The token starts in the future. Most often the issuer's clock is ahead."),
        _("Compare the clocks. The trust may allow up to 60 seconds of leeway."),
    ),
    Reason.LIFETIME_TOO_LONG: Explanation(
        _("Token lives too long"),
        _("The issuer signed the token for longer than the trust accepts."),
        _("Let the issuer shorten its tokens, or raise the limit at the trust."),
    ),
    Reason.AUDIENCE_MISMATCH: Explanation(
        _("Token meant for others"),
        _("The token's audience is neither this service, nor the client, nor one that the trust accepts."),
        _("Let the partner request a token for this service. Accept another audience only when you know whose it is."),
    ),
    Reason.SENDER_CONSTRAINED: Explanation(
        _("Token bound to a key"),
        _("The token is bound to a key, and the request does not prove that the caller holds it."),
        _("Prove possession of the same key in the request."),
    ),
    Reason.TOKEN_REPLAYED: Explanation(
        _("Token used twice"),
        _("Tokens of this issuer work once, and this one was used before."),
        _("Get a new token for each exchange. If nobody meant to use it twice, it was stolen."),
    ),
    Reason.TOKEN_REVOKED: Explanation(
        _("Token revoked"),
        _("The token or one it was exchanged from was revoked, or its client, its partner or the trust ended."),
        _("Get a new token. The audit trail says who revoked it and when."),
    ),
    Reason.TOKEN_UNKNOWN: Explanation(
        _("Token not in the ledger"),
        _(
            "By its signature or its form the token is ours, but no record of its issue is left: it ended long ago, or"
            " never was."
        ),
        _("Get a new token. If this is a recent JWT, treat the signing key as stolen; a reference was made up."),
    ),
    Reason.TOKEN_INACTIVE: Explanation(
        _("Token not active"),
        _("The issuer was asked about the token and says that it is not in force: expired, revoked, or not its own."),
        _("Get a new token. The issuer knows why this one is not active."),
    ),
    Reason.INTROSPECTION_FAILED: Explanation(
        _("Issuer could not be asked"),
        _("The token is opaque, and its issuer gave no usable answer about it within two seconds."),
        _("The log names what went wrong. Check the trust's endpoint and our secret there; callers try again."),
    ),
    Reason.TOKEN_OF_OTHERS: Explanation(
        _("Token of somebody else"),
        _("The caller is neither a resource server of the token's target nor the client it was issued to."),
        _("Register the caller as a resource server of the target, if it is one."),
    ),
}
