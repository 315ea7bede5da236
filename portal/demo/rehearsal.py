"""One exchange of the demo's past: the stages of the line in their order, without a token to verify (RFC 8693).

The partner's token is supposed to have been verified, which only a demo may do, and the event says so (``data.demo``).
The decision, the trail and the entry are the line's own, so that a page cannot tell the past from the present. Nothing
is signed: of the tokens that were granted there is a row, as of every token, and no text.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from msgspec import structs

from audit.bulk import identifier
from audit.envelope import seal
from exchange.clients import AuthenticatedClient
from exchange.entries import Entry, granted_entry, refused_entry
from exchange.protocol.client_auth import Credentials
from exchange.protocol.errors import WIRE, OAuthError, refusal
from exchange.protocol.request import CLIENT_CREDENTIALS, TOKEN_EXCHANGE, TokenRequest
from exchange.registry import Issuer
from exchange.signed_token import Lineage, SignedToken
from exchange.subjects import itself
from exchange.trail import Trail
from policy.decision import decide
from policy.facts import Actor, Refused
from policy.raw import RawToken
from policy.reasons import Reason, Rule
from policy.tokens import AuthenticatedSubject, TokenType, VerifiedToken
from portal.demo.habits import Slip

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from random import Random

    from exchange.registry import Ourselves, Registry
    from policy.facts import Granted
    from policy.parties import Client
    from policy.tokens import JSON, EstablishedSubject
    from portal.demo.habits import Habit

LIFETIME: Final = timedelta(minutes=10)
"""Of the partners' tokens."""

PAYROLL: Final = "https://payroll.meridian.example"
"""The target that no mapping leads to."""

_NOTHING: Final = RawToken("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What all exchanges of the past share: the configuration of today, our key's id, and one source of chance."""

    registry: Registry
    kid: str
    random: Random

    def entry(self, habit: Habit, slip: Slip | None, at: datetime) -> Entry:
        """One exchange as the ledger takes it, granted or refused, as of that instant."""
        trail = Trail(
            correlation_id=identifier(at, self.random),
            grant_type=TOKEN_EXCHANGE if habit.trust else CLIENT_CREDENTIALS,
            address=f"198.51.100.{1 + sum(habit.client.encode()) % 250}",
        )
        try:
            entry = self._granted(habit, slip, trail, at)
        except OAuthError as error:
            entry = refused_entry(error, trail, epoch=self.registry.epoch, now=at)
        return self._dated(entry, at)

    def _granted(self, habit: Habit, slip: Slip | None, trail: Trail, at: datetime) -> Entry:
        """The line (``exchange.pipeline``), as far as it goes. Raises ``OAuthError``."""
        request = trail.asked(self._request(habit, slip, trail.grant_type))
        trail.presented(Credentials(method=habit.method, unverified_client_id=habit.client, credential=_NOTHING))
        client = trail.authenticated(self._client(habit, slip)).client
        issuer = trail.trusts(self._issuer(client, habit, slip))
        subject = trail.verified(self._subject(client, issuer, habit, slip, at))
        actor = trail.acts(self._actor(client, issuer, habit, slip, at))
        outcome = trail.decided(decide(self.registry.facts(request, client, issuer, subject, actor), now=at))
        if isinstance(outcome, Refused):
            raise WIRE[outcome.reason](outcome.reason, outcome.steps)
        signed = self._supposed(outcome, at)
        return granted_entry(signed, trail, (), rests_on=(), epoch=self.registry.epoch, now=at)

    def _request(self, habit: Habit, slip: Slip | None, grant_type: str) -> TokenRequest:
        scope = self.random.choices(tuple(habit.asks), tuple(habit.asks.values()))[0].split()
        return TokenRequest(
            grant_type=grant_type,
            subject_token=_NOTHING if habit.trust else None,
            subject_token_type=TokenType.ACCESS_TOKEN if habit.trust else None,
            actor_token=_NOTHING if habit.has_actor else None,
            actor_token_type=TokenType.ACCESS_TOKEN if habit.has_actor else None,
            requested_token_type=TokenType.ACCESS_TOKEN,
            audience=(PAYROLL if slip is Slip.TARGET else habit.target,),
            resource=(),
            scope=frozenset({"admin"} if slip is Slip.SCOPE else scope),
        )

    def _client(self, habit: Habit, slip: Slip | None) -> AuthenticatedClient:
        registered = self.registry.client(habit.client)
        if registered is None or slip is Slip.SECRET:
            raise refusal(Reason.SECRET_WRONG, Rule.CLIENT, "a live secret of the client", "another value")
        return AuthenticatedClient(client=registered.client, method=habit.method, spends=None)

    def _issuer(self, client: Client, habit: Habit, slip: Slip | None) -> Issuer | Ourselves:
        if not habit.trust:
            return self.registry.issuer_for(client, None)
        partner = client.partner
        found = (
            issuer
            for (owner, _), issuer in self.registry.issuers.items()
            if partner is not None and owner == partner.id and issuer.trust.name == habit.trust
        )
        issuer = next(found, None)
        if issuer is None or slip is Slip.STRANGER:
            received = "https://id-staging.bluepine.example"
            raise refusal(Reason.ISSUER_UNTRUSTED, Rule.ISSUER, "an issuer trusted for this partner", received)
        return issuer

    def _subject(
        self, client: Client, issuer: Issuer | Ourselves, habit: Habit, slip: Slip | None, at: datetime
    ) -> EstablishedSubject:
        if not isinstance(issuer, Issuer):
            return itself(client)
        if slip is Slip.EXPIRED:
            ended = at - timedelta(seconds=self.random.randint(40, 900))
            raise refusal(Reason.TOKEN_EXPIRED, Rule.SUBJECT_TOKEN, f"exp after {at:%FT%TZ}", f"{ended:%FT%TZ}")
        if slip is Slip.FORGED:
            expected = f"a signature of key {issuer.trust.name}-1"
            raise refusal(Reason.SIGNATURE_WRONG, Rule.SUBJECT_TOKEN, expected, "another")
        claims = dict(habit.claims) | (dict(habit.wrong) if slip is Slip.CLAIM else {})
        person = self.random.choice(habit.people)
        return self._token(issuer, person, at, claims | {"scope": " ".join(habit.carries)})

    def _actor(
        self, client: Client, issuer: Issuer | Ourselves, habit: Habit, slip: Slip | None, at: datetime
    ) -> Actor[VerifiedToken] | None:
        """The client's own token of the same issuer, with the claims that the trust asks of every token."""
        if not (habit.has_actor and isinstance(issuer, Issuer)) or slip is Slip.ACTOR:
            return None
        token = self._token(issuer, client.client_id, at, dict(habit.claims) | {"client_id": client.client_id})
        return Actor(token=token, trust=issuer.trust)

    def _token(self, issuer: Issuer, subject: str, at: datetime, claims: Mapping[str, JSON]) -> VerifiedToken:
        issued = at - timedelta(seconds=self.random.randint(1, 240))
        token_id = identifier(issued, self.random)
        return VerifiedToken(
            issuer=issuer.trust.issuer,
            subject=subject,
            audience=(self.registry.issuer,),
            scope=frozenset(str(claims.get("scope", "")).split()),
            claims={
                **claims,
                "iss": issuer.trust.issuer,
                "sub": subject,
                "aud": self.registry.issuer,
                "jti": token_id,
                "iat": int(issued.timestamp()),
                "exp": int((issued + LIFETIME).timestamp()),
            },
            expires_at=issued + LIFETIME,
            token_type=TokenType.ACCESS_TOKEN,
            algorithm="ES256",
            key_id=f"{issuer.trust.name}-1",
            token_id=token_id,
            digest=sha256(token_id.encode()).hexdigest(),
        )

    def _supposed(self, granted: Granted[EstablishedSubject], at: datetime) -> SignedToken:
        """What was granted, without a text: nobody can present it."""
        subject, token_id = granted.token, identifier(at, self.random)
        own = isinstance(subject, AuthenticatedSubject)
        root = (self.registry.issuer, token_id) if own else (subject.issuer, subject.token_id)  # type: ignore[union-attr]
        return SignedToken(
            id=token_id,
            lineage=Lineage(identifier(at, self.random), *root, ""),
            event_id=identifier(at, self.random),
            token=_NOTHING,
            token_type="Bearer",  # noqa: S106 - its kind (RFC 6750), not a secret
            confirmation={},
            kid=self.kid,
            granted=granted,
            issued_at=int(at.timestamp()),
            expires_at=int(granted.expires_at.timestamp()),
        )

    def _dated(self, entry: Entry, at: datetime) -> Entry:
        """Sealed as of that instant, with the mark of the demo's data and a time that an exchange takes."""
        before = entry.envelope
        micros = int(self.random.lognormvariate(7.4, 0.45))
        event = replace(before.event, data={**before.event.data, "micros": micros, "demo": True})
        event_id = entry.signed.event_id if entry.signed else identifier(at, self.random)
        sealed = seal(event, before.actor, event_id=event_id, correlation_id=before.correlation_id, at=at)
        return structs.replace(entry, envelope=sealed)
