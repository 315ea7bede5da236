"""Who an event is about and who caused it, where both are people with an account here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.events import Actor, ActorKind

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from audit.events import JSON
    from portal.models import User


def actor_of(user: User | AnonymousUser) -> Actor:
    """The person as the author of a change."""
    return Actor(ActorKind.USER, user.get_username())


def about(user: User) -> dict[str, JSON]:
    """The person as the subject of an event."""
    return {"person": str(user.pk), "email": user.email}
