"""The demo organisation: loaded once, left alone afterwards, and really able to exchange."""

from __future__ import annotations

import json
import os
import stat
import time
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core.management import call_command
from django.core.management.base import CommandError

from audit import services as audit
from audit.events import SYSTEM, ExchangeGranted
from audit.models import Event
from exchange import keys
from partners import inventory, services
from partners.changes import Change
from partners.models import FederationTrust, Partner
from portal.demo import keepsakes, organisation
from portal.demo.identity_provider_site import running
from portal.models import PartnerAdmin
from portal.roles import Role
from tests import exchange_server
from tests.partners.examples import ADMIN
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from portal.demo.identity_provider import IdentityProvider

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SETTLEMENT = "https://settlement.meridian.example"
REPORTS = "https://reports.meridian.example"
STATES = {
    "kestrel": "active",
    "fjord": "active",
    "tessera": "active",
    "bluepine": "active",
    "alder": "active",
    "orbit": "suspended",
    "lumen": "configuring",
    "marlow": "offboarded",
}


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Any:
    """The settings of a demo, whose files go to a directory of the test's."""
    monkeypatch.setenv("HANDOVER_VAR", str(tmp_path))
    monkeypatch.setenv("HANDOVER_DEMO_IDP", "http://127.0.0.1:8001")
    settings.HANDOVER = replace(settings.HANDOVER, demo=True, outbound_allow=(ip_network("127.0.0.1/32"),))
    return settings


@pytest.mark.django_db
class TestLoading:
    @pytest.fixture(autouse=True)
    def _demo(self, demo: Any) -> None:  # noqa: ARG002 - asked for its settings
        """In a demo where somebody exchanged before: its past is then left as it is (test_history makes one)."""
        audit.record(ExchangeGranted(client="somebody"), SYSTEM)

    def test_a_first_start_makes_everything_a_second_nothing(self) -> None:
        assert organisation.load()
        before = Event.objects.count()
        assert not organisation.load()
        assert Event.objects.count() == before
        assert dict(Partner.objects.values_list("slug", "state")) == STATES

    def test_what_people_did_to_the_demo_since_is_left_alone(self) -> None:
        organisation.load()
        services.suspend_partner(Change(ADMIN), "kestrel")
        services.withdraw_mapping(Change(ADMIN), "fjord", "fjord-to-reports")
        before = inventory.everything()
        assert not organisation.load()
        assert inventory.everything() == before

    def test_the_trusts_follow_the_identity_provider_to_another_port(self, monkeypatch: pytest.MonkeyPatch) -> None:
        organisation.load()
        monkeypatch.setenv("HANDOVER_DEMO_IDP", "http://127.0.0.1:9101")
        assert organisation.load()
        ours = FederationTrust.objects.filter(partner__slug__in=["kestrel", "fjord"])
        assert set(ours.values_list("issuer", flat=True)) == {"http://127.0.0.1:9101"}
        assert not organisation.load()

    def test_lost_files_are_made_again_and_what_they_hold_works(self, tmp_path: Path) -> None:
        organisation.load()
        first = organisation.describe()
        for place in (tmp_path / "demo").iterdir():
            place.unlink()
        assert organisation.load()
        second = organisation.describe()
        assert first["clients"][0]["secret"] != second["clients"][0]["secret"]
        person = second["sign_ins"][0]
        assert get_user_model().objects.get(email=person["email"]).check_password(person["password"])
        assert not organisation.load()

    def test_one_person_per_portal_role_can_sign_in_with_the_printed_password(self) -> None:
        organisation.load()
        sign_ins = organisation.describe()["sign_ins"]
        assert [item["role"] for item in sign_ins] == [
            "Security admin",
            "Partner manager",
            "Approver",
            "Engineer",
            "Auditor",
            "Partner's admin",
        ]
        for item in sign_ins:
            person = authenticate(email=item["email"], password=item["password"])
            assert person is not None
            assert list(person.groups.values_list("name", flat=True)) == [item["role"]]

    def test_every_file_of_the_demo_is_for_its_owner_only(self, tmp_path: Path) -> None:
        organisation.load()
        organisation.describe()
        places = list((tmp_path / "demo").iterdir())
        assert len(places) == 8 + len(keepsakes.SIGNERS)
        assert {stat.S_IMODE(place.stat().st_mode) for place in places} == {0o600}

    def test_no_password_or_secret_is_in_the_audit_trail(self) -> None:
        organisation.load()
        info = organisation.describe()
        trail = "".join(Event.objects.values_list("canonical", flat=True))
        hidden = [item["password"] for item in info["sign_ins"]] + [
            item.get("secret", "-" * 9) for item in info["clients"]
        ]
        assert not [secret for secret in hidden if secret in trail]

    def test_the_description_has_the_agreed_shape(self) -> None:
        organisation.load()
        info = json.loads(json.dumps(organisation.describe()))
        assert list(info) == [
            "issuer",
            "token_endpoint",
            "jwks_uri",
            "metadata",
            "introspection_endpoint",
            "portal_url",
            "audience",
            "scopes",
            "clients",
            "resource_server",
            "partner_idp",
            "sign_ins",
        ]
        assert [client["auth_method"] for client in info["clients"]] == [
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
        ]
        assert set(info["partner_idp"]) == {"issuer", "token_endpoint", "jwks_uri", "client_id", "secret", "users"}
        assert set(info["resource_server"]) == {"client_id", "secret"}

    def test_the_command_says_what_it_did(self, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("demo_data")
        call_command("demo_data")
        assert capsys.readouterr().out.splitlines() == [
            "The demo organisation is ready.",
            "The demo organisation was ready.",
        ]

    def test_every_role_has_a_person_and_the_partners_admin_is_bound_to_one_partner(self) -> None:
        assert set(organisation.PEOPLE) == set(Role)
        organisation.load()
        bound = PartnerAdmin.objects.values_list("partner__slug", "domain")
        assert list(bound) == [("kestrel", "kestrel.example")]


@pytest.mark.django_db
def test_it_refuses_to_run_outside_a_demo() -> None:
    with pytest.raises(CommandError, match="HANDOVER_DEMO is not 1"):
        call_command("demo_data")
    assert not get_user_model().objects.exists()


def test_without_a_named_identity_provider_it_is_on_the_next_port(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.delenv("HANDOVER_DEMO_IDP", raising=False)
    settings.HANDOVER = replace(settings.HANDOVER, issuer="http://127.0.0.1:8100")
    assert organisation.identity_provider() == "http://127.0.0.1:8101"


class Running:
    """A running demo: its description, its identity provider, and the way to exchange."""

    def __init__(self, info: dict[str, Any], idp: IdentityProvider, http: httpx.Client) -> None:
        self.info = info
        self.idp = idp
        self._http = http

    def fetch(self, **form: Any) -> str:
        """A token of the partner's, fetched as the printed command does."""
        partner = self.info["partner_idp"]
        credentials = (form.pop("client_id", partner["client_id"]), partner["secret"])
        data = {"grant_type": "client_credentials", **form}
        answer = self._http.post(partner["token_endpoint"], auth=credentials, data=data)
        body = answer.raise_for_status().json()
        return str(body.get("access_token") or body["id_token"])

    def exchange(self, subject: str, *, auth: Any = None, **form: Any) -> httpx.Response:
        data = {
            "grant_type": EXCHANGE,
            "subject_token": subject,
            "subject_token_type": ACCESS_TOKEN,
            "audience": self.info["audience"],
            **form,
        }
        return self._http.post(self.info["token_endpoint"], data=data, auth=auth)

    def verified(self, answer: httpx.Response, audience: str) -> dict[str, Any]:
        """What a stock verifier makes of the token in an answer."""
        assert answer.status_code == 200, answer.text
        token = answer.json()["access_token"]
        key = jwt.PyJWKClient(self.info["jwks_uri"]).get_signing_key_from_jwt(token)
        claims: dict[str, Any] = jwt.decode(
            token, key, algorithms=["ES256"], audience=audience, issuer=self.info["issuer"]
        )
        return claims

    def basic(self, client_id: str, secret: str | None = None) -> tuple[str, str]:
        known = {item["client_id"]: item.get("secret", "") for item in self.info["clients"]}
        return client_id, secret or known[client_id]


@pytest.fixture
def live(
    demo: Any, committed_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, django_db_blocker: Any
) -> Iterator[Running]:
    """The demo as ``make run`` brings it up: loaded, its identity provider and its server behind real sockets."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    demo.HANDOVER = replace(demo.HANDOVER, issuer=issuer)
    with running(audience=issuer, directory=tmp_path / "demo") as idp:
        monkeypatch.setenv("HANDOVER_DEMO_IDP", idp.issuer)
        with django_db_blocker.unblock():
            keys.ensure_signing_key()
            organisation.load()
        environ = {
            **os.environ,
            "HANDOVER_ISSUER": issuer,
            "HANDOVER_DEMO": "1",
            "HANDOVER_OUTBOUND_ALLOW": "127.0.0.1/32",
            "DATABASE_URL": committed_database,
        }
        with (
            exchange_server._serving(environ, port, 1) as (process, _),
            httpx.Client(base_url=issuer, trust_env=False, timeout=30) as http,
        ):
            exchange_server._await_ready(http, process)
            yield Running(organisation.describe(), idp, http)


def test_the_demo_exchanges_in_every_way_it_offers(live: Running) -> None:
    """One start for all: each way is a request, a start is seconds."""
    user = live.info["partner_idp"]["users"][0]
    settlement = live.basic("kestrel-settlement")
    impersonation_with_each_method(live, user)
    an_id_token_is_exchanged_by_the_client_it_is_for(live, user, settlement)
    delegation_is_demanded_where_money_moves(live, user, settlement)
    a_tenants_token_is_worth_nothing_at_another_partner(live, settlement)
    a_rotation_with_overlap_disturbs_nobody(live, user, settlement)


def impersonation_with_each_method(live: Running, user: str) -> None:
    form = {"scope": " ".join(live.info["scopes"])}
    console = live.basic("kestrel-console")
    batch = next(item for item in live.info["clients"] if item["auth_method"] == "private_key_jwt")
    answers = [
        live.exchange(live.fetch(username=user), auth=live.basic("kestrel-settlement"), **form),
        live.exchange(live.fetch(username=user), **form, client_id=console[0], client_secret=console[1]),
        live.exchange(
            live.fetch(username=user), **form, client_assertion_type=ASSERTION, client_assertion=assertion(live, batch)
        ),
    ]
    for answer in answers:
        claims = live.verified(answer, live.info["audience"])
        assert claims["sub"] == f"partner:kestrel:{user}"
        assert claims["scope"].split() == live.info["scopes"]
        assert "act" not in claims


def assertion(live: Running, client: dict[str, Any]) -> str:
    """A client assertion (RFC 7523) as a stock library makes it from the key file."""
    now = int(time.time())
    claims = {
        "iss": client["client_id"],
        "sub": client["client_id"],
        "aud": live.info["issuer"],
        "jti": os.urandom(16).hex(),
        "iat": now,
        "exp": now + 60,
    }
    key = Path(client["key_file"]).read_text(encoding="ascii")
    return jwt.encode(claims, key, algorithm="ES256", headers={"kid": client["kid"]})


def an_id_token_is_exchanged_by_the_client_it_is_for(live: Running, user: str, auth: tuple[str, str]) -> None:
    token = live.fetch(username=user, token_type="id_token")
    answer = live.exchange(token, auth=auth, subject_token_type=ID_TOKEN)
    claims = live.verified(answer, live.info["audience"])
    assert claims["sub"] == f"partner:kestrel:{user}"
    assert not claims.get("scope"), "an ID token has no scope that could be worth something"


def delegation_is_demanded_where_money_moves(live: Running, user: str, auth: tuple[str, str]) -> None:
    form = {"audience": SETTLEMENT, "scope": "settlement:read"}
    without = live.exchange(live.fetch(username=user), auth=auth, **form)
    assert (without.status_code, without.json()["error"]) == (400, "invalid_request")
    actor = {"actor_token": live.fetch(), "actor_token_type": ACCESS_TOKEN}
    claims = live.verified(live.exchange(live.fetch(username=user), auth=auth, **form, **actor), SETTLEMENT)
    assert claims["act"]["sub"] == "kestrel-settlement"
    assert claims["scope"] == "settlement:read"


def a_tenants_token_is_worth_nothing_at_another_partner(live: Running, auth: tuple[str, str]) -> None:
    stolen = live.exchange(live.fetch(username="ingrid@fjord.example"), auth=auth)
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_request")
    fjord = ("fjord-analytics", keepsakes.secret_of("fjord-analytics"))
    actor = {"actor_token": live.fetch(client_id="fjord-analytics"), "actor_token_type": ACCESS_TOKEN}
    own = live.exchange(live.fetch(username="ingrid@fjord.example"), auth=fjord, audience=REPORTS, **actor)
    assert live.verified(own, REPORTS)["scope"] == "reports:read"


def a_rotation_with_overlap_disturbs_nobody(live: Running, user: str, auth: tuple[str, str]) -> None:
    """A token signed before it is still good; how soon the new key is known is the refresher's own test."""
    kept = live.fetch(username=user)
    live.idp.rotate()
    assert live.verified(live.exchange(kept, auth=auth), live.info["audience"])
