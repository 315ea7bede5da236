"""Events about a partner's own people: how they are let in, what they propose, and where they were turned away."""

from __future__ import annotations

from audit.events import Event


class InviteSent(Event):
    """Somebody of the partner was asked in. ``data``: invitation, email, expires_at."""

    __slots__ = ()
    kind = "invite.sent"


class InviteRedeemed(Event):
    """An invitation was accepted, and will not be again. ``data``: invitation, email, person."""

    __slots__ = ()
    kind = "invite.redeemed"


class InviteRefused(Event):
    """Somebody wanted to accept an invitation that no longer holds. ``data``: invitation, email, why."""

    __slots__ = ()
    kind = "invite.refused"


class InviteRevoked(Event):
    """An invitation was taken back before anybody accepted it. ``data``: invitation, email."""

    __slots__ = ()
    kind = "invite.revoked"


class InviteExpired(Event):
    """Time ended an invitation that nobody accepted. ``data``: invitation, email."""

    __slots__ = ()
    kind = "invite.expired"


class ProposalMade(Event):
    """The partner wants a trust added or changed. ``data``: proposal, trust, fields with old and new."""

    __slots__ = ()
    kind = "proposal.made"


class ProposalWithdrawn(Event):
    """The partner took a proposal back, or put another in its place. ``data``: proposal, trust."""

    __slots__ = ()
    kind = "proposal.withdrawn"


class ProposalApproved(Event):
    """Somebody of ours put a proposal into force. ``data`` as of ``ProposalWithdrawn``."""

    __slots__ = ()
    kind = "proposal.approved"


class ProposalDeclined(Event):
    """Somebody of ours said no to a proposal. ``data`` as of ``ProposalWithdrawn``, and the answer."""

    __slots__ = ()
    kind = "proposal.declined"


class DomainProved(Event):
    """The partner showed that it speaks for its domain: our words stood in a file there. ``data``: domain, address."""

    __slots__ = ()
    kind = "partner.domain_proved"


class ForeignObjectAsked(Event):
    """A partner's admin asked for an object that is not their partner's (CWE-639). ``data``: object, name, person."""

    __slots__ = ()
    kind = "partner.foreign_object_asked"
