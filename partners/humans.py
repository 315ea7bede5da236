"""Who is one human although they have several accounts: a second person is another human, not another account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db.models import Q
from django.db.models.functions import Coalesce

from audit.events import ActorKind

if TYPE_CHECKING:
    from collections.abc import Collection


def names_of(actors: Collection[str]) -> frozenset[str]:
    """These actors, named as the audit trail does, and every other name under which the same humans act. One query."""
    prefix = f"{ActorKind.USER}:"
    emails = [actor.removeprefix(prefix) for actor in actors if actor.startswith(prefix)]
    people = get_user_model()._default_manager.annotate(human=Coalesce("person", "pk"))  # noqa: SLF001 - Django's own
    humans = people.filter(email__in=emails).values("human")
    rows = people.filter(Q(pk__in=humans) | Q(person__in=humans))
    return frozenset(actors) | {prefix + email for email in rows.values_list("email", flat=True)}
