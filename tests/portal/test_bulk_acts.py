"""Several partners at once: each one's consequence first, all or nothing for each, and an event for each."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from audit.models import Event
from partners.models import Partner
from portal.partner_pages.bulk import MOST
from portal.roles import Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from tests.portal.organisation import Organisation

    SignIn = Callable[[Role | None], Client]

ADDRESS = "/change-partners"


@pytest.fixture
def manager(organisation: Organisation, signed_in: SignIn) -> Client:  # noqa: ARG001 - asked for its partners
    """A partner manager's browser."""
    return signed_in(Role.PARTNER_MANAGER)


def states() -> dict[str, str]:
    return dict(Partner.objects.values_list("slug", "state"))


def test_what_happens_is_shown_for_each_and_done_to_those_it_can_be_done_to(
    manager: Client, django_assert_max_num_queries: Any
) -> None:
    listed = manager.get("/partners").content.decode()
    assert 'name="partner" value="kestrel"' in listed
    chosen = {"act": "suspend", "partner": ["kestrel", "fjord", "alder", "orbit", "nobody"]}
    with django_assert_max_num_queries(12):
        page = manager.get(ADDRESS, chosen)
    words = page.content.decode()
    assert "Its exchanges stop at the next request" in words
    assert "A partner that is suspended cannot be suspended." in words
    assert "A partner that is draft cannot be suspended." in words
    assert "Not registered here: nobody." in words
    assert "Suspend: 2 partners" in words
    before = Event.objects.filter(kind="partner.suspended").count()
    answer = manager.post(ADDRESS, chosen, follow=True)
    assert states() == {"alder": "suspended", "fjord": "suspended", "kestrel": "suspended", "orbit": "draft"}
    assert Event.objects.filter(kind="partner.suspended").count() == before + 2
    told = answer.content.decode()
    assert "Suspend: done to 2 partners." in told
    assert "orbit: A partner that is draft cannot be suspended." in told
    assert manager.post(ADDRESS, chosen).status_code == 409
    manager.post(ADDRESS, {"act": "reinstate", "partner": ["kestrel"]})
    assert states()["kestrel"] == "active"


def test_an_owner_and_a_review_are_set_and_nothing_else_of_the_partner_changes(
    manager: Client, organisation: Organisation
) -> None:
    owner, day = organisation.people[Role.SECURITY_ADMIN], (timezone.now() + timedelta(days=30)).date()
    chosen = {"partner": ["kestrel", "fjord"]}
    assert "Sara Haddad answers for it now." in manager.get(ADDRESS, {**chosen, "act": "owner"}).content.decode()
    assert manager.post(ADDRESS, {**chosen, "act": "owner", "owner": owner.email}).status_code == 302
    assert manager.post(ADDRESS, {**chosen, "act": "review", "review_due_on": day.isoformat()}).status_code == 302
    for row in Partner.objects.filter(slug__in=chosen["partner"]):
        assert (row.owner, row.review_due_on, row.state) == (owner, day, "active")
    assert Partner.objects.get(slug="kestrel").purpose == "Settles card payments into our ledger."
    told = json.loads(Event.objects.order_by("id").values_list("canonical", flat=True).last() or "")
    assert set(told["data"]["fields"]) == {"review_due_on"}
    again = manager.post(ADDRESS, {**chosen, "act": "owner", "owner": owner.email})
    assert (again.status_code, "It is so already" in again.content.decode()) == (409, True)


def test_what_is_wrong_is_said_and_nothing_is_done(manager: Client) -> None:
    chosen = {"partner": ["kestrel"]}
    for fields, words in (
        ({"act": "owner", "owner": ""}, "New owner is empty. Fill it in."),
        ({"act": "review", "review_due_on": "soon"}, "no day of the calendar came"),
        ({"act": "review"}, "Day of the review is empty."),
    ):
        answer = manager.post(ADDRESS, {**chosen, **fields})
        assert (answer.status_code, words, words in answer.content.decode()) == (422, words, True)
    stranger = manager.post(ADDRESS, {**chosen, "act": "owner", "owner": "nobody@nowhere.example"})
    assert (stranger.status_code, "the e-mail address of an account here" in stranger.content.decode()) == (409, True)
    assert manager.post(ADDRESS, {**chosen, "act": "explode"}).status_code == 404
    nothing = manager.get(ADDRESS, {"act": "suspend"}, follow=True).content.decode()
    assert "No partner was chosen" in nothing


@pytest.mark.usefixtures("organisation")
def test_who_only_reads_chooses_nothing(signed_in: SignIn) -> None:
    browser = signed_in(Role.AUDITOR)
    assert 'name="partner"' not in browser.get("/partners").content.decode()
    assert browser.post(ADDRESS, {"act": "suspend", "partner": ["kestrel"]}).status_code == 403
    assert states()["kestrel"] == "active"


def registered(count: int, *, state: str = "active") -> list[str]:
    slugs = [f"bulk-{number:03}" for number in range(count)]
    Partner.objects.bulk_create(Partner(slug=slug, name=f"Bulk {slug}", state=state) for slug in slugs)
    return slugs


def shown(page: str) -> list[str]:
    """The partners that the button of the page would change."""
    return re.findall(r'name="partner" value="([a-z0-9-]+)">', page)


def test_all_that_match_are_shown_one_by_one_and_only_those_are_changed(
    manager: Client, django_assert_max_num_queries: Any
) -> None:
    slugs = registered(70)
    with django_assert_max_num_queries(12):
        listed = manager.get("/partners", {"q": "bulk", "state": "active"}).content.decode()
    assert "Show it for all 70 that match" in listed
    assert listed.count('class="tick"') == 50
    asked = {"act": "suspend", "all": "yes", "q": "bulk", "state": "active", "partner": ["kestrel"]}
    with django_assert_max_num_queries(12):
        page = manager.get(ADDRESS, asked).content.decode()
    assert shown(page) == slugs
    assert "Suspend: 70 partners" in page
    assert "Whoever comes to match later is not among them" in page
    Partner.objects.create(slug="bulk-late", name="Bulk late", state="active")
    Partner.objects.filter(slug="bulk-007").update(state="suspended")
    answer = manager.post(ADDRESS, {**asked, "partner": shown(page)}, follow=True)
    assert "Suspend: done to 69 partners." in answer.content.decode()
    assert "bulk-007: A partner that is suspended cannot be suspended." in answer.content.decode()
    assert states()["bulk-late"] == states()["kestrel"] == "active"
    assert {states()[slug] for slug in slugs} == {"suspended"}


def test_a_filter_alone_changes_nobody(manager: Client) -> None:
    before = states()
    answer = manager.post(ADDRESS, {"act": "suspend", "all": "yes", "state": "active"}, follow=True)
    assert "No partner was chosen" in answer.content.decode()
    for ask, fields in ((manager.get, {"all": "yes", "q": "nobody"}), (manager.post, {"partner": ["kes\x00trel"]})):
        nobody = ask(ADDRESS, {"act": "suspend", **fields}, follow=True)
        assert "No partner was chosen" in nobody.content.decode()
    assert states() == before


def test_more_than_can_be_judged_at_once_are_not_changed_at_once(manager: Client) -> None:
    slugs = registered(MOST + 1)
    listed = manager.get("/partners", {"q": "bulk"}).content.decode()
    assert f"More than {MOST} partners match" in listed
    assert "Show it for all" not in listed
    for ask in (manager.get, manager.post):
        answer = ask(ADDRESS, {"act": "suspend", "all": "yes", "q": "bulk", "partner": slugs}, follow=True)
        assert f"More than {MOST} partners were chosen, so nothing was done." in answer.content.decode()
    assert "suspended" not in {states()[slug] for slug in slugs}
    assert shown(manager.get(ADDRESS, {"act": "suspend", "partner": slugs[:MOST]}).content.decode()) == slugs[:MOST]


def test_those_it_could_not_be_done_to_are_told_by_name_and_then_by_number(manager: Client) -> None:
    slugs = registered(12, state="draft")
    told = manager.post(ADDRESS, {"act": "suspend", "partner": ["kestrel", *slugs]}, follow=True).content.decode()
    assert "bulk-004: A partner that is draft cannot be suspended." in told
    assert "bulk-005: " not in told
    assert "And 7 more, left as they are." in told


def test_where_there_is_one_partner_all_is_no_other_choice(manager: Client) -> None:
    assert "Show it for all" not in manager.get("/partners", {"q": "kestrel"}).content.decode()
    assert re.search(r"Show it for all \d partners", manager.get("/partners").content.decode())
