"""What has been established so far in one exchange, for its audit event (RFC 8693 section 6; standards rule 158).

Write-only for the pipeline: no stage reads it, each stage's value is handed on by itself. It lets a refusal be recorded
with everything that was known when it happened. Token text never enters it: identifiers, digests and claims do.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from audit.identifiers import text_of
from exchange.registry import Issuer
from exchange.token_facts import Said, said_of
from policy.claim_rules import Verdict
from policy.reasons import Rule, Step, shown
from policy.tokens import VerifiedToken

if TYPE_CHECKING:
    from exchange.clients import AuthenticatedClient
    from exchange.possession import Possession
    from exchange.protocol.client_auth import Credentials
    from exchange.protocol.request import TokenRequest
    from exchange.registry import Ourselves
    from exchange.signed_token import SignedToken
    from exchange.spending import SpendOnce
    from policy.facts import Actor, Granted, Refused
    from policy.tokens import EstablishedSubject


class Trail(Struct, kw_only=True):
    """The facts of one exchange, in order. ``address``, ``request_id`` and ``traceparent`` are the caller's."""

    correlation_id: str
    grant_type: str = ""
    address: str = ""
    request_id: str = ""
    traceparent: str = ""
    _started: float = field(default_factory=perf_counter)
    _request: TokenRequest | None = None
    _claimed: str | None = None
    _credentials: Credentials | None = None
    _client: AuthenticatedClient | None = None
    _issuer: Issuer | None = None
    _tokens: dict[str, Said] = field(default_factory=dict)
    _decision: Granted[EstablishedSubject] | Refused | None = None
    _steps: list[Step] = field(default_factory=list)
    _spends: tuple[SpendOnce, ...] = ()

    def asked(self, request: TokenRequest) -> TokenRequest:
        """The request is well formed."""
        self._request = request
        kind = request.subject_token_type
        self._pass(Rule.REQUEST, "a grant of ours", "no subject token" if kind is None else kind.rpartition(":")[2])
        return request

    def presented(self, credentials: Credentials) -> Credentials:
        """Exactly one set of credentials came."""
        self._credentials = credentials
        return credentials

    def claims(self, client_id: str | None) -> None:
        """A public client says who it is."""
        self._claimed = client_id

    def authenticated(self, client: AuthenticatedClient) -> AuthenticatedClient:
        """The caller is this client."""
        self._client = client
        self._spend(client.spends)
        self._steps += client.vouched.steps if client.vouched else ()
        self._pass(Rule.CLIENT, client.method or "none", client.client.client_id)
        return client

    def possesses(self, possession: Possession) -> Possession:
        """The caller holds these keys, or offered no proof of any."""
        if possession.proof is not None:
            self._spend(possession.proof.spends)
        for method, value in possession.proven.items():
            self._pass(Rule.POSSESSION, "proof of the key", f"{method} {value}")
        return possession

    def trusts(self, issuer: Issuer | Ourselves) -> Issuer | Ourselves:
        """The subject token's issuer is trusted for this partner, or is ourselves."""
        if isinstance(issuer, Issuer):
            self._issuer = issuer
            self._pass(Rule.ISSUER, issuer.trust.name, shown(issuer.trust.issuer))
        else:
            self._pass(Rule.ISSUER, issuer.source, "ourselves")
        return issuer

    def verified(self, subject: EstablishedSubject) -> EstablishedSubject:
        """The subject token is genuine and in force, or the client is its own subject."""
        if isinstance(subject, VerifiedToken):
            self._verified("subject", Rule.SUBJECT_TOKEN, subject)
        else:
            self._pass(Rule.SUBJECT_TOKEN, "authenticated in this request", subject.subject)
        return subject

    def acts(self, actor: Actor[VerifiedToken] | None) -> Actor[VerifiedToken] | None:
        """The actor token is genuine and in force, or there is none."""
        if actor is not None:
            self._verified("actor", Rule.ACTOR_TOKEN, actor.token)
        return actor

    def _verified(self, role: str, rule: Rule, token: VerifiedToken) -> None:
        said = self._tokens[role] = said_of(token)
        self._pass(rule, said.proof, said.end)

    def decided(self, outcome: Granted[EstablishedSubject] | Refused) -> Granted[EstablishedSubject] | Refused:
        """The decision, yes or no."""
        self._decision = outcome
        return outcome

    def concerns(self, client_id: str, spends: tuple[SpendOnce, ...]) -> None:
        """A question about a token of this client, and the proofs that came with it."""
        self._claimed = client_id
        self._spends = (*self._spends, *spends)

    def _spend(self, spend: SpendOnce | None) -> None:
        if spend is not None:
            self._spends = (*self._spends, spend)

    def unspent(self) -> tuple[SpendOnce, ...]:
        """What the caller's proofs spend, whether the answer is yes or no."""
        return self._spends

    def has_spent(self) -> None:
        """The ledger found one of them spent before: the refusal that follows claims nothing."""
        self._spends = ()

    def _pass(self, rule: Rule, expected: str, received: str) -> None:
        self._steps.append(Step(rule, Verdict.PASSED, expected, received))

    @property
    def authenticated_client(self) -> AuthenticatedClient | None:
        """The client, once proven: whom the event is about, and what its proof spends."""
        return self._client

    def target(self) -> str:
        """The targets granted, or asked for, as the event's search column shows them."""
        granted = getattr(self._decision, "audience", None)
        if granted is None and self._request is not None:
            granted = (*self._request.audience, *self._request.resource)
        return " ".join(granted or ())[:1024]

    def client_id(self) -> str:
        """The client's id, or the one that was claimed."""
        if self._client is not None:
            return self._client.client.client_id
        claimed = self._credentials.unverified_client_id if self._credentials else self._claimed
        return shown(claimed)[:255] if claimed else ""

    def document(self, steps: tuple[Step, ...], signed: SignedToken | None = None) -> dict[str, Any]:
        """The event's ``data``: whatever is known, and the steps up to the last one taken."""
        data: dict[str, Any] = {"request": self._request_facts(), "steps": self._all_steps(steps)}
        if self._credentials is not None:
            method = self._credentials.method if self._client is None else self._client.method
            data["credentials"] = {"client_id": self.client_id(), "method": method, **self._platform()}
        if self._issuer is not None:
            trust = self._issuer.trust
            data["trust"] = {"id": text_of(trust.id), "name": trust.name, "issuer": trust.issuer}
        for role, token in self._tokens.items():
            data[role] = token.facts
        mappings = getattr(self._decision, "mappings", ())
        if mappings:
            data["mappings"] = [
                {"id": text_of(m.id), "name": m.name, "version": m.version, "target": m.target.name} for m in mappings
            ]
        if signed is not None:
            data["token"] = _issued_facts(signed)
        data["micros"] = int((perf_counter() - self._started) * 1_000_000)
        return data

    def _platform(self) -> dict[str, str]:
        """Who vouched for the client, and for whom: where a platform did."""
        vouched = self._client.vouched if self._client else None
        return {} if vouched is None else {"issuer": vouched.issuer, "subject": shown(vouched.subject)}

    def _all_steps(self, last: tuple[Step, ...]) -> list[list[str]]:
        decided = () if self._decision is None or last else self._decision.steps
        return [list(step) for step in (*self._steps, *decided, *last)]

    def _request_facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {"grant_type": shown(self.grant_type) if self.grant_type else ""}
        for name in ("address", "request_id", "traceparent"):
            value = getattr(self, name)
            if value:
                facts[name] = shown(value)
        request = self._request
        if request is not None:
            facts |= {
                "audience": [shown(name) for name in request.audience],
                "resource": [shown(name) for name in request.resource],
                "scope": None if request.scope is None else sorted(request.scope),
                "subject_token_type": request.subject_token_type,
                "actor_token_type": request.actor_token_type,
                "requested_token_type": request.requested_token_type,
            }
        return facts


def _issued_facts(signed: SignedToken) -> dict[str, Any]:
    granted = signed.granted
    carried = {"claims": dict(granted.claims)} if granted.claims else {}
    return carried | {
        "jti": signed.id,
        "family": signed.lineage.family_id,
        "parent": signed.lineage.parent_id or None,
        "sub": granted.subject,
        "aud": list(granted.audience),
        "scope": sorted(granted.scope),
        "issued_at": signed.issued_at,
        "expires_at": signed.expires_at,
        "kid": signed.kid,
        "act": None if granted.act is None else dict(granted.act),
    }
