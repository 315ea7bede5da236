"""Who can reach what: the ways that published mappings open, now or as the mappings were at an earlier moment.

Mappings and withdrawals of trusts have times. What has none is taken as it is now: clients, the state of a partner, the
conditions of a trust and the targets with their scopes.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Lower

from partners import models
from partners.mapping_values import COLUMNS, mapping_of, rules_of
from partners.selectors import active_targets
from partners.states import ClientState, MappingState, PartnerState, TrustState
from partners.vocabulary import GrantType
from policy.mapping import MappingSource
from policy.parties import Risk
from policy.reach import Way, ways

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from django.db.models import QuerySet

    from policy.claim_rules import ClaimRule
    from policy.mapping import ScopeMapping
    from policy.parties import Target

PAGE_SIZE: Final = 15
MOST_OFFERED: Final = 200
SHOWN: Final = (PartnerState.ACTIVE, PartnerState.SUSPENDED)
"""Partners that exchange, or could again. Those before their activation reach test targets only."""

_BY_TOKEN: Final = frozenset({GrantType.TOKEN_EXCHANGE, GrantType.JWT_BEARER})
_GRANTS: Final[Mapping[MappingSource, frozenset[GrantType]]] = {
    MappingSource.TRUST: _BY_TOKEN,
    MappingSource.OWN_TOKEN: _BY_TOKEN,
    MappingSource.CLIENT: frozenset({GrantType.CLIENT_CREDENTIALS}),
}
_RISKS: Final = tuple(Risk)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for. Empty fields narrow nothing; ``risk`` is the least a scope must have."""

    text: str = ""
    slug: str = ""
    target: str = ""
    scope: str = ""
    risk: str = ""

    def keeps(self, target: Target, scope: str) -> bool:
        """Whether a scope of a target is asked for."""
        if self.scope and scope != self.scope:
            return False
        known = target.scopes.get(scope)
        return not self.risk or (known is not None and _RISKS.index(known.risk) >= _RISKS.index(Risk(self.risk)))


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerReach:
    """One partner and the ways it has, ``before`` as well where another moment is compared with."""

    id: UUID
    slug: str
    name: str
    state: str
    ways: tuple[Way, ...]
    before: tuple[Way, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachPage:
    """Partners by name with their ways, the targets asked for, and the slug to continue after.

    ``offered`` are the names of all targets, for a filter, the first of very many.
    """

    partners: tuple[PartnerReach, ...]
    targets: tuple[Target, ...]
    offered: tuple[str, ...]
    next: str


def reach(wanted: Wanted, *, ceiling: timedelta, after: str = "", at: datetime | None = None) -> ReachPage:
    """A page of partners with what they can reach; with ``at`` also what they could reach then. Seven queries at most.

    The order of the partners is that of ``partner_by_name``.
    """
    catalogue = active_targets()
    targets = [target for target in catalogue.values() if not target.is_test and _is_wanted(wanted, target)]
    rows = list(_rows(wanted, after, targets)[: PAGE_SIZE + 1])
    found = rows[:PAGE_SIZE]
    read = _Read.of([row["id"] for row in found], {target.id: target for target in targets}, has_past=at is not None)
    return ReachPage(
        partners=tuple(
            PartnerReach(
                **row,
                ways=_kept(wanted, read.ways(row, None, ceiling)),
                before=None if at is None else _kept(wanted, read.ways(row, at, ceiling)),
            )
            for row in found
        ),
        targets=tuple(sorted(targets, key=lambda target: target.name)),
        offered=tuple(sorted(target.name for target in catalogue.values() if not target.is_test))[:MOST_OFFERED],
        next=found[-1]["slug"] if len(rows) > PAGE_SIZE else "",
    )


def target_names() -> tuple[str, ...]:
    """The targets to offer in a filter, by name, the first of very many. One query."""
    rows = models.Target.objects.filter(is_active=True, is_test=False).order_by("name")
    return tuple(rows.values_list("name", flat=True)[:MOST_OFFERED])


def _is_wanted(wanted: Wanted, target: Target) -> bool:
    if wanted.target and target.name != wanted.target:
        return False
    return not (wanted.scope or wanted.risk) or any(wanted.keeps(target, scope) for scope in target.scopes)


def _rows(wanted: Wanted, after: str, targets: Iterable[Target]) -> QuerySet[Any, Any]:
    """Partners in the order of their names, those without a mapping to what is asked for left out."""
    rows = models.Partner.objects.filter(state__in=SHOWN).annotate(sorted_name=Lower("name"))
    if wanted.slug:
        rows = rows.filter(slug=wanted.slug)
    if wanted.text:
        rows = rows.filter(Q(name__icontains=wanted.text) | Q(slug__icontains=wanted.text))
    if wanted.target or wanted.scope or wanted.risk:
        leading = models.ScopeMapping.objects.filter(partner=OuterRef("pk"), target__in=[t.id for t in targets])
        rows = rows.filter(Exists(leading.exclude(state=MappingState.DRAFT)))
    anchor = models.Partner.objects.filter(slug=after).values_list(Lower("name"), flat=True).first() if after else None
    if anchor is not None:
        rows = rows.filter(Q(sorted_name__gt=anchor) | Q(sorted_name=anchor, slug__gt=after))
    return rows.order_by(Lower("name"), "slug").values("id", "slug", "name", "state")


def _kept(wanted: Wanted, found: Iterable[Way]) -> tuple[Way, ...]:
    """The ways that lead to something asked for; a way keeps all its scopes, for that is what it is worth."""
    return tuple(way for way in found if any(wanted.keeps(way.mapping.target, scope) for scope in way.scopes))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Caller:
    """What ``policy.reach`` reads of a client."""

    client_id: str
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Voucher:
    """What ``policy.reach`` reads of a trust."""

    name: str
    issuer: str
    rules: tuple[ClaimRule, ...]
    lifetime: timedelta
    max_depth: int


_COLUMNS: Final = (*COLUMNS, "partner_id", "state", "position")
_TIMES: Final = ("created_at", "updated_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """The rows of some partners, by partner: those in force, or enough for any moment."""

    clients: Mapping[UUID, list[models.Client]]
    trusts: Mapping[UUID, list[models.FederationTrust]]
    mappings: Mapping[UUID, list[Any]]
    """Rows of ``_COLUMNS``, and of ``_TIMES`` where another moment is asked about."""
    targets: Mapping[UUID, Target]

    @classmethod
    def of(cls, ids: Sequence[UUID], targets: Mapping[UUID, Target], *, has_past: bool) -> _Read:
        """Three queries, led by partner; without the past only what is in force is read."""
        clients = models.Client.objects.filter(partner__in=ids, state=ClientState.ACTIVE)
        mappings = models.ScopeMapping.objects.filter(partner__in=ids, target__in=list(targets))
        if has_past:
            rows = mappings.exclude(state=MappingState.DRAFT).values_list(*_COLUMNS, *_TIMES, named=True)
        else:
            rows = mappings.filter(state=MappingState.PUBLISHED).values_list(*_COLUMNS, named=True)
        return cls(
            clients=_by_partner(clients.only("partner_id", "client_id", "scopes", "grant_types").order_by("client_id")),
            trusts=_by_partner(models.FederationTrust.objects.filter(partner__in=ids)),
            mappings=_by_partner(rows),
            targets=targets,
        )

    def ways(self, row: Mapping[str, Any], at: datetime | None, ceiling: timedelta) -> tuple[Way, ...]:
        """What the partner can reach now, or could at that moment; nothing while it is suspended."""
        if row["state"] != PartnerState.ACTIVE:
            return ()
        trusts = {
            trust.id: _Voucher(
                name=trust.name,
                issuer=trust.issuer,
                rules=rules_of(trust.rules),
                lifetime=trust.lifetime,
                max_depth=trust.max_depth,
            )
            for trust in self.trusts[row["id"]]
            if _is_in_force(trust, at)
        }
        return ways(self._mappings(row["id"], at), self._callers(row["id"]), trusts, ceiling=ceiling)

    def _callers(self, partner: UUID) -> dict[MappingSource, list[_Caller]]:
        clients = self.clients[partner]
        return {
            source: [
                _Caller(client_id=client.client_id, scopes=frozenset(client.scopes))
                for client in clients
                if not grants.isdisjoint(client.grant_types)
            ]
            for source, grants in _GRANTS.items()
        }

    def _mappings(self, partner: UUID, at: datetime | None) -> list[ScopeMapping]:
        """The version of each mapping in force at that moment, in the order in which they are tried."""
        chosen: dict[str, Any] = {}
        for row in sorted(self.mappings[partner], key=lambda row: row.version):
            if row.name not in chosen and _was_published(row, at):
                chosen[row.name] = row
        ordered = sorted(chosen.values(), key=lambda row: (row.position, row.name))
        return [mapping_of(row, self.targets[row.target_id]) for row in ordered]


def _was_published(row: Any, at: datetime | None) -> bool:  # noqa: ANN401 - one of those rows
    """A published version never changes but for its state: its last change is its end, or, in force, its start."""
    is_now = bool(row.state == MappingState.PUBLISHED)
    if at is None:
        return is_now
    return bool(row.updated_at <= at if is_now else row.created_at <= at < row.updated_at)


def _is_in_force(trust: models.FederationTrust, at: datetime | None) -> bool:
    if at is None or trust.state != TrustState.WITHDRAWN:
        return trust.state == TrustState.ACTIVE and (at is None or trust.created_at <= at)
    return trust.created_at <= at < trust.updated_at


def _by_partner(rows: Iterable[Any]) -> dict[UUID, list[Any]]:
    groups: dict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        groups[row.partner_id].append(row)
    return groups
