"""Who is limited, and by how much: addresses, clients, partners, subjects (RFC 6585 section 4, reliability.md 3.5).

The order is a security property. An address from which too many authentications failed is refused before anything of
its request is verified (attack A16). A client is charged only after it proved to be that client, so that nobody can
use up another's limit; a subject only after its token was verified.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from time import monotonic
from typing import TYPE_CHECKING, Final

from exchange.limits.limit import MICROSECONDS, Limit, per_day, per_minute
from exchange.protocol.errors import refusal
from exchange.protocol.oauth_errors import Pause, SlowDown
from policy.reasons import Reason, Rule
from policy.tokens import VerifiedToken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exchange.limits.slices import Slice, Slices
    from policy.parties import Allowance, Client
    from policy.tokens import EstablishedSubject

COSTS: Final[Mapping[str, float]] = {"introspection": 0.2, "revocation": 0.2, "verify": 0.2, "client_credentials": 0.5}
"""What a request costs beside a token exchange, which costs 1; by grant type or, where there is none, by endpoint."""
_SIGNED: Final = (
    *(Reason.ASSERTION_REFUSED, Reason.ASSERTION_REPLAYED),
    *(Reason.WORKLOAD_REFUSED, Reason.WORKLOAD_RULE_UNMET, Reason.WORKLOAD_RULE_FAULT),
)
_FAILURES: Final[Mapping[Reason, float]] = dict.fromkeys(_SIGNED, 2.0) | dict.fromkeys(
    (Reason.TOKEN_EXPIRED, Reason.TOKEN_REVOKED), 0.1
)
"""What a failure costs its address, where not 1. A refused assertion: to check a signature is the dearest part of a
refusal. A token that was good once, at the verify endpoint: whoever uses tokens presents one now and then.
"""
_FAILURES_AT_ONCE: Final = 20
_ANONYMOUS: Final = per_minute("address", 60, 20)
"""What one address may ask in a minute in the name of public clients."""
_NETWORK_BITS: Final = 64
_MOST_KNOWN: Final = 50_000

_REASONS: Final[Mapping[str, Reason]] = {
    "client": Reason.LIMIT_CLIENT,
    "client-day": Reason.LIMIT_DAY,
    "partner": Reason.LIMIT_PARTNER,
    "partner-day": Reason.LIMIT_DAY,
    "subject": Reason.LIMIT_SUBJECT,
    "address": Reason.LIMIT_ADDRESS,
}
"""By the name of a limit, which is also its name in ``RateLimit-Policy``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What the installation allows each client, partner, subject and address in a minute; 0 sets no limit."""

    client: int
    partner: int
    subject: int
    address_failures: int


class Limits:
    """Decides from this process's slices alone: nothing here waits. Each method raises ``SlowDown``, or lets pass."""

    def __init__(self, slices: Slices, defaults: Defaults) -> None:
        self._slices = slices
        self._subject = per_minute("subject", defaults.subject) if defaults.subject else None
        self._address = _per_address(defaults.address_failures) if defaults.address_failures else None
        self._defaults = defaults
        self._known: dict[str, tuple[Client, tuple[tuple[str, Limit], ...]]] = {}
        self._has_failures = False

    def address(self, address: str) -> None:
        """Refuse an address from which too many authentications failed. Good requests cost an address nothing."""
        if not self._has_failures or self._address is None:
            return
        one = self._slices.known(address_key(address))
        if one is not None and not one.has(1):
            self._slices.miss(one, 1)
            raise _slow_down(one, 1, Rule.REQUEST)

    def failed(self, address: str, reason: Reason) -> None:
        """Count a failed client authentication, or a token that is none of ours, against the address it came from."""
        if self._address is None or not address:
            return
        self._has_failures = True
        one = self._slices.of(address_key(address), self._address)
        one.spent += _FAILURES.get(reason, 1.0)
        self._slices.needed.set()

    def client(self, client: Client, use: str) -> None:
        """Charge an authenticated client, and its partner, for one use of a grant type or an endpoint."""
        known = self._known.get(client.client_id)
        charged = known[1] if known is not None and known[0] is client else self._learn(client)
        cost = COSTS.get(use, 1.0)
        lacking = self._slices.pay([self._slices.of(key, limit) for key, limit in charged], cost)
        if lacking is not None:
            raise _slow_down(lacking, cost, Rule.CLIENT)

    def anonymous(self, address: str) -> None:
        """Charge an address for what a public client asks in vain or not: such a client proves nothing itself."""
        one = self._slices.of(f"anonymous:{address_key(address)}", _ANONYMOUS)
        lacking = self._slices.pay([one], 1)
        if lacking is not None:
            raise _slow_down(lacking, 1, Rule.CLIENT)

    def subject(self, token: EstablishedSubject) -> None:
        """Charge the subject of a verified token, whichever client presents it; a client was charged as such."""
        if self._subject is None or not isinstance(token, VerifiedToken):
            return
        digest = sha256(f"{token.issuer}\x1f{token.subject}".encode()).hexdigest()[:32]  # no name of a person in Redis
        lacking = self._slices.pay([self._slices.of(f"subject:{digest}", self._subject)], 1)
        if lacking is not None:
            raise _slow_down(lacking, 1, Rule.SUBJECT_TOKEN)

    def _learn(self, client: Client) -> tuple[tuple[str, Limit], ...]:
        """The limits of a client as registered now: a changed client is another object, and learnt again."""
        charged = _limits("client", client.client_id, client.allowance, self._defaults.client)
        if client.partner is not None:
            charged += _limits("partner", client.partner.slug, client.partner.allowance, self._defaults.partner)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[client.client_id] = client, charged
        return charged


def _per_address(failures: int) -> Limit:
    return per_minute("address", failures, max(_FAILURES_AT_ONCE, failures // 3))


def _limits(level: str, name: str, allowance: Allowance, default: int) -> tuple[tuple[str, Limit], ...]:
    rate = default if allowance.requests_per_minute is None else allowance.requests_per_minute
    limits = ((f"{level}:{name}", per_minute(level, rate, allowance.burst)),) if rate else ()
    if allowance.daily_quota is None:
        return limits
    return (*limits, (f"{level}-day:{name}", per_day(f"{level}-day", allowance.daily_quota)))


def address_key(address: str) -> str:
    """An address, or for IPv6 the network of 64 bits that one subscriber has."""
    if ":" in address:
        try:
            parsed = ip_address(address)
        except ValueError:
            return f"address:{address[:64]}"
        if isinstance(parsed, IPv6Address):
            mapped = parsed.ipv4_mapped
            return f"address:{mapped or ip_network((parsed, _NETWORK_BITS), strict=False)}"
    return f"address:{address[:64]}"


def _slow_down(one: Slice, cost: float, rule: Rule) -> SlowDown:
    """The refusal, with what the caller needs in order to come back at the right time."""
    limit = one.limit
    seconds = _seconds_left(one, cost)
    error = refusal(
        _REASONS[limit.level],
        rule,
        f"{limit.level}: at most {limit.quota} in {limit.window} s, {int(limit.burst)} at once",
        f"more; retry after {seconds} s",
    )
    assert isinstance(error, SlowDown)
    error.pause = Pause(policy=limit.level, quota=limit.quota, window=limit.window, seconds=seconds)
    return error


def _seconds_left(one: Slice, cost: float) -> int:
    """Until this much may pass, in whole seconds and at least one."""
    if not one.blocked_until:
        return 1
    return max(1, ceil(one.blocked_until - monotonic() + max(0.0, cost - 1) * one.limit.interval / MICROSECONDS))
