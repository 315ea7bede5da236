"""Who is charged for what, and when: clients, partners, subjects, addresses, without Redis (RFC 6585 section 4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from exchange.limits import levels
from exchange.limits.levels import Defaults, Limits, address_key
from exchange.limits.slices import Slices
from exchange.protocol.oauth_errors import SlowDown
from exchange.protocol.response import failure
from policy.parties import Allowance
from policy.reasons import Reason
from policy.tokens import TokenType, VerifiedToken
from tests.house.sources import ROOT
from tests.policy.examples import make_client, make_partner

if TYPE_CHECKING:
    from collections.abc import Callable

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
NONE = Defaults(client=0, partner=0, subject=0, address_failures=0)


def limits(**defaults: int) -> Limits:
    """Limits of a process that is the only one: its share is the whole burst."""
    slices = Slices()
    slices.processes = 1
    return Limits(slices, replace(NONE, **defaults))


def passing(act: Callable[[], None], most: int = 500) -> int:
    """How often it may be done before it is refused."""
    for number in range(most):
        try:
            act()
        except SlowDown:
            return number
    return most


def token(**changes: Any) -> VerifiedToken:
    good: dict[str, Any] = {
        "issuer": "https://idp.example",
        "subject": "user-1",
        "audience": (),
        "scope": frozenset(),
        "claims": {},
        "expires_at": datetime.now(UTC) + timedelta(minutes=5),
        "token_type": TokenType.JWT,
        "algorithm": "ES256",
        "key_id": "k",
        "token_id": "",
        "digest": "",
    }
    return VerifiedToken(**good | changes)


def test_a_client_has_the_installations_limit_unless_it_has_its_own() -> None:
    ours = limits(client=120)
    assert passing(lambda: ours.client(make_client(), EXCHANGE)) == 20
    own = make_client(client_id="own", allowance=Allowance(requests_per_minute=60, burst=3))
    assert passing(lambda: ours.client(own, EXCHANGE)) == 3


def test_clients_of_one_partner_share_its_limit() -> None:
    ours = limits()
    partner = make_partner(allowance=Allowance(requests_per_minute=60, burst=7))
    clients = [make_client(client_id=name, partner=partner) for name in ("a", "b")]
    assert passing(lambda: ours.client(clients[0], EXCHANGE), 4) == 4
    assert passing(lambda: ours.client(clients[1], EXCHANGE)) == 3
    with pytest.raises(SlowDown) as caught:
        ours.client(clients[0], EXCHANGE)
    assert caught.value.reason is Reason.LIMIT_PARTNER


def test_a_client_of_our_own_has_no_partner_to_be_charged() -> None:
    assert passing(lambda: limits(partner=60).client(make_client(partner=None), EXCHANGE), 50) == 50


@pytest.mark.parametrize("level", ["client", "partner"])
def test_a_daily_quota_ends_at_its_number(level: str) -> None:
    quota = Allowance(daily_quota=30)
    client = make_client(allowance=quota) if level == "client" else make_client(partner=make_partner(allowance=quota))
    ours = limits(client=60_000)
    assert passing(lambda: ours.client(client, EXCHANGE)) == 30
    with pytest.raises(SlowDown) as caught:
        ours.client(client, EXCHANGE)
    assert caught.value.reason is Reason.LIMIT_DAY


@pytest.mark.parametrize(("use", "times"), [(EXCHANGE, 10), ("introspection", 50), ("verify", 50), ("revocation", 50)])
def test_a_question_about_a_token_costs_a_fifth_of_an_exchange(use: str, times: int) -> None:
    client = make_client(allowance=Allowance(requests_per_minute=60, burst=10))
    ours = limits()
    assert passing(lambda: ours.client(client, use)) == times


def test_a_changed_registration_counts_at_once() -> None:
    ours = limits()
    client = make_client(allowance=Allowance(requests_per_minute=60, burst=2))
    assert passing(lambda: ours.client(client, EXCHANGE)) == 2
    assert passing(lambda: ours.client(replace(client, allowance=Allowance(requests_per_minute=60, burst=9)), "x")) == 9


def test_a_subject_is_its_issuer_and_its_name() -> None:
    ours = limits(subject=60)
    assert passing(lambda: ours.subject(token())) == 10
    assert passing(lambda: ours.subject(token(issuer="https://other.example"))) == 10
    assert passing(lambda: ours.subject(token(subject="user-2"))) == 10


def test_an_address_is_refused_once_too_much_failed_from_it() -> None:
    ours = limits(address_failures=60)

    def fail() -> None:
        ours.address("192.0.2.1")
        ours.failed("192.0.2.1", Reason.SECRET_WRONG)

    assert passing(fail) == 20
    ours.address("192.0.2.2")


def test_a_signature_that_was_checked_in_vain_costs_twice() -> None:
    ours = limits(address_failures=60)

    def fail() -> None:
        ours.address("192.0.2.1")
        ours.failed("192.0.2.1", Reason.ASSERTION_REFUSED)

    assert passing(fail) == 10


def test_a_token_that_was_good_once_costs_a_tenth() -> None:
    ours = limits(address_failures=60)

    def fail() -> None:
        ours.address("192.0.2.1")
        ours.failed("192.0.2.1", Reason.TOKEN_EXPIRED)

    assert passing(fail) == 191


def test_where_nothing_failed_an_address_has_no_bucket() -> None:
    slices = Slices()
    ours = Limits(slices, replace(NONE, address_failures=60))
    for number in range(100):
        ours.address(f"192.0.2.{number}")
    assert len(slices) == 0


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.1", "address:192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "address:2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "address:2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "address:192.0.2.1"),
        ("no:address", "address:no:address"),
        ("x" * 100, "address:" + "x" * 64),
    ],
)
def test_an_ipv6_address_counts_as_its_network(address: str, key: str) -> None:
    assert address_key(address) == key


def test_no_name_of_a_person_becomes_a_key() -> None:
    slices = Slices()
    Limits(slices, replace(NONE, subject=60)).subject(token(subject="ada@kestrel.example"))
    assert [key.startswith("subject:") and "ada" not in key for key, _ in slices.items()] == [True]


def test_the_answer_says_which_limit_and_when() -> None:
    ours = limits()
    client = make_client(allowance=Allowance(requests_per_minute=90, burst=1))
    ours.client(client, EXCHANGE)
    with pytest.raises(SlowDown) as caught:
        ours.client(client, EXCHANGE)
    answer = failure(caught.value, "ref")
    assert answer.status == 429
    assert dict(answer.headers)[b"retry-after"] == b"1"
    assert dict(answer.headers)[b"ratelimit-policy"] == b'"client";q=90;w=60'
    assert dict(answer.headers)[b"ratelimit"] == b'"client";r=0;t=1'


def test_every_line_that_authenticates_a_client_charges_it() -> None:
    """A new grant that forgets its limit fails here."""
    lines = {
        path.name: "limits.client(" in text
        for path in (ROOT / "exchange").glob("*.py")
        if "authenticate_client(" in (text := path.read_text(encoding="utf-8")).replace("def authenticate_client(", "")
    }
    assert len(lines) >= 4
    assert set(lines.values()) == {True}, lines


def test_every_limit_has_a_reason_of_its_own() -> None:
    named = {reason for reason in Reason if reason.value.startswith("limit.")}
    assert set(levels._REASONS.values()) == named
