"""The list of partners and the page of one: everything that is configured, and nothing that is secret."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from partners import models, overviews
from partners.overviews import TrustHealth, Wanted
from tests.portal.organisation import partner

if TYPE_CHECKING:
    from django.test import Client

    from tests.portal.organisation import Organisation

TABS = ["", "/trust", "/clients", "/mappings", "/activity"]
MAX_QUERIES = 12


def listed(page: str) -> list[str]:
    return re.findall(r'<a class="strong" href="/partners/([\w-]+)"', page)


@pytest.mark.usefixtures("organisation")
def test_the_list_shows_every_partner_by_name(browser: Client) -> None:
    page = browser.get("/partners").content.decode()
    assert listed(page) == ["alder", "fjord", "kestrel", "orbit"]
    for words in ("Healthy", "Keys about to end", "No trust", "Suspended", "Draft", "Sara Haddad"):
        assert words in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=KES", ["kestrel"]),
        ("q=analytics", ["fjord"]),
        ("state=active", ["fjord", "kestrel"]),
        ("state=active&order=-name", ["kestrel", "fjord"]),
        ("q=kestrel&state=suspended", []),
        ("q=%25", []),
    ],
)
@pytest.mark.usefixtures("organisation")
def test_the_list_is_searched_filtered_and_ordered(browser: Client, query: str, found: list[str]) -> None:
    page = browser.get(f"/partners?{query}").content.decode()
    assert listed(page) == found
    assert ("No partner matches" in page) is (not found)


@pytest.mark.parametrize("order", ["", "&order=-name"])
def test_pages_of_the_list_follow_each_other_without_gap_or_repetition(browser: Client, order: str) -> None:
    names = [f"{letter}{number:02}" for number in range(28) for letter in ("Alpha ", "beta ", "Alpha ", "gamma ")]
    models.Partner.objects.bulk_create(
        models.Partner(slug=f"p-{at:03}", name=name, state="active") for at, name in enumerate(names)
    )
    address, pages = f"/partners?{order}", []
    while address:
        page = browser.get(address).content.decode()
        pages.append(listed(page))
        link = re.search(r'href="([^"]*)"[^>]*rel="next"', page)
        address = link[1].replace("&amp;", "&") if link else ""
    assert [len(slugs) for slugs in pages] == [50, 50, 12]
    shown = [slug for slugs in pages for slug in slugs]
    expected = sorted(range(len(names)), key=lambda at: (names[at].lower(), at), reverse=bool(order))
    assert shown == [f"p-{at:03}" for at in expected]
    back = re.search(r'href="([^"]*)"[^>]*rel="prev"', page)
    assert back
    assert listed(browser.get(back[1].replace("&amp;", "&")).content.decode()) == pages[1]


@pytest.mark.usefixtures("organisation")
def test_a_page_after_a_partner_that_is_gone_starts_from_the_top() -> None:
    page = overviews.partners(Wanted(), now=timezone.now(), after="gone")
    assert [entry.slug for entry in page.entries] == ["alder", "fjord", "kestrel", "orbit"]


@pytest.mark.parametrize("address", ["/partners", *(f"/partners/kestrel{tab}" for tab in TABS)])
def test_a_page_takes_few_queries_however_much_there_is_to_show(
    organisation: Organisation, browser: Client, django_assert_max_num_queries: Any, address: str
) -> None:
    for number in range(20):
        partner(f"extra-{number}")
        client = models.Client.objects.create(
            partner=organisation.kestrel,
            client_id=f"extra-{number}",
            client_type="confidential",
            authorization_grant_type="client-credentials",
        )
        models.ClientSecret.objects.create(client=client, slot=1, kek_id="0", digest=b"")
    with django_assert_max_num_queries(MAX_QUERIES):
        assert browser.get(address).status_code == 200


@pytest.mark.usefixtures("organisation")
def test_htmx_gets_the_part_and_everybody_else_the_page(browser: Client) -> None:
    part = browser.get("/partners?q=kes", headers={"HX-Request": "true"}).content.decode()
    back = browser.get(
        "/partners", headers={"HX-Request": "true", "HX-History-Restore-Request": "true"}
    ).content.decode()
    assert "<html" not in part
    assert listed(part) == ["kestrel"]
    assert 'data-say="1 partner shown"' in part
    assert "<html" in back


@pytest.mark.usefixtures("organisation")
def test_the_trust_tab_says_whose_tokens_are_accepted_and_with_which_keys(browser: Client) -> None:
    page = browser.get("/partners/kestrel/trust").content.decode()
    source = models.KeySource.objects.get(location="https://idp.kestrel.example")
    for words in (
        "https://idp.kestrel.example/oauth2/keys",
        "tier one of gold, silver",
        "ES256",
        "up to 1 h",
        "30 s leeway",
    ):
        assert words in page
    for key in source.jwks["keys"]:
        assert key["kid"] in page
    failing = browser.get("/partners/fjord/trust").content.decode()
    assert "No answer from login.fjord.example in 5 seconds." in failing
    assert "4 failed fetches in a row" in failing


@pytest.mark.usefixtures("organisation")
def test_a_key_is_shown_by_its_rfc_7638_fingerprint(browser: Client) -> None:
    """The example of RFC 7638 section 3.1."""
    jwk = {
        "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCi"
        "FV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHz"
        "u6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU"
        "8awapJzKnqDKgw",
    }  # fmt: skip
    models.KeySource.objects.filter(location="https://idp.kestrel.example").update(jwks={"keys": [jwk]})
    assert "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" in browser.get("/partners/kestrel/trust").content.decode()


@pytest.mark.parametrize("keys", [{}, {"keys": [{"kty": "EC"}]}, {"keys": [{"kty": "unheard-of", "kid": "k"}]}])
@pytest.mark.usefixtures("organisation")
def test_a_key_set_that_cannot_be_read_is_no_fault_of_the_page(browser: Client, keys: dict[str, Any]) -> None:
    models.KeySource.objects.filter(location="https://idp.kestrel.example").update(jwks=keys)
    assert browser.get("/partners/kestrel/trust").status_code == 200


@pytest.mark.usefixtures("organisation")
def test_no_page_of_a_partner_shows_anything_secret(browser: Client) -> None:
    models.ClientSecret.objects.update(digest=bytes.fromhex("c0ffee") * 10, kek_id="feedfacefeedface")
    for tab in TABS:
        page = browser.get(f"/partners/kestrel{tab}").content.decode()
        for secret in ("c0ffee", "wP/u", "wP_u", "feedface"):
            assert secret not in page


@pytest.mark.usefixtures("organisation")
def test_the_clients_tab_tells_the_age_and_the_end_of_secrets(browser: Client) -> None:
    page = browser.get("/partners/kestrel/clients").content.decode()
    assert page.count("made just now") == 2
    assert "no end" in page
    for words in ("private_key_jwt", "kestrel-old", "Suspended", "ledger.read"):
        assert words in page


@pytest.mark.usefixtures("organisation")
def test_the_clients_tab_tells_the_name_in_a_certificate_and_the_proofs_a_client_is_held_to(browser: Client) -> None:
    page = browser.get("/partners/kestrel/clients").content.decode()
    assert page.count("san_uri spiffe://kestrel.example/settlement") == 1
    assert page.count("dpop_bound_access_tokens") == 1
    assert "requires_dpop_nonce" not in page


@pytest.mark.usefixtures("organisation")
def test_the_mappings_tab_shows_what_a_token_can_become_and_every_version(browser: Client) -> None:
    page = browser.get("/partners/kestrel/mappings").content.decode()
    assert 'id="settle-3"' in page
    assert 'id="settle-1"' in page
    first, second = page.index('id="reports"'), page.index('id="settle"')
    assert first < second < page.index('id="disputes"')
    for words in (
        "tier equals gold",
        "settle:write",
        "15 min",
        "impersonation allowed",
        "delegation only",
        "Superseded",
        "claims.level &gt; 2",
        "claims.roles.map(r, string(r))",
        "claim department",
        "claims.unit.lowerAscii()",
    ):
        assert words in page


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.usefixtures("organisation")
def test_a_partner_that_has_nothing_yet_is_told_what_comes_next(browser: Client, tab: str) -> None:
    page = browser.get(f"/partners/orbit{tab}").content.decode()
    assert 'class="empty"' in page


def test_words_of_a_partner_are_inert_on_every_page(organisation: Organisation, browser: Client) -> None:
    """Attack A35: stored script in names, errors, key ids and conditions."""
    hostile = "<script>alert(1)</script>"
    kestrel = organisation.kestrel
    kestrel.name = kestrel.purpose = f"Kestrel {hostile}"
    kestrel.save()
    models.KeySource.objects.filter(partner=kestrel).update(
        last_error=hostile, failures=2, jwks={"keys": [{"kid": hostile, "kty": hostile}]}
    )
    models.FederationTrust.objects.filter(partner=kestrel).update(
        issuer=hostile, rules=[{"claim": hostile, "operator": "exists"}, {"broken": hostile}]
    )
    models.Client.objects.filter(partner=kestrel).update(name=hostile, scopes=[hostile])
    models.ScopeMapping.objects.create(
        partner=kestrel,
        trust=kestrel.trusts.get(),
        target=models.Target.objects.earliest("name"),
        name="hostile",
        version=1,
        condition=hostile,
        scopes_expression=hostile,
        claims={hostile: hostile},
    )
    for address in ["/partners", "/overview", *(f"/partners/kestrel{tab}" for tab in TABS)]:
        page = browser.get(address).content.decode()
        assert "<script>alert" not in page
        assert "alert(1)" in page


@pytest.mark.parametrize(
    ("fields", "health"),
    [
        ({}, TrustHealth.HEALTHY),
        ({"fetched_at": None}, TrustHealth.WAITING),
        ({"failures": 1}, TrustHealth.FAILING),
        ({"failures": 1, "usable_until": timezone.now().replace(year=2020)}, TrustHealth.ENDED),
    ],
)
@pytest.mark.django_db
def test_the_list_shows_the_worst_of_a_partners_trusts(fields: dict[str, Any], health: TrustHealth) -> None:
    both = partner("both")
    for name, more in (("good", {}), ("other", fields)):
        good = {"method": "jwks_uri", "location": "https://idp.example", "fetched_at": timezone.now()}
        source = models.KeySource.objects.create(partner=both, **{**good, **more})
        models.FederationTrust.objects.create(
            partner=both, name=name, issuer=f"https://{name}.example", key_source=source, token_types=[], algorithms=[]
        )
    (entry,) = overviews.partners(Wanted(), now=timezone.now()).entries
    assert entry.health is health


@pytest.mark.usefixtures("organisation")
def test_a_client_without_a_secret_shows_who_vouches_for_it_and_which_workload_it_is(browser: Client) -> None:
    kestrel = models.Partner.objects.get(slug="kestrel")
    models.Client.objects.create(
        partner=kestrel,
        client_id="kestrel-pipeline",
        client_type="confidential",
        authorization_grant_type="client-credentials",
        client_secret="",
        methods=["workload_jwt"],
        key_source=models.KeySource.objects.create(
            partner=kestrel, method="discovery", location="https://gitlab.kestrel.example"
        ),
        workload_issuer="https://gitlab.kestrel.example",
        workload_algorithms=["RS256"],
        workload_rules=[{"claim": "project_path", "operator": "equals", "value": "kestrel/settle"}],
    )
    page = browser.get("/partners/kestrel/clients").content.decode()
    for words in ("Vouched for by", "https://gitlab.kestrel.example", "project_path equals kestrel/settle", "15 min"):
        assert words in page
    assert page.count("Keys of the platform") == 1


@pytest.mark.usefixtures("organisation")
def test_a_trust_shows_where_its_issuer_is_asked_and_nothing_of_our_secret_there(browser: Client) -> None:
    endpoint = "https://login.kestrel.example/introspect"
    sealed = {"introspection_kek_id": "f" * 16, "introspection_ciphertext": b"sealed-text"}
    models.FederationTrust.objects.filter(partner__slug="kestrel").update(introspection_endpoint=endpoint, **sealed)
    page = browser.get("/partners/kestrel/trust").content.decode()
    assert f"asked about at <code>{endpoint}</code>" in page
    assert "sealed-text" not in page
    assert "f" * 16 not in page
