"""Try a token: the step of registering that says what is missing, leads to the simulator, ends by itself."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest

from partners.models import Client as ClientRow
from partners.models import FederationTrust, KeySource, Partner, ScopeMapping, Target
from partners.trying import Tryable, Trying
from portal.explanations.words import explain
from portal.partner_pages.trying import ways
from portal.roles import Role
from tests.portal import happenings
from tests.portal.test_partner_registering import GOOD

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from tests.portal.organisation import Organisation

TRY = "/partners/kestrel/try"


@pytest.fixture
def manager(organisation: Organisation, signed_in: Callable[[Role | None], Client]) -> Client:  # noqa: ARG001
    """A partner manager's browser."""
    return signed_in(Role.PARTNER_MANAGER)


@pytest.fixture
def configuring(organisation: Organisation) -> Partner:
    """Kestrel as if it were still being registered, its ledger a test target."""
    Partner.objects.filter(slug="kestrel").update(state="configuring")
    Target.objects.filter(name="ledger-api").update(is_test=True)
    return organisation.kestrel


def step(page: str) -> str:
    """The link of the step, as the stepper shows it."""
    return page.partition('href="/partners/kestrel/try"')[0].rpartition("<li")[2]


def test_a_partner_that_has_nothing_is_told_all_that_is_missing(manager: Client) -> None:
    manager.post("/register-partner", GOOD)
    page = manager.get("/partners/lark/try").content.decode()
    for words in ("No issuer is trusted", "No mapping is in force", "No client of the partner", "Nothing to try yet"):
        assert words in page
    for place in ("trust/new", "mappings/new", "clients/new"):
        assert f'<a class="lk" href="/partners/lark/{place}"' in page


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (
            lambda: KeySource.objects.update(jwks={}),
            "No key of an issuer is held",
        ),
        (
            lambda: FederationTrust.objects.filter(partner__slug="kestrel").update(state="withdrawn"),
            "No issuer is trusted",
        ),
        (
            lambda: ClientRow.objects.filter(partner__slug="kestrel").update(state="suspended"),
            "No client of the partner may send",
        ),
        (lambda: Target.objects.update(is_test=False), "lead to real targets"),
        (
            lambda: ScopeMapping.objects.filter(partner__slug="kestrel").update(state="withdrawn"),
            "No mapping is in force",
        ),
    ],
)
def test_what_is_missing_is_named_and_the_rest_is_there(
    configuring: Partner, manager: Client, break_it: Callable[[], object], words: str
) -> None:
    whole = manager.get(TRY).content.decode()
    assert words not in whole
    break_it()
    page = manager.get(TRY).content.decode()
    assert words in page
    assert page.count(">Missing<") == whole.count(">Missing<") + 1
    assert configuring.slug == "kestrel"


def test_the_step_leads_to_the_simulator_with_everything_filled_in_and_back(
    configuring: Partner, manager: Client
) -> None:
    page = unescape(manager.get(TRY).content.decode())
    ways = re.findall(r'href="(/simulator[?]partner=[^"]*)"', page)
    simulator = unescape(manager.get(next(way for way in ways if "=kestrel-settlement&" in way)).content.decode())
    assert "A step of registering Kestrel" in simulator
    for value in ("kestrel-settlement", "https://ledger.meridian.example"):
        assert f'value="{value}"' in simulator
    assert '<a href="/partners/kestrel/try">Back to the steps' in simulator
    tried = manager.post(
        "/simulator",
        {
            "partner": configuring.slug,
            "client": "kestrel-settlement",
            "claims": "{}",
            "grant_type": happenings.TOKEN_EXCHANGE,
            "subject_token_type": happenings.ACCESS_TOKEN,
            "actor_token_type": happenings.ACCESS_TOKEN,
        },
    ).content.decode()
    assert "Back to the steps" in tried
    assert "The request would be refused" in tried


@pytest.mark.parametrize("partner", ["nobody", "<script>", "k" * 5000])
def test_a_registration_that_does_not_exist_leaves_the_simulator_as_it_is(
    configuring: Partner, manager: Client, partner: str
) -> None:
    page = manager.get(f"/simulator?partner={partner}")
    assert page.status_code == 200
    assert "A step of registering" not in page.content.decode()
    assert manager.post("/simulator", {"partner": "a\x00b"}).status_code == 422
    assert configuring.slug == "kestrel"


def test_the_step_is_done_when_the_test_exchange_is_recorded_and_open_again_after_a_change(
    configuring: Partner, manager: Client
) -> None:
    page = manager.get(TRY).content.decode()
    assert "done" not in step(page)
    assert 'hx-trigger="every 3s"' in page
    happenings.refused(configuring, reason="token.expired")
    assert (
        str(explain("token.expired").title)
        in manager.get(TRY).content.decode().partition("What its clients sent last")[2]
    )
    trust = configuring.trusts.get()
    happenings.granted(configuring, trust={"id": str(trust.id), "name": trust.name, "issuer": trust.issuer})
    page = manager.get(TRY).content.decode()
    assert "The test exchange has come." in page
    assert "done" in step(page)
    assert "hx-trigger" not in page.partition("<main")[2]
    assert 'href="/partners/kestrel/acts/pass_test"' in page
    assert "done" in step(manager.get("/partners/kestrel").content.decode())
    happenings.changed(configuring)
    assert "done" not in step(manager.get(TRY).content.decode())


def test_an_active_partner_has_the_step_behind_it(manager: Client) -> None:
    page = manager.get(TRY).content.decode()
    assert "so this step is behind it" in page
    assert "hx-trigger" not in page.partition("<main")[2]


def test_who_only_reads_sees_what_is_missing_and_no_way_to_change_it(
    configuring: Partner, signed_in: Callable[[Role | None], Client]
) -> None:
    ClientRow.objects.filter(partner=configuring).update(state="suspended")
    page = signed_in(Role.AUDITOR).get(TRY).content.decode()
    assert "No client of the partner may send" in page
    assert "/clients/new" not in page
    assert signed_in(Role.ENGINEER).get(TRY).status_code == 403


def test_every_page_of_a_partner_that_is_registered_takes_few_queries(
    configuring: Partner, manager: Client, django_assert_max_num_queries: Any
) -> None:
    for tab in ("", "/try", "/trust", "/clients", "/mappings", "/activity", "/integration"):
        with django_assert_max_num_queries(12):
            assert manager.get(f"/partners/{configuring.slug}{tab}").status_code == 200


def test_test_targets_come_first_and_each_client_has_the_mappings_that_are_for_it() -> None:
    real = Tryable(name="real", audience="https://b", is_test=False, scopes=("b.read", "b.write"), clients=None)
    test = Tryable(name="test", audience="https://a", is_test=True, scopes=(), clients=("one",))
    found = ways("lark", Trying(trusts=1, is_verifying=True, mappings=(real, test), clients=("one", "two")))
    assert [(way.client_id, way.mapping) for way in found] == [("one", "test"), ("one", "real"), ("two", "real")]
    assert found[0].href == "/simulator?partner=lark&client=one&audience=https%3A%2F%2Fa"
    assert found[1].href.endswith("&scope=b.read+b.write")
