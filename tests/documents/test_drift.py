"""What differs between files and database is told, of every field of every kind, and telling it writes nothing."""

from __future__ import annotations

import io
import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import CommandError

from audit.events import SYSTEM
from audit.models import Event
from partners import checking, services
from partners.changes import changing
from partners.declarations import KINDS
from partners.models import Registry
from partners.vocabulary import Kind
from portal.documents.drifting import Drift, Side, drift
from portal.documents.exporting import export
from portal.documents.reading import read_documents
from tests.certificates import Authority
from tests.documents import texts
from tests.documents.texts import applied, source
from tests.partners import examples

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

pytestmark = pytest.mark.django_db

OWNER = "owner@meridian.example"
TOKEN_EXCHANGE, JWT_BEARER = (f"urn:ietf:params:oauth:grant-type:{name}" for name in ("token-exchange", "jwt-bearer"))
ANCHORS = Authority().pem
KEYS = examples.jwks()
BY_CERTIFICATE = {"methods": ["tls_client_auth"], "tls_client_auth_subject_dn": None, "jwks": None}
BASE: Final[Mapping[Kind, dict[str, Any]]] = {
    Kind.TARGET: {
        "name": "ledger-api",
        "audience": "https://ledger.meridian.example",
        "scopes": {"ledger:read": {"description": "Read entries."}},
    },
    Kind.PARTNER: {"name": "kestrel", "title": "Kestrel", "state": "active"},
    Kind.CLIENT: {
        "name": "kestrel-settlement",
        "partner": "kestrel",
        "methods": ["private_key_jwt"],
        "jwks": KEYS,
        "scopes": ["ledger:read"],
    },
    Kind.TRUST: {"name": "kestrel-idp", "partner": "kestrel", "issuer": "https://login.kestrel.example"},
    Kind.MAPPING: {
        "name": "to-ledger",
        "partner": "kestrel",
        "trust": "kestrel-idp",
        "target": "ledger-api",
        "grants": {"ledger": ["ledger:read"]},
    },
}
"""One object of each kind, as it is in force."""
IDENTITY: Final = {"name", "partner"}
"""What names an object: another one there is another object."""


def _certified(**name: str) -> dict[str, Any]:
    return {**BY_CERTIFICATE, **name, "trust_anchors": ANCHORS}


_LIMITS: Final = {"requests_per_minute": 70, "burst": 7, "daily_quota": 700}
OTHERWISE: Final[Mapping[Kind, Mapping[str, Any]]] = {
    Kind.TARGET: {
        "audience": "https://other.meridian.example",
        "title": "Ledger",
        "description": "Entries.",
        "resources": ["https://ledger.meridian.example/v1"],
        "lifetime": "4m",
        "token_format": "reference",
        "is_active": False,
        "is_test": True,
        "scopes": {"ledger:read": {"description": "Read entries.", "risk": "high"}},
    },
    Kind.PARTNER: {
        "title": "Kestrel & Sons",
        "state": "suspended",
        "owner": OWNER,
        "contact_email": "it@kestrel.example",
        "purpose": "Settles.",
        "review_due_on": "2031-01-31",
        "contract_ends_on": "2032-01-31",
        "trust_anchors": ANCHORS,
        "default_target": "ledger-api",
        **_LIMITS,
    },
    Kind.CLIENT: {
        "title": "Settlement",
        "state": "suspended",
        "client_type": {"client_type": "public", "methods": [], "jwks": None, "grant_types": []},
        "methods": {"methods": ["self_signed_tls_client_auth"]},
        "grant_types": [TOKEN_EXCHANGE, JWT_BEARER],
        "scopes": [],
        "jwks": examples.jwks(),
        "jwks_uri": {"jwks_uri": "https://kestrel.example/keys", "jwks": None},
        "assertion_algorithms": ["ES256", "RS256"],
        "accepts_endpoint_audience": True,
        "tls_client_auth_subject_dn": _certified(tls_client_auth_subject_dn="CN=kestrel"),
        "tls_client_auth_san_dns": _certified(tls_client_auth_san_dns="kestrel.example"),
        "tls_client_auth_san_uri": _certified(tls_client_auth_san_uri="spiffe://kestrel.example/a"),
        "tls_client_auth_san_ip": _certified(tls_client_auth_san_ip="192.0.2.7"),
        "tls_client_auth_san_email": _certified(tls_client_auth_san_email="a@kestrel.example"),
        "trust_anchors": _certified(tls_client_auth_san_dns="kestrel.example"),
        "tls_client_certificate_bound_access_tokens": True,
        "dpop_bound_access_tokens": True,
        "requires_dpop_nonce": True,
        "workload": {
            "methods": ["workload_jwt"],
            "jwks": None,
            "workload": {
                "issuer": "https://token.actions.githubusercontent.com",
                "audiences": ["https://meridian.example"],
                "rules": [{"claim": "sub", "operator": "equals", "value": "repo:kestrel/settle"}],
            },
        },
        "redirect_uris": {
            "redirect_uris": ["https://kestrel.example/back"],
            "grant_types": ["authorization_code"],
        },
        "serves": ["ledger-api"],
        **_LIMITS,
    },
    Kind.TRUST: {
        "issuer": "https://other.kestrel.example",
        "jwks": KEYS,
        "jwks_uri": "https://login.kestrel.example/keys",
        "audiences": ["api://handover"],
        "token_types": ["urn:ietf:params:oauth:token-type:jwt"],
        "algorithms": ["ES256"],
        "rules": [{"claim": "tenant", "operator": "equals", "value": "kestrel"}],
        "leeway": "20s",
        "introspection": {"introspection": {"endpoint": "https://login.kestrel.example/i", "client_id": "meridian"}},
        "subject_lifetime": "2h",
        "lifetime": "4m",
        "max_depth": 2,
        "one_time": True,
        "reusable_assertions": True,
        "allows_foreign_chain": True,
        "accepts_actors": True,
    },
    Kind.MAPPING: {
        "source": {"source": "own_token", "trust": None},
        "trust": {"source": "own_token", "trust": None},
        "target": {"target": "other-api", "grants": {}},
        "position": 7,
        "clients": ["kestrel-settlement"],
        "rules": [{"claim": "tier", "operator": "exists"}],
        "condition": "claims.level > 2",
        "grants": {"grants": {"other": ["ledger:read"]}},
        "always": ["ledger:read"],
        "scopes_expression": "scopes",
        "default_scopes": ["ledger:read"],
        "lifetime": "4m",
        "allows_impersonation": True,
        "max_depth": 2,
        "subject_claim": "client_id",
        "claims": {"claims": {"own_tier": "'gold'"}},
        "carries_login": True,
    },
}
"""Of each field another value; where others have to change with it, what changes, by field."""


def text_of(documents: Mapping[Kind, dict[str, Any]]) -> str:
    return export(checking.read(kind, document) for kind, document in documents.items())


def drifted(text: str, **options: str) -> Drift:
    return drift(read_documents([source(text)], texts.ENVIRON), SYSTEM, **options)


@pytest.fixture(scope="module")
def base() -> str:
    """The documents of what is in force."""
    return text_of(BASE)


@pytest.fixture
def in_force(base: str) -> str:
    get_user_model()._default_manager.create(email=OWNER)
    other = checking.read(Kind.TARGET, BASE[Kind.TARGET] | {"name": "other-api", "audience": "https://o.example"})
    whole = base + export([other])
    applied(whole)
    return whole


def test_each_field_of_each_kind_has_another_value_here() -> None:
    for kind, declaration in KINDS.items():
        assert {field.name for field in fields(declaration)} - IDENTITY == OTHERWISE[kind].keys()


@pytest.mark.parametrize("kind", list(Kind))
def test_each_field_that_a_file_has_otherwise_is_told(in_force: str, kind: Kind) -> None:
    before = Event.objects.count(), Registry.objects.get().epoch
    assert drifted(in_force).differences == ()
    for field, other in OTHERWISE[kind].items():
        changes = other if isinstance(other, dict) and field in other else {field: other}
        document = {name: value for name, value in (BASE[kind] | changes).items() if value is not None}
        text = _with_secret(text_of({kind: document}))
        (difference,) = (item for item in drifted(text).differences if item.side is not Side.ONLY_IN_FORCE)
        assert (difference.side, difference.key[0], difference.key[2]) == (Side.DIFFERS, kind, BASE[kind]["name"])
        told = {item.field.partition(".")[0].partition(" ")[0]: item for item in difference.fields}
        assert field in told, (kind, field, told.keys())
        assert told[field].old != told[field].new
    assert (Event.objects.count(), Registry.objects.get().epoch) == before


def _with_secret(text: str) -> str:
    """The documents with the secret that an introspection endpoint takes."""
    return text.replace("  client_id: meridian\n", "  client_id: meridian\n  secret: {env: KESTREL_SECRET}\n")


def test_what_only_one_side_has_is_told_of_every_kind(in_force: str, base: str) -> None:
    sides = [(difference.side, difference.key[2]) for difference in drifted(base).differences]
    assert sides == [(Side.ONLY_IN_FORCE, "other-api")]
    fjord: dict[Kind, dict[str, Any]] = {
        kind: {
            name: value.replace("kestrel", "fjord").replace("to-ledger", "ours") if isinstance(value, str) else value
            for name, value in document.items()
        }
        for kind, document in BASE.items()
        if kind is not Kind.TARGET
    }
    more = in_force + text_of(fjord).partition("\n")[2]
    told = [(difference.side, difference.key[0]) for difference in drifted(more).differences]
    assert told == [(Side.ONLY_IN_FILES, kind) for kind in fjord]
    applied(more)
    told = [(difference.side, difference.key[0]) for difference in drifted(in_force).differences]
    assert told == [(Side.ONLY_IN_FORCE, kind) for kind in fjord]
    assert drifted(in_force, partner="kestrel").differences == ()
    assert drifted(more).differences == ()


def test_a_suspension_in_force_is_drift_from_a_file_that_says_active(in_force: str) -> None:
    with changing(examples.ADMIN) as change:
        services.suspend_client(change, "kestrel-settlement")
    assert drifted(in_force).differences == ()
    active = in_force.replace("name: kestrel-settlement\n", "name: kestrel-settlement\nstate: active\n", 1)
    (difference,) = drifted(active).differences
    assert [(item.field, item.old, item.new) for item in difference.fields] == [("state", "suspended", "active")]


def run(*arguments: object) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("drift", *map(str, arguments), stdout=out)
    except SystemExit as stopped:
        return int(stopped.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_the_command_says_what_differs_and_exits_so_that_a_script_knows(in_force: str, tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(in_force)
    assert run("-f", file) == (0, "Files and database say the same.\n")
    file.write_text(in_force.replace("lifetime: 5m", "lifetime: 4m"))
    code, text = run("-f", file)
    assert code == 2
    assert "differs       Trust kestrel/kestrel-idp\n              lifetime: 5m in force, 4m in the files\n" in text
    code, text = run("-f", file, "--json")
    sides = {item["name"]: item["fields"] for item in json.loads(text)["differences"]}
    assert sides["kestrel-idp"] == [{"field": "lifetime", "in_force": "5m", "in_files": "4m"}]
    file.write_text(in_force.replace("issuer: https", "issuer: http"))
    with pytest.raises(
        CommandError, match=r"all\.yaml:\d+: Trust kestrel-idp, issuer: expected [^\n]*\n.*not compared"
    ):
        run("-f", file)
