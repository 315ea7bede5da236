"""The pages on which a person lets a device in (RFC 8628 section 3.3): enter its code, see who asks, say yes or no."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.conf import settings
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views import View
from django.views.decorators.http import require_GET
from oauth2_provider.scopes import get_scopes_backend

from exchange import devices, guesses
from exchange.caller import caller_of
from exchange.consents import terms

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.http import HttpRequest, HttpResponse
    from django_stubs_ext import StrPromise

    from exchange.devices import Waiting

DECISIONS: Final = {"allow": True, "refuse": False}
_UNKNOWN: Final = _("No device waits with this code. Compare it with the device; if it is older than 10 minutes, start again there.")  # fmt: skip  # noqa: E501
_TOO_MANY: Final = _(
    "Too many codes were wrong, so none is tried for up to 10 minutes. Wait, then enter the right one."
)
_OVER: Final = _("This request was answered already, or its time was over. Start again on the device.")


class UserCodeForm(forms.Form):
    """The code that the device shows."""

    user_code = forms.CharField(
        max_length=40,
        label=_("Code"),
        error_messages={"required": _("Enter the code that the device shows.")},
        widget=forms.TextInput(
            attrs={"class": "inp", "autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        ),
    )


class DeviceView(View):
    """One address for all of it: the code never is part of one that leaves this browser again.

    A code that came with the address is filled in and no more: somebody may have sent it (section 5.4).
    """

    def get(self, request: HttpRequest) -> HttpResponse:
        """Where the code is entered."""
        user_code = devices.plain(request.GET.get("user_code", "")[:40])
        is_given = len(user_code) == devices.LENGTH
        form = UserCodeForm(initial={"user_code": devices.spaced(user_code)} if is_given else None)
        return render(request, "oauth2_provider/device.html", {"form": form, "is_given": is_given})

    def post(self, request: HttpRequest) -> HttpResponse:
        """Who asks, for a right code; then the answer."""
        form = UserCodeForm(request.POST)
        if not form.is_valid():
            return _again(request, form, HTTPStatus.UNPROCESSABLE_ENTITY)
        user, address = _who(request)
        counted = guesses.count(str(user.pk), address)
        if not counted:
            return _again(request, form, HTTPStatus.TOO_MANY_REQUESTS, _TOO_MANY)
        found = devices.waiting(form.cleaned_data["user_code"])
        if found is None:
            return _again(request, form, HTTPStatus.UNPROCESSABLE_ENTITY, _UNKNOWN)
        guesses.give_back(counted)
        decision = DECISIONS.get(request.POST.get("decision", ""))
        if decision is None:
            return render(request, "oauth2_provider/device_confirm.html", _shown(found, form))
        if not devices.answer(found, user, is_allowed=decision):
            return _again(request, form, HTTPStatus.CONFLICT, _OVER)
        return redirect("oauth-device-allowed" if decision else "oauth-device-refused")


@require_GET
def allowed(request: HttpRequest) -> HttpResponse:
    """What to do next."""
    return render(request, "oauth2_provider/device_allowed.html")


@require_GET
def refused(request: HttpRequest) -> HttpResponse:
    """What to do next."""
    return render(request, "oauth2_provider/device_refused.html")


def _again(
    request: HttpRequest, form: UserCodeForm, status: HTTPStatus, error: StrPromise | None = None
) -> HttpResponse:
    if error is not None:
        form.add_error("user_code", error)
    return render(request, "oauth2_provider/device.html", {"form": form}, status=status)


def _shown(found: Waiting, form: UserCodeForm) -> dict[str, Any]:
    """The request in words; scopes as on the other consent page."""
    words = get_scopes_backend().get_all_scopes()  # type: ignore[no-untyped-call]
    user_code = devices.plain(form.cleaned_data["user_code"])
    return {
        "client": found.client,
        "device": found,
        "user_code": devices.spaced(user_code),
        "terms": terms(found.client_id),
        "scopes_descriptions": [words.get(scope, scope) for scope in found.scope],
    }


def _who(request: HttpRequest) -> tuple[AbstractBaseUser, str]:
    """The person, and the address by the token endpoint's rule (attack A32)."""
    user = request.user
    assert user.is_authenticated  # Django's LoginRequiredMiddleware saw to it
    scope = getattr(request, "scope", None)
    address = caller_of(scope, settings.HANDOVER.trusted_proxies).address if scope else ""
    return user, address or str(request.META.get("REMOTE_ADDR", ""))
