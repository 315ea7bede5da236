"""One token, one issuer, one verdict: verification without a server, for tests of what it says and where it ends."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from exchange.keyring import EMPTY, key_ring
from exchange.possession import NOTHING
from exchange.protocol.errors import OAuthError
from exchange.registry import Installation, Issuer, Ourselves, Registry, build
from exchange.verifying import PresentedToken, read, verify
from partners.selectors import Configuration, PartnerConfiguration
from policy.mapping import MappingSource
from policy.raw import RawToken
from policy.reasons import Reason, Rule
from policy.tokens import TokenType, VerifiedToken
from tests.fuzz.signed import KEYS, NOW, SECONDS, described, spell
from tests.policy.examples import ISSUER, make_client, make_target, make_trust
from tests.signers import public_jwks

US: Final = "https://handover.example"
OTHERS: Final = "https://books.example"
HEADER: Final[dict[str, Any]] = {"alg": "ES256", "kid": "elliptic", "typ": "JWT"}
CLAIMS: Final[dict[str, Any]] = {
    "iss": ISSUER,
    "sub": "user-1",
    "aud": US,
    "exp": SECONDS + 60,
    "iat": SECONDS - 5,
    "jti": "one",
    "scope": "settle report",
}


def present(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def make_issuer(*, is_fetched: bool = False, usable_until: Any = None, keys: Any = KEYS, **trust: Any) -> Issuer:
    """An issuer with both keys, which vouches for us and for one more audience."""
    trusted = make_trust(**{"algorithms": frozenset(KEYS), "audiences": frozenset({OTHERS})} | trust)
    listed = tuple(public_jwks(*keys.values())["keys"])
    return Issuer(
        trust=trusted,
        mappings={},
        key_source_id=UUID(int=1),
        keys=key_ring(listed, is_fetched=is_fetched, usable_until=usable_until),
        audiences=trusted.audiences | {US},
    )


def make_registry(theirs: PartnerConfiguration) -> Registry:
    """The configuration of one partner, at an installation that has nothing else."""
    people = Ourselves(source=MappingSource.CLIENT, mappings={})
    ours = Installation(
        issuer=US, ceiling=timedelta(minutes=15), keys=EMPTY, api=make_target(f"{US}/api"), people=people
    )
    owner = None if theirs.partner is None else theirs.partner.id
    return build(None, Configuration(epoch=1, keys_version=1, targets=(), partners={owner: theirs}), ours)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A token that is good but for what a case changes; a member changed to None is left out."""

    header: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    declared: TokenType = TokenType.ACCESS_TOKEN
    issuer: Issuer = field(default_factory=make_issuer)
    rule: Rule = Rule.SUBJECT_TOKEN
    signature: bytes = b""
    possession: Any = NOTHING
    only_audience: str = ""

    def presented(self) -> PresentedToken:
        """The token taken apart, as it was signed."""
        description = described(present(HEADER | self.header), present(CLAIMS | self.claims))
        text = spell(description + (b"\n" + self.signature if self.signature else b"")).text
        return replace(read(RawToken(text), self.declared, self.rule), only_audience=self.only_audience)

    def accepted(self) -> VerifiedToken:
        """The token, believed."""
        return verify(self.presented(), self.issuer, make_client(), self.possession, now=NOW)

    def refused(self) -> tuple[Reason, Rule, str, str]:
        """The refusal, in the words that admins read."""
        with pytest.raises(OAuthError) as caught:
            self.accepted()
        (step,) = caught.value.steps
        return caught.value.reason, step.rule, step.expected, step.received


ID_TOKEN: Final = TokenType.ID_TOKEN
JWT: Final = TokenType.JWT
HOUR: Final = timedelta(hours=1)
