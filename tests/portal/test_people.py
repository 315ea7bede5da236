"""People: the list, one of them, roles given and taken, accounts closed, invitations by mail; and the rules of it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import Event
from partners.changes import changing
from portal.mail import letters
from portal.models import RoleGrant, SignInLink, User
from portal.people import acts, lists
from portal.people.events import actor_of
from portal.roles import Role
from portal.tasks import clear_sessions
from tests.portal.organisation import PASSWORD, person
from tests.portal.test_query_plans import plans

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_QUERIES = 12
SARA = "sara@meridian.example"


@pytest.fixture(autouse=True)
def _no_counts_from_before(db: None) -> Iterator[None]:  # noqa: ARG001 - asked for its transaction
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def sara() -> User:
    """The one security admin there is."""
    return person(Role.SECURITY_ADMIN, SARA, "Sara Haddad")


@pytest.fixture
def browser(sara: User) -> Client:
    """Hers."""
    return signed_in(sara)


def signed_in(user: User) -> Client:
    client = Client()
    assert client.post("/sign-in", {"login": user.email, "password": PASSWORD}).status_code == 302
    return client


def kinds() -> list[str]:
    return list(Event.objects.order_by("id").values_list("kind", flat=True))


def refusal_in(answer: Any) -> str:
    assert answer.status_code == 409
    found = re.search(r'role="alert".*?<div class="grow">([^<]*)', answer.content.decode(), re.DOTALL)
    assert found
    return found[1]


def test_the_list_shows_everybody_with_roles_and_narrows_by_text_role_and_state(browser: Client) -> None:
    lena = person(Role.ENGINEER, "lena@meridian.example", "Lena <b>Fischer")
    person(None, "zoe@meridian.example", "Zoe")
    User.objects.filter(email="zoe@meridian.example").update(is_active=False)
    page = browser.get("/people").content.decode().partition('id="results"')[2]
    assert page.index("lena@") < page.index("sara@") < page.index("zoe@")
    assert "Lena &lt;b&gt;Fischer" in page
    assert f"/people/{lena.pk}" in page
    narrowed = browser.get("/people?q=FISCHER&role=Engineer&state=open").content.decode()
    assert "lena@" in narrowed
    assert "sara@meridian.example</span>" not in narrowed
    assert "zoe@" in browser.get("/people?state=closed").content.decode()
    assert "Nobody matches" in browser.get("/people?q=nobody\x00here").content.decode()


def test_the_list_is_paged_in_both_directions_with_few_queries(browser: Client) -> None:
    User.objects.bulk_create(User(email=f"p{number:03}@meridian.example") for number in range(120))
    with CaptureQueriesContext(connection) as captured:
        page = browser.get("/people").content.decode()
    assert len(captured.captured_queries) <= MAX_QUERIES
    seen = re.findall(r"p\d{3}@meridian", page)
    for direction in ("next", "next", "prev", "prev"):
        found = re.search(rf'href="(/people\?[^"]*)"[^>]*rel="{direction}"', page)
        assert found, direction
        page = browser.get(found[1].replace("&amp;", "&")).content.decode()
        seen += re.findall(r"p\d{3}@meridian", page)
    assert len(set(seen)) == 120


@pytest.mark.parametrize("wanted", [lists.Wanted(), lists.Wanted(text="p")])
@pytest.mark.usefixtures("sara")
def test_the_list_comes_out_of_its_index_in_order(wanted: lists.Wanted) -> None:
    plan = plans(lambda: lists.people(wanted), "sort", "bitmapscan")
    assert "user_email_is_one_person" in plan
    assert "->  Sort" not in plan


def test_a_role_is_given_and_taken_with_who_did_it_and_an_event_each(browser: Client) -> None:
    lena = person(None, "lena@meridian.example", "Lena")
    address = f"/people/{lena.pk}"
    assert browser.post(f"{address}/roles/give", {"role": "Auditor"})["Location"] == address
    page = browser.get(address).content.decode()
    assert f"Given by {SARA} on" in page
    assert signed_in(lena).get("/overview").status_code == 200
    browser.post(f"{address}/roles/give", {"role": "Auditor"})
    assert browser.post(f"{address}/roles/take", {"role": "Auditor"})["Location"] == address
    assert signed_in(lena).get("/overview").status_code == 403
    changes = [kind for kind in kinds() if "role" in kind]
    assert changes == ["person.role_given", "person.role_taken"]
    given = Event.objects.get(kind="person.role_given")
    assert given.actor == f"user:{SARA}"
    assert str(lena.pk) in str(given.canonical)


def test_nobody_changes_their_own_rights(browser: Client, sara: User) -> None:
    person(Role.SECURITY_ADMIN, "other.admin@meridian.example")
    page = browser.get(f"/people/{sara.pk}").content.decode()
    assert "Nobody changes their own rights" in page
    assert "Take the role" not in page
    for act, form in (
        ("roles/give", {"role": "Auditor"}),
        ("roles/take", {"role": "Security admin"}),
        ("disable", {}),
        ("enable", {}),
    ):
        assert "their own rights" in refusal_in(browser.post(f"/people/{sara.pk}/{act}", form))
    assert list(sara.groups.values_list("name", flat=True)) == ["Security admin"]
    assert "person.role_given" not in kinds()


def test_the_last_security_admin_stays_one_and_can_sign_in(sara: User) -> None:
    boss = User.objects.create_superuser("boss@meridian.example", PASSWORD)
    browser = signed_in(boss)
    User.objects.filter(pk=boss.pk).update(is_active=True)
    address = f"/people/{sara.pk}"
    assert browser.post(f"{address}/roles/take", {"role": "Security admin"}).status_code == 302
    people_left = [entry.email for entry in lists.people(lists.Wanted(role="Security admin")).entries]
    assert people_left == [boss.email]
    with changing(actor_of(sara)) as change:
        for forbidden in (
            lambda: acts.take_role(change, sara, boss, Role.SECURITY_ADMIN),
            lambda: acts.disable(change, sara, boss),
        ):
            with pytest.raises(acts.NotPossible, match="last security admin"):
                forbidden()


def test_the_page_says_why_the_last_security_admin_cannot_be_closed(sara: User) -> None:
    boss = User.objects.create_superuser("boss@meridian.example", PASSWORD)
    browser = signed_in(sara)
    User.objects.filter(pk=boss.pk).update(is_superuser=False)
    assert "These are your own roles" in browser.get(f"/people/{sara.pk}").content.decode()
    other = person(Role.SECURITY_ADMIN, "third@meridian.example")
    User.objects.filter(pk=sara.pk).update(is_active=False)
    browser = signed_in(other)
    assert browser.get(f"/people/{other.pk}").status_code == 200
    assert acts.is_last_admin(other)


def test_an_account_is_closed_with_its_sessions_and_opened_again(browser: Client) -> None:
    lena = person(Role.AUDITOR, "lena@meridian.example", "Lena")
    hers = signed_in(lena)
    browser.post(f"/people/{lena.pk}/disable")
    assert hers.get("/overview").status_code == 302
    assert Client().post("/sign-in", {"login": lena.email, "password": PASSWORD})["Location"] == "/account-closed"
    assert refusal_in(browser.post(f"/people/{lena.pk}/link")).startswith("The account is closed")
    browser.post(f"/people/{lena.pk}/enable")
    assert signed_in(lena).get("/overview").status_code == 200
    assert [kind for kind in kinds() if kind in {"person.disabled", "person.enabled", "person.sessions_ended"}] == [
        "person.disabled",
        "person.sessions_ended",
        "person.enabled",
    ]


def test_sessions_of_somebody_are_ended_by_an_admin(browser: Client) -> None:
    lena = person(Role.AUDITOR, "lena@meridian.example")
    hers = signed_in(lena)
    assert "End 1 session" in browser.get(f"/people/{lena.pk}").content.decode()
    browser.post(f"/people/{lena.pk}/sessions/end")
    assert hers.get("/overview").status_code == 302
    assert browser.get("/people").status_code == 200


def invite(browser: Client, **fields: Any) -> Any:
    form = {"email": "new@meridian.example", "name": "New Person", "chosen": ["Auditor", "Engineer"]} | fields
    return browser.post("/people/invite", form)


def link_in(message: Any) -> str:
    found = re.search(r"http://127\.0\.0\.1:8000(/welcome/[\w-]{43})\n", str(message.body))
    assert found
    return found[1]


def test_an_invited_person_gets_a_link_by_mail_that_signs_in_once(browser: Client) -> None:
    answer = invite(browser)
    made = User.objects.get(email="new@meridian.example")
    assert answer["Location"] == f"/people/{made.pk}"
    assert mail.outbox[0].to == ["new@meridian.example"]
    link = link_in(mail.outbox[0])
    theirs = Client()
    for _ in range(2):
        opened = theirs.get(link)
        assert (opened.status_code, opened["Referrer-Policy"]) == (200, "strict-origin")
        assert theirs.get("/overview").status_code == 302
    assert theirs.post(link)["Location"] == "/account"
    assert theirs.get("/overview").status_code == 200
    assert theirs.get("/account/password").status_code == 200
    for late in (Client().get(link), Client().post(link)):
        assert late.status_code == 410
        assert "This link is over" in late.content.decode()
    assert {"person.invited", "person.link_sent", "person.role_given", "person.signed_in"} <= set(kinds())
    assert all(link.rpartition("/")[2] not in str(event.canonical) for event in Event.objects.all())
    assert link.rpartition("/")[2] not in str(SignInLink.objects.values_list("digest", flat=True))


def test_a_newer_link_and_time_put_a_link_out_of_use(browser: Client) -> None:
    invite(browser)
    made = User.objects.get(email="new@meridian.example")
    browser.post(f"/people/{made.pk}/link")
    first, second = (link_in(message) for message in mail.outbox)
    assert Client().get(first).status_code == 410
    SignInLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert Client().post(second).status_code == 410
    clear_sessions()
    assert not SignInLink.objects.exists()


def test_whoever_has_a_second_factor_is_asked_for_it_behind_a_link_too(browser: Client) -> None:
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret  # noqa: PLC0415

    invite(browser)
    made = User.objects.get(email="new@meridian.example")
    TOTP.activate(made, generate_totp_secret())
    theirs = Client()
    assert theirs.post(link_in(mail.outbox[0]))["Location"] == "/sign-in/second-step"
    assert theirs.get("/account").status_code == 302


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"email": ""}, "Enter the e-mail address"),
        ({"email": "nobody"}, "This is no e-mail address."),
        ({"email": "a\r\nBcc: x@evil.example"}, "This is no e-mail address."),
        ({"email": SARA.upper()}, "Somebody has an account with this e-mail address already."),
        ({"name": ""}, "Enter the person&#x27;s name"),
        ({"name": "n" * 121}, "more than 120 characters"),
        ({"name": "a\x00b"}, "a character came that no text can hold"),
        ({"chosen": ["Partner's admin"]}, "No role has this name."),
        ({"chosen": ["root"]}, "No role has this name."),
    ],
)
def test_an_invitation_that_will_not_do_is_refused_and_keeps_what_was_typed(
    browser: Client, fields: dict[str, Any], words: str
) -> None:
    answer = invite(browser, **fields)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in page
    assert "name" in fields or 'value="New Person"' in page
    assert User.objects.count() == 1
    assert mail.outbox == []


def test_a_mail_server_that_does_not_answer_is_said_and_the_account_is_there(browser: Client, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    answer = invite(browser)
    assert answer.status_code == 503
    assert "the mail server did not take the message" in answer.content.decode()
    assert User.objects.filter(email="new@meridian.example").exists()


def test_the_demo_shows_its_mail_and_other_installations_have_no_such_page(
    browser: Client, settings: Any, tmp_path: Path
) -> None:
    from dataclasses import replace  # noqa: PLC0415

    assert browser.get("/_mail").status_code == 404
    settings.HANDOVER = replace(settings.HANDOVER, demo=True)
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path)
    assert "No mail yet" in browser.get("/_mail").content.decode()
    invite(browser, name="Zoë <Miller>")
    assert [letter.to for letter in letters()] == ["new@meridian.example"]
    page = browser.get("/_mail").content.decode()
    assert "Hello Zoë &lt;Miller&gt;," in page
    assert "/welcome/" in page


def test_what_the_directory_gives_follows_the_directory_and_what_people_gave_stays(sara: User) -> None:
    lena = person(None, "lena@meridian.example")
    with changing(actor_of(sara)) as change:
        acts.give_role(change, sara, lena, Role.AUDITOR)
        acts.follow_directory(change, lena, {Role.AUDITOR, Role.ENGINEER})
        with pytest.raises(acts.NotPossible, match="directory gives this role"):
            acts.take_role(change, sara, lena, Role.ENGINEER)
        acts.follow_directory(change, lena, {Role.APPROVER})
    assert set(lena.groups.values_list("name", flat=True)) == {"Auditor", "Approver"}
    assert {(grant.role, grant.source) for grant in RoleGrant.objects.filter(user=lena)} == {
        ("Auditor", "person"),
        ("Approver", "directory"),
    }


def test_an_empty_group_in_the_directory_locks_nobody_out(sara: User) -> None:
    boss = person(None, "boss@meridian.example")
    with changing(actor_of(sara)) as change:
        acts.follow_directory(change, boss, {Role.SECURITY_ADMIN})
        User.objects.filter(pk=sara.pk).update(is_active=False)
        acts.follow_directory(change, boss, set())
        assert acts.is_admin(boss)


@pytest.mark.parametrize(
    "address", ["/people/invite", "/people/{id}/roles/give", "/people/{id}/disable", "/people/{id}/link"]
)
def test_rights_are_changed_by_somebody_who_has_just_proven_who_they_are(browser: Client, address: str) -> None:
    lena = person(None, "lena@meridian.example")
    session = browser.session
    for record in (records := session["account_authentication_methods"]):
        record["at"] -= 301
    session["account_authentication_methods"] = records
    session.save()
    answer = browser.post(address.format(id=lena.pk), {"role": "Auditor"})
    assert answer["Location"].startswith("/account/confirm?")
    assert not RoleGrant.objects.exists()


def test_somebody_unknown_and_a_role_unknown_are_said(browser: Client) -> None:
    assert "Nobody has this account." in browser.get(f"/people/{uuid4()}").content.decode()
    lena = person(None, "lena@meridian.example")
    assert browser.post(f"/people/{lena.pk}/roles/give", {"role": "root"}).status_code == 404


def test_the_page_of_a_person_takes_few_queries(browser: Client) -> None:
    lena = person(Role.AUDITOR, "lena@meridian.example")
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(f"/people/{lena.pk}").status_code == 200
    assert len(captured.captured_queries) <= MAX_QUERIES, [query["sql"] for query in captured.captured_queries]
