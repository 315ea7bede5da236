"""Events about what is watched of a partner: reminders that were sent, and alerts about its trusts."""

from __future__ import annotations

from audit.events import Event


class ReminderSent(Event):
    """Somebody was told by mail what ends. ``data``: email, audience, endings (kind, subject, ends_on, days)."""

    __slots__ = ()
    kind = "reminder.sent"


class AlertRaised(Event):
    """Something about a partner that somebody should know. ``data``: alert (its kind), subject, issuer, detail."""

    __slots__ = ()
    kind = "alert.raised"


class AlertEnded(Event):
    """What an alert told of is over. ``data`` as of ``AlertRaised``."""

    __slots__ = ()
    kind = "alert.ended"


class AlertAcknowledged(Event):
    """A person saw an alert. ``data`` as of ``AlertRaised``."""

    __slots__ = ()
    kind = "alert.acknowledged"
