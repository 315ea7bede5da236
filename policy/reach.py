"""What a configuration allows at most, without any token: which client could get which scopes where, and by what.

An upper bound of ``decide``: whatever that grants, a way here allows. So a cell that is empty is empty for certain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from policy.delegation import INSTALLATION_MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import timedelta
    from uuid import UUID

    from policy.claim_rules import ClaimRule
    from policy.mapping import MappingSource, ScopeMapping


class Caller(Protocol):
    """What is read of a client that may use a source."""

    @property
    def client_id(self) -> str: ...
    @property
    def scopes(self) -> frozenset[str]: ...


class Voucher(Protocol):
    """What is read of a trust in force."""

    @property
    def name(self) -> str: ...
    @property
    def issuer(self) -> str: ...
    @property
    def rules(self) -> tuple[ClaimRule, ...]: ...
    @property
    def lifetime(self) -> timedelta: ...
    @property
    def max_depth(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One client's way to one target: by this mapping, at most these scopes, for at most so long.

    ``trust`` is None where no foreign issuer vouches. ``is_certain``: a token with the right scopes is all it takes;
    otherwise conditions on its claims, or an expression, still decide.
    """

    client_id: str
    mapping: ScopeMapping
    trust: Voucher | None
    scopes: frozenset[str]
    lifetime: timedelta
    depth: int

    @property
    def is_certain(self) -> bool:
        """Whether no claim and no expression has a say."""
        has_rules = bool(self.mapping.rules) or bool(self.trust and self.trust.rules)
        return not (has_rules or self.mapping.condition or self.mapping.scopes_expression)


def ways(
    mappings: Sequence[ScopeMapping],
    callers: Mapping[MappingSource, Iterable[Caller]],
    trusts: Mapping[UUID, Voucher],
    *,
    ceiling: timedelta,
) -> tuple[Way, ...]:
    """Every way that these mappings, in the order in which they are tried, open to these callers.

    ``callers`` are the clients that may use each source; ``ceiling`` is the installation's longest lifetime. A mapping
    of a trust that is not among ``trusts`` opens nothing, nor does one behind another that lets everything through.
    """
    return tuple(_ways(mappings, callers, trusts, ceiling))


def _ways(
    mappings: Sequence[ScopeMapping],
    callers: Mapping[MappingSource, Iterable[Caller]],
    trusts: Mapping[UUID, Voucher],
    ceiling: timedelta,
) -> Iterator[Way]:
    for place, mapping in enumerate(mappings):
        trust = None if mapping.trust_id is None else trusts.get(mapping.trust_id)
        if mapping.trust_id is not None and trust is None:
            continue
        for caller in callers.get(mapping.source, ()):
            if _admits(mapping, caller) and not any(hides(other, mapping, caller) for other in mappings[:place]):
                yield _way(mapping, caller, trust, ceiling)


def hides(earlier: ScopeMapping, mapping: ScopeMapping, caller: Caller) -> bool:
    """Whether the earlier mapping always decides for this caller, so that the later one is never tried."""
    if earlier.rules or earlier.condition is not None:
        return False
    is_same_line = (earlier.source, earlier.trust_id, earlier.target.id) == (
        mapping.source,
        mapping.trust_id,
        mapping.target.id,
    )
    return is_same_line and _admits(earlier, caller)


def _admits(mapping: ScopeMapping, caller: Caller) -> bool:
    return mapping.clients is None or caller.client_id in mapping.clients


def _way(mapping: ScopeMapping, caller: Caller, trust: Voucher | None, ceiling: timedelta) -> Way:
    lifetimes = [mapping.lifetime, mapping.target.lifetime, ceiling]
    depths = [mapping.max_depth, INSTALLATION_MAX_DEPTH]
    if trust is not None:
        lifetimes.append(trust.lifetime)
        depths.append(trust.max_depth)
    return Way(
        client_id=caller.client_id,
        mapping=mapping,
        trust=trust,
        scopes=_most(mapping) & caller.scopes,
        lifetime=min(lifetimes),
        depth=min(depths),
    )


def _most(mapping: ScopeMapping) -> frozenset[str]:
    """Every scope the mapping could give: an expression may name whatever the target has."""
    catalogue = frozenset(mapping.target.scopes)
    if mapping.scopes_expression is not None:
        return catalogue
    return mapping.always.union(*mapping.grants.values()) & catalogue
