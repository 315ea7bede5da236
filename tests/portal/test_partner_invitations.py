"""The partner's admin invited: one link, once, for their own domain; and what becomes of links that open nothing."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from audit.models import Event
from partners import models
from portal.models import Invitation, PartnerAdmin, RoleGrant, User
from portal.roles import Role
from portal.tasks import clear_sessions
from tests.portal import organisation as organisations
from tests.portal.conftest import prove

if TYPE_CHECKING:
    from collections.abc import Iterator

INVITE = "/partners/kestrel/people/invite"
MEI = "mei@kestrel.example"


@pytest.fixture(autouse=True)
def _no_counts_from_before(db: None) -> Iterator[None]:  # noqa: ARG001 - asked for its transaction
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def kestrel() -> models.Partner:
    return organisations.partner("kestrel", state="draft", contact_email="it@Kestrel.example")


@pytest.fixture
def manager(kestrel: models.Partner) -> Client:  # noqa: ARG001 - the partner that is invited
    client = Client()
    client.force_login(organisations.person(Role.PARTNER_MANAGER, name="Sara Haddad"))
    prove(client)
    return client


def invite(manager: Client, email: str = MEI) -> str:
    """Invite somebody; answers the path of the link, as the page shows it."""
    answer = manager.post(INVITE, {"email": email})
    assert answer.status_code == 200, answer.content.decode()
    found = re.search(r'id="link"[^>]*>[^<]*?(/invitation/[\w-]{43})<', answer.content.decode())
    assert found
    return found[1]


def kinds(*, about: str = "invite.") -> list[str]:
    rows = Event.objects.filter(kind__startswith=about).order_by("id")
    return list(rows.values_list("kind", flat=True))


def _is_spent(manager: Client, link: str) -> None:
    """It opens nothing more, and nothing kept says what it was."""
    assert over(Client().get(link))
    assert over(Client().post(link))
    assert kinds() == ["invite.sent", "invite.redeemed", "invite.refused"]
    token = link.rpartition("/")[2]
    assert all(token not in event.canonical for event in Event.objects.all())
    page = manager.get("/partners/kestrel/people").content.decode()
    assert "Accepted" in page
    assert token not in page


def over(answer: Any) -> bool:
    return answer.status_code == 410 and "This invitation opens nothing" in answer.content.decode()


def test_a_link_is_mailed_and_shown_once_and_lets_its_person_in_once(manager: Client, kestrel: models.Partner) -> None:
    assert "sees Kestrel and nothing else" in manager.get(INVITE).content.decode()
    link = invite(manager)
    assert mail.outbox[0].to == [MEI]
    assert link in str(mail.outbox[0].body)
    kestrel.refresh_from_db()
    assert kestrel.state == "invited"
    theirs = Client()
    for _ in range(2):
        opened = theirs.get(link)
        assert (opened.status_code, opened["Referrer-Policy"], opened["X-Robots-Tag"]) == (
            200,
            "strict-origin",
            "noindex",
        )
        assert "Sara Haddad asks mei@kestrel.example" in opened.content.decode()
    assert not User.objects.filter(email=MEI).exists()
    accepted = theirs.post(link)
    assert (accepted["Location"], accepted["Referrer-Policy"]) == ("/connect", "strict-origin")
    assert "works no more" in theirs.get("/connect").content.decode()
    assert theirs.get("/partners").status_code == 403
    _is_spent(manager, link)


def test_whoever_accepts_is_bound_to_the_partner_by_whom_they_were_invited(
    manager: Client, kestrel: models.Partner
) -> None:
    Client().post(invite(manager))
    kestrel.refresh_from_db()
    assert kestrel.state == "configuring"
    bound = PartnerAdmin.objects.get(user__email=MEI)
    assert (bound.partner_id, bound.domain) == (kestrel.pk, "kestrel.example")
    assert RoleGrant.objects.get(user=bound.user).giver == "partner.manager@meridian.example"


def test_every_link_that_opens_nothing_gets_the_same_answer_and_the_trail_says_why(manager: Client) -> None:
    ended, revoked, replaced = (invite(manager, f"{name}@kestrel.example") for name in ("old", "taken-back", "twice"))
    newest = invite(manager, "twice@kestrel.example")
    rows = {row.email: row for row in Invitation.objects.filter(revoked_at=None)}
    Invitation.objects.filter(pk=rows["old@kestrel.example"].pk).update(
        expires_at=timezone.now() - timedelta(minutes=1)
    )
    taken_back = f"/partners/kestrel/people/invitations/{rows['taken-back@kestrel.example'].pk}/revoke"
    assert manager.post(taken_back).status_code == 302
    answers = [Client().post(link) for link in (ended, revoked, replaced, "/invitation/" + "x" * 43)]
    assert all(over(answer) for answer in answers)
    assert len({re.sub(r"X-CSRFToken[^}]+", "", answer.content.decode()) for answer in answers}) == 1
    refused = Event.objects.filter(kind="invite.refused").order_by("id")
    assert [re.search(r'"why":"(\w+)"', event.canonical)[1] for event in refused] == ["ended", "revoked", "revoked"]  # type: ignore[index]
    again = manager.post(taken_back)
    assert again.status_code == 409
    assert "accepted, revoked or ended meanwhile" in again.content.decode()
    assert Client().post(newest)["Location"] == "/connect"


def test_inviting_somebody_more_sets_back_nothing_that_is_under_way(manager: Client, kestrel: models.Partner) -> None:
    for state in ("configuring", "tested", "active"):
        models.Partner.objects.update(state=state)
        Client().post(invite(manager))
        kestrel.refresh_from_db()
        assert kestrel.state == state


def test_the_end_of_an_invitation_is_written_down_once(manager: Client) -> None:
    invite(manager)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    clear_sessions()
    clear_sessions()
    assert kinds() == ["invite.sent", "invite.expired"]
    assert "Ended" in manager.get("/partners/kestrel/people").content.decode()


@pytest.mark.parametrize(
    ("email", "words"),
    [
        ("mei@kestrel.example.evil.example", "only addresses there can be invited"),
        ("mei@sub.kestrel.example", "only addresses there can be invited"),
        ("staff@kestrel.example", "has an account with this address"),
        ("nobody", "This is no e-mail address"),
        ("", "Enter the e-mail address"),
    ],
)
def test_only_a_free_address_of_the_contacts_domain_is_invited(manager: Client, email: str, words: str) -> None:
    organisations.person(Role.AUDITOR, "staff@kestrel.example")
    answer = manager.post(INVITE, {"email": email})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Invitation.objects.exists()


def test_a_partner_without_a_contact_or_that_left_invites_nobody(manager: Client, kestrel: models.Partner) -> None:
    models.Partner.objects.update(contact_email="")
    assert "No contact is known" in manager.get(INVITE).content.decode()
    assert manager.post(INVITE, {"email": MEI}).status_code == 422
    models.Partner.objects.update(contact_email=kestrel.contact_email)
    link = invite(manager)
    models.Partner.objects.update(state="offboarded")
    assert manager.post(INVITE, {"email": MEI}).status_code == 409
    assert over(Client().post(link))


def test_an_account_made_meanwhile_is_not_opened_by_an_invitation(manager: Client) -> None:
    link = invite(manager)
    organisations.person(Role.SECURITY_ADMIN, MEI)
    theirs = Client()
    assert over(theirs.post(link))
    assert theirs.get("/account").status_code == 302


def test_whoever_lost_their_ways_in_is_invited_again_to_the_account_they_have(manager: Client) -> None:
    Client().post(invite(manager))
    theirs = Client()
    assert theirs.post(invite(manager))["Location"] == "/connect"
    assert theirs.get("/connect").status_code == 200
    assert User.objects.filter(email=MEI).count() == 1


def test_a_closed_account_sees_nothing_more_and_no_invitation_opens_it(manager: Client) -> None:
    theirs = Client()
    theirs.post(invite(manager))
    person = User.objects.get(email=MEI)
    other = organisations.person(Role.ENGINEER)
    assert manager.post(f"/partners/kestrel/people/{other.pk}/close").status_code == 404
    assert manager.post(f"/partners/kestrel/people/{person.pk}/close").status_code == 302
    assert theirs.get("/connect").status_code == 302
    assert manager.post(INVITE, {"email": MEI}).status_code == 422
    assert "Closed" in manager.get("/partners/kestrel/people").content.decode()


def test_a_link_that_cannot_be_mailed_is_still_shown(manager: Client, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    answer = manager.post(INVITE, {"email": MEI})
    assert "did not take the message" in answer.content.decode()
    assert "/invitation/" in answer.content.decode()
