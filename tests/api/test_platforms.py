"""The platform that vouches for a client, and where an issuer is asked about opaque tokens, changed by the API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from partners import models
from portal.api.examples import EXAMPLES
from tests.api.test_changes import admin, changed, tag

if TYPE_CHECKING:
    from tests.api.conftest import Bearer

__all__ = ["admin"]

GITHUB: dict[str, Any] = {
    "issuer": "https://token.actions.githubusercontent.com",
    "rules": [{"claim": "repository", "operator": "equals", "value": "kestrel/settle"}],
    "algorithms": ["RS256"],
    "lifetime": "5m",
}
ASKED = {"endpoint": "https://sessions.kestrel.example/introspect", "client_id": "meridian"}


def test_a_platform_and_an_endpoint_are_written_changed_and_refused_where_they_let_in_too_many(admin: Bearer) -> None:
    client = EXAMPLES["NewClient"] | {"name": "by-github", "partner": "kestrel", "scopes": ["ledger.read"]}
    by_platform = {"methods": ["workload_jwt"], "jwks": None, "jwks_uri": None, "workload": GITHUB}
    path = f"clients/{changed(admin, 'POST', 'clients', client | by_platform).json()['id']}"
    changed(admin, "PATCH", path, {"workload": GITHUB | {"lifetime": "9m"}}, **tag(admin, path))
    row = models.Client.objects.get(client_id="by-github")
    assert (row.workload_issuer, row.workload_lifetime.total_seconds()) == (GITHUB["issuer"], 540)
    anybody = GITHUB | {"rules": [{"claim": "ref", "operator": "equals", "value": "refs/heads/main"}]}
    refused = admin.call("PATCH", path, json.dumps({"workload": anybody}), **tag(admin, path))
    assert (refused.status_code, "not every workload of this platform meets" in refused.content.decode()) == (422, True)

    trust = "partners/kestrel/trusts/kestrel-idp"
    changed(admin, "PATCH", trust, {"introspection": ASKED}, **tag(admin, trust))
    changed(admin, "POST", f"{trust}/introspection-secret", {"secret": "s" * 40})
    shown = admin.call("GET", trust)
    assert "s" * 40 not in shown.content.decode()
    assert shown.json()["has_introspection_secret"] is True
    changed(admin, "PATCH", trust, {"introspection": ASKED | {"client_id": "another"}}, **tag(admin, trust))
    assert admin.call("GET", trust).json()["has_introspection_secret"] is False
