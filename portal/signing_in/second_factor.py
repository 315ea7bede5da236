"""Roles whose holders must have a second factor, and the way there for those who have none yet.

A middleware asks before every page, so that no page, present or to come, is open to a stolen password of somebody with
such a role (``HANDOVER_SECOND_FACTOR_ROLES``). What a person needs to enrol stays open to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.shortcuts import redirect
from django.utils.deprecation import MiddlewareMixin

from portal.roles import Role, roles_of
from portal.signing_in.authenticators import Factors
from portal.signing_in.confirming import records

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import AnonymousUser
    from django.http import HttpRequest, HttpResponse

    from portal.models import User

WAY_THERE: Final = frozenset(
    {
        "account",
        "account_confirm_again",
        "account_login",
        "account_logout",
        "account_reauthenticate",
        "account-password",
        "account-second-factor",
        "mfa_activate_totp",
        "mfa_add_webauthn",
        "mfa_authenticate",
        "mfa_generate_recovery_codes",
        "mfa_index",
        "mfa_reauthenticate",
        "mfa_reauthenticate_webauthn",
        "mfa_view_recovery_codes",
        "openid-callback",
        "openid_confirm",
        "openid_connect",
        "openid_sign_in",
    }
)
"""The addresses, by name, that stay open to somebody who must enrol first."""

ELSEWHERE: Final = "openid"
"""How a proof is remembered that the organisation's provider gave."""


def demanding_roles(user: User | AnonymousUser) -> tuple[Role, ...]:
    """The roles of a person that demand a second factor."""
    return tuple(sorted(roles_of(user) & settings.HANDOVER.second_factor_roles))


def must_enrol(request: HttpRequest) -> bool:
    """Whether the person must have a second factor and has none, neither here nor at the provider they came by."""
    if not demanding_roles(request.user):
        return False
    if any(record["method"] == ELSEWHERE and record.get("is_multiple") for record in records(request)):
        return False
    return not Factors(request.user).are_enough  # type: ignore[arg-type]  # whoever has a role has an account


class SecondFactorMiddleware(MiddlewareMixin):
    """Lead whoever must have a second factor, and has none, to the page where they get one.

    The API has no pages to lead to: it refuses by itself (``portal.api.endpoint``).
    """

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: object, kwargs: object
    ) -> HttpResponse | None:
        """Before the view: nothing of it is run for somebody who must enrol first."""
        del view, args, kwargs
        match = request.resolver_match
        if match is None or match.url_name in WAY_THERE or "api" in match.app_names:
            return None
        if not request.user.is_authenticated:
            return None
        return redirect("account-second-factor") if must_enrol(request) else None
