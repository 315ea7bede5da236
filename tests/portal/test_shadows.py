"""A draft in shadow: followed behind the endpoint, counted once, ended by itself, shown to whoever publishes."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from audit import replays
from audit.events import Actor, ActorKind
from audit.models import Event
from audit.partitions import lowest_id
from exchange.models import IssuedToken
from partners.changes import changing
from partners.models import Partner, ScopeMapping
from portal.models import BackTest, Shadow, ShadowDifference
from portal.roles import Role
from portal.simulator import shadow_lists, shadows
from portal.simulator.shadows import SETTLED, Bounds
from portal.tasks import follow_shadows
from tests.portal import bench, happenings
from tests.portal.test_back_tests import SILVER, a_week, drafted, exchanged
from tests.portal.test_query_plans import plans

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from partners.excerpts import Draft
    from tests.portal.bench import Bench

PAGE = "/simulator/shadow/kestrel/ledger"
VERSIONS = "/partners/kestrel/mappings/ledger/versions"


@pytest.fixture
def world(db: None) -> Bench:  # noqa: ARG001 - asked for its transaction
    return bench.build()


def shadowed(browser: Client, *, since: timedelta = timedelta(days=7), **fields: Any) -> Draft:
    """A draft that runs in shadow as if it had been started a while ago."""
    draft = drafted(**fields)
    assert browser.post(f"{PAGE}/start").status_code == 302
    began = timezone.now() - since
    Shadow.objects.update(started_at=began, reached=lowest_id(began))
    return draft


def running() -> Shadow:
    return Shadow.objects.get(ended_at=None)


def events(act: str) -> list[dict[str, Any]]:
    """What the audit trail says about shadows."""
    found = [json.loads(text) for text in Event.objects.order_by("id").values_list("canonical", flat=True)]
    return [one for one in found if one["data"].get("object") == "Shadow" and one["data"]["change"] == act]


def test_differences_of_real_exchanges_are_counted_and_listed(world: Bench, browser: Client) -> None:
    a_week(world)
    shadowed(browser, rules=SILVER)
    follow_shadows()
    page = browser.get(PAGE).content.decode()
    shadow = running()
    assert (shadow.counts, shadow.tried, shadow.left_out) == ({"allowed": 3, "refused": 3}, 6, 0)
    assert page.count('data-l="Effect"') == 6
    assert "refused at mapping: policy.mapping_rule_unmet" in page
    newest = ShadowDifference.objects.order_by("-event_id")[0]
    assert f'href="/exchanges/{newest.event_id}"' in page
    assert f'href="/exchanges/{shadow.last_event}"' in page
    only = browser.get(f"{PAGE}?effect=allowed").content.decode()
    assert only.count('data-l="Effect">Newly allowed') == only.count('data-l="Effect"') == 3


def test_nothing_of_the_exchange_changes_by_it(world: Bench, browser: Client) -> None:
    a_week(world)
    shadowed(browser, rules=SILVER)
    before = (Event.objects.count(), IssuedToken.objects.count())
    follow_shadows()
    assert (Event.objects.count(), IssuedToken.objects.count()) == before
    assert ScopeMapping.objects.get(name="ledger", state="published").version == 1


def test_following_twice_counts_once_and_goes_on_where_it_stood(world: Bench, browser: Client) -> None:
    a_week(world)
    shadowed(browser, rules=SILVER)
    follow_shadows()
    follow_shadows()
    assert running().tried == 6
    Shadow.objects.update(reached=lowest_id(timezone.now() - timedelta(minutes=5)))
    exchanged(world, timezone.now() - timedelta(minutes=2))
    follow_shadows()
    assert running().tried == 7
    assert running().counts == {"allowed": 3, "refused": 4}


def test_batches_of_any_size_come_to_the_same_end(world: Bench, browser: Client) -> None:
    a_week(world)
    shadowed(browser, rules=SILVER)
    shadows.follow_all(now=timezone.now(), bounds=Bounds(batch=2))
    assert (running().tried, running().left_out) == (6, 0)
    assert ShadowDifference.objects.count() == 6


def test_a_wake_up_has_an_end_and_the_next_goes_on(world: Bench, browser: Client) -> None:
    a_week(world)
    shadowed(browser, rules=SILVER)
    assert shadows.follow(running().id, now=timezone.now(), size=2)
    assert running().tried == 2
    shadows.follow_all(now=timezone.now(), bounds=Bounds(seconds=0.0))
    assert running().tried == 2
    follow_shadows()
    assert running().tried == 6


def test_what_may_not_be_committed_yet_waits(world: Bench, browser: Client) -> None:
    shadowed(browser, rules=SILVER)
    now = timezone.now()
    exchanged(world, now)
    shadows.follow_all(now=now)
    assert running().tried == 0
    shadows.follow_all(now=now + SETTLED + timedelta(seconds=1))
    assert running().tried == 1


def test_another_partners_exchanges_are_none_of_its_business(world: Bench, browser: Client) -> None:
    shadowed(browser, rules=SILVER)
    other = Partner.objects.create(slug="heron", name="Heron", state="active")
    happenings.granted(other, at=timezone.now() - timedelta(hours=1))
    happenings.refused(Partner.objects.get(slug="kestrel"), at=timezone.now() - timedelta(hours=1), subject=None)
    follow_shadows()
    assert (running().tried, running().left_out) == (0, 1)
    assert world.issuer


def test_a_list_has_an_end_and_says_so(world: Bench, browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    a_week(world)
    shadowed(browser, rules=SILVER)
    monkeypatch.setattr(shadows, "LISTED", 4)
    follow_shadows()
    assert ShadowDifference.objects.count() == 4
    page = browser.get(PAGE).content.decode()
    assert "the first 4 are listed" in page


@pytest.mark.usefixtures("world")
def test_after_fourteen_days_it_ends_by_itself(browser: Client) -> None:
    shadowed(browser)
    Shadow.objects.update(ends_at=timezone.now() - timedelta(hours=1))
    follow_shadows()
    shadow = Shadow.objects.get()
    assert (shadow.end, shadow.ended_at) == ("over", shadow.ends_at)
    assert events("ended")[0]["data"]["because"] == "over"
    assert "ended because its 14 days were over" in browser.get(PAGE).content.decode()


@pytest.mark.parametrize(
    ("act", "end", "words"),
    [
        ("publish", "published", "the draft was published"),
        ("discard", "dropped", "the draft was discarded"),
        ("save", "rewritten", "the draft was written anew"),
    ],
)
@pytest.mark.usefixtures("world")
def test_it_ends_with_the_text_that_it_tries(browser: Client, act: str, end: str, words: str) -> None:
    draft = shadowed(browser)
    row = ScopeMapping.objects.get(pk=draft.id)
    if act == "discard":
        row.delete()
    else:
        row.state = "published" if act == "publish" else "draft"
        ScopeMapping.objects.filter(name="ledger", state="published").update(state="superseded")
        row.save()
    assert words in browser.get(PAGE).content.decode(), "before anybody wrote it down"
    follow_shadows()
    assert Shadow.objects.get().end == end
    assert words in browser.get(PAGE).content.decode()
    (event,) = events("ended")
    assert event["actor"]["kind"] == "system"


@pytest.mark.usefixtures("world")
def test_who_starts_and_who_stops_is_audited_and_what_it_found_stays(browser: Client) -> None:
    shadowed(browser)
    assert browser.post(f"{PAGE}/stop").status_code == 302
    (started,), (ended,) = events("started"), events("ended")
    assert started["partner"] == ended["partner"] == "kestrel"
    assert started["actor"]["kind"] == ended["actor"]["kind"] == "user"
    assert ended["data"]["because"] == "stopped"
    assert "Run the draft in shadow again" in browser.get(PAGE).content.decode()


@pytest.mark.usefixtures("world")
def test_starting_or_stopping_twice_is_said_and_changes_nothing(browser: Client) -> None:
    shadowed(browser)
    again = browser.post(f"{PAGE}/start")
    assert again.status_code == 409
    assert "runs in shadow already" in again.content.decode()
    browser.post(f"{PAGE}/stop")
    late = browser.post(f"{PAGE}/stop")
    assert late.status_code == 409
    assert "runs in shadow no more" in late.content.decode()
    assert Shadow.objects.count() == 1


@pytest.mark.usefixtures("world")
def test_a_draft_that_was_written_anew_is_started_anew(browser: Client) -> None:
    draft = shadowed(browser)
    ScopeMapping.objects.get(pk=draft.id).save()
    assert browser.post(f"{PAGE}/start").status_code == 302
    assert list(Shadow.objects.order_by("id").values_list("end", flat=True)) == ["rewritten", ""]


@pytest.mark.usefixtures("world")
def test_a_mapping_that_never_had_a_draft_has_no_shadow(browser: Client) -> None:
    for answer in (browser.get(PAGE), browser.post(f"{PAGE}/start"), browser.post(f"{PAGE}/stop")):
        assert answer.status_code == 404
    assert browser.get("/simulator/shadow/nobody/ledger").status_code == 404


@pytest.mark.usefixtures("world")
def test_who_only_reads_sees_it_and_starts_nothing(browser: Client, signed_in: Callable[[Role | None], Client]) -> None:
    shadowed(browser)
    auditor = signed_in(Role.AUDITOR)
    page = auditor.get(PAGE)
    assert page.status_code == 200
    assert "<button" not in page.content.decode().partition("<main")[2]
    for act in ("start", "stop"):
        assert auditor.post(f"{PAGE}/{act}").status_code == 403
    assert signed_in(Role.ENGINEER).get(PAGE).status_code == 403


def test_whoever_publishes_sees_what_is_known_and_that_nothing_is(world: Bench, browser: Client) -> None:
    a_week(world)
    drafted(rules=SILVER)
    assert "neither back-tested nor run in shadow" in browser.get(VERSIONS).content.decode()
    browser.post("/simulator/back-test/kestrel/ledger", {"days": "7"})
    page = browser.get(VERSIONS).content.decode()
    assert "back-tested it over the last 7 days, 6 exchanges" in page
    assert "neither back-tested" not in page
    browser.post(f"{PAGE}/start")
    began = timezone.now() - timedelta(days=3, hours=1)
    Shadow.objects.update(started_at=began, reached=lowest_id(began))
    follow_shadows()
    page = browser.get(VERSIONS).content.decode()
    assert "It has run in shadow for 3 days, over 6 exchanges" in page
    assert "Newly refused 3" in page
    ScopeMapping.objects.get(name="ledger", state="draft").save()
    assert "neither back-tested nor run in shadow" in browser.get(VERSIONS).content.decode()


@pytest.mark.usefixtures("world")
def test_one_that_nobody_moves_on_says_where_to_look(browser: Client) -> None:
    shadowed(browser)
    assert "look whether the background worker" in browser.get(PAGE).content.decode()
    follow_shadows()
    assert "look whether the background worker" not in browser.get(PAGE).content.decode()


@pytest.mark.usefixtures("world")
def test_what_was_found_long_ago_is_deleted(browser: Client) -> None:
    shadowed(browser)
    browser.post(f"{PAGE}/stop")
    browser.post("/simulator/back-test/kestrel/ledger")
    follow_shadows()
    assert (Shadow.objects.count(), BackTest.objects.count()) == (1, 1)
    shadows.sweep(now=timezone.now() + shadows.KEPT + timedelta(days=1))
    assert (Shadow.objects.count(), BackTest.objects.count()) == (0, 0)


def many(shadow: Shadow, number: int) -> None:
    now = timezone.now()
    ShadowDifference.objects.bulk_create(
        ShadowDifference(shadow=shadow, event_id=lowest_id(now - timedelta(minutes=n)), effect="refused")
        for n in range(number)
    )
    Shadow.objects.update(counts={"refused": number})


@pytest.mark.usefixtures("world")
def test_the_list_goes_on_page_by_page_in_few_queries_by_its_index(
    browser: Client, django_assert_max_num_queries: Any
) -> None:
    shadowed(browser)
    shadow = running()
    many(shadow, 60)
    with django_assert_max_num_queries(12):
        first = browser.get(f"{PAGE}?effect=refused").content.decode()
    assert first.count('data-l="Effect"') == 50
    older = first.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
    assert browser.get(PAGE + older).content.decode().count('data-l="Effect"') == 10
    assert "shadow_difference_by_effect" in plans(
        lambda: shadow_lists.differences(shadow.id, effect="refused"), "sort", "bitmapscan"
    )
    assert "portal_shadowdifference_pkey" in plans(lambda: shadow_lists.differences(shadow.id), "sort", "bitmapscan")
    partner = Partner.objects.get(slug="kestrel").id
    since, until = (lowest_id(timezone.now() - timedelta(days=days)) for days in (7, 0))
    plan = plans(lambda: replays.following(partner, after=since, until=until), "sort", "bitmapscan")
    # the planner finds both equally cheap while the trail is nearly empty and one partner's
    assert "_partner_id_id_idx" in plan or "_pkey" in plan
    assert "Sort" not in plan


@pytest.mark.usefixtures("committed_database")
def test_of_two_workers_one_follows_and_the_other_goes_on() -> None:
    world = bench.build()
    with changing(Actor(ActorKind.USER, "ada@meridian.example")) as change:
        shadow = shadows.start(change, drafted(rules=SILVER))
    exchanged(world, timezone.now())
    later = timezone.now() + SETTLED + timedelta(seconds=1)

    def second_worker() -> None:
        shadows.follow(shadow.id, now=later)
        connection.close()

    def works() -> int:
        worker = threading.Thread(target=second_worker)
        worker.start()
        worker.join(20)
        assert not worker.is_alive()
        return running().tried

    with transaction.atomic():
        Shadow.objects.select_for_update().get(pk=shadow.pk)
        assert works() == 0
    assert works() == 1
    assert works() == 1
