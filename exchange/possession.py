"""The keys that a request proves to hold, and what the new token is bound to (RFC 9449 s6, RFC 8705 s3).

A DPoP proof proves one key, the certificate of the TLS connection another. A token that is bound to a key is good only
beside a proof of that key in the same request, and what is minted from it is bound as well (rule 32).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exchange import nonces
from exchange.protocol.dpop import prove_possession
from exchange.protocol.errors import refusal
from policy.reasons import Reason, Rule

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from exchange.caller import Incoming
    from exchange.protocol.dpop import Proof
    from policy.facts import Actor
    from policy.parties import Client
    from policy.tokens import JSON, EstablishedSubject

CERTIFICATE: Final = "x5t#S256"
"""The confirmation method of a certificate-bound token (RFC 8705 section 3.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Possession:
    """What a request proves to hold. ``proven`` are the members that ``cnf`` may have beside this request."""

    proof: Proof | None
    proven: Mapping[str, str]
    binds_to_certificate: bool

    def confirms(self, confirmation: JSON) -> bool:
        """Whether every key that a token's ``cnf`` names is proven in this request; one we cannot check is not."""
        return isinstance(confirmation, dict) and bool(confirmation) and confirmation.items() <= self.proven.items()

    def require(self, jkt: str) -> None:
        """The request proves this key, if one is named. Raises ``ConstrainedToken``."""
        if jkt and self.proven.get("jkt") != jkt:
            raise refusal(Reason.SENDER_CONSTRAINED, Rule.POSSESSION, "the key of the refresh token", "another or none")

    def binding(self, subject: EstablishedSubject, actor: Actor[EstablishedSubject] | None) -> Mapping[str, str]:
        """The ``cnf`` of the token to be issued, empty for a bearer token: never one from a token that is bound.

        The proof's key always; the certificate where the client is registered so, or a token of the request demands it.
        """
        bound = {} if self.proof is None else {"jkt": self.proof.jkt}
        tokens = (subject, None if actor is None else actor.token)
        if self.binds_to_certificate or any(_is_bound_to_certificate(token) for token in tokens):
            bound[CERTIFICATE] = self.proven[CERTIFICATE]
        return bound


NOTHING: Final = Possession(proof=None, proven={}, binds_to_certificate=False)


def possess(incoming: Incoming, client: Client, *, url: str, now: datetime) -> Possession:
    """What the request proves, at the endpoint ``url``.

    Raises ``InvalidDpopProof``, ``UseDpopNonce``, and for a client that is held to bound tokens and proves nothing
    ``MissingDpopProof`` or ``MissingCertificate`` (rule 104).
    """
    certificate, proof = incoming.certificate, None
    if incoming.proofs:
        demanded = nonces.accepted(now) if nonces.are_demanded_of(client) else None
        proof = prove_possession(incoming.proofs, method="POST", url=url, now=now, nonces=demanded)
    demand(client, has_proof=proof is not None, has_certificate=certificate is not None)
    if certificate is None and proof is None:
        return NOTHING
    proven = {} if proof is None else {"jkt": proof.jkt}
    if certificate is not None:
        proven[CERTIFICATE] = certificate.thumbprint
    binds = client.tls_client_certificate_bound_access_tokens
    return Possession(proof=proof, proven=proven, binds_to_certificate=binds)


def demand(client: Client, *, has_proof: bool, has_certificate: bool) -> None:
    """What the client is held to prove. Raises ``MissingDpopProof`` or ``MissingCertificate`` (rule 104)."""
    if client.dpop_bound_access_tokens and not has_proof:
        raise refusal(Reason.PROOF_MISSING, Rule.POSSESSION, "a DPoP proof", "none")
    if client.tls_client_certificate_bound_access_tokens and not has_certificate:
        raise refusal(Reason.CERTIFICATE_MISSING, Rule.POSSESSION, "a client certificate", "none")


def _is_bound_to_certificate(token: EstablishedSubject | None) -> bool:
    confirmation = None if token is None else token.claims.get("cnf")
    return isinstance(confirmation, dict) and CERTIFICATE in confirmation
