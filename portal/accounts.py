"""Signing in: our choices where django-allauth offers several, and our words where it has its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import LoginForm
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from exchange.caller import caller_of

if TYPE_CHECKING:
    from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Accounts are made by administrators; redirects stay here; rate limits count the real caller."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _(
            "No account has this e-mail address and password. Check both, or ask an administrator for a new password."
        ),
        "too_many_login_attempts": _(
            "Too many sign-ins failed, so this account is on hold for 5 minutes. Wait, then try again."
        ),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002 - allauth's signature
        """Nobody signs up by themselves."""
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """Only addresses of this very site, written without a host (CWE-601)."""
        return bool(url) and url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address that rate limits count, by the same rule as the token endpoint's (attack A32).

        Raises ``PermissionDenied`` when there is none: without a count there is no limit.
        """
        scope = getattr(request, "scope", None)
        address = caller_of(scope, settings.HANDOVER.trusted_proxies).address if scope else None
        address = address or request.META.get("REMOTE_ADDR")
        if not address:
            raise PermissionDenied(_("The request has no address to count sign-ins by."))
        return str(address)


class SignInForm(LoginForm):  # type: ignore[misc]  # allauth has no types
    """E-mail address and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        words = {
            "login": (_("E-mail address"), _("Enter your e-mail address.")),
            "password": (_("Password"), _("Enter your password.")),
        }
        for name, (label, missing) in words.items():
            field = self.fields[name]
            field.label = label
            field.error_messages["required"] = missing
            field.widget.attrs = {"class": "inp", "autocomplete": field.widget.attrs.get("autocomplete", "username")}
        self.fields["login"].error_messages["invalid"] = _("This is no e-mail address. It looks like name@example.com.")
        self.fields["login"].widget.attrs |= {"autocomplete": "username", "autofocus": not self.is_bound}
