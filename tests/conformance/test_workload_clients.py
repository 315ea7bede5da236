"""Clients without a secret, whom their platform vouches for: RFC 7521 section 4.2, RFC 7523 section 3, JWT-SVID."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from exchange.protocol.compact import encode_segment
from exchange.protocol.request import TOKEN_EXCHANGE
from partners import models
from policy.reasons import Reason
from tests import exchange_server, platforms
from tests import world as worlds
from tests.conformance.rules import rule
from tests.exchange.sites import not_found, reply, site
from tests.oracle import granted, refused
from tests.platforms import REPOSITORY, Platform
from tests.signers import Signer, make_key, public_jwks

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.exchange.sites import Site
    from tests.exchange_server import ExchangeServer
    from tests.services import Services

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
JWT_SPIFFE = "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe"
ELSEWHERE = "https://sts.elsewhere.example"
NAMES = ("kubernetes", "github", "gitlab", "spiffe")
RULES: dict[str, list[dict[str, Any]]] = {
    "kubernetes": [
        {"claim": "kubernetes.io/namespace", "operator": "equals", "value": "payments"},
        {"claim": "kubernetes.io/serviceaccount/name", "operator": "one_of", "value": ["settlement", "ledger"]},
    ],
    "github": [
        {"claim": "sub", "operator": "matches", "value": f"repo:{REPOSITORY}:environment:(staging|production)"},
        {"claim": "repository_id", "operator": "equals", "value": "74032110"},
    ],
    "gitlab": [
        {"claim": "project_path", "operator": "equals", "value": REPOSITORY},
        {"claim": "ref_protected", "operator": "equals", "value": "true"},
    ],
    "spiffe": [{"claim": "sub", "operator": "equals", "value": "spiffe://kestrel.example/settlement"}],
}


@dataclass
class Yard:
    """The server, the platforms by name, each with the client ``on-<name>``, and where one publishes its keys."""

    server: ExchangeServer
    platforms: dict[str, Platform]
    place: Site
    published: dict[str, Any] = field(default_factory=dict)
    archive: Signer = field(default_factory=lambda: Signer("our-archive"))

    def exchange(self, name: str, assertion: str = "", **form: Any) -> httpx.Response:
        """An exchange of the client on this platform, with its good token unless told otherwise."""
        form = {"client_id": f"on-{name}", "client_assertion": assertion or self.token(name)} | form
        return self.server.exchange(**form)

    def token(self, name: str, **changes: Any) -> str:
        return self.platforms[name].token(changes.pop("audience", self.server.url), **changes)

    def denied(self, name: str, assertion: str, reason: Reason = Reason.WORKLOAD_REFUSED, **form: Any) -> list[Any]:
        """The refusal of an exchange: its last step."""
        event = refused(self.server, self.exchange(name, assertion, **form), "invalid_client", reason)
        last: list[Any] = event["data"]["steps"][-1]
        return last


def register(client_id: str, platform: Platform, rules: list[dict[str, Any]], **fields: Any) -> models.Client:
    """A client of kestrel on a platform; its keys are uploaded unless ``fields`` name another source."""
    partner = fields.pop("partner", models.Partner.objects.get(slug="kestrel"))
    source = fields.pop("key_source", None) or models.KeySource.objects.create(
        partner=partner, method="uploaded", jwks=public_jwks(platform.key)
    )
    good: dict[str, Any] = {
        "methods": ["workload_jwt"],
        "key_source": source,
        "grant_types": [TOKEN_EXCHANGE, "authorization_code"],
        "workload_issuer": platform.issuer,
        "workload_algorithms": [platform.alg],
        "workload_rules": rules,
        "workload_lifetime": timedelta(hours=1),
    }
    return worlds.add_client(partner, client_id, **good | fields)


def prepare(yard: Yard) -> None:
    for name, platform in yard.platforms.items():
        register(f"on-{name}", platform, RULES[name])
    register("short", yard.platforms["github"], RULES["github"], workload_lifetime=timedelta(minutes=4))
    register("listed", yard.platforms["github"], RULES["github"], workload_audiences=["https://meridian.example/p"])
    register(
        "other-repository", yard.platforms["github"], [{"claim": "sub", "operator": "equals", "value": "repo:a/b"}]
    )
    register("faulty", yard.platforms["kubernetes"], [{"claim": "kubernetes.io", "operator": "equals", "value": "x"}])
    url = f"{yard.place.url}/keys"
    moving = models.KeySource.objects.create(
        partner=models.Partner.objects.get(slug="kestrel"),
        method="jwks_uri",
        location=url,
        jwks_uri=url,
        jwks=public_jwks(yard.platforms["gitlab"].key),
        usable_until=datetime.now(UTC) + timedelta(hours=1),
    )
    register("rotating", yard.platforms["gitlab"], RULES["gitlab"], key_source=moving)
    watchman = register("our-watchman", yard.platforms["spiffe"], RULES["spiffe"], partner=None, grant_types=[])
    watchman.serves.set(models.Target.objects.filter(name="ledger"))
    own = models.KeySource.objects.create(partner=None, method="uploaded", jwks=public_jwks(yard.archive.key))
    archive = worlds.add_client(None, "our-archive", methods=["private_key_jwt"], key_source=own, grant_types=[])
    archive.serves.set(models.Target.objects.filter(name="ledger"))


@pytest.fixture(scope="module")
def yard(services: Services, django_db_blocker: Any) -> Iterator[Yard]:
    known = {
        "kubernetes": platforms.kubernetes("https://k8s.kestrel.example"),
        "github": platforms.github(),
        "gitlab": platforms.gitlab(),
        "spiffe": platforms.spiffe(),
    }
    published: dict[str, Any] = {}
    with site(lambda _: reply(published) if published else not_found()) as place:
        yard = Yard(server=None, platforms=known, place=place, published=published)  # type: ignore[arg-type]
        started: dict[str, Any] = {"prepare": lambda: prepare(yard), "HANDOVER_OUTBOUND_ALLOW": "127.0.0.1/32"}
        with exchange_server.running(services, django_db_blocker, **started) as server:
            yard.server = server
            yield yard


@rule(58, "RFC 7521", "4.2")
@rule(62, "RFC 7523", "3")
@pytest.mark.parametrize("name", NAMES)
def test_the_token_of_its_platform_authenticates_a_client_and_the_event_says_who_it_was(yard: Yard, name: str) -> None:
    grant = granted(yard.server, yard.exchange(name))
    assert grant.claims["client_id"] == f"on-{name}"
    platform = yard.platforms[name]
    assert grant.event["data"]["credentials"] == {
        "client_id": f"on-{name}",
        "method": "workload_jwt",
        "issuer": platform.issuer,
        "subject": platform.own["sub"],
    }
    tried = [step[2] for step in grant.event["data"]["steps"] if step[0] == "client"]
    assert tried[0] == f"a token of {platform.issuer}"
    assert len(tried) == len(RULES[name]) + 2
    assert tried[1].startswith(RULES[name][0]["claim"])


@rule(59, "RFC 7523", "3")
@pytest.mark.parametrize("name", NAMES)
def test_a_platforms_token_is_good_until_it_ends_and_not_only_once(yard: Yard, name: str) -> None:
    assertion = yard.token(name)
    for _ in range(3):
        granted(yard.server, yard.exchange(name, assertion))


@rule(58, "RFC 7521", "4.2")
def test_a_jwt_svid_may_come_under_its_own_assertion_type(yard: Yard) -> None:
    granted(yard.server, yard.exchange("spiffe", client_assertion_type=JWT_SPIFFE))


@rule(58, "RFC 7521", "4.2")
def test_that_type_is_of_no_use_to_a_client_that_signs_its_assertions_itself(yard: Yard) -> None:
    assertion = yard.server.world.backend.assertion(yard.server.url)
    form: dict[str, Any] = {"client_id": "kestrel-backend", "client_assertion_type": JWT_SPIFFE}
    yard.denied("spiffe", assertion, **form)


@rule(58, "RFC 7521", "4.2")
@pytest.mark.parametrize("kind", [JWT_BEARER, JWT_SPIFFE])
@pytest.mark.parametrize("client_id", [None, "on-nothing", "kestrel-backend"])
def test_the_client_is_named_in_the_body_and_is_one_of_this_platform(
    yard: Yard, kind: str, client_id: str | None
) -> None:
    response = yard.exchange("spiffe", client_id=client_id, client_assertion_type=kind)
    reason = {
        (JWT_SPIFFE, "kestrel-backend"): Reason.WORKLOAD_REFUSED,
    }.get((kind, str(client_id)), Reason.CLIENT_UNKNOWN)
    refused(yard.server, response, "invalid_client", reason)


@rule(110, "RFC 8725", "3.9")
@pytest.mark.parametrize("name", NAMES)
def test_another_platforms_key_does_not_vouch_under_this_platforms_name(yard: Yard, name: str) -> None:
    impostor = make_key(yard.platforms[name].alg, kid=str(yard.platforms[name].key.kid))
    assert "signature" in yard.denied(name, yard.token(name, key=impostor))[2]


@rule(60, "RFC 7523bis", "3")
@pytest.mark.parametrize("name", NAMES)
def test_a_token_that_was_made_for_somebody_else_is_refused_and_one_for_both_too(yard: Yard, name: str) -> None:
    for audience in (ELSEWHERE, [yard.server.url, ELSEWHERE], [], None, {"aud": yard.server.url}):
        step = yard.denied(name, yard.token(name, audience=audience))
        assert step[2] == f"aud: {yard.server.url}"


@rule(60, "RFC 7523bis", "3")
def test_an_audience_that_the_client_lists_is_accepted_for_it_alone(yard: Yard) -> None:
    assertion = yard.token("github", audience="https://meridian.example/p")
    granted(yard.server, yard.exchange("github", assertion, client_id="listed"))
    granted(yard.server, yard.exchange("github", client_id="listed"))
    yard.denied("github", assertion)


@rule(110, "RFC 8725", "3.8")
@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("kubernetes", {"iss": "https://k8s.fjord.example"}),
        ("github", {"iss": "https://token.actions.githubusercontent.com/"}),
        ("github", {"iss": ["https://token.actions.githubusercontent.com"]}),
        ("gitlab", {"iss": None}),
        ("spiffe", {"sub": "spiffe://fjord.example/settlement"}),
        ("spiffe", {"sub": "spiffe://kestrel.example"}),
        ("spiffe", {"sub": "spiffe://kestrel.example.evil.example/settlement"}),
    ],
)
def test_a_token_of_another_issuer_is_refused(yard: Yard, name: str, changes: dict[str, Any]) -> None:
    expected = yard.denied(name, yard.token(name, **changes))[2]
    assert expected == f"a token of {yard.platforms[name].issuer}"


@pytest.mark.parametrize(
    ("name", "changes", "tried"),
    [
        ("kubernetes", {"kubernetes.io": {"namespace": "payments", "serviceaccount": {"name": "debug"}}}, "settlement"),
        ("kubernetes", {"kubernetes.io": {}}, "payments"),
        ("github", {"sub": "repo:mallory/settle:environment:production"}, "repo:"),
        ("github", {"sub": f"repo:{REPOSITORY}:environment:production\nx"}, "repo:"),
        ("github", {"sub": f"x repo:{REPOSITORY}:environment:production"}, "repo:"),
        ("github", {"repository_id": 74032110}, "74032110"),
        ("github", {"sub": f"repo:{REPOSITORY}:pull_request"}, "repo:"),
        ("gitlab", {"project_path": "mallory/settle"}, REPOSITORY),
        ("gitlab", {"ref_protected": "false"}, "true"),
        ("spiffe", {"sub": "spiffe://kestrel.example/settlement/debug"}, "settlement"),
    ],
)
def test_another_workload_of_the_platform_is_not_the_client_and_the_trail_shows_the_rule(
    yard: Yard, name: str, changes: dict[str, Any], tried: str
) -> None:
    step = yard.denied(name, yard.token(name, **changes), Reason.WORKLOAD_RULE_UNMET)
    assert step[:2] == ["client", "refused"]
    assert tried in step[2]


def test_a_workload_is_not_the_client_of_another_workload_on_its_platform(yard: Yard) -> None:
    yard.denied("github", yard.token("github"), Reason.WORKLOAD_RULE_UNMET, client_id="other-repository")


def test_a_rule_that_cannot_be_evaluated_refuses_and_shows_as_a_fault(yard: Yard) -> None:
    step = yard.denied("kubernetes", yard.token("kubernetes"), Reason.WORKLOAD_RULE_FAULT, client_id="faulty")
    assert step[1] == "fault"


@rule(59, "RFC 7523", "3")
def test_a_token_that_lives_longer_than_the_registration_says_is_refused(yard: Yard) -> None:
    assert "at most 0:04:00" in yard.denied("github", yard.token("github"), client_id="short")[2]
    now = int(time.time())
    granted(yard.server, yard.exchange("github", yard.token("github", iat=now, exp=now + 240), client_id="short"))
    assert "at most 1:00:00" in yard.denied("github", yard.token("github", iat=now, exp=now + 3601))[2]


@rule(59, "RFC 7523", "3")
@pytest.mark.parametrize(
    ("changes", "about"),
    [
        ({"exp": -61, "iat": -361}, "exp"),
        ({"exp": None}, "exp"),
        ({"nbf": 120}, "nbf"),
        ({"iat": 120}, "iat"),
        ({"iat": None, "exp": 3700}, "at most"),
    ],
    ids=["expired", "no end", "not yet", "made tomorrow", "a long time without a beginning"],
)
def test_a_token_out_of_its_time_is_refused(yard: Yard, changes: dict[str, int | None], about: str) -> None:
    now = int(time.time())
    instants = {name: None if value is None else now + value for name, value in changes.items()}
    assert about in yard.denied("github", yard.token("github", **instants))[2]


@rule(107, "RFC 8725", "3.1")
@pytest.mark.parametrize("alg", ["none", "HS256"])
def test_a_token_that_nobody_signed_or_anybody_could_is_refused(yard: Yard, alg: str) -> None:
    github = yard.platforms["github"]
    _, payload, signature = yard.token("github").split(".")
    header = encode_segment(f'{{"alg":"{alg}","kid":"{github.key.kid}"}}'.encode()).decode()
    for text in (f"{header}.{payload}.", f"{header}.{payload}.{signature}"):
        assert yard.denied("github", text)[2] == "RS256"


@rule(108, "RFC 8725", "3.10")
def test_a_key_that_the_token_brings_along_is_not_believed(yard: Yard) -> None:
    key = make_key("RS256")
    brought = {"jwk": public_jwks(key)["keys"][0]}
    assert yard.denied("github", yard.token("github", key=key, header=brought))[2] == "no jwk"


@rule(111, "RFC 8725", "3.11")
@rule(111, "RFC 8725", "3.12")
@pytest.mark.parametrize(
    ("header", "claims"),
    [
        ({"typ": "at+jwt"}, {}),
        ({"typ": "dpop+jwt"}, {}),
        ({}, {"scope": "api"}),
        ({}, {"client_id": "portal"}),
        ({}, {"nonce": "n-0S6_WzA2Mj"}),
        ({}, {"cnf": {"jkt": "x"}}),
    ],
    ids=["an access token", "a proof", "one with scopes", "one of a client", "a person's login", "a bound token"],
)
def test_another_kind_of_token_of_the_same_platform_is_no_assertion(
    yard: Yard, header: dict[str, Any], claims: dict[str, Any]
) -> None:
    yard.denied("gitlab", yard.token("gitlab", header=header, **claims))


@rule(111, "RFC 8725", "3.11")
def test_an_access_token_of_the_partners_identity_provider_is_no_assertion(yard: Yard) -> None:
    token = yard.server.world.idp.subject_token(yard.server.url, sub="system:serviceaccount:payments:settlement")
    yard.denied("kubernetes", token)


def test_what_is_no_token_at_all_is_refused_in_the_same_words(yard: Yard) -> None:
    words = {
        response.json()["error_description"].partition(" Reference ")[0]
        for response in (
            yard.exchange("github", "opaque-text"),
            yard.exchange("github", yard.token("github", sub="repo:a/b")),
            yard.exchange("github", client_id="nobody"),
        )
    }
    assert len(words) == 1


@rule(63, "RFC 7523", "3")
def test_a_platform_that_changed_its_keys_is_understood_after_one_fetch(yard: Yard) -> None:
    granted(yard.server, yard.exchange("gitlab", client_id="rotating"))
    assert yard.place.paths() == []
    new = make_key("RS256")
    yard.published |= public_jwks(new)
    assertion = yard.token("gitlab", key=new)
    granted(yard.server, yard.exchange("gitlab", assertion, client_id="rotating"))
    granted(yard.server, yard.exchange("gitlab", assertion, client_id="rotating"))
    unknown = yard.token("gitlab", key=make_key("RS256"))
    yard.denied("gitlab", unknown, client_id="rotating")
    yard.denied("gitlab", yard.token("gitlab"), client_id="rotating")
    assert yard.place.paths() == ["/keys"]


@rule(58, "RFC 7521", "4.2")
def test_such_a_client_reaches_the_toolkits_grants_which_find_only_the_code_wrong(yard: Yard) -> None:
    form = {
        "grant_type": "authorization_code",
        "code": "nothing",
        "redirect_uri": "https://kestrel.example/callback",
        "client_id": "on-github",
        "client_assertion_type": JWT_BEARER,
    }
    response = yard.server.post(form | {"client_assertion": yard.token("github")})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
    wrong = yard.server.post(form | {"client_assertion": yard.token("github", sub="repo:a/b")})
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")


@rule(78, "RFC 7662", "2.1")
def test_such_a_client_introspects_and_gives_its_tokens_back(yard: Yard) -> None:
    token = yard.exchange("github").json()["access_token"]
    watchman = {"client_id": "our-watchman", "client_assertion": yard.token("spiffe")}
    watchman |= {"client_assertion_type": JWT_BEARER, "token": token}
    assert yard.server.http.post("/oauth/introspect", data=watchman).json()["active"] is True
    holder = {"client_id": "on-github", "client_assertion": yard.token("github")}
    holder |= {"client_assertion_type": JWT_BEARER, "token": token}
    assert yard.server.http.post("/oauth/revoke", data=holder).status_code == 200
    assert yard.server.http.post("/oauth/introspect", data=watchman).json() == {"active": False}


@rule(63, "RFC 7523", "3")
def test_a_resource_server_of_our_own_may_sign_its_assertions_itself(yard: Yard) -> None:
    form = {
        "token": yard.exchange("github").json()["access_token"],
        "client_assertion_type": JWT_BEARER,
        "client_assertion": yard.archive.assertion(yard.server.url),
    }
    assert yard.server.http.post("/oauth/introspect", data=form).json()["active"] is True


@rule(83, "RFC 8414", "2")
def test_the_metadata_lists_registered_methods_alone(yard: Yard) -> None:
    document = yard.server.http.get("/.well-known/oauth-authorization-server").json()
    for endpoint in ("token", "introspection", "revocation"):
        methods = document[f"{endpoint}_endpoint_auth_methods_supported"]
        assert methods == ["client_secret_basic", "client_secret_post", "private_key_jwt"]
