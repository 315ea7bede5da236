"""The overview: figures that are counted, concerns that are real, changes that happened."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from audit import person_events, spans
from audit.models import OutcomeOfHour
from audit.selectors import Outcome
from audit.tallies import tally, tally_of_all
from exchange.models import Alert
from partners import models
from partners.attention import Concern, attention
from portal.overview.figures import figures, hours_until
from tests.portal import happenings
from tests.portal.organisation import partner

if TYPE_CHECKING:
    from django.test import Client

    from tests.portal.organisation import Organisation

MAX_QUERIES = 12


def words(page: str) -> str:
    """What a person reads: the text, without markup and with single spaces."""
    return " ".join(re.sub(r"<[^>]*>", " ", page.partition("<main")[2]).split())


@pytest.mark.usefixtures("organisation")
def test_the_figures_are_those_of_the_trail(browser: Client) -> None:
    now = timezone.now()
    hours = hours_until(now)
    day = figures(tally(hours), hours)
    read = words(browser.get("/overview").content.decode())
    assert f"Granted {day.totals['granted']} tokens issued" in read
    assert f"Refused {day.totals['refused']} " in read
    assert f"Failed {day.totals['failed']} recorded" in read
    assert "Partners 2 of 4" in read


@pytest.mark.django_db
def test_the_day_of_all_partners_is_summed_up_where_it_lies() -> None:
    hours = hours_until(timezone.now())
    for name, count in (("kestrel", 3), ("fjord", 2), ("alder", 1)):
        for number in range(count):
            happenings.granted(
                partner(name) if not number else models.Partner.objects.get(slug=name), at=hours[number + 2]
            )
    happenings.refused(None, at=hours[5], reason="client.unknown")
    counted, each = tally_of_all(hours, busiest=2), tally(hours)
    summed, expected = figures(counted.tallies, hours), figures(each, hours)
    assert (summed.granted, summed.refused, summed.reasons) == (expected.granted, expected.refused, expected.reasons)
    assert summed.partners == expected.partners[:2]
    assert counted.partners == 3
    spans.count_spans(timezone.now())
    assert OutcomeOfHour.objects.count() == 7, "three hours of each, one of nobody"
    recounted = tally_of_all(hours, busiest=2)
    assert (set(recounted.tallies), recounted.partners) == (set(counted.tallies), 3)
    assert set(tally(hours)) == set(each)


@pytest.mark.django_db
def test_each_event_is_counted_once_in_its_hour_for_its_partner() -> None:
    now = timezone.now()
    hours = hours_until(now)
    kestrel, fjord = partner("kestrel"), partner("fjord")
    happenings.granted(kestrel, at=hours[3])
    happenings.granted(kestrel, at=hours[4] - timedelta(milliseconds=1))
    happenings.granted(fjord, at=hours[23])
    happenings.refused(fjord, at=hours[23], reason="token.expired")
    happenings.refused(None, at=hours[10], reason="server.internal")
    happenings.granted(kestrel, at=hours[0] - timedelta(milliseconds=1))
    happenings.changed(kestrel, at=hours[5])
    counts = tally(hours)
    assert sum(entry.count for entry in counts) == 5
    assert {(entry.hour, entry.outcome, entry.partner_id, entry.count) for entry in counts} == {
        (3, Outcome.GRANTED, kestrel.id, 2),
        (23, Outcome.GRANTED, fjord.id, 1),
        (23, Outcome.REFUSED, fjord.id, 1),
        (10, Outcome.FAILED, None, 1),
    }
    assert {entry.partner_id for entry in tally(hours, partners=[fjord.id])} == {fjord.id}


@pytest.mark.usefixtures("organisation")
def test_the_overview_takes_few_queries_however_much_there_is_to_show(
    browser: Client, django_assert_max_num_queries: Any
) -> None:
    browser.get("/overview")
    for number in range(8):
        extra = partner(f"extra-{number}")
        happenings.granted(extra)
        happenings.changed(extra)
    with django_assert_max_num_queries(MAX_QUERIES):
        browser.get("/overview")


@pytest.mark.usefixtures("organisation")
def test_the_chart_has_the_same_data_as_its_table(browser: Client) -> None:
    page = browser.get("/overview").content.decode()
    drawn = re.findall(r"&quot;v&quot;: \[([\d, ]*)\]", page)
    granted, refused = ([int(value) for value in series.split(",")] for series in drawn)
    table = page.partition("<details")[2].partition("</details>")[0]
    cells = [int(value) for value in re.findall(r'<td class="r num">([\d,]+)</td>', table)]
    assert granted == cells[0::3]
    assert refused == cells[1::3]
    assert sum(granted) > 0


def test_a_fresh_installation_says_what_to_do_first(browser: Client) -> None:
    page = browser.get("/overview").content.decode()
    assert "No partners yet" in page
    assert "manage.py apply -f FILE" in page
    assert "<ho-chart" not in page


def test_a_quiet_installation_says_that_nothing_is_wrong(browser: Client) -> None:
    partner("kestrel", name="Kestrel")
    page = browser.get("/overview").content.decode()
    for sentence in ("Nothing right now", "No exchange in the last 24 hours", "Nothing was refused", "No change yet"):
        assert sentence in page


def concerns() -> list[tuple[Concern, str]]:
    return [(item.concern, item.partner.slug) for item in attention(timezone.now())]


def source(owner: models.Partner, **fields: Any) -> models.KeySource:
    good = {"method": "jwks_uri", "location": "https://idp.example/keys", "fetched_at": timezone.now()}
    return models.KeySource.objects.create(partner=owner, **{**good, **fields})


def trust(owner: models.Partner, keys: models.KeySource, **fields: Any) -> models.FederationTrust:
    rules = [{"claim": "tenant", "operator": "exists"}]
    good = {"name": "idp", "issuer": "https://idp.example", "token_types": [], "algorithms": [], "rules": rules}
    return models.FederationTrust.objects.create(partner=owner, key_source=keys, **{**good, **fields})


@pytest.mark.django_db
def test_what_needs_attention_comes_with_the_most_pressing_first() -> None:
    now, hour = timezone.now(), timedelta(hours=1)
    trust(partner("ended"), source(models.Partner.objects.get(slug="ended"), usable_until=now - hour, failures=30))
    trust(partner("ending"), source(models.Partner.objects.get(slug="ending"), usable_until=now + hour, failures=20))
    trust(partner("held"), source(models.Partner.objects.get(slug="held")), state="quarantined")
    trust(
        partner("failing"), source(models.Partner.objects.get(slug="failing"), usable_until=now + 20 * hour, failures=1)
    )
    client = models.Client.objects.create(
        partner=partner("secret"),
        client_id="c",
        client_type="confidential",
        authorization_grant_type="client-credentials",
    )
    models.ClientSecret.objects.create(client=client, slot=1, kek_id="0", digest=b"", expires_at=now + 5 * hour)
    partner("review", review_due_on=now.date())
    trust(partner("wide"), source(models.Partner.objects.get(slug="wide")), rules=[])
    assert concerns() == [
        (Concern.KEYS_ENDED, "ended"),
        (Concern.KEYS_ENDING, "ending"),
        (Concern.TRUST_QUARANTINED, "held"),
        (Concern.KEYS_FAILING, "failing"),
        (Concern.SECRET_ENDING, "secret"),
        (Concern.TRUST_UNCONDITIONAL, "wide"),
        (Concern.REVIEW_DUE, "review"),
    ]


@pytest.mark.django_db
def test_nothing_of_a_partner_that_is_out_or_of_a_trust_that_is_gone_needs_attention() -> None:
    now = timezone.now()
    out = partner("out", state="offboarded", review_due_on=now.date())
    trust(out, source(out, failures=9), rules=[])
    live = partner("live", review_due_on=(now + timedelta(days=60)).date())
    trust(live, source(live, failures=9), state="withdrawn", rules=[])
    trust(live, source(live, method="uploaded", location="", failures=0), name="two", issuer="https://two.example")
    assert concerns() == []


@pytest.mark.usefixtures("organisation")
def test_every_concern_has_words_on_the_page(browser: Client) -> None:
    read = words(browser.get("/overview").content.decode())
    assert "Fjord Analytics: keys about to end" in read
    assert "kestrel-settlement: secret ends" in read
    assert "Fjord Analytics: review due" in read
    assert "Fjord Analytics: the audience alone decides" in read


def test_an_issuer_without_an_answer_is_told_once(browser: Client, organisation: Organisation) -> None:
    Alert.objects.all().delete()
    now = timezone.now()
    for owner in (organisation.fjord, organisation.kestrel):
        detail = {"since": now.isoformat(), "why": "No.", "usable_until": now.isoformat()}
        Alert.objects.create(partner=owner, kind="unreachable", detail=detail, raised_at=now)
    read = words(browser.get("/overview").content.decode())
    assert "Kestrel Payments: The issuer gives no usable answer" in read
    assert "Fjord Analytics: keys about to end" in read
    assert "Fjord Analytics: The issuer" not in read


@pytest.mark.usefixtures("organisation")
def test_recent_changes_name_what_was_changed_and_by_whom(browser: Client) -> None:
    read = words(browser.get("/overview").content.decode())
    assert re.search(r"Mapping published: settle · kestrel .* UTC · ada@meridian\.example", read)


def test_recent_changes_hold_what_changes_peoples_rights_and_not_that_they_came_in(
    organisation: Organisation, browser: Client
) -> None:
    about = {"person": "x", "email": "mei@meridian.example"}
    for event in (person_events.PersonRoleGiven, person_events.PersonSignedIn, person_events.SignInFailed):
        happenings.write(event(data={**about, "role": "Auditor"}), happenings.ADA, at=timezone.now())
    read = words(browser.get("/overview").content.decode())
    assert "Role given" in read
    assert "Person signed in" not in read
    assert "Sign-in failed" not in read
    assert organisation.kestrel.slug == "kestrel"


@pytest.mark.usefixtures("organisation")
def test_reasons_are_counted_and_lead_to_their_exchanges(browser: Client) -> None:
    page = browser.get("/overview").content.decode()
    assert 'href="/exchanges?reason=policy.target_not_mapped"' in page
    assert "Target not mapped" in page
    assert "Store not reachable" not in page
