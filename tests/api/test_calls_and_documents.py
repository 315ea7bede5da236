"""Whatever a call writes, a document declares too; or the reason why not is written here, as the page gives it.

A call, a member of a body or a field of a document that is new fails here until one of the two is said of it.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from partners.declarations import KINDS
from partners.vocabulary import Kind
from portal.api.body_shapes import BODIES
from portal.api.objects import LEFT_OUT
from portal.api.shapes import all_shapes
from portal.api.urls import ADDRESSES
from tests.documents.test_what_is_declared import DRAFTS, LENT, PARTNERS_PEOPLE, PEOPLE, WATCHED

OWN, GOLDEN, ONBOARDING = "Passwords, passkeys", "Golden tokens", "The steps of onboarding"
DECLARED: Final = {
    ("partners", "POST"): (Kind.PARTNER, "its document"),
    ("partner", "PATCH"): (Kind.PARTNER, "its document"),
    ("partner-activate", "POST"): (Kind.PARTNER, "state: active"),
    ("partner-suspend", "POST"): (Kind.PARTNER, "state: suspended"),
    ("partner-reinstate", "POST"): (Kind.PARTNER, "state: active, with --reinstate"),
    ("partner-offboard", "POST"): (Kind.PARTNER, "state: offboarded"),
    ("trusts", "POST"): (Kind.TRUST, "its document"),
    ("trust", "PATCH"): (Kind.TRUST, "its document"),
    ("trust-withdraw", "POST"): (Kind.TRUST, "--prune"),
    ("introspection-secret", "POST"): (Kind.TRUST, "introspection.secret, by reference"),
    ("mappings", "POST"): (Kind.MAPPING, "its document, which publishes it"),
    ("draft", "PATCH"): (Kind.MAPPING, "its document, which publishes it"),
    ("publish", "POST"): (Kind.MAPPING, "its document"),
    ("withdraw", "POST"): (Kind.MAPPING, "--prune"),
    ("own-mappings", "POST"): (Kind.MAPPING, "its document without a partner, which publishes it"),
    ("own-draft", "PATCH"): (Kind.MAPPING, "its document, which publishes it"),
    ("own-publish", "POST"): (Kind.MAPPING, "its document"),
    ("own-withdraw", "POST"): (Kind.MAPPING, "--prune"),
    ("clients", "POST"): (Kind.CLIENT, "its document"),
    ("client", "PATCH"): (Kind.CLIENT, "its document"),
    ("client-suspend", "POST"): (Kind.CLIENT, "state: suspended, or --prune"),
    ("client-reinstate", "POST"): (Kind.CLIENT, "state: active, with --reinstate"),
    ("secrets", "POST"): (Kind.CLIENT, "secrets, by reference: the file has both while one takes over from the other"),
    ("secret", "DELETE"): (Kind.CLIENT, "secrets without it"),
    ("targets", "POST"): (Kind.TARGET, "its document"),
    ("target", "PATCH"): (Kind.TARGET, "its document"),
    ("scope", "DELETE"): (Kind.TARGET, "scopes without it"),
}
"""The kind of document that does what the call does, and how."""
NOT_DECLARED: Final = {
    ("partner-pass-test", "POST"): ONBOARDING,
    **dict.fromkeys(
        (("draft", "DELETE"), ("own-draft", "DELETE"), ("shadow", "POST"), ("shadow-stop", "POST")), DRAFTS
    ),
    ("back-test", "POST"): DRAFTS,
    **dict.fromkeys(
        (("golden-tokens", "POST"), ("golden-token", "PATCH"), ("golden-token", "DELETE")),
        GOLDEN,
    ),
    **dict.fromkeys((("golden-token-run", "POST"), ("golden-tokens-run", "POST")), GOLDEN),
    **dict.fromkeys(
        ((name, "POST") for name in ("waiting-key-confirm", "trust-look", "canaries-run", "alert-acknowledge")), WATCHED
    ),
    **dict.fromkeys(
        (
            (name, "POST")
            for name in (
                *("insider-close", "invitations", "invitation-revoke", "proposal-approve", "proposal-decline"),
                "own-domain-look",
            )
        ),
        PARTNERS_PEOPLE,
    ),
    **dict.fromkeys(
        (
            (name, "POST")
            for name in (
                *("people", "person-give-role", "person-take-role", "person-close", "person-open"),
                *("person-link", "person-unlink"),
            )
        ),
        PEOPLE,
    ),
    **dict.fromkeys(((name, "POST") for name in ("person-end-sessions", "person-send-link")), OWN),
    ("consent", "DELETE"): LENT,
}
"""By the row of the page that says why."""
ASKING: Final = {(name, "POST") for name in ("simulations", "exchange-try", "suggestions", "examine")}
"""What only asks, and writes nothing of the configuration."""

BY_REFERENCE: Final = {"IntrospectionSecret": {"secret"}, "NewSecret": {"overlap"}}
"""Members of bodies about secrets, which documents refer to: a file has both secrets for as long as it has them."""


def views() -> dict[str, Any]:
    return {str(address.name): address.callback for address in ADDRESSES}


def test_every_call_that_writes_has_its_document_or_its_reason() -> None:
    writing = {(name, method) for name, view in views().items() for method in view.cls.needs if method != "GET"}
    said = (DECLARED.keys(), NOT_DECLARED.keys(), ASKING)
    assert writing == set().union(*said)
    assert len(writing) == sum(map(len, said))


def test_the_page_gives_each_reason() -> None:
    page = (Path(settings.BASE_DIR) / "docs" / "configuration.md").read_text(encoding="utf-8")
    for row in set(NOT_DECLARED.values()):
        assert f"\n| {row}" in page.partition("## What is not declared")[2], row
    for option in ("--prune", "--reinstate"):
        assert f"| `{option}` |" in page


def test_every_member_of_a_body_is_a_field_of_the_document_and_every_field_a_member() -> None:
    shapes = all_shapes()
    for (name, method), (kind, how) in DECLARED.items():
        body = views()[name].cls.bodies.get(method)
        if body is None or body in BY_REFERENCE:
            assert how != "its document" or method != "PATCH", name
            assert body is None or shapes[body]["properties"].keys() == BY_REFERENCE[body]
            continue
        documented = {field.name for field in fields(KINDS[kind])}
        assert shapes[body]["properties"].keys() == documented - LEFT_OUT.get(kind, frozenset()), (name, body)


def test_what_bodies_leave_out_of_a_document_is_done_by_acts() -> None:
    acts = {(kind, how.partition(":")[0]) for kind, how in DECLARED.values()}
    assert {(kind, field) for kind, left_out in LEFT_OUT.items() for field in left_out} <= acts


def test_every_other_body_belongs_to_a_call_that_is_not_declared() -> None:
    bodies = {body: (name, method) for name, view in views().items() for method, body in view.cls.bodies.items()}
    for body in BODIES.keys() - BY_REFERENCE.keys():
        assert bodies[body] in NOT_DECLARED.keys() | ASKING, body
