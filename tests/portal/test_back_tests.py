"""A draft against recorded exchanges: counted by effect, listed, bounded; nothing is written by it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from audit import replays
from audit.models import Event
from exchange.simulation import Answer, Outcome
from partners import excerpts
from partners.models import Partner, ScopeMapping
from portal.roles import Role
from portal.simulator import back_tests
from portal.simulator.back_tests import Bounds, Report, back_test
from portal.simulator.pages import back_tests as views
from portal.simulator.pages.back_tests import BOUNDS
from portal.simulator.replaying import Effect, effect_of
from tests import world as worlds
from tests.portal import bench, happenings
from tests.portal.test_query_plans import plans

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from django.test import Client

    from tests.portal.bench import Bench

ADDRESS = "/simulator/back-test/kestrel/ledger"


@pytest.fixture
def world(db: None) -> Bench:  # noqa: ARG001 - asked for its transaction
    return bench.build()


def drafted(**fields: Any) -> excerpts.Draft:
    """A draft of kestrel's mapping to the ledger that differs from the version in force by these fields."""
    row = ScopeMapping.objects.get(partner__slug="kestrel", name="ledger")
    row.id, row.version, row.state, row._state.adding = ScopeMapping().id, 2, "draft", True
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()
    found = excerpts.draft_named("kestrel", "ledger")
    assert found is not None
    return found


def exchanged(world: Bench, at: datetime, **claims: Any) -> None:
    """A recorded exchange of a token with these claims."""
    seconds = int(at.timestamp())
    full = {"aud": world.issuer, "iat": seconds, "exp": seconds + 300, **claims}
    subject = happenings.token(world.idp.issuer, "user-1", **full) | {"kid": world.idp.key.kid}
    happenings.granted(
        Partner.objects.get(slug="kestrel"),
        at=at,
        client="kestrel-batch",
        subject=subject,
        request=happenings.request(audience=[worlds.LEDGER], scope=["ledger.read", "ledger.write"]),
    )


def a_week(world: Bench) -> None:
    """Two exchanges of gold, three of silver, one without the scope that writing needs, one long ago."""
    now = timezone.now()
    with happenings.together():
        for number, claims in enumerate([{}, {}, *[{"tier": "silver"}] * 3, {"scope": "other"}]):
            exchanged(world, now - timedelta(hours=number + 1), **claims)
        exchanged(world, now - timedelta(days=20))
        happenings.refused(Partner.objects.get(slug="kestrel"), at=now, subject=None, reason="token.expired")


SINCE = timedelta(days=7)


def tried(draft: excerpts.Draft, bounds: Bounds = BOUNDS) -> Report:
    """What the draft changes of the last seven days."""
    return back_test(draft, since=timezone.now() - SINCE, bounds=bounds)


SILVER = [{"claim": "tier", "operator": "equals", "value": "silver"}]


@pytest.mark.parametrize(
    ("fields", "effects"),
    [
        ({"rules": SILVER}, {Effect.REFUSED: 3, Effect.ALLOWED: 3}),
        ({"rules": []}, {Effect.ALLOWED: 3}),
        ({"grants": {}}, {Effect.NARROWED: 2}),
        ({"always": ["ledger.read", "ledger.write"]}, {Effect.WIDENED: 1}),
        ({"lifetime": timedelta(seconds=30)}, {Effect.CHANGED: 3}),
        ({"claims": {"level": "claims.tier"}}, {Effect.CHANGED: 3}),
        ({"position": 7}, {}),
    ],
)
def test_every_effect_of_a_draft_is_counted(world: Bench, fields: Any, effects: dict[Effect, int]) -> None:
    a_week(world)
    report = tried(drafted(**fields))
    assert dict(report.counts) == effects
    assert (report.tried, report.left_out, report.is_whole) == (6, 1, True)
    assert len(report.differences) == sum(effects.values())


def test_a_page_says_what_would_change_and_lists_it(world: Bench, browser: Client) -> None:
    a_week(world)
    drafted(rules=SILVER)
    before = Event.objects.count()
    page = browser.post(ADDRESS, {"days": "7"}).content.decode()
    for words in ("Newly allowed", "Newly refused", "refused at mapping: policy.mapping_rule_unmet", "kestrel-batch"):
        assert words in page
    assert page.count('data-l="Effect"') == 6
    assert Event.objects.count() == before
    assert "Back-test of ledger" in browser.get(ADDRESS).content.decode()


def test_looking_further_back_finds_more(world: Bench, browser: Client) -> None:
    a_week(world)
    drafted(rules=SILVER)
    page = browser.post(ADDRESS, {"days": "30"}).content.decode()
    assert page.count('data-l="Effect"') == 7


@pytest.mark.parametrize("days", ["", "0", "9999999", "-7", "x"])
@pytest.mark.usefixtures("world")
def test_another_number_of_days_is_seven(browser: Client, days: str) -> None:
    drafted()
    page = browser.post(ADDRESS, {"days": days}).content.decode()
    assert '<option value="7" selected>' in page
    assert "No exchange to try" in page


def test_nothing_that_would_change_is_said_too(world: Bench, browser: Client) -> None:
    a_week(world)
    drafted()
    assert "Nothing would change" in browser.post(ADDRESS, {"days": "7"}).content.decode()


def test_the_bounds_in_time_and_number_are_kept_and_told(
    world: Bench, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_week(world)
    draft = drafted(rules=SILVER)
    assert tried(draft, Bounds(batch=2)).tried == 6
    for bounds in (Bounds(most=2, batch=2), Bounds(seconds=0.0, batch=2)):
        report = tried(draft, bounds)
        assert report.tried + report.left_out == 2
        assert not report.is_whole
    assert tried(draft, Bounds(most=7)).is_whole
    monkeypatch.setattr(views, "BOUNDS", Bounds(seconds=0.0, batch=2))
    assert "Older ones were not looked at" in browser.post(ADDRESS).content.decode()


def test_a_list_has_an_end(world: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    a_week(world)
    monkeypatch.setattr(back_tests, "LISTED", 2)
    report = tried(drafted(rules=SILVER))
    assert len(report.differences) == 2
    assert sum(report.counts.values()) == 6


@pytest.mark.usefixtures("world")
def test_a_mapping_without_a_draft_is_said_to_have_none(browser: Client) -> None:
    answer = browser.get(ADDRESS)
    assert answer.status_code == 404
    assert "has no draft" in answer.content.decode()


@pytest.mark.usefixtures("world")
def test_an_auditor_may_and_an_engineer_may_not(signed_in: Callable[[Role | None], Client]) -> None:
    drafted()
    assert signed_in(Role.AUDITOR).post(ADDRESS).status_code == 200
    assert signed_in(Role.ENGINEER).post(ADDRESS).status_code == 403


def test_batches_come_out_of_their_index_in_order(world: Bench) -> None:
    a_week(world)
    partner = Partner.objects.get(slug="kestrel").id
    since = timezone.now() - SINCE
    assert "_partner_id_id_idx" in plans(lambda: replays.recorded(partner, since=since), "sort", "bitmapscan")


def test_an_undecided_end_is_no_yes() -> None:
    granted, undecided = Answer(outcome=Outcome.GRANTED), Answer(outcome=Outcome.UNDECIDED)
    assert effect_of(granted, undecided) is Effect.REFUSED
    assert effect_of(undecided, undecided) is None
