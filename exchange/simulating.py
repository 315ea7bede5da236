"""The straight line, tried: the same stages and the same ``decide()`` over a pasted or typed token (RFC 8693 s2.1).

Nothing is spent, recorded, signed or kept, and nobody is asked: keys are those held already. What comes out is made of
``HypotheticalToken``, which minting does not take; and this module cannot reach the mint, the ledger or a private key
(an import contract). So an answer here can differ from the endpoint's only where the endpoint asks somebody: whether
an identifier was used before, whether a token of ours was revoked, what an issuer says of an opaque token.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from exchange.claims import claims_of, source_of
from exchange.clients import check_standing
from exchange.opaque_tokens import MustLookUp
from exchange.possession import CERTIFICATE, NOTHING, Possession, demand
from exchange.protocol.client_auth import Credentials
from exchange.protocol.dpop import Proof
from exchange.protocol.errors import OAuthError, refusal
from exchange.protocol.form import Form
from exchange.protocol.request import GRANTS, JWT_BEARER, parse_grant
from exchange.registry import Issuer
from exchange.simulation import Answer, Outcome, Question
from exchange.spending import Purpose, SpendOnce
from exchange.subjects import establish, vouched
from exchange.supposing import header_of, hypothetical, supposed, unverified_claims
from exchange.verifying import MissingKey, PresentedToken, read_or_ask, read_subject
from policy.claim_rules import Verdict
from policy.decision import decide
from policy.facts import Actor, Refused
from policy.parties import ClientAuthentication
from policy.raw import RawToken
from policy.reasons import Reason, Rule, Step, shown
from policy.tokens import VerifiedToken

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from exchange.protocol.request import TokenRequest
    from exchange.registry import Ourselves, Registry
    from exchange.supposing import Typed
    from policy.facts import Granted
    from policy.parties import Client
    from policy.tokens import JSON, EstablishedSubject, HypotheticalToken

SUPPOSED_KEY: Final = "the thumbprint of the key that is proven"


def simulate(question: Question, registry: Registry) -> Answer:
    """What the token endpoint would answer. It never raises: whatever was typed, the answer says what is wrong."""
    attempt = _Attempt(_completed(question, registry), registry)
    try:
        return attempt.conclude()
    except MissingKey as missing:
        return attempt.refused(missing.otherwise.reason, missing.otherwise.steps)
    except OAuthError as error:
        return attempt.refused(error.reason, error.steps)
    except MustLookUp as must:
        return attempt.undecided(must.opaque.rule)


@dataclass(slots=True)
class _Attempt:
    """One run of the line: the question, and what is known so far."""

    question: Question
    registry: Registry
    steps: list[Step] = field(default_factory=list)
    client: Client | None = None
    trust: str = ""
    subject: PresentedToken | None = None
    actor: PresentedToken | None = None

    def conclude(self) -> Answer:
        """The stages in the order of ``exchange.pipeline``. Raises as they do."""
        question, registry, now = self.question, self.registry, self.question.at
        request = self._asked()
        client = self._standing(question.grant_type)
        possession = self._possession(client)
        presented = read_subject(request, registry.issuer, ())
        self.subject = _apart(presented)
        issuer = self._trusted(registry.issuer_for(client, presented))
        ground = supposed(issuer, presented) if _is_typed(question.subject) else issuer
        subject = self._verified(establish(presented, ground, client, possession, now=now))
        actor = self._actor(request, client, possession)
        facts = hypothetical(registry.facts(request, client, issuer, subject, actor))
        outcome = decide(facts, now=now)
        if isinstance(outcome, Refused):
            return self.refused(outcome.reason, outcome.steps)
        claims = claims_of(outcome, client, possession.binding(subject, actor), source_of(subject))
        return self._granted(outcome, claims)

    def _asked(self) -> TokenRequest:
        """The request, read by the parser of the endpoint. Raises ``InvalidRequest`` and its kin."""
        question, grant_type = self.question, self.question.grant_type
        if grant_type not in GRANTS:
            raise refusal(Reason.GRANT_TYPE_UNSUPPORTED, Rule.REQUEST, "a supported grant type", shown(grant_type))
        tokens = {"subject_token": question.subject, "actor_token": question.actor}
        if grant_type == JWT_BEARER:
            tokens = {"assertion": question.subject}
        values = {name: (_text(token).reveal(),) for name, token in tokens.items() if token is not None}
        request = parse_grant(Form({**question.parameters, **values, "grant_type": (grant_type,)}))
        self._pass(Rule.REQUEST, "a grant of ours", grant_type.rpartition(":")[2])
        return request

    def _standing(self, grant_type: str) -> Client:
        """The client, supposed to have proven itself. Raises ``InvalidClient`` or ``UnauthorizedClient``."""
        client_id = self.question.client_id
        registered = self.registry.client(client_id)
        if registered is None:
            raise refusal(Reason.CLIENT_UNKNOWN, Rule.CLIENT, "a registered client", shown(client_id))
        self.client = client = registered.client
        method = min(client.methods, default=ClientAuthentication.CLIENT_SECRET_BASIC)
        check_standing(
            client, Credentials(method=method, unverified_client_id=client_id, credential=RawToken("")), grant_type
        )
        self._pass(Rule.CLIENT, "supposed to be authenticated", client_id)
        return client

    def _possession(self, client: Client) -> Possession:
        """What the request is supposed to prove: the keys that its tokens name, if they name any."""
        question = self.question
        demand(client, has_proof=question.has_proof, has_certificate=question.has_certificate)
        named = _named_keys(question.subject, question.actor)
        proven: dict[str, str] = {}
        if question.has_proof:
            proven["jkt"] = str(named.get("jkt", SUPPOSED_KEY))
        if question.has_certificate:
            proven[CERTIFICATE] = str(named.get(CERTIFICATE, SUPPOSED_KEY))
        for method, value in proven.items():
            self._pass(Rule.POSSESSION, "supposed to be proven", f"{method} {value}")
        if not proven:
            return NOTHING
        proof = _proof(proven["jkt"], question.at) if question.has_proof else None
        binds = client.tls_client_certificate_bound_access_tokens
        return Possession(proof=proof, proven=proven, binds_to_certificate=binds)

    def _trusted(self, issuer: Issuer | Ourselves) -> Issuer | Ourselves:
        if isinstance(issuer, Issuer):
            self.trust = issuer.trust.name
            self._pass(Rule.ISSUER, issuer.trust.name, shown(issuer.trust.issuer))
        else:
            self._pass(Rule.ISSUER, issuer.source, "ourselves")
        return issuer

    def _verified(self, subject: EstablishedSubject) -> EstablishedSubject:
        if isinstance(subject, VerifiedToken):
            self._believe(Rule.SUBJECT_TOKEN, subject, is_typed=_is_typed(self.question.subject))
        else:
            self._pass(Rule.SUBJECT_TOKEN, "authenticated in this request", subject.subject)
        return subject

    def _actor(self, request: TokenRequest, client: Client, possession: Possession) -> Actor[VerifiedToken] | None:
        """The acting party, as ``exchange.actors`` verifies it."""
        if request.actor_token is None or request.actor_token_type is None:
            return None
        presented = read_or_ask(request.actor_token, request.actor_token_type, Rule.ACTOR_TOKEN, ())
        self.actor = _apart(presented)
        issuer = self.registry.issuer_for(client, presented)
        is_typed = _is_typed(self.question.actor)
        ground = supposed(issuer, presented) if is_typed else issuer
        token = vouched(presented, ground, client, possession, now=self.question.at)
        self._believe(Rule.ACTOR_TOKEN, token, is_typed=is_typed)
        return Actor(token=token, trust=issuer.trust if isinstance(issuer, Issuer) else None)

    def _believe(self, rule: Rule, token: VerifiedToken, *, is_typed: bool) -> None:
        by_key = f"{token.algorithm} by key {shown(token.key_id)}"
        expected = f"{by_key}; the signature was not checked" if is_typed else by_key
        self._pass(rule, expected, f"expires {token.expires_at:%FT%TZ}")

    def _pass(self, rule: Rule, expected: str, received: str) -> None:
        self.steps.append(Step(rule, Verdict.PASSED, expected, received))

    def _known(self, outcome: Outcome, steps: tuple[Step, ...]) -> Answer:
        partner = None if self.client is None else self.client.partner
        return Answer(
            outcome=outcome,
            steps=(*self.steps, *steps),
            partner="" if partner is None else partner.slug,
            trust=self.trust,
            subject=self.subject,
            actor=self.actor,
        )

    def refused(self, reason: Reason, steps: tuple[Step, ...]) -> Answer:
        """A no, with the step that said it."""
        return replace(self._known(Outcome.REFUSED, steps), reason=reason)

    def undecided(self, rule: Rule) -> Answer:
        """An opaque token: what it says, its issuer or our own ledger would have to be asked."""
        step = Step(rule, Verdict.FAULT, "a token that says itself what it is", "an opaque one, which is not looked up")
        return self._known(Outcome.UNDECIDED, (step,))

    def _granted(self, granted: Granted[HypotheticalToken], claims: Mapping[str, JSON]) -> Answer:
        times: dict[str, JSON] = {
            "iss": self.registry.issuer,
            "iat": int(self.question.at.timestamp()),
            "exp": int(granted.expires_at.timestamp()),
        }
        return replace(
            self._known(Outcome.GRANTED, granted.steps),
            mappings=granted.mappings,
            scope=tuple(sorted(granted.scope)),
            claims={**claims, **times},
        )


def _completed(question: Question, registry: Registry) -> Question:
    """With headers as the issuers would write them, where none was typed."""
    subject, actor = (_with_header(token, question.client_id, registry) for token in (question.subject, question.actor))
    return replace(question, subject=subject, actor=actor)


def _with_header(token: RawToken | Typed | None, client_id: str, registry: Registry) -> RawToken | Typed | None:
    if token is None or isinstance(token, RawToken) or token.header:
        return token
    return replace(token, header=header_of(token.claims.get("iss"), client_id, registry))


def _is_typed(token: RawToken | Typed | None) -> bool:
    return token is not None and not isinstance(token, RawToken)


def _text(token: RawToken | Typed) -> RawToken:
    return token if isinstance(token, RawToken) else token.as_text()


def _apart(presented: object) -> PresentedToken | None:
    return presented if isinstance(presented, PresentedToken) else None


def _named_keys(*tokens: RawToken | Typed | None) -> Mapping[str, JSON]:
    """The keys that the request's tokens are bound to, as far as they can be read."""
    for token in tokens:
        if token is not None:
            confirmation = unverified_claims(_text(token)).get("cnf")
            if isinstance(confirmation, dict):
                return confirmation
    return {}


def _proof(jkt: str, now: datetime) -> Proof:
    """A proof that was never made; its identifier is spent by nobody, since no ledger is here."""
    spends = SpendOnce(purpose=Purpose.DPOP_PROOF, issuer=jkt, jti="", expires_at=now, reason=Reason.PROOF_REPLAYED)
    return Proof(jkt=jkt, spends=spends)
