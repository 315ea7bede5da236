"""Letters about proposals: to the partner's owner that one waits, to its author how it was decided.

A letter that is not taken changes nothing: the proposal stands on both sides' pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from partners.particulars import particulars
from portal import mail

if TYPE_CHECKING:
    from portal.partner_side.proposals import Proposed
    from portal.partner_side.sides import Side

log = structlog.get_logger(__name__)


def tell_owner(side: Side, issuer: str) -> None:
    """Somebody of the partner proposes an issuer, or a change of one."""
    subject = _("%(partner)s proposes an issuer") % {"partner": side.partner.name}
    _tell_owner(side, subject, {"issuer": issuer}, reverse("partners-people", args=[side.partner.slug]))


def tell_owner_of_draft(side: Side, mapping: str) -> None:
    """Somebody of the partner proposes a change of a mapping, as its draft."""
    subject = _("%(partner)s proposes a change of a mapping") % {"partner": side.partner.name}
    path = reverse("partners-mapping-versions", args=[side.partner.slug, mapping])
    _tell_owner(side, subject, {"mapping": mapping}, path)


def tell_author(proposed: Proposed) -> None:
    """Somebody of ours decided about a proposal. Who it was is said on our pages alone."""
    subject = _("Your proposal for %(issuer)s") % {"issuer": proposed.issuer}
    _send(proposed.author_email, subject, "decided", {"it": proposed}, reverse("connect"))


def _tell_owner(side: Side, subject: str, context: dict[str, Any], path: str) -> None:
    """Without an owner the page alone says it."""
    known = particulars(side.partner.slug)
    if known is None or not known.declared.owner:
        return
    told = {"partner": side.partner, "author": side.person.email, **context}
    _send(known.declared.owner, subject, "proposed", told, path)


def _send(to: str, subject: str, template: str, context: dict[str, Any], path: str) -> None:
    config = settings.HANDOVER
    told = {**context, "address": config.issuer + path, "environment": config.environment}
    try:
        mail.send(to, subject, template, told)
    except OSError as error:
        log.warning("mail.failed", why=type(error).__name__)
