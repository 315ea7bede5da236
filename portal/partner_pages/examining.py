"""What was typed about an issuer, examined before anything is saved: by us, or by the partner itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from exchange.examining import examine_issuer, examine_key_set, examine_uploaded
from partners.states import KeyMethod
from portal.partner_pages.pasted_keys import key_set_of

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import QueryDict

    from exchange.examining import Examination
    from partners.declarations import DeclaredTrust, DeclaredWorkload

    Described: TypeAlias = DeclaredTrust | DeclaredWorkload


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


def examine_anew(before: Described | None, after: Described | None, who: UUID) -> Examination | None:
    """What is published now, where a change makes us read it elsewhere: the issuer's name is compared anew."""
    if after is None or after.jwks is not None or _place(after) == _place(before):
        return None
    return examine_issuer(after.issuer, who) if after.jwks_uri is None else examine_key_set(after.jwks_uri, who)


def _place(where: Described | None) -> tuple[str, str | None, bool] | None:
    return None if where is None else (where.issuer, where.jwks_uri, bool(where.jwks))
