"""Finding the rows a change is about. A partner's row is locked first, so that changes of one partner take turns."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from django.contrib.auth import get_user_model

from partners import models
from partners.checking import shown
from partners.errors import ConfigurationRefused, IllegalTransition, NotRegistered, Problem
from partners.states import MappingState, PartnerState
from partners.vocabulary import Kind

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

    from partners.declarations import Declared


def refuse(declared: Declared, field: str, expected: str, came: object = None) -> NoReturn:
    """The declaration cannot be accepted because of one field. Raises ``ConfigurationRefused``."""
    problem = Problem(path=(field,), expected=expected, came="" if came is None else shown(came))
    raise ConfigurationRefused(declared.kind, declared.name, (problem,))


def partner(slug: str) -> models.Partner:
    """The partner, locked. Raises ``NotRegistered``."""
    row = models.Partner.objects.select_for_update(of=("self",)).filter(slug=slug).first()
    if row is None:
        raise NotRegistered(Kind.PARTNER, slug)
    return row


def partner_in_force(slug: str) -> models.Partner:
    """The partner, locked. Raises ``NotRegistered``, and ``IllegalTransition`` where it was offboarded."""
    row = partner(slug)
    if row.state == PartnerState.OFFBOARDED:
        raise IllegalTransition(f"Partner {slug} is offboarded. That state is final: register it under another name.")
    return row


def owning_partner(declared: Declared, slug: str) -> models.Partner:
    """The partner a declaration names. Raises ``ConfigurationRefused``, or ``IllegalTransition`` for a former one."""
    try:
        return partner_in_force(slug)
    except NotRegistered:
        refuse(declared, "partner", "the name of a registered partner", slug)


def client(client_id: str) -> models.Client:
    """The client, locked after its partner. Raises ``NotRegistered``."""
    slug = models.Client.objects.filter(client_id=client_id).values_list("partner__slug", flat=True).first()
    if slug:
        partner(slug)
    rows = models.Client.objects.select_for_update(of=("self",)).select_related("partner", "key_source")
    row = rows.filter(client_id=client_id).first()
    if row is None:
        raise NotRegistered(Kind.CLIENT, client_id)
    return row


def trust(owner: models.Partner, name: str) -> models.FederationTrust:
    """The trust of a locked partner, withdrawn or not. Raises ``NotRegistered``."""
    row = models.FederationTrust.objects.select_related("partner", "key_source").filter(partner=owner, name=name).first()
    if row is None:
        raise NotRegistered(Kind.TRUST, name)
    return row


def published_mapping(owner: models.Partner, name: str) -> models.ScopeMapping | None:
    """The version in force of a mapping of a locked partner."""
    rows = models.ScopeMapping.objects.select_related("partner", "trust", "target")
    return rows.filter(partner=owner, name=name, state=MappingState.PUBLISHED).first()


def target(declared: Declared, field: str, name: str) -> models.Target:
    """The target a declaration names. Raises ``ConfigurationRefused``."""
    row = models.Target.objects.filter(name=name).first()
    if row is None:
        refuse(declared, field, "the name of a registered target", name)
    return row


def person(declared: Declared, field: str, email: str) -> AbstractBaseUser:
    """The account a declaration names by e-mail address. Raises ``ConfigurationRefused``."""
    row: AbstractBaseUser | None = get_user_model()._default_manager.filter(email__iexact=email).first()  # noqa: SLF001
    if row is None:
        refuse(declared, field, "the e-mail address of an account here", email)
    return row
