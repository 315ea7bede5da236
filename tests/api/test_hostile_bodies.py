"""Every member of every body of the API, with what nobody should send: named in a problem, never a fault or a half."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.db import transaction

from audit.models import Event
from partners.models import Registry
from portal.api.examples import EXAMPLES
from portal.api.urls import ADDRESSES
from portal.permissions import Permission
from portal.roles import Role
from tests.api.test_rights import addressed
from tests.attacks import attack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.api.conftest import Bearer
    from tests.portal.organisation import Organisation

HOSTILE: tuple[Any, ...] = (
    "a\x00b\u202e<script>alert(1)</script>",
    "=cmd|' /C calc'!A1\ud800\uffff",
    "x" * 5000,
    {"$ne": [None, {"": []}]},
    [10**30, -1.5e300, True],
    10**30,
)


def bodies() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Address, method and a right body of every call that has one."""
    for address in ADDRESSES:
        view: Any = address.callback
        for method, name in view.cls.bodies.items():
            yield str(address.pattern), method, EXAMPLES[name]


def written() -> tuple[int, int]:
    """What a change of configuration, or anything that is audited, moves."""
    return Event.objects.count(), Registry.objects.values_list("epoch", flat=True).get()


@attack("A27")
def test_no_body_breaks_a_call_and_none_is_written_by_halves(
    organisation: Organisation, bearer: Callable[..., Bearer]
) -> None:
    admin = bearer(organisation.people[Role.SECURITY_ADMIN], *Permission)
    client = organisation.kestrel.clients.get(client_id="kestrel-settlement")
    tried = 0
    for route, method, example in bodies():
        path = addressed(route.replace("<uuid:client>", str(client.pk)))
        etag = {"if-match": admin.call("GET", path).headers.get("ETag", '"none"')} if method == "PATCH" else {}
        for member in [*example, "a\x00member"]:
            for value in HOSTILE:
                before, point = written(), transaction.savepoint()
                answer = admin.call(method, path, json.dumps({**example, member: value}), **etag)
                assert answer.status_code < 500, (method, path, member, value, answer.content)
                if answer.status_code >= 400:
                    assert written() == before, (method, path, member, value)
                    assert answer.json()["code"], (method, path, member)
                transaction.savepoint_rollback(point)
                tried += 1
    assert tried > 200
