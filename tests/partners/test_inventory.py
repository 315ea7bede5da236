"""Reading the configuration back, and what refers to what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection
from django.test.utils import CaptureQueriesContext

from partners import inventory, services
from partners.schema import references
from partners.vocabulary import Kind
from tests.partners import examples

if TYPE_CHECKING:
    from partners.changes import Change


def test_the_whole_configuration_is_read_in_a_fixed_number_of_queries(registered: Change) -> None:
    with CaptureQueriesContext(
        connection,
    ) as few:
        inventory.everything()
    for number in range(5):
        name = f"partner-{number}"
        services.register_partner(registered, examples.partner(name=name, default_target="ledger-api"))
        services.register_client(registered, examples.client(name=name, partner=name, serves=("ledger-api",)))
        services.add_trust(registered, examples.trust(partner=name))
        services.publish_mapping(registered, examples.mapping(partner=name))
    with CaptureQueriesContext(connection) as many:
        found = inventory.everything()
    assert len(found) == 25
    assert len(many) == len(few) <= 7


def test_objects_come_in_the_order_in_which_they_are_written(registered: Change) -> None:
    del registered
    kinds = [kind for kind, _, _ in inventory.everything()]
    assert kinds == list(Kind)


def test_a_declaration_names_what_it_refers_to() -> None:
    mapping = examples.mapping(clients=("a", "b"))
    assert list(references(mapping)) == [
        (("partner",), Kind.PARTNER, "kestrel"),
        (("trust",), Kind.TRUST, "kestrel-idp"),
        (("target",), Kind.TARGET, "ledger-api"),
        (("clients", 0), Kind.CLIENT, "a"),
        (("clients", 1), Kind.CLIENT, "b"),
    ]
    assert list(references(examples.target())) == []
    assert list(references(examples.client(partner=None))) == []


def test_a_trust_is_meant_within_the_partner_that_names_it() -> None:
    assert inventory.key_named(examples.mapping(), Kind.TRUST, "x") == (Kind.TRUST, "kestrel", "x")
    assert inventory.key_named(examples.mapping(), Kind.TARGET, "x") == (Kind.TARGET, "", "x")
    assert inventory.key_of(examples.trust()) == (Kind.TRUST, "kestrel", "kestrel-idp")
