"""Signing in: our choices where django-allauth offers several, and our words where it has its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from audit.person_events import PersonSignedIn
from exchange.caller import caller_of
from partners.changes import changing
from portal.people.events import about, actor_of
from portal.signing_in import confirming, failures
from portal.signing_in.openid import accounts as openid_accounts

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser
    from django.http import HttpRequest

    from portal.models import User


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
        "rate_limited": _("Too many codes were wrong, so none is tried for 5 minutes. Wait, then enter a new one."),
        "incorrect_password": _("This is not the password of your account. Enter it again, or confirm another way."),
    }

    def login(self, request: HttpRequest, user: User) -> None:
        """Let somebody in who proved all they must, and write it down in the same transaction."""
        with changing(actor_of(user)) as change:
            super().login(request, user)
            confirming.count_sign_in(request)
            proven: list[Any] = list(confirming.methods(request))
            data = about(user) | {"methods": proven, "address": self.get_client_ip(request)}
            change.record(PersonSignedIn(data=data))

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:  # noqa: ANN401 - allauth's signature
        """Write down that somebody failed to sign in, within bounds."""
        failures.note(self.get_client_ip(request), str(credentials.get("email") or credentials.get("username") or ""))

    def get_reauthentication_methods(self, user: User | AnonymousUser) -> list[dict[str, Any]]:
        """How somebody proves again who they are, the usual way first.

        Whoever has a second factor uses it: a password that leaked must not be enough to take the factor away. Where
        there is nothing to ask for, the way is to sign in again; nobody is let pass unasked.
        """
        offered: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        factors = [method for method in offered if method["id"].startswith("mfa")]
        words = {
            "reauthenticate": _("Use your password"),
            "mfa_reauthenticate": _("Use a code of your app, or a recovery code"),
            "mfa_reauthenticate:webauthn": _("Use a passkey"),
        }
        named = [method | {"description": words[method["id"]]} for method in factors or offered]
        if not named and user.is_authenticated and openid_accounts.knows(user):
            words_there = _("Sign in at %(name)s again") % {"name": settings.HANDOVER.openid_name}
            return [{"id": "openid", "description": words_there, "url": reverse("openid_confirm")}]
        again = {"id": confirming.AGAIN, "description": _("Sign in again"), "url": reverse("account_confirm_again")}
        return sorted(named, key=lambda method: not method["id"].endswith("webauthn")) or [again]

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,  # noqa: ARG002
        message_context: dict[str, Any] | None = None,  # noqa: ARG002
        extra_tags: str = "",  # noqa: ARG002
        message: str | None = None,
    ) -> None:
        """Only errors, in our words: what went well is seen on the page it leads to."""
        if message and level == messages.ERROR:
            messages.error(request, message)

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
