"""Without script our people's forms are sent by their own buttons, and what they bring about is in the database."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from exchange.models import GoldenToken
from partners.models import Client as ClientRow
from partners.models import FederationTrust
from portal.models import BackTest, Invitation, PartnerAdmin, Proposal, RoleGrant, Shadow, User
from portal.roles import Role
from tests.e2e import changeable
from tests.e2e.changeable import DUNLIN, TERN
from tests.portal import organisation as organisations
from tests.portal.test_consents import lend
from tests.portal.windows import Window, written
from tests.signers import make_key, public_jwks

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from tests.portal.organisation import Organisation

    SignIn = Callable[[Role | None], Client]

JWKS = json.dumps(public_jwks(make_key("ES256")))


@pytest.fixture
def window(whole: Organisation, signed_in: SignIn) -> Window:  # noqa: ARG001 - asked for what is in it
    """A security admin's."""
    return Window(signed_in(Role.SECURITY_ADMIN))


def test_a_draft_is_tried_and_runs_in_shadow_until_it_is_stopped(window: Window) -> None:
    window.open(f"/simulator/back-test/{DUNLIN}/tested")
    window.press("Try the draft", "simulator-back-test")
    assert BackTest.objects.count() == 1
    window.open(f"/simulator/shadow/{DUNLIN}/shadowed")
    window.press("in shadow", "simulator-shadow-start")
    assert Shadow.objects.get().ended_at is None
    window.press("Stop the shadow", "simulator-shadow-stop")
    assert Shadow.objects.get().ended_at


def test_a_request_is_tried_and_kept_as_a_golden_token_which_is_tried_renamed_and_deleted(window: Window) -> None:
    window.open("/simulator")
    claims = json.dumps({"iss": "https://idp.kestrel.example"})
    window.press("Try the request", "simulator", claims=claims, client="kestrel-settlement")
    assert window.shows("The request would be refused")
    window.press("Keep as golden token", "simulator-case-save", name="Bare claims are refused")
    kept = GoldenToken.objects.get()
    GoldenToken.objects.update(checked_at=kept.checked_at - timedelta(days=1))
    window.press("Try it again", "simulator-case-run")
    assert GoldenToken.objects.get().checked_at >= kept.checked_at
    window.press("Rename it", "simulator-case-rename", name="Nothing but an issuer")
    assert GoldenToken.objects.get().name == "Nothing but an issuer"
    window.press("Delete the golden token", "simulator-case-delete")
    assert GoldenToken.objects.count() == 0


def test_a_person_is_invited_given_and_taken_a_role_and_the_account_closed_and_opened(window: Window) -> None:
    window.open("/people/invite")
    with written("person.invited"):
        window.press("Send the invitation", "people-invite", email="ivo.novak@meridian.example", name="Ivo Novak")
    ivo = User.objects.get(email="ivo.novak@meridian.example")
    window.open(f"/people/{ivo.pk}")
    with written("person.role_given"):
        window.press("Give the role", "people-give", role="Approver")
    assert list(RoleGrant.objects.filter(user=ivo).values_list("role", flat=True)) == ["Approver"]
    with written("person.role_taken"):
        window.press("Take the role Approver", "people-take")
    assert not ivo.groups.exists()
    with written("person.link_sent"):
        window.press("Mail a sign-in link", "people-link")
    with written("person.disabled"):
        window.press("Close the account", "people-disable")
    with written("person.enabled"):
        window.press("Open the account", "people-enable")
    ivo.refresh_from_db()
    assert ivo.is_active


def test_accounts_of_one_human_are_linked_and_a_persons_sessions_and_consents_end(
    window: Window, whole: Organisation
) -> None:
    engineer, approver = whole.people[Role.ENGINEER], whole.people[Role.APPROVER]
    theirs = Window()
    theirs.open("/sign-in")
    theirs.press("Sign in", "account_login", login=engineer.email, password=organisations.PASSWORD)
    lend(engineer, ClientRow.objects.get(client_id="kestrel-settlement"))
    window.open(f"/people/{engineer.pk}")
    with written("person.sessions_ended"):
        window.press("End 1 session", "people-sessions")
    with written("person.consent_withdrawn"):
        window.press("Withdraw the access of", "people-consent-withdraw")
    with written("person.accounts_linked"):
        window.press("Link the account", "people-account-link", email=approver.email)
    assert window.shows(approver.email)
    with written("person.account_unlinked"):
        window.press("Unlink this account", "people-account-unlink")
    theirs.open("/account")
    assert theirs.address.startswith("/sign-in")


def test_a_partners_people_are_invited_sent_away_and_answered(window: Window) -> None:
    window.open(f"/partners/{DUNLIN}/people/invite")
    with written("invite.sent"):
        window.press("Send the invitation", "partners-people-invite")
    window.open(f"/partners/{DUNLIN}/people")
    with written("invite.revoked"):
        window.press("Revoke", "partners-people-revoke")
    assert Invitation.objects.get(partner__slug=DUNLIN).revoked_at
    window.open("/partners/kestrel/people")
    with written("person.disabled"):
        window.press("Close the account", "partners-people-close")
    assert not PartnerAdmin.objects.get(partner__slug="kestrel").user.is_active
    tern = Proposal.objects.get(pk=changeable.PROPOSAL)
    again = Proposal.objects.create(partner=tern.partner, trust="tern-two", fields=tern.fields, author=tern.author)
    window.open(f"/partners/{TERN}/people/proposals/{again.pk}")
    with written("proposal.declined"):
        window.press("Decline the proposal", "partners-proposal-decline", answer="Not this one.")
    fields = {"issuer": "https://new.tern.example", "jwks": json.loads(JWKS), "algorithms": ["ES256"]}
    Proposal.objects.filter(pk=tern.pk).update(trust="tern-new", fields=fields)
    window.open(f"/partners/{TERN}/people/proposals/{tern.pk}")
    with written("proposal.approved"):
        window.press("Approve the proposal", "partners-proposal-approve")
    assert FederationTrust.objects.get(name="tern-new").issuer == "https://new.tern.example"


def test_lists_are_narrowed_by_their_buttons(window: Window) -> None:
    for page, button, name, typed in (
        ("/partners", "Show partners", "partners", {"q": "fjo"}),
        ("/people", "Show people", "people", {"q": "nobody.of.this"}),
        ("/exchanges", "Show exchanges", "exchanges", {"outcome": "failed"}),
        ("/access", "Show access", "access", {}),
        ("/access/who", "Show who", "access-who", {"target": "ledger-api"}),
        ("/search", "Search", "search", {"q": "kestrel"}),
    ):
        window.open(page)
        window.press(button, name, **typed)
        assert (window.status, all(text in window.address for text in typed.values())) == (200, True)
