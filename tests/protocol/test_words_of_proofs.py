"""Where a DPoP proof ends, to the character and to the second, and in which words (RFC 9449 section 4.3)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import pytest

from exchange.protocol.compact import encode_segment
from exchange.protocol.dpop import NONCE_LIFETIME, Proof, prove_possession
from exchange.protocol.errors import OAuthError
from exchange.spending import Purpose
from policy.reasons import Reason, Rule, shown
from tests.fuzz.signed import KEYS, NOW, SECONDS, described, spell
from tests.signers import encode, make_key, public_jwk

URL: Final = "https://handover.example/oauth/token"
KEY: Final = public_jwk(KEYS["ES256"])
EDWARDS: Final = public_jwk(KEYS["Ed25519"])
HEADER: Final[dict[str, Any]] = {"typ": "dpop+jwt", "alg": "ES256", "jwk": KEY}
CLAIMS: Final[dict[str, Any]] = {"jti": "one", "htm": "POST", "htu": URL, "iat": SECONDS}
ALGORITHMS: Final = "alg ES256 ES384 ES512 Ed25519 EdDSA"
FITTING: Final = "jwk: a public key that fits alg"


def present(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def proof(*, signature: bytes = b"", header: Any = (), **claims: Any) -> str:
    """A good proof but for what is changed; a member changed to None is left out."""
    text = described(present(HEADER | dict(header)), present(CLAIMS | claims))
    return spell(text + (b"\n" + signature if signature else b"")).text


def prove(*proofs: str, url: str = URL, **options: Any) -> Proof | None:
    return prove_possession(proofs, method="POST", url=url, now=NOW, **options)


def refused(*proofs: str, **options: Any) -> tuple[Reason, str, str]:
    with pytest.raises(OAuthError) as caught:
        prove(*proofs, **options)
    (step,) = caught.value.steps
    assert step.rule is Rule.POSSESSION
    return caught.value.reason, step.expected, step.received


SPOILT: Final[dict[str, tuple[dict[str, Any], str, str]]] = {
    "no typ": ({"header": {"typ": None}}, "typ dpop+jwt", "absent"),
    "another typ": ({"header": {"typ": "JWT"}}, "typ dpop+jwt", "JWT"),
    "no alg": ({"header": {"alg": None}}, ALGORITHMS, "absent"),
    "another alg": ({"header": {"alg": "none"}}, ALGORITHMS, "none"),
    "an alg that is a list": ({"header": {"alg": ["ES256"]}}, ALGORITHMS, "['ES256']"),
    "something critical": ({"header": {"crit": ["exp"]}}, ALGORITHMS, "ES256"),
    "no key": ({"header": {"jwk": None}}, FITTING, "another"),
    "a private key": ({"header": {"jwk": KEY | {"d": "x"}}}, FITTING, "another"),
    "a key of another curve": ({"header": {"jwk": EDWARDS}}, FITTING, "another"),
    "no x": ({"header": {"jwk": {"kty": "EC", "crv": "P-256", "y": "AQ"}}}, FITTING, "no coordinates"),
    "a y that is a number": ({"header": {"jwk": KEY | {"y": 7}}}, FITTING, "no coordinates"),
    "a long x": ({"header": {"jwk": KEY | {"x": "A" * 89}}}, FITTING, "no coordinates"),
    "a long y": ({"header": {"jwk": KEY | {"y": "A" * 89}}}, FITTING, "no coordinates"),
    "a point off the curve": ({"header": {"jwk": KEY | {"x": "AQ"}}}, FITTING, "ValueError"),
    "another signature": ({"signature": bytes(64)}, "a signature of the key in jwk", "another"),
    "no method": ({"htm": None}, "htm POST", "absent"),
    "another method": ({"htm": "GET"}, "htm POST", "GET"),
    "no address": ({"htu": None}, f"htu {URL}", "absent"),
    "another address": ({"htu": "https://a.example/"}, f"htu {URL}", "https://a.example/"),
    "no time": ({"iat": None}, "iat: a NumericDate", "absent"),
    "a time that is true": ({"iat": True}, "iat: a NumericDate", "True"),
    "a time that is text": ({"iat": "now"}, "iat: a NumericDate", "now"),
    "a time before time": ({"iat": -1}, "iat: a NumericDate", "-1"),
    "a time beyond all calendars": ({"iat": 1e300}, "iat: a NumericDate", "1e+300"),
    "too old": ({"iat": SECONDS - 61}, "iat within the last 60 seconds", str(SECONDS - 61)),
    "too new": ({"iat": SECONDS + 11}, "iat within the last 60 seconds", str(SECONDS + 11)),
    "no identifier": ({"jti": None}, "jti: 1 to 255 printable characters", "absent"),
    "an identifier that is a number": ({"jti": 7}, "jti: 1 to 255 printable characters", "7"),
    "an empty identifier": ({"jti": ""}, "jti: 1 to 255 printable characters", ""),
    "a long identifier": ({"jti": "j" * 256}, "jti: 1 to 255 printable characters", shown("j" * 256)),
    "an identifier of two lines": ({"jti": "a\nb"}, "jti: 1 to 255 printable characters", shown("a\nb")),
}


@pytest.mark.parametrize(("changes", "expected", "received"), SPOILT.values(), ids=SPOILT.keys())
def test_what_will_not_do_is_told_in_words(changes: dict[str, Any], expected: str, received: str) -> None:
    assert refused(proof(**changes)) == (Reason.PROOF_INVALID, expected, received)


def test_one_proof_of_a_bounded_length_comes_in_one_field() -> None:
    assert refused(proof(), proof()) == (Reason.PROOF_INVALID, "one DPoP header", "2")
    assert refused("a" * 16_385) == (Reason.PROOF_INVALID, "one DPoP header", "1")
    assert refused("a" * 16_384) == (Reason.PROOF_INVALID, "a compact JWS", "not three parts")
    assert refused("a.b.c.d.e") == (Reason.PROOF_INVALID, "a compact JWS", "five parts")
    assert prove() is None


@pytest.mark.parametrize("iat", [SECONDS - 60, SECONDS, SECONDS + 10, SECONDS - 0.5])
def test_a_proof_is_spent_for_as_long_as_it_could_come_again(iat: float) -> None:
    found = prove(proof(iat=iat))
    assert found is not None
    spends = found.spends
    assert (spends.purpose, spends.issuer, spends.jti) == (Purpose.DPOP_PROOF, found.jkt, "one")
    assert spends.reason is Reason.PROOF_REPLAYED
    assert found.jkt == KEYS["ES256"].thumbprint()
    assert spends.expires_at == NOW + NONCE_LIFETIME


def test_a_proof_from_the_future_is_spent_until_its_time_has_gone() -> None:
    found = prove(proof(iat=SECONDS + 3600, nonce="n"), nonces={"n"})
    assert found is not None
    assert found.spends.expires_at == NOW + timedelta(hours=1, seconds=70)


@pytest.mark.parametrize("offset", [-86_400, 86_400])
def test_a_nonce_stands_for_the_clock_for_a_day(offset: int) -> None:
    assert prove(proof(iat=SECONDS + offset, nonce="n"), nonces={"n"}) is not None
    beyond = proof(iat=SECONDS + offset + (1 if offset > 0 else -1), nonce="n")
    assert refused(beyond, nonces={"n"})[:2] == (Reason.PROOF_INVALID, "iat within the last 86400 seconds")


def test_a_nonce_that_is_missing_is_told_apart_from_another() -> None:
    expected = "a nonce of the last minutes"
    assert refused(proof(), nonces={"n"}) == (Reason.NONCE_MISSING, expected, "none")
    assert refused(proof(nonce="m"), nonces={"n"}) == (Reason.NONCE_MISSING, expected, "another")
    assert refused(proof(nonce=["n"]), nonces={"n"}) == (Reason.NONCE_MISSING, expected, "another")


def test_a_proof_is_for_its_access_token() -> None:
    ath = encode_segment(b"hash").decode()
    assert prove(proof(ath=ath), ath=ath) is not None
    assert refused(proof(), ath=ath) == (Reason.PROOF_INVALID, "ath: the hash of the access token", "absent")
    assert refused(proof(ath="x"), ath=ath) == (Reason.PROOF_INVALID, "ath: the hash of the access token", "x")


SAME: Final = {
    "http://a.example": ("http://a.example/", "HTTP://A.example:80", "http://a.example:80/?b#c"),
    "https://a.example/b": ("https://a.example:443/b", "https://A.EXAMPLE/b?c"),
    "https://a.example:8443/b": ("https://a.example:8443/b",),
    "https://[::1]:8443/b": ("https://[::1]:8443/b",),
}
OTHERS: Final = {
    "http://a.example": ("https://a.example", "http://a.example:81", "http://a.example/b", "//a.example", "a.example"),
    "https://a.example/b": (
        *("https://a.example:80/b", "https://a.example/B", "https://a.example/b/", "https://a@a.example/b"),
        *(
            "https://a.example/b ",
            "https://a.example/b\n",
            "https://a.example:x/b",
            "https://[/b",
            "https://a.example:0/b",
        ),
    ),
}


@pytest.mark.parametrize("url", SAME)
def test_the_same_address_in_other_spellings(url: str) -> None:
    for spelling in SAME[url]:
        assert prove(proof(htu=spelling), url=url) is not None, spelling


@pytest.mark.parametrize("url", OTHERS)
def test_another_address(url: str) -> None:
    for other in OTHERS[url]:
        assert refused(proof(htu=other), url=url)[:2] == (Reason.PROOF_INVALID, f"htu {url}"), other


def test_a_key_of_the_largest_curve_fits() -> None:
    key = make_key("ES512")
    assert len(str(public_jwk(key)["x"])) == 88
    text = encode(HEADER | {"alg": "ES512", "jwk": public_jwk(key)}, CLAIMS, key)
    found = prove(text)
    assert found is not None
    assert found.jkt == key.thumbprint()


@pytest.mark.parametrize("length", [1, 255])
def test_an_identifier_is_just_short_or_long_enough(length: int) -> None:
    found = prove(proof(jti="j" * length))
    assert found is not None
    assert found.spends.jti == "j" * length


def test_a_time_is_a_number_for_as_long_as_it_can_be_one() -> None:
    for made in (0, 2 * SECONDS):
        assert refused(proof(iat=made))[1:] == ("iat within the last 60 seconds", str(made))
    beyond = 2 * SECONDS + 1
    assert refused(proof(iat=beyond))[1:] == ("iat: a NumericDate", str(beyond))
