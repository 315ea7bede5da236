"""Where verification ends, to the character and to the second, and in which words (RFC 7519 section 7.2, RFC 8725)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from exchange.jwt_checks import check_header, check_times, instant, media_type, strings
from exchange.possession import CERTIFICATE, NOTHING, Possession
from exchange.protocol.compact import IsEncrypted, NotCompact, decode_segment, encode_segment, parse_compact
from exchange.protocol.errors import OAuthError
from exchange.verifying import MissingKey, read
from policy.raw import RawToken
from policy.reasons import Reason, Rule, shown
from policy.tokens import TokenType
from tests.exchange.judged import ID_TOKEN, JWT, OTHERS, US, Case, make_issuer
from tests.fuzz.signed import KEYS, NOW, SECONDS
from tests.policy.examples import ISSUER

MEANT: Final = "gateway or https://books.example or https://handover.example"
REFUSED: Final[dict[str, tuple[Case, tuple[Reason, str, str]]]] = {
    "a header that brings a key": (
        Case(header={"jwk": {}, "crit": ["exp"]}),
        (Reason.HEADER_REFUSED, "no crit, jwk", "present"),
    ),
    "an algorithm in another spelling": (
        Case(header={"alg": "es256"}),
        (Reason.ALGORITHM_REFUSED, "ES256 Ed25519", "es256"),
    ),
    "an algorithm that is a list": (
        Case(header={"alg": ["ES256"]}),
        (Reason.ALGORITHM_REFUSED, "ES256 Ed25519", "['ES256']"),
    ),
    "an algorithm that the trust does not list": (
        Case(header={"alg": "Ed25519", "kid": "edwards"}, issuer=make_issuer(algorithms=frozenset({"ES256"}))),
        (Reason.ALGORITHM_REFUSED, "ES256", "Ed25519"),
    ),
    "an algorithm that nothing here verifies": (
        Case(header={"alg": "HS256"}, issuer=make_issuer(algorithms=frozenset({"ES256", "HS256"}))),
        (Reason.ALGORITHM_REFUSED, "ES256 HS256", "HS256"),
    ),
    "an algorithm of the other key": (
        Case(header={"kid": "edwards"}),
        (Reason.ALGORITHM_REFUSED, "Ed25519 EdDSA for this key", "ES256"),
    ),
    "a kid that is a number": (Case(header={"kid": 7}), (Reason.HEADER_REFUSED, "kid: a string of at most 255", "7")),
    "a kid that is too long": (
        Case(header={"kid": "k" * 256}),
        (Reason.HEADER_REFUSED, "kid: a string of at most 255", shown("k" * 256)),
    ),
    "a kid that nobody has": (
        Case(header={"kid": "k" * 255}),
        (Reason.KEY_UNKNOWN, "a key of the issuer's key set", "kid " + shown("k" * 256)),
    ),
    "no kid, with two keys": (
        Case(header={"kid": None}),
        (Reason.KEY_UNKNOWN, "a key of the issuer's key set", "kid absent"),
    ),
    "keys that are too old": (
        Case(issuer=make_issuer(usable_until=NOW)),
        (Reason.KEYS_UNAVAILABLE, "keys fetched within the allowed age", "older keys"),
    ),
    "another signature": (
        Case(signature=bytes(64)),
        (Reason.SIGNATURE_WRONG, "a signature of key elliptic", "another"),
    ),
    "a short signature": (
        Case(signature=bytes(63)),
        (Reason.SIGNATURE_WRONG, "a signature of key elliptic", "another"),
    ),
    "a type that the trust does not list": (
        Case(issuer=make_issuer(token_types=frozenset({ID_TOKEN, JWT}))),
        (Reason.TYPE_MISMATCH, "id_token jwt", "access_token"),
    ),
    "an ID token's typ": (Case(header={"typ": "id_token+jwt"}), (Reason.TYPE_MISMATCH, " at+jwt jwt", "id_token+jwt")),
    "an access token's typ on an ID token": (
        Case(header={"typ": "at+jwt"}, declared=ID_TOKEN),
        (Reason.TYPE_MISMATCH, " id_token+jwt jwt", "at+jwt"),
    ),
    "a logout token's typ on a JWT": (
        Case(header={"typ": "logout+jwt"}, declared=JWT),
        (Reason.TYPE_MISMATCH, " at+jwt jwt", "logout+jwt"),
    ),
    "a typ that is a number": (Case(header={"typ": 7}), (Reason.TYPE_MISMATCH, " at+jwt jwt", "7")),
    "an ID token's claims": (
        Case(claims={"nonce": "n", "at_hash": "h"}),
        (Reason.TYPE_MISMATCH, "access_token", "has at_hash"),
    ),
    "an access token's claims on an ID token": (
        Case(claims={"client_id": "c"}, declared=ID_TOKEN),
        (Reason.TYPE_MISMATCH, "id_token", "has client_id"),
    ),
    "a refresh token": (Case(claims={"typ": "Refresh"}), (Reason.TYPE_MISMATCH, "access_token", "typ Refresh")),
    "a bearer token declared as ID token": (
        Case(claims={"typ": "Bearer", "scope": None}, declared=ID_TOKEN),
        (Reason.TYPE_MISMATCH, "id_token", "typ Bearer"),
    ),
    "an ID token declared as access token": (
        Case(claims={"typ": "ID"}),
        (Reason.TYPE_MISMATCH, "access_token", "typ ID"),
    ),
    "an offline token declared as JWT": (
        Case(claims={"typ": "Offline"}, declared=JWT),
        (Reason.TYPE_MISMATCH, "jwt", "typ Offline"),
    ),
    "no end": (Case(claims={"exp": None}), (Reason.CLAIM_MALFORMED, "exp", "absent")),
    "an end that is text": (
        Case(claims={"exp": "tomorrow"}),
        (Reason.CLAIM_MALFORMED, "exp: a NumericDate", "tomorrow"),
    ),
    "an end that is true": (Case(claims={"exp": True}), (Reason.CLAIM_MALFORMED, "exp: a NumericDate", "True")),
    "an end beyond all calendars": (
        Case(claims={"exp": 253402300800}),
        (Reason.CLAIM_MALFORMED, "exp: a NumericDate", "253402300800"),
    ),
    "a beginning before time": (Case(claims={"nbf": -1}), (Reason.CLAIM_MALFORMED, "nbf: a NumericDate", "-1")),
    "expired": (
        Case(claims={"exp": SECONDS - 30}),
        (Reason.TOKEN_EXPIRED, "exp after 2031-05-04T12:00:00Z", "2031-05-04T11:59:30Z"),
    ),
    "not yet valid": (
        Case(claims={"nbf": SECONDS + 31}),
        (Reason.TOKEN_NOT_YET_VALID, "nbf before 2031-05-04T12:00:00Z", "2031-05-04T12:00:31Z"),
    ),
    "issued in the future": (
        Case(claims={"iat": SECONDS + 31, "exp": SECONDS + 90}),
        (Reason.TOKEN_NOT_YET_VALID, "iat before 2031-05-04T12:00:00Z", "2031-05-04T12:00:31Z"),
    ),
    "a long life": (
        Case(claims={"iat": SECONDS - 1, "exp": SECONDS + 3600}),
        (Reason.LIFETIME_TOO_LONG, "at most 1:00:00", "1:00:01"),
    ),
    "a long life without a beginning": (
        Case(claims={"iat": None, "exp": SECONDS + 3631}),
        (Reason.LIFETIME_TOO_LONG, "at most 1:00:00", "1:00:01"),
    ),
    "no audience": (Case(claims={"aud": None}), (Reason.AUDIENCE_MISMATCH, MEANT, "absent")),
    "an empty audience": (Case(claims={"aud": []}), (Reason.AUDIENCE_MISMATCH, MEANT, "[]")),
    "an audience that is a number": (Case(claims={"aud": 7}), (Reason.AUDIENCE_MISMATCH, MEANT, "7")),
    "an audience with a number": (
        Case(claims={"aud": [US, 7]}),
        (Reason.AUDIENCE_MISMATCH, MEANT, "['https://handover.example', 7]"),
    ),
    "another audience": (
        Case(claims={"aud": "https://other.example"}),
        (Reason.AUDIENCE_MISMATCH, MEANT, "https://other.example"),
    ),
    "one audience too many": (
        Case(claims={"aud": [US, "https://other.example"]}),
        (Reason.AUDIENCE_MISMATCH, MEANT, "['https://handover.example', 'https://other.example']"),
    ),
    "an ID token for us": (
        Case(claims={"scope": None}, declared=ID_TOKEN),
        (Reason.AUDIENCE_MISMATCH, "gateway or https://books.example", "https://handover.example"),
    ),
    "an ID token of another party": (
        Case(claims={"scope": None, "aud": "gateway", "azp": "other"}, declared=ID_TOKEN),
        (Reason.AUDIENCE_MISMATCH, "azp: this client", "other"),
    ),
    "bound to a key": (
        Case(claims={"cnf": {"jkt": "x"}}),
        (Reason.SENDER_CONSTRAINED, "proof of the token's key in this request", "no such proof"),
    ),
    "bound to nothing": (
        Case(claims={"cnf": {}}),
        (Reason.SENDER_CONSTRAINED, "proof of the token's key in this request", "no such proof"),
    ),
    "good once, without an identifier": (
        Case(claims={"jti": None}, issuer=make_issuer(one_time=True)),
        (Reason.CLAIM_MALFORMED, "jti, since the token is good once", "absent"),
    ),
    "no subject": (Case(claims={"sub": None}), (Reason.CLAIM_MALFORMED, "sub: a string", "absent")),
    "an empty subject": (Case(claims={"sub": ""}), (Reason.CLAIM_MALFORMED, "sub: a string", "")),
    "an identifier that is a number": (
        Case(claims={"jti": 7}),
        (Reason.CLAIM_MALFORMED, "jti: a string of at most 255", "7"),
    ),
    "an identifier that is too long": (
        Case(claims={"jti": "j" * 256}),
        (Reason.CLAIM_MALFORMED, "jti: a string of at most 255", shown("j" * 256)),
    ),
    "an identifier of two lines": (
        Case(claims={"jti": "a\nb"}),
        (Reason.CLAIM_MALFORMED, "jti: a string of at most 255", "a�b"),
    ),
    "scopes that are a number": (Case(claims={"scope": 7}), (Reason.CLAIM_MALFORMED, "scope: a string", "7")),
    "scopes with a number": (
        Case(claims={"scope": None, "scp": ["a", 7]}),
        (Reason.CLAIM_MALFORMED, "scope: a string", "['a', 7]"),
    ),
}


@pytest.mark.parametrize(("case", "told"), REFUSED.values(), ids=REFUSED.keys())
def test_what_will_not_do_is_told_in_words(case: Case, told: tuple[Reason, str, str]) -> None:
    for rule in (Rule.SUBJECT_TOKEN, Rule.ACTOR_TOKEN):
        reason, by_rule, expected, received = replace(case, rule=rule).refused()
        assert (reason, expected, received) == told
        assert by_rule is rule


GOOD: Final[dict[str, Case]] = {
    "as it is": Case(),
    "by the other key": Case(header={"alg": "Ed25519", "kid": "edwards"}),
    "for an audience that the trust lists": Case(claims={"aud": [OTHERS, US]}),
    "for the client": Case(claims={"aud": "gateway"}),
    "without typ, iat and jti": Case(header={"typ": None}, claims={"iat": None, "jti": None}),
    "with the media type's prefix, in capitals": Case(header={"typ": "APPLICATION/AT+JWT"}),
    "as a JWT with an ID token's claims": Case(claims={"nonce": "n"}, declared=JWT),
    "as an ID token": Case(claims={"scope": None, "aud": "gateway", "azp": "gateway", "typ": "ID"}, declared=ID_TOKEN),
    "as an ID token for what the trust lists": Case(claims={"scope": None, "aud": OTHERS}, declared=ID_TOKEN),
    "with an authorized party, which is no word of access tokens": Case(claims={"azp": "other"}),
    "with a typ claim that says nothing": Case(claims={"typ": 7}),
    "at the last second": Case(claims={"exp": SECONDS - 29}),
    "at the first second": Case(claims={"nbf": SECONDS + 30, "iat": SECONDS + 30}),
    "with the longest life": Case(claims={"iat": SECONDS, "exp": SECONDS + 3600}),
    "with the longest life and no beginning": Case(claims={"iat": None, "exp": SECONDS + 3630}),
    "with the longest identifier": Case(claims={"jti": "j" * 255}),
    "with keys that are just fresh enough": Case(issuer=make_issuer(usable_until=NOW + timedelta(microseconds=1))),
    "good once, with an identifier": Case(issuer=make_issuer(one_time=True)),
    "by the only key, unnamed": Case(header={"kid": None}, issuer=make_issuer(keys={"ES256": KEYS["ES256"]})),
}


@pytest.mark.parametrize("case", GOOD.values(), ids=GOOD.keys())
def test_what_will_just_do_is_believed(case: Case) -> None:
    token = case.accepted()
    claims = case.presented().jws.unverified_claims
    audience = claims["aud"]
    assert (token.issuer, token.subject) == (ISSUER, "user-1")
    assert token.audience == ((audience,) if isinstance(audience, str) else tuple(map(str, audience)))  # type: ignore[arg-type]
    assert token.claims == claims
    assert token.expires_at == datetime.fromtimestamp(int(str(claims["exp"])), UTC)
    assert token.token_type is case.declared
    assert token.token_id == claims.get("jti", "")
    assert (token.algorithm, token.key_id) == (
        case.presented().jws.unverified_header["alg"],
        case.presented().jws.unverified_header.get("kid", "elliptic"),
    )
    assert len(token.digest) == 64


@pytest.mark.parametrize(
    ("claims", "scope"),
    [
        ({}, {"settle", "report"}),
        ({"scope": None}, set()),
        ({"scope": " a  b\t"}, {"a", "b"}),
        ({"scope": ["a b", "c"]}, {"a b", "c"}),
        ({"scope": None, "scp": "a b"}, {"a", "b"}),
        ({"scope": None, "scp": ["a", "b"]}, {"a", "b"}),
        ({"scope": "a", "scp": "b"}, {"a"}),
        ({"scope": ""}, set()),
    ],
    ids=lambda value: str(sorted(value) if isinstance(value, set) else value),
)
def test_the_scopes_of_a_token(claims: dict[str, Any], scope: set[str]) -> None:
    assert Case(claims=claims).accepted().scope == scope


@pytest.mark.parametrize("kid", ["other", None])
def test_a_key_that_is_not_there_may_be_fetched_where_keys_are(kid: str | None) -> None:
    case = Case(header={"kid": kid}, issuer=make_issuer(is_fetched=True))
    with pytest.raises(MissingKey) as caught:
        case.accepted()
    assert (caught.value.key_source_id, caught.value.kid) == (UUID(int=1), str(kid))
    assert str(caught.value) == str(kid)
    assert caught.value.otherwise.reason is Reason.KEY_UNKNOWN
    assert caught.value.otherwise.steps[0].received == f"kid {shown(kid)}"


@pytest.mark.parametrize(
    ("text", "reason", "expected", "received"),
    [
        ("a.b.c.d.e", Reason.TOKEN_ENCRYPTED, "a signed token", "an encrypted one"),
        ("a.b", Reason.TOKEN_MALFORMED, "a compact JWS", "not three parts"),
        ("e30.e30.é", Reason.TOKEN_MALFORMED, "a compact JWS", "not ASCII"),
        ("e30.e31.AA", Reason.TOKEN_MALFORMED, "a compact JWS", "not canonical base64url"),
        ("e30.e3.AA", Reason.TOKEN_MALFORMED, "a compact JWS", "not canonical base64url"),
        ("e30.e!0.AA", Reason.TOKEN_MALFORMED, "a compact JWS", "not base64url"),
        ("e30.W10.AA", Reason.TOKEN_MALFORMED, "a compact JWS", "not strict JSON"),
    ],
)
def test_what_is_no_token_is_told(text: str, reason: Reason, expected: str, received: str) -> None:
    with pytest.raises(OAuthError) as caught:
        read(RawToken(text), TokenType.JWT, Rule.ACTOR_TOKEN)
    (step,) = caught.value.steps
    assert (caught.value.reason, step.rule, step.expected, step.received) == (
        *(reason, Rule.ACTOR_TOKEN),
        *(expected, received),
    )


def test_a_bound_token_is_good_beside_the_proof_of_each_of_its_keys() -> None:
    proven = Possession(proof=None, proven={"jkt": "x", CERTIFICATE: "y"}, binds_to_certificate=False)
    for confirmation in ({"jkt": "x"}, {CERTIFICATE: "y"}, {"jkt": "x", CERTIFICATE: "y"}):
        assert Case(claims={"cnf": confirmation}, possession=proven).accepted().claims["cnf"] == confirmation
    for other in ({"jkt": "y"}, {"jkt": "x", "kid": "z"}, {}, "x", ["jkt"], None):
        assert not proven.confirms(other)  # type: ignore[arg-type]
    assert not NOTHING.confirms({"jkt": "x"})


def test_an_instant_is_a_number_within_the_calendar() -> None:
    assert instant({"exp": 0}, "exp") == datetime.fromtimestamp(0, UTC)
    assert instant({"exp": 1.5}, "exp") == datetime.fromtimestamp(1.5, UTC)
    assert instant({"exp": 253_402_300_799}, "exp") == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert instant({"exp": None}, "exp") is None
    assert instant({}, "exp") is None


def test_strings_are_one_or_a_list_of_them() -> None:
    assert strings("a") == ("a",)
    assert strings(["a", "b"]) == ("a", "b")
    assert strings([]) == ()
    assert strings(None) is strings(7) is strings({"a": "b"}) is strings(["a", 7]) is None


def test_times_are_judged_by_the_leeway_they_are_given() -> None:
    ends = check_times({"exp": SECONDS}, leeway=timedelta(seconds=1), longest=timedelta(0), now=NOW)
    assert ends == NOW
    again = check_times({"exp": SECONDS}, leeway=timedelta(0), longest=timedelta(0), now=NOW)
    assert not isinstance(again, datetime)
    assert again.reason is Reason.TOKEN_EXPIRED


def test_a_media_type_is_compared_without_its_prefix() -> None:
    assert media_type({"typ": "application/JWT"}) == media_type({"typ": "jwt"}) == "jwt"
    assert media_type({}) == ""
    assert check_header(Case().presented().jws, frozenset({"ES256"})) is None


def test_a_segment_has_one_spelling() -> None:
    assert decode_segment(b"-_8") == b"\xfb\xff"
    for wrong in (b"+/8", b"-_9", b"-_8=", b"-", b"-_ 8"):
        with pytest.raises(NotCompact):
            decode_segment(wrong)
    assert decode_segment(b"") == b""
    assert encode_segment(b"\x00\x00\x17") == b"AAAX"
    assert encode_segment(b"\xfb\xff") == b"-_8"


def test_five_parts_are_an_encrypted_token_and_the_parts_of_a_signed_one_stay_as_they_came() -> None:
    with pytest.raises(IsEncrypted, match=r"^five parts$"):
        parse_compact(RawToken("a.b.c.d.e"))
    jws = parse_compact(RawToken("eyJhIjoxfQ.eyJiIjoyfQ.AQI"))
    assert (jws.unverified_header, jws.unverified_claims) == ({"a": 1}, {"b": 2})
    assert (jws.signing_input, jws.signature) == (b"eyJhIjoxfQ.eyJiIjoyfQ", b"\x01\x02")


def test_a_header_may_be_as_long_as_a_token() -> None:
    long = encode_segment(b'{"a":"' + b"x" * 8000 + b'"}').decode()
    assert parse_compact(RawToken(f"{long}.eyJiIjoyfQ.AQI")).unverified_header == {"a": "x" * 8000}
