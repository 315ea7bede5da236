"""Who is asking, proven or not, and in which words (RFC 6749 section 2.3, RFC 7523 section 3, RFC 8705 section 2)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from django.conf import settings
from msgspec.structs import replace

from exchange.clients import AuthenticatedClient, authenticate_client
from exchange.protocol.client_auth import Credentials
from exchange.protocol.client_certificate import ClientCertificate
from exchange.protocol.errors import OAuthError
from exchange.spending import Purpose
from exchange.verifying import MissingKey
from partners import secrets
from partners.selectors import (
    KeySet,
    PartnerConfiguration,
    RegisteredCertificate,
    RegisteredClient,
    Secret,
)
from partners.vocabulary import CertificateName
from policy.parties import ClientAuthentication
from policy.raw import RawToken
from policy.reasons import Reason, Rule, shown
from tests.exchange.judged import US, make_registry
from tests.fuzz.certificates import CLIENT, ROOT, STRANGER
from tests.fuzz.signed import KEYS, NOW, SECONDS, described, spell
from tests.policy.examples import identifier, make_client, make_partner
from tests.signers import public_jwks

if TYPE_CHECKING:
    from exchange.registry import Registry

ENDPOINT: Final = f"{US}/oauth/token"
SECRET: Final = "a secret of forty-three characters or so...."
HEADER: Final[dict[str, Any]] = {"alg": "ES256", "kid": "elliptic", "typ": "JWT"}
CLAIMS: Final[dict[str, Any]] = {"iss": "gateway", "sub": "gateway", "aud": US, "exp": SECONDS + 60, "jti": "one"}
BASIC, POST = ClientAuthentication.CLIENT_SECRET_BASIC, ClientAuthentication.CLIENT_SECRET_POST
BY_KEY, BY_NAME = ClientAuthentication.SELF_SIGNED_TLS_CLIENT_AUTH, ClientAuthentication.TLS_CLIENT_AUTH
ASSERTION: Final = ClientAuthentication.PRIVATE_KEY_JWT
USUAL: Final = frozenset({BASIC, POST, BY_NAME, ASSERTION})


def made(
    *,
    live: Any = (None,),
    named: str = "CN=settlement",
    is_fetched: bool = False,
    usable_until: Any = None,
    signing: Any = KEYS,
    certified: Any = (CLIENT.jwk,),
    **client: Any,
) -> Registry:
    """The configuration of one client; ``live`` are the ends of its secrets."""
    source = identifier("keys")
    known = make_client(**{"methods": USUAL, "grant_types": frozenset({"a", "b"})} | client)
    kek = settings.HANDOVER.kek.id
    registered = RegisteredClient(
        client=known,
        secrets=tuple(Secret(digest=secrets.digest(SECRET, kek_id=kek), kek_id=kek, expires_at=end) for end in live),
        key_source_id=source,
        certificate=RegisteredCertificate(kind=CertificateName.SUBJECT_DN, name=named, trust_anchors=ROOT.pem)
        if named
        else None,
        workload=None,
        serves=frozenset(),
    )
    keys = (*public_jwks(*signing.values())["keys"], *certified)
    key_set = KeySet(id=source, keys=keys, is_fetched=is_fetched, usable_until=usable_until)
    theirs = PartnerConfiguration(
        partner=known.partner, clients=(registered,), issuers=(), mappings=(), key_sets=(key_set,)
    )
    return make_registry(theirs)


def by_secret(
    secret: str = SECRET, client_id: str | None = "gateway", method: ClientAuthentication = POST
) -> Credentials:
    return Credentials(method=method, unverified_client_id=client_id, credential=RawToken(secret))


def by_assertion(
    *, header: Any = (), signature: bytes = b"", client_id: str | None = None, **claims: Any
) -> Credentials:
    members = {name: value for name, value in (CLAIMS | claims).items() if value is not None}
    named = {name: value for name, value in (HEADER | dict(header)).items() if value is not None}
    text = described(named, members) + (b"\n" + signature if signature else b"")
    token = RawToken(spell(text).text)
    return Credentials(method=ASSERTION, unverified_client_id=client_id, credential=token)


def by_certificate(der: bytes = CLIENT.der, client_id: str = "gateway") -> Credentials:
    found = ClientCertificate(der=der, chain=(), thumbprint="thumb")
    return Credentials(method=BY_NAME, unverified_client_id=client_id, credential=RawToken("thumb"), certificate=found)


def accepted(credentials: Credentials, registry: Registry | None = None, **options: Any) -> AuthenticatedClient:
    return authenticate_client(credentials, registry or made(), **{"grant_type": None, "now": NOW} | options)


def refused(credentials: Credentials, registry: Registry | None = None, **options: Any) -> tuple[Reason, str, str]:
    with pytest.raises(OAuthError) as caught:
        accepted(credentials, registry, **options)
    (step,) = caught.value.steps
    assert step.rule is Rule.CLIENT
    told_apart = {Reason.GRANT_TYPE_NOT_ALLOWED, Reason.CLIENT_ID_MISMATCH}
    assert caught.value.is_challenged is (credentials.method is BASIC and caught.value.reason not in told_apart)
    return caught.value.reason, step.expected, step.received


@pytest.mark.parametrize("method", [BASIC, POST])
def test_a_live_secret_proves_its_client(method: ClientAuthentication) -> None:
    for live in ((None,), (NOW + timedelta(microseconds=1),), (NOW, None)):
        found = accepted(by_secret(method=method), made(live=live), grant_type="a")
        assert (found.client.client_id, found.method, found.spends, found.vouched) == ("gateway", method, None, None)


@pytest.mark.parametrize("method", [BASIC, POST])
def test_another_secret_does_not(method: ClientAuthentication) -> None:
    wrong = Reason.SECRET_WRONG, "a live secret of the client", "another value"
    assert refused(by_secret("other", method=method)) == wrong
    assert refused(by_secret(method=method), made(live=(NOW,))) == wrong
    expected = "a registered client with a secret"
    assert refused(by_secret(method=method), made(live=())) == (Reason.SECRET_WRONG, expected, "gateway")
    assert refused(by_secret(client_id="nobody", method=method)) == (Reason.CLIENT_UNKNOWN, expected, "nobody")
    assert refused(by_secret(client_id=None, method=method)) == (Reason.CLIENT_UNKNOWN, expected, "absent")


STANDING: Final[dict[str, tuple[dict[str, Any], tuple[Reason, str, str]]]] = {
    "public": ({"is_confidential": False}, (Reason.CLIENT_PUBLIC, "a confidential client", "")),
    "by another method": (
        {"methods": frozenset({BASIC, ASSERTION})},
        (Reason.METHOD_NOT_REGISTERED, "client_secret_basic private_key_jwt", "client_secret_post"),
    ),
    "suspended": ({"is_active": False}, (Reason.CLIENT_SUSPENDED, "an active client", "suspended")),
    "of a suspended partner": (
        {"partner": make_partner(is_active=False)},
        (Reason.PARTNER_INACTIVE, "an active partner", "kestrel"),
    ),
}


@pytest.mark.parametrize(("client", "told"), STANDING.values(), ids=STANDING.keys())
def test_a_client_that_may_not_is_refused_although_it_is_proven(
    client: dict[str, Any], told: tuple[Reason, str, str]
) -> None:
    assert refused(by_secret(), made(**client)) == told


def test_a_client_without_partner_is_ours() -> None:
    assert accepted(by_secret(), made(partner=None)).client.partner is None


def test_a_grant_must_be_registered() -> None:
    assert refused(by_secret(), grant_type="c") == (Reason.GRANT_TYPE_NOT_ALLOWED, "a b", "c")
    assert refused(by_secret(method=BASIC), grant_type="c")[0] is Reason.GRANT_TYPE_NOT_ALLOWED


GOOD: Final[dict[str, Credentials]] = {
    "as it is": by_assertion(),
    "with its client id": by_assertion(client_id="gateway"),
    "for us in a list": by_assertion(aud=[US]),
    "with the type": by_assertion(header={"typ": "client-authentication+jwt"}),
    "without a type": by_assertion(header={"typ": None}),
    "with the longest life": by_assertion(exp=SECONDS + 300, iat=SECONDS),
    "at the last second": by_assertion(exp=SECONDS - 59),
    "at the first second": by_assertion(iat=SECONDS + 60, exp=SECONDS + 120),
    "with the longest identifier": by_assertion(jti="j" * 255),
}


@pytest.mark.parametrize("credentials", GOOD.values(), ids=GOOD.keys())
def test_an_assertion_proves_its_client_and_is_spent(credentials: Credentials) -> None:
    found = accepted(credentials)
    assert (found.client.client_id, found.method, found.vouched) == ("gateway", ASSERTION, None)
    spends = found.spends
    assert spends is not None
    assert (spends.purpose, spends.issuer, spends.reason) == (
        *(Purpose.CLIENT_ASSERTION, "gateway"),
        Reason.ASSERTION_REPLAYED,
    )
    assert spends.jti in {"one", "j" * 255}
    assert NOW < spends.expires_at <= NOW + timedelta(seconds=360)


def test_the_only_key_of_a_client_needs_no_name() -> None:
    alone = made(signing={"ES256": KEYS["ES256"]}, certified=())
    assert accepted(by_assertion(header={"kid": None}), alone).spends is not None
    assert refused(by_assertion(header={"kid": "None"}), alone)[2] == "kid None"


def test_an_assertion_is_spent_until_its_end_and_the_leeway() -> None:
    spends = accepted(by_assertion()).spends
    assert spends is not None
    assert spends.expires_at == NOW + timedelta(seconds=120)


REFUSED: Final[dict[str, tuple[Credentials, str, str]]] = {
    "another type": (by_assertion(header={"typ": "at+jwt"}), "typ: client-authentication+jwt", "at+jwt"),
    "another algorithm": (by_assertion(header={"alg": "Ed25519", "kid": "edwards"}), "ES256", "Ed25519"),
    "another key": (by_assertion(header={"kid": "other"}), "a usable key of the client", "kid other"),
    "no key named": (by_assertion(header={"kid": None}), "a usable key of the client", "kid absent"),
    "another signature": (by_assertion(signature=bytes(64)), "a signature of key elliptic", "another"),
    "another issuer": (by_assertion(iss="other"), "iss equal to sub", "other"),
    "no issuer": (by_assertion(iss=None), "iss equal to sub", "absent"),
    "no audience": (by_assertion(aud=None), f"aud: {US}", "absent"),
    "two audiences": (by_assertion(aud=[US, US]), f"aud: {US}", shown([US, US])),
    "the endpoint": (by_assertion(aud=ENDPOINT), f"aud: {US}", ENDPOINT),
    "expired": (by_assertion(exp=SECONDS - 60), "exp after 2031-05-04T12:00:00Z", "2031-05-04T11:59:00Z"),
    "too long": (by_assertion(iat=SECONDS, exp=SECONDS + 301), "at most 0:05:00", "0:05:01"),
    "no identifier": (by_assertion(jti=None), "jti: 1 to 255 printable characters", "absent"),
    "an identifier that is a number": (by_assertion(jti=7), "jti: 1 to 255 printable characters", "7"),
    "an empty identifier": (by_assertion(jti=""), "jti: 1 to 255 printable characters", ""),
    "a long identifier": (by_assertion(jti="j" * 256), "jti: 1 to 255 printable characters", shown("j" * 256)),
    "an identifier of two lines": (by_assertion(jti="a\n"), "jti: 1 to 255 printable characters", shown("a\n")),
    "no token": (replace(by_assertion(), credential=RawToken("a.b")), "a compact JWS", "not three parts"),
}


@pytest.mark.parametrize(("credentials", "expected", "received"), REFUSED.values(), ids=REFUSED.keys())
def test_an_assertion_that_will_not_do_is_told(credentials: Credentials, expected: str, received: str) -> None:
    assert refused(credentials) == (Reason.ASSERTION_REFUSED, expected, received)


@pytest.mark.parametrize("subject", [None, "nobody", 7, ["gateway"]], ids=str)
def test_an_assertion_of_nobody_is_told(subject: Any) -> None:
    told = refused(by_assertion(sub=subject))
    assert told == (Reason.CLIENT_UNKNOWN, "sub: a registered client", shown(subject))


def test_an_assertion_of_another_than_the_form_names_is_told() -> None:
    assert refused(by_assertion(client_id="other")) == (Reason.CLIENT_ID_MISMATCH, "client_id equal to sub", "another")


def test_the_endpoint_is_an_audience_for_clients_that_were_registered_so() -> None:
    registry = made(accepts_endpoint_audience=True)
    for audience in (US, ENDPOINT):
        assert accepted(by_assertion(aud=audience), registry).spends is not None
    expected = f"aud: {US} or {ENDPOINT}"
    assert refused(by_assertion(aud="other"), registry) == (Reason.ASSERTION_REFUSED, expected, "other")


@pytest.mark.parametrize("kid", ["other", None, "elliptic"])
def test_keys_that_may_have_moved_are_fetched(kid: str | None) -> None:
    fetched = made(is_fetched=True, usable_until=NOW if kid == "elliptic" else None)
    with pytest.raises(MissingKey) as caught:
        accepted(by_assertion(header={"kid": kid}), fetched)
    assert (caught.value.key_source_id, caught.value.kid) == (identifier("keys"), str(kid))
    assert caught.value.otherwise.reason is Reason.ASSERTION_REFUSED
    assert caught.value.otherwise.steps[0].received == f"kid {shown(kid)}"


def test_a_certificate_proves_by_chain_and_name() -> None:
    found = accepted(by_certificate())
    assert (found.client.client_id, found.method, found.spends) == ("gateway", BY_NAME, None)
    reason, expected, received = refused(by_certificate(STRANGER.der))
    assert (reason, expected, received) == (Reason.CERTIFICATE_REFUSED, "subject_dn CN=settlement", "CN=stranger")
    unknown = refused(by_certificate(client_id="nobody"))
    assert unknown == (Reason.CLIENT_UNKNOWN, "a registered client", "nobody")
    nothing = refused(by_certificate(), made(named="", methods=frozenset({BASIC, BY_NAME})))
    assert nothing == (Reason.METHOD_NOT_REGISTERED, "client_secret_basic tls_client_auth", "tls_client_auth")


def test_a_certificate_proves_by_its_key_where_the_client_is_registered_so() -> None:
    registry = made(methods=frozenset({BY_KEY}))
    found = accepted(by_certificate(), registry)
    assert (found.client.client_id, found.method) == ("gateway", BY_KEY)
    told = Reason.CERTIFICATE_REFUSED, "a key of the client's key set", "another key"
    assert refused(by_certificate(STRANGER.der), registry) == told
    stale = made(methods=frozenset({BY_KEY}), usable_until=NOW)
    assert refused(by_certificate(), stale) == told
    with pytest.raises(MissingKey) as caught:
        accepted(by_certificate(STRANGER.der), made(methods=frozenset({BY_KEY}), is_fetched=True))
    assert (caught.value.key_source_id, caught.value.kid) == (identifier("keys"), "thumb")
    assert caught.value.otherwise.reason is Reason.CERTIFICATE_REFUSED
