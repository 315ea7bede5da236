"""Drafts tried by the API: back-tests over recorded exchanges and shadows beside coming ones, read part by part."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.utils import timezone

from audit.models import Event
from audit.partitions import lowest_id
from partners.models import ScopeMapping
from portal.api import back_tests as api_back_tests
from portal.models import BackTest, BackTestDifference, Shadow, ShadowDifference
from portal.permissions import Permission
from portal.roles import Role
from portal.simulator import back_tests, shadow_lists, shadows
from portal.simulator.back_tests import Bounds
from portal.tasks import follow_shadows
from tests.api.test_lists import counted
from tests.portal import bench
from tests.portal import organisation as organisations
from tests.portal.test_back_tests import SILVER, a_week, drafted
from tests.portal.test_query_plans import plans

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.conftest import Bearer
    from tests.portal.bench import Bench

PATH = "partners/kestrel/mappings/ledger"
TEST = f"{PATH}/draft/back-test"
SHADOW = f"{PATH}/shadow"
FOUND = {"allowed": 3, "refused": 3, "narrowed": 0, "widened": 0, "changed": 0}


@pytest.fixture
def world(db: None) -> Bench:  # noqa: ARG001 - asked for its transaction
    return bench.build()


@pytest.fixture
def manager(bearer: Callable[..., Bearer]) -> Bearer:
    """A partner manager through a client."""
    return bearer(organisations.person(Role.PARTNER_MANAGER), *Permission)


@pytest.fixture
def reader(bearer: Callable[..., Bearer]) -> Bearer:
    """A client that may look at exchanges, and do nothing else."""
    return bearer("reader", Permission.EXCHANGES_READ)


def of_draft(manager: Bearer) -> dict[str, str]:
    """The version of the draft as a caller reads it."""
    return {"if-match": manager.call("GET", f"{PATH}/draft")["ETag"]}


def walk(reader: Bearer, path: str) -> list[dict[str, Any]]:
    """The whole list, part by part."""
    answer = reader.call("GET", path).json()
    found: list[dict[str, Any]] = answer["items"]
    joint = "&" if "?" in path else "?"
    while answer["next"] is not None:
        answer = reader.call("GET", f"{path}{joint}cursor={quote(answer['next'])}").json()
        found += answer["items"]
    return found


def test_the_figures_of_a_back_test_are_answered_and_can_be_read_again(world: Bench, reader: Bearer) -> None:
    a_week(world)
    drafted(rules=SILVER)
    made = reader.call("POST", TEST, "{}")
    assert made.status_code == 200, made.content
    told = made.json()
    assert (told["tried"], told["left_out"], told["is_whole"], told["counts"]) == (6, 1, True, FOUND)
    assert told["author"] == "reader"
    read = reader.call("GET", TEST)
    assert (read.json(), read["ETag"]) == (told, made["ETag"])
    further = reader.call("POST", TEST, '{"days": 30}').json()
    assert (further["tried"], further["counts"]["refused"]) == (7, 4)
    assert BackTest.objects.count() == 1


def test_what_a_draft_would_change_is_listed_by_effect(world: Bench, reader: Bearer) -> None:
    a_week(world)
    drafted(rules=SILVER)
    for days, number in ((30, 7), (7, 6)):
        reader.call("POST", TEST, json.dumps({"days": days}))
        items = reader.call("GET", f"{TEST}/differences").json()["items"]
        assert len(items) == number, "those of the test before are gone"
    allowed = reader.call("GET", f"{TEST}/differences?effect=allowed").json()["items"]
    assert [item["effect"] for item in allowed] == ["allowed"] * 3
    assert {item["before"] for item in allowed} == {"refused at mapping: policy.mapping_rule_unmet"}
    assert all(item["after"].startswith("granted: ledger.read") for item in allowed)
    told = reader.call("GET", f"exchanges/{Event.objects.get(pk=allowed[0]['exchange']).correlation_id}")
    assert told.json()["client"] == allowed[0]["client"] == "kestrel-batch"


def test_another_text_of_the_draft_was_not_tried(world: Bench, reader: Bearer) -> None:
    assert world.issuer
    drafted(rules=SILVER)
    assert reader.call("GET", TEST).status_code == 404
    reader.call("POST", TEST, "{}")
    assert reader.call("GET", TEST).status_code == 200
    ScopeMapping.objects.get(name="ledger", state="draft").save()
    for path in (TEST, f"{TEST}/differences"):
        assert reader.call("GET", path).status_code == 404


def test_a_back_test_is_of_the_version_that_the_caller_read(world: Bench, manager: Bearer) -> None:
    assert world.issuer
    drafted(rules=SILVER)
    read = of_draft(manager)
    assert manager.call("POST", TEST, "{}", **read).status_code == 200
    ScopeMapping.objects.get(name="ledger", state="draft").save()
    stale = manager.call("POST", TEST, "{}", **read)
    assert (stale.status_code, stale.json()["current"]["name"]) == (412, "ledger")


def test_a_back_test_sent_again_under_its_key_is_made_once(world: Bench, reader: Bearer) -> None:
    a_week(world)
    drafted(rules=SILVER)
    first, again = (reader.call("POST", TEST, "{}", **{"idempotency-key": "k-1"}) for _ in range(2))
    assert (again.json(), again["Idempotent-Replayed"]) == (first.json(), "true")


def test_a_back_test_that_met_its_bounds_says_how_far_it_came(
    world: Bench, reader: Bearer, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_week(world)
    drafted(rules=SILVER)
    monkeypatch.setattr(api_back_tests, "BOUNDS", Bounds(seconds=0.0, batch=2))
    told = reader.call("POST", TEST, "{}").json()
    assert (told["is_whole"], told["tried"] + told["left_out"]) == (False, 2)
    oldest = reader.call("GET", f"{TEST}/differences").json()["items"][-1]
    assert oldest["at"] >= told["since"]


def test_what_a_back_test_found_is_deleted_after_its_time(world: Bench, reader: Bearer) -> None:
    a_week(world)
    drafted(rules=SILVER)
    reader.call("POST", TEST, "{}")
    shadows.sweep(now=timezone.now())
    assert (BackTest.objects.count(), BackTestDifference.objects.count()) == (1, 6)
    shadows.sweep(now=timezone.now() + shadows.KEPT + timedelta(days=1))
    assert (BackTest.objects.count(), BackTestDifference.objects.count()) == (0, 0)


def test_one_partner_is_back_tested_by_one_caller_at_a_time(world: Bench, reader: Bearer) -> None:
    assert world.issuer
    drafted()
    another = connection.copy()
    with another.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, hashtext('kestrel'))", [back_tests.TURNS])
        answer = reader.call("POST", TEST, "{}")
        cursor.execute("SELECT pg_advisory_unlock(%s, hashtext('kestrel'))", [back_tests.TURNS])
    another.close()
    assert (answer.status_code, answer.json()["code"]) == (409, "illegal_transition")
    assert "Try again" in answer.json()["detail"]
    assert reader.call("POST", TEST, "{}").status_code == 200


def test_another_span_is_named(world: Bench, reader: Bearer) -> None:
    assert world.issuer
    drafted()
    for body in ({"days": 0}, {"days": 91}, {"days": "7"}, {"days": 7.5}, {"weeks": 1}):
        answer = reader.call("POST", TEST, json.dumps(body))
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_fields"), body
    assert not BackTest.objects.exists()


def test_a_draft_runs_in_shadow_until_it_is_stopped_and_what_it_found_stays(world: Bench, manager: Bearer) -> None:
    a_week(world)
    drafted(rules=SILVER)
    assert manager.call("GET", SHADOW).status_code == 404
    started = manager.call("POST", SHADOW, None, **of_draft(manager))
    assert (started.status_code, started["Location"]) == (201, f"/api/v1/{SHADOW}")
    assert (started.json()["is_running"], started.json()["author"]) == (True, "partner.manager@meridian.example")
    twice = manager.call("POST", SHADOW)
    assert (twice.status_code, twice.json()["code"]) == (409, "illegal_transition")
    Shadow.objects.update(reached=lowest_id(timezone.now() - timedelta(days=7)))
    follow_shadows()
    read = manager.call("GET", SHADOW)
    assert (read.json()["tried"], read.json()["counts"]) == (6, FOUND)
    refused = manager.call("GET", f"{SHADOW}/differences?effect=refused").json()["items"]
    assert [item["after"] for item in refused] == ["refused at mapping: policy.mapping_rule_unmet"] * 3
    stale = manager.call("POST", f"{SHADOW}/stop", None, **{"if-match": started["ETag"]})
    assert (stale.status_code, stale.json()["current"]["tried"]) == (412, 6)
    stopped = manager.call("POST", f"{SHADOW}/stop", None, **{"if-match": read["ETag"]})
    assert (stopped.json()["is_running"], stopped.json()["end"]) == (False, "stopped")
    assert len(manager.call("GET", f"{SHADOW}/differences").json()["items"]) == 6
    late = manager.call("POST", f"{SHADOW}/stop")
    assert (late.status_code, late.json()["code"]) == (409, "illegal_transition")
    events = [json.loads(text)["data"] for text in Event.objects.order_by("id").values_list("canonical", flat=True)]
    assert [data["change"] for data in events if data.get("object") == "Shadow"] == ["started", "ended"]


def test_a_shadow_sent_again_under_its_key_is_started_once(world: Bench, manager: Bearer) -> None:
    assert world.issuer
    drafted()
    first, again = (manager.call("POST", SHADOW, None, **{"idempotency-key": "k-1"}) for _ in range(2))
    assert (again.status_code, again.json()) == (201, first.json())
    assert Shadow.objects.count() == 1


def test_who_only_reads_exchanges_starts_and_stops_no_shadow(world: Bench, reader: Bearer, manager: Bearer) -> None:
    assert world.issuer
    drafted()
    assert reader.call("POST", SHADOW).status_code == 403
    manager.call("POST", SHADOW)
    assert reader.call("POST", f"{SHADOW}/stop").status_code == 403
    assert reader.call("GET", SHADOW).json()["is_running"]


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("path", [TEST, f"{TEST}/differences", SHADOW, f"{SHADOW}/differences"])
def test_without_a_draft_or_a_shadow_nothing_is_there(reader: Bearer, path: str) -> None:
    assert reader.call("GET", path).status_code == 404
    assert reader.call("GET", path.replace("kestrel", "nobody")).status_code == 404


def test_the_lists_go_on_by_cursor_in_a_fixed_number_of_queries_by_their_index(
    world: Bench, reader: Bearer, manager: Bearer
) -> None:
    assert world.issuer
    draft = drafted()
    manager.call("POST", TEST, "{}")
    manager.call("POST", SHADOW)
    test, shadow, now = BackTest.objects.get(), Shadow.objects.get(), timezone.now()
    owners: list[tuple[Any, str, dict[str, Any]]] = [
        (BackTestDifference, f"{TEST}/differences", {"back_test": test}),
        (ShadowDifference, f"{SHADOW}/differences", {"shadow": shadow}),
    ]
    for model, path, owner in owners:
        few = counted(reader, path)
        model.objects.bulk_create(
            model(**owner, event_id=lowest_id(now - timedelta(minutes=n)), effect=("refused", "allowed")[n % 2])
            for n in range(120)
        )
        assert counted(reader, path) == few <= 12
        for query, number in (("", 120), ("?effect=refused", 60)):
            found = walk(reader, path + query)
            assert len({item["exchange"] for item in found}) == len(found) == number
            assert [item["at"] for item in found] == sorted((item["at"] for item in found), reverse=True)
        cursor = reader.call("GET", path).json()["next"]
        assert reader.call("GET", f"{path}?effect=refused&cursor={quote(cursor)}").status_code == 400
    by_effect = plans(
        lambda: shadow_lists.tested_differences(draft.id, effect="refused", before=None), "sort", "bitmapscan"
    )
    assert "back_test_difference_by_effect" in by_effect
    whole = plans(lambda: shadow_lists.tested_differences(draft.id, effect="", before=None), "sort", "bitmapscan")
    assert "portal_backtestdifference_pkey" in whole
