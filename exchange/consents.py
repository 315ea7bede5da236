"""What people lent to clients: which scopes, where, until when; and taking it back (RFC 7009 s2; ASVS 10.4.9, 10.7.3).

django-oauth-toolkit keeps codes and refresh tokens, our ledger the tokens that came of them; both know one consent by
its root. Whoever takes it back ends both at once: nothing is refreshed, and no token of it stands at the next question.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.models import DateTimeField, ExpressionWrapper, F, Q, Value
from django.db.models.functions import Now
from oauth2_provider.models import Grant, RefreshToken, refresh_token_expire_timedelta

from exchange.models import DeviceGrant, IssuedToken, TokenFamily
from exchange.protocol.response import API_PATH
from partners.changes import LEDGER_LOCK
from partners.vocabulary import GrantType

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from django.db.models import QuerySet


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Where a client may act for a person, and for how long. ``is_renewed``: counted from when it last did."""

    where: str
    lasts: timedelta
    is_renewed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What one client holds of a person. ``is_renewed``: until ``until`` it can get another token, and then longer."""

    client: UUID
    client_id: str
    name: str
    partner: str
    scopes: tuple[str, ...]
    where: str
    since: datetime
    until: datetime
    tokens: int
    is_renewed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """What was taken from a client: how many roots of tokens, which tokens of each kind all go back to."""

    client_id: str
    partner_id: UUID | None
    partner: str
    roots: int


@dataclass(slots=True)
class _Held:
    """What is being found out about one client."""

    scopes: set[str] = field(default_factory=set)
    since: list[datetime] = field(default_factory=list)
    until: list[datetime] = field(default_factory=list)
    tokens: int = 0
    is_renewed: bool = False


def terms(client_id: str) -> Terms:
    """What a person is told before they say yes (ASVS 10.7.2)."""
    grants = _clients().filter(client_id=client_id).values_list("grant_types", flat=True).first() or ()
    is_renewed = GrantType.REFRESH_TOKEN in grants
    lasts = _refreshed_for() if is_renewed else settings.HANDOVER.token_lifetime
    return Terms(where=_where(), lasts=lasts, is_renewed=is_renewed)


def consents(user_id: UUID, now: datetime) -> tuple[Consent, ...]:
    """What clients hold of a person now, by the client's name. Two queries."""
    held: dict[UUID, _Held] = {}
    for client, scope, since, until, is_renewed in _refreshable(user_id, now).union(_live(user_id, now), all=True):
        found = held.setdefault(client, _Held())
        found.scopes.update(scope.split())
        found.since.append(since)
        found.until.append(until)
        found.is_renewed |= is_renewed
        found.tokens += not is_renewed
    rows = _clients().filter(pk__in=held).select_related("partner").order_by("name", "client_id")
    return tuple(_consent(row, held[row.pk]) for row in rows)


def withdraw(user_id: UUID, client: UUID) -> Withdrawn | None:
    """End all that the client holds of the person; None for a client that there is not. To be called in a transaction.

    Codes and devices that wait go first, so that none of them becomes a token meanwhile; then each root, in turn with
    whoever is refreshing it. Nothing that goes back to one commits afterwards (performance.md decision 3).
    """
    row = _clients().filter(pk=client).select_related("partner").first()
    if row is None:
        return None
    Grant.objects.filter(user=user_id, application=client).delete()
    DeviceGrant.objects.filter(user=user_id, client_id=row.client_id).delete()
    roots = sorted({*_roots_of_refreshing(user_id, client), *_roots_of_tokens(user_id, client)})
    with connection.cursor() as cursor:
        for root in roots:
            cursor.execute("SELECT pg_advisory_xact_lock(1, hashtext(%s))", [root])
            RefreshToken.revoke_family(UUID(root))
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LEDGER_LOCK])
    families = TokenFamily.objects.filter(root_issuer=settings.HANDOVER.issuer, root_token_id__in=roots)
    families.filter(revoked_at=None).update(revoked_at=Now(), revoked_reason="consent withdrawn")
    return Withdrawn(
        client_id=row.client_id,
        partner_id=row.partner_id,
        partner=row.partner.slug if row.partner else "",
        roots=len(roots),
    )


def _consent(row: Any, held: _Held) -> Consent:  # noqa: ANN401 - a client, whose model is another app's
    return Consent(
        client=row.pk,
        client_id=row.client_id,
        name=row.name or row.client_id,
        partner=row.partner.name if row.partner else "",
        scopes=tuple(sorted(held.scopes)),
        where=_where(),
        since=min(held.since),
        until=max(held.until),
        tokens=held.tokens,
        is_renewed=held.is_renewed,
    )


def _refreshable(user_id: UUID, now: datetime) -> QuerySet[RefreshToken, tuple[Any, ...]]:
    """The refresh tokens that would be served, by the toolkit's own rule: an end that moves on with each token."""
    alive = Q(access_token__expires__gt=now - _refreshed_for())
    rows: QuerySet[RefreshToken] = RefreshToken.objects.filter(alive, user=user_id, revoked=None)
    ends = ExpressionWrapper(F("access_token__expires") + _refreshed_for(), DateTimeField())
    return rows.values_list("application_id", "access_token__scope", "created", ends, Value(value=True))


def _families(user_id: UUID) -> QuerySet[TokenFamily]:
    own = {"subject": f"user:{user_id}", "root_issuer": settings.HANDOVER.issuer}
    return TokenFamily.objects.filter(**own, revoked_at=None)


def _live(user_id: UUID, now: datetime) -> QuerySet[IssuedToken, tuple[Any, ...]]:
    """The first token of each family that is in force: the one the client was given. None outlives it."""
    families = _families(user_id).filter(expires_at__gt=now).values("id")
    rows = IssuedToken.objects.filter(family_id__in=families, parent_id=None, revoked_at=None, expires_at__gt=now)
    return rows.values_list("client_id", "scope", "issued_at", "expires_at", Value(value=False))


def _roots_of_refreshing(user_id: UUID, client: UUID) -> Iterable[str]:
    rows = RefreshToken.objects.filter(user=user_id, application=client, revoked=None, token_family__isnull=False)
    return {str(root) for root in rows.values_list("token_family", flat=True)}


def _roots_of_tokens(user_id: UUID, client: UUID) -> Iterable[str]:
    families = _families(user_id).filter(expires_at__gt=Now())
    first = IssuedToken.objects.filter(client_id=client, parent_id=None, family_id__in=families.values("id"))
    rows = TokenFamily.objects.filter(pk__in=first.values("family_id"))
    return rows.values_list("root_token_id", flat=True)


def _clients() -> QuerySet[Any]:
    rows: QuerySet[Any] = apps.get_model(settings.OAUTH2_PROVIDER_APPLICATION_MODEL).objects.all()
    return rows


def _refreshed_for() -> timedelta:
    lasts: timedelta = refresh_token_expire_timedelta()  # type: ignore[no-untyped-call]
    return lasts


def _where() -> str:
    return f"{settings.HANDOVER.issuer}{API_PATH}"
