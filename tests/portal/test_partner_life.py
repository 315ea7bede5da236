"""What can be done to a partner as a whole: its consequence first, by whom, and what comes of two at once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.utils import timezone

from audit.events import Actor, ActorKind, PartnerRegistered
from exchange.models import IssuedToken, TokenFamily
from partners.models import Partner
from portal.roles import Role
from tests.portal import happenings

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from tests.portal.organisation import Organisation

    SignIn = Callable[[Role | None], Client]


def state(slug: str) -> str:
    return Partner.objects.get(slug=slug).state


def issued(organisation: Organisation, *, ends_in: timedelta, **fields: Any) -> None:
    """A token that a client of Kestrel holds."""
    now = timezone.now()
    family = TokenFamily.objects.create(
        root_issuer="i", root_token_id="t", subject="s", created_at=now, expires_at=now + ends_in, **fields
    )
    IssuedToken.objects.create(
        family_id=family.id,
        event_id=uuid4(),
        client_id=uuid4(),
        partner_id=organisation.kestrel.id,
        kid="k",
        subject="s",
        audience=["a"],
        issued_at=now - timedelta(hours=1),
        expires_at=now + ends_in,
    )


def make_tested(organisation: Organisation, *, registered_by: str) -> None:
    """Kestrel as it is after its test: registered by somebody, exchanged with its own key since."""
    trust = organisation.kestrel.trusts.get()
    actor = Actor(ActorKind.USER, registered_by)
    event = PartnerRegistered(partner_id=organisation.kestrel.id, partner="kestrel", data={})
    happenings.write(event, actor, at=timezone.now() - timedelta(minutes=2))
    happenings.granted(organisation.kestrel, trust={"id": str(trust.id), "name": trust.name, "issuer": trust.issuer})
    Partner.objects.filter(slug="kestrel").update(state="tested")


def test_the_consequence_of_a_suspension_is_shown_with_real_figures(
    organisation: Organisation, browser: Client
) -> None:
    issued(organisation, ends_in=timedelta(minutes=5))
    issued(organisation, ends_in=timedelta(minutes=3))
    issued(organisation, ends_in=timedelta(minutes=3), revoked_at=timezone.now())
    issued(organisation, ends_in=timedelta(minutes=-1))
    page = browser.get("/partners/kestrel/acts/suspend").content.decode()
    assert "<dt>Live tokens</dt><dd>2, the last ends" in page
    assert "<dt>Clients</dt><dd>3</dd>" in page
    assert "Suspend Kestrel Payments</button>" in page
    assert state("kestrel") == "active"


@pytest.mark.parametrize(
    ("slug", "act", "after"),
    [("kestrel", "suspend", "suspended"), ("alder", "reinstate", "active")],
)
@pytest.mark.usefixtures("organisation")
def test_an_act_is_done_by_its_button_and_its_author_is_in_the_history(
    signed_in: SignIn, slug: str, act: str, after: str
) -> None:
    answer = signed_in(Role.PARTNER_MANAGER).post(f"/partners/{slug}/acts/{act}")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/partners/{slug}")
    assert state(slug) == after


@pytest.mark.usefixtures("organisation")
def test_offboarding_asks_for_the_short_name(browser: Client) -> None:
    wrong = browser.post("/partners/kestrel/acts/offboard", {"typed": "Kestrel"})
    assert wrong.status_code == 422
    assert "The short name that was typed is not kestrel" in wrong.content.decode()
    assert state("kestrel") == "active"
    assert browser.post("/partners/kestrel/acts/offboard", {"typed": " kestrel "}).status_code == 302
    assert state("kestrel") == "offboarded"
    assert "acts/" not in browser.get("/partners/kestrel").content.decode()


@pytest.mark.usefixtures("organisation")
def test_the_second_of_two_who_suspend_is_told_that_it_is_done(browser: Client) -> None:
    browser.post("/partners/kestrel/acts/suspend")
    again = browser.post("/partners/kestrel/acts/suspend")
    assert again.status_code == 409
    page = again.content.decode()
    assert "A partner that is suspended cannot be suspended. From there one can only" in page
    assert "Suspend Kestrel Payments</button>" not in page


def test_a_second_person_activates_a_tested_partner(organisation: Organisation, signed_in: SignIn) -> None:
    make_tested(organisation, registered_by="ada@meridian.example")
    browser = signed_in(Role.PARTNER_MANAGER)
    page = browser.get("/partners/kestrel/acts/activate").content.decode()
    assert "the exchange of kestrel-settlement for" in page
    assert browser.post("/partners/kestrel/acts/activate").status_code == 302
    assert state("kestrel") == "active"


def test_whoever_registered_it_is_told_who_else_can_activate_it(organisation: Organisation, browser: Client) -> None:
    make_tested(organisation, registered_by="somebody.security.admin@meridian.example")
    page = browser.get("/partners/kestrel/acts/activate").content.decode()
    assert "You registered it or made the last change" in page
    assert "Sara Haddad" in page
    assert "Activate Kestrel Payments</button>" not in page
    answer = browser.post("/partners/kestrel/acts/activate")
    assert answer.status_code == 409
    assert "so somebody else has to activate kestrel" in answer.content.decode()
    assert "Sara Haddad" in answer.content.decode()
    assert state("kestrel") == "tested"


@pytest.mark.usefixtures("organisation")
def test_a_draft_says_what_its_activation_takes(browser: Client) -> None:
    assert 'href="/partners/orbit/acts/activate"' in browser.get("/partners/orbit").content.decode()
    page = browser.get("/partners/orbit/acts/activate").content.decode()
    assert "Orbit Travel is in state “Draft”, and this does not lead on from there." in page
    assert browser.post("/partners/orbit/acts/activate").status_code == 409


def test_a_configured_partner_without_a_test_is_told_how_to_make_one(
    organisation: Organisation, browser: Client
) -> None:
    Partner.objects.filter(pk=organisation.kestrel.pk).update(state="configuring")
    page = browser.get("/partners/kestrel/acts/pass_test").content.decode()
    assert "It has not been tested since its trusts and mappings last changed." in page
    answer = browser.post("/partners/kestrel/acts/pass_test")
    assert answer.status_code == 409
    assert "No exchange of kestrel has been granted since" in answer.content.decode()


@pytest.mark.usefixtures("organisation")
def test_who_only_reads_finds_no_button_and_no_way_in(signed_in: SignIn) -> None:
    browser = signed_in(Role.AUDITOR)
    assert "/acts/" not in browser.get("/partners/kestrel").content.decode()
    assert browser.get("/partners/kestrel/acts/suspend").status_code == 403
    assert browser.post("/partners/kestrel/acts/suspend").status_code == 403
    assert state("kestrel") == "active"


@pytest.mark.parametrize("act", ["explode", "declare", "configure"])
@pytest.mark.usefixtures("organisation")
def test_there_is_no_page_for_an_act_that_people_do_not_do(browser: Client, act: str) -> None:
    assert browser.get(f"/partners/kestrel/acts/{act}").status_code == 404
    assert browser.post(f"/partners/kestrel/acts/{act}").status_code == 404


@pytest.mark.parametrize("act", ["suspend", "offboard", "activate"])
@pytest.mark.usefixtures("organisation")
def test_the_page_of_an_act_takes_few_queries(browser: Client, django_assert_max_num_queries: Any, act: str) -> None:
    with django_assert_max_num_queries(12):
        assert browser.get(f"/partners/kestrel/acts/{act}").status_code == 200
