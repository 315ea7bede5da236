"""A token that was believed is believed again without being verified, for as long as nothing it rests on has moved."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import structs

from exchange import familiar
from exchange.familiar import FamiliarToken, FamiliarTokens
from exchange.generations import Generations
from exchange.opaque_tokens import MustIntrospect, OpaqueToken
from exchange.possession import NOTHING, Possession
from exchange.protocol.errors import OAuthError
from exchange.protocol.request import JWT_BEARER, TOKEN_EXCHANGE, TokenRequest
from exchange.subjects import establish
from exchange.verifying import PresentedToken
from policy.raw import RawToken
from policy.reasons import Reason, Rule
from policy.tokens import TokenType, VerifiedToken
from tests.conformance.rules import rule
from tests.exchange.judged import CLAIMS, HEADER, JWT, US, make_issuer, present
from tests.exchange.test_words_of_answers import Answer
from tests.exchange.test_words_of_subjects import Own, ourselves
from tests.fuzz.signed import KEYS, NOW, described, spell
from tests.policy.examples import make_client
from tests.signers import make_key

if TYPE_CHECKING:
    from datetime import datetime

    from exchange.registry import Issuer
    from policy.parties import Client

CLIENT = make_client()
ISSUER = make_issuer()
MINUTE = timedelta(minutes=1)
ACCESS_TOKEN = TokenType.ACCESS_TOKEN


def token(**claims: Any) -> RawToken:
    """A token of the issuer, good but for what is changed; a claim changed to None is left out."""
    return RawToken(spell(described(present(HEADER), present(CLAIMS | claims))).text)


def asking(text: RawToken, declared: TokenType = ACCESS_TOKEN, grant_type: str = TOKEN_EXCHANGE) -> TokenRequest:
    return TokenRequest(
        grant_type=grant_type,
        subject_token=text,
        subject_token_type=declared,
        actor_token=None,
        actor_token_type=None,
        requested_token_type=ACCESS_TOKEN,
        audience=(),
        resource=(),
        scope=None,
    )


class Counter:
    """Tokens as a process knows them, and how often one was really verified."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.verified = 0
        self.tokens = FamiliarTokens()
        monkeypatch.setattr(familiar, "establish", self._establish)

    def _establish(self, *arguments: Any, **named: Any) -> Any:
        self.verified += 1
        return establish(*arguments, **named)

    def believe(
        self,
        request: TokenRequest,
        issuer: Issuer = ISSUER,
        client: Client = CLIENT,
        now: datetime = NOW,
        possession: Possession = NOTHING,
    ) -> Any:
        presented = self.tokens.read(request, US, ())
        return self.tokens.establish(presented, issuer, client, possession, now=now)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Counter:
    return Counter(monkeypatch)


def test_the_same_token_is_verified_once_and_is_the_same_subject(known: Counter) -> None:
    request = asking(token())
    first = known.believe(request)
    assert [known.believe(request) for _ in range(3)] == [first] * 3
    assert known.verified == 1
    assert isinstance(known.tokens.read(request, US, ()), FamiliarToken)
    assert first == FamiliarTokens().establish(known.tokens.read(request, US, ()), ISSUER, CLIENT, NOTHING, now=NOW)


def test_a_token_that_was_refused_is_not_kept(known: Counter) -> None:
    request = asking(token(aud="https://elsewhere.example"))
    for _ in range(2):
        with pytest.raises(OAuthError) as caught:
            known.believe(request)
        assert caught.value.reason is Reason.AUDIENCE_MISMATCH
    assert known.verified == 2


@rule(31, "RFC 8693", "2.1")
def test_a_familiar_token_ends_when_it_ends(known: Counter) -> None:
    request, leeway = asking(token()), ISSUER.trust.leeway
    ends = known.believe(request).expires_at + leeway
    known.believe(request, now=ends - timedelta(microseconds=1))
    assert known.verified == 1
    with pytest.raises(OAuthError) as caught:
        known.believe(request, now=ends)
    assert caught.value.reason is Reason.TOKEN_EXPIRED


def test_a_key_that_left_the_set_ends_what_it_signed(known: Counter) -> None:
    request = asking(token())
    known.believe(request)
    without = make_issuer(keys={name: make_key(name) if name == "ES256" else key for name, key in KEYS.items()})
    with pytest.raises(OAuthError) as caught:
        known.believe(request, issuer=without)
    assert (caught.value.reason, caught.value.steps[0].rule) == (Reason.KEY_UNKNOWN, Rule.SUBJECT_TOKEN)


def test_keys_that_are_too_old_are_not_believed_again(known: Counter) -> None:
    issuer, request = make_issuer(usable_until=NOW + MINUTE / 2), asking(token())
    known.believe(request, issuer=issuer)
    with pytest.raises(OAuthError) as caught:
        known.believe(request, issuer=issuer, now=NOW + MINUTE / 2)
    assert caught.value.reason is Reason.KEYS_UNAVAILABLE


@rule(30, "RFC 8693", "2.1")
def test_what_was_meant_for_one_client_is_not_believed_of_another(known: Counter) -> None:
    request = asking(token(aud=CLIENT.client_id))
    known.believe(request)
    with pytest.raises(OAuthError) as caught:
        known.believe(request, client=replace(CLIENT, client_id="another"))
    assert caught.value.reason is Reason.AUDIENCE_MISMATCH


def test_any_change_of_the_trust_has_it_verified_again(known: Counter) -> None:
    request = asking(token())
    known.believe(request)
    known.believe(request, issuer=replace(ISSUER))
    assert known.verified == 2
    with pytest.raises(OAuthError) as caught:
        known.believe(request, issuer=make_issuer(algorithms=frozenset({"RS256"})))
    assert caught.value.reason is Reason.ALGORITHM_REFUSED


@rule(28, "RFC 8693", "2.1")
def test_a_token_is_familiar_only_as_what_it_was_declared(known: Counter) -> None:
    known.believe(asking(token()))
    with pytest.raises(OAuthError) as caught:
        known.believe(asking(token(), TokenType.ID_TOKEN))
    assert caught.value.reason is Reason.TYPE_MISMATCH
    assert known.believe(asking(token(), JWT)).token_type is JWT


@rule(32, "RFC 8693", "2.1")
def test_a_bound_token_needs_its_proof_every_time(known: Counter) -> None:
    bound, request = {"jkt": "thumbprint"}, asking(token(cnf={"jkt": "thumbprint"}))
    proven = Possession(proof=None, proven=bound, binds_to_certificate=False)
    for _ in range(2):
        known.believe(request, possession=proven)
    assert known.verified == 2
    with pytest.raises(OAuthError) as caught:
        known.believe(request)
    assert caught.value.reason is Reason.SENDER_CONSTRAINED


def test_a_grant_is_neither_kept_nor_looked_up(known: Counter) -> None:
    grant = asking(token(), JWT, JWT_BEARER)
    for _ in range(2):
        known.believe(grant)
    assert known.verified == 2
    known.believe(asking(token(), JWT))
    assert not isinstance(known.tokens.read(grant, US, ()), FamiliarToken)


def test_a_grant_must_be_for_us_alone_whoever_reads_it(known: Counter) -> None:
    presented = known.tokens.read(asking(token(), JWT, JWT_BEARER), US, ())
    assert isinstance(presented, PresentedToken)
    assert presented.only_audience == US


def test_a_token_of_ours_is_verified_each_time(known: Counter) -> None:
    for _ in range(2):
        known.tokens.establish(Own().presented(), ourselves(), CLIENT, NOTHING, now=NOW)
    assert isinstance(known.tokens.read(asking(Own().presented().token), US, ()), PresentedToken)


def test_what_an_issuer_said_counts_for_its_request_alone(known: Counter) -> None:
    answer = Answer()
    opaque = answer.opaque()
    assert known.tokens.establish(opaque, answer.issuer, CLIENT, NOTHING, now=NOW) == answer.accepted()
    assert known.tokens.read(asking(opaque.token), US, opaque.told) == opaque
    again = known.tokens.read(asking(opaque.token), US, ())
    assert isinstance(again, OpaqueToken)
    with pytest.raises(MustIntrospect):
        known.tokens.establish(again, answer.issuer, CLIENT, NOTHING, now=NOW)


def test_nothing_is_familiar_of_a_request_without_a_subject_token(known: Counter) -> None:
    request = structs.replace(asking(token()), subject_token=None, subject_token_type=None)
    assert known.tokens.read(request, US, ()) is None


def test_what_is_used_stays_and_what_is_not_makes_room(known: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known.tokens, "_believed", Generations(3))
    often, once = asking(token(jti="often")), asking(token(jti="once"))
    known.believe(once)
    for number in range(12):
        known.believe(often)
        known.believe(asking(token(jti=f"other {number}")))
    assert known.verified == 1 + 1 + 12
    known.believe(once)
    assert known.verified == 15
    assert isinstance(known.believe(often), VerifiedToken)
    assert known.verified == 15
