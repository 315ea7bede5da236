"""What was typed about an issuer, examined before anything is saved: by us, or by the partner itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from exchange.examining import examine_issuer, examine_key_set, examine_uploaded
from partners.states import KeyMethod
from portal.partner_pages.trust_forms import key_set_of

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import QueryDict

    from exchange.examining import Examination


def examine(typed: QueryDict, who: UUID) -> tuple[Examination | None, str]:
    """The examination of what was typed so far, or why there is nothing to examine. ``who`` makes one at a time."""
    method = typed.get("method", "")
    if method == KeyMethod.UPLOADED:
        try:
            document = key_set_of(typed.get("jwks", ""))
        except ValidationError as error:
            return None, " ".join(error.messages)
        return (None, _("Paste a key set first.")) if document is None else (examine_uploaded(document), "")
    address = typed.get("jwks_uri" if method == KeyMethod.JWKS_URI else "issuer", "").strip()
    if not address:
        return None, _("Enter an address first.")
    look = examine_key_set if method == KeyMethod.JWKS_URI else examine_issuer
    return look(address, who), ""
