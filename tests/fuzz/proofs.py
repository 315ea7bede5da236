"""DPoP proofs (RFC 9449 section 4.3): ``invalid_dpop_proof`` or the proof of the key that signed."""

from __future__ import annotations

from typing import Any, Final

from exchange.protocol.dpop import NEWEST, NONCE_LIFETIME, OLDEST, prove_possession
from exchange.protocol.errors import InvalidDpopProof, UseDpopNonce
from tests.fuzz.signed import KEYS, NOW, SECONDS, both_spellings, described, signing_input, spell
from tests.signers import public_jwk

URL: Final = "https://handover.example/oauth/token"
NONCES: Final = frozenset({"good"})
WORDS: Final = (
    *('"typ":"dpop+jwt"', '"alg":"ES256"', '"alg":"ES512"', '"alg":"EdDSA"', '"kty":"EC"', '"kty":"OKP"', '"jwk":{'),
    *('"crv":"P-256"', '"crv":"Ed25519"', '"crv":"P-521"', '"d":"x"', '"x":"', '"y":"', '"crit":[]', '"nonce":"good"'),
    *(
        '"htm":"POST"',
        f'"htu":"{URL}"',
        "HTTPS://handover.example:443/oauth/token",
        '"iat":',
        str(SECONDS),
        '"jti":"a"',
    ),
    *("https://[::1", "https://a:99999/", "@", "%", "\\u0000", "null", "true", "1e300", "-1"),
)


def seeds() -> list[bytes]:
    """Good proofs of each key, and ones that are wrong in one way."""
    claims: dict[str, Any] = {"jti": "one", "htm": "POST", "htu": URL, "iat": SECONDS}
    elliptic, edwards = ({"typ": "dpop+jwt", "alg": alg, "jwk": public_jwk(key)} for alg, key in KEYS.items())
    return both_spellings(
        [
            described(elliptic, claims),
            described(edwards, claims | {"htu": "HTTPS://handover.EXAMPLE:443/oauth/token?a=b"}),
            described(elliptic, claims | {"nonce": "good", "iat": SECONDS - 3600}),
            described(elliptic, claims | {"htu": "https://[::1]/oauth/token"}),
            described(elliptic | {"jwk": public_jwk(KEYS["Ed25519"])}, claims),
        ]
    )


SIGNED: Final = frozenset(signing_input(spell(seed).text) for seed in seeds())
_THUMBPRINTS: Final = frozenset(key.thumbprint() for key in KEYS.values())


def one(data: bytes) -> None:
    """One proof, with a nonce demanded and without."""
    text, is_signed = spell(data)
    for nonces in (None, NONCES):
        try:
            proof = prove_possession((text,), method="POST", url=URL, now=NOW, nonces=nonces)
        except InvalidDpopProof:
            continue
        except UseDpopNonce:
            if nonces is None:
                raise
            continue
        assert proof is not None
        assert is_signed or signing_input(text) in SIGNED, "a proof that nobody signed was accepted"
        assert proof.jkt in _THUMBPRINTS
        assert proof.spends.expires_at >= NOW + min(NONCE_LIFETIME, OLDEST + NEWEST)
