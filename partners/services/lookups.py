"""Finding the rows a change is about. A partner's row is locked first, so that changes of one partner take turns."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from django.contrib.auth import get_user_model

from partners import models
from partners.errors import ChangedMeanwhile, ConfigurationRefused, IllegalTransition, NotRegistered, Problem, shown
from partners.states import MappingState, PartnerState
from partners.vocabulary import Kind

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.base_user import AbstractBaseUser

    from partners.declarations import Declared


class Objections:
    """What the rest of the configuration has against a declaration, gathered so that all of it is said at once."""

    def __init__(self, declared: Declared) -> None:
        self._declared = declared
        self._problems: list[Problem] = []

    def add(self, field: str, expected: str, came: object) -> None:
        """One more."""
        self._problems.append(Problem(path=(field,), expected=expected, came=shown(came)))

    def raise_any(self) -> None:
        """Raises ``ConfigurationRefused`` when there is at least one."""
        if self._problems:
            raise ConfigurationRefused(self._declared.kind, self._declared.name, tuple(self._problems))

    def target(self, field: str, name: str) -> models.Target | None:
        """The target a field names; an objection when there is none."""
        row = models.Target.objects.filter(name=name).first()
        if row is None:
            self.add(field, "the name of a registered target", name)
        return row

    def person(self, field: str, email: str) -> AbstractBaseUser | None:
        """The account a field names by e-mail address; an objection when there is none."""
        people = get_user_model()._default_manager  # noqa: SLF001 - Django's public name for it has an underscore
        row: AbstractBaseUser | None = people.filter(email__iexact=email).first()
        if row is None:
            self.add(field, "the e-mail address of an account here", email)
        return row


def refuse(declared: Declared, field: str, expected: str, came: object) -> NoReturn:
    """The declaration cannot be accepted because of one field. Raises ``ConfigurationRefused``."""
    problem = Problem(path=(field,), expected=expected, came=shown(came))
    raise ConfigurationRefused(declared.kind, declared.name, (problem,))


def partner(slug: str) -> models.Partner:
    """The partner, locked. Raises ``NotRegistered``."""
    row = models.Partner.objects.select_for_update(of=("self",)).filter(slug=slug).first()
    if row is None:
        raise NotRegistered(Kind.PARTNER, slug)
    return row


def require_in_force(row: models.Partner) -> models.Partner:
    """The partner itself. Raises ``IllegalTransition`` where it was offboarded: nothing of it changes any more."""
    if row.state == PartnerState.OFFBOARDED:
        raise IllegalTransition(f"Partner {row.slug} is offboarded, which is final. Register it under another name.")
    return row


def require_unchanged(what: str, seen: str | None, at: datetime) -> None:
    """Raises ``ChangedMeanwhile`` where the row was written since the stamp that its author saw; None saw nothing."""
    if seen is not None and seen != at.isoformat():
        raise ChangedMeanwhile(
            f"{what} was changed by somebody else since you opened it. Nothing of yours was saved yet: compare both,"
            " then save yours again, or leave theirs."
        )


def owning_partner(declared: Declared, slug: str) -> models.Partner:
    """The partner a declaration names, locked. Raises ``ConfigurationRefused``, and as ``require_in_force`` does."""
    try:
        return require_in_force(partner(slug))
    except NotRegistered:
        refuse(declared, "partner", "the name of a registered partner", slug)


def owner_of_mapping(declared: Declared, slug: str | None) -> models.Partner | None:
    """As ``owning_partner``; None where no partner is named, and then the publishers of our own mappings take turns."""
    if slug is not None:
        return owning_partner(declared, slug)
    take_turns_with_ours()
    return None


def take_turns_with_ours() -> None:
    """Whoever writes mappings of our own waits for whoever writes them now."""
    models.Registry.objects.select_for_update().get(pk=1)


def client(client_id: str) -> models.Client:
    """The client, locked after its partner. Raises ``NotRegistered``."""
    slug = models.Client.objects.filter(client_id=client_id).values_list("partner__slug", flat=True).first()
    if slug:
        partner(slug)
    rows = models.Client.objects.select_for_update(of=("self",)).select_related("partner", "key_source")
    row: models.Client | None = rows.filter(client_id=client_id).first()
    if row is None:
        raise NotRegistered(Kind.CLIENT, client_id)
    return row


def trust(owner: models.Partner, name: str) -> models.FederationTrust:
    """The trust of a locked partner, withdrawn or not. Raises ``NotRegistered``."""
    row = (
        models.FederationTrust.objects.select_related("partner", "key_source").filter(partner=owner, name=name).first()
    )
    if row is None:
        raise NotRegistered(Kind.TRUST, name)
    return row


def published_mapping(owner: models.Partner | None, name: str) -> models.ScopeMapping | None:
    """The version in force of a mapping of a locked partner, or of our own."""
    rows = models.ScopeMapping.objects.select_related("partner", "trust", "target")
    return rows.filter(partner=owner, name=name, state=MappingState.PUBLISHED).first()
