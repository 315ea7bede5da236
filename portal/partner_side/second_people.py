"""Who is no second person about what a partner's own people wrote: whoever let its author in.

An invitation goes to an address of the contact's domain, and its link is shown to whoever made it. They could take it
themselves, write a draft in the partner's name, and publish it in their own: one person, two accounts (rule of two).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from audit.events import ActorKind
from partners import profiles
from partners.drafts import needs_second_person, work
from partners.errors import SecondPersonNeeded
from partners.humans import names_of
from portal.models import Invitation

if TYPE_CHECKING:
    from uuid import UUID

    from audit.events import Actor
    from partners.changes import Change


def who_let_in(partner_id: UUID, email: str) -> frozenset[str]:
    """Whoever invited this person of a partner, named as the audit trail does; nobody for people of ours. One query."""
    used = Invitation.objects.filter(partner=partner_id, email__iexact=email).exclude(used_at=None)
    return frozenset(f"{ActorKind.USER}:{by}" for by in used.values_list("made_by__email", flat=True))


def let_in(actor: Actor, partner_id: UUID, email: str) -> bool:
    """Whether the actor, under any of their names, invited this person."""
    return not who_let_in(partner_id, email).isdisjoint(names_of((str(actor),)))


def require_not_the_inviter(change: Change, partner: str, mapping: str) -> None:
    """Before a draft is published: its author was let in by somebody else. Raises ``SecondPersonNeeded``."""
    owner = profiles.profile(partner) if partner else None
    if owner is None or not needs_second_person(owner.state):
        return
    draft = work(owner.id, mapping).draft
    if draft is not None and let_in(change.actor, owner.id, draft.author):
        authors = tuple(who_let_in(owner.id, draft.author) | {f"{ActorKind.USER}:{draft.author}"})
        raise SecondPersonNeeded(words_for(draft.author), authors)


def words_for(author: str) -> str:
    """Why, for the page that shows the draft."""
    return _("You invited %(author)s, who wrote this draft, so somebody else publishes it.") % {"author": author}
