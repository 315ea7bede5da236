"""The verifier of foreign tokens: documented refusals only, and a yes only to what was signed and joserfc takes too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from joserfc.registry import check_crit_header

from exchange.keyring import key_ring
from exchange.possession import NOTHING
from exchange.protocol.errors import OAuthError
from exchange.registry import Issuer
from exchange.verifying import read, verify
from policy.raw import RawToken
from policy.reasons import Reason, Rule
from policy.tokens import TokenType
from tests.fuzz.signed import KEYS, NOW, SECONDS, both_spellings, described, signing_input, spell
from tests.policy.examples import ISSUER, make_client, make_trust
from tests.signers import public_jwks

if TYPE_CHECKING:
    from policy.tokens import VerifiedToken

US: Final = "https://handover.example"
LEEWAY: Final = 30
ALGORITHMS: Final = [*KEYS, "EdDSA"]
WORDS: Final = (
    *('"alg":"ES256"', '"alg":"EdDSA"', '"alg":"none"', '"alg":"HS256"', '"kid":"elliptic"', '"kid":"edwards"'),
    *('"typ":"at+jwt"', '"typ":"JWT"', '"crit":[]', '"b64":false', '"jwk":{}', '"jku":"', '"x5c":[]', '"zip":"DEF"'),
    *('"iss":"https://idp.kestrel.example"', '"aud":"https://handover.example"', '"sub":"user-1"', '"jti":"one"'),
    *('"exp":', '"nbf":', '"iat":', str(SECONDS), str(SECONDS + 60), '"cnf":{}', '"scope":"a b"', '"scp":["a"]'),
    *('"typ":"Refresh"', '"nonce":"n"', '"azp":"gateway"', "null", "true", "1e300", "\\u0000", "{", "}", "[", "]"),
)
_CLIENT: Final = make_client()
_ISSUER: Final = Issuer(
    trust=make_trust(algorithms=frozenset(ALGORITHMS)),
    mappings={},
    key_source_id=UUID(int=1),
    keys=key_ring(tuple(public_jwks(*KEYS.values())["keys"]), is_fetched=False, usable_until=None),
    audiences=frozenset({US}),
)


class Lenient(JWSRegistry):
    """joserfc without its own opinion of header members that nobody here reads (RFC 7515 section 4)."""

    max_header_length = 16_384

    def check_header(self, header: dict[str, Any]) -> None:
        check_crit_header(self.header_registry, header)


_LENIENT: Final = Lenient(algorithms=ALGORITHMS)
_THEIRS: Final = KeySet(list(KEYS.values()))
_CLAIMS: Final = jwt.JWTClaimsRegistry(
    now=SECONDS,
    leeway=LEEWAY,
    iss={"essential": True, "value": ISSUER},
    aud={"essential": True, "value": US},
    exp={"essential": True},
)
REFUSALS: Final = frozenset(
    {
        *(Reason.TOKEN_MALFORMED, Reason.TOKEN_ENCRYPTED, Reason.HEADER_REFUSED, Reason.ALGORITHM_REFUSED),
        *(Reason.TYPE_MISMATCH, Reason.KEY_UNKNOWN, Reason.SIGNATURE_WRONG, Reason.CLAIM_MALFORMED),
        *(Reason.TOKEN_EXPIRED, Reason.TOKEN_NOT_YET_VALID, Reason.LIFETIME_TOO_LONG, Reason.AUDIENCE_MISMATCH),
        *(Reason.SENDER_CONSTRAINED, Reason.ISSUER_UNTRUSTED),
    }
)
"""Every reason for which a token may be refused before anything is decided."""


def seeds() -> list[bytes]:
    """Good tokens of each key and kind, and ones that are wrong in one way."""
    claims: dict[str, Any] = {"iss": ISSUER, "sub": "user-1", "aud": US, "exp": SECONDS + 60, "iat": SECONDS}
    elliptic, edwards = ({"alg": alg, "kid": str(key.kid), "typ": "JWT"} for alg, key in KEYS.items())
    return both_spellings(
        [
            described(elliptic, claims | {"jti": "one", "scope": "settle"}),
            described(edwards, claims | {"scp": ["settle"], "act": {"sub": "robot"}}),
            described(elliptic | {"typ": "application/at+jwt"}, claims | {"aud": [US], "nbf": SECONDS}),
            described(elliptic, claims | {"exp": SECONDS - 60}),
            described(elliptic | {"crit": ["exp"]}, claims),
            described(elliptic, claims | {"cnf": {"jkt": "x"}}),
            described(edwards | {"alg": "ES256"}, claims),
        ]
    )


SIGNED: Final = frozenset(signing_input(spell(seed).text) for seed in seeds())


def one(data: bytes) -> None:
    """One token: ours beside joserfc's verdict."""
    text, is_signed = spell(data)
    reason, verified = ours(text)
    if verified is not None:
        assert is_signed or signing_input(text) in SIGNED, "a token that nobody signed was accepted"
        assert theirs_decodes(text), "accepted here, refused by joserfc"
        assert verified.claims == json.loads(jws.extract_compact(text.encode()).payload, parse_int=_whole)
    elif reason is Reason.SIGNATURE_WRONG:
        assert not theirs_verifies(text), "a signature that joserfc takes was refused"
    else:
        assert reason in REFUSALS, reason


def ours(text: str) -> tuple[Reason | None, VerifiedToken | None]:
    """The reason of the refusal, or the token believed."""
    try:
        presented = read(RawToken(text), TokenType.ACCESS_TOKEN, Rule.SUBJECT_TOKEN)
        if presented.unverified_issuer != ISSUER:
            return Reason.ISSUER_UNTRUSTED, None
        return None, verify(presented, _ISSUER, _CLIENT, NOTHING, now=NOW)
    except OAuthError as error:
        return error.reason, None


def theirs_verifies(text: str) -> bool:
    """Whether joserfc takes the signature, by the key that the token names."""
    try:
        jws.deserialize_compact(text, _THEIRS, registry=_LENIENT)
    except (JoseError, ValueError, TypeError, KeyError):
        return False
    return True


def theirs_decodes(text: str) -> bool:
    """Whether joserfc takes signature and claims."""
    try:
        _CLAIMS.validate(jwt.decode(text, _THEIRS, registry=_LENIENT).claims)
    except (JoseError, ValueError, TypeError, KeyError):
        return False
    return True


def _whole(text: str) -> float:
    """Whole numbers beyond 64 bits are floats to us."""
    return int(text) if -(2**63) <= int(text) < 2**64 else float(text)
