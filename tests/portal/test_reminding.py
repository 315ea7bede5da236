"""Reminders before anything ends: at five thresholds, once each, one letter a day and person, over real SMTP."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connections
from django.utils import timezone

from audit.models import Event
from partners import models
from partners.endings import Kind, Place, Span, endings, page
from portal.models import Reminder, ReminderLetter
from portal.reminding import gathering, sending
from portal.roles import Role
from tests import certificates
from tests.mail_server import MailServer, mail_server
from tests.portal.organisation import partner, person
from tests.portal.test_query_plans import plans

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.test import Client

MAX_QUERIES = 12
DAY = timedelta(days=1)
NOON = datetime.combine(timezone.now().date(), datetime.min.time(), UTC) + timedelta(hours=12)


@pytest.fixture(scope="module")
def listening() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def server(listening: MailServer, settings: Any) -> MailServer:
    """The mail server, empty, and Django sending through it."""
    for name, value in listening.settings().items():
        setattr(settings, name, value)
    listening.taken, listening.refused, listening.hangs_up = [], set(), False
    return listening


def client_of(owner: models.Partner, **fields: Any) -> models.Client:
    good = {"client_id": f"{owner.slug}-batch", "client_type": "confidential"}
    return models.Client.objects.create(
        partner=owner, authorization_grant_type="client-credentials", **{**good, **fields}
    )


def secret(owner: models.Partner, ends: datetime, slot: int = 1, **fields: Any) -> models.ClientSecret:
    client = models.Client.objects.filter(partner=owner, **fields).first() or client_of(owner, **fields)
    return models.ClientSecret.objects.create(client=client, slot=slot, kek_id="0", digest=b"", expires_at=ends)


@pytest.fixture
def kestrel(db: None) -> models.Partner:  # noqa: ARG001 - asked for its transaction
    """A partner with a contact and an owner."""
    sara = person(Role.PARTNER_MANAGER, "sara@meridian.example", "Sara Haddad")
    return partner("kestrel", name="Kestrel <Payments>", contact_email="IT@kestrel.example", owner=sara)


def remind(now: datetime) -> int:
    gathering.gather(now)
    return sending.send_waiting(now)


def test_each_threshold_is_told_once_however_often_the_worker_wakes_up(
    kestrel: models.Partner, server: MailServer
) -> None:
    end = NOON + 62 * DAY
    secret(kestrel, end)
    told: list[int] = []
    around = {62 - threshold + nearby for threshold in (60, 30, 14, 7, 1, 0) for nearby in (-1, 0, 1)}
    for days in sorted({0, *around}):
        for hours in (0, 3):
            before = len(server.taken)
            remind(NOON + days * DAY + timedelta(hours=hours))
            told += [(end.date() - (NOON + days * DAY).date()).days] * (len(server.taken) - before)
    assert told == [60, 60, 30, 30, 14, 14, 7, 7, 1, 1]  # the contact and the owner, each once
    assert {str(letter["To"]) for letter in server.taken} == {"it@kestrel.example", "sara@meridian.example"}


def test_after_a_time_without_workers_only_the_nearest_threshold_is_told(
    kestrel: models.Partner, server: MailServer
) -> None:
    secret(kestrel, NOON + 61 * DAY)
    assert remind(NOON + DAY) == 2
    assert remind(NOON + 55 * DAY) == 2
    assert set(Reminder.objects.values_list("threshold", flat=True)) == {60, 7}
    assert all("in 6 days" in letter.get_content() for letter in server.taken[2:])


def test_one_letter_a_day_tells_a_person_everything(kestrel: models.Partner, server: MailServer) -> None:
    fjord = partner("fjord", name="Fjord", owner=kestrel.owner, contract_ends_on=(NOON + 5 * DAY).date())
    models.Partner.objects.filter(pk=kestrel.pk).update(review_due_on=(NOON + 20 * DAY).date())
    secret(kestrel, NOON + 10 * DAY)
    assert remind(NOON) == 2
    by_person = {str(letter["To"]): letter.get_content() for letter in server.taken}
    mine, theirs = by_person["sara@meridian.example"], by_person["it@kestrel.example"]
    for words in ("Fjord: the contract", "the secret of client kestrel-batch", "its review is due", "/partners/fjord"):
        assert words in mine
    assert "Kestrel <Payments>: the secret" in theirs  # plain text: nothing is escaped in it
    assert "review" not in theirs
    assert "/partners/" not in theirs
    secret(fjord, NOON + 3 * DAY)
    assert remind(NOON + timedelta(hours=1)) == 0  # who had a letter today gets the rest tomorrow
    assert remind(NOON + DAY) == 1
    marks = {letter["Message-ID"] for letter in server.taken}
    assert len(marks) == len(server.taken) == 3
    assert {letter["Auto-Submitted"] for letter in server.taken} == {"auto-generated"}


def test_an_end_that_moves_is_an_end_of_its_own(kestrel: models.Partner, server: MailServer) -> None:
    row = secret(kestrel, NOON + 7 * DAY)
    remind(NOON)
    models.ClientSecret.objects.filter(pk=row.pk).update(expires_at=NOON + 8 * DAY)
    assert remind(NOON + DAY) == 2
    assert len(server.taken) == 4


def test_every_letter_is_in_the_trail_of_the_partner(kestrel: models.Partner, server: MailServer) -> None:
    secret(kestrel, NOON + 7 * DAY)
    remind(NOON)
    events = [json.loads(row.canonical) for row in Event.objects.filter(kind="reminder.sent")]
    assert {event["data"]["email"] for event in events} == {"it@kestrel.example", "sara@meridian.example"}
    assert events[0]["partner"] == "kestrel"
    assert events[0]["data"]["endings"] == [
        {"kind": "secret", "subject": "kestrel-batch", "ends_on": (NOON + 7 * DAY).date().isoformat(), "days": 7}
    ]
    assert len(server.taken) == 2


def test_an_address_that_is_not_taken_is_tried_again_and_keeps_nobody_waiting(
    kestrel: models.Partner, server: MailServer
) -> None:
    server.refused = {"it@kestrel.example"}
    secret(kestrel, NOON + 7 * DAY)
    assert remind(NOON) == 1
    assert remind(NOON + timedelta(minutes=1)) == 0
    server.refused = set()
    assert remind(NOON + timedelta(minutes=6)) == 1
    assert [str(letter["To"]) for letter in server.taken] == ["sara@meridian.example", "it@kestrel.example"]


def test_what_nobody_takes_for_three_days_is_given_up_and_shown(
    kestrel: models.Partner, server: MailServer, browser: Client
) -> None:
    server.refused = {"it@kestrel.example"}
    secret(kestrel, NOON + 7 * DAY)
    gathering.gather(NOON)
    hours = 0
    while ReminderLetter.objects.filter(next_try_at__isnull=False).exists():
        hours += 6
        remind(NOON + timedelta(hours=hours))
        assert hours < 100
    assert hours + 12 >= 72
    assert "not taken by the mail server" in browser.get("/ending").content.decode()


def test_a_letter_over_which_a_worker_died_is_never_sent_again_and_blocks_nobody(
    kestrel: models.Partner, server: MailServer, browser: Client
) -> None:
    secret(kestrel, NOON + 7 * DAY)
    gathering.gather(NOON)
    lost = sending.claim(NOON)
    assert lost is not None
    assert sending.send_waiting(NOON) == 1
    assert sending.send_waiting(NOON + 2 * DAY) == 0
    assert lost.email not in {str(letter["To"]) for letter in server.taken}
    ReminderLetter.objects.filter(pk=lost.pk).update(claimed_at=timezone.now() - DAY)
    assert "cut off; not known whether it left" in browser.get("/ending").content.decode()


def test_a_server_that_falls_silent_with_the_message_gets_it_no_second_time(
    kestrel: models.Partner, server: MailServer
) -> None:
    server.hangs_up = True
    secret(kestrel, NOON + 7 * DAY)
    assert remind(NOON) == 0
    assert len(server.taken) == 2
    server.hangs_up = False
    assert remind(NOON + timedelta(hours=8)) == 0
    assert len(server.taken) == 2


@pytest.mark.django_db
def test_who_is_gone_is_told_nothing_and_whom_nobody_answers_for_is_shown(server: MailServer, browser: Client) -> None:
    left = person(Role.PARTNER_MANAGER, "left@meridian.example")
    type(left).objects.filter(pk=left.pk).update(is_active=False)
    soon = (NOON + 5 * DAY).date()
    partner("orphan", name="Orphan", owner=left, contract_ends_on=soon)
    partner("gone", name="Gone", state="offboarded", contact_email="it@gone.example", contract_ends_on=soon)
    suspended = client_of(partner("still", contact_email="it@still.example"), state="suspended")
    models.ClientSecret.objects.create(client=suspended, slot=1, kek_id="0", digest=b"", expires_at=NOON + DAY)
    assert remind(NOON) == 0
    assert server.taken == []
    shown = browser.get("/ending").content.decode()
    assert "Nobody to tell: the partner has neither a contact nor an owner" in shown
    assert "Gone" not in shown


def test_two_workers_that_wake_up_together_send_each_letter_once(
    committed_database: str,  # noqa: ARG001 - commits that others see
    server: MailServer,
) -> None:
    for number in range(12):
        owner = partner(f"p{number}", contact_email=f"it@p{number}.example")
        secret(owner, NOON + 7 * DAY)
    start = threading.Barrier(3)

    def work() -> None:
        start.wait()
        remind(NOON)
        connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    remind(NOON)
    assert sorted(str(letter["To"]) for letter in server.taken) == sorted(f"it@p{n}.example" for n in range(12))


def ends(found: Any) -> list[tuple[str, str]]:
    return [(ending.kind, ending.partner.slug) for ending in found]


@pytest.mark.django_db
def test_what_ends_comes_from_every_source_the_soonest_first() -> None:
    authority = certificates.Authority("kestrel clients")
    one = partner("one", trust_anchors=authority.pem, contract_ends_on=(NOON + 3 * DAY).date())
    secret(one, NOON + 2 * DAY)
    partner("two", review_due_on=(NOON - 30 * DAY).date())
    until = NOON + 4000 * DAY
    found = endings(Span(now=NOON, until=until))
    assert ends(found) == [("review", "two"), ("anchor", "one"), ("secret", "one"), ("contract", "one")]
    assert "kestrel clients" in found[1].subject
    assert endings(Span(now=NOON, until=until, partner_id=one.id)) == found[1:]


@pytest.mark.django_db
def test_pages_of_what_ends_have_each_thing_once_also_where_many_end_together() -> None:
    for number in range(70):
        row = partner(f"p{number}", contract_ends_on=(NOON + 3 * DAY).date(), review_due_on=(NOON + 3 * DAY).date())
        secret(row, datetime.combine((NOON + 3 * DAY).date(), datetime.min.time(), UTC))
    seen: list[tuple[str, str]] = []
    after: Place | None = None
    has_more = True
    while has_more:
        found, has_more = page(NOON, after)
        seen += ends(found)
        after = found[-1].place
    assert len(seen) == len(set(seen)) == 210


@pytest.mark.django_db
def test_the_page_follows_its_own_links_within_its_queries(browser: Client, django_assert_max_num_queries: Any) -> None:
    for number in range(60):
        secret(partner(f"p{number:02}", contact_email="it@p.example"), NOON + 5 * DAY + number * timedelta(hours=1))
    gathering.gather(NOON)
    with django_assert_max_num_queries(MAX_QUERIES):
        first = browser.get("/ending")
    assert "waits to be sent" in first.content.decode()
    further = browser.get("/ending" + first.context["next"])
    names = [row[0].partner.slug for answer in (first, further) for row in answer.context["rows"]]
    assert names == [f"p{number:02}" for number in range(60)]
    one = browser.get("/ending?partner=p07&after=nothing+that+is").context["rows"]
    assert [row[0].partner.slug for row in one] == ["p07"]
    thing = f"secret {further.context['rows'][0][0].id}"
    for instant in ("0001-01-01T00:00:00+14:00", "2026-01-01", "9999-12-31T23:59:59-14:00", "\x7f"):
        assert len(browser.get("/ending", {"after": f"{instant} {thing}"}).context["rows"]) == 50
    for far in ("0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00"):
        assert browser.get("/ending", {"after": f"{far} {thing}", "partner": "\x7f'<"}).status_code == 200


@pytest.mark.django_db
def test_what_ends_is_found_by_index() -> None:
    after = Place(ends_at=NOON, kind=Kind.CONTRACT, id=partner("kestrel").id)
    plan = plans(lambda: page(NOON, after), "bitmapscan")
    assert "Seq Scan on partners_partner " not in plan
    for index in ("client_secret_by_end", "partner_by_contract_end", "partner_by_review", "with_anchors"):
        assert index in plan


@pytest.mark.django_db
def test_letters_of_ends_long_past_are_swept() -> None:
    for age in (1, 181):
        ReminderLetter.objects.create(email="a@b.example", audience="owner", day=(NOON - age * DAY).date())
    gathering.sweep(NOON)
    assert ReminderLetter.objects.get().day == (NOON - DAY).date()
