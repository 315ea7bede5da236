"""What is watched of partners, by the API: alerts, canaries, ends, the health of trusts, keys that wait."""

from __future__ import annotations

import json
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.utils import timezone

from audit.models import Event
from exchange.models import Alert, TrustWatch
from partners import models
from partners.endings import Kind
from portal.api.examples import EXAMPLES
from portal.kept_answers import KeptAnswer
from portal.models import CanaryTurn
from portal.permissions import Permission
from portal.roles import Role
from tests.portal.happenings import granted
from tests.signers import make_key, public_jwks

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.conftest import Bearer
    from tests.portal.organisation import Organisation

TRUST = "partners/kestrel/trusts/kestrel-idp"
SECRET = EXAMPLES["IntrospectionSecret"]["secret"]


@pytest.fixture
def manager(organisation: Organisation, bearer: Callable[..., Bearer]) -> Bearer:
    """A partner manager through the client ``app``."""
    return bearer(organisation.people[Role.PARTNER_MANAGER], *Permission)


def items(manager: Bearer, path: str) -> list[dict[str, Any]]:
    """A whole list, one object at a time."""
    joint, found, cursor = "&" if "?" in path else "?", [], ""
    while True:
        answer = manager.call("GET", f"{path}{joint}limit=1{cursor}")
        assert answer.status_code == 200, answer.content
        part = answer.json()
        assert len(part["items"]) <= 1
        found += part["items"]
        if part["next"] is None:
            return found
        cursor = f"&cursor={quote(part['next'])}"


def test_alerts_are_listed_newest_first_and_narrowed(manager: Bearer) -> None:
    found = items(manager, "alerts")
    assert [item["id"] for item in found] == [
        str(pk) for pk in Alert.objects.order_by("-id").values_list("id", flat=True)
    ]
    assert {(item["partner"], item["kind"]) for item in found} == {
        ("kestrel", "key_added"), ("fjord", "dormant"), ("kestrel", "canary_red"),
    }  # fmt: skip
    (added,) = items(manager, "alerts?partner=kestrel&kind=key_added&state=open&acknowledged=no")
    assert (added["trust"], added["lasts"], added["detail"]["kid"]) == ("kestrel-idp", False, "k-31")
    assert "k-31" in added["meaning"]
    for nothing in ("state=over", "acknowledged=yes", "partner=nobody", "kind=weak_key"):
        assert items(manager, f"alerts?{nothing}") == []
    assert manager.call("GET", "alerts?kind=rain").json()["code"] == "invalid_parameter"


def test_an_alert_is_acknowledged_once_and_the_second_hears_who_was_first(manager: Bearer) -> None:
    (added,) = items(manager, "alerts?kind=key_added")
    path = f"alerts/{added['id']}"
    read = manager.call("GET", path)
    assert read.json() == added
    stale = manager.call("POST", f"{path}/acknowledge", None, **{"if-match": '"old"'})
    assert (stale.status_code, stale.json()["current"]["id"]) == (412, added["id"])
    first = manager.call("POST", f"{path}/acknowledge", None, **{"if-match": read["ETag"], "idempotency-key": "seen"})
    assert first.json()["acknowledged_by"] == "partner.manager@meridian.example"
    assert first.json()["ended_at"] == first.json()["acknowledged_at"]
    again = manager.call("POST", f"{path}/acknowledge", None, **{"if-match": read["ETag"], "idempotency-key": "seen"})
    assert again.json() == first.json()
    late = manager.call("POST", f"{path}/acknowledge")
    assert (late.status_code, late.json()["code"]) == (409, "illegal_transition")
    assert "partner.manager@meridian.example" in late.json()["detail"]
    assert manager.call("POST", f"alerts/{uuid4()}/acknowledge").status_code == 404
    (event,) = Event.objects.filter(kind="alert.acknowledged")
    assert json.loads(event.canonical)["actor"]["via"] == "app"
    assert items(manager, "alerts?state=over&acknowledged=yes") == [first.json()]


def test_canaries_are_listed_the_red_ones_first_and_tried_again(manager: Bearer, organisation: Organisation) -> None:
    path = "partners/kestrel/canaries"
    found = manager.call("GET", path).json()["items"]
    assert [(item["client"], item["is_green"], item["outcome"]) for item in found] == [
        ("kestrel-reports", False, "refused"), ("kestrel-settlement", True, None),
    ]  # fmt: skip
    now = timezone.now()
    CanaryTurn.objects.create(partner=organisation.kestrel, next_at=now + timedelta(hours=1))
    newest = granted(organisation.kestrel, at=now, client="kestrel-settlement")
    tried = {item["client"]: item for item in manager.call("POST", f"{path}/run").json()["items"]}
    assert tried["kestrel-settlement"]["exchange"] == str(
        Event.objects.get(correlation_id=newest, kind="exchange.granted").pk
    )
    assert list(tried.values()) == manager.call("GET", path).json()["items"]
    assert manager.call("POST", "partners/nobody/canaries/run").status_code == 404


def test_what_ends_is_listed_by_day_kind_and_partner(manager: Bearer, organisation: Organisation) -> None:
    today = timezone.now().astimezone(UTC).date()
    models.Partner.objects.filter(slug="kestrel").update(contract_ends_on=today + timedelta(days=120))
    models.Partner.objects.filter(slug="fjord").update(contract_ends_on=today + timedelta(days=20))
    whole = items(manager, "endings")
    instants = [item["ends_at"] for item in whole]
    assert instants == sorted(instants)
    assert len({item["id"] for item in whole}) == len(whole)
    assert Kind.SECRET in {item["kind"] for item in whole}
    assert [one["fate"] for item in whole for one in item["told"]] == ["sent"]
    assert [item["partner"] for item in items(manager, "endings?kind=contract")] == ["fjord"]
    far = today + timedelta(days=120)
    assert [item["partner"] for item in items(manager, f"endings?kind=contract&until={far}")] == ["fjord", "kestrel"]
    assert items(manager, f"endings?kind=contract&until={far - timedelta(days=1)}&partner=kestrel") == []
    assert {item["partner"] for item in items(manager, "endings?partner=kestrel")} == {organisation.kestrel.slug}
    assert manager.call("GET", "endings?partner=nobody").status_code == 404
    for wrong in ("until=20310101", "until=tomorrow", "until=9999-12-31", "kind=world"):
        assert manager.call("GET", f"endings?{wrong}").json()["code"] == "invalid_parameter"


def test_the_health_of_a_partner_says_what_is_unwise_and_what_its_tokens_show(manager: Bearer) -> None:
    fjord = manager.call("GET", "partners/fjord/health").json()
    assert [(item["fault"], item["subject"]) for item in fjord["advice"]] == [("audience_only", "fjord-login")]
    kestrel = manager.call("GET", "partners/kestrel/health").json()
    assert kestrel["advice"] == []
    assert kestrel["last_exchange_at"] is not None
    assert [tokens["algorithms"] for tokens in kestrel["tokens"]] == [["ES256"]]


def test_the_history_of_a_partner_tells_its_changes_and_no_exchange(manager: Bearer) -> None:
    path = "partners/kestrel/history"
    before = {item["id"] for item in items(manager, path)}
    (added,) = items(manager, "alerts?kind=key_added")
    for act in (f"alerts/{added['id']}/acknowledge", "partners/kestrel/suspend", "partners/kestrel/reinstate"):
        assert manager.call("POST", act).status_code == 200
    found = items(manager, path)
    assert [item["kind"] for item in found if item["id"] not in before] == [
        "partner.reinstated", "partner.suspended", "alert.acknowledged",
    ]  # fmt: skip
    assert {item["actor"] for item in found if item["id"] not in before} == {"user:partner.manager@meridian.example"}
    assert not [item for item in found if item["kind"].startswith("exchange.")]
    assert manager.call("GET", "partners/nobody/history").status_code == 404


def test_what_an_issuer_publishes_is_told_by_trust_and_looked_at_when_somebody_asks(manager: Bearer) -> None:
    told = manager.call("GET", f"{TRUST}/health").json()
    assert (told["key_health"], told["picture"]["algorithms"]) == ("healthy", ["ES256", "RS256"])
    assert [(key["kid"], key["gone_at"] is None) for key in told["keys"]] == [("k-31", True), ("k-30", False)]
    assert [look["count"] for look in told["looks"]] == [48]
    models.KeySource.objects.filter(trust__name="kestrel-idp").update(location="http://127.0.0.1:9", jwks_uri="")
    looked = manager.call("POST", f"{TRUST}/look")
    assert looked.status_code == 200, looked.content
    assert looked.json()["picture"]["failing_since"] is not None
    again = manager.call("POST", f"{TRUST}/look")
    assert (again.status_code, again.json()["code"]) == (409, "illegal_transition")
    assert "half a minute" in again.json()["detail"]
    TrustWatch.objects.all().delete()
    assert manager.call("GET", f"{TRUST}/health").json()["picture"] is None
    models.FederationTrust.objects.update(state="withdrawn")
    assert manager.call("GET", f"{TRUST}/health").status_code == 404


def test_keys_that_were_held_back_are_taken_as_they_were_read(manager: Bearer) -> None:
    path, new = "partners/kestrel/waiting-keys", public_jwks(make_key("ES256"))
    assert manager.call("GET", path).json()["items"] == []
    source = models.KeySource.objects.get(location="https://idp.kestrel.example")
    mine = models.KeySource.objects.filter(pk=source.pk)
    mine.update(pending_jwks=new, pending_since=timezone.now())
    read = manager.call("GET", f"{path}/{source.pk}")
    assert manager.call("GET", path).json()["items"] == [read.json()]
    mine.update(pending_jwks=public_jwks(make_key("ES256")))
    other = manager.call("POST", f"{path}/{source.pk}/confirm", "{}", **{"if-match": read["ETag"]})
    assert other.status_code == 412
    mine.update(pending_jwks=new)
    taken = manager.call("POST", f"{path}/{source.pk}/confirm", "{}", **{"if-match": read["ETag"]})
    assert taken.json() == read.json()
    source.refresh_from_db()
    assert source.jwks == new
    assert manager.call("POST", f"{path}/{source.pk}/confirm", "{}").status_code == 404


def test_another_address_of_keys_is_confirmed_by_its_name(manager: Bearer) -> None:
    address = EXAMPLES["KeysToConfirm"]["jwks_uri"]
    source = models.KeySource.objects.get(location="https://idp.kestrel.example")
    models.KeySource.objects.filter(pk=source.pk).update(pending_jwks_uri=address)
    path = f"partners/kestrel/waiting-keys/{source.pk}/confirm"
    for body, status, code in (
        ({"jwks_uri": "https://evil.example/jwks"}, 409, "illegal_transition"),
        ({"jwks_uri": 7}, 422, "invalid_fields"),
        ({"keys": []}, 422, "invalid_fields"),
        ({}, 409, "illegal_transition"),
    ):
        refused = manager.call("POST", path, json.dumps(body))
        assert (refused.status_code, refused.json()["code"]) == (status, code), body
    assert manager.call("POST", path, json.dumps({"jwks_uri": address})).status_code == 200
    source.refresh_from_db()
    assert (source.jwks_uri, source.pending_jwks_uri) == (address, "")


def test_the_secret_of_an_introspection_endpoint_is_put_and_never_read_back(manager: Bearer) -> None:
    path = f"{TRUST}/introspection-secret"
    body = json.dumps({"secret": SECRET})
    early = manager.call("POST", path, body)
    assert (early.status_code, early.json()["code"]) == (409, "illegal_transition")
    place = {"endpoint": "https://idp.kestrel.example/introspect", "client_id": "handover"}
    tag = manager.call("GET", TRUST)["ETag"]
    changed = manager.call("PATCH", TRUST, json.dumps({"introspection": place}), **{"if-match": tag})
    assert (changed.status_code, changed.json()["has_introspection_secret"]) == (200, False)
    answers = [
        manager.call("POST", path, body, **{"if-match": changed["ETag"], "idempotency-key": "put"}) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[1].json() == answers[0].json()
    assert answers[0].json()["has_introspection_secret"] is True
    read = manager.call("GET", TRUST)
    said = [answer.content.decode() for answer in (*answers, read)]
    said += [text for row in KeptAnswer.objects.all() for text in (row.body, bytes(row.request).hex())]
    said += list(Event.objects.order_by("id").values_list("canonical", flat=True))
    assert not [text for text in said if SECRET in text]
    assert "introspection secret" in said[-1]


def test_a_secret_that_cannot_be_one_is_refused_without_being_repeated(manager: Bearer) -> None:
    for given in ("", " ", "two words", "s" * 513, "geheim\u00e9", 7, None):
        answer = manager.call("POST", f"{TRUST}/introspection-secret", json.dumps({"secret": given}))
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_fields"), given
        assert [(field["field"], field["came"]) for field in answer.json()["fields"]] == [("secret", "")]
