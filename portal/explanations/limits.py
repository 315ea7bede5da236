"""Reasons that lie in how much was asked, not in what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from policy.reasons import Reason
from portal.explanations.explanation import Explanation

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMITS: Final[Mapping[Reason, Explanation]] = {
    Reason.LIMIT_ADDRESS: Explanation(
        _("Too many failures from this address"),
        _("So many client authentications failed from this address that nothing of it is looked at for a while."),
        _("Find out who tries: a client with an old secret, or somebody who guesses. Others are not affected."),
    ),
    Reason.LIMIT_CLIENT: Explanation(
        _("Client over its limit"),
        _("The client sent more requests than it may in this time."),
        _("Let it keep tokens until they end, or raise requests_per_minute or burst of the client."),
    ),
    Reason.LIMIT_PARTNER: Explanation(
        _("Partner over its limit"),
        _("The clients of this partner together sent more requests than they may in this time."),
        _("Find the client that asks most, or raise requests_per_minute or burst of the partner."),
    ),
    Reason.LIMIT_SUBJECT: Explanation(
        _("Subject over its limit"),
        _("More was asked for this one subject than may be in this time, whichever client asked."),
        _("Look for a loop that exchanges the same token again and again. The setting is the installation's."),
    ),
    Reason.LIMIT_DAY: Explanation(
        _("Daily quota used up"),
        _("The client, or its partner as a whole, has used its quota of this day. The day is that of UTC."),
        _("Wait until midnight UTC, or raise daily_quota."),
    ),
}
