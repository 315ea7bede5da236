"""What an issuer says of its opaque token, judged to the character and to the second, in words (RFC 7662 s2.2)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pytest
from msgspec import structs

from exchange.opaque_tokens import MustIntrospect, OpaqueToken, Told
from exchange.possession import NOTHING, Possession
from exchange.protocol.errors import OAuthError, refusal
from exchange.protocol.form import Form
from exchange.protocol.request import JWT_BEARER, parse, parse_assertion
from exchange.subjects import vouched
from exchange.verifying import read_or_ask, read_subject
from partners.introspection_values import RegisteredIntrospection
from policy.raw import RawToken
from policy.reasons import Reason, Rule, shown
from policy.tokens import TokenType
from tests.exchange.judged import ID_TOKEN, JWT, OTHERS, US, Case, make_issuer, present
from tests.fuzz.signed import NOW, SECONDS
from tests.policy.examples import ISSUER, identifier, make_client

if TYPE_CHECKING:
    from exchange.registry import Issuer
    from policy.tokens import VerifiedToken

ENDPOINT: Final = f"{ISSUER}/introspect"
TEXT: Final = RawToken("a text that says nothing")
ACCESS_TOKEN: Final = TokenType.ACCESS_TOKEN
BOTH_TYPES: Final = frozenset({ACCESS_TOKEN, JWT})
SAID: Final[dict[str, Any]] = {
    "active": True,
    "sub": "user-1",
    "aud": US,
    "exp": SECONDS + 60,
    "iat": SECONDS - 5,
    "jti": "one",
    "scope": "settle report",
}


def asked(issuer: Issuer, *, allows_missing_audience: bool = False) -> Issuer:
    """The issuer, with an endpoint to ask at."""
    where = RegisteredIntrospection(
        endpoint=ENDPOINT, client_id="handover", allows_missing_audience=allows_missing_audience, secret=None
    )
    return replace(issuer, introspection=where)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An issuer's answer that is good but for what a case changes; a member changed to None is left out."""

    claims: dict[str, Any] = field(default_factory=dict)
    declared: TokenType = ACCESS_TOKEN
    issuer: Issuer = field(default_factory=lambda: asked(make_issuer()))
    rule: Rule = Rule.SUBJECT_TOKEN
    possession: Possession = NOTHING
    of: str = "trust"
    """The trust that it was asked for."""
    refused_by: OAuthError | None = None

    def opaque(self) -> OpaqueToken:
        """The token, beside what its issuer and another said of it and of another."""
        told = Told(
            trust_id=identifier(self.of),
            digest=TEXT.digest,
            claims=present(SAID | self.claims),
            refused=self.refused_by,
        )
        other = replace(told, digest=RawToken("another").digest, claims={})
        ours = replace(told, trust_id=None, claims={})
        return OpaqueToken(token=TEXT, declared=self.declared, rule=self.rule, told=(other, ours, told))

    def accepted(self) -> VerifiedToken:
        """The token, believed."""
        return vouched(self.opaque(), self.issuer, make_client(), self.possession, now=NOW)

    def refused(self) -> tuple[Reason, Rule, str, str]:
        """The refusal, in the words that admins read."""
        with pytest.raises(OAuthError) as caught:
            self.accepted()
        (step,) = caught.value.steps
        return caught.value.reason, step.rule, step.expected, step.received


MEANT: Final = "gateway or https://books.example or https://handover.example"
KIND: Final = "token_type: Bearer, or DPoP with cnf"
REFUSED: Final[dict[str, tuple[Answer, tuple[Reason, str, str]]]] = {
    "a type that the trust does not list": (
        Answer(declared=ID_TOKEN, issuer=asked(make_issuer(token_types=BOTH_TYPES))),
        (Reason.TYPE_MISMATCH, "access_token jwt", "id_token"),
    ),
    "an ID token's claims": (Answer(claims={"nonce": "n"}), (Reason.TYPE_MISMATCH, "access_token", "has nonce")),
    "a refresh token": (Answer(claims={"typ": "Refresh"}), (Reason.TYPE_MISMATCH, "access_token", "typ Refresh")),
    "another issuer": (
        Answer(claims={"iss": "https://other.example"}),
        (Reason.ISSUER_UNTRUSTED, f"iss: {ISSUER}", "https://other.example"),
    ),
    "an issuer that is a number": (Answer(claims={"iss": 7}), (Reason.ISSUER_UNTRUSTED, f"iss: {ISSUER}", "7")),
    "another kind of token": (
        Answer(claims={"token_type": "refresh_token"}),
        (Reason.TYPE_MISMATCH, KIND, "refresh_token"),
    ),
    "a bound token without what it is bound to": (
        Answer(claims={"token_type": "DPoP"}),
        (Reason.TYPE_MISMATCH, KIND, "DPoP"),
    ),
    "a kind that is a number": (Answer(claims={"token_type": 7}), (Reason.TYPE_MISMATCH, KIND, "7")),
    "no end": (Answer(claims={"exp": None}), (Reason.CLAIM_MALFORMED, "exp", "absent")),
    "expired": (
        Answer(claims={"exp": SECONDS - 30}),
        (Reason.TOKEN_EXPIRED, "exp after 2031-05-04T12:00:00Z", "2031-05-04T11:59:30Z"),
    ),
    "a long life": (
        Answer(claims={"iat": SECONDS - 1, "exp": SECONDS + 3600}),
        (Reason.LIFETIME_TOO_LONG, "at most 1:00:00", "1:00:01"),
    ),
    "no audience": (Answer(claims={"aud": None}), (Reason.AUDIENCE_MISMATCH, MEANT, "absent")),
    "another audience, where none is allowed": (
        Answer(claims={"aud": "other"}, issuer=asked(make_issuer(), allows_missing_audience=True)),
        (Reason.AUDIENCE_MISMATCH, MEANT, "other"),
    ),
    "bound to a key": (
        Answer(claims={"token_type": "DPoP", "cnf": {"jkt": "x"}}),
        (Reason.SENDER_CONSTRAINED, "proof of the token's key in this request", "no such proof"),
    ),
    "good once, without an identifier": (
        Answer(claims={"jti": None}, issuer=asked(make_issuer(one_time=True))),
        (Reason.CLAIM_MALFORMED, "jti, since the token is good once", "absent"),
    ),
    "no subject": (Answer(claims={"sub": None}), (Reason.CLAIM_MALFORMED, "sub: a string", "absent")),
}


@pytest.mark.parametrize(("answer", "told"), REFUSED.values(), ids=REFUSED.keys())
def test_an_answer_that_will_not_do_is_told_in_words(answer: Answer, told: tuple[Reason, str, str]) -> None:
    for rule in (Rule.SUBJECT_TOKEN, Rule.ACTOR_TOKEN):
        reason, by_rule, expected, received = replace(answer, rule=rule).refused()
        assert (reason, expected, received) == told
        assert by_rule is rule


PROVEN: Final = Possession(proof=None, proven={"jkt": "x"}, binds_to_certificate=False)
GOOD: Final[dict[str, Answer]] = {
    "as it is": Answer(),
    "naming its issuer": Answer(claims={"iss": ISSUER}),
    "as a bearer token": Answer(claims={"token_type": "bearer"}),
    "in other capitals": Answer(claims={"token_type": "BEARER"}),
    "bound, beside its proof": Answer(claims={"token_type": "DPoP", "cnf": {"jkt": "x"}}, possession=PROVEN),
    "for an audience that the trust lists": Answer(claims={"aud": [OTHERS, US]}),
    "for nobody, where that is allowed": Answer(
        claims={"aud": None}, issuer=asked(make_issuer(), allows_missing_audience=True)
    ),
    "for us, where nobody is allowed": Answer(issuer=asked(make_issuer(), allows_missing_audience=True)),
    "good once": Answer(issuer=asked(make_issuer(one_time=True))),
    "declared as a JWT": Answer(declared=JWT),
}


@pytest.mark.parametrize("answer", GOOD.values(), ids=GOOD.keys())
def test_an_answer_that_will_just_do_is_believed(answer: Answer) -> None:
    token = answer.accepted()
    said = present(SAID | answer.claims) | {"iss": ISSUER}
    audience = said.get("aud", ())
    assert (token.issuer, token.subject, token.claims) == (ISSUER, "user-1", said)
    assert token.audience == ((audience,) if isinstance(audience, str) else tuple(audience))
    assert token.expires_at == datetime.fromtimestamp(SECONDS + 60, UTC)
    assert token.scope == {"settle", "report"}
    assert (token.token_type, token.algorithm, token.key_id) == (answer.declared, "introspection", ENDPOINT)
    assert (token.token_id, token.digest, token.family_id) == ("one", TEXT.digest, "")


def test_an_issuer_that_said_nothing_yet_has_to_be_asked() -> None:
    answer = Answer(of="another trust")
    with pytest.raises(MustIntrospect) as caught:
        answer.accepted()
    assert (caught.value.trust_id, caught.value.where) == (answer.issuer.trust.id, answer.issuer.introspection)
    assert caught.value.opaque == answer.opaque()
    unlisted = replace(answer, issuer=asked(make_issuer(token_types=frozenset({JWT}))))
    assert unlisted.refused()[0] is Reason.TYPE_MISMATCH


def test_an_answer_that_was_a_no_stays_one() -> None:
    no = refusal(Reason.TOKEN_REVOKED, Rule.SUBJECT_TOKEN, "an active token", "another")
    with pytest.raises(OAuthError) as caught:
        Answer(refused_by=no).accepted()
    assert caught.value is no


@pytest.mark.parametrize("declared", TokenType)
def test_what_can_be_an_opaque_access_token_alone_is_left_whole(declared: TokenType) -> None:
    told = Answer().opaque().told
    if declared is ACCESS_TOKEN:
        opaque = read_or_ask(TEXT, declared, Rule.ACTOR_TOKEN, told)
        assert opaque == OpaqueToken(token=TEXT, declared=declared, rule=Rule.ACTOR_TOKEN, told=told)
        return
    with pytest.raises(OAuthError) as caught:
        read_or_ask(TEXT, declared, Rule.ACTOR_TOKEN, told)
    (step,) = caught.value.steps
    assert (caught.value.reason, step.rule) == (Reason.TOKEN_MALFORMED, Rule.ACTOR_TOKEN)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("a\nb", Reason.TOKEN_MALFORMED), ("é", Reason.TOKEN_MALFORMED), ("a.b.c.d.e", Reason.TOKEN_ENCRYPTED)],
)
def test_what_cannot_be_any_token_is_refused_at_once(text: str, reason: Reason) -> None:
    with pytest.raises(OAuthError) as caught:
        read_or_ask(RawToken(text), ACCESS_TOKEN, Rule.SUBJECT_TOKEN, ())
    assert (caught.value.reason, caught.value.steps[0].rule) == (reason, Rule.SUBJECT_TOKEN)


def test_a_signed_token_is_taken_apart_and_an_assertion_is_for_us_alone() -> None:
    good = Case().presented()
    text = good.token.reveal()
    exchange = parse(
        Form({"grant_type": ("x",), "subject_token": (text,), "subject_token_type": (ACCESS_TOKEN.value,)})
    )
    assert read_subject(exchange, US, ()) == good
    grant = parse_assertion(Form({"grant_type": (JWT_BEARER,), "assertion": (text,)}))
    assert read_subject(grant, US, ()) == replace(good, declared=JWT, only_audience=US)
    told = Answer().opaque().told
    left = read_subject(structs.replace(exchange, subject_token=TEXT), US, told)
    assert left == OpaqueToken(token=TEXT, declared=ACCESS_TOKEN, rule=Rule.SUBJECT_TOKEN, told=told)
    assert read_subject(structs.replace(exchange, subject_token=None), US, ()) is None
    assert read_subject(structs.replace(exchange, subject_token_type=None), US, ()) is None


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({"aud": OTHERS}, (Reason.AUDIENCE_MISMATCH, US, OTHERS)),
        ({"aud": "gateway"}, (Reason.AUDIENCE_MISMATCH, US, "gateway")),
        ({"aud": [US, OTHERS]}, (Reason.AUDIENCE_MISMATCH, US, shown([US, OTHERS]))),
        ({"jti": None}, (Reason.CLAIM_MALFORMED, "jti, since the token is good once", "absent")),
        ({"jti": ""}, (Reason.CLAIM_MALFORMED, "jti, since the token is good once", "absent")),
    ],
    ids=str,
)
def test_a_grant_is_made_for_us_and_has_an_identifier(claims: dict[str, Any], told: tuple[Reason, str, str]) -> None:
    reason, _, expected, received = Case(claims=claims, declared=JWT, only_audience=US).refused()
    assert (reason, expected, received) == told
    assert Case(declared=JWT, only_audience=US).accepted().audience == (US,)
