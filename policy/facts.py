"""The facts a decision is made from, and the two answers it can give."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from policy.expressions import Variables
from policy.tokens import TokenFacts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta
    from uuid import UUID

    from policy.mapping import MappingSource, ScopeMapping
    from policy.origin import Origin
    from policy.parties import Client, Target, TokenFormat
    from policy.reasons import Reason, Step
    from policy.tokens import JSON
    from policy.trust import Trust

T = TypeVar("T", bound=TokenFacts)
T_co = TypeVar("T_co", bound=TokenFacts, covariant=True)


class Asked(Protocol):
    """What a request asks for, already well formed. ``scope`` is None where the request names none."""

    @property
    def audience(self) -> tuple[str, ...]: ...
    @property
    def resource(self) -> tuple[str, ...]: ...
    @property
    def scope(self) -> frozenset[str] | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor(Generic[T_co]):
    """The acting party: its token, and the trust that vouches for the token's issuer; None for a token of ours."""

    token: T_co
    trust: Trust | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts(Generic[T]):
    """Everything a decision may know. ``targets`` is the whole catalogue, by audience and by resource URI.

    ``source`` says what is made into a token; ``trust`` is the subject's issuer, None where that is ourselves. Then
    ``origins`` are where our own tokens of the request came from, once each. ``mappings`` are the published mappings of
    the source by target id, each target's in order; ``ceiling`` is the longest lifetime the installation allows.
    """

    request: Asked
    client: Client
    subject: T
    actor: Actor[T] | None
    source: MappingSource
    trust: Trust | None
    mappings: Mapping[UUID, tuple[ScopeMapping, ...]]
    targets: Mapping[str, Target]
    ceiling: timedelta
    origins: tuple[Origin, ...] = ()

    def variables(self) -> Variables:
        """What the expressions of a mapping may read. Without an actor token its claims are empty."""
        actor = {} if self.actor is None else self.actor.token.claims
        return Variables(self.subject.claims, actor, self.client.client_id, self.subject.scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted(Generic[T_co]):
    """A yes: what the token to be minted says, and the mappings that allow it. ``claims`` are those carried over."""

    token: T_co
    subject: str
    audience: tuple[str, ...]
    token_format: TokenFormat
    scope: frozenset[str]
    expires_at: datetime
    act: Mapping[str, JSON] | None
    mappings: tuple[ScopeMapping, ...]
    steps: tuple[Step, ...]
    claims: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A no: one reason, and the steps up to and including the one that refused."""

    reason: Reason
    steps: tuple[Step, ...]
