"""Somebody with every right who sends what nobody should, to addresses that all lead somewhere."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.utils import timezone

from audit.models import Event
from exchange.models import GoldenToken
from exchange.protocol.request import TOKEN_EXCHANGE
from partners.models import FederationTrust, Registry, ScopeMapping
from portal.models import Proposal
from portal.permissions import Permission
from portal.roles import Role
from tests.api.rights import ARGUMENTS
from tests.world import ACCESS_TOKEN, LEDGER, add_client

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.conftest import Bearer
    from tests.api.described import Operation
    from tests.portal.organisation import Organisation

END: Final = {"outcome": "refused", "reason": "token.issuer_untrusted", "step": "issuer"}
QUESTION: Final = {
    "client_id": "kestrel-settlement",
    "grant_type": TOKEN_EXCHANGE,
    "at": "2026-11-01T00:00:00+00:00",
    "parameters": {"subject_token_type": [ACCESS_TOKEN], "audience": [LEDGER]},
    "subject": {"header": {"alg": "ES256", "typ": "at+jwt"}, "claims": {"iss": "https://nobody.example"}},
    "actor": None,
    "has_proof": False,
    "has_certificate": False,
    "as_if_active": False,
}
"""What the golden token among the objects asks again."""


def written() -> tuple[int, int]:
    """What a change of configuration, or anything that is audited, moves."""
    return Event.objects.count(), Registry.objects.values_list("epoch", flat=True).get()


@dataclass
class Attacker:
    """An admin's token and the addresses of an organisation; each call of theirs is undone."""

    caller: Bearer
    arguments: dict[str, str]
    calls: int = 0
    tags: dict[str, str] = field(default_factory=dict)
    before: tuple[int, int] = field(default_factory=written)

    def address(self, path: str) -> str:
        for name, value in self.arguments.items():
            path = path.replace(f"{{{name}}}", value)
        assert "{" not in path
        return path.removeprefix("/api/v1/")

    def call(self, operation: Operation, body: dict[str, Any]) -> Any:
        path, point = self.address(operation.path), transaction.savepoint()
        if operation.method == "PATCH" and path not in self.tags:
            read = self.caller.call("GET", path)
            assert read.status_code == 200, (path, read.content)
            self.tags[path] = read["ETag"]
        answer = self.caller.call(operation.method, path, json.dumps(body), **{"if-match": self.tags.get(path, "*")})
        assert answer.status_code < 500, (operation.method, path, body, answer.content)
        if answer.status_code >= 400:
            assert written() == self.before, (operation.method, path, body)
        transaction.savepoint_rollback(point)
        self.calls += 1
        return answer


def build(organisation: Organisation, bearer: Callable[..., Bearer]) -> Attacker:
    """With a draft, a proposal, a golden token and keys that wait: every address with a body leads somewhere."""
    kestrel, people = organisation.kestrel, organisation.people
    current = ScopeMapping.objects.get(name="settle", state="published")
    current.pk, current.version, current.state = None, 4, "draft"
    current.save(force_insert=True)
    ours = {"source": "client", "target": current.target, "always": ["ledger.read"], "author": "sara@meridian.example"}
    ScopeMapping.objects.create(name="settle", version=1, state="draft", **ours)
    add_client(None, "inventory-sync", secret="s" * 43, scopes=["ledger.read"])
    proposal = Proposal.objects.create(
        partner=kestrel, trust="kestrel-idp", fields={"max_depth": 2}, author=people[Role.PARTNER_ADMIN]
    )
    source = FederationTrust.objects.get(name="kestrel-idp").key_source
    source.pending_jwks_uri = "https://idp.kestrel.example/other"
    source.save()
    case = GoldenToken.objects.create(
        partner=kestrel, name="gold", question=QUESTION, expected=END, found=END,
        author="sara@meridian.example", checked_at=timezone.now(), checked_epoch=1,
    )  # fmt: skip
    known: dict[str, Any] = {place.strip("<>").partition(":")[2]: value for place, value in ARGUMENTS.items()}
    kestrel.contact_email = "it@osprey.example"
    kestrel.save()
    client = add_client(kestrel, "kestrel-batch", secret="s" * 43, scopes=["ledger.read"])
    known |= {"client": client.pk, "person": people[Role.AUDITOR].pk}
    known |= {"proposal": proposal.pk, "source": source.pk, "case": case.pk, "reference": organisation.granted}
    caller = bearer(people[Role.SECURITY_ADMIN], *Permission)
    return Attacker(caller=caller, arguments={name: str(value) for name, value in known.items()})
