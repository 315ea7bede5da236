"""People as lists and pages show them: frozen values, read in a fixed number of queries, never a secret."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Lower, Now

from portal.models import Identity, RoleGrant, SignInLink, User
from portal.roles import Role, roles_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from django.db.models import QuerySet

PAGE_SIZE: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which people are asked for. A field that is empty does not narrow."""

    text: str = ""
    role: str = ""
    is_closed: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One person as the list shows them."""

    id: UUID
    name: str
    email: str
    is_active: bool
    roles: tuple[Role, ...]
    factors: tuple[str, ...]
    last_sign_in: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of the list and the ids to continue from in both directions."""

    entries: tuple[Entry, ...]
    next: UUID | None
    previous: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRole:
    """One role of one person: where it comes from, who gave it, and when. No grant: from before they were kept."""

    role: Role
    grants: tuple[RoleGrant, ...]

    @property
    def is_from_directory(self) -> bool:
        """Whether the organisation's directory gives it: then it is taken there, not here."""
        return any(grant.source == RoleGrant.Source.DIRECTORY for grant in self.grants)


def people(wanted: Wanted, *, after: str = "", before: str = "") -> Page:
    """A page of people by e-mail address, the order of ``user_email_is_one_person``. Four queries at most."""
    backwards = bool(before) and not after
    rows = _matching(wanted).order_by(Lower("email").desc() if backwards else Lower("email").asc())
    anchor = _anchor(after or before)
    if anchor is not None:
        rows = rows.filter(**{f"sorted_email__{'lt' if backwards else 'gt'}": anchor})
    found = list(rows[: PAGE_SIZE + 1])
    has_more, found = len(found) > PAGE_SIZE, found[:PAGE_SIZE]
    if backwards:
        found.reverse()
    has_next, has_previous = (True, has_more) if backwards else (has_more, anchor is not None)
    return Page(
        entries=_entries(found),
        next=found[-1].pk if found and has_next else None,
        previous=found[0].pk if found and has_previous else None,
    )


def find(person_id: UUID) -> User | None:
    """The person of this id, ``issuers`` that know them, and ``link_until``, the end of a sign-in link on its way."""
    issuers = Identity.objects.filter(user=OuterRef("pk")).order_by("issuer").values("issuer")
    links = SignInLink.objects.filter(user=OuterRef("pk"), used_at=None, expires_at__gt=Now()).order_by("-expires_at")
    rows = User.objects.annotate(issuers=ArraySubquery(issuers), link_until=Subquery(links.values("expires_at")[:1]))
    return rows.filter(pk=person_id).first()


def held_roles(person: User) -> tuple[HeldRole, ...]:
    """The roles of one person, with who gave them."""
    grants: Mapping[str, list[RoleGrant]] = defaultdict(list)
    for grant in RoleGrant.objects.filter(user=person).order_by("given_at"):
        grants[grant.role].append(grant)
    held = roles_of(person)
    return tuple(HeldRole(role=role, grants=tuple(grants[role])) for role in Role if role in held)


def _matching(wanted: Wanted) -> QuerySet[User]:
    rows = User.objects.annotate(sorted_email=Lower("email"))
    if wanted.text:
        rows = rows.filter(Q(email__icontains=wanted.text) | Q(name__icontains=wanted.text))
    if wanted.role == Role.SECURITY_ADMIN:
        rows = rows.filter(Q(groups__name=wanted.role) | Q(is_superuser=True)).distinct()
    elif wanted.role:
        rows = rows.filter(groups__name=wanted.role)
    return rows if wanted.is_closed is None else rows.filter(is_active=not wanted.is_closed)


def _anchor(person_id: str) -> str | None:
    try:
        wanted = UUID(person_id)
    except ValueError:
        return None
    email: str | None = User.objects.filter(pk=wanted).values_list(Lower("email"), flat=True).first()
    return email


def _entries(rows: list[User]) -> tuple[Entry, ...]:
    ids = [row.pk for row in rows]
    roles: Mapping[UUID, set[str]] = defaultdict(set)
    for user_id, name in User.groups.through.objects.filter(user__in=ids).values_list("user_id", "group__name"):
        roles[user_id].add(name)
    factors: Mapping[UUID, set[str]] = defaultdict(set)
    counted = Authenticator.objects.filter(user__in=ids).exclude(type=Authenticator.Type.RECOVERY_CODES)
    for user_id, kind in counted.values_list("user_id", "type"):
        factors[user_id].add(kind)
    return tuple(_entry(row, roles[row.pk], factors[row.pk]) for row in rows)


def _entry(row: User, names: set[str], factors: set[str]) -> Entry:
    held = names | ({Role.SECURITY_ADMIN} if row.is_superuser else set())
    return Entry(
        id=row.pk,
        name=row.name,
        email=row.email,
        is_active=row.is_active,
        roles=tuple(role for role in Role if role in held),
        factors=tuple(sorted(factors)),
        last_sign_in=row.last_login,
    )
