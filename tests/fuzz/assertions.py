"""Client assertions (RFC 7523 section 3): ``invalid_client`` or its kin, and a client only from what its key signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from exchange.clients import ASSERTION_LEEWAY, ASSERTION_LIFETIME, authenticate_client
from exchange.protocol.client_auth import Credentials
from exchange.protocol.errors import InvalidClient
from partners.selectors import KeySet, PartnerConfiguration, RegisteredClient
from policy.parties import ClientAuthentication
from policy.raw import RawToken
from policy.reasons import Reason
from tests.exchange.judged import make_registry
from tests.fuzz.signed import KEYS, NOW, SECONDS, both_spellings, described, signing_input, spell
from tests.policy.examples import identifier, make_client
from tests.signers import public_jwks

if TYPE_CHECKING:
    from exchange.registry import Registry

REFUSALS: Final = frozenset({Reason.ASSERTION_REFUSED, Reason.CLIENT_UNKNOWN})
US: Final = "https://handover.example"
WORDS: Final = (
    *('"alg":"ES256"', '"alg":"EdDSA"', '"alg":"none"', '"kid":"elliptic"', '"kid":"edwards"', '"typ":"JWT"'),
    *('"typ":"client-authentication+jwt"', '"iss":"gateway"', '"sub":"gateway"', f'"aud":"{US}"', '"jti":"one"'),
    *('"aud":["', '"exp":', '"iat":', '"nbf":', str(SECONDS), str(SECONDS + 60), "null", "true", "1e300", "\\u0000"),
)


def _registry() -> Registry:
    client = make_client(assertion_algorithms=frozenset(KEYS))
    source = identifier("keys")
    registered = RegisteredClient(
        client=client, secrets=(), key_source_id=source, certificate=None, workload=None, serves=frozenset()
    )
    keys = KeySet(id=source, keys=tuple(public_jwks(*KEYS.values())["keys"]), is_fetched=False, usable_until=None)
    theirs = PartnerConfiguration(
        partner=client.partner, clients=(registered,), issuers=(), mappings=(), key_sets=(keys,)
    )
    return make_registry(theirs)


_REGISTRY: Final = _registry()
_CREDENTIALS: Final = Credentials(
    method=ClientAuthentication.PRIVATE_KEY_JWT, unverified_client_id=None, credential=RawToken("")
)


def seeds() -> list[bytes]:
    """Good assertions of each key, and ones that are wrong in one way."""
    claims: dict[str, Any] = {"iss": "gateway", "sub": "gateway", "aud": US, "exp": SECONDS + 60, "jti": "one"}
    elliptic, edwards = ({"alg": alg, "kid": str(key.kid), "typ": "JWT"} for alg, key in KEYS.items())
    return both_spellings(
        [
            described(elliptic, claims),
            described(edwards | {"typ": "client-authentication+jwt"}, claims | {"aud": [US], "iat": SECONDS}),
            described(elliptic, claims | {"sub": "other"}),
            described(elliptic, claims | {"exp": SECONDS + 3600}),
            described(elliptic, claims | {"aud": [US, US]}),
        ]
    )


SIGNED: Final = frozenset(signing_input(spell(seed).text) for seed in seeds())


def one(data: bytes) -> None:
    """One assertion: a client with something to spend, or a refusal."""
    text, is_signed = spell(data)
    credentials = replace(_CREDENTIALS, credential=RawToken(text))
    try:
        client = authenticate_client(credentials, _REGISTRY, grant_type=None, now=NOW)
    except InvalidClient as error:
        if error.reason not in REFUSALS:
            raise
        return
    assert is_signed or signing_input(text) in SIGNED, "an assertion that nobody signed was accepted"
    assert client.spends is not None
    assert NOW < client.spends.expires_at <= NOW + ASSERTION_LIFETIME + 2 * ASSERTION_LEEWAY
