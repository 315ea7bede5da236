"""Where an issuer is asked about its opaque tokens, and our secret there: sealed, for that place alone, never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from audit.models import Event
from partners import inventory, selectors, services
from partners.declarations import DeclaredIntrospection
from partners.errors import ConfigurationRefused, IllegalTransition
from partners.models import FederationTrust
from partners.sealed import CannotOpen, Sealed, seal
from partners.vocabulary import Kind, SubjectTokenType
from tests.partners import examples

if TYPE_CHECKING:
    from partners.changes import Change

PLACE = ("https://login.kestrel.example/introspect", "meridian")
SECRET = "their-own-words+%:/"


def introspection(**fields: Any) -> DeclaredIntrospection:
    return DeclaredIntrospection(**{"endpoint": PLACE[0], "client_id": PLACE[1]} | fields)


@pytest.fixture
def asked(change: Change) -> Change:
    """A change with a trust whose issuer is asked, and the secret for it."""
    services.register_partner(change, examples.partner())
    services.add_trust(change, examples.trust(introspection=introspection()))
    services.put_introspection_secret(change, "kestrel", "kestrel-idp", SECRET)
    return change


def sealed() -> Sealed | None:
    """What the registry would open to ask."""
    partner = next(owner for owner in selectors.configuration().partners if owner is not None)
    (issuer,) = selectors.configuration().partners[partner].issuers
    assert issuer.introspection is not None
    return issuer.introspection.secret


def test_a_trust_keeps_where_its_issuer_is_asked(asked: Change) -> None:
    declared = examples.trust(introspection=introspection(allows_missing_audience=True))
    (field,) = services.change_trust(asked, declared)
    assert field.field == "introspection"
    assert inventory.everything()[(Kind.TRUST, "kestrel", "kestrel-idp")].declared == declared


@pytest.mark.usefixtures("asked")
def test_the_secret_opens_for_its_own_place_and_for_no_other() -> None:
    found = sealed()
    assert found is not None
    assert found.open(*PLACE) == SECRET
    for place in (("https://evil.example/introspect", PLACE[1]), (PLACE[0], "another"), PLACE[:1]):
        with pytest.raises(CannotOpen):
            found.open(*place)


def test_a_secret_whose_key_is_gone_or_that_was_changed_does_not_open() -> None:
    good = seal(SECRET, "a")
    lost = Sealed(kek_id="0" * 16, nonce=good.nonce, ciphertext=good.ciphertext)
    bent = Sealed(
        kek_id=good.kek_id, nonce=good.nonce, ciphertext=bytes([good.ciphertext[0] ^ 1]) + good.ciphertext[1:]
    )
    for wrong in (lost, bent):
        with pytest.raises(CannotOpen):
            wrong.open("a")


def test_the_same_secret_again_changes_nothing_and_another_one_is_a_change(asked: Change) -> None:
    assert services.put_introspection_secret(asked, "kestrel", "kestrel-idp", SECRET) == ()
    assert services.put_introspection_secret(asked, "kestrel", "kestrel-idp", None) == ()
    (field,) = services.put_introspection_secret(asked, "kestrel", "kestrel-idp", "another")
    assert (field.old, field.new) == (None, "put")


@pytest.mark.parametrize("fields", [{"endpoint": "https://login.kestrel.example/other"}, {"client_id": "other"}])
def test_a_secret_for_one_place_is_forgotten_when_the_place_changes(asked: Change, fields: dict[str, str]) -> None:
    services.change_trust(asked, examples.trust(introspection=introspection(**fields)))
    assert sealed() is None
    with pytest.raises(IllegalTransition, match="no secret"):
        services.put_introspection_secret(asked, "kestrel", "kestrel-idp", None)


def test_a_trust_that_is_no_longer_asked_forgets_its_secret(asked: Change) -> None:
    services.change_trust(asked, examples.trust())
    row = FederationTrust.objects.get()
    assert (row.introspection_endpoint, bytes(row.introspection_ciphertext)) == ("", b"")
    with pytest.raises(IllegalTransition, match="no introspection endpoint"):
        services.put_introspection_secret(asked, "kestrel", "kestrel-idp", "anything")


@pytest.mark.usefixtures("asked")
def test_nothing_of_the_secret_is_in_the_table_the_audit_trail_or_a_value_that_is_printed() -> None:
    texts = [str(row.canonical) for row in Event.objects.all()]
    texts += [str(list(FederationTrust.objects.values_list())), repr(selectors.configuration())]
    assert len(texts) > 3
    assert not any(SECRET in text for text in texts)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"introspection": introspection(endpoint="http://login.kestrel.example/i")}, "introspection.endpoint"),
        ({"introspection": introspection(endpoint="https://u:p@login.kestrel.example/i")}, "introspection.endpoint"),
        ({"introspection": introspection(client_id="two words")}, "introspection.client_id"),
        ({"introspection": introspection(), "token_types": (SubjectTokenType.ID_TOKEN,)}, "introspection"),
    ],
)
def test_what_cannot_work_is_refused_at_its_field(change: Change, fields: dict[str, Any], field: str) -> None:
    services.register_partner(change, examples.partner())
    with pytest.raises(ConfigurationRefused) as caught:
        services.add_trust(change, examples.trust(**fields))
    assert [problem.field for problem in caught.value.problems] == [field]
