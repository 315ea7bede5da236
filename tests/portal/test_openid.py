"""Signing in through the organisation's OpenID provider, which really signs, over a real socket (rule 146)."""

from __future__ import annotations

import time
from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
from django.core.cache import cache
from django.test import Client

from audit.models import Event
from portal.config_values import group_roles
from portal.models import Identity, RoleGrant, User
from portal.roles import Role
from portal.signing_in.openid import provider as providers
from tests.conformance.rules import rule
from tests.openid_provider import CLIENT_ID, OpenIdProvider
from tests.portal.organisation import PASSWORD, person
from tests.signers import make_key

if TYPE_CHECKING:
    from collections.abc import Iterator

MAPPED = "auditors=Auditor; engineers=Engineer; admins=Security admin; admins=Auditor"


@pytest.fixture
def provider(db: None, settings: Any) -> Iterator[OpenIdProvider]:  # noqa: ARG001 - asked for its transaction
    running = OpenIdProvider()
    running.start()
    cache.clear()
    providers._known.clear()
    settings.HANDOVER = replace(
        settings.HANDOVER,
        openid_issuer=running.issuer,
        openid_client_id=CLIENT_ID,
        openid_secret=running.secret,
        openid_name="Meridian sign-in",
        openid_roles=group_roles(MAPPED),
        outbound_allow=(ip_network("127.0.0.1/32"),),
    )
    yield running
    running.stop()
    cache.clear()


def come(client: Client, provider: OpenIdProvider, address: str = "/sign-in/openid", **changes: str | None) -> Any:
    """To the provider and back; ``changes`` are made to what the browser brings."""
    leaving = client.get(address)
    assert leaving.status_code == 302, leaving.content.decode()
    assert leaving["Location"].startswith(f"{provider.issuer}/authorize?tenant=meridian&response_type=code&")
    brought = provider.authorize(leaving["Location"]) | changes
    return client.get("/sign-in/openid/callback", {name: text for name, text in brought.items() if text is not None})


def kinds() -> list[str]:
    return list(Event.objects.order_by("id").values_list("kind", flat=True))


@rule(146, "RFC 9700", "2.1.1")
def test_a_person_comes_in_with_the_roles_of_their_groups_and_back_to_the_page_they_wanted(
    provider: OpenIdProvider,
) -> None:
    client = Client()
    assert "Sign in through Meridian sign-in" in client.get("/sign-in").content.decode()
    assert come(client, provider, "/sign-in/openid?next=/overview")["Location"] == "/overview"
    assert client.get("/overview").status_code == 200
    ada = User.objects.get()
    assert (ada.email, ada.name, ada.has_usable_password()) == ("ada@meridian.example", "Ada Byron", False)
    assert Identity.objects.get(user=ada).issuer == provider.issuer
    assert kinds() == ["person.invited", "person.identity_connected", "person.role_given", "person.signed_in"]
    assert Event.objects.get(kind="person.role_given").actor == "system:directory"
    assert provider.refused == []


def test_roles_follow_the_groups_at_every_sign_in_with_an_event_each(provider: OpenIdProvider) -> None:
    come(Client(), provider)
    provider.changes = {"groups": ["engineers", "somebody else's"]}
    come(Client(), provider)
    ada = User.objects.get()
    assert list(ada.groups.values_list("name", flat=True)) == ["Engineer"]
    assert list(RoleGrant.objects.values_list("role", "source")) == [("Engineer", "directory")]
    provider.changes = {"groups": []}
    client = Client()
    come(client, provider)
    assert "You have no role yet" in client.get("/account").content.decode()
    assert [kind for kind in kinds() if "role" in kind] == [
        "person.role_given",
        "person.role_given",
        "person.role_taken",
        "person.role_taken",
    ]


@rule(146, "OWASP ASVS", "10.5.2")
def test_the_key_is_issuer_and_subject_and_never_the_address(provider: OpenIdProvider) -> None:
    come(Client(), provider)
    provider.changes = {"email": "other@meridian.example"}
    assert come(Client(), provider).status_code == 302
    assert User.objects.get().email == "ada@meridian.example"
    person(Role.SECURITY_ADMIN, "sara@meridian.example")
    provider.changes = {"sub": "eve-1", "email": "SARA@meridian.example", "groups": ["admins"]}
    stranger = Client()
    answer = come(stranger, provider)
    assert answer.status_code == 403
    assert "An account with your e-mail address exists already." in answer.content.decode()
    assert stranger.get("/account").status_code == 302
    assert not Identity.objects.filter(subject="eve-1").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"groups": ["unknown"]}, "None of your groups gives a role here."),
        ({"groups": None}, "None of your groups gives a role here."),
        ({"email": None}, "names no e-mail address"),
        ({"email": "not one"}, "names no e-mail address"),
    ],
)
def test_who_has_nothing_here_gets_no_account(provider: OpenIdProvider, changes: dict[str, Any], words: str) -> None:
    provider.changes = changes
    answer = come(Client(), provider)
    assert answer.status_code == 403
    assert words in answer.content.decode()
    assert not User.objects.exists()


@rule(146, "RFC 9207", "2.4")
@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"state": "another"}, 400, "belongs to no sign-in"),
        ({"state": None}, 400, "belongs to no sign-in"),
        ({"iss": "https://evil.example"}, 400, "belongs to no sign-in"),
        ({"iss": None}, 400, "belongs to no sign-in"),
        ({"code": "made up"}, 502, "gave no usable answer"),
        ({"code": None, "error": "access_denied"}, 200, "did not sign you in"),
        ({"code": None, "error": "<script>"}, 200, "did not sign you in"),
    ],
)
def test_an_answer_that_is_not_as_it_must_be_signs_nobody_in(
    provider: OpenIdProvider, changes: dict[str, str | None], status: int, words: str
) -> None:
    client = Client()
    answer = come(client, provider, "/sign-in/openid", **changes)
    page = answer.content.decode()
    assert (answer.status_code, words in page) == (status, True)
    assert "<script>" not in page.partition("<main")[2]
    assert client.get("/account").status_code == 302
    assert not User.objects.exists()


def test_an_answer_counts_once_and_in_its_own_browser(provider: OpenIdProvider) -> None:
    client = Client()
    brought = provider.authorize(client.get("/sign-in/openid")["Location"])
    assert Client().get("/sign-in/openid/callback", brought).status_code == 400
    assert client.get("/sign-in/openid/callback", brought).status_code == 302
    client.post("/sign-out")
    assert client.get("/sign-in/openid/callback", brought).status_code == 400
    assert client.get("/account").status_code == 302


@rule(146, "OWASP ASVS", "10.2.1")
@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"aud": "somebody else"},
        {"aud": [CLIENT_ID, "another"]},
        {"azp": "another"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": int(time.time()) - 120},
        {"exp": None},
        {"iat": int(time.time()) + 3600},
        {"sub": None},
        {"sub": ""},
        {"sub": "a\x00b"},
        {"sub": "x" * 256},
    ],
)
def test_an_id_token_that_does_not_hold_signs_nobody_in(provider: OpenIdProvider, changes: dict[str, Any]) -> None:
    provider.changes = changes
    answer = come(Client(), provider)
    assert answer.status_code == 502
    assert "could not be verified" in answer.content.decode()
    assert not User.objects.exists()


def test_an_id_token_of_another_key_signs_nobody_in_and_a_new_key_is_looked_for_once(provider: OpenIdProvider) -> None:
    come(Client(), provider)
    first, provider.key = provider.key, make_key("ES256", "first")
    provider.published = [first]
    assert come(Client(), provider).status_code == 502
    before = provider.fetched.count("/keys")
    provider.key = make_key("ES256", "second")
    provider.published = [first, provider.key]
    assert come(Client(), provider).status_code == 302
    assert provider.fetched.count("/keys") == before + 1


@pytest.mark.parametrize(
    "metadata",
    [{"issuer": "https://evil.example"}, {"token_endpoint": None}, {"authorization_endpoint": "javascript:alert(1)"}],
)
def test_a_provider_that_describes_itself_wrongly_is_not_used(
    provider: OpenIdProvider, metadata: dict[str, Any]
) -> None:
    provider.metadata = metadata
    answer = Client().get("/sign-in/openid")
    assert answer.status_code == 502
    assert "gave no usable answer" in answer.content.decode()


def test_an_account_is_connected_by_its_owner_and_by_nobody_else(provider: OpenIdProvider) -> None:
    sara = person(Role.SECURITY_ADMIN, "sara@meridian.example")
    client = Client()
    client.post("/sign-in", {"login": sara.email, "password": PASSWORD})
    assert "Connect Meridian sign-in" in client.get("/account").content.decode()
    assert come(client, provider, "/account/openid")["Location"] == "/account"
    assert "Connected to Meridian sign-in" in client.get("/account").content.decode()
    hers = Client()
    come(hers, provider)
    assert "sara@meridian.example" in hers.get("/account").content.decode()
    assert set(sara.groups.values_list("name", flat=True)) == {"Security admin", "Auditor"}
    mateo = person(None, "mateo@meridian.example")
    other = Client()
    other.post("/sign-in", {"login": mateo.email, "password": PASSWORD})
    answer = come(other, provider, "/account/openid")
    assert answer.status_code == 403
    assert (
        "Another account is connected to this sign-in, so from now on both count as one person."
        in answer.content.decode()
    )


def age(client: Client) -> None:
    session = client.session
    records = session["account_authentication_methods"]
    for record in records:
        record["at"] -= 301
    session["account_authentication_methods"] = records
    session.save()


def test_somebody_without_a_password_proves_it_again_at_the_provider(provider: OpenIdProvider) -> None:
    client = Client()
    come(client, provider)
    age(client)
    asked = client.get("/account/app")
    assert asked["Location"].startswith("/account/confirm/openid?next=")
    leaving = client.get(asked["Location"])
    assert "prompt=login&max_age=0" in leaving["Location"]
    brought = provider.authorize(leaving["Location"])
    assert client.get("/sign-in/openid/callback", brought)["Location"] == "/account/app"
    assert client.get("/account/app").status_code == 200


@pytest.mark.parametrize("changes", [{"auth_time": int(time.time()) - 3600}, {"auth_time": None}, {"sub": "eve-1"}])
def test_an_old_sign_in_there_or_somebody_elses_proves_nothing(
    provider: OpenIdProvider, changes: dict[str, Any]
) -> None:
    client = Client()
    come(client, provider)
    age(client)
    provider.changes = changes
    assert come(client, provider, "/account/confirm/openid?next=/account/app").status_code in {400, 502}
    assert client.get("/account/app").status_code == 302
    assert User.objects.count() == 1


@pytest.mark.parametrize(("amr", "leads_to"), [(["pwd", "mfa"], 200), (["pwd"], 302), (None, 302)])
def test_a_second_factor_there_counts_where_the_provider_says_so(
    provider: OpenIdProvider, settings: Any, amr: Any, leads_to: int
) -> None:
    settings.HANDOVER = replace(settings.HANDOVER, second_factor_roles=frozenset({Role.AUDITOR}))
    provider.changes = {"amr": amr}
    client = Client()
    come(client, provider)
    assert client.get("/overview").status_code == leads_to


@pytest.mark.django_db
def test_without_a_provider_there_is_no_such_way_in() -> None:
    client = Client()
    assert "openid" not in client.get("/sign-in").content.decode()
    assert client.get("/sign-in/openid").status_code == 404
    assert client.get("/sign-in/openid/callback").status_code == 404


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_nobody_is_sent_elsewhere_after_it(provider: OpenIdProvider, elsewhere: str) -> None:
    assert come(Client(), provider, f"/sign-in/openid?next={elsewhere}")["Location"] == "/"


@pytest.mark.parametrize("text", ["auditors", "=Auditor", "auditors=Root"])
def test_a_mapping_that_means_nothing_is_refused_at_boot(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        group_roles(text)
