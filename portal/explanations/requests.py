"""Reasons that lie in the request, in the client, or in its proof of possession."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from policy.reasons import Reason
from portal.explanations.explanation import Explanation

if TYPE_CHECKING:
    from collections.abc import Mapping

REQUESTS: Final[Mapping[Reason, Explanation]] = {
    Reason.METHOD_NOT_ALLOWED: Explanation(
        _("Not a POST"),
        _("The token endpoint was called with another method than POST."),
        _("Send the parameters in a form-encoded POST body."),
    ),
    Reason.REQUEST_MALFORMED: Explanation(
        _("Request not readable"),
        _("The body is not form-encoded text in UTF-8, so no parameter could be read."),
        _("Send application/x-www-form-urlencoded in UTF-8."),
    ),
    Reason.REQUEST_TOO_LARGE: Explanation(
        _("Request too large"),
        _("The body is larger than any exchange needs, so it was not read."),
        _("Look for a token that collects claims without end, such as one with every group of a person."),
    ),
    Reason.REQUEST_TOO_SLOW: Explanation(
        _("Request too slow"),
        _("The body did not arrive within ten seconds, so it was not waited for."),
        _("Look at the network between the caller and this endpoint. Many of these are a slow-sender attack."),
    ),
    Reason.PARAMETER_REPEATED: Explanation(
        _("Parameter sent twice"),
        _("A parameter that may come once came more than once. Only audience and resource may repeat."),
        _("Send it once."),
    ),
    Reason.PARAMETER_MISSING: Explanation(
        _("Parameter missing"),
        _("A parameter that an exchange needs is absent or empty."),
        _("Add the parameter that the step names."),
    ),
    Reason.PARAMETER_UNEXPECTED: Explanation(
        _("Parameter without its partner"),
        _("A parameter came without the one it belongs to, for example actor_token_type without actor_token."),
        _("Send both, or neither."),
    ),
    Reason.GRANT_TYPE_UNSUPPORTED: Explanation(
        _("Grant type unknown"),
        _("The grant type is none that this endpoint serves."),
        _("For an exchange use urn:ietf:params:oauth:grant-type:token-exchange."),
    ),
    Reason.TOKEN_TYPE_UNSUPPORTED: Explanation(
        _("Token type not accepted"),
        _("A token type in the request is not accepted here, or not for this issuer."),
        _("Use one of the types that the trust lists."),
    ),
    Reason.SCOPE_MALFORMED: Explanation(
        _("Scope malformed"),
        _("The scope parameter holds characters that RFC 6749 section 3.3 does not allow."),
        _("Send scope names separated by single spaces."),
    ),
    Reason.TARGET_MALFORMED: Explanation(
        _("Target malformed"),
        _("A resource is no absolute URI, or a target name is not usable (RFC 8707 section 2)."),
        _("Send the target as it is registered, without a fragment."),
    ),
    Reason.CREDENTIALS_MISSING: Explanation(
        _("No client credentials"),
        _("The request does not say which client sends it, or proves nothing."),
        _("Authenticate with the method the client is registered for."),
    ),
    Reason.CREDENTIALS_SEVERAL: Explanation(
        _("Several client credentials"),
        _("The request authenticates the client in more than one way, so none was believed."),
        _("Use exactly one method in each request."),
    ),
    Reason.CREDENTIALS_MALFORMED: Explanation(
        _("Client credentials not readable"),
        _("The credentials are there but cannot be decoded."),
        _("Check the encoding of the Authorization header, or of the client assertion."),
    ),
    Reason.CLIENT_ID_MISMATCH: Explanation(
        _("Two client ids"),
        _("The client_id parameter names another client than the credentials do."),
        _("Leave client_id out, or send the same one."),
    ),
    Reason.CERTIFICATE_MALFORMED: Explanation(
        _("Client certificate not readable"),
        _("A trusted proxy sent a Client-Cert or Client-Cert-Chain field that RFC 9440 section 2 does not allow."),
        _("Make the proxy send one Client-Cert field, and remove what callers send under these names."),
    ),
    Reason.CLIENT_UNKNOWN: Explanation(
        _("Client unknown"),
        _("No client of this id is registered."),
        _("Check the client id and the installation the caller talks to."),
    ),
    Reason.CLIENT_PUBLIC: Explanation(
        _("Client cannot prove itself"),
        _("The client is registered as public, and an exchange needs a client that authenticates."),
        _("Register a confidential client for this partner."),
    ),
    Reason.CLIENT_SUSPENDED: Explanation(
        _("Client suspended"),
        _("The client is suspended, so it gets the same answer as an unknown one."),
        _("Reinstate the client when its suspension is over."),
    ),
    Reason.PARTNER_INACTIVE: Explanation(
        _("Partner not active"),
        _("The partner of this client is not active. None of its clients can exchange."),
        _("Activate or reinstate the partner."),
    ),
    Reason.METHOD_NOT_REGISTERED: Explanation(
        _("Other authentication method"),
        _("The client authenticated with a method it is not registered for."),
        _("Use a registered method, or register this one for the client."),
    ),
    Reason.SECRET_WRONG: Explanation(
        _("Client secret wrong"),
        _("The secret is none of the client's live secrets. It may have been rotated or have ended."),
        _("Use a live secret. If nobody of the partner sent this, watch for more from this address."),
    ),
    Reason.ASSERTION_REFUSED: Explanation(
        _("Client assertion refused"),
        _("The client assertion is not signed by a key of the client, or one of its claims does not fit."),
        _("The step names what was expected of it (RFC 7523 section 3)."),
    ),
    Reason.ASSERTION_REPLAYED: Explanation(
        _("Client assertion used twice"),
        _("A client assertion works once, and this one was used before."),
        _("Make a new assertion for each request."),
    ),
    Reason.CERTIFICATE_REFUSED: Explanation(
        _("Client certificate refused"),
        _("The certificate of the connection is not the client's: another name, key or issuer, or out of its time."),
        _("The step names what was expected of it (RFC 8705 section 2)."),
    ),
    Reason.WORKLOAD_REFUSED: Explanation(
        _("Platform token refused"),
        _("The token of the client's platform is not signed by it, not for us, out of its time, or lives too long."),
        _("The step names what was expected of it. A token that a platform made for somebody else is not for us."),
    ),
    Reason.WORKLOAD_RULE_UNMET: Explanation(
        _("Another workload of the platform"),
        _("The platform's token is genuine, but a rule of the client says that it is of another workload."),
        _("The step names the rule. If this workload is meant, change the rules; else find out why it tried."),
    ),
    Reason.WORKLOAD_RULE_FAULT: Explanation(
        _("Rule of a workload cannot be evaluated"),
        _("A rule of the client is about a claim that is of another kind in the platform's token."),
        _("The step names the rule. Change it to fit what the platform really says."),
    ),
    Reason.GRANT_TYPE_NOT_ALLOWED: Explanation(
        _("Grant type not allowed"),
        _("The client is known, but not registered for this grant type."),
        _("Add the grant type to the client, if it should have it."),
    ),
    Reason.GRANT_REFUSED: Explanation(
        _("Code or refresh token refused"),
        _("The authorization code or refresh token is unknown, expired, used before, or another client's."),
        _("Start the sign-in again. A refresh token that came twice ends its whole family: find out who else has it."),
    ),
    Reason.GRANT_PENDING: Explanation(
        _("Device still waits"),
        _("A device asked whether somebody allowed its request, and nobody answered it yet (RFC 8628)."),
        _("Nothing: the device asks again. Its user enters the code on the page it shows."),
    ),
    Reason.GRANT_POLLED_TOO_FAST: Explanation(
        _("Device asks too often"),
        _("A device asked again before its interval was over, so the interval is now 5 seconds longer."),
        _("Let the device wait as long as it is told (RFC 8628 section 3.5)."),
    ),
    Reason.GRANT_DENIED: Explanation(
        _("Device refused"),
        _("The person who was asked refused the device's request, or their account was closed meanwhile."),
        _("If the person did not start it themselves, find out who sent them the code."),
    ),
    Reason.GRANT_EXPIRED: Explanation(
        _("Device code expired"),
        _("Nobody answered the device's request within its ten minutes."),
        _("Start again on the device."),
    ),
    Reason.PROOF_INVALID: Explanation(
        _("Proof of possession refused"),
        _("The DPoP proof does not fit this request (RFC 9449 section 4.3)."),
        _("Make a new proof for each request, with this method and address."),
    ),
    Reason.PROOF_REPLAYED: Explanation(
        _("Proof of possession used twice"),
        _("A DPoP proof works once, and this one was used before."),
        _("Make a new proof for each request."),
    ),
    Reason.PROOF_MISSING: Explanation(
        _("Proof of possession missing"),
        _("The client is registered for DPoP-bound tokens, and the request carries no proof (RFC 9449 section 5.2)."),
        _("Send a DPoP proof with each request."),
    ),
    Reason.NONCE_MISSING: Explanation(
        _("Proof without a fresh nonce"),
        _("A proof must carry a nonce of the last minutes, and this one has none or an older one."),
        _("Nothing, if the next request succeeds: clients learn the nonce by this answer (RFC 9449 section 8)."),
    ),
    Reason.CERTIFICATE_MISSING: Explanation(
        _("Client certificate missing"),
        _("The client is registered for certificate-bound tokens, and no trusted proxy told of a certificate."),
        _("Connect with the client's certificate, by way of a proxy in HANDOVER_TRUSTED_PROXIES."),
    ),
}
