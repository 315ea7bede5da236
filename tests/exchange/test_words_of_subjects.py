"""Whom a token is for: by a token of ours, a client by itself, another's word; in which words not (RFC 8693 s2.1)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import pytest

from exchange.jwt_checks import Wrong
from exchange.keyring import key_ring
from exchange.opaque_tokens import MustLookUp, OpaqueToken, Told
from exchange.own_tokens import OwnToken, check_own, is_reference, read_own
from exchange.possession import NOTHING, Possession
from exchange.protocol.errors import OAuthError, refusal
from exchange.registry import Ourselves
from exchange.subjects import NEVER, establish, itself, vouched
from exchange.verifying import PresentedToken, read
from policy.mapping import MappingSource
from policy.raw import RawToken
from policy.reasons import Reason, Rule, shown
from policy.tokens import AuthenticatedSubject, TokenType, VerifiedToken
from tests.exchange.judged import ID_TOKEN, JWT, OTHERS, US, Case, make_issuer, present
from tests.fuzz.signed import KEYS, NOW, SECONDS, described, spell
from tests.policy.examples import make_client
from tests.signers import public_jwks

ACCESS_TOKEN: Final = TokenType.ACCESS_TOKEN
BOOKS: Final = OTHERS
IDENTIFIER: Final = "7b0f0a52-6d5b-4a50-9d1c-0c3b1f6a9c11"
FAMILY: Final = "0d0c2e3f-8f43-4b0a-9b64-1c5a8f0d7e22"
REFERENCE: Final = RawToken("ho_a_reference_that_says_nothing")
HEADER: Final[dict[str, Any]] = {"alg": "ES256", "kid": "elliptic", "typ": "at+jwt"}
CLAIMS: Final[dict[str, Any]] = {
    "iss": US,
    "sub": "partner:kestrel:user-1",
    "aud": BOOKS,
    "client_id": "gateway",
    "exp": SECONDS + 60,
    "iat": SECONDS - 5,
    "jti": IDENTIFIER,
    "fam": FAMILY,
    "scope": "read write",
}


def ourselves() -> Ourselves:
    """We, towards a client that serves the books."""
    return Ourselves(
        source=MappingSource.OWN_TOKEN,
        mappings={},
        issuer=US,
        keys=key_ring(tuple(public_jwks(*KEYS.values())["keys"]), is_fetched=False, usable_until=None),
        audiences=frozenset({US, BOOKS}),
    )


@dataclass(frozen=True, kw_only=True)
class Own:
    """A token of ours that is good but for what a case changes; a member changed to None is left out."""

    header: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    declared: TokenType = ACCESS_TOKEN
    signature: bytes = b""
    possession: Possession = NOTHING
    only_audience: str = ""
    rule: Rule = Rule.SUBJECT_TOKEN
    refused_by: OAuthError | None = None

    def said(self) -> dict[str, Any]:
        """Its claims."""
        return present(CLAIMS | self.claims)

    def presented(self) -> PresentedToken:
        """It as a JWT."""
        description = described(present(HEADER | self.header), self.said())
        text = spell(description + (b"\n" + self.signature if self.signature else b"")).text
        return replace(read(RawToken(text), self.declared, self.rule), only_audience=self.only_audience)

    def reference(self) -> OpaqueToken:
        """It as a reference, beside what our ledger said, and what an issuer said of the same text."""
        ours = Told(trust_id=None, digest=REFERENCE.digest, claims=self.said(), refused=self.refused_by)
        theirs = replace(ours, trust_id=UUID(int=1), claims={}, refused=None)
        return OpaqueToken(token=REFERENCE, declared=self.declared, rule=self.rule, told=(theirs, ours))

    def accepted(self, presented: PresentedToken | OpaqueToken | None = None) -> VerifiedToken:
        """The token, believed."""
        found = establish(presented or self.presented(), ourselves(), make_client(), self.possession, now=NOW)
        assert isinstance(found, VerifiedToken)
        return found

    def refused(self, presented: PresentedToken | OpaqueToken | None = None) -> tuple[Reason, Rule, str, str]:
        """The refusal, in the words that admins read."""
        with pytest.raises(OAuthError) as caught:
            self.accepted(presented)
        (step,) = caught.value.steps
        return caught.value.reason, step.rule, step.expected, step.received


EXPIRED: Final = Reason.TOKEN_EXPIRED, "exp after 2031-05-04T12:00:00Z", "2031-05-04T12:00:00Z"
MEANT: Final = f"gateway or {BOOKS} or {US}"
BY_WORD: Final[dict[str, tuple[Own, tuple[Reason, str, str]]]] = {
    "declared as an ID token": (Own(declared=ID_TOKEN), (Reason.TYPE_MISMATCH, "access_token", "id_token")),
    "of another issuer": (
        Own(claims={"iss": "https://other.example"}),
        (Reason.ISSUER_UNTRUSTED, US, "https://other.example"),
    ),
    "at its end": (Own(claims={"exp": SECONDS}), EXPIRED),
    "without an end": (Own(claims={"exp": None}), (Reason.CLAIM_MALFORMED, "exp", "absent")),
    "of another client, for others": (
        Own(claims={"client_id": "other", "aud": "https://other.example"}),
        (Reason.AUDIENCE_MISMATCH, MEANT, "https://other.example"),
    ),
    "of another client, for us and for others": (
        Own(claims={"client_id": "other", "aud": [US, "https://other.example"]}),
        (Reason.AUDIENCE_MISMATCH, MEANT, shown([US, "https://other.example"])),
    ),
    "of another client, for nobody": (
        Own(claims={"client_id": "other", "aud": []}),
        (Reason.AUDIENCE_MISMATCH, MEANT, "[]"),
    ),
    "bound to a key": (
        Own(claims={"cnf": {"jkt": "x"}}),
        (Reason.SENDER_CONSTRAINED, "proof of the token's key in this request", "no such proof"),
    ),
}
BY_SIGNATURE: Final[dict[str, tuple[Own, tuple[Reason, str, str]]]] = {
    "another algorithm": (
        Own(header={"alg": "Ed25519", "kid": "edwards"}),
        (Reason.ALGORITHM_REFUSED, "ES256", "Ed25519"),
    ),
    "another key": (Own(header={"kid": "other"}), (Reason.KEY_UNKNOWN, "a key of ours", "kid other")),
    "no key": (Own(header={"kid": None}), (Reason.KEY_UNKNOWN, "a key of ours", "kid absent")),
    "another signature": (
        Own(signature=bytes(64)),
        (Reason.SIGNATURE_WRONG, "a signature of key elliptic", "another"),
    ),
    "another type": (Own(header={"typ": "JWT"}), (Reason.TYPE_MISMATCH, "at+jwt", "jwt")),
    "no type": (Own(header={"typ": None}), (Reason.TYPE_MISMATCH, "at+jwt", "")),
    "a grant for another audience than us": (
        Own(only_audience=US, declared=JWT),
        (Reason.AUDIENCE_MISMATCH, US, BOOKS),
    ),
}


@pytest.mark.parametrize(("own", "told"), (BY_WORD | BY_SIGNATURE).values(), ids=BY_WORD | BY_SIGNATURE)
def test_a_token_of_ours_that_will_not_do_is_told(own: Own, told: tuple[Reason, str, str]) -> None:
    for rule in (Rule.SUBJECT_TOKEN, Rule.ACTOR_TOKEN):
        reason, by_rule, expected, received = replace(own, rule=rule).refused()
        assert (reason, expected, received) == told
        assert by_rule is rule


@pytest.mark.parametrize(("own", "told"), BY_WORD.values(), ids=BY_WORD)
def test_a_reference_of_ours_is_judged_by_the_same_words(own: Own, told: tuple[Reason, str, str]) -> None:
    reason, by_rule, expected, received = own.refused(own.reference())
    assert (reason, expected, received) == told
    assert by_rule is Rule.SUBJECT_TOKEN


PROVEN: Final = Possession(proof=None, proven={"jkt": "x"}, binds_to_certificate=False)
GOOD: Final[dict[str, Own]] = {
    "as it is": Own(),
    "for whomever, since it was issued to the client": Own(claims={"aud": "https://other.example"}),
    "of another client, for what the client serves": Own(claims={"client_id": "other"}),
    "of another client, for us": Own(claims={"client_id": "other", "aud": [US, BOOKS]}),
    "of another client, for this one": Own(claims={"client_id": "other", "aud": "gateway"}),
    "bound, beside its proof": Own(claims={"cnf": {"jkt": "x"}}, possession=PROVEN),
    "declared as a JWT": Own(declared=JWT),
    "with a second left": Own(claims={"exp": SECONDS + 1}),
    "without scope": Own(claims={"scope": None}),
}


@pytest.mark.parametrize("own", GOOD.values(), ids=GOOD)
def test_a_token_of_ours_in_force_is_believed(own: Own) -> None:
    presented, said = own.presented(), own.said()
    of_a_jwt, of_a_reference = own.accepted(presented), own.accepted(own.reference())
    assert of_a_jwt == VerifiedToken(
        issuer=US,
        subject="partner:kestrel:user-1",
        audience=(said["aud"],) if isinstance(said["aud"], str) else tuple(said["aud"]),
        scope=frozenset(said.get("scope", "").split()),
        claims=said,
        expires_at=datetime.fromtimestamp(said["exp"], UTC),
        token_type=own.declared,
        algorithm="ES256",
        key_id="elliptic",
        token_id=IDENTIFIER,
        digest=presented.token.digest,
        family_id=FAMILY,
    )
    assert of_a_reference == replace(of_a_jwt, algorithm="reference", key_id="", digest=REFERENCE.digest)


def test_a_grant_of_ours_is_for_us_alone() -> None:
    grant = Own(only_audience=US, claims={"aud": US, "client_id": "other"}, declared=JWT)
    assert grant.accepted().audience == (US,)
    both = replace(grant, claims={"aud": [US, BOOKS]})
    assert both.refused()[2:] == (US, shown([US, BOOKS]))


def test_a_reference_is_looked_up_once_and_a_no_stays_one() -> None:
    unasked = replace(Own().reference(), told=Own().reference().told[:1])
    with pytest.raises(MustLookUp) as asked:
        Own().accepted(unasked)
    assert asked.value.opaque is unasked
    no = refusal(Reason.TOKEN_REVOKED, Rule.SUBJECT_TOKEN, "a token in force", "revoked")
    with pytest.raises(OAuthError) as caught:
        Own().accepted(Own(refused_by=no).reference())
    assert caught.value is no


def test_a_client_by_itself_needs_nobodys_word() -> None:
    client = make_client()
    alone = AuthenticatedSubject(
        issuer="",
        subject="client:gateway",
        audience=(),
        scope=frozenset(),
        claims={"sub": "gateway", "client_id": "gateway"},
        expires_at=NEVER,
    )
    assert establish(None, ourselves(), client, NOTHING, now=NOW) == itself(client) == alone
    assert datetime(9999, 12, 31, tzinfo=UTC) == NEVER


def test_a_foreign_token_is_its_issuers_to_vouch_for() -> None:
    case = Case()
    assert vouched(case.presented(), make_issuer(), make_client(), NOTHING, now=NOW).token_type is ACCESS_TOKEN
    bound = Case(claims={"cnf": {"jkt": "x"}}).presented()
    assert establish(bound, make_issuer(), make_client(), PROVEN, now=NOW).claims["cnf"] == {"jkt": "x"}
    with pytest.raises(OAuthError) as caught:
        establish(bound, make_issuer(), make_client(), NOTHING, now=NOW)
    assert caught.value.reason is Reason.SENDER_CONSTRAINED
    with pytest.raises(OAuthError) as caught:
        establish(case.presented(), make_issuer(), make_client(), NOTHING, now=datetime(2040, 1, 1, tzinfo=UTC))
    assert caught.value.reason is Reason.TOKEN_EXPIRED


def test_what_is_no_token_of_ours_is_told_and_never_raised() -> None:
    ours, presented = ourselves(), Own().presented()
    found = read_own(presented.token, ours.keys, issuer=US, now=NOW)
    assert found == check_own(presented.jws, ours.keys, issuer=US, now=NOW)
    assert isinstance(found, OwnToken)
    malformed = Wrong(reason=Reason.TOKEN_MALFORMED, expected="a token of ours", received="not three parts")
    assert read_own(RawToken("a.b"), ours.keys, issuer=US, now=NOW) == malformed


def test_a_key_of_ours_is_named_even_where_there_is_one_and_a_reference_is_known_by_its_beginning() -> None:
    only = key_ring(tuple(public_jwks(KEYS["ES256"])["keys"]), is_fetched=False, usable_until=None)
    unnamed = check_own(Own(header={"kid": None}).presented().jws, only, issuer=US, now=NOW)
    assert unnamed == Wrong(reason=Reason.KEY_UNKNOWN, expected="a key of ours", received="kid absent")
    assert is_reference(REFERENCE)
    assert not is_reference(RawToken("a_ho_"))
