"""Signing in and out: what is believed, what is limited, and what a session's cookie allows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.test import AsyncRequestFactory, Client, RequestFactory
from django.urls import NoReverseMatch, reverse

from audit.models import Event
from portal.roles import Role
from portal.signing_in import failures
from portal.signing_in.accounts import AccountAdapter
from tests.conformance.rules import rule
from tests.portal.organisation import PASSWORD, person

if TYPE_CHECKING:
    from collections.abc import Iterator

    from portal.models import User


@pytest.fixture(autouse=True)
def _no_counts_from_before(db: None) -> Iterator[None]:  # noqa: ARG001 - asked for its transaction
    """Sign-ins are counted in Redis, which the tests of one worker share."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def ada() -> User:
    return person(Role.AUDITOR, "ada@meridian.example", "Ada")


def sign_in(client: Client, email: str = "ada@meridian.example", password: str = PASSWORD, **more: str) -> Any:
    return client.post("/sign-in", {"login": email, "password": password, **more})


@rule(155, "RFC 9700", "4.12")
@pytest.mark.usefixtures("ada")
def test_the_right_password_opens_the_portal() -> None:
    client = Client()
    answer = sign_in(client)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get("/overview").status_code == 200


@pytest.mark.usefixtures("ada")
def test_the_address_is_not_case_sensitive() -> None:
    assert sign_in(Client(), "ADA@Meridian.Example").status_code == 302


@pytest.mark.parametrize(
    ("email", "password"), [("ada@meridian.example", "wrong"), ("nobody@meridian.example", PASSWORD)]
)
@pytest.mark.usefixtures("ada")
def test_a_wrong_password_and_an_unknown_address_get_the_same_words(email: str, password: str) -> None:
    page = sign_in(Client(), email, password).content.decode()
    assert page.count("No account has this e-mail address and password.") == 1
    assert password not in page


@pytest.mark.django_db
def test_what_is_missing_is_named_at_the_field_and_in_the_summary() -> None:
    page = sign_in(Client(), "", "").content.decode()
    assert page.count("Enter your e-mail address.") == 2
    assert page.count("Enter your password.") == 2
    assert 'id="id_login_error"' in page
    assert 'aria-describedby="id_login_error"' in page


def test_a_closed_account_is_told_so_and_stays_out(ada: User) -> None:
    ada.is_active = False
    ada.save()
    client = Client()
    assert sign_in(client)["Location"] == "/account-closed"
    assert "This account is closed" in client.get("/account-closed").content.decode()
    assert client.get("/overview").status_code == 302


@pytest.mark.usefixtures("ada")
def test_guessing_one_account_is_stopped_although_the_password_is_right_at_last() -> None:
    client = Client()
    for _ in range(5):
        assert "No account has" in sign_in(client, password="wrong").content.decode()
    assert "Too many sign-ins failed" in sign_in(client).content.decode()


@pytest.mark.django_db
def test_guessing_many_accounts_from_one_address_is_stopped() -> None:
    client = Client()
    answers = [sign_in(client, f"p{number}@meridian.example", "wrong") for number in range(31)]
    assert answers[-1].status_code in {200, 429}
    told = answers[-1].content.decode()
    assert "Too many sign-ins" in told


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "http:evil.example",
        "\t//evil.example",
    ],
)
@pytest.mark.usefixtures("ada")
def test_nobody_is_sent_to_another_site_after_signing_in(elsewhere: str) -> None:
    assert sign_in(Client(), next=elsewhere)["Location"] == "/"


@pytest.mark.usefixtures("ada")
def test_a_person_comes_back_to_the_page_they_asked_for() -> None:
    client = Client()
    form = client.get("/partners?state=active", follow=True)
    wanted = re.search(r'name="next" value="([^"]*)"', form.content.decode())
    assert wanted
    assert sign_in(client, next=wanted[1])["Location"] == "/partners?state=active"


@pytest.mark.usefixtures("ada")
def test_signing_out_takes_a_post_and_ends_the_session() -> None:
    client = Client()
    sign_in(client)
    assert client.get("/sign-out").status_code == 200
    assert client.get("/overview").status_code == 200
    assert client.post("/sign-out")["Location"] == "/sign-in"
    assert client.get("/overview").status_code == 302
    assert not Session.objects.exists()


@pytest.mark.usefixtures("ada")
def test_signing_in_changes_the_session_so_that_a_planted_one_is_worthless() -> None:
    client = Client()
    planted = client.session
    planted.save()
    client.cookies[django_settings.SESSION_COOKIE_NAME] = str(planted.session_key)
    sign_in(client)
    assert client.session.session_key != planted.session_key


@pytest.mark.usefixtures("ada")
def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites() -> None:
    client = Client()
    sign_in(client)
    cookie = client.cookies[django_settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/"
    assert cookie["max-age"] == ""


@pytest.mark.django_db
def test_nobody_signs_up_and_nothing_half_there_has_an_address() -> None:
    for name in ("account_signup", "account_reset_password", "account_email", "socialaccount_signup"):
        with pytest.raises(NoReverseMatch):
            reverse(name)
    page = Client().get("/sign-in").content.decode()
    assert set(re.findall(r'href="(/[^"#]*)"', page.partition("<body")[2])) == {"/"}
    assert not AccountAdapter().is_open_for_signup(RequestFactory().get("/"))


@rule(155, "RFC 9700", "4.16")
@pytest.mark.django_db
def test_a_form_without_its_token_is_refused_with_words() -> None:
    answer = Client(enforce_csrf_checks=True).post("/sign-in", {"login": "a@b.example", "password": "x"})
    assert answer.status_code == 403
    assert "The form was not accepted" in answer.content.decode()


@pytest.mark.parametrize(
    ("peer", "forwarded", "counted"),
    [
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "1.2.3.4, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "1.2.3.4, 198.51.100.7, 10.0.0.9", "198.51.100.7"),
        ("10.0.0.1", "", "10.0.0.1"),
    ],
)
def test_sign_ins_are_counted_by_the_address_next_to_our_own_proxies(
    settings: Any, peer: str, forwarded: str, counted: str
) -> None:
    """Attack A32: an address that the caller claims is never the one that is counted."""
    from dataclasses import replace  # noqa: PLC0415
    from ipaddress import ip_network  # noqa: PLC0415

    settings.HANDOVER = replace(settings.HANDOVER, trusted_proxies=(ip_network("10.0.0.0/8"),))
    request = AsyncRequestFactory().get("/sign-in")
    fields = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    request.scope = {**request.scope, "client": (peer, 1234), "headers": fields}
    assert AccountAdapter().get_client_ip(request) == counted


def test_without_an_address_there_is_no_count_and_no_sign_in() -> None:
    request = RequestFactory(REMOTE_ADDR="").post("/sign-in")
    with pytest.raises(PermissionDenied):
        AccountAdapter().get_client_ip(request)


@pytest.mark.django_db
def test_the_demo_says_where_its_sign_ins_are_and_other_installations_do_not(settings: Any) -> None:
    from dataclasses import replace  # noqa: PLC0415

    assert "demo-info" not in Client().get("/sign-in").content.decode()
    settings.HANDOVER = replace(settings.HANDOVER, demo=True)
    assert "demo-info" in Client().get("/sign-in").content.decode()


@pytest.mark.django_db
def test_the_roles_exist_as_groups() -> None:
    from django.contrib.auth.models import Group  # noqa: PLC0415

    assert set(Group.objects.values_list("name", flat=True)) == set(Role)


@pytest.mark.django_db
def test_a_sign_in_that_failed_is_written_with_the_account_that_was_meant_and_no_name_of_nobody() -> None:
    ada = person(Role.AUDITOR, "ada@meridian.example")
    for login in ("ADA@meridian.example", "hunter2@typed.wrong"):
        assert Client().post("/sign-in", {"login": login, "password": "wrong"}).status_code == 200
    first, second = Event.objects.filter(kind="person.sign_in_failed").order_by("id")
    assert f'"person":"{ada.pk}"' in first.canonical
    assert "hunter2" not in second.canonical
    assert (first.actor, second.actor) == ("client:", "client:")


@pytest.mark.django_db
def test_whoever_guesses_from_one_address_or_from_many_writes_few_events() -> None:
    for number in range(60):
        failures.note("198.51.100.7", f"guess{number}@meridian.example")
    assert Event.objects.filter(kind="person.sign_in_failed").count() == failures.OF_ADDRESS + 1
    for number in range(200):
        failures.note(f"198.51.{number}.8", "ada@meridian.example")
    assert Event.objects.filter(kind="person.sign_in_failed").count() <= failures.OF_ALL + 2


@pytest.mark.django_db
def test_without_a_count_nothing_is_written_and_nobody_notices(settings: Any) -> None:
    dead = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    alive, settings.CACHES = settings.CACHES, {"default": dead}
    failures.note("198.51.100.7", "ada@meridian.example")
    settings.CACHES = alive
    assert not Event.objects.exists()
