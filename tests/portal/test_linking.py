"""One human with two accounts is one person: linked, they cannot approve what they wrote themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from audit.models import Event
from partners.humans import names_of
from partners.models import ScopeMapping
from portal.models import User
from portal.roles import Role
from tests.portal import organisation as organisations
from tests.portal.test_partner_life import make_tested, state
from tests.portal.test_partner_mappings import present, save

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from tests.portal.organisation import Organisation

    SignIn = Callable[[Role | None], Client]

MANAGER = "somebody.partner.manager@meridian.example"
ADMIN = "somebody.security.admin@meridian.example"


def link(browser: Client, email: str, other: str) -> int:
    """What came of linking two accounts by the page."""
    address = f"/people/{User.objects.get(email=email).pk}/accounts/link"
    status: int = browser.post(address, {"email": other}).status_code
    return status


@pytest.fixture
def second(organisation: Organisation, signed_in: SignIn) -> Client:  # noqa: ARG001 - asked for its partners
    """Another security admin, who links accounts."""
    browser = signed_in(Role.SECURITY_ADMIN)
    User.objects.filter(email=ADMIN).update(email="linker@meridian.example")
    return browser


def test_the_other_account_of_the_author_publishes_nothing(second: Client, signed_in: SignIn) -> None:
    manager, admin = signed_in(Role.PARTNER_MANAGER), signed_in(Role.SECURITY_ADMIN)
    assert save(admin).status_code == 302
    address = "/partners/kestrel/mappings/settle"
    assert "Publish version 4" in manager.get(f"{address}/versions").content.decode()
    assert link(second, MANAGER, ADMIN) == 302
    page = manager.get(f"{address}/versions").content.decode()
    assert "You wrote this draft, so somebody else publishes it." in page
    assert "Publish version 4</button>" not in page
    refused = manager.post(f"{address}/publish", {"stamp": present().stamp})
    assert refused.status_code == 409
    assert "somebody else has to publish settle" in refused.content.decode()
    assert second.post(f"{address}/publish", {"stamp": present().stamp}).status_code == 302
    assert ScopeMapping.objects.get(name="settle", state="published").version == 4


def test_the_other_account_of_whoever_registered_it_activates_nothing(
    organisation: Organisation, second: Client, signed_in: SignIn
) -> None:
    manager = signed_in(Role.PARTNER_MANAGER)
    organisations.person(Role.AUDITOR, ADMIN)
    make_tested(organisation, registered_by=ADMIN)
    assert link(second, ADMIN, MANAGER) == 302
    assert "You registered it" in manager.get("/partners/kestrel/acts/activate").content.decode()
    assert manager.post("/partners/kestrel/acts/activate").status_code == 409
    assert state("kestrel") == "tested"
    account = User.objects.get(email=ADMIN)
    assert second.post(f"/people/{account.pk}/accounts/unlink").status_code == 302
    assert manager.post("/partners/kestrel/acts/activate").status_code == 302


def test_links_join_whole_groups_and_come_apart_one_by_one_with_an_event_each(second: Client) -> None:
    people = [organisations.person(None, f"{name}@meridian.example") for name in "abcd"]
    emails = {person.email for person in people}
    for one, other in (("a", "b"), ("c", "d"), ("d", "a"), ("b", "c")):
        assert link(second, f"{one}@meridian.example", f"{other.upper()}@meridian.example") == 302
    assert names_of(["user:b@meridian.example", "client:x"]) == {"client:x"} | {f"user:{email}" for email in emails}
    canonical = User.objects.get(email__in=emails, person=None)
    assert second.post(f"/people/{canonical.pk}/accounts/unlink").status_code == 302
    assert names_of([f"user:{canonical}"]) == {f"user:{canonical}"}
    rest = {f"user:{email}" for email in emails - {canonical.email}}
    assert names_of([rest.pop()]) >= rest
    kinds = list(Event.objects.filter(kind__startswith="person.account").order_by("id").values_list("kind", flat=True))
    assert kinds == ["person.accounts_linked"] * 3 + ["person.account_unlinked"]


def test_nobody_changes_whose_accounts_are_their_own(second: Client) -> None:
    organisations.person(None, "a@meridian.example")
    assert link(second, "linker@meridian.example", "a@meridian.example") == 409
    assert link(second, "a@meridian.example", "linker@meridian.example") == 409
    own = User.objects.get(email="linker@meridian.example")
    assert second.post(f"/people/{own.pk}/accounts/unlink").status_code == 409
    assert link(second, "a@meridian.example", "nobody@meridian.example") == 409
    assert link(second, "a@meridian.example", "a@meridian.example") == 409
    assert not User.objects.exclude(person=None).exists()
