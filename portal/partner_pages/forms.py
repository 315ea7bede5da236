"""The form of a partner itself: who it is, who answers for it, until when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from partners.checking import read, write
from partners.vocabulary import Kind
from portal.form_fields import day, line, text

if TYPE_CHECKING:
    from partners.declarations import DeclaredPartner

_KEPT = ("state", "trust_anchors", "default_target", "requests_per_minute", "burst", "daily_quota")


class PartnerForm(forms.Form):
    """A partner's own fields; ``name`` only while it is registered."""

    title = line(_("Organisation"), _("Its name on pages."))
    name = line(_("Short name"), _("Small letters, digits and hyphens. It is part of sub in tokens, and stays."))
    owner = line(_("Owner"), _("Who answers for it here: the e-mail address of an account."), required=False)
    contact_email = line(_("Contact"), _("Whom to reach at the partner: an e-mail address."), required=False)
    purpose = text(_("Purpose"), _("What the partnership is for."), rows=2)
    review_due_on = day(_("Next review"), _("When somebody looks at it again."))
    contract_ends_on = day(_("Contract ends"), _("Left empty: no end is agreed."))

    def __init__(self, *args: Any, before: DeclaredPartner | None = None, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self._before = before
        if before is not None:
            del self.fields["name"]

    def declared(self) -> DeclaredPartner:
        """What the valid form declares, beside what it does not show. Raises ``ConfigurationRefused``."""
        data = self.cleaned_data
        kept = write(self._before) if self._before else {}
        document = {name: kept[name] for name in (*_KEPT, "name") if name in kept}
        for name, value in data.items():
            document[name] = value.isoformat() if hasattr(value, "isoformat") else value
        for name in ("owner", "contact_email", "review_due_on", "contract_ends_on"):
            document[name] = document[name] or None
        document["purpose"] = data["purpose"].replace("\r\n", "\n")
        return read(Kind.PARTNER, document)  # type: ignore[return-value]
